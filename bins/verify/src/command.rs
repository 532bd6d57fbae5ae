//! Reads the three views, compares them, writes the report.

use crate::{hidden, policy, provenance, settle, views};
use portcullis_consistency::{ConsistencyReport, Views, compare};
use portcullis_page::{Context, VerifyPage};
use portcullis_report::{Format, GroupRef, Limits, Location, Tool};
use portcullis_secgroup::Inventory;
use portcullis_stage::{Exit, Failure, FormatArgs, Stage, StateArgs};
use portcullis_terraform::View;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Compares what the code declares, what the state records and what EC2 has, rule by rule
///
/// What the code declares is told by its plan, or, without one, by the code itself as far as it is literally known. A view
/// that is not given or can't be read leaves its column open, and the rules undetermined: it is never taken for agreement.
#[derive(Debug, clap::Parser)]
#[command(name = "portcullis-verify", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What the code declares: the plan's JSON, or the saved plan, which terraform then shows
    #[arg(long, value_name = "FILE", required_unless_present = "config")]
    pub(crate) plan: Option<PathBuf>,
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
    /// Folder of the .tf files: only the code tells a `dynamic` block from a group without inline rules; without --plan it is
    /// what is declared
    #[arg(long, value_name = "DIR")]
    pub(crate) config: Option<PathBuf>,
    /// Without --plan: values for the root's variables, as terraform's -var-file; the last one wins
    #[arg(long, value_name = "FILE", requires = "config", conflicts_with = "plan")]
    pub(crate) var_file: Vec<PathBuf>,
    /// For a saved plan: terraform or tofu [default: PORTCULLIS_TERRAFORM, then terraform or tofu on the PATH]
    #[arg(long, value_name = "PATH")]
    pub(crate) terraform: Option<PathBuf>,
    /// Hold what is live and what is recorded against the policy once more; several files make one policy
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,
    /// Who may have done it: what `aws cloudtrail lookup-events` prints, or an unpacked log file, or a folder of them
    #[arg(long, value_name = "PATH")]
    cloudtrail: Vec<PathBuf>,
    /// An earlier consistency.json: say what is new since then. A file that is not there is no earlier comparison
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// EC2's answers may lag behind an apply: run COMMAND again, and read --live again, for at most so long, such as 90s,
    /// while rules that the plan adds or takes away differ
    #[arg(long, value_name = "TIME", requires_all = ["plan", "live", "refresh"], value_parser = settle::time)]
    pub(crate) settle: Option<std::time::Duration>,
    /// With --settle: what writes --live anew
    #[arg(last = true, value_name = "COMMAND", requires = "settle")]
    pub(crate) refresh: Vec<std::ffi::OsString>,
    #[command(flatten)]
    format: FormatArgs,
    /// Folder to write consistency.{json,txt,html} to [default: written nowhere]
    #[arg(
        long,
        value_name = "DIR",
        env = "PORTCULLIS_ARTIFACTS",
        hide_env_values = true
    )]
    pub(crate) artifacts: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  portcullis-verify --plan plan.json --state state.json --live live.json --config terraform
  portcullis-verify --plan portcullis/plan.json --managed-state --live portcullis/live.json --artifacts portcullis
  portcullis-verify --plan plan.json --state state.json --live ec2-answers/ --format json
  portcullis-verify --plan plan.json --managed-state --live live.json --write junit=consistency.junit.xml
  portcullis-verify --plan plan.json --managed-state --live portcullis/live.json --settle 90s -- portcullis-inspect
  portcullis-verify --config terraform --managed-state --live live.json --since last/consistency.json
  portcullis-verify --plan plan.json --state state.json --live live.json --policy policy.yaml --cloudtrail events.json

With --managed-state it reads CI_API_V4_URL, CI_PROJECT_ID and CI_JOB_TOKEN; with
PORTCULLIS_GITLAB_TOKEN it also says in which job, and by whom, the state was written.

Exit codes (docs/exit-codes.md):
  0 all agree · 1 something disagrees, or the policy says no · 2 cannot tell
  64 wrong usage or bad policy · 65 unreadable plan, state, code or recording · 69 GitLab not available";

