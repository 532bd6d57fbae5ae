//! The edges of a stage binary: arguments, environment, files, processes, clock, exit code.
//!
//! **What it is for.** A stage binary is a pure decision between two edges. This crate is the edges, once for all
//! of them: it parses arguments, reads the environment, names the file in an error, writes artifacts whole or not
//! at all, starts terraform without a shell, masks secrets in everything that leaves the process, and turns a
//! failure into one printed chain and a documented [exit code](Exit).
//!
//! **What it is not.** It knows no security group, no plan and no policy; the feature `code` reads Terraform's code, with the
//! local modules it calls. It sends nothing over a network, but for the features `gitlab`, which reads the managed
//! state, and `guard`, which asks GitLab about the change and who plays. A library must not depend on it: libraries take text
//! and values.
//!
//! ```no_run
//! use portcullis_stage::{ArtifactArgs, Exit, Failure, Stage};
//! use std::path::PathBuf;
//!
//! /// Counts the bytes of a plan.
//! #[derive(clap::Parser)]
//! #[command(version)]
//! struct Args {
//!     /// The plan's JSON.
//!     #[arg(long)]
//!     plan: PathBuf,
//!     #[command(flatten)]
//!     artifacts: ArtifactArgs,
//! }
//!
//! fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
//!     let plan = stage.read_text(&args.plan)?;
//!     stage.say("counting");
//!     let count = format!("{}\n", plan.len());
//!     stage.artifacts(&args.artifacts.folder).write_text("count.txt", &count)?;
//!     stage.out(&count)?;
//!     Ok(Exit::Pass)
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     portcullis_stage::main(run)
//! }
//! ```

mod arguments;
mod artifacts;
#[cfg(feature = "code")]
mod code;
mod edge;
mod environment;
mod exit;
mod failure;
mod files;
#[cfg(feature = "gitlab")]
mod gitlab;
#[cfg(feature = "guard")]
mod guard;
mod large;
mod passed;
#[cfg(feature = "policy")]
mod policy;
mod program;
mod redact;
mod saved_plan;
mod signals;
mod stage;
mod terraform;

pub use arguments::{ArtifactArgs, FormatArgs, NoFormatAndFile, StateArgs, WriteTo};
pub use artifacts::{Artifacts, WriteError};
#[cfg(feature = "code")]
pub use code::code_place;
pub use edge::main;
pub use environment::{Environment, UnsetVariable};
pub use exit::Exit;
pub use failure::Failure;
pub use files::{LARGEST_CODE, ReadError, ReadErrorKind};
#[cfg(feature = "guard")]
pub use guard::{GuardArgs, Guarding, NamedText};
pub use large::LargeFile;
pub use passed::Passed;
pub use program::{Output, Program, ProgramError, ProgramErrorKind};
pub use redact::Redactor;
pub use saved_plan::SavedPlan;
pub use signals::Cancelled;
pub use stage::Stage;
pub use terraform::Terraform;
