//! Stage `verify`, first half: reads EC2 and writes the live view.

mod run;

fn main() -> std::process::ExitCode {
    portcullis_stage::main(run::run)
}
