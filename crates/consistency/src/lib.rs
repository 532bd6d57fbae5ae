//! Declared, recorded and live, compared rule by rule.
//!
//! **What it is for.** `terraform plan` sees what the state owns. A rule added by hand to a group whose rules are separate
//! resources, or a change made from a laptop, it can't see. This crate lays the three views side by side: what the code
//! declares (by its plan), what the state records, what EC2 has; each rule gets one verdict.
//!
//! **What it is not.** It reads no file, calls no API, and does not ask whether a rule is allowed (that is `compliance`).
//!
//! ```
//! use portcullis_consistency::{Views, compare};
//! use portcullis_report::Verdict;
//! use portcullis_secgroup::Inventory;
//! use portcullis_terraform::{Plan, State};
//!
//! let plan = Plan::read(r#"{"format_version": "1.2", "resource_changes": []}"#)?;
//! let state = State::read(r#"{"version": 4, "serial": 1, "lineage": "x", "resources": []}"#)?;
//! let (declared, recorded, live) = (plan.after()?, state.view()?, Inventory::default());
//! let report = compare(&Views::declared(&declared).recorded(Some(&recorded)).live(Some(&live)));
//! assert_eq!(report.verdict, Verdict::Pass);
//! # Ok::<(), portcullis_terraform::ReadError>(())
//! ```

mod compare;
mod document;
mod findings;
mod hand;
mod live;
mod markdown;
mod others;
mod pairs;
mod provenance;
mod repair;
mod rows;
mod since;
mod text;
mod trail;
mod view;

pub use compare::{Views, compare};
pub use document::{
    ConsistencyReport, DoneBy, GroupRow, MemberRow, PolicyFinding, PrefixListRow, RuleRow, RuleVerdict,
};
pub use hand::{Relation, Tie};
pub use provenance::{Provenance, StateOrigin};
pub use repair::Repair;
pub use since::Since;
