//! The messages that were not delivered.

use crate::documents;
use portcullis_report::FORMAT_VERSION;
use portcullis_stage::{Artifacts, Stage};
use serde::{Deserialize, Serialize};

/// The messages that were not delivered (`portcullis/undelivered.json`). Field names are the JSON contract.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Undelivered {
    /// The documents' format version.
    pub(crate) format_version: String,
    /// In the order in which they were meant to be sent.
    pub(crate) messages: Vec<Lost>,
}

/// A message that was not delivered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Lost {
    /// The event it tells.
    pub(crate) event: String,
    /// The service that did not take it: `slack`, `mattermost`, `teams`, `webhook`.
    #[serde(default)]
    pub(crate) sink: String,
    /// Why it was not delivered.
    pub(crate) reason: String,
    /// What it says, as plain text.
    pub(crate) text: String,
    /// When, RFC 3339, UTC.
    pub(crate) at: String,
}

impl Undelivered {
    pub(crate) const FILE: &str = "undelivered.json";

    /// What earlier jobs lost.
    pub(crate) fn read(stage: &Stage, artifacts: &Artifacts) -> Self {
        documents::optional(stage, artifacts, Self::FILE).unwrap_or_else(|| Self {
            format_version: FORMAT_VERSION.to_owned(),
            messages: Vec::new(),
        })
    }

    /// Adds what this job lost. When even that can't be written, standard error has said it.
    pub(crate) fn append(stage: &Stage, artifacts: &Artifacts, lost: Vec<Lost>) {
        let mut all = Self::read(stage, artifacts);
        all.messages.extend(lost);
        let written = match serde_json::to_string_pretty(&all) {
            Ok(text) => artifacts
                .write_text(Self::FILE, &(text + "\n"))
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = written {
            stage.say(format!("slack: the lost message is not kept: {error}"));
        }
    }
}
