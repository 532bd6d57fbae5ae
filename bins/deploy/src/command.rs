//! The stage: guard first, then apply of the approved file.

use crate::materials;
use clap::Parser;
use jiff::{Timestamp, Unit};
use portcullis_evidence::{
    Approval, ApprovalRequest, Bound, Circumstances, FourEyes, Player, RefusalRecord, guard,
};
use portcullis_report::{FORMAT_VERSION, text::clean};
use portcullis_stage::{
    ArtifactArgs, Artifacts, Exit, Failure, Redactor, SavedPlan, Stage, StateArgs, Terraform,
};
use portcullis_terraform::{mask_plan, same_plan};
use serde::Serialize;
use std::{
    error::Error,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Applies the plan that was approved, and nothing else
///
/// Everything the approval is bound to is read again: the saved plan, its JSON, the policy, both reports, the commit,
/// the state's serial in GitLab, terraform's version and the provider lock file. When any of it changed, when the policy
/// does not pass, or when the player of this job wrote the commit, nothing is applied and the exit code is 3. Writes
/// apply.txt and approval.json, or refusal.json.
#[derive(Debug, Parser)]
#[command(name = "portcullis-deploy", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Folder with the Terraform configuration
    #[arg(long, value_name = "DIR", required_unless_present = "unseal")]
    config: Option<PathBuf>,
    /// The policy that the plan was held to
    #[arg(long, value_name = "FILE", required_unless_present = "unseal")]
    policy: Option<PathBuf>,
    /// Open a file that was sealed with PORTCULLIS_PLAN_KEY, write it beside itself as FILE.open, and deploy nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "policy"])]
    unseal: Option<PathBuf>,
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
  portcullis-deploy --config terraform --policy terraform/policy.yaml
  portcullis-deploy --config live/prod --policy policy.yaml --state-name prod
  portcullis-deploy --unseal errored.tfstate

Run it as a manual job. Reads CI_API_V4_URL, CI_PROJECT_ID, CI_JOB_TOKEN, CI_COMMIT_SHA,
CI_COMMIT_AUTHOR, GITLAB_USER_LOGIN and GITLAB_USER_EMAIL. Who plays the job needs the Maintainer
role, since the state is locked and written with that person's rights.

Exit codes (docs/exit-codes.md):
  0 applied · 3 refused · 64 wrong usage, missing variable or program
  65 unreadable request, report or state · 69 GitLab not available · any other: terraform's own";

/// What is left behind when nothing was applied.
const REFUSAL: &str = "refusal.json";

/// Where terraform leaves a state that it could not store, and under which name it is kept.
const UNSTORED: &str = "errored.tfstate";

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    if let Some(sealed) = &args.unseal {
        let open = stage.unseal(sealed)?;
        stage.out(format!("{}\n", open.display()))?;
        return Ok(Exit::Pass);
    }
    let (Some(config), Some(policy)) = (args.config.as_deref(), args.policy.as_deref()) else {
        return Err(Failure::internal("clap asks for --config and --policy"));
    };
    let started = stage.now();
    let artifacts = stage.artifacts(&args.artifacts.folder);
    let terraform = Terraform::new(stage, args.terraform.as_deref(), config, &args.state.state_name)?
        // Nothing but the approved plan says what happens, and what is shown of it.
        .without_env("TF_CLI_ARGS")
        .without_env("TF_CLI_ARGS_show")
        .without_env("TF_CLI_ARGS_apply");
    // Nothing may be applied that could not be recorded afterwards.
    clear(&artifacts)?;
    let job = stage.ci();
    let approver = job.require_user_login()?.clone();

    let request = materials::request(&artifacts)?;
    let version = terraform.version()?;
    let found = materials::bound(
        stage,
        &artifacts,
        config,
        policy,
        &args.state.state_name,
        &version,
    )?;
    let circumstances = Circumstances {
        now: started,
        max_age: None,
        player: Player {
            login: Some(approver.clone()),
            mail: job.user_email.clone(),
        },
        four_eyes: FourEyes::Author,
    };
    let author = stage.redact(job.require_commit_author()?);
    let refuse = |refusal: Refused| {
        let record = RefusalRecord {
            format_version: FORMAT_VERSION.to_owned(),
            digest: request.digest.clone(),
            played_by: approver.clone(),
            refused_at: whole_seconds(started),
            job_url: job.job_url.as_ref().map(ToString::to_string),
            reason: refusal.error.to_string(),
        };
        write_json(&artifacts, REFUSAL, &record)?;
        Err(Failure::refused(refusal.error).hint(refusal.hint))
    };
    if let Err(refusal) = allowed(&request, &found, &circumstances, &author) {
        return refuse(refusal);
    }
    stage.say(format!(
        "request {}: {} is what was approved, and {approver} did not write it",
        request.short_digest(),
        request.headline
    ));

    let plan = stage.open_plan(&artifacts.path("plan.tfplan"))?;
    let init = terraform.teed(["init", "-input=false", "-no-color"])?;
    if !init.success() {
        return Err(terraform
            .failure("init", &init)
            .hint("nothing was applied; the request stays good for another try"));
    }
    if let Err(refusal) = shown(stage, &artifacts, &terraform, &plan)? {
        return refuse(refusal);
    }
    let apply = terraform.teed([
        OsString::from("apply"),
        "-input=false".into(),
        "-no-color".into(),
        plan.path().into_os_string(),
    ])?;
    drop(plan);
    artifacts.write_text("apply.txt", &apply.transcript)?;
    let approval = Approval {
        format_version: FORMAT_VERSION.to_owned(),
        digest: request.digest.clone(),
        approved_by: approver.clone(),
        approved_at: whole_seconds(started),
        job_url: job.job_url.as_ref().map(ToString::to_string),
        outcome: if apply.success() {
            "applied"
        } else {
            "apply_failed"
        }
        .to_owned(),
        exit_code: apply.code(),
    };
    write_json(&artifacts, "approval.json", &approval)?;
    if !apply.success() {
        let kept = keep_unstored(stage, &artifacts, config)?;
        return Err(terraform.failure("apply", &apply).hint(after_failure(
            kept,
            &apply.transcript,
            &terraform.name(),
        )));
    }
    stage.out(format!(
        "deployed: {}\napproved by {}, request {}\n",
        clean(&request.headline),
        clean(&approver),
        request.short_digest()
    ))?;
    Ok(Exit::Pass)
}

