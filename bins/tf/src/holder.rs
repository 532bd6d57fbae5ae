//! Who holds a lock. Terraform shows the lock's ID only, GitLab tells the rest by GraphQL, which takes no job token.

use portcullis_gitlab::{
    Secret,
    client::{Client, Config, Retry, Token},
};
use portcullis_stage::Stage;

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The user's name for signing in.
    pub(crate) who: String,
    /// RFC 3339.
    pub(crate) since: String,
}

/// Asks GitLab once, when there is an access token; no answer is no holder, since this is told beside a failure.
pub(crate) fn ask(stage: &Stage, state: &str) -> Option<Holder> {
    let token = ["PORTCULLIS_GITLAB_TOKEN", "PORTCULLIS_STATE_TOKEN"]
        .iter()
        .find_map(|name| stage.variable(name))?;
    let job = stage.ci();
    let mut config = Config::new(job.api_url.clone()?, Token::Private(Secret::new(token)));
    config.retry = Retry::NEVER;
    let client = Client::new(config).ok()?;
    let facts = stage
        .block_on(client.state_facts(job.project_path.as_deref()?, state))
        .ok()??;
    Some(Holder {
        who: facts.locked_by_user?.username,
        since: facts.locked_at?,
    })
}
