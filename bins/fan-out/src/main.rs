//! Many states at once: a child pipeline with a chain of jobs for each, and one report over all.

mod child;
mod command;
mod each;
mod fetch;
mod folders;
mod git;
mod jobs;
mod list;
mod report;
mod states;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(command::run)
}
