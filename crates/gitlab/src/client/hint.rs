//! What a reader can do about an error: made from what the call needs, so that no hint forgets a role or a scope.

use super::error::ErrorKind;
use super::operation::{JobTokenRight, Operation};

/// The variable that the stages read an access token from.
const VARIABLE: &str = "PORTCULLIS_GITLAB_TOKEN";

pub(super) fn hint(
    kind: &ErrorKind,
    operation: Operation,
    job_token: bool,
    explanation: Option<&str>,
) -> Option<String> {
    use ErrorKind as Kind;
    let needs = operation.needs();
    let text = match kind {
        Kind::NotForJobTokens => return Some(access_token(operation)),
        Kind::Unauthorized | Kind::Forbidden | Kind::NotFound
            if job_token && needs.job_token == JobTokenRight::Newer =>
        {
            return Some(format!(
                "GitLab before 18 opens this to no job token; {}",
                access_token(operation)
            ));
        }
        Kind::Unauthorized if job_token => {
            "a job's token works only while its job runs; use the CI_JOB_TOKEN of this very job, and look whether the job \
             token permissions of the project (Settings, CI/CD) let this project in"
        }
        Kind::Unauthorized => "the access token is wrong, expired or revoked; make a new one",
        Kind::Forbidden | Kind::NotFound
            if matches!(operation, Operation::ReadState | Operation::ReadStateVersion) =>
        {
            "reading a managed state needs the Developer role in its project (writing and locking need Maintainer); a job's \
             token has the role of the user who started or played the job; the project's Infrastructure menu must be on, too"
        }
        Kind::Forbidden | Kind::NotFound => return Some(rights(operation, job_token)),
        Kind::Unprocessable
            if matches!(
                operation,
                Operation::ReadState
                    | Operation::ReadStateVersion
                    | Operation::LockState
                    | Operation::UnlockState
            ) =>
        {
            "GitLab answers so while a state is being deleted; wait, or choose another state name"
        }
        Kind::BadRequest
            if operation == Operation::PlayJob
                && explanation.is_some_and(|text| text.contains("pipeline variables")) =>
        {
            "the project restricts pipeline variables (Settings, CI/CD, Variables); pass job inputs instead (GitLab 18.10)"
        }
        Kind::Unplayable => {
            "it runs, has run, or waits for an earlier job; only a job with the status manual can be played"
        }
        Kind::NotAllowed => {
            "for a moved project GitLab takes changes at its new address only; use its number (CI_PROJECT_ID)"
        }
        Kind::TooLarge => "an administrator of the GitLab instance sets this limit",
        Kind::RateLimited => "wait, or ask the administrator of the GitLab instance for a higher rate limit",
        Kind::NoConnection => {
            "look at CI_API_V4_URL, at the proxy settings (HTTPS_PROXY, NO_PROXY), and whether the runner can reach GitLab"
        }
        Kind::TimedOut | Kind::Truncated | Kind::Server(_) => {
            "try the job again; if it stays so, look at the status of the GitLab instance"
        }
        Kind::Html | Kind::NotAsExpected => {
            "CI_API_V4_URL must be the API's root (https://…/api/v4); a sign-in page or a proxy may stand in between"
        }
        Kind::Redirected(_) => "set CI_API_V4_URL to the address GitLab really has: scheme, host and port",
        Kind::Conflict => "somebody else is at it; look who holds the lock, and try the job again",
        Kind::UnusableToken => "the token must be one line; look for a line break in the CI/CD variable",
        Kind::CredentialsInAddress => "take the user name and password out of CI_API_V4_URL",
        _ => return None,
    };
    Some(text.to_owned())
}

/// How to get the token that opens this, and what goes on without it.
fn access_token(operation: Operation) -> String {
    let needs = operation.needs();
    let role = needs
        .role
        .map(|role| format!(" and the role {role}"))
        .unwrap_or_default();
    let scope = needs.scope.unwrap_or("api");
    let without = without(operation);
    format!("set {VARIABLE} to an access token with the scope {scope}{role}; without it {without}")
}

/// What still works when the call does not.
const fn without(operation: Operation) -> &'static str {
    match operation {
        Operation::StateFacts => "the state is read all the same, but not who wrote it or holds its lock",
        Operation::ListStates => "the states have to be named: `--list FILE`, or `--state NAME` for each",
        Operation::ListBridges => "the child pipeline's report is an artifact of its own last job",
        Operation::ListJobs | Operation::ReadJob | Operation::ReadPipeline => {
            "messages link the pipeline instead of the job"
        }
        Operation::PlayJob => "the job is played by hand, on the pipeline's page",
        Operation::WriteNote | Operation::ListNotes => {
            "the merge request gets no note; Slack, the job's log and the artifacts have all of it"
        }
        Operation::SetCommitStatus => "the pipeline's own status stands alone",
        Operation::FindMergeRequests
        | Operation::ReadMergeRequest
        | Operation::ReadApprovals
        | Operation::ListMergeRequestCommits => {
            "the record names who played the job, and no approvals of the merge request"
        }
        Operation::ReadCommit | Operation::ReadFile => {
            "policy and pipeline file are not compared with those before the change"
        }
        Operation::ReadProject => {
            "only CI_CONFIG_PATH tells where the pipeline file is kept, and it is not believed alone"
        }
        Operation::ReadMember => "approvers can be named by login only",
        Operation::ReadBranch | Operation::ReadProtectedBranch => {
            "CI_COMMIT_REF_PROTECTED alone tells whether the branch is protected"
        }
        Operation::ReadProtectedEnvironment | Operation::ListProtectedEnvironments => {
            "nothing is said of who may deploy to the environment"
        }
        _ => "the rest of the job goes on",
    }
}

fn rights(operation: Operation, job_token: bool) -> String {
    let needs = operation.needs();
    let Some(scope) = needs.scope else {
        return "only a job's own token (CI_JOB_TOKEN) can ask about its job".to_owned();
    };
    let role = needs
        .role
        .map_or_else(String::new, |role| format!("the role {role} in the project"));
    let mut text = if job_token {
        format!("it needs {role}; a job's token has the role of the user who started or played the job")
    } else if role.is_empty() {
        format!("it needs a token with the scope {scope}")
    } else {
        format!("it needs a token with the scope {scope} and {role}")
    };
    if matches!(operation, Operation::LockState | Operation::UnlockState) {
        text.push_str("; the project's Infrastructure menu must be on, too");
    }
    if operation == Operation::PlayJob {
        text.push_str(", and the right to push or merge to the branch when it is protected");
    }
    if needs.paid {
        text.push_str("; GitLab has this on Premium and Ultimate");
    }
    text
}
