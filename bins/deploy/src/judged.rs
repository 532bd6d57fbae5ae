//! Whether the saved plan is the one that was judged, and whether the judgement still holds.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use portcullis_compliance::{Policy, Subject, judge};
use portcullis_evidence::Refusal;
use portcullis_report::Verdict;
use portcullis_stage::{Artifacts, Failure, Redactor, Stage};
use portcullis_terraform::{Plan, ReadError, mask_plan, same_plan};
use std::error::Error;
use std::path::{Path, PathBuf};

/// Why nothing is applied, and what to do.
pub(crate) struct Refused {
    pub(crate) error: Box<dyn Error + Send + Sync>,
    pub(crate) hint: String,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            hint: refusal.hint().to_owned(),
            error: refusal.into(),
        }
    }
}

/// Whether the saved plan is the one that `plan.json` shows. Both are sealed, yet whoever could write artifacts before the
/// request was made could have put another plan file beside the JSON that people and programs looked at.
///
/// From here on, what is sensitive in the plan is masked in terraform's words, too.
pub(crate) fn same(stage: &Stage, artifacts: &Artifacts, json: &str) -> Result<Result<(), Refused>, Failure> {
    let (masked, sensitive) = mask_plan(json).map_err(unreadable)?;
    stage.mask_all(sensitive.values());
    let sealed = artifacts.read_text("plan.json")?;
    let same = |shown: &str| same_plan(&sealed, shown, Redactor::MASK);
    // As the plan job wrote it: secrets of the environment, which may stand in names, too, are masked besides.
    if same(&masked) || same(&stage.redact(&masked)) {
        return Ok(Ok(()));
    }
    Ok(Err(Refused {
        error: OtherPlan.into(),
        hint: "start a new pipeline: it plans anew and asks again; if it happens again, somebody or something changes \
               the artifacts between the jobs"
            .to_owned(),
    }))
}

#[derive(Debug, thiserror::Error)]
#[error("the plan file is not the plan that plan.json shows: what was judged is not what would be applied")]
struct OtherPlan;

/// Judges the plan once more, by the policy as it is now and the day it is: a waiver may have ended since, and the report
/// in the artifacts is no better than whoever may write artifacts.
pub(crate) fn again(
    stage: &Stage,
    json: &str,
    config: &Path,
    policies: &[(PathBuf, Vec<u8>)],
    now: Timestamp,
) -> Result<Result<(), Refused>, Failure> {
    let today = TimeZone::UTC.to_datetime(now).date();
    let plan = Plan::read(json)
        .map_err(unreadable)?
        .with_code(stage.read_code(config, &[])?);
    let (after, before) = (
        plan.after().map_err(unreadable)?,
        plan.before().map_err(unreadable)?,
    );
    let subject = Subject::planned(&after, &before, plan.partial());
    let files: Vec<(String, String)> = policies
        .iter()
        .map(|(path, bytes)| {
            (
                path.display().to_string(),
                String::from_utf8_lossy(bytes).into_owned(),
            )
        })
        .collect();
    let named = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let policy = Policy::read_all(named).map_err(|error| {
        let hint = error.hint();
        Failure::policy(error).maybe_hint(hint)
    })?;
    let report = judge(&policy, &subject, today);
    if report.verdict != Verdict::Pass {
        let refusal = Refusal::JudgedAgain {
            headline: report.headline(),
        };
        return Ok(Err(refusal.into()));
    }
    Ok(Ok(()))
}

fn unreadable(error: ReadError) -> Failure {
    let hint = error.hint();
    Failure::unreadable_in("the plan that terraform shows", error).hint(hint)
}
