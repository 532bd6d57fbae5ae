//! Sends requests to GitLab. Nothing else in this crate does.
//!
//! Tokens go to the API's own host and nowhere else: a redirect to another host is an error, and of a page's
//! `Link` only the query is used. Reads are repeated after 429, 502, 503, 504, broken answers and lost connections;
//! writes only when GitLab said 429 or no connection came about, since a write whose answer was lost may have
//! happened. A call that no GitLab opens to job tokens is refused before anything is sent ([`Operation::needs`]).

mod config;
mod error;
mod exchange;
mod graphql;
mod hint;
mod jobs;
mod merge_requests;
mod operation;
mod protection;
mod repository;
mod states;

pub use config::{Config, Retry, Timeouts, Token};
pub use error::{Error, ErrorKind};
pub use operation::{JobTokenRight, Needs, Operation};

use crate::project::segment;
use exchange::{Answer, Call, Repeat, next_page};
use reqwest::{
    Method, RequestBuilder,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use serde::de::DeserializeOwned;
use url::Url;

/// The most pages one listing reads: 100 things each.
const MAX_PAGES: usize = 100;

/// `None` when GitLab does not open this to the caller ([`Error::is_not_available`]): facts that are nice to have.
///
/// # Errors
/// Every other error.
pub fn if_available<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_available() => Ok(None),
        Err(error) => Err(error),
    }
}

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
            // `exchange` follows what may be followed.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|source| refuse(ErrorKind::Setup).caused_by(source))?;
        Ok(Self {
            http,
            config,
            token_header: HeaderMap::from_iter([(name, value)]),
        })
    }

    /// Whether the token is a job's.
    #[must_use]
    pub fn has_job_token(&self) -> bool {
        matches!(self.config.token, Token::Job(_))
    }

    /// Begins a call, unless its token opens it on no GitLab.
    fn call(&self, operation: Operation, repeat: Repeat) -> Result<Call, Error> {
        if self.has_job_token() && operation.needs().job_token == JobTokenRight::No {
            return Err(self.error(operation, ErrorKind::NotForJobTokens));
        }
        Ok(Call::new(operation, repeat, self.config.answer_limit))
    }

    fn error(&self, operation: Operation, kind: ErrorKind) -> Error {
        Error::new(operation, &self.config, kind)
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.http
            .request(method, segment::join(&self.config.api_url, path))
            .headers(self.token_header.clone())
    }

    /// Reads one document.
    async fn get<T: DeserializeOwned>(&self, operation: Operation, path: &[&str]) -> Result<T, Error> {
        let call = self.call(operation, Repeat::Freely)?;
        let answer = self.exchange(call, self.request(Method::GET, path)).await?;
        self.read(operation, &answer)
    }

    /// Follows `Link: rel="next"`, never totals: those are left out of long listings.
    async fn list<T: DeserializeOwned>(
        &self,
        operation: Operation,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, Error> {
        let call = self.call(operation, Repeat::Freely)?;
        let mut url: Url = segment::join(&self.config.api_url, path);
        url.query_pairs_mut()
            .append_pair("per_page", "100")
            .extend_pairs(query);
        let mut all = Vec::new();
        for _ in 0..MAX_PAGES {
            let request = self.http.get(url.clone()).headers(self.token_header.clone());
            let answer = self.exchange(call, request).await?;
            all.extend(self.read::<Vec<T>>(operation, &answer)?);
            match next_page(&answer.headers, &url) {
                Some(next) if next != url => url = next,
                _ => return Ok(all),
            }
        }
        Err(self.error(operation, ErrorKind::TooManyPages))
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
            self.error(operation, kind).caused_by(source)
        })
    }
}

/// `projects/ID`, then the rest.
fn below<'a>(project: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    let mut path = vec!["projects", project];
    path.extend(rest);
    path
}

/// rustls leaves the choice of the cryptography under TLS to the process. A choice that the program made before stands.
fn choose_cryptography() {
    // The error says that a choice is made already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
