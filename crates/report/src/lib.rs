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

mod finding;
mod report;
pub mod text;
mod verdict;

pub use finding::{Finding, GroupRef, Location, Standing, Waived};
pub use report::{FORMAT_VERSION, Report};
pub use verdict::{Severity, UnknownVerdict, Verdict};
