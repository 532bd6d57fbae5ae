//! Who plays the job, what it runs on, and when: as GitLab itself says, else as the job's variables do.

use crate::judged::Refused;
use jiff::{SignedDuration, Timestamp};
use portcullis_evidence::{ApprovalRequest, Player, Refusal};
use portcullis_gitlab::job::{Commit, Job};
use portcullis_stage::Stage;

/// Who plays the job, and when.
pub(crate) struct Who {
    pub(crate) login: String,
    pub(crate) name: Option<String>,
    pub(crate) player: Player,
    /// Whether GitLab itself named them.
    pub(crate) by_gitlab: bool,
    /// The commit's author, `Name <mail>`, masked.
    pub(crate) author: String,
    /// When the job began, by GitLab's clock where it tells.
    pub(crate) now: Timestamp,
    /// How far this machine's clock is behind GitLab's, as a negative time; zero when it is not.
    pub(crate) behind: SignedDuration,
}

pub(crate) fn who(stage: &Stage, own: Option<&Job>) -> Who {
    let job = stage.ci();
    let user = own.and_then(|own| own.user.as_ref());
    let login = user
        .map(|user| user.username.clone())
        .or_else(|| job.user_login.clone());
    let here = stage.now();
    let there: Option<Timestamp> = own
        .and_then(|own| own.started_at.as_deref())
        .and_then(|time| time.parse().ok());
    let author = own
        .and_then(|own| own.commit.as_ref())
        .and_then(Commit::author)
        .or_else(|| job.commit_author.clone());
    Who {
        login: login.clone().unwrap_or_default(),
        name: user
            .and_then(|user| user.name.clone())
            .or_else(|| job.user_name.clone()),
        player: Player {
            id: user.and_then(|user| user.id).or(job.user_id),
            login,
            mail: job.user_email.clone(),
        },
        by_gitlab: user.is_some(),
        author: stage.redact(author.as_deref().unwrap_or_default()),
        now: there.unwrap_or(here),
        // A job may begin long before its program runs, so only a clock that is behind can be told.
        behind: there.map_or(SignedDuration::ZERO, |there| {
            here.duration_since(there).min(SignedDuration::ZERO)
        }),
    }
}

/// Whether a variable says something else than GitLab: then somebody has set it.
pub(crate) fn contradicted(stage: &Stage, own: Option<&Job>) -> Result<(), Refusal> {
    let Some(own) = own else { return Ok(()) };
    let job = stage.ci();
    let login = own.user.as_ref().map(|user| &user.username);
    let commit = own.commit.as_ref().map(|commit| &commit.id);
    for (variable, says, gitlab) in [
        ("GITLAB_USER_LOGIN", &job.user_login, login),
        ("CI_COMMIT_SHA", &job.commit_sha, commit),
    ] {
        if let (Some(says), Some(gitlab)) = (says, gitlab)
            && says != gitlab
        {
            return Err(Refusal::Variable {
                variable,
                says: says.clone(),
                gitlab: gitlab.clone(),
            });
        }
    }
    Ok(())
}

/// The author once more. The request names one, this job knows one by itself: somebody who can write artifacts could seal a
/// request with another name in it.
pub(crate) fn same_author(request: &ApprovalRequest, author: &str) -> Result<(), Refused> {
    if request.author.as_deref().map(str::trim) == Some(author.trim()) {
        return Ok(());
    }
    let error = OtherAuthor {
        named: request.author.clone().unwrap_or_else(|| "nobody".to_owned()),
        author: author.to_owned(),
    };
    Err(Refused {
        error: error.into(),
        hint: "start a new pipeline: it plans anew and asks again".to_owned(),
    })
}

#[derive(Debug, thiserror::Error)]
#[error("the request names {named} as the commit's author, and GitLab says it is {author}")]
struct OtherAuthor {
    named: String,
    author: String,
}
