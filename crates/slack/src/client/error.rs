//! Why a call failed, and what the reader can do about it.

use std::time::Duration;
use url::Url;

/// Why a call failed. No variant holds a token, a body, or a link with a secret in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client can't be made as configured.
    #[error("slack client: {0}")]
    Setup(&'static str),
    /// Slack answered `ok: false`.
    #[error("{method}: slack refused: {code}{}", scopes(needed.as_deref(), provided.as_deref()))]
    Refused {
        /// The method that was called.
        method: &'static str,
        /// Slack's error code, such as `channel_not_found`.
        code: String,
        /// The scope that the method needs, when that is what is missing.
        needed: Option<String>,
        /// The scopes that the token has.
        provided: Option<String>,
        /// Slack's remarks, such as which block is not valid.
        details: Vec<String>,
    },
    /// Too many calls, and the wait that Slack asks for is too long, or was not enough.
    #[error("{method}: too many requests{}", retry_after.map(|wait| format!(", slack asks to wait {} s", wait.as_secs())).unwrap_or_default())]
    RateLimited {
        /// The method that was called.
        method: &'static str,
        /// How long Slack asks to wait.
        retry_after: Option<Duration>,
    },
    /// An HTTP status that is not success.
    #[error("{method}: HTTP status {status}")]
    Status {
        /// The method that was called.
        method: &'static str,
        /// The status.
        status: u16,
    },
    /// The answer is not JSON: a proxy's page, for instance.
    #[error("{method}: the answer is {}, not JSON", if *html { "a web page" } else { "something else" })]
    NotJson {
        /// The method that was called.
        method: &'static str,
        /// Whether it looks like a web page.
        html: bool,
    },
    /// The answer is JSON, but not what the method answers.
    #[error("{method}: the answer is not what slack documents")]
    Unexpected {
        /// The method that was called.
        method: &'static str,
    },
    /// No connection could be made; nothing was sent.
    #[error("{method}: no connection to {host}")]
    Unreachable {
        /// The method that was called.
        method: &'static str,
        /// Host and port.
        host: String,
        /// What the network said.
        #[source]
        source: reqwest::Error,
    },
    /// No answer in time. The call may have happened.
    #[error("{method}: no answer from {host} in time")]
    TimedOut {
        /// The method that was called.
        method: &'static str,
        /// Host and port.
        host: String,
    },
    /// The connection broke. The call may have happened.
    #[error("{method}: the connection to {host} broke")]
    Broken {
        /// The method that was called.
        method: &'static str,
        /// Host and port.
        host: String,
        /// What the network said.
        #[source]
        source: reqwest::Error,
    },
}

impl Error {
    pub(super) fn from_transport(method: &'static str, url: &Url, source: reqwest::Error) -> Self {
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or("?").to_owned(),
        };
        // Links of uploads are secrets.
        let source = source.without_url();
        if source.is_connect() {
            Self::Unreachable { method, host, source }
        } else if source.is_timeout() {
            Self::TimedOut { method, host }
        } else {
            Self::Broken { method, host, source }
        }
    }

    /// Whether the call may have happened all the same, so that to repeat it may post twice.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::Broken { .. } | Self::NotJson { .. } | Self::Unexpected { .. } => {
                true
            }
            Self::Status { status, .. } => *status >= 500,
            Self::Refused { code, .. } => {
                matches!(
                    code.as_str(),
                    "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout"
                )
            }
            Self::Setup(_) | Self::RateLimited { .. } | Self::Unreachable { .. } => false,
        }
    }

    /// What the reader can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Refused { code, needed, details, .. } => match code.as_str() {
                "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => {
                    "the bot token is wrong or was revoked: take it from the Slack app's page, OAuth & Permissions".to_owned()
                }
                "not_in_channel" => "invite the bot to the channel: /invite @bot".to_owned(),
                "channel_not_found" => {
                    "name the channel by its id (C…), and invite the bot if the channel is private".to_owned()
                }
                "is_archived" | "channel_is_archived" => "the channel is archived: choose another".to_owned(),
                "missing_scope" => format!(
                    "add the scope {} to the Slack app and install the app anew",
                    needed.as_deref().unwrap_or("that the method needs")
                ),
                "message_not_found" | "cant_update_message" | "edit_window_closed" => {
                    "the message is gone or belongs to another bot".to_owned()
                }
                "no_service" | "no_active_hooks" | "no_team" | "invalid_token" => {
                    "the webhook is gone or was revoked: make a new one on the Slack app's page, Incoming Webhooks".to_owned()
                }
                "action_prohibited" | "restricted_action" => {
                    "the workspace's administrators do not let the app post there".to_owned()
                }
                _ if !details.is_empty() => details.join("; "),
                _ => return None,
            },
            Self::Status { status: 300..=399, .. } | Self::NotJson { html: true, .. } => {
                "is that the service's own address, and not a proxy's or a login page? Slack's Web API is https://slack.com/api/".to_owned()
            }
            Self::Status { method: "webhook", status: 401 | 403 | 404 | 410 } => {
                "is the webhook's address whole, and still in use?".to_owned()
            }
            Self::Status { status: 401 | 403 | 407, .. } => {
                "Slack says so in its answer's body, with status 200: is a proxy in the way?".to_owned()
            }
            Self::Status { status: 404, .. } => "is the base URL Slack's Web API (https://slack.com/api/)?".to_owned(),
            Self::Unreachable { .. } => {
                "does this machine reach Slack: name resolution, proxy (HTTPS_PROXY), firewall?".to_owned()
            }
            Self::TimedOut { .. } | Self::Broken { .. } => {
                "the message may have been posted: look before sending it again".to_owned()
            }
            _ => return None,
        };
        Some(hint)
    }
}

fn scopes(needed: Option<&str>, provided: Option<&str>) -> String {
    match (needed, provided) {
        (Some(needed), Some(provided)) => format!(" (needs {needed}; the token has {provided})"),
        (Some(needed), None) => format!(" (needs {needed})"),
        _ => String::new(),
    }
}
