//! Statuses of the commit: the marks beside it in GitLab, for whoever does not open the pipeline.
//!
//! Only where the team asks for them: each is one more line in the pipeline's own list, where its jobs tell the same.

use crate::command::Event;
use crate::documents::{judged, optional};
use crate::gitlab;
use portcullis_evidence::{Approval, ApprovalRequest, RefusalRecord};
use portcullis_gitlab::commit_status::{CommitState, CommitStatus};
use portcullis_report::Verdict;
use portcullis_report::text::{clean, cut};
use portcullis_stage::{Artifacts, Stage};

/// The variable that asks for them.
const WANTED: &str = "PORTCULLIS_COMMIT_STATUS";

/// GitLab takes 255 characters (GitLab docs, "Commits API").
const LONGEST: usize = 255;

/// What is said of the commit.
struct Mark {
    what: &'static str,
    state: CommitState,
    words: String,
}

/// Sets the statuses that this event decides. Never fails the job.
pub(crate) fn set(event: Event, stage: &Stage, artifacts: &Artifacts) {
    if stage.variable(WANTED) != Some("true") {
        return;
    }
    for mark in marks(event, stage, artifacts) {
        if let Err(reason) = send(&mark, stage) {
            stage.say(format!("gitlab: no status of the commit: {reason}"));
            return;
        }
    }
}

fn send(mark: &Mark, stage: &Stage) -> Result<(), String> {
    let job = stage.ci();
    let client = gitlab::client(stage, &job)?;
    let missing = |error: portcullis_gitlab::ci::MissingVariable| error.to_string();
    let project = job.require_project().map_err(missing)?;
    let commit = job.require_commit_sha().map_err(missing)?;
    let state = stage.variable("PORTCULLIS_STATE_NAME").unwrap_or("default");
    let name = format!("portcullis/{} ({})", mark.what, stage.redact(state));
    let words = cut(&clean(&stage.redact(&mark.words)), LONGEST);
    let mut status = CommitStatus::new(mark.state, name);
    if let Some(pipeline) = job.pipeline_id {
        status = status.in_pipeline(pipeline);
    }
    if let Some(url) = &job.pipeline_url {
        status = status.saying(words, url.as_str());
    }
    stage
        .block_on(client.set_commit_status(&project, commit, &status))
        .map(|_| ())
        .map_err(|error| gitlab::said(&error))
}

fn marks(event: Event, stage: &Stage, artifacts: &Artifacts) -> Vec<Mark> {
    let compliance = || {
        let report = judged(stage, artifacts)?;
        let state = match report.verdict {
            Verdict::Pass => CommitState::Success,
            Verdict::Violation | Verdict::Undetermined => CommitState::Failed,
        };
        Some(Mark {
            what: "compliance",
            state,
            words: report.headline(),
        })
    };
    let approval = |state, words| Mark {
        what: "approval",
        state,
        words,
    };
    let asked = || {
        let request: ApprovalRequest = optional(stage, artifacts, "approval-request.json")?;
        let words = format!("digest {}: {}", request.short_digest(), request.headline);
        Some(approval(CommitState::Pending, words))
    };
    let decided = || {
        if let Some(record) = optional::<Approval>(stage, artifacts, "approval.json") {
            let by = &record.approved_by;
            return Some(if record.is_applied() {
                approval(CommitState::Success, format!("approved by {by} and applied"))
            } else {
                approval(CommitState::Failed, format!("approved by {by}; the apply failed"))
            });
        }
        let refusal: RefusalRecord = optional(stage, artifacts, "refusal.json")?;
        Some(approval(
            CommitState::Failed,
            format!("refused: {}", refusal.reason),
        ))
    };
    let found = match event {
        Event::Planned | Event::Violation => [compliance(), None],
        Event::Requested => [asked(), None],
        Event::Deployed | Event::Refused => [decided(), None],
        Event::Failed => [
            compliance().filter(|mark| mark.state == CommitState::Failed),
            decided(),
        ],
        _ => [None, None],
    };
    found.into_iter().flatten().collect()
}
