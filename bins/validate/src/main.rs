//! Stage `validate`: holds a configuration, a plan, a state or the live view against the policy.

mod code;
mod command;
mod hidden;
mod page;
mod subject;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(command::run)
}
