//! A stage that ends as it is told: what the tests of this crate run to see an ending from outside.
//!
//! ```sh
//! cargo run -p portcullis-stage --example edge -- fail
//! ```

use portcullis_stage::{ArtifactArgs, Exit, Failure, FormatArgs, Stage};
use std::path::PathBuf;
use std::process::ExitCode;

/// Ends as it is told.
#[derive(clap::Parser)]
#[command(name = "edge", version)]
struct Args {
    /// How to end
    #[arg(value_enum)]
    ending: Ending,
    /// A file to read first
    #[arg(long)]
    file: Option<PathBuf>,
    /// Terraform or OpenTofu
    #[arg(long)]
    terraform: Option<PathBuf>,
    #[command(flatten)]
    artifacts: ArtifactArgs,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Ending {
    Pass,
    Undetermined,
    Fail,
    Terraform,
    Panic,
    Now,
    Flood,
}

#[expect(clippy::panic, reason = "the tests look at how a panic ends")]
fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    if let Some(file) = &args.file {
        let text = stage.read_text(file)?;
        stage.say(format!("read {} bytes as {}", text.len(), args.format.format));
        stage
            .artifacts(&args.artifacts.folder)
            .write_text("copy.txt", &text)?;
        stage.out(text)?;
    }
    let secret = stage.variable("EDGE_TOKEN").unwrap_or_default();
    match args.ending {
        Ending::Pass => Ok(Exit::Pass),
        Ending::Undetermined => Ok(Exit::Undetermined),
        Ending::Fail => {
            Err(Failure::unavailable(format!("no answer to {secret}\u{1b}[31m")).hint("ask again"))
        }
        Ending::Terraform => {
            let terraform = stage
                .terraform(args.terraform.as_deref())?
                .arg("version")
                .env("EDGE_EXTRA", "yes");
            stage.say(format!("running {}", terraform.title()));
            let output = terraform.run_teed()?;
            stage.out(&output.transcript)?;
            if output.success() {
                return Ok(Exit::Pass);
            }
            Err(Failure::terraform(
                output.code(),
                format!("terraform ended with {}", output.code()),
            ))
        }
        Ending::Panic => panic!("nobody expected {secret}"),
        Ending::Now => {
            stage.out(format!("{}\n", stage.block_on(async { stage.now() })))?;
            Ok(Exit::Pass)
        }
        Ending::Flood => {
            for _ in 0..100_000 {
                stage.out("a line of data that fills a pipe\n")?;
            }
            Ok(Exit::Pass)
        }
    }
}

fn main() -> ExitCode {
    portcullis_stage::main(run)
}
