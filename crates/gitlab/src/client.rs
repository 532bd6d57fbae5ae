//! Sends requests to GitLab. Nothing else in this crate does.
//!
//! Tokens go to the API's own host and nowhere else: a redirect to another host is an error, and of a page's
//! `Link` only the query is used. Reads are repeated after 429, 5xx, broken answers and lost connections; writes
//! only when GitLab said 429 or no connection came about, since a write whose answer was lost may have happened.

mod config;
mod error;
mod exchange;

pub use config::{Config, Retry, Timeouts, Token};
pub use error::{Error, ErrorKind, Operation};

use crate::{
    job::Job,
    note::{Note, NoteBody},
    project::{Project, segment},
    state::{JOB_TOKEN_USER, StateAddress},
};
use exchange::{Answer, Repeat, next_page};
use reqwest::{
    Method, RequestBuilder, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use url::Url;

/// The most pages one listing reads: 100 jobs or notes each.
const MAX_PAGES: usize = 100;

/// A connection to one GitLab instance with one token. Needs a tokio runtime with I/O and time.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    config: Config,
    /// The header the token goes in.
    token_header: HeaderMap,
}

impl Client {
    /// Gets ready; sends nothing.
    ///
    /// # Errors
    /// When the token cannot stand in a header, the address holds a user name or password, or TLS cannot be set up.
    pub fn new(config: Config) -> Result<Self, Error> {
        let refuse = |kind| Error::new(Operation::Setup, &config, kind);
        if !config.api_url.username().is_empty() || config.api_url.password().is_some() {
            return Err(refuse(ErrorKind::CredentialsInAddress));
        }
        let (name, secret) = match &config.token {
            Token::Job(secret) => (HeaderName::from_static("job-token"), secret),
            Token::Private(secret) => (HeaderName::from_static("private-token"), secret),
        };
        let mut value =
            HeaderValue::from_str(secret.expose()).map_err(|_| refuse(ErrorKind::UnusableToken))?;
        value.set_sensitive(true);
        choose_cryptography();
        let http = reqwest::Client::builder()
            .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.timeouts.connect)
            .timeout(config.timeouts.request)
            .redirect(redirect::Policy::custom(stay_with_the_host))
            .build()
            .map_err(|source| refuse(ErrorKind::Setup).caused_by(source))?;
        Ok(Self {
            http,
            config,
            token_header: HeaderMap::from_iter([(name, value)]),
        })
    }

    /// The latest version of a managed state, byte for byte; `None` when there is none yet.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something that is not JSON.
    pub async fn state(&self, address: &StateAddress) -> Result<Option<Vec<u8>>, Error> {
        let operation = Operation::ReadState;
        let request = self.http.get(address.url(&self.config.api_url));
        // These routes take a job's token in HTTP Basic only.
        let request = match &self.config.token {
            Token::Job(token) => request.basic_auth(JOB_TOKEN_USER, Some(token.expose())),
            Token::Private(_) => request.headers(self.token_header.clone()),
        };
        let answer = match self.exchange(operation, Repeat::Freely, request).await {
            // As terraform's own client reads it: no such state is an empty state.
            Err(error) if *error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        if answer.status == StatusCode::NO_CONTENT || answer.body.is_empty() {
            return Ok(None);
        }
        self.read::<IgnoredAny>(operation, &answer)?;
        Ok(Some(answer.body))
    }

    /// The job the token belongs to. Works with a job's token only.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something that is not a job.
    pub async fn own_job(&self) -> Result<Job, Error> {
        let operation = Operation::OwnJob;
        let answer = self
            .exchange(operation, Repeat::Freely, self.request(Method::GET, &["job"]))
            .await?;
        self.read(operation, &answer)
    }

    /// Every job of a pipeline, retried ones left out, over all pages.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses (job tokens may list jobs from GitLab 18 on), or answers something that
    /// is not a list of jobs.
    pub async fn jobs(&self, project: &Project, pipeline: u64) -> Result<Vec<Job>, Error> {
        let path = [
            "projects",
            &project.segment(),
            "pipelines",
            &pipeline.to_string(),
            "jobs",
        ];
        self.list(Operation::ListJobs, &path, &[]).await
    }

    /// Every note of a merge request, oldest first, over all pages.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something that is not a list of notes.
    pub async fn merge_request_notes(&self, project: &Project, iid: u64) -> Result<Vec<Note>, Error> {
        let path = [
            "projects",
            &project.segment(),
            "merge_requests",
            &iid.to_string(),
            "notes",
        ];
        self.list(
            Operation::ListNotes,
            &path,
            &[("sort", "asc"), ("order_by", "created_at")],
        )
        .await
    }

    /// Writes a new note. A job's token may not: GitLab wants a token with the scope `api`.
    ///
    /// # Errors
    /// When GitLab cannot be asked or refuses. After a lost answer the note may stand there all the same.
    pub async fn create_note(&self, project: &Project, iid: u64, body: &str) -> Result<Note, Error> {
        let path = [
            "projects",
            &project.segment(),
            "merge_requests",
            &iid.to_string(),
            "notes",
        ];
        let request = self.request(Method::POST, &path).json(&NoteBody { body });
        let answer = self
            .exchange(Operation::WriteNote, Repeat::UnlessItMayHaveHappened, request)
            .await?;
        self.read(Operation::WriteNote, &answer)
    }

    /// Replaces the text of a note. Doing it twice is doing it once, so it is repeated like a read.
    ///
    /// # Errors
    /// As [`Client::create_note`].
    pub async fn update_note(
        &self,
        project: &Project,
        iid: u64,
        note: u64,
        body: &str,
    ) -> Result<Note, Error> {
        let segment = project.segment();
        let path = [
            "projects",
            &segment,
            "merge_requests",
            &iid.to_string(),
            "notes",
            &note.to_string(),
        ];
        let request = self.request(Method::PUT, &path).json(&NoteBody { body });
        let answer = self
            .exchange(Operation::WriteNote, Repeat::Freely, request)
            .await?;
        self.read(Operation::WriteNote, &answer)
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.http
            .request(method, segment::join(&self.config.api_url, path))
            .headers(self.token_header.clone())
    }

    /// Follows `Link: rel="next"`, never totals: those are left out of long listings.
    async fn list<T: DeserializeOwned>(
        &self,
        operation: Operation,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, Error> {
        let mut url: Url = segment::join(&self.config.api_url, path);
        url.query_pairs_mut()
            .append_pair("per_page", "100")
            .extend_pairs(query);
        let mut all = Vec::new();
        for _ in 0..MAX_PAGES {
            let request = self.http.get(url.clone()).headers(self.token_header.clone());
            let answer = self.exchange(operation, Repeat::Freely, request).await?;
            all.extend(self.read::<Vec<T>>(operation, &answer)?);
            match next_page(&answer.headers, &url) {
                Some(next) if next != url => url = next,
                _ => return Ok(all),
            }
        }
        Err(Error::new(operation, &self.config, ErrorKind::TooManyPages))
    }

    fn read<T: DeserializeOwned>(&self, operation: Operation, answer: &Answer) -> Result<T, Error> {
        serde_json::from_slice(&answer.body).map_err(|source| {
            let kind = if answer.body.trim_ascii_start().starts_with(b"<") {
                ErrorKind::Html
            } else if source.is_eof() {
                ErrorKind::Truncated
            } else {
                ErrorKind::NotAsExpected
            };
            Error::new(operation, &self.config, kind).caused_by(source)
        })
    }
}

/// Follows a moved project on the same host; stops, and shows the redirect as an error, before any other.
/// reqwest itself takes only `Authorization` off on the way to another host, not GitLab's own token headers.
fn stay_with_the_host(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let same = attempt
        .previous()
        .last()
        .is_some_and(|from| from.origin() == attempt.url().origin());
    if same && attempt.previous().len() <= 5 {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// rustls leaves the choice of the cryptography under TLS to the process. A choice that the program made before stands.
fn choose_cryptography() {
    // The error says that a choice is made already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
