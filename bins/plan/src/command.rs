//! The stage: init, plan, show; then the artifacts, all of them or none.

use crate::{exposure, widget::PlanReport};
use clap::Parser;
use portcullis_stage::{ArtifactArgs, Artifacts, Exit, Failure, Stage, Terraform};
use portcullis_terraform::Plan;
use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

/// Runs terraform plan on the managed state, and says what the change opens and closes
///
/// Writes plan.tfplan, plan.json, plan.txt, plan-report.json and exposure.{json,txt} into the artifact folder. The
/// configuration must declare `backend "http" {}`; its settings come from the job's environment.
#[derive(Debug, Parser)]
#[command(name = "portcullis-plan", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Folder with the Terraform configuration
    #[arg(long, value_name = "DIR")]
    config: PathBuf,
    /// terraform or tofu [default: PORTCULLIS_TERRAFORM, then terraform or tofu on the PATH]
    #[arg(long, value_name = "PATH")]
    terraform: Option<PathBuf>,
    /// Name of the state that GitLab manages
    #[arg(
        long,
        value_name = "NAME",
        env = "PORTCULLIS_STATE_NAME",
        hide_env_values = true,
        default_value = "default"
    )]
    state_name: String,
    #[command(flatten)]
    artifacts: ArtifactArgs,
}

const EXAMPLES: &str = "\
Examples:
  portcullis-plan --config terraform
  portcullis-plan --config terraform/production --state-name production
  portcullis-plan --config terraform --terraform /opt/tofu --artifacts out

Reads CI_API_V4_URL, CI_PROJECT_ID and CI_JOB_TOKEN. The plan takes no lock, so the Developer role is enough.

Exit codes (docs/exit-codes.md):
  0 planned, or nothing to do · 64 wrong usage, missing variable or program · 65 unreadable plan
  any other: terraform's own";

/// What this stage leaves behind. An earlier run's files go first: a failed plan must not leave one that looks good.
const WRITES: [&str; 6] = [
    "plan.tfplan",
    "plan.json",
    "plan.txt",
    "plan-report.json",
    "exposure.json",
    "exposure.txt",
];

/// Where terraform saves the plan until all is well.
const UNFINISHED: &str = ".plan.tfplan.part";

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    let artifacts = stage.artifacts(&args.artifacts.folder);
    let terraform = Terraform::new(stage, args.terraform.as_deref(), &args.config, &args.state_name)?;
    clear(&artifacts)?;
    let outcome = plan(args, &terraform, stage, &artifacts);
    if outcome.is_err() {
        // Best effort: the error to show is the first one.
        let _ = artifacts.remove(UNFINISHED);
    }
    outcome
}

fn plan(args: &Args, terraform: &Terraform, stage: &Stage, artifacts: &Artifacts) -> Result<Exit, Failure> {
    let init = terraform.teed(["init", "-input=false", "-no-color"])?;
    if !init.success() {
        return Err(terraform.failure("init", &init));
    }
    let saved = absolute(&artifacts.path(UNFINISHED))?;
    let mut out = OsString::from("-out=");
    out.push(&saved);
    let planned = terraform.teed(
        [
            "plan",
            "-input=false",
            "-no-color",
            "-lock=false",
            "-detailed-exitcode",
        ]
        .map(OsString::from)
        .into_iter()
        .chain([out]),
    )?;
    artifacts.write_text("plan.txt", &planned.transcript)?;
    // `-detailed-exitcode`: 0 nothing to do, 2 something to do, all else a failure (Terraform docs, "plan command").
    let changes = match planned.code() {
        0 => false,
        2 => true,
        _ => return Err(terraform.failure("plan", &planned)),
    };
    let show = terraform.captured([
        OsString::from("show"),
        "-json".into(),
        "-no-color".into(),
        saved.clone().into_os_string(),
    ])?;
    if !show.success() {
        stage.say(&show.stderr);
        return Err(terraform.failure("show", &show));
    }
    let json = String::from_utf8(show.stdout).map_err(|_| {
        Failure::unreadable(NotText).hint("look at the version of terraform: `terraform version`")
    })?;
    let plan = Plan::read(&json).map_err(|error| {
        let hint = error.hint();
        Failure::unreadable(NoPlan { source: error }).hint(hint)
    })?;
    let report = PlanReport::new(plan.counts());
    let exposure = exposure::report(plan, &args.config, stage)?;

    artifacts.write_text("plan.json", &json)?;
    artifacts.write_text("plan-report.json", &report.to_json().map_err(Failure::internal)?)?;
    artifacts.write_text("exposure.json", &exposure.to_json().map_err(Failure::internal)?)?;
    artifacts.write_text("exposure.txt", &exposure.to_text())?;
    // Last, so that a saved plan never lies there without the texts people judge it by.
    std::fs::rename(&saved, artifacts.path("plan.tfplan")).map_err(|source| {
        Failure::usage(Unplaced {
            path: artifacts.path("plan.tfplan"),
            source,
        })
    })?;

    let headline = if changes {
        report.sentence()
    } else {
        "nothing to do: the infrastructure matches".to_owned()
    };
    stage.out(format!("plan: {headline}\n"))?;
    stage.out(exposure.to_text())?;
    Ok(Exit::Pass)
}

/// Takes an earlier run's files away, and shows early whether the folder can be written to.
fn clear(artifacts: &Artifacts) -> Result<(), Failure> {
    // Written and removed again: terraform's own error for a folder that is not there is hard to read.
    artifacts.write_bytes(UNFINISHED, b"")?;
    for name in WRITES.into_iter().chain([UNFINISHED]) {
        artifacts.remove(name)?;
    }
    Ok(())
}

/// Terraform runs in another folder.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|source| {
        Failure::usage(Unplaced {
            path: path.to_owned(),
            source,
        })
    })
}

#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be written", path.display())]
struct Unplaced {
    path: PathBuf,
    source: io::Error,
}

#[derive(Debug, thiserror::Error)]
#[error("the plan that terraform shows is not text")]
struct NotText;

#[derive(Debug, thiserror::Error)]
#[error("the plan that terraform shows cannot be read")]
struct NoPlan {
    source: portcullis_terraform::ReadError,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}
