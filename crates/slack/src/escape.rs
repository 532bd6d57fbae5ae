//! Text from outside, made safe for a Slack message.

/// The text on one line, with nothing in it that hides or reorders.
///
/// Control characters, invisible characters and the marks that reorder text (bidirectional controls) become a visible
/// stand-in; tabs and line breaks become spaces. The joiners that Persian or Hindi need (U+200C, U+200D) stay.
///
/// ```
/// use portcullis_slack::clean;
/// assert_eq!(clean("web\nfront\u{202e}"), "web front\u{fffd}");
/// ```
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if is_break(c) { ' ' } else { visible(c) })
        .collect()
}

/// [`clean`], line by line: line feeds stay. For preformatted text.
///
/// ```
/// use portcullis_slack::clean_lines;
/// assert_eq!(clean_lines("one\r\ntwo\u{1b}[0m"), "one\ntwo\u{fffd}[0m");
/// ```
#[must_use]
pub fn clean_lines(text: &str) -> String {
    text.split('\n')
        .map(|line| clean(line.strip_suffix('\r').unwrap_or(line)))
        .collect::<Vec<_>>()
        .join("\n")
}

/// [`clean`], and the three characters that start Slack's control sequences as entities: `&`, `<`, `>`.
///
/// After this, `<!channel>`, `<@U012AB3CD>` and `<https://evil.example|Approve>` are mere text. The four marks of
/// emphasis (`*`, `_`, `~`, backtick) have no escape in Slack's markup; where they matter, use [`RichText`](crate::RichText), whose
/// text is never parsed. (Slack: "Formatting message text", section "Escaping text".)
///
/// ```
/// use portcullis_slack::escape;
/// assert_eq!(escape("a & <!channel>"), "a &amp; &lt;!channel&gt;");
/// ```
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        push_escaped(&mut out, c);
    }
    out
}

/// [`escape`], cut to `limit` characters: the last one is an ellipsis when something was cut, and no entity is torn.
pub(crate) fn escape_cut(text: &str, limit: usize) -> String {
    let whole = escape(text);
    if whole.chars().count() <= limit {
        return whole;
    }
    let mut out = escape_prefix(text, limit.saturating_sub(1)).0;
    if limit > 0 {
        out.push('…');
    }
    out
}

/// As much of the escaped text as `limit` characters hold, without an ellipsis; and whether that was all of it.
pub(crate) fn escape_prefix(text: &str, limit: usize) -> (String, bool) {
    let (mut out, mut used) = (String::new(), 0);
    for c in clean(text).chars() {
        let width = escaped_width(c);
        if used + width > limit {
            return (out, false);
        }
        used += width;
        push_escaped(&mut out, c);
    }
    (out, true)
}

/// At most `limit` characters, the last an ellipsis when something was cut.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(limit.saturating_sub(1)).collect();
    if limit > 0 {
        out.push('…');
    }
    out
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        _ => out.push(c),
    }
}

fn escaped_width(c: char) -> usize {
    match c {
        '&' => 5,
        '<' | '>' => 4,
        _ => 1,
    }
}

fn is_break(c: char) -> bool {
    matches!(
        c,
        '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

fn visible(c: char) -> char {
    match c {
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => '\u{fffd}',
        // Marks that reorder: LRM, RLM, ALM, embeddings, overrides, isolates.
        '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' => '\u{fffd}',
        // Characters that take no room: soft hyphen, zero-width space, word joiner and its kin, tags, and the rest.
        '\u{ad}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{2060}'..='\u{2065}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' => '\u{fffd}',
        '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unescape(text: &str) -> String {
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    }

    proptest! {
        #[test]
        fn escaping_loses_nothing(text in "\\PC*") {
            prop_assert_eq!(unescape(&escape(&text)), clean(&text));
        }

        #[test]
        fn no_control_sequence_survives(text in any::<String>()) {
            let shown = escape(&text);
            let hidden = ['<', '>', '\n', '\r', '\u{202e}', '\u{1b}'];
            prop_assert!(!shown.contains(hidden));
            prop_assert!(shown.split('&').skip(1).all(|rest| ["amp;", "lt;", "gt;"].iter().any(|entity| rest.starts_with(entity))));
        }

        #[test]
        fn a_cut_holds_the_limit_and_tears_no_entity(text in "[a&<>é]{0,40}", limit in 0_usize..60) {
            let shown = escape_cut(&text, limit);
            prop_assert!(shown.chars().count() <= limit);
            let body = shown.strip_suffix('…').unwrap_or(&shown);
            prop_assert!(text.starts_with(&unescape(body)), "{} is no beginning of {}", body, text);
            prop_assert!(body.split('&').skip(1).all(|rest| rest.contains(';')));
        }

        #[test]
        fn cleaning_twice_changes_nothing_more(text in any::<String>()) {
            let once = clean_lines(&text);
            prop_assert_eq!(&clean_lines(&once), &once);
        }
    }

    #[test]
    fn other_scripts_and_joined_emoji_are_left_alone() {
        let text = "Zürich 東京 עברית می‌خواهم 👩‍🔧";
        assert_eq!(clean(text), text);
    }
}
