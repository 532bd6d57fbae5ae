//! Text from outside, made safe to show.

/// The text on one line, with nothing in it that can steer a terminal or a GitLab job log.
///
/// Control characters (escape sequences start with one, GitLab's `section_start` marker needs `\r` and `\x1b`),
/// line and paragraph separators, and the marks that reorder text (bidirectional controls) are each shown as a
/// visible stand-in. Tabs and line feeds become spaces. Nothing is dropped silently.
///
/// ```
/// use portcullis_report::text::clean;
/// assert_eq!(clean("web\u{1b}[31m red\nnext"), "web␛[31m red next");
/// ```
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => ' ',
            // Control Pictures block: U+2400 stands for U+0000, and so on.
            '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
            '\u{7f}' => '␡',
            '\u{80}'..='\u{9f}' => '\u{fffd}',
            '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                '\u{fffd}'
            }
            '\u{200b}'..='\u{200d}' | '\u{feff}' => '\u{fffd}',
            _ => c,
        })
        .collect()
}

/// [`clean`], line by line: line feeds are kept, everything else is made safe. For text of several lines, such as
/// terraform's own output.
///
/// ```
/// use portcullis_report::text::clean_lines;
/// assert_eq!(clean_lines("one\ntwo\r\n"), "one\ntwo \n");
/// ```
#[must_use]
pub fn clean_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push_str(&clean(line));
    }
    out
}

/// [`clean`], and nothing in it can act as Markdown, HTML, a mention or a reference in GitLab.
///
/// ```
/// use portcullis_report::text::markdown;
/// assert_eq!(markdown("a|b <img> @all `x`"), "a\\|b \\<img\\> \\@all \\`x\\`");
/// ```
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        // Any ASCII punctuation may be escaped by a backslash (CommonMark, "Backslash escapes").
        if matches!(
            c,
            '\\' | '`'
                | '*'
                | '_'
                | '{'
                | '}'
                | '['
                | ']'
                | '<'
                | '>'
                | '#'
                | '|'
                | '~'
                | '@'
                | '!'
                | '&'
                | '$'
                | '%'
                | '^'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Appends `head` and `text`, folded between words to lines of at most `columns` characters; the lines after the first start
/// under the text. A word that is too long for a line is left whole. Ends with a line feed.
///
/// ```
/// use portcullis_report::text::fold;
/// let mut out = String::new();
/// fold(&mut out, "note: ", "rules made by hand", 16);
/// assert_eq!(out, "note: rules made\n      by hand\n");
/// ```
pub fn fold(out: &mut String, head: &str, text: &str, columns: usize) {
    let indent = head.chars().count();
    let mut column = indent;
    out.push_str(head);
    for (index, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 {
            if column.saturating_add(length + 1) > columns && column > indent {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            } else {
                out.push(' ');
                column += 1;
            }
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}

/// At most `width` characters, the last of them an ellipsis when something was cut.
///
/// ```
/// use portcullis_report::text::cut;
/// assert_eq!(cut("security group", 9), "security…");
/// assert_eq!(cut("web", 9), "web");
/// ```
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(width.saturating_sub(1)).collect();
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_marker_cannot_fold_the_log() {
        let hostile = "x\u{1b}[0Ksection_start:1:evil\r\u{1b}[0K";
        let shown = clean(hostile);
        assert!(!shown.contains('\u{1b}') && !shown.contains('\r'), "{shown:?}");
    }

    #[test]
    fn folding_loses_no_word_at_any_width() {
        let text = "tcp 22 from the whole IPv4 internet, because aws_vpc_security_group_ingress_rule.administrators_from_everywhere";
        for columns in 0..140 {
            let mut out = String::new();
            fold(&mut out, "    because   ", text, columns);
            let words: Vec<&str> = out.split_whitespace().skip(1).collect();
            assert_eq!(words, text.split(' ').collect::<Vec<_>>(), "{columns}");
            if columns >= 80 {
                assert!(
                    out.lines().all(|line| line.chars().count() <= columns),
                    "{columns}: {out}"
                );
            }
        }
    }

    #[test]
    fn reordering_marks_are_shown() {
        assert_eq!(clean("a\u{202e}b"), "a\u{fffd}b");
    }

    #[test]
    fn ordinary_text_in_any_script_is_left_alone() {
        assert_eq!(clean("Zürich – 東京 – עברית"), "Zürich – 東京 – עברית");
    }
}
