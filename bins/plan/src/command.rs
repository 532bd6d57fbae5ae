//! The stage: init, plan, show; then the artifacts, all of them or none.

use crate::{exposure, page, variables};
use clap::Parser;
use portcullis_report::PlannedChanges;
use portcullis_report::text::clean_lines;
use portcullis_stage::{ArtifactArgs, Artifacts, Exit, Failure, SavedPlan, Stage, StateArgs, Terraform};
use portcullis_terraform::{ActionCounts, Plan, Sensitive, mask_plan};
use std::{ffi::OsString, path::PathBuf};

/// Runs terraform plan on the managed state, and says what the change opens and closes
///
/// Writes plan.tfplan, plan.json, plan.txt, plan.html, plan-report.json and exposure.{json,txt} into the artifact folder. The
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
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    artifacts: ArtifactArgs,
}

const EXAMPLES: &str = "\
Examples:
  portcullis-plan --config terraform
  portcullis-plan --config terraform/production --state-name production
  portcullis-plan --config terraform --terraform /opt/tofu --artifacts out

Reads CI_API_V4_URL, CI_PROJECT_ID and CI_JOB_TOKEN. The plan takes no lock, so the Developer
role is enough. With PORTCULLIS_PLAN_KEY, plan.tfplan is written encrypted; sensitive values are
masked in all else, in any case.

Exit codes (docs/exit-codes.md):
  0 planned, or nothing to do · 64 wrong usage, missing variable or program · 65 unreadable plan
  any other: terraform's own";

/// What this stage leaves behind. An earlier run's files go first: a failed plan must not leave one that looks good.
const WRITES: [&str; 7] = [
    "plan.tfplan",
    "plan.json",
    "plan.txt",
    "plan-report.json",
    "exposure.json",
    "exposure.txt",
    page::FILE,
];

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    let artifacts = stage.artifacts(&args.artifacts.folder);
    let terraform = Terraform::new(
        stage,
        args.terraform.as_deref(),
        &args.config,
        &args.state.state_name,
    )?;
    // A key that is none is told before terraform runs for minutes.
    let seals = stage.seals_plans()?;
    clear(&artifacts)?;
    let mut sensitive = variables::sensitive(&args.config, stage);
    stage.mask_all(sensitive.values());
    let init = terraform.teed(["init", "-input=false", "-no-color"])?;
    if !init.success() {
        return Err(terraform.failure("init", &init));
    }
    // Not among the artifacts: those are kept also when this job is killed, and a saved plan holds secrets in clear.
    let saved = SavedPlan::new()?;
    let mut out = OsString::from("-out=");
    out.push(saved.path());
    let arguments = [
        "plan",
        "-input=false",
        "-no-color",
        "-lock=false",
        "-detailed-exitcode",
    ];
    let arguments = arguments.map(OsString::from).into_iter().chain([out]);
    // Which values are sensitive stands in the plan itself, so what terraform prints is held back until that is read.
    let planned = terraform.held(arguments, progress)?;
    // `-detailed-exitcode`: 0 nothing to do, 2 something to do, all else a failure (Terraform docs, "plan command").
    let changes = match planned.code() {
        0 => Some(false),
        2 => Some(true),
        _ => None,
    };
    let shown = match changes {
        Some(_) => Some(terraform.show_plan(stage, &saved)?),
        // Since 1.6 a plan is saved also when it failed; where it is not, there is no more to know.
        None if saved.path().is_file() => terraform.show_plan(stage, &saved).ok(),
        None => None,
    };
    let masked = shown.as_deref().map(mask_plan).transpose();
    if let Ok(Some((_, found))) = &masked {
        sensitive.extend(found.clone());
        stage.mask_all(found.values());
    }
    // Where terraform's JSON can't be read nobody knows what is secret, and its words are not shown either.
    if masked.is_ok() {
        tell(stage, &artifacts, &sensitive, planned.raw(), &saved)?;
    }
    let Some(changes) = changes else {
        return Err(terraform.failure("plan", &planned));
    };
    let (json, found) = masked.map_err(unreadable)?.unwrap_or_default();
    let plan = Plan::read(shown.as_deref().unwrap_or_default()).map_err(unreadable)?;
    let counts = counted(plan.counts());
    let told = exposure::report(plan, &args.config, stage)?;
    let exposure = &told.report;

    artifacts.write_text("plan.json", &json)?;
    artifacts.write_text(
        "plan-report.json",
        &counts.to_gitlab().map_err(Failure::internal)?,
    )?;
    artifacts.write_text("exposure.json", &exposure.to_json().map_err(Failure::internal)?)?;
    artifacts.write_text("exposure.txt", &exposure.to_text())?;
    artifacts.write_text(page::FILE, &page::html(&told, &artifacts, stage)?)?;
    // Last, so that a saved plan never lies there without the texts people judge it by.
    stage.write_sealed(&artifacts, "plan.tfplan", &saved.bytes()?)?;
    say_what_is_in_clear(stage, &found, seals);

    let headline = if changes {
        counts.sentence()
    } else {
        "nothing to do: the infrastructure matches".to_owned()
    };
    stage.out(format!("plan: {headline}\n"))?;
    stage.out(exposure.to_text_within(stage.columns().unwrap_or(usize::MAX)))?;
    Ok(Exit::Pass)
}

