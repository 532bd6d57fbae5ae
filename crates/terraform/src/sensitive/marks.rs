//! Whether a text holds any mark at all: nearly no plan does, and then there is no need to look at each value.

use memchr::memmem::Finder;
use std::sync::LazyLock;

/// What every key ends with, or goes on with, under which Terraform writes marks: `sensitive`, `after_sensitive`,
/// `sensitive_values`, `sensitive_attributes`.
const KEY: &str = "sensitive";

static KEYS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(KEY));
static ESCAPES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(r"\u00"));

/// Whether something may be marked sensitive in this JSON. Never false where something is; where the text is no JSON, the
/// answer says nothing.
pub(crate) fn may_be_there(text: &str) -> bool {
    let bytes = text.as_bytes();
    if ESCAPES
        .find_iter(bytes)
        .any(|at| spells_a_letter(bytes.get(at + 4)))
    {
        return true;
    }
    KEYS.find_iter(bytes)
        .any(|at| bytes.get(at + KEY.len()..).is_some_and(marks))
}

/// Whether an escape `\u00xy` may stand for a letter of the key, by its digit `x`. Terraform writes none of these.
fn spells_a_letter(digit: Option<&u8>) -> bool {
    matches!(digit, Some(b'4'..=b'7'))
}

/// Whether what follows is the rest of a key, and a value with a mark in it.
fn marks(rest: &[u8]) -> bool {
    let end = rest
        .iter()
        .position(|byte| !matches!(byte, b'a'..=b'z' | b'_'))
        .unwrap_or(rest.len());
    let Some(after_key) = rest.get(end..).and_then(|rest| rest.strip_prefix(b"\"")) else {
        return false;
    };
    let Some(value) = after_key.trim_ascii_start().strip_prefix(b":") else {
        return false;
    };
    holds_mark(value.trim_ascii_start())
}

/// Whether the value that stands first holds a mark: `true`, or the path of an attribute, which is text.
fn holds_mark(value: &[u8]) -> bool {
    let mut depth = 0usize;
    let mut bytes = value.iter().copied().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b't' => return true,
            b'"' => {
                let Some(length) = value.get(at + 1..).and_then(string_length) else {
                    return true;
                };
                let after = value.get(at + length + 2..).unwrap_or_default();
                // A key says where a mark is, and is none; any other text may be one.
                if !after.trim_ascii_start().starts_with(b":") {
                    return true;
                }
                // The text and its closing quote.
                bytes.nth(length);
            }
            _ => {}
        }
        if depth == 0 && matches!(byte, b'}' | b']' | b',') {
            return false;
        }
    }
    false
}

/// How long a string is, seen from behind its opening quote.
fn string_length(rest: &[u8]) -> Option<usize> {
    let mut escaped = false;
    rest.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_seen_however_they_are_written() {
        for text in [
            r#"{"after_sensitive": {"password": true}}"#,
            r#"{"after_sensitive":true}"#,
            r#"{"before_sensitive":{"":[false,{"a\"b":[ true ]}]}}"#,
            r#"{"sensitive_values":{"tags":{},"x":true}}"#,
            "{\"sensitive\"\n :\ttrue}",
            r#"{"sensitive_attributes":[[{"type":"get_attr","value":"password"}]]}"#,
            r#"{"after_s\u0065nsitive": {"password": true}}"#,
            // Cut short: nobody knows.
            r#"{"after_sensitive": {"pass"#,
        ] {
            assert!(may_be_there(text), "{text}");
        }
    }

    #[test]
    fn where_nothing_is_marked_nothing_is_seen() {
        for text in [
            r#"{"after_sensitive": {}, "a": true}"#,
            r#"{"after_sensitive": {"cidr_blocks": [false], "": {}}, "true": true}"#,
            r#"{"after_sensitive": false, "a": true}"#,
            r#"{"sensitive_values": {"ingress": [{"cidr_blocks": []}]}}, "complete": true"#,
            r#"{"sensitive_attributes": [], "x": "true"}"#,
            r#"{"description": "sensitive", "complete": true}"#,
            r#"{"description": "a \"sensitive\": true matter"}"#,
            r#"{"description": "\u003csensitive\u003e", "complete": true}"#,
            "",
        ] {
            assert!(!may_be_there(text), "{text}");
        }
    }
}
