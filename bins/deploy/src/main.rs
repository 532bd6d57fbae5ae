//! Stage `deploy`: applies the plan that was approved, and nothing else.

mod command;
mod materials;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(command::run)
}
