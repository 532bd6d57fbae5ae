//! The stand-ins alone, for trying the binaries by hand.

use crate::clock;
use crate::demo::environment::{self, JobFacts};
use crate::estate;
use crate::fault::Fault;
use crate::files::{self, FileError};
use crate::gitlab::wire::LockedWrite;
use crate::gitlab::{Gitlab, JobStatus};
use crate::recording::StateHead;
use crate::server::BindError;
use crate::slack::{Slack, Workspace};
use crate::web_service::WebService;
use std::path::PathBuf;

/// What to serve.
#[derive(Debug, Clone)]
pub struct Options {
    /// GitLab's port; 0 for any.
    pub gitlab: u16,
    /// Slack's port; 0 for any.
    pub slack: u16,
    /// The raw state GitLab holds at the start.
    pub state: Option<PathBuf>,
    /// The recording the replayed terraform answers from.
    pub recording: PathBuf,
    /// A fault of GitLab's.
    pub gitlab_fault: Option<Fault>,
    /// A fault of Slack's.
    pub slack_fault: Option<Fault>,
    /// What a write to a locked state answers.
    pub locked_write: LockedWrite,
}

/// It cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A port.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The state's file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is no state.
    #[error("{} is not a raw Terraform state", .0.display())]
    State(PathBuf, #[source] serde_json::Error),
}

impl ServeError {
    /// 65 for an unreadable state, 69 for a port that is not to be had.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Bind(_) => 69,
            Self::File(_) | Self::State(..) => 65,
        }
    }

    /// What the reader can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Bind(error) => error.hint(),
            Self::State(..) => Some("a raw state is what `terraform state pull` prints".to_owned()),
            Self::File(_) => None,
        }
    }
}

/// The running stand-ins.
#[derive(Debug)]
pub struct Stands {
    /// GitLab.
    pub gitlab: Gitlab,
    /// Slack.
    pub slack: Slack,
    /// The web service.
    pub web: WebService,
    /// Why the web service is not there, when it is not.
    pub web_missing: Option<BindError>,
    /// The variables of a running job, and ours.
    pub variables: Vec<(String, String)>,
}

/// Starts everything. The job whose token is among the variables runs for as long as the stand-ins.
///
/// # Errors
/// When a port is taken, or the state is unreadable.
pub async fn start(options: &Options) -> Result<Stands, ServeError> {
    let commit = estate::commit("Try the binaries by hand");
    let user = estate::approver();
    let mut project = estate::project(&commit);
    let token = "glcbt-64_sandbox-not-a-secret";
    let stamp = clock::stamp();
    let (id, name, stage) = project
        .jobs
        .first()
        .map(|job| (job.id, job.name.clone(), job.stage.clone()))
        .unwrap_or_default();
    project.start_job(id, token, user.clone(), &stamp);
    let deploy = project
        .jobs
        .iter()
        .find(|job| job.name == "deploy")
        .map(|job| job.id);
    if let Some(deploy) = deploy {
        project.set_status(deploy, JobStatus::Manual);
    }
    project.grant(estate::GITLAB_TOKEN, user.clone());
    let mut web = WebService::default();
    let mut web_missing = None;
    if let Some(path) = &options.state {
        let state = files::read(path)?;
        let head = StateHead::read(&state).map_err(|error| ServeError::State(path.clone(), error))?;
        // The service is an extra here: without its address the rest is of use all the same.
        web_missing = web.follow(&state).await.err();
        project.states.seed(estate::STATE_NAME, head.serial, state);
    }
    let facts = JobFacts {
        id,
        name: &name,
        stage: &stage,
        manual: false,
        token,
        user: &user,
        started_at: &stamp,
    };
    let facts_of = project.clone();
    let gitlab = Gitlab::start(options.gitlab, project, options.locked_write).await?;
    let slack = Slack::start(options.slack, Workspace::new(estate::SLACK_TOKEN)).await?;
    if let Some(fault) = options.gitlab_fault {
        gitlab.faults.set(fault);
    }
    if let Some(fault) = options.slack_fault {
        slack.faults.set(fault);
    }
    let mut variables = environment::variables(&gitlab.url(), ".", &facts_of, &commit, &facts);
    // The checkout is wherever the reader stands.
    variables.retain(|(name, _)| name != "CI_PROJECT_DIR");
    let recording = files::absolute(&options.recording)?;
    for (name, value) in [
        ("PORTCULLIS_STATE_NAME", estate::STATE_NAME.to_owned()),
        ("PORTCULLIS_GITLAB_TOKEN", estate::GITLAB_TOKEN.to_owned()),
        ("PORTCULLIS_SLACK_TOKEN", estate::SLACK_TOKEN.to_owned()),
        ("PORTCULLIS_SLACK_CHANNEL", estate::SLACK_CHANNEL.to_owned()),
        ("PORTCULLIS_SLACK_URL", slack.url()),
        ("PORTCULLIS_REPLAY", recording.display().to_string()),
    ] {
        variables.push((name.to_owned(), value));
    }
    Ok(Stands {
        gitlab,
        slack,
        web,
        web_missing,
        variables,
    })
}

impl Stands {
    /// Moves the web service with each state that is pushed. Ends with the stand-ins.
    pub async fn follow_pushes(&mut self) {
        let mut pushes = self.gitlab.pushes();
        while pushes.changed().await.is_ok() {
            let state = pushes.borrow_and_update().clone();
            if let Some(state) = state {
                self.web_missing = self.web.follow(&state).await.err();
            }
        }
    }

    /// The variables as a shell takes them.
    #[must_use]
    pub fn exports(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.variables {
            text.push_str(&format!("export {name}='{}'\n", value.replace('\'', r"'\''")));
        }
        text
    }
}