/// Shows what terraform printed, and keeps it, both without what is sensitive.
fn tell(
    stage: &Stage,
    artifacts: &Artifacts,
    sensitive: &Sensitive,
    text: &str,
    saved: &SavedPlan,
) -> Result<(), Failure> {
    // Where the plan lay meanwhile is nobody's concern.
    let text = text.replace(&saved.path().display().to_string(), "plan.tfplan");
    let text = clean_lines(&sensitive.mask_plan_text(&text));
    let held = text.lines().filter(|line| progress(line).is_none());
    for line in held {
        stage.say(line);
    }
    artifacts.write_text("plan.txt", &text)?;
    Ok(())
}

/// What is shown of a line as it comes: that terraform is at work, with the address and without values.
fn progress(line: &str) -> Option<String> {
    let doing = [": Refreshing state...", ": Reading...", ": Still reading..."];
    doing.iter().find_map(|doing| {
        let (address, _) = line.split_once(doing)?;
        let is_address = !address.is_empty() && !address.contains(" = ");
        is_address.then(|| format!("{address}{doing}"))
    })
}

/// A saved plan can't be masked: terraform needs the values.
fn say_what_is_in_clear(stage: &Stage, sensitive: &Sensitive, seals: bool) {
    let what = match sensitive.marked() {
        0 => return,
        1 => "1 sensitive value".to_owned(),
        n => format!("{n} sensitive values"),
    };
    if seals {
        stage.say(format!(
            "{what}: masked in all texts and in plan.json, and plan.tfplan is encrypted"
        ));
        return;
    }
    stage.say(format!(
        "WARNING: plan.tfplan holds {what} IN CLEAR, and everybody who may download this job's artifacts can read it"
    ));
    stage.say(
        "hint: set the masked variable PORTCULLIS_PLAN_KEY (`openssl rand -hex 32`): then plan.tfplan is encrypted; until then \
         keep `artifacts:access` at `developer` or narrower (docs/security.md)",
    );
}

fn unreadable(error: portcullis_terraform::ReadError) -> Failure {
    let hint = error.hint();
    Failure::unreadable(NoPlan { source: error }).hint(hint)
}

/// The plan's counts, as GitLab and people are told of them.
fn counted(counts: ActionCounts) -> PlannedChanges {
    PlannedChanges {
        create: counts.create,
        update: counts.update,
        delete: counts.delete,
        replace: counts.replace,
        import: counts.import,
        forget: counts.forget,
        moved: counts.moved,
    }
}

/// Takes an earlier run's files away, and shows early whether the folder can be written to.
fn clear(artifacts: &Artifacts) -> Result<(), Failure> {
    // Written and removed again: terraform's own error for a folder that is not there is hard to read.
    artifacts.write_bytes("plan.tfplan", b"")?;
    for name in WRITES {
        artifacts.remove(name)?;
    }
    Ok(())
}

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
        // clap breaks longer lines, each by itself.
        assert!(EXAMPLES.lines().all(|line| line.chars().count() <= 100));
    }
}
