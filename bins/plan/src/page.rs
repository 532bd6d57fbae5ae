//! The page to look at.

use crate::exposure::Told;
use portcullis_page::{Context, PlanPage};
use portcullis_report::Report;
use portcullis_stage::{Artifacts, Failure, Stage};

/// The page's file.
pub(crate) const FILE: &str = "plan.html";

/// What the job before this one left, when it looked at the code.
const CONFIGURATION: &str = "configuration.json";

/// The page, with what was found in the code if that was looked at. The policy is held against the plan itself only later.
pub(crate) fn html(told: &Told, artifacts: &Artifacts, stage: &Stage) -> Result<String, Failure> {
    let plan_text = artifacts.read_text("plan.txt")?;
    let configuration = configuration(artifacts, stage)?;
    let reports: Vec<&Report> = configuration.iter().collect();
    let page = PlanPage {
        context: &Context::of_job(&stage.ci()),
        exposure: &told.report,
        before: &told.before,
        after: &told.after,
        reports: &reports,
        plan_text: Some(&plan_text),
    };
    Ok(page.to_html())
}

fn configuration(artifacts: &Artifacts, stage: &Stage) -> Result<Option<Report>, Failure> {
    if !artifacts.exists(CONFIGURATION) {
        return Ok(None);
    }
    let text = artifacts.read_text(CONFIGURATION)?;
    // The page is for looking at: a report that can't be read stops no plan.
    Ok(serde_json::from_str(&text)
        .inspect_err(|error| stage.say(format!("{FILE} is without {CONFIGURATION}: {error}")))
        .ok())
}
