//! The wrapper: settings first, then terraform with the caller's own streams, then what its complaints mean.

use crate::backend::{Backend, Credentials, Gitlab, Initialised};
use crate::explain::{Case, Explanation, explain, is_locked};
use crate::holder;
use crate::left_behind::{self, Before};
use crate::line::{self, Line, Touches};
use clap::Parser;
use portcullis_stage::{Exit, Failure, Passed, Program, Stage};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Runs terraform or OpenTofu on the state that GitLab manages
///
/// The first word that is not one of the options below, and everything after it, goes to terraform as it is. The
/// configuration must declare `backend "http" {}`; its settings come from the job's environment. Input, output and exit
/// code are terraform's own; what it complains about is explained afterwards.
#[derive(Debug, Parser)]
#[command(name = "portcullis-tf", version, after_help = EXAMPLES, override_usage = "portcullis-tf [OPTIONS] [--] TERRAFORM-ARGUMENTS…")]
pub(crate) struct Args {
    /// Folder with the Terraform configuration [default: the current one]; paths after the subcommand start there
    #[arg(long, value_name = "DIR", env = "PORTCULLIS_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// terraform or tofu [default: PORTCULLIS_TERRAFORM, then terraform or tofu on the PATH]
    #[arg(long, value_name = "PATH")]
    terraform: Option<PathBuf>,
    /// Name of the state that GitLab manages, one for each environment
    #[arg(
        long,
        value_name = "NAME",
        env = "PORTCULLIS_STATE_NAME",
        hide_env_values = true,
        default_value = "default"
    )]
    state_name: String,
    /// Lock the state for a plan, too, which needs the Maintainer role; otherwise `plan` gets -lock=false
    #[arg(long, env = "PORTCULLIS_PLAN_LOCK", hide_env_values = true, num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true", value_name = "true|false", value_parser = switch)]
    plan_lock: bool,
    /// For terraform
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  portcullis-tf init
  portcullis-tf plan -out=plan.tfplan
  portcullis-tf --config live/prod --state-name prod apply plan.tfplan
  portcullis-tf output -json | jq .
  portcullis-tf state push errored.tfstate

Reads CI_API_V4_URL, CI_PROJECT_ID and CI_JOB_TOKEN, or PORTCULLIS_STATE_TOKEN (an access token with
the scope api) in the job token's place. When TF_HTTP_ADDRESS is set, all TF_HTTP_… settings are
left to you. See docs/terraform-wrapper.md.

Exit codes (docs/exit-codes.md):
  64 wrong usage, missing variable or program
  any other: terraform's own; 128 and the signal's number when one ended it";

/// An empty variable counts as absent.
fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => Err("it is true or false".to_owned()),
    }
}

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    let mut line = Line::new(args.arguments.clone());
    let touches = line.touches();
    let folder = folder(args, &line)?;
    let backend = match Backend::find(stage, &args.state_name) {
        Ok(backend) => Some(backend),
        // Formatting needs no GitLab.
        Err(_) if touches == Touches::Nothing => None,
        Err(failure) => return Err(failure),
    };
    let mut program = automated(stage, stage.terraform(args.terraform.as_deref())?);
    let gitlab = match &backend {
        Some(Backend::Gitlab(gitlab)) => {
            for (name, value) in &gitlab.environment {
                program = program.env(*name, value.expose());
            }
            stage.mask_all(
                gitlab
                    .environment
                    .iter()
                    .filter(|(name, _)| *name == "TF_HTTP_PASSWORD")
                    .map(|(_, value)| value.expose()),
            );
            Some(gitlab)
        }
        _ => None,
    };
    if let Some(gitlab) = gitlab.filter(|_| touches != Touches::Nothing) {
        if line.subcommand() == Some("plan") && !args.plan_lock && !locks(&line, stage) {
            line = line.with_option("-lock=false");
            stage.say(format!(
                "state {} of {}, without its lock (-lock=false)",
                gitlab.name, gitlab.place
            ));
        } else {
            stage.say(format!("state {} of {}", gitlab.name, gitlab.place));
        }
        kept_in_gitlab(stage, &folder, touches)?;
    }
    let before = Before::look(&folder);
    if before.is_there() && touches == Touches::Writes && !line.gives_word(left_behind::NAME) {
        stage.say(format!(
            "WARNING: {}: an earlier run could not store its state and left it there",
            folder.join(left_behind::NAME).display()
        ));
        stage.say("hint: when it is newer than the state in GitLab: `portcullis-tf state push errored.tfstate`; then remove it");
    }
    let good_two = line.has_detailed_exit_code();
    let subcommand = line.subcommand().unwrap_or_default().to_owned();
    let own_folder = line.chdir().is_some() || folder == Path::new(".");
    let ended = program
        .args(line.into_words((!own_folder).then_some(folder.as_path())))
        .run_passed()?;
    match ended.code() {
        0 => {
            if touches == Touches::Prepares
                && gitlab.is_some()
                && let Some(problem) = Initialised::find(stage, &folder).problem(&folder)
            {
                warn_of_other_backend(stage, &problem);
            }
            Ok(Exit::Pass)
        }
        2 if good_two => Ok(Exit::Terraform(2)),
        code => {
            tell(stage, &ended, gitlab, &subcommand, before.new_file().is_some());
            Ok(Exit::Terraform(code))
        }
    }
}

