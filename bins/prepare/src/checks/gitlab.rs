//! What GitLab says: the token's own job, the managed state, and the access token, if any.

use crate::check::Check;
use portcullis_gitlab::{
    client::{Client, Error, if_available},
    job::Job,
    state::StateAddress,
};
use portcullis_stage::{Exit, Failure, Stage};

/// Whether GitLab knows the token, and whose it is; then whether the state can be read.
pub(crate) fn checks(state_name: &str, stage: &Stage) -> [Check; 2] {
    const TOKEN: &str = "token";
    const STATE: &str = "state";
    match stage.gitlab() {
        Ok(gitlab) => [
            told(TOKEN, stage.block_on(gitlab.own_job()).map(|job| owner(&job))),
            state(STATE, &gitlab, state_name, stage),
        ],
        Err(failure) => [TOKEN, STATE].map(|name| Check::failed(name, &failure, stage)),
    }
}

fn owner(job: &Job) -> String {
    let user = job
        .user
        .as_ref()
        .map_or("somebody GitLab does not name", |user| user.username.as_str());
    format!("accepted; job {} ({}) has the rights of {user}", job.id, job.name)
}

fn state(name: &'static str, gitlab: &Client, state_name: &str, stage: &Stage) -> Check {
    let address = stage
        .ci()
        .require_project()
        .map_err(Failure::from)
        .and_then(|project| StateAddress::new(project, state_name).map_err(Failure::from));
    let address = match address {
        Ok(address) => address,
        Err(failure) => return Check::failed(name, &failure, stage),
    };
    let read = stage.block_on(gitlab.state(&address));
    told(
        name,
        read.map(|bytes| match bytes.as_deref().map(serial) {
            Some(Some(serial)) => format!("{state_name}: serial {serial}"),
            Some(None) => format!("{state_name}: there, without a serial"),
            None => format!("{state_name}: none yet, or not visible to this token; the first apply makes it"),
        }),
    )
}

/// Whether the access token for the merge request's note is good, when there is one. Never more than a warning.
pub(crate) fn access_token(stage: &Stage) -> Option<Check> {
    const NAME: &str = "access token";
    const WITHOUT: &str = "the pipeline goes on without a note in the merge request";
    let trouble = |error: &Error| Check::warn(NAME, format!("{error}; {WITHOUT}")).maybe_mend(error.hint());
    let gitlab = match stage.gitlab_with_access_token() {
        Ok(gitlab) => gitlab?,
        Err(failure) => return Some(Check::failed(NAME, &failure, stage).softened()),
    };
    let user = match stage.block_on(gitlab.own_user()) {
        Ok(user) => user.username,
        Err(error) => return Some(trouble(&error)),
    };
    // Only access tokens can ask about themselves; of another kind nothing more is known.
    let check = match if_available(stage.block_on(gitlab.own_token())) {
        Err(error) => trouble(&error),
        Ok(None) => Check::ok(NAME, user),
        Ok(Some(token)) if !token.has_scope("api") => {
            Check::warn(NAME, format!("{user}, without the scope api; {WITHOUT}")).mend(format!(
                "make a token with the scope api, and set {}",
                Stage::GITLAB_TOKEN
            ))
        }
        Ok(Some(token)) => Check::ok(
            NAME,
            match token.expires_at {
                Some(day) => format!("{user}, until {day}"),
                None => user,
            },
        ),
    };
    Some(check)
}

fn serial(state: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Head {
        serial: Option<u64>,
    }
    serde_json::from_slice::<Head>(state).ok()?.serial
}

fn told(name: &'static str, answer: Result<String, Error>) -> Check {
    match answer {
        Ok(found) => Check::ok(name, found),
        Err(error) => Check::missing(name, Exit::Unavailable, error.to_string()).maybe_mend(error.hint()),
    }
}
