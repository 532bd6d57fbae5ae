//! The environment of a GitLab job, as types.
//!
//! Names and meanings: GitLab docs, "Predefined CI/CD variables reference". Reading never fails: a variable that is
//! absent, empty, or not of its type is `None`, and the `require_…` accessors say which of these it was, for the
//! one variable that was needed. A stage that needs nothing from GitLab runs anywhere.

use crate::{Secret, project::Project};
use std::collections::BTreeSet;
use thiserror::Error;
use url::Url;

/// A variable that is needed and cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the variable {name} {problem}")]
pub struct MissingVariable {
    /// The variable's name, such as `CI_API_V4_URL`.
    pub name: &'static str,
    /// What is wrong with it. The value is never quoted: it may hold a secret.
    pub problem: Problem,
    hint: &'static str,
}

impl MissingVariable {
    /// Where GitLab sets the variable, or how to set it by hand.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        self.hint
    }
}

/// Why a variable cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Problem {
    /// Not set, or empty.
    #[error("is not set")]
    Absent,
    /// Set, but not what it has to be (the text says what).
    #[error("is set, but is not {0}")]
    Malformed(&'static str),
}

/// A type a variable can have.
trait Value: Sized {
    /// The type as the error names it.
    const WORD: &'static str;
    fn read(text: &str) -> Option<Self>;
}

