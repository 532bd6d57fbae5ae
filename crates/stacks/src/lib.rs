//! Many states at once.
//!
//! **What it is for.** A *stack* is one managed state, or one folder of Terraform code: whatever gets a chain of jobs of its
//! own. [`FanOut`] lists the stacks of one run, [`Pipeline`] is the text of the child pipeline that gives each its chain
//! within GitLab's limits, [`touched`] finds the folders that a change touches, [`Outcome`] is what a job leaves behind for
//! one stack, and [`StacksReport`] joins all of them: a stack that left nothing is undetermined, never a pass.
//!
//! **What it is not.** It asks nobody, starts nothing and reads no file. What the chains do is no business of its own: a job
//! is a name and the keywords it has in GitLab.
//!
//! ```
//! use portcullis_stacks::{FanOut, Job, Kind, Limits, Pipeline, Stack};
//!
//! let job = Job::included("check", ["check"]);
//! let stacks = Stack::number([Stack::of_state("production"), Stack::of_state("staging")]);
//! let fan_out = FanOut::new(Kind::States, &[job.clone()], stacks);
//! let pipeline = Pipeline::new(&fan_out, vec![job]).write(&Limits::default())?;
//! assert_eq!((pipeline.chains, pipeline.jobs), (2, 4), "a chain for each, the list, and the report");
//! assert!(pipeline.text.contains("\"check: production\":"));
//! # Ok::<(), portcullis_stacks::TooLarge>(())
//! ```

mod change;
mod document;
mod label;
mod outcome;
mod pipeline;
mod report;
mod stack;
mod yaml;

pub use change::{Roots, Touched, normal, touched};
pub use document::{FanOut, Kind};
pub use outcome::{Outcome, Step};
pub use pipeline::{Job, Limits, Pipeline, TooLarge, Written};
pub use report::{Left, StackRow, StacksReport};
pub use stack::Stack;
pub use yaml::Yaml;
