//! Terraform's documents, and the security groups, rules and members inside them.
//!
//! **What it is for.** Plan JSON (`terraform show -json PLAN`), raw state (version 4, as a backend stores it), and `.tf`
//! text become groups with rules in `portcullis-secgroup`'s normal form, each rule with the Terraform address that owns
//! it. It knows every way the AWS provider has of writing a rule, tells a group's own inline rules from the computed
//! echo of rules that are resources of their own, and keeps apart what is known and what is known only after apply.
//!
//! **What it is not.** It runs no terraform, reads no file, judges nothing. Other resources of a plan are not its matter.
//!
//! # Where to begin
//!
//! | you have | read it with | and ask |
//! |---|---|---|
//! | `terraform show -json PLAN` | [`Plan::read`] | [`Plan::after`], [`Plan::before`]: a [`View`] each; [`Plan::partial`] |
//! | a state: raw, or `terraform show -json` | [`State::read`] | [`State::view`] |
//! | `.tf`, `.tf.json`, `.tfvars` texts | [`Configuration::read`] | [`Configuration::declared`]: a view; [`Configuration::facts`]: what runs |
//! | both a plan and its code | [`Plan::with_code`] | the same views, with less that is not known |
//! | a plan that is to be shown | [`mask_plan`] | the same plan without what is marked sensitive |
//!
//! A [`View`] holds groups with their rules, each with its owner ([`OwnedRule`]); rules whose group can't be told yet
//! (`orphans`); members and the groups they carry; the entries of prefix lists; and `problems`: what was not understood, and must
//! not be taken for harmless. [`TerraformGroup::to_group`] hands a group on to the algebra.
//!
//! ```
//! use portcullis_terraform::{Origin, Plan};
//!
//! let plan = Plan::read(r#"{"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [
//!   {"address": "aws_security_group.web", "mode": "managed", "type": "aws_security_group", "name": "web",
//!    "change": {"actions": ["create"], "before": null, "after_unknown": {"id": true},
//!     "after": {"name": "web", "ingress": [{"protocol": "tcp", "from_port": 443, "to_port": 443,
//!       "cidr_blocks": ["0.0.0.0/0"]}], "egress": []}}}]}"#)?;
//! let (before, after) = (plan.before()?, plan.after()?);
//! assert!(before.groups.is_empty() && after.problems.is_empty());
//!
//! let web = after.group("aws_security_group.web").unwrap();
//! assert_eq!((web.name.as_deref(), web.id.as_deref()), (Some("web"), None));
//! let rule = &web.rules[0];
//! assert_eq!((rule.owner.as_str(), rule.origin), ("aws_security_group.web", Origin::Inline));
//! assert_eq!(rule.rule.peer.to_string(), "0.0.0.0/0");
//! # Ok::<(), portcullis_terraform::ReadError>(())
//! ```
//!
//! # A plan with its code
//!
//! A plan tells of a list with one element that is not known yet nothing but what it refers to. The code tells the list, and is
//! believed where it fits the plan.
//!
//! ```
//! use portcullis_terraform::{Configuration, Plan};
//!
//! let plan = Plan::read(r#"{"format_version": "1.2", "resource_changes": [
//!   {"address": "aws_security_group.web", "mode": "managed", "type": "aws_security_group", "name": "web",
//!    "change": {"actions": ["create"], "before": null, "after": {"name": "web"}, "after_unknown": {"id": true}}},
//!   {"address": "aws_instance.front", "mode": "managed", "type": "aws_instance", "name": "front",
//!    "change": {"actions": ["create"], "before": null, "after": {}, "after_unknown": {"vpc_security_group_ids": true}}}],
//!   "configuration": {"root_module": {"resources": [{"address": "aws_instance.front", "expressions":
//!    {"vpc_security_group_ids": {"references": ["aws_security_group.web.id", "aws_security_group.web"]}}}]}}}"#)?;
//! assert!(plan.after()?.members[0].groups_unknown);
//!
//! let code = Configuration::read([("main.tf", r#"
//! resource "aws_instance" "front" {
//!   vpc_security_group_ids = [aws_security_group.web.id, "sg-0a1b2c3d"]
//! }
//! "#)])?;
//! let after = plan.with_code(code).after()?;
//! assert_eq!(after.members[0].groups, ["aws_security_group.web", "sg-0a1b2c3d"]);
//! assert!(!after.members[0].groups_unknown);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod attributes;
mod behind;
mod code;
mod configuration;
mod error;
mod fields;
mod forgotten;
mod groups;
mod identity;
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
mod table;
mod tree;

pub use address::Address;
pub use code::{ConfigError, Configuration, Declared, Fact, FactKind, ModuleSource, ResourceBlock};
pub use error::{Problem, ReadError};
pub use groups::{Inline, Origin, OwnedRule, TerraformGroup, View};
pub use idle::changes_nothing;
pub use members::Member;
pub use plan::{ActionCounts, Plan};
pub use rules::NotKnown;
pub use sensitive::{
    MASKED, Sensitive, SensitiveParts, mask_plan, may_hold_variables, same_plan, sensitive_variables,
};
pub use state::State;
