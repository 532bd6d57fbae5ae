//! Finds whom to ask, asks, writes down the answers.

use crate::facts;
use clap::ArgGroup;
use portcullis_probe::client::{Settings, ask};
use portcullis_probe::{Expectation, Selection, ServicesReport, Target, targets};
use portcullis_report::{Format, Tool};
use portcullis_stage::{ArtifactArgs, Exit, Failure, FormatArgs, Stage, StateArgs};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// Asks the members of the groups that are open to the internet over HTTP
///
/// Whom to ask comes from facts: from the state, from EC2, or from both together. Each public address of each member
/// is asked on each TCP port that the group opens to the whole internet. Every member is reported, even if the first
/// fails. Writes services.json and services.txt.
#[derive(Debug, clap::Parser)]
#[command(name = "portcullis-check-services", version, after_help = EXAMPLES)]
#[command(group = ArgGroup::new("facts").args(["state", "managed_state", "live"]).required(true).multiple(true))]
pub(crate) struct Args {
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
    /// Only this group, by name, id or Terraform address; may be given again
    /// [default: each group that is open to the internet]
    #[arg(
        long = "group",
        value_name = "NAME|ID",
        env = "PORTCULLIS_GROUP",
        hide_env_values = true,
        value_delimiter = ','
    )]
    groups: Vec<String>,
    /// Of the open ports only this one; may be given again [default: each]
    #[arg(long = "port", value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    ports: Vec<u16>,
    /// What to ask for
    #[arg(long, value_name = "PATH", default_value = "/")]
    path: String,
    /// What must be answered
    #[arg(long, value_name = "STATUS", default_value_t = 200)]
    status: u16,
    /// How long to wait for a service that starts late; 0 asks once
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u16,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    artifacts: ArtifactArgs,
}

const EXAMPLES: &str = "\
Examples:
  portcullis-check-services --managed-state --live portcullis/live.json --group web
  portcullis-check-services --state state.json --path /health --timeout 120
  portcullis-check-services --live ec2-answers/ --port 8000 --format json

With --managed-state it reads CI_API_V4_URL, CI_PROJECT_ID and CI_JOB_TOKEN.

Exit codes (docs/exit-codes.md):
  0 all answer as expected · 1 one does not · 2 cannot tell, or nothing to ask · 64 wrong usage
  65 unreadable state or recording · 69 GitLab not available";

const JSON: &str = "services.json";
const TEXT: &str = "services.txt";

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    args.format.clear(stage)?;
    let expectation = Expectation::new(args.path.as_str(), args.status)
        .map_err(|error| Failure::usage(error).hint("such as `--path /health --status 200`"))?;
    let artifacts = stage.artifacts(&args.artifacts.folder);
    // Earlier answers must not be taken for these.
    artifacts.remove(JSON)?;
    artifacts.remove(TEXT)?;

    let inventory = facts::gather(args, stage)?;
    // A variable that is set to nothing selects nothing.
    let groups = args
        .groups
        .iter()
        .filter(|group| !group.is_empty())
        .cloned()
        .collect();
    let selection = Selection {
        groups,
        ports: args.ports.clone(),
    };
    let found = targets(&inventory, &selection, &expectation);
    if !found.targets.is_empty() {
        stage.say(asking(&found.targets, args.timeout));
    }
    let checks = stage
        .block_on(ask(&found.targets, &expectation, &settings(args, stage)))
        .map_err(Failure::internal)?;

    let report = ServicesReport::new(checks, &found);
    artifacts.write_text(JSON, &report.to_json().map_err(Failure::internal)?)?;
    artifacts.write_text(TEXT, &report.to_text())?;
    // The other formats know findings only. These have no place in the code: the document stands for it.
    let findings = report.to_report();
    let tool = Tool::new(
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION"),
        artifacts.path(JSON).to_string_lossy(),
    );
    let render = |format| match format {
        Format::Text => Ok(report.to_text()),
        Format::Json => report.to_json(),
        Format::Markdown => Ok(report.to_markdown()),
        other => findings.render(other, &tool),
    };
    args.format.write(stage, render)?;
    stage.out(render(args.format.format).map_err(Failure::internal)?)?;
    Ok(report.verdict.into())
}

fn asking(targets: &[Target], timeout: u16) -> String {
    let members: BTreeSet<&str> = targets.iter().map(|target| target.member.as_str()).collect();
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let (services, members) = (plural(targets.len(), "service"), plural(members.len(), "member"));
    match timeout {
        0 => format!("asking {services} of {members}, once"),
        seconds => format!("asking {services} of {members}, for up to {seconds} s"),
    }
}

/// However impatient the caller: a service that starts needs its machine for itself.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);

fn settings(args: &Args, stage: &Stage) -> Settings {
    let usual = Settings::default();
    Settings {
        patience: Duration::from_secs(args.timeout.into()),
        wait: stage.retry_wait().unwrap_or(usual.wait).max(SHORTEST_WAIT),
        ..usual
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
