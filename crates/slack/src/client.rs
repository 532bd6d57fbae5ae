//! Sends messages and files, with short time limits and a retry that never posts twice.

mod answer;
mod error;
mod retry;
mod token;
mod webhook;

pub use error::Error;
pub use retry::Retry;
pub use token::Token;
pub use webhook::{Webhook, WebhookConfig};

use crate::escape::{clean, cut};
use crate::message::KEY;
use crate::{Message, limits};
use answer::{Answer, AuthTest, Listed, Permalink, PostedAnswer, UploadUrl};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode, redirect};
use retry::Repeat;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;
use url::{Url, form_urlencoded};

/// How to reach Slack. The defaults are short, so that a job is not held up by a Slack that does not answer.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the Web API stands: `https://slack.com/api/`. GovSlack and stand-ins have their own.
    pub base_url: String,
    /// The bot's token.
    pub token: Token,
    /// How long to wait for a connection: 5 s.
    pub connect_timeout: Duration,
    /// How long a call may take in all: 10 s.
    pub timeout: Duration,
    /// How long sending a file's bytes may take: 60 s.
    pub upload_timeout: Duration,
    /// When and how often to ask again.
    pub retry: Retry,
}

impl Config {
    /// The real Slack, with this bot token.
    #[must_use]
    pub fn new(token: Token) -> Self {
        Self {
            base_url: "https://slack.com/api/".to_owned(),
            token,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            upload_timeout: Duration::from_secs(60),
            retry: Retry::default(),
        }
    }
}

/// Where a message went. Keep both to answer in its thread or to update it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The channel's id, even if the message was posted by the channel's name.
    pub channel: String,
    /// The message's id in the channel.
    pub ts: String,
}

/// Whom the token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The workspace's name.
    pub team: String,
    /// The bot's user name.
    pub user: String,
    /// The bot's id, unless the token is a person's.
    pub bot_id: Option<String>,
    /// What the token may do, from the `x-oauth-scopes` header; empty when Slack did not say.
    pub scopes: Vec<String>,
}

/// A connection to Slack's Web API.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: Url,
    token: Token,
    timeout: Duration,
    upload_timeout: Duration,
    retry: Retry,
}

