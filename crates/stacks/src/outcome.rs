//! What a job leaves behind for one stack.

use portcullis_report::{FORMAT_VERSION, Verdict};
use serde::{Deserialize, Serialize};

/// What a chain's jobs did for one stack (`portcullis/stacks/KEY/outcome.json`). Field names are the JSON contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The documents' format version.
    pub format_version: String,
    /// The steps that ran to their end, in order.
    pub steps: Vec<Step>,
}

/// A step that ran to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub step: String,
    /// The program.
    pub program: String,
    /// Its exit code (docs/exit-codes.md).
    pub exit_code: i32,
    /// Its error in one line, when it ended with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            steps: Vec::new(),
        }
    }
}

impl Outcome {
    /// The first step that did not end with 0: the chain ends there.
    #[must_use]
    pub fn failed(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.exit_code != 0)
    }

    /// Writes down how a step ended, in an earlier try's place.
    pub fn ended(&mut self, step: Step) {
        self.steps.retain(|earlier| earlier.step != step.step);
        self.steps.push(step);
    }
}

impl Step {
    /// What the exit code says. Everything but a pass and a plain no is undetermined: a step that could not do its work proves
    /// nothing.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self.exit_code {
            0 => Verdict::Pass,
            1 => Verdict::Violation,
            _ => Verdict::Undetermined,
        }
    }
}
