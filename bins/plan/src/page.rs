//! The page to look at.

use crate::exposure::Told;
use portcullis_page::{Context, PlanPage};
use portcullis_stage::{Artifacts, Failure, Stage};

/// The page's file.
pub(crate) const FILE: &str = "plan.html";

/// The page, not judged yet: `portcullis-validate` writes it anew with its findings.
pub(crate) fn html(told: &Told, artifacts: &Artifacts, stage: &Stage) -> Result<String, Failure> {
    // The same that the approval is bound to.
    let digest = portcullis_evidence::digest(artifacts.read_bytes("plan.json")?);
    let page = PlanPage {
        context: &Context {
            digest: Some(("plan.json".to_owned(), digest.short())),
            ..Context::of_job(&stage.ci())
        },
        exposure: &told.report,
        before: &told.before,
        after: &told.after,
        reports: &[],
        plan_text: Some(&artifacts.read_text("plan.txt")?),
    };
    Ok(page.to_html())
}
