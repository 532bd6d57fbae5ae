//! The GitLab stand-in on HTTP: routes, authentication, statuses and error shapes.

use super::project::{Caller, Note, Project, Role};
use super::state::{Refusal, Written};
use crate::clock;
use crate::fault::{Fault, Faults};
use crate::server::{BindError, Server, with_faults};
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use base64::Engine as _;
use serde_json::{Value, json};
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
struct Shared {
    project: Arc<Mutex<Project>>,
    base: Arc<Mutex<String>>,
    pushed: watch::Sender<Option<Vec<u8>>>,
    requests: Arc<AtomicU64>,
    locked_write: LockedWrite,
}

impl Shared {
    fn project(&self) -> MutexGuard<'_, Project> {
        self.project.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn base(&self) -> String {
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
        .route("/", get(project_show))
        .route(
            "/terraform/state/{name}",
            get(state_read).post(state_write).delete(state_delete),
        )
        .route(
            "/terraform/state/{name}/lock",
            post(state_lock).delete(state_unlock),
        )
        .route(
            "/terraform/state/{name}/versions/{serial}",
            get(version_read).delete(version_delete),
        )
        .route("/pipelines/{pipeline}/jobs", get(pipeline_jobs))
        .route("/jobs/{job}", get(job_show))
        .route("/jobs/{job}/play", post(job_play))
        .route("/merge_requests/{iid}/notes", get(notes_list).post(note_create))
        .route("/merge_requests/{iid}/notes/{note}", put(note_update))
        .route("/merge_requests/{iid}/notes/{note}", delete(note_delete))
        .route("/statuses/{sha}", post(status_create))
        .route_layer(middleware::from_fn_with_state(shared.clone(), only_this_project));
    let api = Router::new()
        .route("/job", get(own_job))
        .route("/version", get(version))
        .route("/user", get(own_user))
        .route("/personal_access_tokens/self", get(own_token))
        .nest("/projects/{id}", project)
        .fallback(async || Refused::NoRoute);
    Router::new()
        .nest("/api/v4", api)
        .fallback(async || Refused::NoRoute)
        .layer(middleware::from_fn_with_state(shared.clone(), rate_limit_headers))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            with_faults(faults.clone(), request, next, own_fault)
        }))
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

/// GitLab's error shapes: `message` as text, `message` per field, `error`, and `error` with a description.
#[derive(Debug)]
enum Refused {
    Unauthorized,
    Forbidden,
    Scope(&'static str),
    Missing(&'static str),
    NoRoute,
    Bad(&'static str),
    Parameter(String),
    Field(&'static str, &'static str),
    State(Refusal, LockedWrite),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let message =
            |status: StatusCode, text: &str| (status, Json(json!({"message": text}))).into_response();
        match self {
            Self::Unauthorized => message(StatusCode::UNAUTHORIZED, "401 Unauthorized"),
            Self::Forbidden => message(StatusCode::FORBIDDEN, "403 Forbidden"),
            Self::Scope(scope) => {
                let body = json!({"error": "insufficient_scope", "scope": scope,
                    "error_description": "The request requires higher privileges than provided by the access token."});
                (StatusCode::FORBIDDEN, Json(body)).into_response()
            }
            Self::Missing(what) => message(StatusCode::NOT_FOUND, &format!("404 {what} Not Found")),
            Self::NoRoute => (StatusCode::NOT_FOUND, Json(json!({"error": "404 Not Found"}))).into_response(),
            Self::Bad(text) => message(StatusCode::BAD_REQUEST, &format!("400 Bad request - {text}")),
            Self::Parameter(text) => (StatusCode::BAD_REQUEST, Json(json!({"error": text}))).into_response(),
            Self::Field(field, text) => {
                (StatusCode::BAD_REQUEST, Json(json!({"message": {field: [text]}}))).into_response()
            }
            Self::State(refusal, locked_write) => state_refusal(refusal, locked_write),
        }
    }
}

fn state_refusal(refusal: Refusal, locked_write: LockedWrite) -> Response {
    match refusal {
        Refusal::NotFound => Refused::Missing("File").into_response(),
        Refusal::Locked(lock) => (StatusCode::CONFLICT, Json(lock)).into_response(),
        Refusal::NotLocked => (StatusCode::CONFLICT, Json(json!({}))).into_response(),
        Refusal::LockedWrite => match locked_write {
            LockedWrite::Conflict => {
                (StatusCode::CONFLICT, Json(json!({"message": "409 Conflict"}))).into_response()
            }
            LockedWrite::ServerError => (
                StatusCode::INTERNAL_SERVER_ERROR,
                Json(json!({"message": "500 Internal Server Error"})),
            )
                .into_response(),
        },
        Refusal::BadLock(member) => Refused::Parameter(format!("{member} is missing")).into_response(),
        Refusal::IdTooLong => {
            Refused::Parameter("ID must be less than or equal to 255 characters".to_owned()).into_response()
        }
        Refusal::NotJson => {
            Refused::Parameter("Problem processing request parameters".to_owned()).into_response()
        }
        Refusal::Serial | Refusal::Deleting => {
            let text = if refusal == Refusal::Serial {
                "Validation failed: Version has already been taken"
            } else {
                "The Terraform state is scheduled for deletion"
            };
            (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"message": text}))).into_response()
        }
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    }
}

