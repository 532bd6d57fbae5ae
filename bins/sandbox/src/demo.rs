//! The demo: the whole pipeline, as real child processes, on the stand-ins.
//!
//! [`scenario`] holds the stories, [`pipeline`] the jobs as `templates/pipeline.yml` has them,
//! [`environment`] what GitLab tells a job; these are pure. [`build`] makes the binaries, [`screen`] shows, [`run()`]
//! does it.

pub mod build;
pub mod environment;
pub mod pipeline;
pub mod scenario;
pub mod screen;

mod run;
mod theatre;

pub use run::{DemoError, Options, run};
pub use scenario::Scenario;

/// Variables that the jobs' processes get from outside: where programs are, where one lives, and, on Windows, what
/// sockets need.
pub const INHERITED: [&str; 4] = ["PATH", "HOME", "SystemRoot", "TMPDIR"];
