//! Who plays the job, what it runs on, and when: as GitLab itself says.

use crate::judged::Refused;
use jiff::{SignedDuration, Timestamp};
use portcullis_evidence::client::{Inquiry, runs_on};
use portcullis_evidence::{ApprovalRequest, Player, Refusal};
use portcullis_gitlab::job::{Commit, Job, User, merge_request_of};
use portcullis_stage::{Failure, Stage};

/// This job, as GitLab itself knows it. Its variables say the same, and anybody may have written them who may set variables;
/// so without GitLab's word there is no player.
pub(crate) struct Own {
    job: Job,
    user: User,
    commit: Commit,
}

/// Asks GitLab which job this is.
pub(crate) fn own_job(stage: &Stage, inquiry: &mut Inquiry) -> Result<Own, Failure> {
    let job = stage.block_on(inquiry.own_job())?;
    let own = job.and_then(|job| {
        Some(Own {
            user: job.user.clone()?,
            commit: job.commit.clone()?,
            job,
        })
    });
    own.ok_or_else(|| {
        Failure::unavailable(NobodysJob).hint(
            "run it in a job of GitLab, with that job's own CI_JOB_TOKEN and CI_API_V4_URL; every GitLab answers GET /job, so \
             look at what stands between the runner and it",
        )
    })
}

#[derive(Debug, thiserror::Error)]
#[error("GitLab does not say whose job this is, and no variable is believed in its place")]
struct NobodysJob;

/// Who plays the job, and when.
pub(crate) struct Who {
    pub(crate) login: String,
    pub(crate) name: Option<String>,
    pub(crate) player: Player,
    /// The commit's author, `Name <mail>`, masked.
    pub(crate) author: String,
    /// When the job began, by GitLab's clock where it tells.
    pub(crate) now: Timestamp,
    /// How far this machine's clock is behind GitLab's, as a negative time; zero when it is not.
    pub(crate) behind: SignedDuration,
}

pub(crate) fn who(stage: &Stage, own: &Own) -> Who {
    let job = stage.ci();
    let here = stage.now();
    let there: Option<Timestamp> = own.job.started_at.as_deref().and_then(|time| time.parse().ok());
    let author = own.commit.author().or_else(|| job.commit_author.clone());
    Who {
        login: own.user.username.clone(),
        name: own.user.name.clone().or_else(|| job.user_name.clone()),
        player: Player {
            id: own.user.id,
            login: Some(own.user.username.clone()),
            // The one thing that no job is told by GitLab itself.
            mail: job.user_email.clone(),
        },
        author: stage.redact(author.as_deref().unwrap_or_default()),
        now: there.unwrap_or(here),
        // A job may begin long before its program runs, so only a clock that is behind can be told.
        behind: there.map_or(SignedDuration::ZERO, |there| {
            here.duration_since(there).min(SignedDuration::ZERO)
        }),
    }
}

/// Whether a variable says something else than GitLab: then somebody has set it.
pub(crate) fn contradicted(stage: &Stage, own: &Own) -> Result<(), Refusal> {
    let job = stage.ci();
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let runs_on = runs_on(&own.job);
    let merge_request = runs_on.and_then(merge_request_of);
    // Of a merge request's pipeline the variable names the branch, and GitLab the ref.
    let branch = runs_on.filter(|_| merge_request.is_none()).map(str::to_owned);
    let of_no_merge_request = "that this is no merge request's pipeline";
    let merge_request = match runs_on {
        None => None,
        Some(_) => number(merge_request).or_else(|| Some(of_no_merge_request.to_owned())),
    };
    let base = merge_request.clone().filter(|said| said == of_no_merge_request);
    for (variable, says, gitlab) in [
        (
            "GITLAB_USER_LOGIN",
            job.user_login,
            Some(own.user.username.clone()),
        ),
        ("CI_COMMIT_SHA", job.commit_sha, Some(own.commit.id.clone())),
        (
            "CI_PROJECT_ID",
            number(job.project_id),
            number(own.job.pipeline.as_ref().and_then(|pipeline| pipeline.project_id)),
        ),
        ("CI_COMMIT_REF_NAME", job.commit_ref_name, branch),
        (
            "CI_MERGE_REQUEST_IID",
            number(job.merge_request_iid),
            merge_request,
        ),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", job.merge_request_base, base),
    ] {
        if let (Some(says), Some(gitlab)) = (says, gitlab)
            && says != gitlab
        {
            return Err(Refusal::Variable {
                variable,
                says,
                gitlab,
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
