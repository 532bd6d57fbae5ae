//! The other routes: jobs, merge-request notes, commit statuses, and who one is.

use super::access::{JobToken, at_least, caller, writer};
use super::answer::{Answer, Params, Refused, fields, paged, parse};
use super::project::{Caller, Note, Project, Role};
use super::wire::Shared;
use crate::clock;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};

pub(super) async fn own_job(State(shared): State<Shared>, params: Params, headers: HeaderMap) -> Answer {
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

pub(super) async fn pipeline_jobs(
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

pub(super) async fn job_show(
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

pub(super) async fn job_play(
    State(shared): State<Shared>,
    Path((_, job)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let sent = fields(&headers, &body)?;
    let mut project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::No)?;
    // The pipeline is the protected branch's.
    at_least(&caller, Role::Maintainer)?;
    let id: u64 = parse(&job, "job_id")?;
    if sent.get("job_variables_attributes").is_some() && project.restricts_variables {
        return Err(Refused::Bad("Insufficient permissions to set pipeline variables"));
    }
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

pub(super) fn merge_request(project: &Project, iid: &str) -> Result<u64, Refused> {
    let iid = parse(iid, "merge_request_iid")?;
    if project.merge_requests.contains(&iid) {
        Ok(iid)
    } else {
        Err(Refused::Missing(""))
    }
}

pub(super) async fn notes_list(
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

pub(super) fn note_body(fields: &Value) -> Result<String, Refused> {
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

pub(super) async fn note_create(
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

pub(super) async fn note_update(
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

pub(super) async fn note_delete(
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

pub(super) async fn status_create(
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
                        "target_url": sent.get("target_url"), "description": sent.get("description"),
                        "pipeline_id": sent.get("pipeline_id")});
    project.statuses.push(status.clone());
    Ok((StatusCode::CREATED, Json(status)).into_response())
}

pub(super) async fn version() -> Json<Value> {
    Json(json!({"version": "19.6.0", "revision": "portcullis-sandbox"}))
}

pub(super) async fn own_user(State(shared): State<Shared>, params: Params, headers: HeaderMap) -> Answer {
    let project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::No)?;
    let user = caller.user();
    Ok(Json(json!({"id": user.id, "username": user.login, "name": user.name})).into_response())
}

pub(super) async fn own_token(State(shared): State<Shared>, params: Params, headers: HeaderMap) -> Answer {
    let project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::No)?;
    Ok(Json(
        json!({"id": 1, "name": "sandbox", "revoked": false, "active": true, "scopes": ["api"],
                   "user_id": caller.user().id, "expires_at": null}),
    )
    .into_response())
}

pub(super) async fn project_show(State(shared): State<Shared>, params: Params, headers: HeaderMap) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::No)?;
    let web_url = format!("{}/{}", shared.base(), project.path);
    Ok(Json(
        json!({"id": project.id, "path_with_namespace": project.path, "web_url": web_url,
                   "default_branch": "main"}),
    )
    .into_response())
}
