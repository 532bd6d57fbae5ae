//! The Slack stand-in on HTTP: methods, token, error shape.

use super::workspace::{Refusal, Workspace};
use crate::clock;
use crate::fault::{Fault, Faults};
use crate::server::{BindError, Server, with_faults};
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The running stand-in.
#[derive(Debug)]
pub struct Slack {
    shared: Shared,
    server: Server,
    /// Its faults.
    pub faults: Faults,
}

#[derive(Debug, Clone)]
struct Shared {
    workspace: Arc<Mutex<Workspace>>,
    base: Arc<Mutex<String>>,
}

impl Shared {
    fn workspace(&self) -> MutexGuard<'_, Workspace> {
        self.workspace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn base(&self) -> String {
        self.base.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Slack {
    /// Starts it on 127.0.0.1.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(port: u16, workspace: Workspace) -> Result<Self, BindError> {
        let faults = Faults::default();
        let shared = Shared {
            workspace: Arc::new(Mutex::new(workspace)),
            base: Arc::default(),
        };
        let switch = faults.clone();
        let router = Router::new()
            .route("/api/{method}", any(method))
            .route("/upload/v1/{id}", post(upload))
            .route("/services/{team}/{app}/{secret}", post(hook))
            .layer(middleware::from_fn(move |request: Request, next: Next| {
                with_faults(switch.clone(), request, next, own_fault)
            }))
            // Faults are Slack's, not the runner's.
            .route("/-/runner", get(remembered))
            .with_state(shared.clone());
        let server = Server::start(IpAddr::V4(Ipv4Addr::LOCALHOST), port, router, faults.clone()).await?;
        let base = format!("http://{}", server.address());
        *shared.base.lock().unwrap_or_else(PoisonError::into_inner) = base;
        Ok(Self {
            shared,
            server,
            faults,
        })
    }

    /// The base of the Web API, with a slash at the end, as `https://slack.com/api/`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/api/", self.shared.base())
    }

    /// The address of its incoming webhook.
    #[must_use]
    pub fn hook_url(&self) -> String {
        format!(
            "{}/services/T0SANDBOX01/B0SANDBOX01/{}",
            self.shared.base(),
            self.workspace().hook
        )
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// What it remembers. Hold it briefly: requests wait.
    pub fn workspace(&self) -> MutexGuard<'_, Workspace> {
        self.shared.workspace()
    }
}

/// The bodies of the faults that look different at every service.
fn own_fault(fault: Fault) -> Response {
    let error = match fault {
        Fault::RateLimited { .. } => "ratelimited",
        _ => "invalid_auth",
    };
    Json(json!({"ok": false, "error": error})).into_response()
}

/// Any method. Slack answers 200 whatever happens; the verdict is in `ok`.
async fn method(
    State(shared): State<Shared>,
    Path(method): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> ([(&'static str, String); 1], Json<Value>) {
    let mut workspace = shared.workspace();
    let answer = call(&mut workspace, &shared.base(), &method, &uri, &headers, &body);
    let answer = match answer {
        Ok(answer) => answer,
        Err(refusal) => {
            workspace.refused.push((method, refusal.error));
            refusal.json()
        }
    };
    ([("x-oauth-scopes", workspace.scopes.join(","))], Json(answer))
}

/// What was posted and what was refused, for whoever ran a pipeline: no part of Slack's API.
async fn remembered(State(shared): State<Shared>) -> Json<Value> {
    let workspace = shared.workspace();
    Json(json!({"messages": workspace.posted(), "refused": workspace.refused}))
}

/// Slack's incoming webhook: `ok`, or a status with one word.
async fn hook(
    State(shared): State<Shared>,
    Path((_, _, secret)): Path<(String, String, String)>,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let mut workspace = shared.workspace();
    if secret != workspace.hook {
        return (StatusCode::NOT_FOUND, "no_service");
    }
    let call = serde_json::from_slice(&body).unwrap_or(Value::Null);
    match workspace.by_hook(&call, clock::now().as_second()) {
        Ok(()) => (StatusCode::OK, "ok"),
        Err(error) => {
            workspace.refused.push(("incoming webhook".to_owned(), error));
            (StatusCode::BAD_REQUEST, error)
        }
    }
}

fn call(
    workspace: &mut Workspace,
    base: &str,
    method: &str,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Value, Refusal> {
    let header = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let refuse = |error| Err(Refusal::code(error));
    let kind = header(header::CONTENT_TYPE);
    let is_json = kind.starts_with("application/json");
    let mut arguments = crate::form::parse(uri.query().unwrap_or_default().as_bytes());
    let sent = if is_json {
        serde_json::from_slice(body).unwrap_or(Value::Null)
    } else {
        crate::form::parse(body)
    };
    let Value::Object(sent) = sent else {
        return refuse("invalid_json");
    };
    // Methods that read, and the upload's first step, take arguments as a form or in the query; a JSON body is
    // not looked at. (Source: "Using the Slack Web API", which methods accept JSON.)
    let takes_json = matches!(
        method,
        "chat.postMessage" | "chat.update" | "files.completeUploadExternal"
    );
    if let Value::Object(arguments) = &mut arguments
        && (takes_json || !is_json)
    {
        arguments.extend(sent);
    }
    match header(header::AUTHORIZATION).strip_prefix("Bearer ") {
        None => return refuse("not_authed"),
        Some(token) if token != workspace.token => return refuse("invalid_auth"),
        Some(_) => {}
    }
    workspace.allows(method)?;
    let now = clock::now().as_second();
    match method {
        "auth.test" => Ok(workspace.auth_test(base)),
        "chat.postMessage" => workspace.post(&arguments, now),
        "chat.update" => workspace.update(&arguments),
        "conversations.history" => workspace.history(&arguments),
        "conversations.replies" => workspace.replies(&arguments),
        "chat.getPermalink" => workspace.permalink(&arguments, base),
        "files.getUploadURLExternal" => workspace.upload_url(&arguments, base),
        "files.completeUploadExternal" => workspace.complete_upload(&arguments, now),
        _ => refuse("unknown_method"),
    }
}

/// The second step of an upload: raw bytes, no token.
async fn upload(State(shared): State<Shared>, Path(id): Path<String>, body: Bytes) -> Response {
    let length = body.len();
    if shared.workspace().upload(&id, body.to_vec()) {
        format!("OK - {length}").into_response()
    } else {
        (StatusCode::BAD_REQUEST, "Bad request").into_response()
    }
}
