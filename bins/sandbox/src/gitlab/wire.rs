//! The GitLab stand-in on HTTP: routes, authentication, statuses and error shapes.

use super::answer::Refused;
use super::project::Project;
use super::{facts, graphql, routes, runner, state_routes};
use crate::clock;
use crate::fault::{Fault, Faults};
use crate::server::{BindError, Server, with_faults};
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::HeaderValue;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post, put};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What a write to a locked state answers. GitLab's code translates the conflict for lock and unlock only; a
/// write that runs into it reaches the generic handler, so both answers must be coped with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LockedWrite {
    /// 409, which terraform reports at once.
    #[default]
    Conflict,
    /// 500, which terraform tries again.
    ServerError,
}

/// The running stand-in.
#[derive(Debug)]
pub struct Gitlab {
    shared: Shared,
    server: Server,
    /// Its faults.
    pub faults: Faults,
}

#[derive(Debug, Clone)]
pub(super) struct Shared {
    project: Arc<Mutex<Project>>,
    base: Arc<Mutex<String>>,
    pub(super) pushed: watch::Sender<Option<Vec<u8>>>,
    requests: Arc<AtomicU64>,
    pub(super) locked_write: LockedWrite,
}

impl Shared {
    pub(super) fn project(&self) -> MutexGuard<'_, Project> {
        self.project.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn base(&self) -> String {
        self.base.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Gitlab {
    /// Starts it on 127.0.0.1.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(port: u16, project: Project, locked_write: LockedWrite) -> Result<Self, BindError> {
        let faults = Faults::default();
        let shared = Shared {
            project: Arc::new(Mutex::new(project)),
            base: Arc::default(),
            pushed: watch::Sender::new(None),
            requests: Arc::default(),
            locked_write,
        };
        let router = router(shared.clone(), faults.clone());
        let server = Server::start(IpAddr::V4(Ipv4Addr::LOCALHOST), port, router, faults.clone()).await?;
        let base = format!("http://{}", server.address());
        *shared.base.lock().unwrap_or_else(PoisonError::into_inner) = base;
        Ok(Self {
            shared,
            server,
            faults,
        })
    }

    /// The instance's address, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.base()
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// What it remembers. Hold it briefly: requests wait.
    pub fn project(&self) -> MutexGuard<'_, Project> {
        self.shared.project()
    }

    /// Hears of each state that is pushed.
    #[must_use]
    pub fn pushes(&self) -> watch::Receiver<Option<Vec<u8>>> {
        self.shared.pushed.subscribe()
    }
}

fn router(shared: Shared, faults: Faults) -> Router {
    let project = Router::new()
        .route("/", get(routes::project_show))
        .route(
            "/terraform/state/{name}",
            get(state_routes::state_read)
                .post(state_routes::state_write)
                .delete(state_routes::state_delete),
        )
        .route(
            "/terraform/state/{name}/lock",
            post(state_routes::state_lock).delete(state_routes::state_unlock),
        )
        .route(
            "/terraform/state/{name}/versions/{serial}",
            get(state_routes::version_read).delete(state_routes::version_delete),
        )
        .route("/pipelines/{pipeline}/jobs", get(routes::pipeline_jobs))
        .route("/pipelines/{pipeline}", get(facts::pipeline))
        .route("/pipelines/{pipeline}/bridges", get(facts::bridges))
        .route("/jobs/{job}", get(routes::job_show))
        .route("/jobs/{job}/artifacts/{*path}", get(facts::artifact))
        .route("/merge_requests/{iid}", get(facts::merge_request))
        .route("/merge_requests/{iid}/approvals", get(facts::approvals))
        .route(
            "/repository/commits/{sha}/merge_requests",
            get(facts::merge_requests_of),
        )
        .route("/merge_requests/{iid}/commits", get(facts::merge_request_commits))
        .route("/repository/commits/{sha}", get(facts::commit))
        .route("/repository/files/{path}/raw", get(facts::file))
        .route("/protected_environments", get(facts::protected_environments))
        .route("/repository/branches", get(facts::branches))
        .route("/protected_branches/{name}", get(facts::protected_branch))
        .route(
            "/protected_environments/{name}",
            get(facts::protected_environment),
        )
        .route("/jobs/{job}/play", post(routes::job_play))
        .route(
            "/merge_requests/{iid}/notes",
            get(routes::notes_list).post(routes::note_create),
        )
        .route("/merge_requests/{iid}/notes/{note}", put(routes::note_update))
        .route("/merge_requests/{iid}/notes/{note}", delete(routes::note_delete))
        .route("/statuses/{sha}", post(routes::status_create))
        .route_layer(middleware::from_fn_with_state(shared.clone(), only_this_project));
    let api = Router::new()
        .route("/job", get(routes::own_job))
        .route("/version", get(routes::version))
        .route("/user", get(routes::own_user))
        .route("/personal_access_tokens/self", get(routes::own_token))
        .route("/groups/{group}/members/all/{user}", get(facts::group_member))
        .nest("/projects/{id}", project)
        .fallback(async || Refused::NoRoute);
    Router::new()
        .nest("/api/v4", api)
        .route("/api/graphql", post(graphql::query))
        .fallback(async || Refused::NoRoute)
        .layer(middleware::from_fn_with_state(shared.clone(), rate_limit_headers))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            with_faults(faults.clone(), request, next, own_fault)
        }))
        // Faults and quotas are those of the API.
        .route("/-/runner", get(runner::remembered))
        .route("/-/runner/jobs", post(runner::take))
        .route("/-/runner/jobs/{id}", put(runner::end))
        .with_state(shared)
}

/// The bodies of the faults that look different at every service. (Source: "User and IP rate limits": a 429 is
/// plain text.)
fn own_fault(fault: Fault) -> Response {
    match fault {
        Fault::RateLimited { .. } => "Retry later\n".into_response(),
        _ => Refused::Unauthorized.into_response(),
    }
}

/// Every answer tells the caller's quota. (Source: "User and IP rate limits".)
async fn rate_limit_headers(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    const LIMIT: u64 = 2000;
    let observed = shared.requests.fetch_add(1, Ordering::Relaxed) + 1;
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert("ratelimit-limit", HeaderValue::from(LIMIT));
    headers.insert(
        "ratelimit-name",
        HeaderValue::from_static("throttle_authenticated_api"),
    );
    headers.insert("ratelimit-observed", HeaderValue::from(observed));
    headers.insert(
        "ratelimit-remaining",
        HeaderValue::from(LIMIT.saturating_sub(observed)),
    );
    headers.insert(
        "ratelimit-reset",
        HeaderValue::from(clock::now().as_second() / 60 * 60 + 60),
    );
    response
}

/// The one project answers to its number and its path; every other is "not found", as for one without rights.
async fn only_this_project(
    State(shared): State<Shared>,
    Path(params): Path<Vec<(String, String)>>,
    request: Request,
    next: Next,
) -> Response {
    let wanted = params
        .iter()
        .find(|(name, _)| name == "id")
        .map_or("", |(_, value)| value);
    let found = {
        let project = shared.project();
        wanted == project.path || wanted.parse() == Ok(project.id)
    };
    if found {
        next.run(request).await
    } else {
        Refused::Missing("Project").into_response()
    }
}
