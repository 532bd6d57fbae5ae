//! The `http` backend's client, call by call as terraform 1.11.4 makes them.
//!
//! Source: hashicorp/terraform `internal/backend/remote-state/http/client.go`, and its calls observed against a
//! local server. The `Content-MD5` header that terraform adds to writes is left out: GitLab does not look at it.

use super::backend::{Backend, BackendError};
use crate::clock;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

/// Speaks with the backend.
#[derive(Debug)]
pub struct Client {
    backend: Backend,
    http: reqwest::Client,
}

impl Client {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// When the system's TLS cannot be set up.
    pub fn new(backend: Backend) -> Result<Self, BackendError> {
        crate::choose_cryptography();
        let mut builder = reqwest::Client::builder().user_agent("Go-http-client/1.1");
        // As Go does: loopback is never reached through a proxy.
        let is_loopback = Url::parse(&backend.address).is_ok_and(|url| {
            url.host_str()
                .is_some_and(|host| host == "localhost" || host.starts_with("127.") || host == "[::1]")
        });
        if is_loopback {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(BackendError::Unreachable)?;
        Ok(Self { backend, http })
    }

    /// The latest state, if there is any.
    ///
    /// # Errors
    /// Any status but 200, 204 and 404.
    pub async fn read(&self) -> Result<Option<Vec<u8>>, BackendError> {
        let response = self.send(|| self.request("GET", &self.backend.address)).await?;
        match response.status() {
            StatusCode::OK => {
                let body = response.bytes().await.map_err(BackendError::Unreachable)?;
                Ok((!body.is_empty()).then(|| body.to_vec()))
            }
            StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => Ok(None),
            status => Err(refused(status)),
        }
    }

    /// Takes the lock, when there is an address for it.
    ///
    /// # Errors
    /// When somebody else has it, or the caller may not.
    pub async fn lock(
        &self,
        operation: &str,
        version: &str,
        who: &str,
    ) -> Result<Option<Value>, BackendError> {
        let Some(address) = &self.backend.lock_address else {
            return Ok(None);
        };
        let info = json!({"ID": lock_id(), "Operation": operation, "Info": "", "Who": who,
                          "Version": version, "Created": clock::now().to_string(), "Path": ""});
        let response = self
            .send(|| Ok(self.request(&self.backend.lock_method, address)?.json(&info)))
            .await?;
        match response.status() {
            StatusCode::OK => Ok(Some(info)),
            StatusCode::CONFLICT | StatusCode::LOCKED => {
                let body = response.bytes().await.map_err(BackendError::Unreachable)?;
                let holder: Option<Value> = serde_json::from_slice(&body).ok();
                // terraform reads the body into its own lock type, whose time must be one.
                let lock = holder.filter(|lock| {
                    lock["Created"]
                        .as_str()
                        .is_some_and(|time| time.parse::<jiff::Timestamp>().is_ok())
                });
                let id = lock.as_ref().and_then(|lock| lock["ID"].as_str());
                Err(id.map_or(BackendError::LockedUnreadable, |id| {
                    BackendError::Locked(id.to_owned())
                }))
            }
            status => Err(refused(status)),
        }
    }

    /// Stores a state; the lock's id goes into the query.
    ///
    /// # Errors
    /// Any status but 200, 201 and 204.
    pub async fn write(&self, state: &[u8], lock: Option<&Value>) -> Result<(), BackendError> {
        let mut address =
            Url::parse(&self.backend.address).map_err(|_| BackendError::Setting("TF_HTTP_ADDRESS"))?;
        if let Some(id) = lock.and_then(|lock| lock["ID"].as_str()) {
            address.query_pairs_mut().append_pair("ID", id);
        }
        let response = self
            .send(|| {
                Ok(self
                    .request(&self.backend.update_method, address.as_str())?
                    .header(reqwest::header::CONTENT_TYPE, "application/json")
                    .body(state.to_vec()))
            })
            .await?;
        match response.status() {
            StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT => Ok(()),
            status => Err(BackendError::Write(status.as_u16())),
        }
    }

    /// Gives the lock back: the whole lock is the body.
    ///
    /// # Errors
    /// Any status but 200.
    pub async fn unlock(&self, lock: &Value) -> Result<(), BackendError> {
        let Some(address) = &self.backend.unlock_address else {
            return Ok(());
        };
        let response = self
            .send(|| Ok(self.request(&self.backend.unlock_method, address)?.json(lock)))
            .await?;
        match response.status() {
            StatusCode::OK => Ok(()),
            status => Err(refused(status)),
        }
    }

    fn request(&self, method: &str, address: &str) -> Result<RequestBuilder, BackendError> {
        let method =
            Method::from_bytes(method.as_bytes()).map_err(|_| BackendError::Setting("TF_HTTP_*_METHOD"))?;
        let request = self.http.request(method, address);
        Ok(match &self.backend.username {
            Some(user) => request.basic_auth(user, Some(self.backend.password())),
            None => request,
        })
    }

    /// Sends; no answer, 429 and 5xx are tried again, writes included.
    async fn send(
        &self,
        build: impl Fn() -> Result<RequestBuilder, BackendError>,
    ) -> Result<Response, BackendError> {
        let mut tries = 0;
        loop {
            let result = build()?.send().await;
            let again = match &result {
                Err(_) => true,
                Ok(response) => {
                    response.status().is_server_error() || response.status() == StatusCode::TOO_MANY_REQUESTS
                }
            };
            if !again || tries >= self.backend.retry_max {
                return result.map_err(|error| BackendError::Unreachable(error.without_url()));
            }
            tries += 1;
            tokio::time::sleep(self.backend.retry_wait).await;
        }
    }
}

fn refused(status: StatusCode) -> BackendError {
    match status {
        StatusCode::UNAUTHORIZED => BackendError::Unauthorized,
        StatusCode::FORBIDDEN => BackendError::Forbidden,
        status => BackendError::Status(status.as_u16()),
    }
}

/// A random id in the shape of a UUID, as terraform makes one for each lock.
fn lock_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    // Each RandomState has its own random keys.
    let (a, b) = (RandomState::new().hash_one(0), RandomState::new().hash_one(1));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 48 & 0xfff,
        b & 0xffff_ffff_ffff
    )
}
