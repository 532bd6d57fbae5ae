//! GitLab's managed Terraform state: where it lives, and what terraform has to be told.
//!
//! Sources: GitLab docs, "GitLab-managed Terraform/OpenTofu state"; `lib/api/terraform/state.rb` in GitLab;
//! Terraform docs, "Backend Type: http".

use crate::{
    Secret,
    job::User,
    project::{Project, segment},
};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;
use url::Url;

/// The user name that goes with a job's token in HTTP Basic, the only form in which these routes take it.
pub const JOB_TOKEN_USER: &str = "gitlab-ci-token";

/// Seconds terraform waits before it asks again, as GitLab's own OpenTofu component sets it.
pub const RETRY_WAIT_MIN: u32 = 5;

/// One managed state: the project and the state's name. One name per environment: the backend knows no workspaces.
///
/// ```
/// use portcullis_gitlab::{Project, state::StateAddress};
/// use url::Url;
///
/// let api = Url::parse("https://gitlab.example/api/v4")?;
/// let state = StateAddress::new(Project::Path("platform/network".into()), "production")?;
/// assert_eq!(state.url(&api).as_str(), "https://gitlab.example/api/v4/projects/platform%2Fnetwork/terraform/state/production");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateAddress {
    project: Project,
    name: String,
}

/// A state name that GitLab cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the state name {name:?} {problem}")]
pub struct InvalidStateName {
    name: String,
    problem: &'static str,
}

impl InvalidStateName {
    /// What a name may look like.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "use a name such as production or network.staging: letters, digits, -, _ and dots, one name per environment"
    }
}

impl StateAddress {
    /// Takes a project and a state name.
    ///
    /// # Errors
    /// When the name is empty, `.` or `..`, longer than 255 characters, or holds a slash or a control character:
    /// such a name would reach another address, or none.
    pub fn new(project: Project, name: impl Into<String>) -> Result<Self, InvalidStateName> {
        let name = name.into();
        let problem = if name.trim().is_empty() {
            "is empty"
        } else if name == "." || name == ".." {
            "is a step in a path, not a name"
        } else if name.contains(['/', '\\']) {
            "holds a slash"
        } else if name.chars().any(char::is_control) {
            "holds a control character"
        } else if name.chars().count() > 255 {
            "is longer than 255 characters"
        } else {
            return Ok(Self { project, name });
        };
        Err(InvalidStateName { name, problem })
    }

    /// The project that holds the state.
    #[must_use]
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The state's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the state is read and written, below the API's root.
    #[must_use]
    pub fn url(&self, api_url: &Url) -> Url {
        segment::join(
            api_url,
            &[
                "projects",
                &self.project.segment(),
                "terraform",
                "state",
                &self.name,
            ],
        )
    }

    /// Where the state is locked (`POST`) and unlocked (`DELETE`).
    #[must_use]
    pub fn lock_url(&self, api_url: &Url) -> Url {
        segment::join(
            api_url,
            &[
                "projects",
                &self.project.segment(),
                "terraform",
                "state",
                &self.name,
                "lock",
            ],
        )
    }

    /// Where one version of the state is read.
    #[must_use]
    pub fn version_url(&self, api_url: &Url, serial: u64) -> Url {
        let project = self.project.segment();
        let serial = serial.to_string();
        let path = [
            "projects",
            &project,
            "terraform",
            "state",
            &self.name,
            "versions",
            &serial,
        ];
        segment::join(api_url, &path)
    }

