//! Stage `request approval`: seals what was judged under one digest, for people to approve.

mod command;
mod ground;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(command::run)
}
