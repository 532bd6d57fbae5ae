//! A policy file held against security-group rules: a report with three verdicts.
//!
//! **What it is for.** Say once, in YAML, what may be open; judge each planned change by it. Everything is sets: the
//! open set of a group is the union of all its rules, so two halves of the internet are the internet. What is not known
//! yet is tried both ways, and is *undetermined* only where it could make the difference. [`Policy::explain`] tells what a
//! rule means. The language is taught in `docs/policy.md`; ready rules lie in `policies/`.
//!
//! **What it is not.** It reads no file, runs no terraform, has no clock: text, views and today's date come from the caller.
//!
//! # Where to begin
//!
//! 1. Read a policy: [`Policy::read`], or [`Policy::read_all`] for several files that make one.
//! 2. Say what is judged: [`Subject::planned`] for a plan, [`Subject::recorded`] for a state, [`Subject::live`] for EC2.
//! 3. [`judge`] gives a `portcullis_report::Report`: its verdict, findings, and renderings (text, JSON, JUnit, SARIF, …).
//!
//! Code without a plan is judged by [`judge_code`], which also refuses what must not run. [`loosened`] tells what a new policy
//! lets pass that the old one did not.
//!
//! ```
//! use portcullis_compliance::{Policy, Subject, judge};
//! use portcullis_report::Verdict;
//! use portcullis_terraform::Plan;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::read("
//! version: 1
//! rules:
//!   - id: no-ssh-from-the-internet
//!     severity: critical
//!     deny: { direction: ingress, protocol: tcp, ports: [22], peers: internet, extent: whole }
//! ")?;
//! let plan = Plan::read(r#"{"format_version": "1.2", "resource_changes": [
//!   {"address": "aws_security_group.admin", "mode": "managed", "type": "aws_security_group", "name": "admin",
//!    "change": {"actions": ["create"], "before": null, "after_unknown": {}, "after": {"name": "admin", "egress": [],
//!      "ingress": [{"protocol": "tcp", "from_port": 22, "to_port": 22,
//!        "cidr_blocks": ["0.0.0.0/1", "128.0.0.0/1"]}]}}}]}"#)?;
//! let (after, before) = (plan.after()?, plan.before()?);
//! let report = judge(&policy, &Subject::planned(&after, &before, plan.partial()), "2026-11-23".parse()?);
//! assert_eq!(report.verdict, Verdict::Violation);
//! let finding = &report.findings[0];
//! assert_eq!(finding.exposure, "tcp 22 from the whole IPv4 internet");
//! assert_eq!(finding.witness.as_deref(), Some("tcp 22 from 8.8.8.8"));
//! assert_eq!(finding.resources, ["aws_security_group.admin"]);
//! # Ok(())
//! # }
//! ```
//!
//! # Three verdicts
//!
//! Here the source of a rule is known only after apply. It may be anybody, so the gate can't tell about its port; about any other
//! port it can.
//!
//! ```
//! use portcullis_compliance::{Policy, Subject, judge};
//! use portcullis_report::Verdict;
//! use portcullis_terraform::Plan;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let plan = Plan::read(r#"{"format_version": "1.2", "resource_changes": [
//!   {"address": "aws_vpc_security_group_ingress_rule.peer", "mode": "managed", "type": "aws_vpc_security_group_ingress_rule",
//!    "name": "peer", "change": {"actions": ["create"], "before": null, "after_unknown": {"cidr_ipv4": true},
//!     "after": {"security_group_id": "sg-1", "ip_protocol": "tcp", "from_port": 5432, "to_port": 5432}}}]}"#)?;
//! let (after, before) = (plan.after()?, plan.before()?);
//! let verdict = |port: u16| -> Result<Verdict, Box<dyn std::error::Error>> {
//!     let policy = Policy::read(&format!(
//!         "{{version: 1, rules: [{{id: closed, severity: high, deny: {{protocol: tcp, ports: [{port}], peers: internet}}}}]}}"
//!     ))?;
//!     let subject = Subject::planned(&after, &before, plan.partial());
//!     Ok(judge(&policy, &subject, "2026-11-23".parse()?).verdict)
//! };
//! assert_eq!(verdict(5432)?, Verdict::Undetermined);
//! assert_eq!(verdict(22)?, Verdict::Pass);
//! # Ok(())
//! # }
//! ```

mod document;
mod error;
mod explain;
mod extent;
mod fit;
mod gate;
mod hidden;
mod hole;
mod judge;
mod loosened;
mod members;
mod parallel;
mod peers;
mod policy;
mod question;
mod rules;
mod subject;
mod valid;
mod waiver;

pub use error::{PolicyError, PolicyFileError};
pub use gate::{PREFIX as GATE, judge_code};
pub use hidden::Hidden;
pub use judge::judge;
pub use loosened::{loosened, loosened_files};
pub use policy::Policy;
pub use subject::Subject;