    /// The environment terraform's `http` backend reads. Passed by environment and not by `-backend-config`,
    /// which terraform would store in the plan file, token and all.
    ///
    /// `username` is [`JOB_TOKEN_USER`] with a job's token, or a user's name with that user's access token.
    #[must_use]
    pub fn environment(
        &self,
        api_url: &Url,
        username: &str,
        password: &Secret,
    ) -> Vec<(&'static str, Secret)> {
        let lock = self.lock_url(api_url);
        vec![
            ("TF_HTTP_ADDRESS", Secret::new(self.url(api_url))),
            ("TF_HTTP_LOCK_ADDRESS", Secret::new(lock.clone())),
            ("TF_HTTP_LOCK_METHOD", Secret::new("POST")),
            ("TF_HTTP_UNLOCK_ADDRESS", Secret::new(lock)),
            ("TF_HTTP_UNLOCK_METHOD", Secret::new("DELETE")),
            ("TF_HTTP_USERNAME", Secret::new(username)),
            ("TF_HTTP_PASSWORD", password.clone()),
            ("TF_HTTP_RETRY_WAIT_MIN", Secret::new(RETRY_WAIT_MIN.to_string())),
        ]
    }
}

/// A lock as terraform asks for it and GitLab answers it, field names as on the wire.
///
/// In the 409 answer to a second lock, GitLab mixes the holder's `id`, `who` and `created` with the *asker's*
/// `operation`, `info`, `version` and `path`: only the first three speak of the holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LockInfo {
    /// The lock's own name, a UUID terraform makes up.
    #[serde(rename = "ID")]
    pub id: String,
    /// `OperationTypeApply`, ….
    pub operation: String,
    /// Free text, mostly empty.
    pub info: String,
    /// `user@host` when asked; the GitLab user name when answered.
    pub who: String,
    /// Terraform's version.
    pub version: String,
    /// RFC 3339.
    pub created: String,
    /// Mostly empty with the http backend.
    pub path: String,
}

/// What asking for a lock did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locked {
    /// It is ours.
    Done,
    /// Somebody holds the state; who, when GitLab names them.
    HeldBy(Option<LockHolder>),
}

/// What taking off a lock did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlocked {
    /// Nobody holds the state now.
    Done,
    /// Somebody else holds it, or, on some versions of GitLab, nobody does; the holder when GitLab names one.
    HeldBy(Option<LockHolder>),
}

/// Who holds a lock: of a conflict's answer, the parts that speak of the holder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LockHolder {
    /// The lock's own name, which unlocking asks for.
    #[serde(rename = "ID")]
    pub id: String,
    /// The GitLab user name.
    #[serde(default)]
    pub who: String,
    /// Since when, RFC 3339.
    #[serde(default)]
    pub created: String,
}

impl LockHolder {
    /// Reads the body of a 409; see [`LockInfo`] for what GitLab mixes there.
    ///
    /// ```
    /// use portcullis_gitlab::state::LockHolder;
    /// let body = br#"{"ID": "6fa1", "Who": "grace", "Created": "2026-11-23T10:00:00Z", "Operation": "OperationTypePlan"}"#;
    /// assert_eq!(LockHolder::from_conflict(body).map(|holder| holder.who), Some("grace".to_owned()));
    /// assert_eq!(LockHolder::from_conflict(b"{}"), None);
    /// ```
    #[must_use]
    pub fn from_conflict(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

/// What GitLab knows about a managed state beside its bytes. (GitLab docs, "GraphQL API resources": `TerraformState`,
/// `TerraformStateVersion`.)
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StateFacts {
    /// The state's name.
    pub name: String,
    /// Since when it is locked, RFC 3339; `None` when nobody holds it.
    #[serde(default)]
    pub locked_at: Option<String>,
    /// Who holds it.
    #[serde(default)]
    pub locked_by_user: Option<User>,
    /// When it changed last, lock included. RFC 3339.
    #[serde(default)]
    pub updated_at: Option<String>,
    /// Since when its deletion is pending, RFC 3339.
    #[serde(default)]
    pub deleted_at: Option<String>,
    /// The newest version; `None` when nothing was written yet.
    #[serde(default)]
    pub latest_version: Option<VersionFacts>,
}

/// Who wrote a version of a state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionFacts {
    /// The serial in the state.
    #[serde(default)]
    pub serial: Option<u64>,
    /// When, RFC 3339.
    #[serde(default)]
    pub created_at: Option<String>,
    /// Who; `None` when the user is gone.
    #[serde(default)]
    pub created_by_user: Option<User>,
    /// In which job; `None` when it was no job, or one that the token may not see.
    #[serde(default)]
    pub job: Option<WritingJob>,
}

/// The job that wrote a version of a state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WritingJob {
    /// The job's number, unique on the instance.
    #[serde(default, deserialize_with = "global_id")]
    pub id: Option<u64>,
    /// The name in `.gitlab-ci.yml`. Text from outside.
    #[serde(default)]
    pub name: Option<String>,
    /// The path of the job's page, below the instance's address.
    #[serde(default)]
    pub web_path: Option<String>,
}

