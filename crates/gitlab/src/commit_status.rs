//! What a commit is said to be: the marks beside a commit and in a merge request.

use serde::Serialize;

/// A status to set. (GitLab docs, "Commits API", set commit pipeline status.)
///
/// ```
/// use portcullis_gitlab::commit_status::{CommitState, CommitStatus};
/// let status = CommitStatus::new(CommitState::Success, "portcullis/compliance").in_pipeline(1042);
/// assert_eq!(
///     serde_json::to_string(&status)?,
///     r#"{"state":"success","name":"portcullis/compliance","pipeline_id":1042}"#,
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommitStatus {
    state: CommitState,
    name: String,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    ref_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline_id: Option<u64>,
}

/// The word of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CommitState {
    /// Waits.
    Pending,
    /// At work.
    Running,
    /// Good.
    Success,
    /// Bad.
    Failed,
    /// Stopped.
    Canceled,
    /// Left out.
    Skipped,
}

/// What setting a status did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusSet {
    /// It is new.
    Set,
    /// GitLab had it so already, which it answers with 400 "Cannot transition status".
    WasSo,
}

impl CommitStatus {
    /// A status by its name. The name tells it apart from others of the same commit.
    #[must_use]
    pub fn new(state: CommitState, name: impl Into<String>) -> Self {
        Self {
            state,
            name: name.into(),
            ref_name: None,
            target_url: None,
            description: None,
            pipeline_id: None,
        }
    }

    /// The pipeline it belongs to; without it GitLab may make a new, external one.
    #[must_use]
    pub const fn in_pipeline(mut self, pipeline: u64) -> Self {
        self.pipeline_id = Some(pipeline);
        self
    }

    /// The branch or tag.
    #[must_use]
    pub fn on(mut self, ref_name: impl Into<String>) -> Self {
        self.ref_name = Some(ref_name.into());
        self
    }

    /// A sentence, and where a click leads.
    #[must_use]
    pub fn saying(mut self, description: impl Into<String>, target_url: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self.target_url = Some(target_url.into());
        self
    }
}
