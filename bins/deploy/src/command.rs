//! The stage: guard first, then apply of the approved file.

use crate::aftermath;
use crate::earlier;
use crate::judged::{self, Refused};
use crate::materials;
use crate::records::{Record, refuse};
use crate::who;
use clap::Parser;
use portcullis_compliance::loosened_files;
use portcullis_evidence::client::Inquiry;
use portcullis_evidence::{Approval, Circumstances, DeployedTo, Origin, Refusal, Weight, guard};
use portcullis_report::text::clean;
use portcullis_stage::{ArtifactArgs, Artifacts, Exit, Failure, GuardArgs, Stage, StateArgs, Terraform};
use std::{ffi::OsString, path::PathBuf};

/// Applies the plan that was approved, and nothing else
///
/// Everything the approval is bound to is read again: the saved plan, its JSON, the policy, both reports, the commit,
/// the state's serial in GitLab, terraform's version and the provider lock file. The plan is judged again. When any of it
/// changed, when the policy does not pass or was loosened in the same change, when the branch is not protected, when the
/// player of this job had a hand in the change or is not on the list of approvers, nothing is applied and the exit code is
/// 3. Writes apply.txt and approval.json, or refusal.json.
#[derive(Debug, Parser)]
#[command(name = "portcullis-deploy", version, after_help = EXAMPLES, override_usage = USAGE)]
pub(crate) struct Args {
    /// Folder with the Terraform configuration
    #[arg(long, value_name = "DIR", required_unless_present = "unseal")]
    config: Option<PathBuf>,
    /// The policy that the plan was held to; may be given again
    #[arg(long, value_name = "FILE", required_unless_present = "unseal")]
    policy: Vec<PathBuf>,
    #[command(flatten)]
    guard: GuardArgs,
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

/// The two ways to call it; clap would show options only, since neither is always asked for.
const USAGE: &str = "\
portcullis-deploy --config <DIR> --policy <FILE> [OPTIONS]
       portcullis-deploy --unseal <FILE>";

const EXAMPLES: &str = "\
Examples:
  portcullis-deploy --config terraform --policy terraform/policy.yaml
  portcullis-deploy --config live/prod --policy policy.yaml --state-name prod --guard guard.yaml
  portcullis-deploy --unseal errored.tfstate

Run it as a manual job. Reads CI_API_V4_URL, CI_PROJECT_ID, CI_JOB_TOKEN, CI_COMMIT_SHA,
CI_COMMIT_AUTHOR, GITLAB_USER_LOGIN and GITLAB_USER_EMAIL, and asks GitLab about the job, the
branch and the change; some of it needs PORTCULLIS_GITLAB_TOKEN. Who plays the job needs the
Maintainer role, since the state is locked and written with that person's rights. What the guard
asks for, and its own rules: docs/guard.md.

Exit codes (docs/exit-codes.md):
  0 applied · 3 refused · 64 wrong usage, missing variable or program
  65 unreadable request, report or state · 69 GitLab not available · any other: terraform's own";

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    if let Some(sealed) = &args.unseal {
        let open = stage.unseal(sealed)?;
        stage.out(format!("{}\n", open.display()))?;
        return Ok(Exit::Pass);
    }
    let Some(config) = args.config.as_deref() else {
        return Err(Failure::internal("clap asks for --config"));
    };
    let artifacts = stage.artifacts(&args.artifacts.folder);
    let terraform = Terraform::new(stage, args.terraform.as_deref(), config, &args.state.state_name)?
        // Nothing but the approved plan says what happens, and what is shown of it.
        .without_env("TF_CLI_ARGS")
        .without_env("TF_CLI_ARGS_show")
        .without_env("TF_CLI_ARGS_apply");
    // Nothing may be applied that could not be recorded afterwards.
    clear(&artifacts)?;
    if materials::nothing_to_do(&artifacts) {
        let said = "nothing to do: the plan changes nothing, so nobody was asked and nothing is applied\n";
        // The comparison after this job tells by it that the job went through.
        artifacts.write_text("apply.txt", said)?;
        stage.out(said)?;
        return Ok(Exit::Pass);
    }
    let job = stage.ci();
    job.require_user_login()?;
    job.require_commit_author()?;
    let mut inquiry = stage.inquiry()?;

    let request = materials::request(&artifacts)?;
    let version = terraform.version()?;
    let policies = materials::policies(stage, &args.policy)?;
    let found = materials::bound(
        stage,
        &artifacts,
        config,
        &policies,
        &args.state.state_name,
        (terraform.terraform_or_tofu(), &version),
    )?;
    let own = who::own_job(stage, &mut inquiry)?;
    let who = who::who(stage, &own);
    let refused = |refused: Refused| refuse(stage, &artifacts, &request, &who, refused);
    if let Err(refusal) = who::contradicted(stage, &own) {
        return refused(refusal.into());
    }

