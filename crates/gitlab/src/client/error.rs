//! What can go wrong, and who can mend it.

use super::config::{Config, Token};
use std::{error::Error as StdError, fmt};
use thiserror::Error;

/// A request that did not end well. Holds no token and no answer's body; of GitLab's own explanation only the
/// sentence, with the token taken out should GitLab repeat it.
#[derive(Debug, Error)]
#[error("cannot {operation} at {host}: {kind}{}", Explained(.explanation))]
pub struct Error {
    operation: Operation,
    host: String,
    kind: ErrorKind,
    explanation: Option<String>,
    job_token: bool,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Getting the client ready.
    Setup,
    /// Reading a managed state.
    ReadState,
    /// Asking which job this is.
    OwnJob,
    /// Listing a pipeline's jobs.
    ListJobs,
    /// Listing a merge request's notes.
    ListNotes,
    /// Creating or changing a note.
    WriteNote,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Setup => "get ready to ask GitLab",
            Self::ReadState => "read the managed state",
            Self::OwnJob => "ask GitLab about this job",
            Self::ListJobs => "list the pipeline's jobs",
            Self::ListNotes => "list the merge request's notes",
            Self::WriteNote => "write the merge request's note",
        })
    }
}

/// How it went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// TLS could not be set up.
    #[error("the HTTP client cannot be set up")]
    Setup,
    /// The token holds characters no token has.
    #[error("the token holds characters that cannot be sent")]
    UnusableToken,
    /// `https://user:password@host`.
    #[error("the API's address holds a user name or a password")]
    CredentialsInAddress,
    /// No connection came about: refused, unknown host, TLS.
    #[error("no connection")]
    NoConnection,
    /// No complete answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// The connection broke, or the answer ended early.
    #[error("the answer is incomplete")]
    Truncated,
    /// 401.
    #[error("GitLab does not accept the token (401)")]
    Unauthorized,
    /// 403.
    #[error("the token may not do this (403)")]
    Forbidden,
    /// 404; GitLab says so of things the token may not see, too.
    #[error("not found, or not visible to this token (404)")]
    NotFound,
    /// 409.
    #[error("in conflict with something that is there (409)")]
    Conflict,
    /// 413.
    #[error("too large for this GitLab (413)")]
    TooLarge,
    /// 422.
    #[error("GitLab cannot process this (422)")]
    Unprocessable,
    /// 429, after all repeats.
    #[error("too many requests (429)")]
    RateLimited,
    /// 5xx, after all repeats.
    #[error("GitLab is in trouble ({0})")]
    Server(u16),
    /// A redirect that was not followed.
    #[error("the answer leads to another place ({0}), and a token is not sent there")]
    Redirected(u16),
    /// A web page in place of JSON.
    #[error("the answer is a web page, not the API's JSON")]
    Html,
    /// Not JSON, or not the expected document.
    #[error("the answer is not what the API documents")]
    NotAsExpected,
    /// A listing without end.
    #[error("the list has no end within 100 pages")]
    TooManyPages,
    /// Any other status.
    #[error("unexpected answer ({0})")]
    Unexpected(u16),
}

impl Error {
    pub(super) fn new(operation: Operation, config: &Config, kind: ErrorKind) -> Self {
        let port = config
            .api_url
            .port()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        Self {
            operation,
            host: format!("{}{port}", config.api_url.host_str().unwrap_or("?")),
            kind,
            explanation: None,
            job_token: matches!(config.token, Token::Job(_)),
            source: None,
        }
    }

    pub(super) fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    pub(super) fn explained(mut self, explanation: Option<String>) -> Self {
        self.explanation = explanation;
        self
    }

    /// How it went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// What was being done.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Whether GitLab, or the way there, is at fault, so that the same request may work later: no connection, no
    /// answer in time, 429, 5xx, a web page, half an answer.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::NoConnection
                | ErrorKind::TimedOut
                | ErrorKind::Truncated
                | ErrorKind::RateLimited
                | ErrorKind::Server(_)
                | ErrorKind::Html
        )
    }

    /// What the reader can do about it: which role or token is needed, or where to look.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match (&self.kind, self.operation) {
            (ErrorKind::Unauthorized, _) if self.job_token => {
                "a job's token works only while its job runs; use the CI_JOB_TOKEN of this very job, and look whether \
                 the job token permissions of the project (Settings, CI/CD) let this project in"
            }
            (ErrorKind::Unauthorized, _) => "the access token is wrong, expired or revoked; make a new one",
            (ErrorKind::Forbidden | ErrorKind::NotFound, Operation::ReadState) => {
                "reading a managed state needs the Developer role in its project (writing and locking need Maintainer); a \
                 job's token has the role of the user who started or played the job; the project's Infrastructure menu \
                 must be on, too"
            }
            (ErrorKind::Unprocessable, Operation::ReadState) => {
                "GitLab answers so while a state is being deleted; wait, or choose another state name"
            }
            (ErrorKind::Forbidden | ErrorKind::NotFound, Operation::ListJobs) if self.job_token => {
                "a job's token may list jobs from GitLab 18 on; before, use a project access token with the scope read_api"
            }
            (ErrorKind::Forbidden | ErrorKind::NotFound, Operation::WriteNote) if self.job_token => {
                "a job's token cannot write notes; use a project access token with the scope api and the Reporter role"
            }
            (ErrorKind::Forbidden | ErrorKind::NotFound, Operation::WriteNote) => {
                "writing notes needs a token with the scope api and the Reporter role in the project"
            }
            (ErrorKind::Forbidden | ErrorKind::NotFound, Operation::OwnJob) => {
                "only a job's own token (CI_JOB_TOKEN) can ask about its job"
            }
            (ErrorKind::Forbidden | ErrorKind::NotFound, _) => {
                "look at the number of the project and at the token's scope and role"
            }
            (ErrorKind::TooLarge, _) => "an administrator of the GitLab instance sets this limit",
            (ErrorKind::RateLimited, _) => {
                "wait, or ask the administrator of the GitLab instance for a higher rate limit"
            }
            (ErrorKind::NoConnection, _) => {
                "look at CI_API_V4_URL, at the proxy settings (HTTPS_PROXY, NO_PROXY), and whether the runner can reach GitLab"
            }
            (ErrorKind::TimedOut | ErrorKind::Truncated | ErrorKind::Server(_), _) => {
                "try the job again; if it stays so, look at the status of the GitLab instance"
            }
            (ErrorKind::Html | ErrorKind::NotAsExpected, _) => {
                "CI_API_V4_URL must be the API's root (https://…/api/v4); a sign-in page or a proxy may stand in between"
            }
            (ErrorKind::Redirected(_), _) => {
                "set CI_API_V4_URL to the address GitLab really has: scheme, host and port"
            }
            (ErrorKind::Conflict, _) => {
                "somebody else is at it; look who holds the lock, and try the job again"
            }
            (ErrorKind::UnusableToken, _) => {
                "the token must be one line; look for a line break in the CI/CD variable"
            }
            (ErrorKind::CredentialsInAddress, _) => "take the user name and password out of CI_API_V4_URL",
            _ => return None,
        })
    }
}

/// `: sentence`, when there is one.
struct Explained<'a>(&'a Option<String>);

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(text) => write!(f, ": {text}"),
            None => Ok(()),
        }
    }
}