/// `gid://gitlab/Ci::Build/505` as 505.
fn global_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.rsplit('/').next()?.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api() -> Url {
        Url::parse("https://gitlab.example/sub/path/api/v4/").unwrap()
    }

    #[test]
    fn names_stay_one_segment_and_the_root_may_lie_deep() {
        let table = [
            ("production", "production"),
            ("network.eu-west-1", "network.eu-west-1"),
            ("50% off? #1", "50%25%20off%3F%20%231"),
            ("Zürich", "Z%C3%BCrich"),
        ];
        for (name, encoded) in table {
            let state = StateAddress::new(Project::Id(42), name).unwrap();
            let root = "https://gitlab.example/sub/path/api/v4/projects/42/terraform/state";
            assert_eq!(state.url(&api()).as_str(), format!("{root}/{encoded}"), "{name}");
            assert_eq!(
                state.lock_url(&api()).as_str(),
                format!("{root}/{encoded}/lock"),
                "{name}"
            );
        }
    }

    #[test]
    fn names_that_would_lead_elsewhere_are_refused() {
        let long = "a".repeat(256);
        let table = [
            ("", r#"the state name "" is empty"#),
            ("..", r#"the state name ".." is a step in a path, not a name"#),
            ("a/b", r#"the state name "a/b" holds a slash"#),
            (
                "a\u{1b}[31m",
                r#"the state name "a\u{1b}[31m" holds a control character"#,
            ),
        ];
        for (name, text) in table {
            let refused = StateAddress::new(Project::Id(1), name).unwrap_err();
            assert_eq!(refused.to_string(), text);
        }
        assert!(StateAddress::new(Project::Id(1), long).is_err());
    }

    #[test]
    fn terraform_gets_every_setting_it_needs() {
        let state = StateAddress::new(Project::Path("a/b".into()), "production").unwrap();
        let environment = state.environment(&api(), JOB_TOKEN_USER, &Secret::new("glcbt-64_abc"));
        let shown: Vec<String> = environment
            .iter()
            .map(|(name, value)| format!("{name}={}", value.expose()))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        TF_HTTP_ADDRESS=https://gitlab.example/sub/path/api/v4/projects/a%2Fb/terraform/state/production
        TF_HTTP_LOCK_ADDRESS=https://gitlab.example/sub/path/api/v4/projects/a%2Fb/terraform/state/production/lock
        TF_HTTP_LOCK_METHOD=POST
        TF_HTTP_UNLOCK_ADDRESS=https://gitlab.example/sub/path/api/v4/projects/a%2Fb/terraform/state/production/lock
        TF_HTTP_UNLOCK_METHOD=DELETE
        TF_HTTP_USERNAME=gitlab-ci-token
        TF_HTTP_PASSWORD=glcbt-64_abc
        TF_HTTP_RETRY_WAIT_MIN=5
        ");
        assert!(!format!("{environment:?}").contains("glcbt"));
    }

    #[test]
    fn a_lock_reads_as_terraform_writes_it() {
        let text = r#"{"ID":"6fa1","Operation":"OperationTypeApply","Info":"","Who":"ci@runner","Version":"1.11.4","Created":"2026-11-23T10:00:00Z","Path":""}"#;
        let lock: LockInfo = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&lock).unwrap(), text);
    }
}