impl Value for String {
    const WORD: &'static str = "text";
    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Value for Secret {
    const WORD: &'static str = "text";
    fn read(text: &str) -> Option<Self> {
        Some(Self::new(text))
    }
}

impl Value for u64 {
    const WORD: &'static str = "a whole number";
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for bool {
    const WORD: &'static str = "true or false";
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for Url {
    const WORD: &'static str = "an http or https address";
    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
    }
}

/// One row per variable: documentation, field, accessor that insists, type, name, hint.
macro_rules! variables {
    ($($(#[$doc:meta])* $field:ident / $require:ident: $type:ty = $name:literal, $hint:expr;)*) => {
        /// What GitLab tells a job about itself, as far as the stages use it.
        ///
        /// ```
        /// use portcullis_gitlab::ci::Variables;
        ///
        /// let variables = Variables::from_lookup(|name| match name {
        ///     "CI_PROJECT_ID" => Some("42".to_owned()),
        ///     _ => None,
        /// });
        /// assert_eq!(variables.project_id, Some(42));
        /// let missing = variables.require_api_url().unwrap_err();
        /// assert_eq!(missing.to_string(), "the variable CI_API_V4_URL is not set");
        /// ```
        #[derive(Debug, Clone, Default)]
        pub struct Variables {
            $($(#[$doc])* pub $field: Option<$type>,)*
            /// Names that were set to something that is not of their type.
            malformed: BTreeSet<&'static str>,
        }

        impl Variables {
            /// Every variable this module knows, in the order of the fields.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// Reads what `lookup` knows. An empty value counts as absent.
            #[must_use]
            pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
                let mut malformed = BTreeSet::new();
                $(
                    let text = lookup($name).filter(|text| !text.trim().is_empty());
                    let $field = text.as_deref().and_then(|text| <$type as Value>::read(text.trim()));
                    if text.is_some() && $field.is_none() {
                        malformed.insert($name);
                    }
                )*
                Self { $($field,)* malformed }
            }

            $(
                #[doc = concat!("`", $name, "`, or the error that names it.")]
                ///
                /// # Errors
                /// When the variable is absent, empty, or not of its type.
                pub fn $require(&self) -> Result<&$type, MissingVariable> {
                    self.$field.as_ref().ok_or_else(|| self.missing($name, <$type as Value>::WORD, $hint))
                }
            )*
        }
    };
}

const EVERY_JOB: &str = "GitLab sets it in every CI/CD job; outside a job, export it yourself";
const USER: &str = "GitLab sets it in every CI/CD job to the user who started the pipeline, and in a manual job to the user \
                    who played it; outside a job, export it yourself";

variables! {
    /// Root of the REST API, such as `https://gitlab.example/api/v4`.
    api_url / require_api_url: Url = "CI_API_V4_URL", EVERY_JOB;
    /// Root of the GitLab instance.
    server_url / require_server_url: Url = "CI_SERVER_URL", EVERY_JOB;
    /// The project's number, unique on the instance.
    project_id / require_project_id: u64 = "CI_PROJECT_ID", EVERY_JOB;
    /// The project's path with its groups.
    project_path / require_project_path: String = "CI_PROJECT_PATH", EVERY_JOB;
    /// The project's page.
    project_url / require_project_url: Url = "CI_PROJECT_URL", EVERY_JOB;
    /// The pipeline's number, unique on the instance.
    pipeline_id / require_pipeline_id: u64 = "CI_PIPELINE_ID", EVERY_JOB;
    /// The pipeline's page.
    pipeline_url / require_pipeline_url: Url = "CI_PIPELINE_URL", EVERY_JOB;
    /// How the pipeline came about: `push`, `merge_request_event`, `web`, `parent_pipeline`, ….
    pipeline_source / require_pipeline_source: String = "CI_PIPELINE_SOURCE", EVERY_JOB;
    /// The job's number, unique on the instance.
    job_id / require_job_id: u64 = "CI_JOB_ID", EVERY_JOB;
    /// The job's name.
    job_name / require_job_name: String = "CI_JOB_NAME", EVERY_JOB;
    /// The job's stage.
    job_stage / require_job_stage: String = "CI_JOB_STAGE", EVERY_JOB;
    /// The job's page.
    job_url / require_job_url: Url = "CI_JOB_URL", EVERY_JOB;
    /// The job's token; it dies when the job ends.
    job_token / require_job_token: Secret = "CI_JOB_TOKEN",
        "GitLab sets it in every CI/CD job and takes it back when the job ends; outside a job there is none";
    /// The commit the pipeline runs on.
    commit_sha / require_commit_sha: String = "CI_COMMIT_SHA", EVERY_JOB;
    /// The first eight characters of the commit.
    commit_short_sha / require_commit_short_sha: String = "CI_COMMIT_SHORT_SHA", EVERY_JOB;
    /// The first line of the commit message. Text from outside.
    commit_title / require_commit_title: String = "CI_COMMIT_TITLE", EVERY_JOB;
    /// Who wrote the commit, `Name <mail>`; see [`Author`]. Text from outside.
    commit_author / require_commit_author: String = "CI_COMMIT_AUTHOR", EVERY_JOB;
    /// The branch or tag. Text from outside.
    commit_ref_name / require_commit_ref_name: String = "CI_COMMIT_REF_NAME", EVERY_JOB;
    /// Whether the branch or tag is protected.
    commit_ref_protected / require_commit_ref_protected: bool = "CI_COMMIT_REF_PROTECTED", EVERY_JOB;
    /// The project's default branch.
    default_branch / require_default_branch: String = "CI_DEFAULT_BRANCH", EVERY_JOB;
    /// The commit that the branch stood at before this push; all zeros where GitLab knows none.
    commit_before_sha / require_commit_before_sha: String = "CI_COMMIT_BEFORE_SHA", EVERY_JOB;
    /// Where the pipeline file stands: a path in the repository, `path@group/project`, or an address.
    config_path / require_config_path: String = "CI_CONFIG_PATH", EVERY_JOB;
    /// The folder of the checkout.
    project_dir / require_project_dir: String = "CI_PROJECT_DIR", EVERY_JOB;
    /// The environment the job deploys to. Text from outside.
    environment_name / require_environment_name: String = "CI_ENVIRONMENT_NAME",
        "GitLab sets it in jobs with `environment: name`";
    /// The commit that the merge request begins at.
    merge_request_base / require_merge_request_base: String = "CI_MERGE_REQUEST_DIFF_BASE_SHA",
        "GitLab sets it in merge request pipelines only; run the job with the rule $CI_PIPELINE_SOURCE == \"merge_request_event\"";
    /// The merge request's number within the project.
    merge_request_iid / require_merge_request_iid: u64 = "CI_MERGE_REQUEST_IID",
        "GitLab sets it in merge request pipelines only; run the job with the rule $CI_PIPELINE_SOURCE == \"merge_request_event\"";
    /// The user's number, unique on the instance.
    user_id / require_user_id: u64 = "GITLAB_USER_ID", USER;
    /// The user's name for signing in.
    user_login / require_user_login: String = "GITLAB_USER_LOGIN", USER;
    /// The user's name as shown. Text from outside.
    user_name / require_user_name: String = "GITLAB_USER_NAME", USER;
    /// The user's mail address.
    user_email / require_user_email: String = "GITLAB_USER_EMAIL", USER;
}

impl Variables {
    /// The project of this job, by number (`CI_PROJECT_ID`): a path would need `%2F`, which some proxies decode.
    ///
    /// # Errors
    /// When `CI_PROJECT_ID` is missing.
    pub fn require_project(&self) -> Result<Project, MissingVariable> {
        self.require_project_id().map(|id| Project::Id(*id))
    }

    fn missing(&self, name: &'static str, word: &'static str, hint: &'static str) -> MissingVariable {
        let problem = if self.malformed.contains(name) {
            Problem::Malformed(word)
        } else {
            Problem::Absent
        };
        MissingVariable { name, problem, hint }
    }
}

/// A commit's author, as git writes it: `Name <mail>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The name, possibly empty.
    pub name: String,
    /// The mail address, when there is one.
    pub email: Option<String>,
}

impl Author {
    /// Takes the text apart. Without angle brackets all of it is the name.
    ///
    /// ```
    /// use portcullis_gitlab::ci::Author;
    /// let author = Author::parse("Ada Lovelace <ada@example.org>");
    /// assert_eq!(author.name, "Ada Lovelace");
    /// assert_eq!(author.email.as_deref(), Some("ada@example.org"));
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Self {
        // The last pair of brackets is the address: a name may hold a bracket, an address may not.
        let text = text.trim();
        let parts = text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<'));
        match parts {
            Some((name, email)) => Self {
                name: name.trim().to_owned(),
                email: Some(email.trim().to_owned()).filter(|email| !email.is_empty()),
            },
            None => Self {
                name: text.to_owned(),
                email: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> Variables {
        Variables::from_lookup(|name| {
            pairs
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_empty_environment_reads_as_nothing_and_names_what_is_missing() {
        let variables = from(&[]);
        let missing = variables.require_job_token().unwrap_err();
        insta::assert_snapshot!(missing, @"the variable CI_JOB_TOKEN is not set");
        insta::assert_snapshot!(missing.hint(), @"GitLab sets it in every CI/CD job and takes it back when the job ends; outside a job there is none");
    }

    #[test]
    fn an_empty_value_is_absent() {
        let variables = from(&[("CI_COMMIT_TITLE", ""), ("CI_PROJECT_ID", "  ")]);
        assert_eq!(variables.commit_title, None);
        assert_eq!(
            variables.require_project_id().unwrap_err().problem,
            Problem::Absent
        );
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named_but_never_quoted() {
        let variables = from(&[
            ("CI_API_V4_URL", "ftp://user:hunter2@host"),
            ("CI_PROJECT_ID", "forty-two"),
        ]);
        let url = variables.require_api_url().unwrap_err().to_string();
        insta::assert_snapshot!(url, @"the variable CI_API_V4_URL is set, but is not an http or https address");
        let id = variables.require_project_id().unwrap_err().to_string();
        insta::assert_snapshot!(id, @"the variable CI_PROJECT_ID is set, but is not a whole number");
    }

    #[test]
    fn a_job_of_a_real_pipeline_is_read_whole() {
        let variables = from(&[
            ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
            ("CI_PROJECT_ID", "42"),
            ("CI_COMMIT_REF_PROTECTED", "true"),
            ("CI_JOB_TOKEN", "glcbt-64_secret"),
            ("CI_MERGE_REQUEST_IID", "7"),
        ]);
        assert_eq!(
            variables.require_api_url().unwrap().host_str(),
            Some("gitlab.example")
        );
        assert_eq!(variables.require_project().unwrap(), Project::Id(42));
        assert_eq!(variables.commit_ref_protected, Some(true));
        assert_eq!(variables.merge_request_iid, Some(7));
        assert!(
            !format!("{variables:?}").contains("glcbt"),
            "the token must not be in the debug text"
        );
    }

    #[test]
    fn authors_come_apart_whatever_their_name() {
        let table = [
            ("Ada <ada@example.org>", "Ada", Some("ada@example.org")),
            ("A <b> C <c@example.org>", "A <b> C", Some("c@example.org")),
            ("<only@example.org>", "", Some("only@example.org")),
            ("Nobody", "Nobody", None),
            ("Nobody <>", "Nobody", None),
            ("", "", None),
        ];
        for (text, name, email) in table {
            let author = Author::parse(text);
            assert_eq!(
                (author.name.as_str(), author.email.as_deref()),
                (name, email),
                "{text:?}"
            );
        }
    }
}
