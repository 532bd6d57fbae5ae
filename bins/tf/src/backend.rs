//! Where the state is, and what terraform is told about it: by environment only, since `-backend-config` would be kept in
//! the plan file, token and all.

use portcullis_gitlab::{
    Secret,
    state::{JOB_TOKEN_USER, StateAddress},
};
use portcullis_stage::{Failure, Stage};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// An access token in the job token's place.
const TOKEN: &str = "PORTCULLIS_STATE_TOKEN";

/// Who keeps the state.
#[derive(Debug)]
pub(crate) enum Backend {
    /// GitLab.
    Gitlab(Gitlab),
    /// Somebody else: the caller set `TF_HTTP_ADDRESS`, and all the rest is the caller's, too. A job's token is not sent
    /// to an address that is not GitLab's.
    Callers,
}

/// What opens the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// `CI_JOB_TOKEN`.
    JobToken,
    /// `PORTCULLIS_STATE_TOKEN`.
    AccessToken,
    /// The caller's own `TF_HTTP_USERNAME` and `TF_HTTP_PASSWORD`.
    Callers,
}

/// A state that GitLab keeps.
#[derive(Debug)]
pub(crate) struct Gitlab {
    pub(crate) name: String,
    /// `project 42 at gitlab.example`.
    pub(crate) place: String,
    pub(crate) credentials: Credentials,
    /// The page of the project's states.
    pub(crate) page: Option<String>,
    pub(crate) environment: Vec<(&'static str, Secret)>,
}

impl Backend {
    pub(crate) fn find(stage: &Stage, name: &str) -> Result<Self, Failure> {
        if stage.variable("TF_HTTP_ADDRESS").is_some() {
            return Ok(Self::Callers);
        }
        let job = stage.ci();
        let state = StateAddress::new(job.require_project()?, name)?;
        let api = job.require_api_url()?;
        let access = stage.variable(TOKEN).map(Secret::new);
        let environment = match &access {
            Some(token) => {
                // GitLab looks at the token alone (`find_personal_access_token_from_http_basic_auth`), but wants a name.
                let user = stage.variable("TF_HTTP_USERNAME").or(job.user_login.as_deref());
                state.environment(api, user.unwrap_or("access-token"), token)
            }
            None => state.environment(api, JOB_TOKEN_USER, job.require_job_token()?),
        };
        // The waits are the one setting a caller may choose.
        let chosen = stage.variable("TF_HTTP_RETRY_WAIT_MIN").is_some();
        let port = api.port().map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self::Gitlab(Gitlab {
            place: format!(
                "project {} at {}{port}",
                job.require_project_id()?,
                api.host_str().unwrap_or("?")
            ),
            credentials: if access.is_some() {
                Credentials::AccessToken
            } else {
                Credentials::JobToken
            },
            page: job
                .project_url
                .as_ref()
                .map(|url| format!("{}/-/terraform", url.as_str().trim_end_matches('/'))),
            environment: environment
                .into_iter()
                .filter(|(name, _)| !(chosen && *name == "TF_HTTP_RETRY_WAIT_MIN"))
                .collect(),
            name: name.to_owned(),
        }))
    }
}

/// The backend that a folder was initialised for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Initialised {
    /// `http`: the state goes where `TF_HTTP_…` says.
    Http,
    /// Another one.
    Other(String),
    /// None: the state lies in a file beside the configuration.
    None,
}

impl Initialised {
    /// Reads what `init` left: the backend stands in `.terraform/terraform.tfstate`, and no such file means that the
    /// configuration names no backend, or that nobody ran `init`. (Terraform's `internal/command/workdir`.)
    pub(crate) fn find(stage: &Stage, folder: &Path) -> Self {
        let data = stage
            .variable("TF_DATA_DIR")
            .map_or_else(|| PathBuf::from(".terraform"), PathBuf::from);
        let Ok(text) = stage.read_text(&folder.join(data).join("terraform.tfstate")) else {
            return Self::None;
        };
        match serde_json::from_str::<DataFile>(&text)
            .ok()
            .and_then(|file| file.backend)
        {
            Some(backend) if backend.kind == "http" => Self::Http,
            Some(backend) => Self::Other(backend.kind),
            None => Self::None,
        }
    }

    /// Why the state would not be GitLab's; `None` when it would be.
    pub(crate) fn problem(&self, folder: &Path) -> Option<String> {
        let folder = folder.display();
        match self {
            Self::Http => None,
            Self::Other(kind) => Some(format!(
                "{folder}: it is initialised for the backend {kind}, so the state is not kept in GitLab"
            )),
            Self::None => Some(format!(
                "{folder}: the configuration names no backend, or is not initialised here, so the state is not kept in GitLab"
            )),
        }
    }
}

#[derive(Deserialize)]
struct DataFile {
    backend: Option<DataBackend>,
}

#[derive(Deserialize)]
struct DataBackend {
    #[serde(rename = "type")]
    kind: String,
}
