//! The documents that the stages left in the artifact folder.

use portcullis_report::{Report, Verdict};
use portcullis_stage::{Artifacts, Failure, Stage};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::PathBuf;

/// A file that is not the document it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error("{}: not the document that this version reads", path.display())]
    Shape {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{}: format version {version}; this version reads 1.x", path.display())]
    Version { path: PathBuf, version: String },
}

/// The document, which this event can't do without.
pub(crate) fn required<T: DeserializeOwned>(
    stage: &Stage,
    artifacts: &Artifacts,
    name: &str,
) -> Result<T, Failure> {
    // What goes to Slack is masked here, once, whoever wrote the file.
    let text = stage.redact(&artifacts.read_text(name)?);
    parse(artifacts.path(name), &text).map_err(|error| {
        Failure::unreadable(error)
            .hint("let the stage that writes it run again, with the same version of Portcullis")
    })
}

/// The document, if a stage wrote it. One that cannot be read is said, and told without.
pub(crate) fn optional<T: DeserializeOwned>(stage: &Stage, artifacts: &Artifacts, name: &str) -> Option<T> {
    if !artifacts.exists(name) {
        return None;
    }
    match required(stage, artifacts, name) {
        Ok(document) => Some(document),
        Err(failure) => {
            stage.say("the message goes without a document that cannot be read:");
            for line in failure.to_text(stage.redactor()).lines() {
                stage.say(format!("  {line}"));
            }
            None
        }
    }
}

/// What the policy says: of the plan, or of the code where the pipeline ended before there was a plan.
pub(crate) fn judged(stage: &Stage, artifacts: &Artifacts) -> Option<Report> {
    ["compliance.json", "configuration.json"]
        .iter()
        .find_map(|name| optional(stage, artifacts, name))
}

/// Whether nobody was asked since the plan changes nothing: then `portcullis-request-approval` ends well and leaves no request.
pub(crate) fn nothing_to_do(stage: &Stage, artifacts: &Artifacts) -> bool {
    #[derive(Deserialize)]
    struct Counts {
        create: u64,
        update: u64,
        delete: u64,
    }
    if artifacts.exists("approval-request.json") {
        return false;
    }
    let counts: Option<Counts> = optional(stage, artifacts, "plan-report.json");
    let compliance: Option<Report> = optional(stage, artifacts, "compliance.json");
    counts.is_some_and(|counts| counts.create == 0 && counts.update == 0 && counts.delete == 0)
        && compliance.is_some_and(|report| report.verdict == Verdict::Pass)
}

fn parse<T: DeserializeOwned>(path: PathBuf, text: &str) -> Result<T, DocumentError> {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(source) => return Err(DocumentError::Shape { path, source }),
    };
    if let Some(version) = value["format_version"].as_str()
        && version.split('.').next() != Some("1")
    {
        return Err(DocumentError::Version {
            path,
            version: version.to_owned(),
        });
    }
    serde_json::from_value(value).map_err(|source| DocumentError::Shape { path, source })
}