const JSON: &str = "consistency.json";
const TEXT: &str = "consistency.txt";
const PAGE: &str = "consistency.html";

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    args.format.clear(stage)?;
    // Read before it is removed: it may be the file that is about to be written.
    let last = args.since.as_deref().map(|path| views::last(path, stage));
    let artifacts = args.artifacts();
    let artifacts = artifacts.map(|folder| stage.artifacts(folder));
    if let Some(artifacts) = &artifacts {
        // An earlier comparison must not be taken for this one.
        artifacts.remove(JSON)?;
        artifacts.remove(TEXT)?;
        artifacts.remove(PAGE)?;
    }
    let policy = (!args.policy.is_empty())
        .then(|| stage.policy(&args.policy))
        .transpose()?;
    let events = views::events(&args.cloudtrail, stage)?;
    let declared = views::declared(args, stage)?;
    let recorded = views::recorded(args, stage)?;
    let read_live = || {
        args.live
            .as_deref()
            .map(|path| views::live(path, stage))
            .transpose()
    };
    let with_live = |live: Option<&Inventory>| {
        compare(
            &Views::declared(&declared.view)
                .missing(&declared.missing)
                .partial(&declared.partial)
                .before(declared.before.as_ref())
                .recorded(recorded.view.as_ref())
                .live(live),
        )
    };
    let mut live = read_live()?;
    let mut report = with_live(live.as_ref());
    if let Some(time) = args.settle {
        report = settle::settle(time, &args.refresh, report, stage, || {
            live = read_live()?;
            Ok(with_live(live.as_ref()))
        })?;
    }
    let report = report.with_events(&events);
    let terraform: Vec<&View> = std::iter::once(&declared.view)
        .chain(&declared.before)
        .chain(&recorded.view)
        .collect();
    let mut report = hidden::leave_out(report, &terraform);
    report.state = provenance::of(args, &recorded, stage)?;
    if let Some(policy) = &policy {
        policy::judged(
            &mut report,
            policy,
            live.as_ref(),
            &declared.view,
            recorded.view.as_ref(),
            stage,
        );
    }
    if let Some(last) = &last {
        report = match last {
            Some(last) => report.since(last),
            None => report.since_nothing(),
        };
    }
    if let Some(artifacts) = &artifacts {
        artifacts.write_text(JSON, &report.to_json().map_err(Failure::internal)?)?;
        artifacts.write_text(TEXT, &report.to_text())?;
        let page = VerifyPage {
            context: &Context::of_job(&stage.ci()),
            consistency: &report,
            declared: Some(&declared.view),
            live: live.as_ref(),
            reports: &[],
        };
        artifacts.write_text(PAGE, &page.to_html())?;
    }
    args.write(&report, policy.as_ref(), stage)?;
    Ok(report.verdict.into())
}

impl Args {
    /// The artifact folder, when one is named.
    pub(crate) fn artifacts(&self) -> Option<&Path> {
        self.artifacts
            .as_deref()
            .filter(|folder| !folder.as_os_str().is_empty())
    }

    /// The report on standard output, and wherever `--write` says.
    fn write(
        &self,
        report: &ConsistencyReport,
        policy: Option<&portcullis_compliance::Policy>,
        stage: &Stage,
    ) -> Result<(), Failure> {
        // The other formats know findings only.
        let mut findings = views::located(report.to_report(), self.config.as_deref(), stage)?;
        findings
            .rules
            .extend(policy.into_iter().flat_map(portcullis_compliance::Policy::rules));
        let places = findings.findings.iter().filter_map(|finding| {
            let place = finding.location.clone()?;
            Some((finding.group.clone(), place))
        });
        let places: BTreeMap<GroupRef, Location> = places.collect();
        let place = self.config.as_ref().or(self.plan.as_ref());
        let place = place.map_or("".into(), |path| path.to_string_lossy());
        let tool = Tool::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), place)
            .root(stage.variable("CI_PROJECT_DIR").unwrap_or_default());
        let render = |format| match format {
            Format::Text => Ok(report.to_text()),
            Format::Json => report.to_json(),
            Format::Markdown => Ok(report.to_markdown(&Limits::default(), &places)),
            other => findings.render(other, &tool),
        };
        self.format.write(stage, render)?;
        stage.out(match self.format.format {
            Format::Text => report.to_text_within(stage.columns().unwrap_or(usize::MAX)),
            other => render(other).map_err(Failure::internal)?,
        })?;
        Ok(())
    }
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
