//! `cargo demo`: the whole pipeline on the embedded stand-ins.

use clap::Parser;
use portcullis_sandbox::demo::screen::Screen;
use portcullis_sandbox::demo::{DemoError, Options, Scenario, run};
use portcullis_sandbox::terminal::{Style, Terminal};
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs the whole pipeline on recorded input, and shows what happens
///
/// The stage binaries are built and run as real child processes, one job after the other, on stand-ins for GitLab,
/// Slack, terraform and the web service. Nothing but cargo is needed.
#[derive(Debug, Parser)]
#[command(name = "portcullis-demo", bin_name = "cargo demo --", version, after_help = EXAMPLES)]
struct Arguments {
    /// The story to tell
    #[arg(long, value_name = "NAME", default_value = "correct-web-port")]
    scenario: Scenario,
    /// Work in this folder and leave it, in the place of target/demo/NAME
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// List the scenarios
    #[arg(long)]
    list: bool,
}

const EXAMPLES: &str = "\
Examples:
  cargo demo
  cargo demo -- --list
  cargo demo -- --scenario plan-swapped
  cargo demo -- --scenario hand-made-drift --keep /tmp/drift

Exit codes: the pipeline's own (see docs/exit-codes.md), or 69 when the demo itself cannot run.";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let terminal = Terminal::of_stdout(
        variable("NO_COLOR").is_some(),
        variable("TERM").as_deref() == Some("dumb"),
    );
    if arguments.list {
        return list(terminal);
    }
    let options = Options {
        scenario: arguments.scenario,
        keep: arguments.keep,
        workspace: root(),
        cargo: variable("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from),
        inherited: portcullis_sandbox::demo::INHERITED
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), variable(name)?)))
            .collect(),
        terminal,
    };
    match run(&options, &mut std::io::stdout()).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => complain(&error),
    }
}

fn list(terminal: Terminal) -> ExitCode {
    let mut out = std::io::stdout();
    let mut screen = Screen::new(&mut out, terminal);
    for scenario in Scenario::ALL {
        screen.paragraph(scenario.name(), Style::Bold);
        screen.indented(scenario.story(), 2);
    }
    ExitCode::SUCCESS
}

#[expect(
    clippy::print_stderr,
    reason = "the one place where the demo's own failure is told"
)]
fn complain(error: &DemoError) -> ExitCode {
    eprintln!("error: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        eprintln!("  because: {source}");
        cause = source.source();
    }
    if let Some(hint) = error.hint() {
        eprintln!("hint: {hint}");
    }
    ExitCode::from(error.exit_code())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the demo's edge: the environment is read here"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Help was asked for, or the command line is wrong: 64, as with all binaries here.
fn usage(error: &clap::Error) -> ExitCode {
    let _shown = error.print();
    ExitCode::from(if error.use_stderr() { 64 } else { 0 })
}

/// The root of the checkout: two folders above this package.
fn root() -> PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(PathBuf::from)
        .unwrap_or_default()
}