/// The arguments of a call.
enum Arguments {
    Query(Vec<(&'static str, String)>),
    Form(Vec<(&'static str, String)>),
    Json(Value),
}

const ANSWER_LIMIT: usize = 1 << 20;

impl Client {
    /// A client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Setup`] when the base URL is not one, the token can't be sent, or the system's TLS can't be used.
    pub fn new(config: Config) -> Result<Self, Error> {
        let Config {
            base_url,
            token,
            connect_timeout,
            timeout,
            upload_timeout,
            retry,
        } = config;
        let mut base_url =
            Url::parse(&base_url).map_err(|_| Error::Setup("the base URL is not an absolute URL"))?;
        if !matches!(base_url.scheme(), "http" | "https") || base_url.host_str().is_none() {
            return Err(Error::Setup("the base URL is not an http(s) URL"));
        }
        if !base_url.path().ends_with('/') {
            let path = format!("{}/", base_url.path());
            base_url.set_path(&path);
        }
        if token.is_empty() {
            return Err(Error::Setup("the token is empty"));
        }
        token.header()?;
        let http = http(connect_timeout)?;
        Ok(Self {
            http,
            base_url,
            token,
            timeout,
            upload_timeout,
            retry,
        })
    }

    /// Posts a message to a channel (id or name), or into the thread of an earlier message. Scope `chat:write`.
    ///
    /// # Errors
    /// See [`Error`]. After [`Error::may_have_happened`] the message may stand in the channel nevertheless.
    pub async fn post(
        &self,
        channel: &str,
        thread_ts: Option<&str>,
        message: &Message,
    ) -> Result<Posted, Error> {
        let mut body = message.to_json();
        body["channel"] = json!(channel);
        // The text is plain words: no emphasis from it, and no previews of links.
        body["mrkdwn"] = json!(false);
        body["unfurl_links"] = json!(false);
        body["unfurl_media"] = json!(false);
        if let Some(ts) = thread_ts {
            body["thread_ts"] = json!(ts);
        }
        let posted: PostedAnswer = self
            .call("chat.postMessage", Repeat::Never, &Arguments::Json(body))
            .await?
            .0;
        Ok(Posted {
            channel: posted.channel,
            ts: posted.ts,
        })
    }

    /// Posts a message that is recognised by a key of yours, as [`post`](Self::post) does; a time-out, a broken connection or a
    /// 5xx leaves no doubt behind. Slack has no idempotency key: after such an end the message is looked for by the key in its
    /// metadata, and sent again only when it is not there. Needs the channel's id, and the scope `channels:history` (in
    /// a private channel `groups:history`) to look; where looking fails, nothing is sent again.
    ///
    /// # Errors
    /// See [`Error`]. What [`Error::may_have_happened`] says of the last try holds.
    pub async fn post_once(
        &self,
        channel: &str,
        thread_ts: Option<&str>,
        message: &Message,
        key: &str,
    ) -> Result<Posted, Error> {
        let message = message.clone().key(key);
        let error = match self.post(channel, thread_ts, &message).await {
            Err(error) if error.may_have_happened() => error,
            answer => return answer,
        };
        match self.find(channel, thread_ts, key).await {
            Ok(Some(posted)) => Ok(posted),
            Ok(None) => self.post(channel, thread_ts, &message).await,
            Err(_) => Err(error),
        }
    }

    /// Looks for the message with this key among the latest 100 of a channel (by id), or in a thread there. Scope
    /// `channels:history`, in a private channel `groups:history`. (Slack: `conversations.history`, `conversations.replies`.)
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn find(
        &self,
        channel: &str,
        thread_ts: Option<&str>,
        key: &str,
    ) -> Result<Option<Posted>, Error> {
        let mut wanted = vec![
            ("channel", channel.to_owned()),
            ("include_all_metadata", "true".to_owned()),
        ];
        let method = match thread_ts {
            // Oldest first; no thread of ours comes near the most that one answer holds.
            Some(ts) => {
                wanted.extend([("ts", ts.to_owned()), ("limit", "999".to_owned())]);
                "conversations.replies"
            }
            None => {
                wanted.push(("limit", "100".to_owned()));
                "conversations.history"
            }
        };
        let listed: Listed = self
            .call(method, Repeat::Harmless, &Arguments::Form(wanted))
            .await?
            .0;
        // As the message carries it.
        let key = json!(clean(key));
        let found = listed
            .messages
            .into_iter()
            .find(|message| message.metadata["event_payload"][KEY] == key);
        Ok(found.map(|message| Posted {
            channel: channel.to_owned(),
            ts: message.ts,
        }))
    }

    /// Replaces a message of the same bot. Takes the channel's id, as [`Posted`] gives it. Scope `chat:write`.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn update(&self, channel: &str, ts: &str, message: &Message) -> Result<(), Error> {
        let mut body = message.to_json();
        body["channel"] = json!(channel);
        body["ts"] = json!(ts);
        let _: (PostedAnswer, _) = self
            .call("chat.update", Repeat::Harmless, &Arguments::Json(body))
            .await?;
        Ok(())
    }

    /// Uploads a file into a channel (by id), or into a thread there. Scope `files:write`. Gives the file's id.
    ///
    /// Slack takes files in three steps: ask where to put the bytes, put them there (without the token), share the file. (Slack:
    /// "Working with files", section "Uploading files".)
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn upload_file(
        &self,
        channel_id: &str,
        thread_ts: Option<&str>,
        filename: &str,
        title: &str,
        bytes: Vec<u8>,
    ) -> Result<String, Error> {
        let wanted = vec![("filename", clean(filename)), ("length", bytes.len().to_string())];
        // Asking twice for a place leaves an unused place behind, nothing else.
        let place: UploadUrl = self
            .call(
                "files.getUploadURLExternal",
                Repeat::Harmless,
                &Arguments::Form(wanted),
            )
            .await?
            .0;
        retry::asking(&self.retry, Repeat::Never, async || {
            self.put_bytes(&place.upload_url, bytes.clone()).await
        })
        .await?;
        let files = json!([{ "id": place.file_id, "title": cut(&clean(title), limits::ID) }]);
        let mut done = vec![
            ("files", files.to_string()),
            ("channel_id", channel_id.to_owned()),
        ];
        if let Some(ts) = thread_ts {
            done.push(("thread_ts", ts.to_owned()));
        }
        let _: (Value, _) = self
            .call(
                "files.completeUploadExternal",
                Repeat::Never,
                &Arguments::Form(done),
            )
            .await?;
        Ok(place.file_id)
    }

    /// The link to a message.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn permalink(&self, channel: &str, ts: &str) -> Result<String, Error> {
        let arguments = Arguments::Query(vec![
            ("channel", channel.to_owned()),
            ("message_ts", ts.to_owned()),
        ]);
        let answer: Permalink = self
            .call("chat.getPermalink", Repeat::Harmless, &arguments)
            .await?
            .0;
        Ok(answer.permalink)
    }

    /// Whom the token speaks for, and what it may do. Needs no scope.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn auth_test(&self) -> Result<Identity, Error> {
        let (answer, headers): (AuthTest, _) = self
            .call("auth.test", Repeat::Harmless, &Arguments::Form(Vec::new()))
            .await?;
        let scopes = headers
            .get("x-oauth-scopes")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        Ok(Identity {
            team: clean(&answer.team),
            user: clean(&answer.user),
            bot_id: answer.bot_id,
            scopes: scopes
                .split(',')
                .map(|scope| clean(scope.trim()))
                .filter(|scope| !scope.is_empty())
                .collect(),
        })
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        repeat: Repeat,
        arguments: &Arguments,
    ) -> Result<(T, HeaderMap), Error> {
        retry::asking(&self.retry, repeat, async || {
            self.call_once(method, arguments).await
        })
        .await
    }

    async fn call_once<T: DeserializeOwned>(
        &self,
        method: &'static str,
        arguments: &Arguments,
    ) -> Result<(T, HeaderMap), Error> {
        let mut url = self
            .base_url
            .join(method)
            .map_err(|_| Error::Setup("the base URL can't hold a method's name"))?;
        const FORM: &str = "application/x-www-form-urlencoded";
        let (verb, kind, body) = match arguments {
            Arguments::Query(pairs) => {
                url.query_pairs_mut().extend_pairs(pairs);
                (Method::GET, FORM, Vec::new())
            }
            Arguments::Form(pairs) => {
                let form = form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(pairs)
                    .finish();
                (Method::POST, FORM, form.into_bytes())
            }
            Arguments::Json(value) => (
                Method::POST,
                "application/json; charset=utf-8",
                value.to_string().into_bytes(),
            ),
        };
        let response = self
            .http
            .request(verb, url)
            .header(header::AUTHORIZATION, self.token.header()?)
            .header(header::CONTENT_TYPE, HeaderValue::from_static(kind))
            .timeout(self.timeout)
            .body(body)
            .send()
            .await
            .map_err(|source| Error::from_transport(method, &self.base_url, source))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let retry_after = retry_after(&headers);
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Error::RateLimited { method, retry_after });
        }
        if !status.is_success() {
            return Err(Error::Status {
                method,
                status: status.as_u16(),
            });
        }
        let body = read_body(method, &self.base_url, response).await?;
        match Answer::read(method, &body)? {
            Answer::Ok(value) => serde_json::from_value(value)
                .map(|answer| (answer, headers))
                .map_err(|_| Error::Unexpected { method }),
            Answer::Refused { code, .. } if code == "ratelimited" || code == "rate_limited" => {
                Err(Error::RateLimited { method, retry_after })
            }
            Answer::Refused {
                code,
                needed,
                provided,
                details,
            } => Err(Error::Refused {
                method,
                code,
                needed,
                provided,
                details,
            }),
        }
    }

    async fn put_bytes(&self, upload_url: &str, bytes: Vec<u8>) -> Result<(), Error> {
        const STEP: &str = "file upload";
        let url = Url::parse(upload_url).map_err(|_| Error::Unexpected { method: STEP })?;
        let sent = self
            .http
            .post(url.clone())
            .header(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/octet-stream"),
            )
            .timeout(self.upload_timeout)
            .body(bytes)
            .send()
            .await
            .map_err(|source| Error::from_transport(STEP, &url, source))?;
        match sent.status() {
            StatusCode::OK => Ok(()),
            StatusCode::TOO_MANY_REQUESTS => Err(Error::RateLimited {
                method: STEP,
                retry_after: retry_after(sent.headers()),
            }),
            status => Err(Error::Status {
                method: STEP,
                status: status.as_u16(),
            }),
        }
    }
}

fn http(connect_timeout: Duration) -> Result<reqwest::Client, Error> {
    choose_cryptography();
    reqwest::Client::builder()
        .connect_timeout(connect_timeout)
        // The token goes where the configuration says, and nowhere that an answer says.
        .redirect(redirect::Policy::none())
        .user_agent(concat!("portcullis-slack/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|_| Error::Setup("TLS can't be set up on this system"))
}

async fn read_body(
    method: &'static str,
    url: &Url,
    mut response: reqwest::Response,
) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|source| Error::from_transport(method, url, source))?
    {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_LIMIT {
            return Err(Error::Unexpected { method });
        }
    }
    Ok(body)
}

/// Slack writes whole seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// rustls leaves the choice of the cryptography under TLS to the process. A choice that the program made before stands.
fn choose_cryptography() {
    // The error says that a choice is made already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
