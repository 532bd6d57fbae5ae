//! Service targets and what they should answer, against what they answered.
//!
//! **What it is for.** After a deploy, a port that is open to the internet should have somebody behind it. The
//! targets come from facts, not from a list someone maintains: [`targets`] takes an inventory and gives one target
//! per member, public address and open TCP port. [`judge`] holds an [`Answer`] against the [`Expectation`];
//! [`ServicesReport`] is the whole, as a document. The `client` feature asks for real.
//!
//! **What it is not.** It is no port scanner: it asks only what a rule opens, on members of the groups selected. It
//! knows no Terraform and no AWS. Without the `client` feature it does no IO.
//!
//! ```
//! use portcullis_probe::{Answer, Expectation, Selection, ServicesReport, judge, targets};
//! use portcullis_report::Verdict;
//! use portcullis_secgroup::{Cidr, Direction, Group, Interface, Inventory, Peer, Ports, Protocol, Rule};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ports = Ports::Range { from: 8000, to: 8000 };
//! let everybody = Peer::Cidr("0.0.0.0/0".parse::<Cidr>()?);
//! let web = Group {
//!     id: Some("sg-1".into()),
//!     name: Some("web".into()),
//!     rules: vec![Rule::new(Direction::Ingress, Protocol::TCP, ports, everybody)],
//!     ..Group::default()
//! };
//! let front = Interface {
//!     id: "eni-1".into(),
//!     instance_name: Some("front".into()),
//!     public_addresses: vec!["198.51.100.7".parse()?],
//!     groups: vec!["sg-1".into()],
//!     ..Interface::default()
//! };
//! let inventory = Inventory { groups: vec![web], interfaces: vec![front], ..Inventory::default() };
//!
//! let expectation = Expectation::default();
//! let found = targets(&inventory, &Selection::default(), &expectation);
//! assert_eq!(found.targets[0].url.as_str(), "http://198.51.100.7:8000/");
//!
//! let answer = Answer::Status { status: 502, milliseconds: 12 };
//! let check = judge(&found.targets[0], &expectation, &answer, 1);
//! assert_eq!(check.outcome, "status 502 Bad Gateway, expected 200");
//! assert_eq!(ServicesReport::new(vec![check], &found).verdict, Verdict::Violation);
//! # Ok(())
//! # }
//! ```

mod answer;
#[cfg(feature = "client")]
pub mod client;
mod document;
mod expectation;
mod findings;
mod report;
mod target;

pub use answer::{Answer, judge};
pub use document::{ServiceCheck, ServicesReport};
pub use expectation::{BadExpectation, Expectation};
pub use target::{MOST_PORTS, Selection, Target, Targets, Untestable, targets};