/// Takes an earlier run's records away, and shows that new ones can be written.
fn clear(artifacts: &Artifacts) -> Result<(), Failure> {
    artifacts.write_bytes("approval.json", b"")?;
    for name in ["approval.json", "apply.txt", REFUSAL, UNSTORED] {
        artifacts.remove(name)?;
    }
    Ok(())
}

/// Why nothing is applied, and what to do.
struct Refused {
    error: Box<dyn Error + Send + Sync>,
    hint: String,
}

/// Whether the saved plan is the one that `plan.json` shows. Both are sealed, yet whoever could write artifacts before the
/// request was made could have put another plan file beside the JSON that people and programs looked at.
///
/// From here on, what is sensitive in the plan is masked in terraform's words, too.
fn shown(
    stage: &Stage,
    artifacts: &Artifacts,
    terraform: &Terraform,
    plan: &SavedPlan,
) -> Result<Result<(), Refused>, Failure> {
    let json = terraform.show_plan(stage, plan)?;
    let unreadable = |error: portcullis_terraform::ReadError| {
        let hint = error.hint();
        Failure::unreadable_in("the plan that terraform shows", error).hint(hint)
    };
    let (masked, sensitive) = mask_plan(&json).map_err(unreadable)?;
    stage.mask_all(sensitive.values());
    let sealed = artifacts.read_text("plan.json")?;
    let same = |shown: &str| same_plan(&sealed, shown, Redactor::MASK);
    // As the plan job wrote it: secrets of the environment, which may stand in names, too, are masked besides.
    if same(&masked) || same(&stage.redact(&masked)) {
        return Ok(Ok(()));
    }
    Ok(Err(Refused {
        error: OtherPlan.into(),
        hint: "start a new pipeline: it plans anew and asks again; if it happens again, somebody or something changes \
               the artifacts between the jobs"
            .to_owned(),
    }))
}