/// The folder of the configuration: the line's own `-chdir`, or ours.
fn folder(args: &Args, line: &Line) -> Result<PathBuf, Failure> {
    let ours = args.config.clone().filter(|path| !path.as_os_str().is_empty());
    let folder = match (line.chdir(), ours) {
        (Some(chdir), _) => chdir,
        (None, Some(ours)) => ours,
        (None, None) => PathBuf::from("."),
    };
    if folder.is_dir() {
        Ok(folder)
    } else {
        Err(Failure::usage(format!("{}: no such folder", folder.display()))
            .hint("name the folder of the .tf files with `--config DIR` or PORTCULLIS_CONFIG"))
    }
}

/// What GitLab calls an automated run: shorter texts, no questions, none to HashiCorp about newer versions either. What is
/// set already stays; a person at a terminal may be asked.
fn automated(stage: &Stage, mut program: Program) -> Program {
    let mut set = |name: &str, value: &str| {
        if stage.variable(name).is_none() {
            program = program.clone().env(name, value);
        }
    };
    set("CHECKPOINT_DISABLE", "true");
    if stage.variable("CI").is_some() || !stage.stdin_is_terminal() {
        set("TF_IN_AUTOMATION", "true");
        set("TF_INPUT", "false");
    }
    program
}

/// Whether the caller says anything about locks.
fn locks(line: &Line, stage: &Stage) -> bool {
    let by_variable = ["TF_CLI_ARGS", "TF_CLI_ARGS_plan"]
        .iter()
        .filter_map(|name| stage.variable(name));
    line.gives("lock", None)
        || by_variable
            .flat_map(str::split_whitespace)
            .any(|word| line::gives(word.trim_matches(['"', '\'']), "lock", None))
}

/// Nothing is written to a state that would be lost with the job's folder.
fn kept_in_gitlab(stage: &Stage, folder: &Path, touches: Touches) -> Result<(), Failure> {
    if touches == Touches::Prepares {
        return Ok(());
    }
    let Some(problem) = Initialised::find(stage, folder).problem(folder) else {
        return Ok(());
    };
    if touches == Touches::Writes {
        return Err(Failure::usage(problem).hint(OTHER_BACKEND));
    }
    warn_of_other_backend(stage, &problem);
    Ok(())
}

const OTHER_BACKEND: &str = "declare `terraform { backend \"http\" {} }` in the configuration, and run `portcullis-tf init` in this \
                             job; for a state that is kept elsewhere call terraform itself";

fn warn_of_other_backend(stage: &Stage, problem: &str) {
    stage.say(format!("WARNING: {problem}"));
    stage.say(format!("hint: {OTHER_BACKEND}"));
}

/// Says what terraform's complaints mean.
fn tell(stage: &Stage, ended: &Passed, gitlab: Option<&Gitlab>, subcommand: &str, left_behind: bool) {
    if let Some(by) = ended.cancelled() {
        stage.say(format!(
            "the job was cancelled ({}): what was done until then may be a part only",
            by.name()
        ));
    }
    let holder = gitlab
        .filter(|_| is_locked(ended.tail()))
        .and_then(|gitlab| holder::ask(stage, &gitlab.name));
    let case = Case {
        subcommand,
        holder: holder.as_ref(),
        state: gitlab.map_or("of TF_HTTP_ADDRESS", |gitlab| &gitlab.name),
        credentials: gitlab.map_or(Credentials::Callers, |gitlab| gitlab.credentials),
        page: gitlab.and_then(|gitlab| gitlab.page.as_deref()),
        left_behind,
    };
    for Explanation { what, hint } in explain(ended.tail(), &case) {
        stage.say(format!("explained: {what}"));
        stage.say(format!("hint: {hint}"));
    }
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

    #[test]
    fn everything_from_the_first_unknown_word_on_is_terraforms() {
        let table: [(&[&str], &[&str]); 6] = [
            (
                &["plan", "-out=x", "--config", "y"],
                &["plan", "-out=x", "--config", "y"],
            ),
            (&["--config", "dir", "plan", "-help"], &["plan", "-help"]),
            (&["--", "-version"], &["-version"]),
            (&["-chdir=a", "plan"], &["-chdir=a", "plan"]),
            (&["--plan-lock", "plan", "--", "x"], &["plan", "--", "x"]),
            (&["version", "--version"], &["version", "--version"]),
        ];
        for (given, passed) in table {
            let words = std::iter::once(&"portcullis-tf").chain(given);
            let args = Args::try_parse_from(words).unwrap();
            assert_eq!(args.arguments, passed, "{given:?}");
        }
    }
}
