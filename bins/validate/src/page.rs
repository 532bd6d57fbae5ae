//! The plan's page, written anew with what the policy says.

use portcullis_exposure::ExposureReport;
use portcullis_page::{Context, PlanPage};
use portcullis_report::Report;
use portcullis_stage::{Artifacts, Failure, Stage};
use portcullis_terraform::View;

const PAGE: &str = "plan.html";
const EXPOSURE: &str = "exposure.json";
const WORDS: &str = "plan.txt";
const PLAN: &str = "plan.json";

/// Writes the page that `portcullis-plan` left in the folder anew, with the findings. Where it left none, there is none.
pub(crate) fn renew(
    artifacts: &Artifacts,
    (before, after): (&View, &View),
    report: &Report,
    stage: &Stage,
) -> Result<(), Failure> {
    if ![PAGE, EXPOSURE, WORDS, PLAN]
        .iter()
        .all(|name| artifacts.exists(name))
    {
        return Ok(());
    }
    let exposure: ExposureReport = match serde_json::from_str(&artifacts.read_text(EXPOSURE)?) {
        Ok(exposure) => exposure,
        Err(error) => {
            // The page is for looking at: without it the verdict is still given.
            stage.say(format!("{PAGE} stays as it is: {EXPOSURE}: {error}"));
            return Ok(());
        }
    };
    // The same that the approval is bound to.
    let digest = portcullis_evidence::digest(artifacts.read_bytes(PLAN)?);
    let page = PlanPage {
        context: &Context {
            digest: Some((PLAN.to_owned(), digest.short())),
            ..Context::of_job(&stage.ci())
        },
        exposure: &exposure,
        before,
        after,
        reports: &[report],
        plan_text: Some(&artifacts.read_text(WORDS)?),
    };
    artifacts.write_text(PAGE, &page.to_html())?;
    Ok(())
}
