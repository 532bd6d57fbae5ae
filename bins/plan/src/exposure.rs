//! What the change opens and closes: the one place where this stage calls `portcullis_exposure`.

use portcullis_exposure::{ExposureReport, compare};
use portcullis_stage::{Failure, Stage};
use portcullis_terraform::{Plan, View};
use std::path::Path;

/// What the change opens and closes, and the two views it was told from.
pub(crate) struct Told {
    pub(crate) report: ExposureReport,
    pub(crate) before: View,
    pub(crate) after: View,
}

/// The report of this plan. The code is looked at as well where it can be read: only it tells a group with a
/// `dynamic` block from one without inline rules.
pub(crate) fn report(plan: Plan, config: &Path, stage: &Stage) -> Result<Told, Failure> {
    let plan = match stage.read_code(config, &[]) {
        Ok(code) => plan.with_code(code),
        // Terraform has read it, so a text that only we cannot read is no reason to stop.
        Err(error) => {
            stage.say(format!(
                "the exposure is told from the plan alone: {}",
                error.in_one_line()
            ));
            plan
        }
    };
    let unreadable = |error: portcullis_terraform::ReadError| {
        let hint = error.hint();
        Failure::unreadable(error).hint(hint)
    };
    let (before, after) = (
        plan.before().map_err(unreadable)?,
        plan.after().map_err(unreadable)?,
    );
    let report = compare(&before, &after, plan.rules_rewritten(), plan.partial());
    Ok(Told {
        report: report.without_sensitive(&[&before, &after]),
        before,
        after,
    })
}
