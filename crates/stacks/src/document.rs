//! What one run is over.

use crate::{Job, Stack};
use portcullis_report::FORMAT_VERSION;
use serde::{Deserialize, Serialize};

/// What one run is over (`portcullis/fan-out.json`). Field names are the JSON contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanOut {
    /// The documents' format version.
    pub format_version: String,
    /// What the stacks are.
    pub kind: Kind,
    /// What each chain must leave behind, in this order.
    pub steps: Vec<String>,
    /// The stacks.
    pub stacks: Vec<Stack>,
    /// Remarks about the whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What stacks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Managed states.
    States,
    /// Folders of code.
    Folders,
}

impl Kind {
    /// `1 managed state`, `20 folders`.
    #[must_use]
    pub fn count(self, n: usize) -> String {
        let word = match self {
            Self::States => "managed state",
            Self::Folders => "folder",
        };
        format!("{n} {word}{}", if n == 1 { "" } else { "s" })
    }
}

impl FanOut {
    /// A run of these jobs over these stacks.
    #[must_use]
    pub fn new(kind: Kind, jobs: &[Job], stacks: Vec<Stack>) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            kind,
            steps: jobs.iter().flat_map(|job| job.steps.clone()).collect(),
            stacks,
            notes: Vec::new(),
        }
    }

    /// The stacks that get a chain.
    pub fn chained(&self) -> impl Iterator<Item = &Stack> {
        self.stacks.iter().filter(|stack| stack.left_out.is_none())
    }

    /// The stack of this key.
    #[must_use]
    pub fn stack(&self, key: &str) -> Option<&Stack> {
        self.stacks.iter().find(|stack| stack.key == key)
    }

    /// For tools: the JSON document, indented. Ends with a line feed.
    ///
    /// # Errors
    /// None in practice; `serde_json`'s error is passed on.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}
