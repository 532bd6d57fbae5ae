//! Reads the policy and what it speaks of, judges, writes the report.

use crate::{code, page, subject};
use clap::ArgGroup;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use portcullis_compliance::{judge, judge_code};
use portcullis_report::{Format, Location, Report, Tool};
use portcullis_stage::{Exit, Failure, FormatArgs, Stage, code_place};
use portcullis_terraform::{Address, Configuration};
use std::path::{Path, PathBuf};

/// Holds a configuration, a plan, a state or the live view against the policy
///
/// With --plan it judges what will be open after the change, and says of each finding whether the change brings it. With
/// --config alone it looks at the code only: it needs no terraform, no plan and no credentials, refuses what must not run,
/// and judges the rules as far as the code tells.
#[derive(Debug, clap::Parser)]
#[command(name = "portcullis-validate", version, after_help = EXAMPLES)]
#[command(group = ArgGroup::new("subject").args(["plan", "config", "state", "live", "explain"]).required(true).multiple(true))]
pub(crate) struct Args {
    /// The plan: as `terraform show -json PLANFILE` gives it, or the saved plan itself, which terraform then shows in the
    /// folder of --config
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    pub(crate) plan: Option<PathBuf>,
    /// Folder of the .tf files; beside --plan it lets findings point at the code
    #[arg(long, value_name = "DIR")]
    pub(crate) config: Option<PathBuf>,
    /// A state, as `terraform state pull` gives it; beside --plan it stands in for the plan's prior state
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    pub(crate) state: Option<PathBuf>,
    /// What EC2 has: a live.json, or a folder of EC2's answers as the AWS CLI prints them
    #[arg(long, value_name = "PATH")]
    pub(crate) live: Option<PathBuf>,
    /// Tell what this rule of the policy means, and judge nothing
    #[arg(long, value_name = "RULE", conflicts_with_all = ["plan", "config", "state", "live"])]
    pub(crate) explain: Option<String>,
    /// The policy file; several make one policy, such as a catalogue beside your own
    #[arg(long, value_name = "FILE", required = true)]
    policy: Vec<PathBuf>,
    /// With --config: values for the root's variables, as terraform's -var-file; the last one wins
    #[arg(long, value_name = "FILE", requires = "config")]
    pub(crate) var_file: Vec<PathBuf>,
    /// With --config: run `terraform init -backend=false` and `terraform validate`, too
    #[arg(long, requires = "config")]
    pub(crate) with_terraform: bool,
    /// terraform or tofu [default: PORTCULLIS_TERRAFORM, then terraform or tofu on the PATH]
    #[arg(long, value_name = "PATH")]
    pub(crate) terraform: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
    /// Folder to write the report to, as compliance.{json,txt} or configuration.{json,txt} [default: written nowhere]
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
  portcullis-validate --plan plan.json --policy policy.yaml
  portcullis-validate --plan plan.json --config terraform --policy policy.yaml --format json
  portcullis-validate --config terraform --policy policy.yaml
  portcullis-validate --config terraform --policy policy.yaml --with-terraform
  portcullis-validate --plan plan.json --policy policies/cis-aws-5.0.yaml --policy policy.yaml
  portcullis-validate --plan plan.json --policy policy.yaml --write junit=junit.xml --write sarif=portcullis.sarif
  portcullis-validate --state state.json --policy policy.yaml
  portcullis-validate --live portcullis/live.json --policy policy.yaml
  portcullis-validate --explain public-ports --policy policy.yaml

Exit codes (docs/exit-codes.md):
  0 pass · 1 violation · 2 undetermined · 64 wrong usage or bad policy · 65 unreadable plan, state or code
  any other: terraform's own";

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    if let Some(rule) = &args.explain {
        return explain(rule, args, stage);
    }
    args.format.clear(stage)?;
    let only_code = args.plan.is_none() && args.state.is_none() && args.live.is_none();
    let name = if only_code { "configuration" } else { "compliance" };
    let artifacts = args
        .artifacts
        .as_deref()
        .filter(|folder| !folder.as_os_str().is_empty());
    let artifacts = artifacts.map(|folder| stage.artifacts(folder));
    if let Some(artifacts) = &artifacts {
        // An earlier verdict must not be taken for this one.
        artifacts.remove(&format!("{name}.json"))?;
        artifacts.remove(&format!("{name}.txt"))?;
    }
    let policy = stage.policy(&args.policy)?;
    let code = args
        .config
        .as_deref()
        .map(|folder| stage.read_code(folder, &args.var_file))
        .transpose()?;
    let report = match (&code, &args.config) {
        (Some(code), Some(folder)) if only_code => {
            let declared = code::declared(code, folder)?;
            let report = judge_code(&policy, &code.facts(), &declared, today(stage));
            // Not even `init` is let loose on code that the gate refuses: it fetches modules and providers.
            let with_terraform = args.with_terraform && !code::is_refused(&report);
            if with_terraform {
                code::terraform_validate(folder, args.terraform.as_deref(), stage)?;
            }
            let report = code::with_notes(report, code, &declared, with_terraform, &policy);
            located(report, Some(code), Some(folder))
        }
        _ => {
            let (subject, hidden, planned) = subject::read(args, code.as_ref(), stage)?;
            let report = hidden.leave_out(judge(&policy, &subject, today(stage)));
            let report = located(report, code.as_ref(), args.config.as_deref());
            if let (Some((before, after)), Some(artifacts)) = (&planned, &artifacts) {
                page::renew(artifacts, (before, after), &report, stage)?;
            }
            std::mem::forget((subject, planned));
            report
        }
    };
    let report = report.rules(policy.rules());
    if let Some(artifacts) = &artifacts {
        artifacts.write_text(
            &format!("{name}.json"),
            &report.to_json().map_err(Failure::internal)?,
        )?;
        artifacts.write_text(&format!("{name}.txt"), &report.to_text())?;
    }
    let tool = Tool::new(
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION"),
        args.policy
            .first()
            .map_or("".into(), |path| path.to_string_lossy()),
    )
    .root(stage.variable("CI_PROJECT_DIR").unwrap_or_default());
    args.format.write(stage, |format| report.render(format, &tool))?;
    stage.out(match args.format.format {
        Format::Text => report.to_text_within(stage.columns().unwrap_or(usize::MAX)),
        other => report.render(other, &tool).map_err(Failure::internal)?,
    })?;
    Ok(report.verdict.into())
}

