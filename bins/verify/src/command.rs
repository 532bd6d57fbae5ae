//! Reads the three views, compares them, writes the report.

use crate::{hidden, views};
use portcullis_consistency::{Views, compare};
use portcullis_page::{Context, VerifyPage};
use portcullis_report::{Format, Tool};
use portcullis_stage::{Exit, Failure, FormatArgs, Stage, StateArgs};
use portcullis_terraform::View;
use std::path::PathBuf;

/// Compares what the code declares, what the state records and what EC2 has, rule by rule
///
/// A view that is not given or can't be read leaves its column open, and the rules undetermined: it is never taken for
/// agreement.
#[derive(Debug, clap::Parser)]
#[command(name = "portcullis-verify", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What the code declares: the plan's JSON, or the saved plan, which terraform then shows
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
    /// A state, as `terraform state pull` gives it
    #[arg(long, value_name = "FILE", conflicts_with = "managed_state")]
    pub(crate) state: Option<PathBuf>,
    /// Read the state that GitLab manages
    #[arg(long)]
    pub(crate) managed_state: bool,
    #[command(flatten)]
    pub(crate) managed: StateArgs,
    /// What EC2 has: a live.json, or a folder of EC2's answers as the AWS CLI prints them
    #[arg(long, value_name = "PATH")]
    pub(crate) live: Option<PathBuf>,
    /// Folder of the .tf files: only the code tells a `dynamic` block from a group without inline rules
    #[arg(long, value_name = "DIR")]
    pub(crate) config: Option<PathBuf>,
    /// For a saved plan: terraform or tofu [default: PORTCULLIS_TERRAFORM, then terraform or tofu on the PATH]
    #[arg(long, value_name = "PATH")]
    pub(crate) terraform: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
    /// Folder to write consistency.{json,txt,html} to [default: written nowhere]
    #[arg(
        long,
        value_name = "DIR",
        env = "PORTCULLIS_ARTIFACTS",
        hide_env_values = true
    )]
    artifacts: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  portcullis-verify --plan plan.json --state state.json --live live.json --config terraform
  portcullis-verify --plan portcullis/plan.json --managed-state --live portcullis/live.json --artifacts portcullis
  portcullis-verify --plan plan.json --state state.json --live ec2-answers/ --format json
  portcullis-verify --plan plan.json --managed-state --live live.json --write junit=consistency.junit.xml

With --managed-state it reads CI_API_V4_URL, CI_PROJECT_ID and CI_JOB_TOKEN.

Exit codes (docs/exit-codes.md):
  0 all agree · 1 a rule disagrees · 2 cannot tell · 64 wrong usage · 65 unreadable plan, state or recording
  69 GitLab not available";

const JSON: &str = "consistency.json";
const TEXT: &str = "consistency.txt";
const PAGE: &str = "consistency.html";

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    args.format.clear(stage)?;
    let artifacts = args
        .artifacts
        .as_deref()
        .filter(|folder| !folder.as_os_str().is_empty());
    let artifacts = artifacts.map(|folder| stage.artifacts(folder));
    if let Some(artifacts) = &artifacts {
        // An earlier comparison must not be taken for this one.
        artifacts.remove(JSON)?;
        artifacts.remove(TEXT)?;
        artifacts.remove(PAGE)?;
    }
    let declared = views::declared(args, stage)?;
    let recorded = views::recorded(args, stage)?;
    let live = args
        .live
        .as_deref()
        .map(|path| views::live(path, stage))
        .transpose()?;
    let report = compare(
        &Views::declared(&declared)
            .recorded(recorded.as_ref())
            .live(live.as_ref()),
    );
    let terraform: Vec<&View> = std::iter::once(&declared).chain(&recorded).collect();
    let report = hidden::leave_out(report, &terraform);
    if let Some(artifacts) = &artifacts {
        artifacts.write_text(JSON, &report.to_json().map_err(Failure::internal)?)?;
        artifacts.write_text(TEXT, &report.to_text())?;
        let page = VerifyPage {
            context: &Context::of_job(&stage.ci()),
            consistency: &report,
            declared: Some(&declared),
            live: live.as_ref(),
            reports: &[],
        };
        artifacts.write_text(PAGE, &page.to_html())?;
    }
    // The other formats know findings only.
    let findings = views::located(report.to_report(), args.config.as_deref(), stage)?;
    let place = args.config.as_ref().unwrap_or(&args.plan).to_string_lossy();
    let tool = Tool::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), place)
        .root(stage.variable("CI_PROJECT_DIR").unwrap_or_default());
    let render = |format| match format {
        Format::Text => Ok(report.to_text()),
        Format::Json => report.to_json(),
        other => findings.render(other, &tool),
    };
    args.format.write(stage, render)?;
    stage.out(render(args.format.format).map_err(Failure::internal)?)?;
    Ok(report.verdict.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}
