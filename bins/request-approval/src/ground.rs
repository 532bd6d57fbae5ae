//! What the gate stands on: who may approve, until when, and what those who do should know.

use jiff::{SignedDuration, Timestamp};
use portcullis_compliance::loosened_files;
use portcullis_evidence::{Approvers, Remark, Weight, ground as hold};
use portcullis_gitlab::job::Commit;
use portcullis_stage::{Failure, GuardArgs, Stage};
use std::path::PathBuf;

/// What the request says beside what it binds.
pub(crate) struct Ground {
    pub(crate) approvers: Vec<String>,
    pub(crate) remarks: Vec<String>,
    pub(crate) max_age: SignedDuration,
    /// When the job began, by GitLab's clock where it tells.
    pub(crate) now: Timestamp,
    /// The commit's author, by GitLab's word where it gives one.
    pub(crate) author: Option<String>,
}

/// Reads the guard's rules and the ground. What would close the gate whoever plays the job is refused now: nobody should be
/// asked in vain.
pub(crate) fn read(
    stage: &Stage,
    guard: &GuardArgs,
    policies: &[(PathBuf, Vec<u8>)],
) -> Result<Ground, Failure> {
    let mut inquiry = stage.inquiry()?;
    let job = stage.ci();
    let own = stage.block_on(inquiry.own_job())?;
    let guarding = stage.guarding(guard, &mut inquiry)?;
    let change = stage.block_on(inquiry.change(job.require_commit_sha()?))?;
    let ground = stage.ground(&mut inquiry, &change, &guarding, policies, loosened_files)?;
    let remarks = ground.remarks();
    hold(&guarding.rules, &remarks).map_err(|refusal| {
        let hint = refusal.hint();
        Failure::refused(refusal).hint(hint)
    })?;
    for complaint in inquiry.complaints() {
        stage.say(format!("note: {}: {complaint}", Stage::GITLAB_TOKEN));
    }
    let now = own
        .as_ref()
        .and_then(|own| own.started_at.as_deref()?.parse().ok())
        .unwrap_or_else(|| stage.now());
    let author = own
        .and_then(|own| own.commit)
        .and_then(|commit| Commit::author(&commit))
        .or(job.commit_author);
    let said = |remark: &Remark| guarding.rules.weight(remark.concern) == Weight::Say;
    Ok(Ground {
        approvers: guarding
            .rules
            .approvers
            .iter()
            .flat_map(Approvers::words)
            .map(|word| stage.redact(&word))
            .collect(),
        remarks: remarks
            .into_iter()
            .filter(said)
            .map(|remark| stage.redact(&remark.text))
            .collect(),
        max_age: guarding.rules.max_age,
        now,
        author,
    })
}
