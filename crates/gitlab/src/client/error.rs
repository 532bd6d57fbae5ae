//! What can go wrong, and who can mend it.

use super::config::{Config, Token};
use super::hint::hint;
use super::operation::{JobTokenRight, Operation};
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
    /// The call is not among those that a job's token opens, on any GitLab. Nothing was sent.
    #[error("a job's token (CI_JOB_TOKEN) is not enough")]
    NotForJobTokens,
    /// The path of an artifact, or another part of the address, would lead elsewhere.
    #[error("the path is not one below the job's artifacts")]
    UnusablePath,
    /// A note that GitLab would refuse.
    #[error("the note has more than the 1000000 characters that GitLab takes")]
    NoteTooLong,
    /// No connection came about: refused, unknown host, TLS.
    #[error("no connection")]
    NoConnection,
    /// No complete answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// The connection broke, or the answer ended early.
    #[error("the answer is incomplete")]
    Truncated,
    /// 400.
    #[error("GitLab does not take the request (400)")]
    BadRequest,
    /// The job is not one that waits to be played.
    #[error("the job cannot be played (400)")]
    Unplayable,
    /// 401.
    #[error("GitLab does not accept the token (401)")]
    Unauthorized,
    /// 403.
    #[error("the token may not do this (403)")]
    Forbidden,
    /// 404; GitLab says so of things the token may not see, too.
    #[error("not found, or not visible to this token (404)")]
    NotFound,
    /// 405: GitLab takes changes to a moved project at its new address only.
    #[error("GitLab does not allow this at this address (405)")]
    NotAllowed,
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
    /// Errors in the answer to a GraphQL query.
    #[error("GitLab refuses the query")]
    QueryRefused,
    /// More bytes than the caller wanted to hold.
    #[error("the answer is longer than {0} bytes")]
    AnswerTooLong(usize),
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

    /// Whether GitLab's explanation has these words.
    pub(super) fn says(&self, words: &str) -> bool {
        self.explanation.as_ref().is_some_and(|text| text.contains(words))
    }

    /// As another kind, for refusals that only their words tell apart.
    pub(super) fn turned(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
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

    /// Whether GitLab's answer is, in effect, "not for you": the token, the role, the tier or the version of GitLab does
    /// not open this, and asking again does not help. A missing thing looks the same: GitLab answers 404 to both.
    #[must_use]
    pub fn is_not_available(&self) -> bool {
        match self.kind {
            ErrorKind::NotForJobTokens | ErrorKind::Forbidden | ErrorKind::NotFound => true,
            // Routes that are closed to job tokens answer 401; an access token that is not accepted is a fault.
            ErrorKind::Unauthorized => {
                self.job_token && self.operation.needs().job_token != JobTokenRight::Yes
            }
            _ => false,
        }
    }

    /// Whether an access token in the job's token's place would help.
    #[must_use]
    pub fn wants_access_token(&self) -> bool {
        self.job_token && self.is_not_available() && self.operation.needs().job_token != JobTokenRight::Yes
    }

    /// What the reader can do about it: which role or token is needed, in which variable, what works without, or where
    /// to look.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        hint(
            &self.kind,
            self.operation,
            self.job_token,
            self.explanation.as_deref(),
        )
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
