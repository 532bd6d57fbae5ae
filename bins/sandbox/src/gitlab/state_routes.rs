//! The routes of the managed state.

use super::access::{JobToken, at_least, caller};
use super::answer::{Answer, Params, Refused, fields, parse};
use super::project::Role;
use super::state::{Refusal, Written};
use super::wire::Shared;
use crate::clock;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};

pub(super) async fn state_read(
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

pub(super) async fn state_write(
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
        Written::Version(serial) => {
            project.wrote(&name, serial, &caller, &clock::stamp());
            shared.pushed.send_replace(Some(body.to_vec()));
            Ok(StatusCode::OK.into_response())
        }
    }
}

pub(super) async fn state_delete(
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

pub(super) async fn state_lock(
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

pub(super) async fn state_unlock(
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

pub(super) async fn version_read(
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

pub(super) async fn version_delete(
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
