//! Stage `validate`: holds a configuration, a plan, a state or the live view against the policy.

mod code;
mod command;
mod hidden;
mod subject;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(command::run)
}