type Answer = Result<Response, Refused>;
type Params = Query<Vec<(String, String)>>;

/// Which doors a route has for a job token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JobToken {
    /// Header, bearer or parameter.
    Anywhere,
    /// As the password of Basic authentication only: the managed-state routes.
    BasicOnly,
    /// Not at all.
    No,
}

/// Looks the caller up in all places where GitLab takes a token on such a route.
fn caller(project: &Project, headers: &HeaderMap, params: &Params, job: JobToken) -> Result<Caller, Refused> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let known = |token: &str| project.caller(token).cloned().ok_or(Refused::Unauthorized);

    let authorization = header("authorization");
    if let Some(encoded) = authorization.and_then(|value| value.strip_prefix("Basic ")) {
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or(Refused::Unauthorized)?;
        let (user, password) = decoded.split_once(':').ok_or(Refused::Unauthorized)?;
        let caller = known(password)?;
        return match (&caller, job) {
            (Caller::Job { .. }, JobToken::BasicOnly) if user == "gitlab-ci-token" => Ok(caller),
            (Caller::Token { user: owner }, _) if user == owner.login => Ok(caller),
            _ => Err(Refused::Unauthorized),
        };
    }
    let parameter = |wanted: &str| {
        params
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, v)| v.as_str())
    };
    let bearer = authorization.and_then(|value| value.strip_prefix("Bearer "));
    let token = header("private-token")
        .or_else(|| header("job-token"))
        .or(bearer)
        .or_else(|| parameter("job_token"))
        .or_else(|| parameter("private_token"))
        .ok_or(Refused::Unauthorized)?;
    let caller = known(token)?;
    match (&caller, job) {
        (Caller::Job { .. }, JobToken::Anywhere) if header("private-token").is_none() => Ok(caller),
        (Caller::Token { .. }, _) if header("job-token").is_none() => Ok(caller),
        _ => Err(Refused::Unauthorized),
    }
}

fn at_least(caller: &Caller, role: Role) -> Result<(), Refused> {
    if caller.user().role >= role {
        Ok(())
    } else {
        Err(Refused::Forbidden)
    }
}

fn parse<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, Refused> {
    text.parse()
        .map_err(|_| Refused::Parameter(format!("{what} is invalid")))
}

/// JSON or form fields, as GitLab takes both.
fn fields(headers: &HeaderMap, body: &Bytes) -> Result<Value, Refused> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        return Ok(crate::form::parse(body));
    }
    serde_json::from_slice(body)
        .map_err(|_| Refused::Parameter("Problem processing request parameters".to_owned()))
}

// ------------------------------------------------------------------------------------------ managed state

async fn state_read(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let mut project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::BasicOnly)?;
    at_least(&caller, Role::Developer)?;
    match project
        .states
        .read(&name)
        .map_err(|r| Refused::State(r, shared.locked_write))?
    {
        Some(body) => Ok((
            [(header::CONTENT_TYPE, "application/octet-stream")],
            body.to_vec(),
        )
            .into_response()),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

async fn state_write(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let mut project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::BasicOnly)?;
    at_least(&caller, Role::Maintainer)?;
    let lock = params
        .iter()
        .find(|(name, _)| name == "ID")
        .map(|(_, id)| id.as_str());
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    let written = project
        .states
        .write(&name, lock, is_json, &body)
        .map_err(|refusal| Refused::State(refusal, shared.locked_write))?;
    match written {
        Written::Nothing => Ok(StatusCode::NO_CONTENT.into_response()),
        Written::Version(_) => {
            shared.pushed.send_replace(Some(body.to_vec()));
            Ok(StatusCode::OK.into_response())
        }
    }
}

