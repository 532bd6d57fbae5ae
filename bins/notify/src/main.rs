//! Stage `notify`: tells people in Slack what happened, and never stops a pipeline when Slack is down.

mod annotations;
mod command;
mod delivery;
mod documents;
mod gitlab;
mod news;
mod note;
mod slack;
mod status;
mod thread;
mod undelivered;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(command::run)
}
