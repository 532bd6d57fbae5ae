//! Facts to read about the pipeline, its merge request, its branch and its environment.

use super::access::{JobToken, at_least, caller};
use super::answer::{Answer, Params, Refused, paged, parse};
use super::project::Role;
use super::routes::merge_request as known;
use super::wire::Shared;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};

pub(super) async fn pipeline(
    State(shared): State<Shared>,
    Path((_, pipeline)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::Anywhere)?;
    if pipeline.parse() != Ok(project.pipeline) {
        return Err(Refused::Missing(""));
    }
    Ok(Json(project.pipeline_json(&shared.base())).into_response())
}

/// No job of this pipeline starts another.
pub(super) async fn bridges(
    State(shared): State<Shared>,
    Path((_, pipeline)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::No)?;
    if pipeline.parse() != Ok(project.pipeline) {
        return Err(Refused::Missing("Pipeline"));
    }
    let path = format!("/api/v4/projects/{}/pipelines/{pipeline}/bridges", project.id);
    paged(Vec::new(), &path, &params)
}

pub(super) async fn artifact(
    State(shared): State<Shared>,
    Path((_, job, path)): Path<(String, String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::Anywhere)?;
    let job: u64 = parse(&job, "job_id")?;
    let body = project
        .artifacts
        .get(&(job, path))
        .cloned()
        .ok_or(Refused::Missing("Artifact"))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], body).into_response())
}

pub(super) async fn merge_request(
    State(shared): State<Shared>,
    Path((_, iid)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::Anywhere)?;
    let iid = known(&project, &iid)?;
    Ok(Json(project.merge_request_json(&shared.base(), iid)).into_response())
}

pub(super) async fn merge_requests_of(
    State(shared): State<Shared>,
    Path((_, sha)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::Anywhere)?;
    if sha != project.commit {
        return Err(Refused::Missing("Commit"));
    }
    let base = shared.base();
    let path = format!(
        "{base}/api/v4/projects/{}/repository/commits/{sha}/merge_requests",
        project.id
    );
    let all: Vec<Value> = project
        .merge_requests
        .iter()
        .map(|iid| project.merge_request_json(&base, *iid))
        .collect();
    paged(all, &path, &params)
}

/// A paid feature. (Source: "Merge request approvals API".)
pub(super) async fn approvals(
    State(shared): State<Shared>,
    Path((_, iid)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::No)?;
    let iid = known(&project, &iid)?;
    if !project.premium {
        return Err(Refused::NoRoute);
    }
    let base = shared.base();
    let by: Vec<Value> = project
        .approvals
        .iter()
        .filter(|(of, ..)| *of == iid)
        .map(|(_, user, at)| json!({"user": user.json(&base), "approved_at": at}))
        .collect();
    let body = json!({"iid": iid, "approvals_required": 1, "approvals_left": 1_usize.saturating_sub(by.len()),
                      "approved": !by.is_empty(), "approved_by": by});
    Ok(Json(body).into_response())
}

pub(super) async fn branches(State(shared): State<Shared>, params: Params, headers: HeaderMap) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::Anywhere)?;
    let search = params
        .iter()
        .find(|(name, _)| name == "search")
        .map_or("", |(_, value)| value.trim_start_matches('^'));
    let all: Vec<Value> = [("change", false), ("main", true)]
        .into_iter()
        .filter(|(name, _)| name.starts_with(search))
        .map(|(name, main)| {
            json!({"name": name, "protected": main, "default": main, "merged": false,
                   "developers_can_push": false, "developers_can_merge": false, "commit": {"id": project.commit}})
        })
        .collect();
    let path = format!("/api/v4/projects/{}/repository/branches", project.id);
    paged(all, &path, &params)
}

/// The role Maintainer, by GitLab's words for it. (Source: "Protected branches API".)
fn maintainers() -> Value {
    json!([{"id": 1, "access_level": 40, "access_level_description": "Maintainers", "user_id": null, "group_id": null}])
}

pub(super) async fn protected_branch(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::No)?;
    at_least(&caller, Role::Maintainer)?;
    if name != "main" {
        return Err(Refused::Missing(""));
    }
    let body = json!({"id": 1, "name": name, "push_access_levels": maintainers(), "merge_access_levels": maintainers(),
                      "allow_force_push": false});
    Ok(Json(body).into_response())
}

/// A paid feature. (Source: "Protected environments API".)
pub(super) async fn protected_environment(
    State(shared): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::No)?;
    at_least(&caller, Role::Maintainer)?;
    if !project.premium {
        return Err(Refused::NoRoute);
    }
    let body = json!({"name": name, "deploy_access_levels": maintainers(), "required_approval_count": 0,
                      "approval_rules": []});
    Ok(Json(body).into_response())
}

/// A commit; the stand-in knows that of its pipeline.
pub(super) async fn commit(
    State(shared): State<Shared>,
    Path((_, sha)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::Anywhere)?;
    if sha != project.commit {
        return Err(Refused::Missing("Commit"));
    }
    Ok(Json(project.commit_json()).into_response())
}

/// A file, raw. (Source: "Repository files API".)
pub(super) async fn file(
    State(shared): State<Shared>,
    Path((_, path)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::Anywhere)?;
    let at = params.iter().find(|(name, _)| name == "ref");
    let at = at.map_or("HEAD", |(_, at)| at.as_str());
    let body = project.file(&path, at).cloned().ok_or(Refused::Missing("File"))?;
    Ok(([(header::CONTENT_TYPE, "text/plain")], body).into_response())
}

/// No door for a job's token. (Source: "GitLab CI/CD job token".)
pub(super) async fn merge_request_commits(
    State(shared): State<Shared>,
    Path((_, iid)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::No)?;
    let iid = known(&project, &iid)?;
    let path = format!("/api/v4/projects/{}/merge_requests/{iid}/commits", project.id);
    paged(vec![project.commit_json()], &path, &params)
}

/// A paid feature. (Source: "Protected environments API".)
pub(super) async fn protected_environments(
    State(shared): State<Shared>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    let caller = caller(&project, &headers, &params, JobToken::No)?;
    at_least(&caller, Role::Maintainer)?;
    if !project.premium {
        return Err(Refused::NoRoute);
    }
    let path = format!("/api/v4/projects/{}/protected_environments", project.id);
    let all =
        vec![json!({"name": "production", "deploy_access_levels": maintainers(), "approval_rules": []})];
    paged(all, &path, &params)
}

/// A member of a group. (Source: "Project members API"; its group half is alike.)
pub(super) async fn group_member(
    State(shared): State<Shared>,
    Path((group, user)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let project = shared.project();
    caller(&project, &headers, &params, JobToken::No)?;
    let user: u64 = parse(&user, "user_id")?;
    let found = project
        .group_members
        .iter()
        .find(|(of, id, _)| *of == group && *id == user)
        .ok_or(Refused::Missing(""))?;
    Ok(Json(json!({"id": user, "username": "member", "access_level": found.2})).into_response())
}
