//! The GraphQL API, as far as it tells of managed states. (Source: "GraphQL API resources", `TerraformState`.)

use super::access::{JobToken, at_least, caller};
use super::answer::{Answer, Params, Refused, fields};
use super::project::{Project, Role};
use super::wire::Shared;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};

/// States per page: few, so that clients page.
const PAGE: usize = 2;

/// Two queries are known: one state by its name, and all of them.
pub(super) async fn query(
    State(shared): State<Shared>,
    params: Params,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let sent = fields(&headers, &body)?;
    let query = sent["query"].as_str().unwrap_or_default();
    let variable = |name: &str| sent["variables"][name].as_str();
    let mut project = shared.project();
    let caller = match caller(&project, &headers, &params, JobToken::No) {
        Ok(caller) => caller,
        // GraphQL has its own shape for this.
        Err(Refused::Unauthorized) => {
            let body = json!({"errors": [{"message": "Invalid token"}]});
            return Ok((StatusCode::UNAUTHORIZED, Json(body)).into_response());
        }
        Err(other) => return Err(other),
    };
    let may = at_least(&caller, Role::Developer).is_ok();
    let found = if variable("path") != Some(project.path.as_str()) {
        Value::Null
    } else if query.contains("terraformStates(") {
        let all: Vec<String> = project.states.names().map(str::to_owned).collect();
        let after = variable("after")
            .and_then(|cursor| cursor.parse().ok())
            .unwrap_or(0);
        let page: Vec<Value> = all
            .iter()
            .skip(after)
            .take(PAGE)
            .filter(|_| may)
            .map(|name| state(&mut project, name))
            .collect();
        let end = (after + PAGE).min(all.len());
        json!({"terraformStates": {"nodes": page,
               "pageInfo": {"hasNextPage": end < all.len(), "endCursor": end.to_string()}}})
    } else if query.contains("terraformState(") {
        let name = variable("name").unwrap_or_default();
        let there = may && project.states.names().any(|known| known == name);
        json!({"terraformState": there.then(|| state(&mut project, name))})
    } else {
        let body = json!({"errors": [{"message": "the sandbox knows no such query"}]});
        return Ok(Json(body).into_response());
    };
    Ok(Json(json!({"data": {"project": found}})).into_response())
}

fn state(project: &mut Project, name: &str) -> Value {
    let lock = project.states.holder(name).cloned();
    let holder = lock.as_ref().map(|lock| {
        let full_name = project
            .jobs
            .iter()
            .find(|job| job.user.login == lock.who)
            .map(|job| job.user.name.clone());
        json!({"username": lock.who, "name": full_name})
    });
    let serial = project
        .states
        .read(name)
        .ok()
        .flatten()
        .and_then(|body| serde_json::from_slice::<Value>(body).ok())
        .and_then(|body| body["serial"].as_u64());
    let latest = serial.map(|serial| {
        let writer = project.writer(name, serial);
        let job = writer.and_then(|writer| writer.job).map(|id| {
            let job = project.jobs.iter().find(|job| job.id == id);
            json!({"id": format!("gid://gitlab/Ci::Build/{id}"), "name": job.map(|job| &job.name),
                   "webPath": project.job_url("", id)})
        });
        json!({"serial": serial, "createdAt": writer.map(|writer| &writer.at), "job": job,
               "createdByUser": writer.map(|writer| json!({"username": writer.user.login, "name": writer.user.name}))})
    });
    json!({"name": name, "lockedAt": lock.as_ref().map(|lock| &lock.created), "lockedByUser": holder,
           "updatedAt": null, "deletedAt": null, "latestVersion": latest})
}