/// The day it is, UTC: by it waivers end.
fn today(stage: &Stage) -> Date {
    TimeZone::UTC.to_datetime(stage.now()).date()
}

/// What a rule of the policy means, on standard output.
fn explain(rule: &str, args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    if args.format.format != Format::Text {
        let message = format!(
            "--explain speaks to people: there is no {} of it",
            args.format.format
        );
        return Err(Failure::usage(message).hint("leave --format out"));
    }
    let policy = stage.policy(&args.policy)?;
    let Some(page) = policy.explain(rule, today(stage)) else {
        let known: Vec<&str> = policy.rule_ids().collect();
        let files: Vec<String> = args
            .policy
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let message = format!("{}: no rule is called `{rule}`", files.join(", "));
        return Err(Failure::usage(message).hint(format!("its rules are {}", known.join(", "))));
    };
    stage.out(page)?;
    Ok(Exit::Pass)
}

/// Each finding with the place in the code of the first resource that causes it.
fn located(mut report: Report, configuration: Option<&Configuration>, folder: Option<&Path>) -> Report {
    let Some((configuration, folder)) = configuration.zip(folder) else {
        return report;
    };
    for finding in &mut report.findings {
        if let Some(location) = &mut finding.location {
            location.path = code_place(folder, &location.path);
            continue;
        }
        let addresses = finding.resources.iter().chain(&finding.group.address);
        let block = addresses
            .filter_map(|text| Address::parse(text))
            .find_map(|address| configuration.find(&address));
        finding.location = block.map(|block| Location {
            path: code_place(folder, &block.path),
            line: block.line,
        });
    }
    report
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
