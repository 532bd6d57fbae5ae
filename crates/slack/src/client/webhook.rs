//! Webhooks: one secret address that takes a JSON body.

use super::retry::{self, Repeat};
use super::{Error, Retry, http, read_body, retry_after};
use crate::Message;
use crate::escape::clean;
use reqwest::StatusCode;
use reqwest::header::{self, HeaderValue};
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use url::Url;

const METHOD: &str = "webhook";

/// How to reach a webhook. The address is the secret: `Debug` masks it.
#[derive(Clone)]
pub struct WebhookConfig {
    /// The whole address, as the service showed it.
    pub url: String,
    /// How long to wait for a connection: 5 s.
    pub connect_timeout: Duration,
    /// How long a call may take in all: 10 s.
    pub timeout: Duration,
    /// When and how often to ask again.
    pub retry: Retry,
}

impl WebhookConfig {
    /// The webhook at this address, with or without the blanks that come with copying.
    #[must_use]
    pub fn new(url: impl AsRef<str>) -> Self {
        Self {
            url: url.as_ref().trim().to_owned(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            retry: Retry::default(),
        }
    }
}

impl fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookConfig")
            .field("url", &"***")
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .finish()
    }
}

/// An incoming webhook: Slack's, or that of another service that takes a JSON body by POST.
///
/// A webhook knows one channel. It can't update, can't upload, and never learns where its message stands, so it begins no thread:
/// each message has to stand alone. (Slack: "Sending messages using incoming webhooks".)
#[derive(Clone)]
pub struct Webhook {
    http: reqwest::Client,
    url: Url,
    timeout: Duration,
    retry: Retry,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}

impl Webhook {
    /// A webhook. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Setup`] when the address is none, or the system's TLS can't be used.
    pub fn new(config: WebhookConfig) -> Result<Self, Error> {
        let url = Url::parse(&config.url)
            .map_err(|_| Error::Setup("the webhook's address is not an absolute URL"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(Error::Setup("the webhook's address is not an http(s) URL"));
        }
        Ok(Self {
            http: http(config.connect_timeout)?,
            url,
            timeout: config.timeout,
            retry: config.retry,
        })
    }

    /// Posts a message to Slack's incoming webhook.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn post(&self, message: &Message) -> Result<(), Error> {
        let mut body = message.to_json();
        // As `chat.postMessage` has it: no emphasis from the text, no previews of links.
        body["mrkdwn"] = false.into();
        body["unfurl_links"] = false.into();
        body["unfurl_media"] = false.into();
        self.send(&body).await
    }

    /// Sends this body, whatever service listens. Any 2xx is taken for success, except a web page.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn send(&self, body: &Value) -> Result<(), Error> {
        let body = body.to_string();
        retry::asking(&self.retry, Repeat::Never, async || {
            self.send_once(body.clone()).await
        })
        .await
    }

    async fn send_once(&self, body: String) -> Result<(), Error> {
        let response = self
            .http
            .post(self.url.clone())
            .header(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json; charset=utf-8"),
            )
            .timeout(self.timeout)
            .body(body)
            .send()
            .await
            .map_err(|source| Error::from_transport(METHOD, &self.url, source))?;
        let status = response.status();
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Error::RateLimited {
                method: METHOD,
                retry_after: retry_after(response.headers()),
            });
        }
        // A status of success has told enough, even if its body does not come through.
        let body = match read_body(METHOD, &self.url, response).await {
            Ok(body) => String::from_utf8_lossy(&body).into_owned(),
            Err(_) => String::new(),
        };
        let body = body.trim();
        if status.is_success() {
            if body.starts_with('<') {
                return Err(Error::NotJson {
                    method: METHOD,
                    html: true,
                });
            }
            return Ok(());
        }
        // Slack names what is wrong in one word: `invalid_payload`, `no_service`.
        let is_code = |c: char| c.is_ascii_lowercase() || c == '_';
        if !body.is_empty() && body.len() <= 60 && body.chars().all(is_code) && !status.is_server_error() {
            return Err(Error::Refused {
                method: METHOD,
                code: clean(body),
                needed: None,
                provided: None,
                details: Vec::new(),
            });
        }
        Err(Error::Status {
            method: METHOD,
            status: status.as_u16(),
        })
    }
}
