//! Runs a program for each stack of a job, whatever comes of the others.

use crate::child::LIST;
use portcullis_report::text::cut;
use portcullis_stacks::{FanOut, Outcome, Stack, Step};
use portcullis_stage::{Artifacts, Exit, Failure, ReadErrorKind, Stage};
use std::path::{Path, PathBuf};

/// Runs a program for each stack of this job, whatever comes of the others
///
/// For jobs of the child pipeline. The program gets the stack's managed state in PORTCULLIS_STATE_NAME, and the stack's own
/// artifact folder in PORTCULLIS_ARTIFACTS; in its arguments, {folder}, {state} and {artifacts} stand for these. It is not run
/// for a stack of which an earlier step failed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What the chain calls this step
    #[arg(value_name = "STEP")]
    step: String,
    /// The program and its arguments
    #[arg(value_name = "PROGRAM", required = true, last = true)]
    program: Vec<String>,
    /// The stacks of this job, by their keys
    #[arg(
        long,
        value_name = "KEY,KEY",
        env = "PORTCULLIS_STACKS",
        hide_env_values = true,
        value_delimiter = ','
    )]
    stacks: Vec<String>,
    /// Folder with fan-out.json, for the stacks' own folders
    #[arg(long = "in", value_name = "DIR", default_value = Artifacts::DEFAULT_FOLDER)]
    folder: PathBuf,
}

/// The stack's own folder.
pub(crate) fn place(folder: &Path, stack: &Stack) -> PathBuf {
    folder.join("stacks").join(&stack.key)
}

pub(crate) const OUTCOME: &str = "outcome.json";

pub(crate) fn list(folder: &Path, stage: &Stage) -> Result<FanOut, Failure> {
    let artifacts = stage.artifacts(folder);
    let text = artifacts.read_text(LIST)?;
    let list: FanOut = serde_json::from_str(&text)
        .map_err(|error| Failure::unreadable_in(artifacts.path(LIST).display(), error))?;
    match list.stacks.iter().find(|stack| !Stack::is_key(&stack.key)) {
        None => Ok(list),
        Some(_) => Err(Failure::unreadable_in(
            artifacts.path(LIST).display(),
            "a stack's key is none that portcullis-fan-out writes",
        )),
    }
}

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    let list = list(&args.folder, stage)?;
    let keys: Vec<&String> = args.stacks.iter().filter(|key| !key.is_empty()).collect();
    if keys.is_empty() {
        return Err(Failure::usage("no stack is named")
            .hint("the child pipeline sets PORTCULLIS_STACKS in each job of a chain"));
    }
    let stacks: Vec<&Stack> = keys
        .iter()
        .map(|key| {
            list.stack(key)
                .ok_or_else(|| Failure::usage(NoSuchStack { key: (*key).clone() }))
        })
        .collect::<Result<_, _>>()?;
    let mut worst = 0;
    for stack in stacks {
        worst = worse(worst, one(args, stack, stage)?);
    }
    Ok(exit(worst))
}

/// Runs the program for one stack, and writes down how it ended.
fn one(args: &Args, stack: &Stack, stage: &Stage) -> Result<i32, Failure> {
    let folder = place(&args.folder, stack);
    let artifacts = stage.artifacts(&folder);
    let mut outcome = read_outcome(&artifacts)?.unwrap_or_default();
    outcome.steps.retain(|step| step.step != args.step);
    if let Some(failed) = outcome.failed() {
        stage.say(format!(
            "{}: {} is not run, since {} ended with {}",
            stack.name, args.step, failed.step, failed.exit_code
        ));
        return Ok(0);
    }
    // Until it has ended, it has not run: a killed job must not leave an earlier end behind.
    write_outcome(&artifacts, &outcome)?;
    stage.say(format!("{}: {}", stack.name, args.step));
    let state = stack.state.as_deref().unwrap_or_default();
    let path = folder.to_string_lossy();
    let fill = |argument: &String| {
        fill(
            argument,
            &[
                ("{folder}", stack.folder.as_deref().unwrap_or_default()),
                ("{state}", state),
                ("{artifacts}", &path),
            ],
        )
    };
    let name = args.program.first().map(String::as_str).unwrap_or_default();
    let mut program = stage
        .program(Path::new(name))
        .args(args.program.iter().skip(1).map(fill))
        .env("PORTCULLIS_STATE_NAME", state)
        .env("PORTCULLIS_ARTIFACTS", path.as_ref());
    // The key is kept from programs of others, but the stages need it.
    if let Some(key) = stage.variable("PORTCULLIS_PLAN_KEY").filter(|_| is_ours(name)) {
        program = program.env("PORTCULLIS_PLAN_KEY", key);
    }
    let output = program.run_teed()?;
    outcome.ended(Step {
        step: args.step.clone(),
        program: stage.redact(&program.title()),
        exit_code: output.code(),
        error: error_of(&output.stderr),
    });
    write_outcome(&artifacts, &outcome)?;
    Ok(output.code())
}

