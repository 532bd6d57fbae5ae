//! What Slack answers: only the fields that are used, all others ignored.

use super::Error;
use crate::escape::{clean, cut};
use serde::Deserialize;
use serde_json::Value;

pub(super) enum Answer {
    Ok(Value),
    Refused {
        code: String,
        needed: Option<String>,
        provided: Option<String>,
        details: Vec<String>,
    },
}

#[derive(Deserialize)]
pub(super) struct PostedAnswer {
    pub(super) channel: String,
    pub(super) ts: String,
}

#[derive(Deserialize)]
pub(super) struct UploadUrl {
    pub(super) upload_url: String,
    pub(super) file_id: String,
}

#[derive(Deserialize)]
pub(super) struct Permalink {
    pub(super) permalink: String,
}

#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) messages: Vec<ListedMessage>,
}

#[derive(Deserialize)]
pub(super) struct ListedMessage {
    pub(super) ts: String,
    #[serde(default)]
    pub(super) metadata: Value,
}

#[derive(Deserialize)]
pub(super) struct AuthTest {
    #[serde(default)]
    pub(super) team: String,
    #[serde(default)]
    pub(super) user: String,
    #[serde(default)]
    pub(super) bot_id: Option<String>,
}

impl Answer {
    /// Reads the body of an answer with status 200, which may still be a refusal.
    pub(super) fn read(method: &'static str, body: &[u8]) -> Result<Self, Error> {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            let html = body.trim_ascii_start().starts_with(b"<");
            return Err(Error::NotJson { method, html });
        };
        match value["ok"].as_bool() {
            Some(true) => Ok(Self::Ok(value)),
            Some(false) => Ok(Self::Refused {
                code: short(&value["error"]).unwrap_or_else(|| "unknown_error".to_owned()),
                needed: short(&value["needed"]),
                provided: short(&value["provided"]),
                details: details(&value),
            }),
            None => Err(Error::Unexpected { method }),
        }
    }
}

/// Slack's own remarks, such as which block it did not like.
fn details(value: &Value) -> Vec<String> {
    [&value["errors"], &value["response_metadata"]["messages"]]
        .into_iter()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(short)
        .take(5)
        .collect()
}

fn short(value: &Value) -> Option<String> {
    value
        .as_str()
        .map(|text| cut(&clean(text), 200))
        .filter(|text| !text.is_empty())
}
