//! The runner's door: what is no part of GitLab's API. Whoever runs the pipeline's jobs by another program than the demo
//! takes each job here, tells how it ended, and asks at the end what came of all of them.

use super::answer::{Answer, Refused};
use super::project::JobStatus;
use super::wire::Shared;
use crate::clock;
use crate::demo::environment::{self, JobFacts};
use crate::estate;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde_json::{Value, json};

/// A job to start. One that the pipeline does not have is added to it.
#[derive(Debug, Deserialize)]
struct Taken {
    name: String,
    #[serde(default)]
    stage: String,
    /// It was played by hand: it runs with the approver's rights, not the author's.
    #[serde(default)]
    manual: bool,
}

/// Starts a job, and gives its own variables: those that no other job of the pipeline has.
pub(super) async fn take(State(shared): State<Shared>, body: Bytes) -> Answer {
    let taken: Taken = serde_json::from_slice(&body)
        .map_err(|_| Refused::Parameter("a job is {name, stage, manual}".to_owned()))?;
    let base = shared.base();
    let user = if taken.manual {
        estate::approver()
    } else {
        estate::author()
    };
    let stamp = clock::stamp();
    let mut project = shared.project();
    let id = project.job_named(&taken.name, &taken.stage, &user);
    let token = format!("glcbt-64_sandbox-not-a-secret-{id}");
    project.start_job(id, &token, user.clone(), &stamp);
    let facts = JobFacts {
        id,
        name: &taken.name,
        stage: &taken.stage,
        manual: taken.manual,
        token: &token,
        user: &user,
        started_at: &stamp,
    };
    let variables: serde_json::Map<String, Value> =
        environment::variables(&base, ".", &project, &estate::commit(""), &facts)
            .into_iter()
            .filter(|(name, _)| name.starts_with("CI_JOB_") || name.starts_with("GITLAB_USER_"))
            .map(|(name, value)| (name, Value::String(value)))
            .collect();
    Ok((
        StatusCode::CREATED,
        Json(json!({"id": id, "variables": variables})),
    )
        .into_response())
}

/// Ends a job; its token dies with it.
pub(super) async fn end(State(shared): State<Shared>, Path(id): Path<u64>, body: Bytes) -> Answer {
    let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(code) = sent["exit_code"].as_u64() else {
        return Err(Refused::Parameter("exit_code is missing".to_owned()));
    };
    let status = if code == 0 {
        JobStatus::Success
    } else {
        JobStatus::Failed
    };
    shared.project().end_job(id, status, &clock::stamp());
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What GitLab remembers: the jobs, the merge request's notes, commit statuses, and the newest serial of the state.
pub(super) async fn remembered(State(shared): State<Shared>) -> Json<Value> {
    let mut project = shared.project();
    let jobs: Vec<Value> = project
        .jobs
        .iter()
        .map(|job| json!({"name": job.name, "status": job.status.as_str(), "user": job.user.login}))
        .collect();
    let notes: Vec<Value> = project
        .notes
        .iter()
        .map(|note| json!({"merge_request": note.merge_request, "author": note.author.login, "body": note.body}))
        .collect();
    let state: Option<Value> = project
        .states
        .read(estate::STATE_NAME)
        .ok()
        .flatten()
        .and_then(|state| serde_json::from_slice(state).ok());
    Json(json!({
        "jobs": jobs,
        "notes": notes,
        "statuses": project.statuses,
        "serial": state.map(|state| state["serial"].clone()),
    }))
}
