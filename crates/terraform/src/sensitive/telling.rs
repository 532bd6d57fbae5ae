//! Which values can be looked for in any text, and finding them in a JSON document's strings.

use super::MASKED;
use aho_corasick::{AhoCorasick, MatchKind};
use portcullis_secgroup::Cidr;
use std::net::IpAddr;

/// Shorter values are part of too many words.
const SHORTEST: usize = 6;
/// Shorter words of small letters only are words: `production`, `description`.
const SHORTEST_WORD: usize = 12;
/// Networks at most this narrow say nothing of anybody: private ranges, halves of the internet.
const WIDEST: (u8, u8) = (16, 32);

/// Whether the value can be masked wherever it comes up.
pub(super) fn is_telling(value: &str) -> bool {
    let length = value.chars().count();
    let word = value.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    length >= SHORTEST
        && value != MASKED
        && !(word && length < SHORTEST_WORD)
        && value.parse::<f64>().is_err()
        && !is_wide(value)
        && !is_object_id(value)
}

fn is_wide(value: &str) -> bool {
    if let Ok(address) = value.parse::<IpAddr>() {
        return address.is_unspecified() || address.is_loopback();
    }
    let Ok(cidr) = value.parse::<Cidr>() else {
        return false;
    };
    cidr.length() <= if value.contains(':') { WIDEST.1 } else { WIDEST.0 }
}

/// `sg-5adc180858177f2d0`: it ties one thing to another, and opens nothing.
fn is_object_id(value: &str) -> bool {
    value.rsplit_once('-').is_some_and(|(kind, id)| {
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        kind.len() <= 16
            && kind.chars().all(|c| c.is_ascii_lowercase() || c == '-')
            && matches!(id.len(), 8 | 17)
            && id.chars().all(hex)
    })
}

/// Looks for values in JSON text.
pub(super) struct Finder(Option<AhoCorasick>);

impl Finder {
    pub(super) fn new<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let forms: Vec<String> = values.flat_map(escaped).collect();
        if forms.is_empty() {
            return Self(None);
        }
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(forms);
        Self(finder.ok())
    }

    /// Copies a part of a JSON text, which begins and ends outside of strings, and masks the values in its strings.
    /// Names that are identifiers stay: they are the format's, or a schema's.
    pub(super) fn mask_strings(&self, mut text: &str, out: &mut String) {
        let Some(finder) = &self.0 else {
            out.push_str(text);
            return;
        };
        while let Some(start) = text.find('"') {
            let (before, string) = text.split_at(start + 1);
            out.push_str(before);
            let length = end_of(string);
            let (content, rest) = string.split_at(length);
            let is_name = rest.get(1..).unwrap_or_default().trim_start().starts_with(':');
            if is_name && is_identifier(content) {
                out.push_str(content);
            } else {
                let mut done = 0;
                for found in finder.find_iter(content) {
                    out.push_str(content.get(done..found.start()).unwrap_or_default());
                    out.push_str(MASKED);
                    done = found.end();
                }
                out.push_str(content.get(done..).unwrap_or_default());
            }
            let close = rest.len().min(1);
            out.push_str(rest.get(..close).unwrap_or_default());
            text = rest.get(close..).unwrap_or_default();
        }
        out.push_str(text);
    }

    /// A plain text with the values masked.
    pub(super) fn mask_text(&self, text: &str) -> String {
        match &self.0 {
            Some(finder) => {
                let mut out = String::with_capacity(text.len());
                finder.replace_all_with(text, &mut out, |_, _, out| {
                    out.push_str(MASKED);
                    true
                });
                out
            }
            None => text.to_owned(),
        }
    }
}

/// The length of a string's content, after the opening quote.
fn end_of(string: &str) -> usize {
    let bytes = string.as_bytes();
    let mut at = 0;
    loop {
        match bytes
            .get(at..)
            .and_then(|rest| rest.iter().position(|b| matches!(b, b'"' | b'\\')))
        {
            None => return string.len(),
            Some(step) if bytes.get(at + step) == Some(&b'"') => return at + step,
            Some(step) => at = (at + step + 2).min(bytes.len()),
        }
    }
}

fn is_identifier(name: &str) -> bool {
    name.chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// As it may stand in text and in JSON: Go also escapes `<`, `>` and `&` (encoding/json, `HTMLEscape`), and a JSON
/// document may be kept as text within another.
fn escaped(value: &str) -> Vec<String> {
    let quoted = |text: &str| {
        let quoted = serde_json::to_string(text).unwrap_or_default();
        quoted
            .trim_start_matches('"')
            .strip_suffix('"')
            .map(str::to_owned)
            .unwrap_or_default()
    };
    let go = |text: &str| {
        text.replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026")
    };
    let once = quoted(value);
    let twice = quoted(&once);
    let mut forms = vec![
        value.to_owned(),
        go(&once),
        go(&twice),
        quoted(&go(&once)),
        once,
        twice,
    ];
    forms.retain(|form| !form.is_empty());
    forms.sort();
    forms.dedup();
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_common_is_not_looked_for() {
        for value in [
            "true",
            "22",
            "443.0",
            "12345678",
            "tcp",
            "web",
            "production",
            "ingress",
            "0.0.0.0/0",
            "::/0",
            "0.0.0.0/1",
            "10.0.0.0/8",
            "2000::/3",
            "sg-5adc180858177f2d0",
            "pl-57ed269a",
            "127.0.0.1",
            MASKED,
        ] {
            assert!(!is_telling(value), "{value}");
        }
        for value in [
            "hunter2",
            "hunter2-not-for-logs",
            "203.0.113.7/32",
            "203.0.113.7",
            "2001:db8:1::/48",
            "10.20.30.0/24",
            "correcthorse",
            "Secret",
            "tor-exit-relay-7",
            "pass word",
        ] {
            assert!(is_telling(value), "{value}");
        }
    }
}
