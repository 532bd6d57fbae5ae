//! The stage: every check, whatever the others found; then one text and one exit code.

use crate::{
    check::{exit, to_text},
    checks::{gitlab, local, slack},
};
use clap::Parser;
use portcullis_stage::{ArtifactArgs, Exit, Failure, Stage, StateArgs};
use std::path::PathBuf;

/// Checks what the later stages need, and says for each thing how to mend it
///
/// Looks at the artifact folder, the configuration, terraform, the job's variables, the policy, GitLab (the job's token,
/// the managed state) and Slack. All checks always run, one line each, on standard output and in doctor.txt. Trouble with
/// Slack is a warning: the pipeline gates and deploys without it. A pipeline that only checks services has no configuration and
/// no policy: without them, what they need is left out.
#[derive(Debug, Parser)]
#[command(name = "portcullis-prepare", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Folder with the Terraform configuration
    #[arg(long, value_name = "DIR", requires = "policy")]
    config: Option<PathBuf>,
    /// The policy that plans will be held to
    #[arg(long, value_name = "FILE", requires = "config")]
    policy: Option<PathBuf>,
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
  portcullis-prepare --config terraform --policy terraform/policy.yaml
  portcullis-prepare --config live/prod --policy policy.yaml --state-name prod
  portcullis-prepare --state-name prod                   where services are checked only

Slack is looked for with PORTCULLIS_SLACK_TOKEN and PORTCULLIS_SLACK_CHANNEL, the merge request's note
with PORTCULLIS_GITLAB_TOKEN.

Exit codes (docs/exit-codes.md):
  0 all that later stages need is there · 69 GitLab not available
  64 a bad policy, a missing variable or program, or an unwritable folder";

const DOCTOR: &str = "doctor.txt";

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    let artifacts = stage.artifacts(&args.artifacts.folder);
    let job = stage.ci();
    let [token, state] = gitlab::checks(&args.state.state_name, stage);
    let mut checks = vec![local::folder(&artifacts, stage)];
    if let (Some(config), Some(policy)) = (&args.config, &args.policy) {
        checks.extend([
            local::config(config, args.terraform.as_deref(), stage),
            local::provider_lock(config, stage),
            local::terraform(args.terraform.as_deref(), stage),
            local::plan_key(stage),
            local::policy(policy, stage),
        ]);
    }
    checks.push(local::variables(&job));
    if args.config.is_some() {
        checks.push(local::branch(&job));
    }
    checks.extend([token, state, slack::check(stage)]);
    checks.extend(gitlab::access_token(stage));
    let text = to_text(&checks);
    stage.out(&text)?;
    // Without a folder there is no file; the first line says so already.
    if let Err(error) = artifacts.write_text(DOCTOR, &text) {
        stage.say(error.to_string());
    }
    Ok(exit(&checks))
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
