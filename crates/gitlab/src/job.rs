//! Jobs of a pipeline, as the Jobs API shows them. Only the fields in use; unknown ones are ignored.

use serde::{Deserialize, Deserializer};

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Job {
    /// Number, unique on the instance.
    pub id: u64,
    /// The name in `.gitlab-ci.yml`. Text from outside.
    pub name: String,
    /// The stage.
    pub stage: String,
    /// Where it stands.
    pub status: JobStatus,
    /// Whether the pipeline goes on when it fails.
    #[serde(default, deserialize_with = "null_is_default")]
    pub allow_failure: bool,
    /// Why it failed, in GitLab's words: `script_failure`, `stuck_or_timeout_failure`, ….
    #[serde(default)]
    pub failure_reason: Option<String>,
    /// RFC 3339.
    #[serde(default)]
    pub started_at: Option<String>,
    /// RFC 3339.
    #[serde(default)]
    pub finished_at: Option<String>,
    /// The job's page.
    #[serde(default)]
    pub web_url: Option<String>,
    /// Who runs it: the pipeline's user, or the player of a manual job.
    #[serde(default)]
    pub user: Option<User>,
    /// The pipeline it belongs to.
    #[serde(default)]
    pub pipeline: Option<PipelineRef>,
}

/// A user, as far as other answers mention one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// The name for signing in.
    pub username: String,
    /// The name as shown. Text from outside.
    #[serde(default)]
    pub name: Option<String>,
}

/// A pipeline, as far as a job mentions it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PipelineRef {
    /// Number, unique on the instance.
    pub id: u64,
    /// The branch or tag. Text from outside.
    #[serde(default, rename = "ref")]
    pub ref_name: Option<String>,
    /// The commit.
    #[serde(default)]
    pub sha: Option<String>,
}

/// Where a job stands. GitLab adds words now and then: an unknown one is kept, never an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobStatus {
    /// Not yet in a queue.
    Created,
    /// Waiting for a runner.
    Pending,
    /// On a runner.
    Running,
    /// Ended well.
    Success,
    /// Ended badly.
    Failed,
    /// Stopped by somebody or by a newer pipeline.
    Canceled,
    /// Left out by its rules or by an earlier failure.
    Skipped,
    /// Waiting for somebody to play it.
    Manual,
    /// Any other word: `waiting_for_resource`, `preparing`, `canceling`, `scheduled`, ….
    Other(String),
}

impl JobStatus {
    /// The word as GitLab writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Created => "created",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Skipped => "skipped",
            Self::Manual => "manual",
            Self::Other(word) => word,
        }
    }
}

impl<'de> Deserialize<'de> for JobStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match String::deserialize(deserializer)?.as_str() {
            "created" => Self::Created,
            "pending" => Self::Pending,
            "running" => Self::Running,
            "success" => Self::Success,
            "failed" => Self::Failed,
            "canceled" => Self::Canceled,
            "skipped" => Self::Skipped,
            "manual" => Self::Manual,
            other => Self::Other(other.to_owned()),
        })
    }
}

/// GitLab may answer `null` where a boolean stands (GitLab docs, "REST API": booleans).
fn null_is_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_with_unknown_words_and_nulls_still_reads() {
        let job: Job = serde_json::from_str(
            r#"{"id": 7, "name": "deploy", "stage": "deploy", "status": "waiting_for_callback", "allow_failure": null,
                "user": {"username": "grace", "id": 3}, "pipeline": {"id": 9, "ref": "main", "sha": "c0ffee"}, "tag": false}"#,
        )
        .unwrap();
        assert_eq!(job.status, JobStatus::Other("waiting_for_callback".into()));
        assert_eq!(job.status.as_str(), "waiting_for_callback");
        assert!(!job.allow_failure);
        assert_eq!(job.user.unwrap().username, "grace");
        assert_eq!(job.pipeline.unwrap().ref_name.as_deref(), Some("main"));
    }
}
