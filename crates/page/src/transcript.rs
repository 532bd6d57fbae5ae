//! Terraform's own words, folded, with the middle cut where they are long.

use crate::html::{Html, thousands};

/// At most this many bytes are shown: what a browser still searches at once.
const SHOWN: usize = 400_000;

/// The section, with its heading.
pub(crate) fn section(text: &str) -> Html {
    let mut html = Html::default();
    html.raw("<section aria-labelledby=\"text-h\"><h2 id=\"text-h\">Terraform’s own words</h2><details class=\"transcript\"><summary>plan.txt, ");
    html.count(text.lines().count())
        .raw(" lines</summary><pre tabindex=\"0\" aria-label=\"What terraform plan printed\">");
    let (head, left_out, tail) = middle_cut(text, SHOWN);
    lines(&mut html, head);
    if left_out > 0 {
        html.raw("<em class=\"cut\">").text(format!(
            "… {} lines are left out here: plan.txt has them …",
            thousands(left_out)
        ));
        html.raw("</em>\n");
        lines(&mut html, tail);
    }
    html.raw("</pre></details></section>");
    html
}

/// Lines that add, take away or change are marked as terraform marks them.
fn lines(html: &mut Html, text: &str) {
    for line in text.split_inclusive('\n') {
        let class = match line.trim_start().as_bytes() {
            [b'+', b' ' | b'/', ..] => "<ins>",
            [b'-', b' ' | b'/', ..] => "<del>",
            [b'~', b' ', ..] => "<b>",
            _ => "",
        };
        html.raw(class).lines(line);
        html.raw(match class {
            "<ins>" => "</ins>",
            "<del>" => "</del>",
            "<b>" => "</b>",
            _ => "",
        });
    }
}

/// The first and the last half of `limit` bytes, in whole lines, and how many lines lie between.
fn middle_cut(text: &str, limit: usize) -> (&str, usize, &str) {
    if text.len() <= limit {
        return (text, 0, "");
    }
    let near = |at: usize| (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let (head, tail) = (near(limit / 2), near(text.len() - limit / 2));
    // A single endless line is cut where it must be.
    let head = text[..head].rfind('\n').map_or(head, |at| at + 1);
    let tail = text[tail..].find('\n').map_or(tail, |at| tail + at + 1);
    (&text[..head], text[head..tail].lines().count(), &text[tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_goes_and_the_ends_stay() {
        let text: String = (0..1000).map(|n| format!("line {n}\n")).collect();
        let (head, left_out, tail) = middle_cut(&text, 1000);
        assert!(head.starts_with("line 0\n") && head.ends_with('\n'));
        assert!(tail.starts_with("line ") && tail.ends_with("line 999\n"));
        assert_eq!(head.lines().count() + left_out + tail.lines().count(), 1000);
        assert!(head.len() + tail.len() <= 1000);
    }

    #[test]
    fn one_endless_line_is_cut_between_characters() {
        let text = "東".repeat(1000);
        let (head, left_out, tail) = middle_cut(&text, 100);
        assert_eq!(left_out, 1);
        assert!(!head.is_empty() && !tail.is_empty());
    }

    #[test]
    fn short_texts_stay_whole() {
        assert_eq!(middle_cut("a\nb", 10), ("a\nb", 0, ""));
    }
}
