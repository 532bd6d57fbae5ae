//! Text from outside, made safe to show.

use std::fmt::Write as _;

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
    // Nearly all text is plain.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
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

/// [`clean`], as code in Markdown; nothing in it can act as markup, a mention, a reference or a link in GitLab.
///
/// A backslash is not enough: GitLab looks for `@mentions`, `!1` and links in the rendered text, where escapes are gone. It
/// leaves what is inside `<code>` alone (GitLab, `lib/banzai/filter`, ignored ancestors). What Markdown itself would read
/// there is written as character references, which never form structure (CommonMark, "Entity and numeric character
/// references") and hold no `|` that would end a table's cell. An empty text stays empty.
///
/// ```
/// use portcullis_report::text::markdown_code;
/// assert_eq!(markdown_code("aws_sg.a|b <img> @all"), "<code>aws_sg.a&#124;b &lt;img&gt; &#64;all</code>");
/// ```
#[must_use]
pub fn markdown_code(text: &str) -> String {
    let text = clean(text);
    if text.is_empty() {
        return text;
    }
    let mut out = String::with_capacity(text.len() + "<code></code>".len());
    out.push_str("<code>");
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        let active = match c {
            '&' | '<' | '>' | '\\' | '`' | '*' | '[' | ']' | '~' | '|' | '@' | '$' | '^' => true,
            // Emphasis only at a word's end.
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            // `https://` and `www.` would become links (GitHub Flavored Markdown, "Autolinks (extension)").
            ':' => after == '/',
            '.' => matches!(before, 'w' | 'W'),
            _ => false,
        };
        if c == '@' && !before.is_whitespace() {
            // Addresses of mail are looked for in what the references gave: only another node between parts them.
            out.push_str("<!-- -->");
        }
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if active => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
        before = c;
    }
    out.push_str("</code>");
    out
}

/// [`clean_lines`], as a block of code in Markdown, to stand on lines of its own. It is a block of HTML, which ends at its own
/// `</pre>` and nowhere else (CommonMark, "HTML blocks", kind 1), so that no fence in the text can end it, and GitLab looks for
/// nothing in it. A line that would begin with `/` does not, for quick actions begin a line.
///
/// ```
/// use portcullis_report::text::markdown_pre;
/// assert_eq!(markdown_pre("a = \"<b>\"\n/close"), "<pre><code>a = \"&lt;b&gt;\"\n&#47;close</code></pre>");
/// ```
#[must_use]
pub fn markdown_pre(text: &str) -> String {
    let mut out = String::from("<pre><code>");
    for (index, line) in clean_lines(text.trim_end()).lines().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let indented = line.trim_start();
        out.push_str(&line[..line.len() - indented.len()]);
        for (at, c) in indented.chars().enumerate() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '/' if at == 0 => out.push_str("&#47;"),
                c => out.push(c),
            }
        }
    }
    out.push_str("</code></pre>");
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
    if columns.saturating_sub(indent) >= text.len() {
        // It fits: a character takes a byte at least.
        out.push_str(text);
        out.push('\n');
        return;
    }
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

/// At most `width` characters; what is too long loses its middle, and how much was cut is said there.
///
/// ```
/// use portcullis_report::text::cut_middle;
/// assert_eq!(cut_middle("aws_security_group.web", 30), "aws_security_group.web");
/// assert_eq!(cut_middle(&"0123456789".repeat(9), 40), "012345678 […73 characters cut…] 23456789");
/// ```
#[must_use]
pub fn cut_middle(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let mark = |cut: usize| format!(" […{cut} characters cut…] ");
    // Fewer are cut than there are: the mark gets no longer than this.
    let kept = width.saturating_sub(mark(length).chars().count());
    if kept < 2 {
        return cut(text, width);
    }
    let (head, tail) = (kept.div_ceil(2), kept / 2);
    let mut out: String = text.chars().take(head).collect();
    out.push_str(&mark(length - kept));
    out.extend(text.chars().skip(length - tail));
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
