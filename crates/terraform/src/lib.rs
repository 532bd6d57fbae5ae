//! Terraform's documents, and the security groups, rules and members inside them.
//!
//! **What it is for.** Plan JSON (`terraform show -json PLAN`), raw state (version 4, as a backend stores it), and `.tf`
//! text become groups with rules in `portcullis-secgroup`'s normal form, each rule with the Terraform address that owns
//! it. It knows every way the AWS provider has of writing a rule, tells a group's own inline rules from the computed
//! echo of rules that are resources of their own, and keeps apart what is known and what is known only after apply.
//!
//! **What it is not.** It runs no terraform, reads no file, judges nothing. Other resources of a plan are not its matter.
//!
//! ```
//! let plan = r#"{"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [
//!   {"address": "aws_security_group.web", "mode": "managed", "type": "aws_security_group", "name": "web",
//!    "change": {"actions": ["create"], "before": null, "after_unknown": {"id": true},
//!     "after": {"name": "web", "ingress": [{"protocol": "tcp", "from_port": 443, "to_port": 443,
//!       "cidr_blocks": ["0.0.0.0/0"]}], "egress": []}}}]}"#;
//! let plan = portcullis_terraform::Plan::read(plan)?;
//! let after = plan.after()?;
//! assert_eq!(after.groups[0].address.as_deref(), Some("aws_security_group.web"));
//! assert_eq!(after.groups[0].rules.len(), 1);
//! # Ok::<(), portcullis_terraform::ReadError>(())
//! ```

mod address;
mod attributes;
mod behind;
mod code;
mod configuration;
mod error;
mod fields;
mod groups;
mod idle;
mod members;
mod parallel;
mod plan;
mod prefix_lists;
mod resource;
mod rules;
mod sensitive;
mod shown;
mod state;
mod tree;

pub use address::Address;
pub use code::{ConfigError, Configuration, Declared, Fact, FactKind, ModuleSource, ResourceBlock};
pub use error::{Problem, ReadError};
pub use groups::{Inline, Origin, OwnedRule, TerraformGroup, View};
pub use idle::changes_nothing;
pub use members::Member;
pub use plan::{ActionCounts, Plan};
pub use rules::NotKnown;
pub use sensitive::{MASKED, Sensitive, SensitiveParts, mask_plan, same_plan, sensitive_variables};
pub use state::State;