#[derive(Debug, thiserror::Error)]
#[error("the plan file is not the plan that plan.json shows: what was judged is not what would be applied")]
struct OtherPlan;

/// The guard; and the author once more. The request names an author, this job knows one by itself: somebody who can write
/// artifacts could seal a request with another name in it.
fn allowed(
    request: &ApprovalRequest,
    found: &Bound,
    circumstances: &Circumstances,
    author: &str,
) -> Result<(), Refused> {
    guard(request, found, circumstances).map_err(|refusal| Refused {
        hint: refusal.hint().to_owned(),
        error: refusal.into(),
    })?;
    if request.author.as_deref().map(str::trim) == Some(author.trim()) {
        return Ok(());
    }
    let error = OtherAuthor {
        named: request.author.clone().unwrap_or_else(|| "nobody".to_owned()),
        author: author.to_owned(),
    };
    Err(Refused {
        error: error.into(),
        hint: "start a new pipeline: it plans anew and asks again".to_owned(),
    })
}

fn write_json(artifacts: &Artifacts, name: &str, document: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(document).map_err(Failure::internal)?;
    text.push('\n');
    Ok(artifacts.write_text(name, &text)?)
}

/// People read these times; a fraction of a second is noise.
fn whole_seconds(time: Timestamp) -> String {
    time.round(Unit::Second).unwrap_or(time).to_string()
}

#[derive(Debug, thiserror::Error)]
#[error("the request names {named} as the commit's author, and GitLab says it is {author}")]
struct OtherAuthor {
    named: String,
    author: String,
}

/// Keeps the state that terraform could not store: the job's folder is gone when the job ends.
fn keep_unstored(stage: &Stage, artifacts: &Artifacts, config: &Path) -> Result<bool, Failure> {
    let path = config.join(UNSTORED);
    if !path.is_file() {
        return Ok(false);
    }
    if !stage.write_sealed(artifacts, UNSTORED, &stage.read_bytes(&path)?)? {
        stage.say(format!(
            "WARNING: {UNSTORED} holds the whole state IN CLEAR: it is the only one, and everybody who may download this \
             job's artifacts can read it"
        ));
    }
    Ok(true)
}

/// What to do after a failed apply, in the order in which it must be done.
fn after_failure(unstored: bool, transcript: &str, terraform: &str) -> String {
    // Terraform takes the lock before it touches anything.
    if transcript.contains("Error acquiring the state lock") {
        return "nothing was applied, since the state could not be locked: if somebody else holds the lock, wait and play \
                this job again; if GitLab says \"invalid auth\", somebody with the Maintainer role has to play it"
            .to_owned();
    }
    let dead = "the saved plan is dead, and a part of it may be done: do not play this job again";
    if unstored {
        format!(
            "{dead}; the new state could not be stored and is kept as {UNSTORED} among the artifacts (sealed, if there is a \
             PORTCULLIS_PLAN_KEY: open it with `portcullis-deploy --unseal {UNSTORED}`): store it first with \
             `{terraform} state push {UNSTORED}`, then start a new pipeline, which plans what is left"
        )
    } else {
        format!(
            "{dead}; mend what terraform names above, then start a new pipeline, which plans what is left"
        )
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

    #[test]
    fn a_state_that_was_not_stored_comes_first() {
        assert!(!after_failure(false, "Error: Throttled", "terraform").contains("state push"));
        assert!(
            after_failure(true, "Error: Throttled", "tofu").contains("`tofu state push errored.tfstate`")
        );
    }

    #[test]
    fn without_the_lock_nothing_was_applied_and_the_plan_lives() {
        let hint = after_failure(false, "Error: Error acquiring the state lock\n", "terraform");
        assert!(
            hint.starts_with("nothing was applied") && !hint.contains("dead"),
            "{hint}"
        );
    }
}
