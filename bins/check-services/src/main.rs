//! Stage `check services`: asks the members of the public security group over HTTP.

mod change;
mod command;
mod facts;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(command::run)
}
