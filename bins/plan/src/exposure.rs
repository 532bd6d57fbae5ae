//! What the change opens and closes: the one place where this stage calls `portcullis_exposure`.

use portcullis_exposure::ExposureReport;
use portcullis_stage::Failure;
use portcullis_terraform::{Plan, ReadError};

/// The report of this plan.
pub(crate) fn report(plan: &Plan) -> Result<ExposureReport, Failure> {
    let unreadable = |error: ReadError| {
        let hint = error.hint();
        Failure::unreadable(error).hint(hint)
    };
    let (before, after) = (
        plan.before().map_err(unreadable)?,
        plan.after().map_err(unreadable)?,
    );
    Ok(portcullis_exposure::compare(
        &before,
        &after,
        plan.rules_rewritten(),
        plan.partial(),
    ))
}
