//! Stage `plan`: runs terraform plan, and says what the change opens and closes.

mod command;
mod exposure;
mod page;
mod variables;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(command::run)
}
