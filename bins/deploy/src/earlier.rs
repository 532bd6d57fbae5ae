//! Earlier runs of this job in this pipeline: nothing is applied twice.
//!
//! The state's serial tells when an apply was stored. An apply that was killed, or whose state could not be stored, leaves
//! the serial as it was: then only the record that the run left can tell that it had begun.

use crate::judged::Refused;
use portcullis_evidence::Approval;
use portcullis_evidence::client::{EarlierRun, Inquiry};
use portcullis_stage::{Artifacts, Failure, Stage};

/// How far an earlier run came.
enum Came {
    /// It ended before terraform was to apply, or could not take the lock.
    NotToApply,
    /// Its record has this outcome.
    To(String),
    /// It left nothing, not even what earlier jobs had left it.
    NotKnown,
}

fn came(stage: &Stage, inquiry: &mut Inquiry, artifacts: &Artifacts, job: u64) -> Result<Came, Failure> {
    let place = |name: &str| {
        let path = artifacts.folder().join(name);
        let folder = stage.in_checkout(artifacts.folder());
        folder.map_or_else(|| path.display().to_string(), |folder| format!("{folder}/{name}"))
    };
    if let Some(bytes) = stage.block_on(inquiry.artifact(job, &place("approval.json")))? {
        return Ok(match serde_json::from_slice::<Approval>(&bytes) {
            Ok(approval) if approval.outcome == Approval::LOCKED => Came::NotToApply,
            Ok(approval) => Came::To(approval.outcome),
            Err(_) => Came::NotKnown,
        });
    }
    // Artifacts are kept however a job ends; one that was killed keeps none.
    let kept = stage.block_on(inquiry.artifact(job, &place("approval-request.json")))?;
    Ok(if kept.is_some() {
        Came::NotToApply
    } else {
        Came::NotKnown
    })
}

/// Refuses when any earlier run got as far as to apply, or may have: the newest may only be one that was refused for it.
pub(crate) fn nothing_begun(
    stage: &Stage,
    inquiry: &mut Inquiry,
    artifacts: &Artifacts,
) -> Result<Result<(), Refused>, Failure> {
    let Some(runs) = stage.block_on(inquiry.earlier_runs())? else {
        stage.say("note: GitLab does not tell this job whether it ran before in this pipeline");
        return Ok(Ok(()));
    };
    for EarlierRun { id: job, .. } in runs {
        let (how, hint) = match came(stage, inquiry, artifacts, job)? {
            Came::NotToApply => continue,
            Came::To(outcome) => match outcome.as_str() {
                Approval::APPLIED => ("applied this plan already", DONE),
                Approval::FAILED => ("applied a part of this plan and failed", ANEW),
                _ => ("began to apply this plan and did not say how it ended", ANEW),
            },
            Came::NotKnown => ("ran before and left no record of how far it came", ANEW),
        };
        return Ok(Err(Refused {
            error: Spent { job, how }.into(),
            hint: hint.to_owned(),
        }));
    }
    Ok(Ok(()))
}

const DONE: &str = "nothing is left to do here: the jobs after this one can be started";

const ANEW: &str = "start a new pipeline: it reads what is there, and plans what is left; when the state is locked, see that \
                    no job runs, then unlock it in GitLab (Operate, Terraform states)";

#[derive(Debug, thiserror::Error)]
#[error("job {job} of this pipeline {how}")]
struct Spent {
    job: u64,
    how: &'static str,
}

/// When the state has moved on: whether it was an earlier run of this very job, or who it was. `None` when GitLab tells
/// nothing.
pub(crate) fn of_a_spent_plan(
    stage: &Stage,
    inquiry: &mut Inquiry,
    artifacts: &Artifacts,
    state: &str,
) -> Result<Option<String>, Failure> {
    for EarlierRun { id, .. } in stage.block_on(inquiry.earlier_runs())?.unwrap_or_default() {
        if let Came::To(outcome) = came(stage, inquiry, artifacts, id)? {
            return Ok(Some(match outcome.as_str() {
                Approval::APPLIED => format!("job {id} of this pipeline applied it already; {DONE}"),
                _ => format!("job {id} of this pipeline applied a part of it; {ANEW}"),
            }));
        }
    }
    let facts = stage.block_on(inquiry.state_facts(state))?;
    let Some(version) = facts.and_then(|facts| facts.latest_version) else {
        return Ok(None);
    };
    let mut by = version
        .created_by_user
        .map_or_else(|| "somebody".to_owned(), |user| user.username);
    if let Some(job) = version.job.and_then(|job| job.id) {
        by.push_str(&format!(" in job {job}"));
    }
    let serial = version
        .serial
        .map_or_else(String::new, |serial| format!(" {serial}"));
    Ok(Some(format!(
        "serial{serial} was written by {by}; start a new pipeline: it plans anew and asks again"
    )))
}