async fn state_delete(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let mut project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::BasicOnly)?;
    at_least(&caller, Role::Maintainer)?;
    match project.states.delete(&name) {
        // Deleting is the one call whose lock conflict is a 422.
        Err(Refusal::Locked(_)) => Ok((
            StatusCode::UNPROCESSABLE_ENTITY,
            Json(json!({"message": "Terraform state is locked"})),
        )
            .into_response()),
        Err(refusal) => Err(Refused::State(refusal, shared.locked_write)),
        Ok(()) => Ok(StatusCode::OK.into_response()),
    }
}

async fn state_lock(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let asked = fields(&headers, &body)?;
    let mut project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::BasicOnly)?;
    at_least(&caller, Role::Maintainer)?;
    let lock = project
        .states
        .lock(&name, &asked, &caller.user().login, &clock::stamp())
        .map_err(|refusal| Refused::State(refusal, shared.locked_write))?;
    Ok(Json(lock).into_response())
}

async fn state_unlock(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    // Terraform 1.11 sends the id in the body, GitLab's own documents name the query: both are read.
    let sent = fields(&headers, &body)?;
    let in_query = params
        .iter()
        .find(|(name, _)| name == "ID")
        .map(|(_, id)| id.clone());
    let id = in_query.or_else(|| sent.get("ID").and_then(Value::as_str).map(str::to_owned));
    let mut project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::BasicOnly)?;
    at_least(&caller, Role::Maintainer)?;
    project
        .states
        .unlock(&name, id.as_deref())
        .map_err(|refusal| Refused::State(refusal, shared.locked_write))?;
    Ok(StatusCode::OK.into_response())
}

async fn version_read(
    State(shared): State<Shared>,
    Path((_, name, serial)): Path<(String, String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let mut project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::BasicOnly)?;
    at_least(&caller, Role::Developer)?;
    let serial = parse(&serial, "serial")?;
    let body = project
        .states
        .version(&name, serial)
        .map_err(|refusal| Refused::State(refusal, shared.locked_write))?;
    Ok((
        [(header::CONTENT_TYPE, "application/octet-stream")],
        body.to_vec(),
    )
        .into_response())
}

