//! Stage `verify`, first half: reads EC2 and writes the live view.

mod arguments;
mod run;
mod tally;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(run::run)
}
