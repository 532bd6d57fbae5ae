//! What a change opens and closes, per group and per member.
//!
//! **What it is for.** A diff of rules shows twelve lines where one port moved. This crate subtracts sets instead: what
//! will be open that was not, and what was open that will not be. A rewrite from one style to another opens and closes
//! nothing, and says so.
//!
//! [`ExposureReport::groups`] tells what each group opens and closes by itself; [`ExposureReport::members`] what changes for
//! each member, all of its groups joined: there, opening what another group opens already is nothing new, and joining a
//! group opens without any rule that changes.
//!
//! **What it is not.** No judgement: opening a port is not a violation here (that is `compliance`), and no diff of text.
//!
//! ```
//! use portcullis_terraform::Plan;
//!
//! let plan = Plan::read(r#"{"format_version": "1.2", "resource_changes": [
//!   {"address": "aws_security_group.web", "mode": "managed", "type": "aws_security_group", "name": "web",
//!    "change": {"actions": ["create"], "before": null, "after_unknown": {}, "after": {"name": "web", "egress": [],
//!      "ingress": [{"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["0.0.0.0/0"]}]}}}]}"#)?;
//! let report = portcullis_exposure::compare(&plan.before()?, &plan.after()?, plan.rules_rewritten(), plan.partial());
//! assert_eq!(report.headline, "opens tcp 443 from the whole IPv4 internet on web");
//! # Ok::<(), portcullis_terraform::ReadError>(())
//! ```

mod compare;
mod differences;
mod document;
mod entries;
mod headline;
mod hidden;
mod joined;
mod line;
mod live;
mod rank;
mod scene;
mod text;
mod told;

pub use compare::{Comparison, compare};
pub use document::{
    ComparedWith, ExposureReport, Fate, GroupDrift, GroupExposure, MemberExposure, MemberRef, NamedGroup,
};
pub use line::{Cause, Effect, Exact, ExposureLine, Reach, TrafficSpan};