async fn version_delete(
    State(shared): State<Shared>,
    Path((_, name, serial)): Path<(String, String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let mut project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::BasicOnly)?;
    at_least(&caller, Role::Maintainer)?;
    let serial = parse(&serial, "serial")?;
    project
        .states
        .delete_version(&name, serial)
        .map_err(|refusal| Refused::State(refusal, shared.locked_write))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

// ------------------------------------------------------------------------------------------ jobs

async fn own_job(State(shared): State<Shared>, params: Params, headers: HeaderMap) -> Answer {
    let project = shared.project();
    let Caller::Job { id, .. } = caller(&project, &headers, &params, JobToken::Anywhere)? else {
        return Err(Refused::Unauthorized);
    };
    let job = project
        .jobs
        .iter()
        .find(|job| job.id == id)
        .ok_or(Refused::Missing("Job"))?;
    Ok(Json(project.job_json(&shared.base(), job)).into_response())
}

async fn pipeline_jobs(
    State(shared): State<Shared>,
    Path((_, pipeline)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::Anywhere)?;
    if pipeline.parse() != Ok(project.pipeline) {
        return Err(Refused::Missing("Pipeline"));
    }
    let scopes: Vec<&str> = params
        .iter()
        .filter(|(name, _)| name == "scope[]" || name == "scope")
        .map(|(_, value)| value.as_str())
        .collect();
    let base = shared.base();
    // Newest first, as GitLab lists them.
    let jobs: Vec<Value> = project
        .jobs
        .iter()
        .rev()
        .filter(|job| scopes.is_empty() || scopes.contains(&job.status.as_str()))
        .map(|job| project.job_json(&base, job))
        .collect();
    let path = format!("{base}/api/v4/projects/{}/pipelines/{pipeline}/jobs", project.id);
    paged(jobs, &path, &params)
}

async fn job_show(
    State(shared): State<Shared>,
    Path((_, job)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::No)?;
    let id: u64 = parse(&job, "job_id")?;
    let job = project
        .jobs
        .iter()
        .find(|job| job.id == id)
        .ok_or(Refused::Missing(""))?;
    Ok(Json(project.job_json(&shared.base(), job)).into_response())
}

async fn job_play(
    State(shared): State<Shared>,
    Path((_, job)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let mut project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::No)?;
    at_least(&caller, Role::Maintainer)?;
    let id: u64 = parse(&job, "job_id")?;
    match project.play(id, caller.user()) {
        None => Err(Refused::Missing("")),
        Some(false) => Err(Refused::Bad("Unplayable Job")),
        Some(true) => {
            let job = project
                .jobs
                .iter()
                .find(|job| job.id == id)
                .ok_or(Refused::Missing(""))?;
            Ok(Json(project.job_json(&shared.base(), job)).into_response())
        }
    }
}

// ------------------------------------------------------------------------------------------ merge requests

fn merge_request(project: &Project, iid: &str) -> Result<u64, Refused> {
    let iid = parse(iid, "merge_request_iid")?;
    if project.merge_requests.contains(&iid) {
        Ok(iid)
    } else {
        Err(Refused::Missing(""))
    }
}

async fn notes_list(
    State(shared): State<Shared>,
    Path((_, iid)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::Anywhere)?;
    let iid = merge_request(&project, &iid)?;
    let base = shared.base();
    let mut notes: Vec<Value> = project
        .notes
        .iter()
        .filter(|note| note.merge_request == iid)
        .map(|note| project.note_json(&base, note))
        .collect();
    if !params
        .iter()
        .any(|(name, value)| name == "sort" && value == "asc")
    {
        notes.reverse();
    }
    let path = format!("{base}/api/v4/projects/{}/merge_requests/{iid}/notes", project.id);
    paged(notes, &path, &params)
}

fn note_body(fields: &Value) -> Result<String, Refused> {
    match fields.get("body").and_then(Value::as_str) {
        None => Err(Refused::Parameter("body is missing".to_owned())),
        Some("") => Err(Refused::Field("note", "can't be blank")),
        Some(body) if body.chars().count() > 1_000_000 => Err(Refused::Field(
            "note",
            "is too long (maximum is 1000000 characters)",
        )),
        Some(body) => Ok(body.to_owned()),
    }
}

/// Writing is for tokens with the scope `api`; a job token may only read.
fn writer(project: &Project, headers: &HeaderMap, params: &Params) -> Result<Caller, Refused> {
    match caller(project, headers, params, JobToken::Anywhere)? {
        Caller::Job { .. } => Err(Refused::Scope("api")),
        caller @ Caller::Token { .. } => Ok(caller),
    }
}

async fn note_create(
    State(shared): State<Shared>,
    Path((_, iid)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let sent = fields(&headers, &body)?;
    let mut project = shared.project();
    let author = writer(&project, &headers, &params)?.user().clone();
    let merge_request = merge_request(&project, &iid)?;
    let body = note_body(&sent)?;
    let note = Note {
        id: project.new_id(),
        merge_request,
        body,
        author,
        created_at: clock::stamp(),
    };
    let answer = project.note_json(&shared.base(), &note);
    project.notes.push(note);
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

async fn note_update(
    State(shared): State<Shared>,
    Path((_, iid, note)): Path<(String, String, String)>,
    params: Params,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let sent = fields(&headers, &body)?;
    let mut project = shared.project();
    let author = writer(&project, &headers, &params)?.user().clone();
    let iid = merge_request(&project, &iid)?;
    let id: u64 = parse(&note, "note_id")?;
    let body = note_body(&sent)?;
    let note = project
        .notes
        .iter_mut()
        .find(|note| note.id == id && note.merge_request == iid)
        .ok_or(Refused::Missing("Note"))?;
    if note.author != author {
        return Err(Refused::Forbidden);
    }
    note.body = body;
    let note = note.clone();
    Ok(Json(project.note_json(&shared.base(), &note)).into_response())
}

async fn note_delete(
    State(shared): State<Shared>,
    Path((_, iid, note)): Path<(String, String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let mut project = shared.project();
    writer(&project, &headers, &params)?;
    let iid = merge_request(&project, &iid)?;
    let id: u64 = parse(&note, "note_id")?;
    let before = project.notes.len();
    project
        .notes
        .retain(|note| !(note.id == id && note.merge_request == iid));
    if project.notes.len() == before {
        Err(Refused::Missing("Note"))
    } else {
        Ok(StatusCode::NO_CONTENT.into_response())
    }
}

async fn status_create(
    State(shared): State<Shared>,
    Path((_, sha)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let sent = fields(&headers, &body)?;
    let mut project = shared.project();
    writer(&project, &headers, &params)?;
    if sha != project.commit {
        return Err(Refused::Missing("Commit"));
    }
    let state = sent
        .get("state")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if !["pending", "running", "success", "failed", "canceled", "skipped"].contains(&state.as_str()) {
        return Err(Refused::Parameter("state does not have a valid value".to_owned()));
    }
    let name = ["name", "context"]
        .iter()
        .find_map(|key| sent.get(*key).and_then(Value::as_str))
        .unwrap_or("default")
        .to_owned();
    let last = project
        .statuses
        .iter()
        .rev()
        .find(|status| status["name"] == name.as_str());
    if last.is_some_and(|status| status["status"] == state.as_str()) {
        return Err(Refused::Bad("Cannot transition status"));
    }
    let id = project.new_id();
    let status = json!({"id": id, "sha": sha, "status": state, "name": name, "ref": sent.get("ref"),
                        "target_url": sent.get("target_url"), "description": sent.get("description")});
    project.statuses.push(status.clone());
    Ok((StatusCode::CREATED, Json(status)).into_response())
}

// ------------------------------------------------------------------------------------------ the rest

async fn version() -> Json<Value> {
    Json(json!({"version": "19.6.0", "revision": "portcullis-sandbox"}))
}

async fn own_user(State(shared): State<Shared>, params: Params, headers: HeaderMap) -> Answer {
    let project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::No)?;
    let user = caller.user();
    Ok(Json(json!({"id": user.id, "username": user.login, "name": user.name})).into_response())
}

async fn own_token(State(shared): State<Shared>, params: Params, headers: HeaderMap) -> Answer {
    let project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::No)?;
    Ok(Json(
        json!({"id": 1, "name": "sandbox", "revoked": false, "active": true, "scopes": ["api"],
                   "user_id": caller.user().id, "expires_at": null}),
    )
    .into_response())
}

async fn project_show(State(shared): State<Shared>, params: Params, headers: HeaderMap) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::No)?;
    let web_url = format!("{}/{}", shared.base(), project.path);
    Ok(Json(
        json!({"id": project.id, "path_with_namespace": project.path, "web_url": web_url,
                   "default_branch": "main"}),
    )
    .into_response())
}

/// One page of a list, with the headers of offset pagination. (Source: "REST API", pagination.)
fn paged(all: Vec<Value>, path: &str, params: &Params) -> Answer {
    let number = |wanted: &str, default: usize| -> Result<usize, Refused> {
        match params.iter().find(|(name, _)| name == wanted) {
            None => Ok(default),
            Some((_, text)) => text
                .parse()
                .ok()
                .filter(|number| *number > 0)
                .ok_or_else(|| Refused::Parameter(format!("{wanted} is invalid"))),
        }
    };
    let page = number("page", 1)?;
    let per_page = number("per_page", 20)?.min(100);
    let total = all.len();
    let pages = total.div_ceil(per_page).max(1);
    let others: String = params
        .iter()
        .filter(|(name, _)| name != "page" && name != "per_page")
        .map(|(name, value)| format!("{}={}&", crate::form::encode(name), crate::form::encode(value)))
        .collect();
    let link =
        |to: usize, rel: &str| format!("<{path}?{others}page={to}&per_page={per_page}>; rel=\"{rel}\"");
    let mut links = Vec::new();
    if page > 1 {
        links.push(link(page - 1, "prev"));
    }
    if page < pages {
        links.push(link(page + 1, "next"));
    }
    links.push(link(1, "first"));
    links.push(link(pages, "last"));

    let items: Vec<Value> = all
        .into_iter()
        .skip((page - 1) * per_page)
        .take(per_page)
        .collect();
    let mut response = Json(items).into_response();
    let mut header = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    };
    header("link", links.join(", "));
    header("x-page", page.to_string());
    header("x-per-page", per_page.to_string());
    header(
        "x-next-page",
        if page < pages {
            (page + 1).to_string()
        } else {
            String::new()
        },
    );
    header(
        "x-prev-page",
        if page > 1 {
            (page - 1).to_string()
        } else {
            String::new()
        },
    );
    header("x-total", total.to_string());
    header("x-total-pages", pages.to_string());
    Ok(response)
}
