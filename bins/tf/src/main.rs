//! The wrapper: terraform or `OpenTofu` on the state that GitLab manages.

mod backend;
mod command;
mod explain;
mod holder;
mod left_behind;
mod line;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(command::run)
}
