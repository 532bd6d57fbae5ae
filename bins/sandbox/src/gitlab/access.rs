//! Who calls, and what they may.

use super::answer::{Params, Refused};
use super::project::{Caller, Project, Role};
use axum::http::HeaderMap;
use base64::Engine as _;

/// Which doors a route has for a job token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobToken {
    /// Header, bearer or parameter.
    Anywhere,
    /// As the password of Basic authentication only: the managed-state routes.
    BasicOnly,
    /// Not at all.
    No,
}

/// Looks the caller up in all places where GitLab takes a token on such a route.
pub(super) fn caller(
    project: &Project,
    headers: &HeaderMap,
    params: &Params,
    job: JobToken,
) -> Result<Caller, Refused> {
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

pub(super) fn at_least(caller: &Caller, role: Role) -> Result<(), Refused> {
    if caller.user().role >= role {
        Ok(())
    } else {
        Err(Refused::Forbidden)
    }
}

/// Writing is for tokens with the scope `api`; a job token may only read.
pub(super) fn writer(project: &Project, headers: &HeaderMap, params: &Params) -> Result<Caller, Refused> {
    match caller(project, headers, params, JobToken::Anywhere)? {
        Caller::Job { .. } => Err(Refused::Scope("api")),
        caller @ Caller::Token { .. } => Ok(caller),
    }
}
