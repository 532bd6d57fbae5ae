//! Verdicts, findings and reports, and the ways to write them down.
//!
//! **What it is for.** Every gate of the pipeline ends in the same three answers: *pass*, *violation*, or
//! *undetermined* when something that matters is not known. This crate holds that vocabulary, and renders a
//! report for people (text, Markdown) and for tools (JSON, JUnit, GitLab Code Quality, SARIF).
//!
//! **What it is not.** It judges nothing and reads nothing: no policy, no plan, no file. Text from outside is
//! made safe for a terminal or a job log by [`text::clean`]; escaping for Slack is the `slack` crate's.
//!
//! ```
//! use portcullis_report::{Finding, GroupRef, Report, Severity, Standing, Verdict};
//!
//! let finding = Finding::new("admin-ports", Severity::Critical, Verdict::Violation)
//!     .title("Administration ports are open to the offices only")
//!     .group(GroupRef::address("aws_security_group.admin"))
//!     .exposure("tcp 22 from the whole IPv4 internet")
//!     .standing(Standing::New);
//! let report = Report::new("compliance", vec![finding]);
//! assert_eq!(report.verdict, Verdict::Violation);
//! assert!(report.to_text().contains("tcp 22 from the whole IPv4 internet"));
//! ```

mod annotations;
mod code_quality;
mod finding;
mod format;
mod junit;
mod markdown;
mod report;
mod sarif;
mod terraform;
pub mod text;
mod tool;
mod verdict;

pub use annotations::Annotations;
pub use finding::{Finding, GroupRef, Location, Rule, Standing, Waived};
pub use format::{Format, UnknownFormat};
pub use markdown::{Limits, Marker, NOTE_LIMIT, Note};
pub use report::{FORMAT_VERSION, Report};
pub use terraform::PlannedChanges;
pub use tool::Tool;
pub use verdict::{Severity, UnknownVerdict, Verdict};