    let guarding = stage.guarding(&args.guard, &mut inquiry)?;
    let change = stage.block_on(inquiry.change(&found.commit))?;
    let mut ground = stage.ground(&mut inquiry, &change, &guarding, &policies, loosened_files)?;
    ground.clock = Some(who.behind);
    if ground.environment == DeployedTo::NotAsked {
        ground.environment = DeployedTo::None;
    }
    let remarks = ground.remarks();
    let memberships = match &guarding.rules.approvers {
        Some(approvers) => stage.block_on(inquiry.memberships(approvers, who.player.id))?,
        None => Default::default(),
    };
    let circumstances = Circumstances {
        now: who.now,
        rules: &guarding.rules,
        player: who.player.clone(),
        memberships,
        starter: stage.block_on(inquiry.starter())?,
        origin: change.origin.clone(),
        approvals: change.approvals(),
        remarks: &remarks,
    };
    if let Err(refusal) = guard(&request, &found, &circumstances) {
        let mut refusal = Refused::from(refusal);
        if let Some(Refusal::StateMoved { .. }) = refusal.error.downcast_ref::<Refusal>() {
            let told = earlier::of_a_spent_plan(stage, &mut inquiry, &artifacts, &args.state.state_name)?;
            refusal.hint = told.unwrap_or(refusal.hint);
        }
        return refused(refusal);
    }
    if let Err(refusal) = who::same_author(&request, &who.author) {
        return refused(refusal);
    }
    if let Err(refusal) = earlier::nothing_begun(stage, &mut inquiry, &artifacts)? {
        return refused(refusal);
    }
    let said: Vec<String> = remarks
        .into_iter()
        .filter(|remark| guarding.rules.weight(remark.concern) == Weight::Say)
        .map(|remark| stage.redact(&remark.text))
        .collect();
    stage.say(format!(
        "request {}: {} is what was approved, and {} had no hand in it{}",
        request.short_digest(),
        request.headline,
        who.login,
        as_far_as_known(&change.origin),
    ));
    for remark in &said {
        stage.say(format!("mind: {remark}"));
    }
    for complaint in inquiry.complaints() {
        stage.say(format!("note: {}: {complaint}", Stage::GITLAB_TOKEN));
    }

    let plan = stage.open_plan(&artifacts.path("plan.tfplan"))?;
    let init = terraform.teed(["init", "-input=false", "-no-color"])?;
    if !init.success() {
        return Err(terraform
            .failure("init", &init)
            .hint("nothing was applied; the request stays good for another try"));
    }
    let json = terraform.show_plan(stage, &plan)?;
    if let Err(refusal) = judged::same(stage, &artifacts, &json)? {
        return refused(refusal);
    }
    if let Err(refusal) = judged::again(stage, &json, config, &policies, who.now)? {
        return refused(refusal);
    }
    let mut record = Record::new(stage, &artifacts, &request, &who, &change, guarding.record, said);
    record.write(Approval::BEGUN, None)?;
    let apply = terraform.teed([
        OsString::from("apply"),
        "-input=false".into(),
        "-no-color".into(),
        plan.path().into_os_string(),
    ])?;
    drop(plan);
    artifacts.write_text("apply.txt", &apply.transcript)?;
    let locked = !apply.success() && aftermath::was_locked(&apply.transcript);
    if !locked {
        record.state_is(materials::state_now(stage, &args.state.state_name));
    }
    let outcome = match (apply.success(), locked) {
        (true, _) => Approval::APPLIED,
        (false, true) => Approval::LOCKED,
        (false, false) => Approval::FAILED,
    };
    record.write(outcome, Some(apply.code()))?;
    if !apply.success() {
        let kept = aftermath::keep_unstored(stage, &artifacts, config)?;
        let holder = if locked {
            holder(stage, &mut inquiry, &args.state.state_name)
        } else {
            None
        };
        for line in aftermath::what_was_done(&apply.transcript) {
            stage.say(line);
        }
        return Err(terraform.failure("apply", &apply).hint(aftermath::what_to_do(
            &apply.transcript,
            kept,
            holder.as_deref(),
            &terraform.name(),
        )));
    }
    stage.out(format!(
        "deployed: {}\napproved by {}, request {}\n",
        clean(&request.headline),
        clean(&who.login),
        request.short_digest()
    ))?;
    Ok(Exit::Pass)
}

/// Takes an earlier run's records away, and shows that new ones can be written.
fn clear(artifacts: &Artifacts) -> Result<(), Failure> {
    artifacts.write_bytes("approval.json", b"")?;
    for name in [
        "approval.json",
        "apply.txt",
        crate::records::REFUSAL,
        aftermath::UNSTORED,
    ] {
        artifacts.remove(name)?;
    }
    Ok(())
}

/// What the line that says so must not leave out.
fn as_far_as_known(origin: &Origin) -> &'static str {
    match origin {
        Origin::MergeRequest {
            opener: Some(_),
            commits: Some(_),
            ..
        }
        | Origin::Pushed => "",
        Origin::MergeRequest { .. } => ", as far as GitLab shows the merge request to this job",
        Origin::NotKnown => ", as far as the commit's author tells: GitLab shows this job no merge request",
    }
}

/// Who holds the state's lock, where a token lets one ask. The hint is as good without it.
fn holder(stage: &Stage, inquiry: &mut Inquiry, state: &str) -> Option<String> {
    let facts = stage.block_on(inquiry.state_facts(state)).ok().flatten()?;
    let since = facts.locked_at?;
    let by = facts.locked_by_user.map(|user| user.username);
    Some(format!(
        "{} holds it since {since}",
        by.as_deref().unwrap_or("somebody")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
        // clap breaks longer lines, each by itself.
        assert!(EXAMPLES.lines().all(|line| line.chars().count() <= 100));
    }
}