/// The last error in what a program said, as the stages and terraform write it.
fn error_of(talk: &str) -> Option<String> {
    let mut errors = talk.lines().filter_map(|line| {
        let line = line.trim_start_matches(['│', '╷', ' ']);
        line.strip_prefix("error: ")
            .or_else(|| line.strip_prefix("Error: "))
    });
    errors.next_back().map(|error| cut(error.trim(), 300))
}

/// The argument with what stands for something put in, in one pass: a name that looks like another place stays a name.
fn fill(argument: &str, places: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = argument;
    'next: while let Some(c) = rest.chars().next() {
        for (mark, value) in places {
            if let Some(after) = rest.strip_prefix(mark) {
                out.push_str(value);
                rest = after;
                continue 'next;
            }
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

fn is_ours(program: &str) -> bool {
    let name = Path::new(program).file_name().unwrap_or_default();
    name.to_string_lossy().starts_with("portcullis-")
}

pub(crate) fn read_outcome(artifacts: &Artifacts) -> Result<Option<Outcome>, Failure> {
    let text = match artifacts.read_text(OUTCOME) {
        Ok(text) => text,
        Err(error) if error.kind() == ReadErrorKind::Missing => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| Failure::unreadable_in(artifacts.path(OUTCOME).display(), error))
}

fn write_outcome(artifacts: &Artifacts, outcome: &Outcome) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(outcome).map_err(Failure::internal)?;
    Ok(artifacts.write_text(OUTCOME, &(text + "\n"))?)
}

/// The worse of two exit codes: what could not do its work beats a no, a no beats "cannot tell".
fn worse(a: i32, b: i32) -> i32 {
    let rank = |code| match code {
        0 => 0,
        2 => 1,
        1 => 2,
        _ => 3,
    };
    if rank(b) > rank(a) { b } else { a }
}

/// Any code as it is: the program says what it means.
const fn exit(code: i32) -> Exit {
    match code {
        0 => Exit::Pass,
        code => Exit::Terraform(code),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("fan-out.json has no stack {key:?}")]
struct NoSuchStack {
    key: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_do_its_work_is_worst_and_a_no_beats_cannot_tell() {
        let worst = |codes: &[i32]| codes.iter().copied().fold(0, worse);
        assert_eq!(worst(&[0, 2, 0]), 2);
        assert_eq!(worst(&[2, 1, 2]), 1);
        assert_eq!(worst(&[1, 69, 64, 1]), 69);
    }

    #[test]
    fn the_error_is_the_last_one() {
        assert_eq!(error_of("asking 2 services\n"), None);
        let talk = "╷\n│ Error: No configuration files\n╵\nerror: terraform plan failed\nhint: look above\n";
        assert_eq!(error_of(talk).as_deref(), Some("terraform plan failed"));
        assert_eq!(
            error_of("│ Error: Invalid reference\n").as_deref(),
            Some("Invalid reference")
        );
    }

    #[test]
    fn a_name_that_looks_like_a_place_stays_a_name() {
        let places = [("{folder}", "{state}/x"), ("{state}", "é")];
        assert_eq!(fill("--config={folder}", &places), "--config={state}/x");
        assert_eq!(fill("{state}{stat}{", &places), "é{stat}{");
    }
}
