//! Stage `deploy`: applies the plan that was approved, and nothing else.

mod aftermath;
mod command;
mod earlier;
mod judged;
mod materials;
mod records;
mod who;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(command::run)
}
