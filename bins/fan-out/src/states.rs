//! A chain for each managed state.

use crate::child::ChildArgs;
use crate::{jobs, list};
use portcullis_gitlab::Project;
use portcullis_gitlab::state::{StateAddress, StateFacts};
use portcullis_stacks::{FanOut, Kind, Stack};
use portcullis_stage::{Exit, Failure, Stage};
use std::path::PathBuf;

/// Writes a child pipeline with a chain for each managed state of the project
///
/// By default each chain checks the services of its state. The states are asked of GitLab, which opens the list to no job's
/// token: set PORTCULLIS_GITLAB_TOKEN to an access token with the scope read_api and the role Developer, or name the states.
/// Writes fan-out.json and fan-out.yml.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A state, by its name; may be given again
    #[arg(long = "state", value_name = "NAME")]
    states: Vec<String>,
    /// A file with a state's name on each line; `-` for standard input
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    #[command(flatten)]
    child: ChildArgs,
}

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    args.child.begin(stage)?;
    let mut named = args.states.clone();
    if let Some(path) = &args.list {
        named.extend(list::entries(&list::text(path, stage)?));
    }
    let is_named = args.list.is_some() || !args.states.is_empty();
    let mut notes = Vec::new();
    let stacks = if is_named {
        let (names, twice) = list::distinct(named);
        notes.extend(
            twice
                .iter()
                .map(|name| format!("named more than once, looked at once: {name}")),
        );
        names.into_iter().map(Stack::of_state).collect()
    } else {
        asked(stage)?
    };
    if stacks.is_empty() {
        stage.say(if is_named {
            "the list names no state: nothing asked is nothing proved"
        } else {
            "GitLab shows no managed state in this project: there is none, or the token's role is below Developer"
        });
        return Ok(Exit::Undetermined);
    }
    let jobs = args.child.jobs(jobs::check());
    // Whether GitLab could have such a state at all; the project is of no matter.
    let stacks = stacks
        .into_iter()
        .map(|stack| match StateAddress::new(Project::Id(0), &stack.name) {
            Err(error) if stack.left_out.is_none() => stack.left_out(error.to_string()),
            _ => stack,
        });
    let mut fan_out = FanOut::new(Kind::States, &jobs, Stack::number(stacks));
    fan_out.notes = notes;
    args.child.write(&fan_out, jobs, &[], stage)
}

/// The project's states, sorted by name.
fn asked(stage: &Stage) -> Result<Vec<Stack>, Failure> {
    let path = stage.ci().require_project_path()?.clone();
    let client = match stage.gitlab_with_access_token()? {
        Some(client) => client,
        None => stage.gitlab()?,
    };
    let mut states: Vec<StateFacts> = stage.block_on(client.states(&path))?;
    states.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(states.into_iter().map(stack).collect())
}

fn stack(state: StateFacts) -> Stack {
    let stack = Stack::of_state(state.name);
    match state.deleted_at {
        None => stack,
        Some(since) => stack.left_out(format!("its deletion is pending since {since}")),
    }
}
