//! Jobs of a pipeline, as the Jobs API shows them. Only the fields in use; unknown ones are ignored.

use crate::{Secret, null};
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
    #[serde(default, deserialize_with = "null::is_default")]
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
    /// The branch or tag; in a merge request's pipeline `refs/merge-requests/7/head`, see [`merge_request_of`]. Text from
    /// outside.
    #[serde(default, rename = "ref")]
    pub ref_name: Option<String>,
    /// The pipeline it belongs to.
    #[serde(default)]
    pub pipeline: Option<Pipeline>,
    /// The commit it runs on.
    #[serde(default)]
    pub commit: Option<Commit>,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Commit {
    /// The full id.
    pub id: String,
    /// The author's name, as git has it. Text from outside.
    #[serde(default)]
    pub author_name: Option<String>,
    /// The author's mail address, as git has it. Text from outside.
    #[serde(default)]
    pub author_email: Option<String>,
    /// The commits it follows; the first is the branch's own. Some answers leave them out.
    #[serde(default, deserialize_with = "null::is_default")]
    pub parent_ids: Vec<String>,
}

impl Commit {
    /// The author as `CI_COMMIT_AUTHOR` has it: `Name <mail>`. `None` when the answer names nobody.
    #[must_use]
    pub fn author(&self) -> Option<String> {
        match (&self.author_name, &self.author_email) {
            (None, None) => None,
            (name, None) => name.clone(),
            (name, Some(mail)) => Some(format!("{} <{mail}>", name.as_deref().unwrap_or_default())),
        }
    }
}

/// A user, as far as other answers mention one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Number, unique on the instance; some answers leave it out.
    #[serde(default)]
    pub id: Option<u64>,
    /// The name for signing in.
    pub username: String,
    /// The name as shown. Text from outside.
    #[serde(default)]
    pub name: Option<String>,
}

impl User {
    /// Whether both are the same user: by number where both have one, since names can change.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        match (self.id, other.id) {
            (Some(one), Some(two)) => one == two,
            _ => self.username == other.username,
        }
    }
}

/// A pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Pipeline {
    /// Number, unique on the instance.
    pub id: u64,
    /// `running`, `success`, `failed`, `manual` (it waits for somebody), ….
    #[serde(default, deserialize_with = "null::is_default")]
    pub status: String,
    /// How it came about: `push`, `merge_request_event`, ….
    #[serde(default)]
    pub source: Option<String>,
    /// The project it runs in.
    #[serde(default)]
    pub project_id: Option<u64>,
    /// The branch or tag. Text from outside.
    #[serde(default, rename = "ref")]
    pub ref_name: Option<String>,
    /// The commit.
    #[serde(default)]
    pub sha: Option<String>,
    /// The commit that the branch stood at before; all zeros where GitLab knows none. Listings leave it out.
    #[serde(default)]
    pub before_sha: Option<String>,
    /// Its page.
    #[serde(default)]
    pub web_url: Option<String>,
    /// Who started it.
    #[serde(default)]
    pub user: Option<User>,
}

/// A job that starts another pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Bridge {
    /// Number, unique on the instance.
    pub id: u64,
    /// The name in `.gitlab-ci.yml`. Text from outside.
    pub name: String,
    /// Where it stands.
    pub status: JobStatus,
    /// The pipeline it started, if it did yet.
    #[serde(default)]
    pub downstream_pipeline: Option<Pipeline>,
}

/// What is handed to a manual job when it is played.
///
/// Inputs (GitLab 18.10) are typed and checked, and need no right of their own. Variables need the right to set pipeline
/// variables, which new projects give to nobody. (GitLab docs, "Job inputs"; "Restrict pipeline variables".)
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    inputs: serde_json::Map<String, serde_json::Value>,
    variables: Vec<(String, Secret)>,
}

impl Inputs {
    /// Adds an input.
    #[must_use]
    pub fn input(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.inputs.insert(name.into(), value.into());
        self
    }

    /// Adds a variable.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: Secret) -> Self {
        self.variables.push((name.into(), value));
        self
    }

    /// The request's body; what is not set is left out, since older GitLab refuses fields it does not know.
    #[cfg(feature = "client")]
    pub(crate) fn body(&self) -> serde_json::Value {
        let mut body = serde_json::Map::new();
        if !self.inputs.is_empty() {
            body.insert("job_inputs".to_owned(), self.inputs.clone().into());
        }
        if !self.variables.is_empty() {
            let variables: Vec<serde_json::Value> = self
                .variables
                .iter()
                .map(|(key, value)| serde_json::json!({"key": key, "value": value.expose()}))
                .collect();
            body.insert("job_variables_attributes".to_owned(), variables.into());
        }
        body.into()
    }
}

/// The merge request whose pipeline runs on this ref; `None` for a branch or a tag. (GitLab docs, "Merge request pipelines",
/// "Merged results pipelines", "Merge trains".)
///
/// ```
/// use portcullis_gitlab::job::merge_request_of;
/// assert_eq!(merge_request_of("refs/merge-requests/7/head"), Some(7));
/// assert_eq!(merge_request_of("main"), None);
/// ```
#[must_use]
pub fn merge_request_of(ref_name: &str) -> Option<u64> {
    let (iid, _) = ref_name.strip_prefix("refs/merge-requests/")?.split_once('/')?;
    iid.parse().ok()
}

/// The job of this name: the newest, should it have been retried. Its `web_url` is where a manual job is played.
///
/// ```
/// use portcullis_gitlab::job::{Job, newest};
/// let jobs: Vec<Job> = serde_json::from_str(
///     r#"[{"id": 8, "name": "deploy", "stage": "deploy", "status": "manual"},
///         {"id": 5, "name": "deploy", "stage": "deploy", "status": "failed"}]"#,
/// )?;
/// assert_eq!(newest(&jobs, "deploy").map(|job| job.id), Some(8));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn newest<'a>(jobs: &'a [Job], name: &str) -> Option<&'a Job> {
    jobs.iter()
        .filter(|job| job.name == name)
        .max_by_key(|job| job.id)
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
