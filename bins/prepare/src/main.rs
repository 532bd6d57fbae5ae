//! Stage `prepare`: a doctor that checks what the later stages need.

mod check;
mod checks;
mod command;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(command::run)
}
