//! YAML, written so that every reader reads back what was meant.
//!
//! The one form that needs no knowledge of YAML's guesses is used for all text: the double-quoted scalar, in which
//! everything that is not plainly printable is an escape (YAML 1.2, 5.7 and 7.3.1; the same in YAML 1.1, which GitLab's
//! reader speaks). So no name is taken for a number, a tag, an anchor, a comment or a second document.

use std::fmt::Write as _;

/// A value to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Yaml {
    /// Text.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
    /// A list.
    List(Vec<Self>),
    /// Keys with values, in this order. No two keys may be alike.
    Map(Vec<(String, Self)>),
}

impl Yaml {
    /// A map.
    #[must_use]
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), value))
                .collect(),
        )
    }

    /// A list.
    #[must_use]
    pub fn list<V: Into<Self>>(values: impl IntoIterator<Item = V>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }

    /// The document. Ends with a line feed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        if !out.ends_with('\n') {
            out.push('\n');
        }
        out.split_off(usize::from(out.starts_with('\n')))
    }

    /// After `key:` or `-`: what fits on the line with a blank before it, else lines below, deeper by one step.
    fn write(&self, out: &mut String, depth: usize) {
        match self {
            Self::Text(text) => quote(out, text),
            Self::Bool(value) => {
                let _ = write!(out, "{value}");
            }
            Self::List(values) if values.is_empty() => out.push_str("[]"),
            Self::Map(entries) if entries.is_empty() => out.push_str("{}"),
            Self::List(values) => {
                for value in values {
                    line(out, depth);
                    out.push_str("- ");
                    value.write(out, depth + 1);
                }
            }
            Self::Map(entries) => {
                for (key, value) in entries {
                    line(out, depth);
                    match plain(key) {
                        true => out.push_str(key),
                        false => quote(out, key),
                    }
                    out.push_str(": ");
                    value.write(out, depth + 1);
                }
            }
        }
    }
}

/// A new line for an entry; the first entry of a map in a list stands behind its dash.
fn line(out: &mut String, depth: usize) {
    if out.ends_with("- ") {
        return;
    }
    while out.ends_with(' ') {
        out.pop();
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

/// The keywords of GitLab, and nothing that a YAML reader could take for something else than text.
fn plain(key: &str) -> bool {
    const WORDS_WITH_A_MEANING: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    !key.is_empty()
        && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        && !WORDS_WITH_A_MEANING.contains(&key)
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            ' '..='~' => out.push(c),
            c if c.is_alphanumeric() && u32::from(c) <= 0xffff => out.push(c),
            c if u32::from(c) <= 0xff => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if u32::from(c) <= 0xffff => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
}

impl From<&str> for Yaml {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Yaml {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Yaml {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn meant(yaml: &Yaml) -> Value {
        match yaml {
            Yaml::Text(text) => Value::String(text.clone()),
            Yaml::Bool(value) => Value::Bool(*value),
            Yaml::List(values) => values.iter().map(meant).collect(),
            Yaml::Map(entries) => entries
                .iter()
                .map(|(key, value)| (key.clone(), meant(value)))
                .collect(),
        }
    }

    fn any_yaml() -> impl Strategy<Value = Yaml> {
        let text = prop_oneof![
            ".*",
            "[a-z]{1,5}",
            any::<String>(),
            "(~|null|[yn]|0x1f|1e3|- a|a: b|&a|!x| |#)"
        ];
        let leaf = prop_oneof![
            text.clone().prop_map(Yaml::Text),
            any::<bool>().prop_map(Yaml::Bool)
        ];
        leaf.prop_recursive(4, 32, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Yaml::List),
                prop::collection::btree_map(text.clone(), inner, 0..5)
                    .prop_map(|entries| Yaml::Map(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(yaml in any_yaml()) {
            let text = yaml.to_text();
            let read: Value = serde_saphyr::from_str(&text)
                .map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            prop_assert_eq!(read, meant(&yaml), "{}", text);
        }
    }

    #[test]
    fn it_looks_like_yaml() {
        let yaml = Yaml::map([
            ("stages", Yaml::list(["a", "b"])),
            (
                "check: 1\n\u{1f600} \"é\"",
                Yaml::map([
                    (
                        "needs",
                        Yaml::List(vec![Yaml::map([
                            ("job", "list".into()),
                            ("optional", true.into()),
                        ])]),
                    ),
                    ("no", Yaml::List(Vec::new())),
                ]),
            ),
        ]);
        insta::assert_snapshot!(yaml.to_text(), @r#"
        stages:
          - "a"
          - "b"
        "check: 1\n\U0001f600 \"é\"":
          needs:
            - job: "list"
              optional: true
          "no": []
        "#);
    }
}
