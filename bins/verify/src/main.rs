//! Stage `verify`: declared, recorded and live side by side.

mod command;
mod hidden;
mod policy;
mod provenance;
mod settle;
mod views;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(command::run)
}
