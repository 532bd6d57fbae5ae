//! What GitLab says when it refuses.

use serde_json::{Map, Value};

/// The longest explanation that is kept, in characters.
const KEPT: usize = 300;

/// The four shapes of an error answer (GitLab docs, "REST API troubleshooting").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorBody {
    /// `{"message": "404 Project Not Found"}`
    Message(String),
    /// `{"message": {"name": ["is too long"]}}`
    Fields(Vec<(String, Vec<String>)>),
    /// `{"error": "insufficient_scope"}`
    Error(String),
    /// `{"error": "insufficient_scope", "error_description": "The request requires higher privileges"}`
    Described {
        /// The code.
        error: String,
        /// The sentence.
        description: String,
    },
}

impl ErrorBody {
    /// Reads an answer; `None` when it is none of the four: HTML, plain text, nothing.
    ///
    /// ```
    /// use portcullis_gitlab::ErrorBody;
    /// let body = ErrorBody::parse(br#"{"message": {"body": ["is too long", "is odd"]}}"#);
    /// assert_eq!(body.unwrap().text(), "body: is too long, is odd");
    /// assert_eq!(ErrorBody::parse(b"<html>"), None);
    /// ```
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        let object: Map<String, Value> = serde_json::from_slice(body).ok()?;
        match (
            object.get("message"),
            object.get("error"),
            object.get("error_description"),
        ) {
            (Some(Value::String(message)), ..) => Some(Self::Message(message.clone())),
            (Some(Value::Object(fields)), ..) => Some(Self::Fields(flatten("", fields))),
            (_, Some(Value::String(error)), Some(Value::String(description))) => Some(Self::Described {
                error: error.clone(),
                description: description.clone(),
            }),
            (_, Some(Value::String(error)), _) => Some(Self::Error(error.clone())),
            _ => None,
        }
    }

    /// The explanation on one line, without control characters, cut to a sensible length.
    #[must_use]
    pub fn text(&self) -> String {
        let text = match self {
            Self::Message(text) | Self::Error(text) => text.clone(),
            Self::Described { error, description } => format!("{error}: {description}"),
            Self::Fields(fields) => {
                let lines: Vec<String> = fields
                    .iter()
                    .map(|(name, problems)| format!("{name}: {}", problems.join(", ")))
                    .collect();
                lines.join("; ")
            }
        };
        text.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(KEPT)
            .collect()
    }
}

/// `{"name": ["a"], "embedded": {"x": ["b"]}}` as `name: a` and `embedded.x: b`.
fn flatten(prefix: &str, fields: &Map<String, Value>) -> Vec<(String, Vec<String>)> {
    let mut out = Vec::new();
    for (name, value) in fields {
        let name = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            Value::Object(inner) => out.extend(flatten(&name, inner)),
            Value::Array(items) => out.push((name, items.iter().map(plain).collect())),
            other => out.push((name, vec![plain(other)])),
        }
    }
    out
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_four_shapes_read_as_one_line() {
        let table: [(&str, &str); 6] = [
            (
                r#"{"message": "400 (Bad request) \"body\" not given"}"#,
                r#"400 (Bad request) "body" not given"#,
            ),
            (
                r#"{"message": {"name": ["is too long"], "owner": {"mail": ["is taken"]}}}"#,
                "name: is too long; owner.mail: is taken",
            ),
            (r#"{"error": "404 Not Found"}"#, "404 Not Found"),
            (
                r#"{"error": "insufficient_scope", "error_description": "needs api"}"#,
                "insufficient_scope: needs api",
            ),
            (r#"{"message": "two\nlines\u001b[31m"}"#, "two lines [31m"),
            (r#"{"message": {"count": 3}}"#, "count: 3"),
        ];
        for (body, text) in table {
            assert_eq!(ErrorBody::parse(body.as_bytes()).unwrap().text(), text, "{body}");
        }
    }

    #[test]
    fn other_answers_have_no_explanation() {
        for body in [
            "",
            "Retry later",
            "<html></html>",
            "[]",
            r#"{"message": null}"#,
            r#"{"ID": "lock"}"#,
        ] {
            assert_eq!(ErrorBody::parse(body.as_bytes()), None, "{body}");
        }
    }
}
