//! The command line.

use crate::{each, fetch, folders, report, states};
use clap::{Parser, Subcommand};
use portcullis_stage::{Exit, Failure, Stage};

const EXAMPLES: &str = "\
In a pipeline (templates/fan-out.yml, docs/fan-out.md):
  portcullis-fan-out states                              a job writes the child pipeline
  portcullis-fan-out each check -- portcullis-check-services --managed-state
                                                         the child's jobs
  portcullis-fan-out report                              the child's last job

Exit codes (docs/exit-codes.md):
  states, folders   0 written · 2 there is nothing to look at · 64 wrong usage · 65 unreadable list or code
                    69 GitLab not available
  each              the worst of its programs' codes
  report, fetch     0 all pass · 1 one does not · 2 one is missing or cannot tell · 64 · 65 · 69";

/// Many states at once: writes a child pipeline with a chain of jobs for each, and joins their reports
#[derive(Debug, Parser)]
#[command(name = "portcullis-fan-out", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    States(states::Args),
    Folders(folders::Args),
    Each(each::Args),
    Report(report::Args),
    Fetch(fetch::Args),
}

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    match &args.command {
        Command::States(args) => states::run(args, stage),
        Command::Folders(args) => folders::run(args, stage),
        Command::Each(args) => each::run(args, stage),
        Command::Report(args) => report::run(args, stage),
        Command::Fetch(args) => fetch::run(args, stage),
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
