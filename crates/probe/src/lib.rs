//! Service targets and what they should answer, against what they answered.
//!
//! **What it is for.** After a deploy, a port that is open to the internet should have somebody behind it, and one that was
//! closed should be silent. The targets come from facts, not from a list someone maintains: [`targets`] takes an inventory and
//! gives one target per member, public address and open TCP port; [`add_closed`] adds what a change closed. [`judge`] holds a
//! [`Reply`] against what is wanted; [`ServicesReport`] is the whole, as a document. The `client` feature asks for real.
//!
//! **What it is not.** It is no port scanner: it asks only what a rule opens or a change closed, on members of the groups
//! selected, and a bounded number of ports of each. It knows no Terraform and no AWS. Without the `client` feature it does no IO.
//!
//! ```
//! use portcullis_probe::{
//!     Answer, Expectations, HttpAnswer, Reach, Reply, Selection, ServicesReport, judge, targets,
//! };
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
//!     public_addresses: vec!["52.95.110.7".parse()?],
//!     groups: vec!["sg-1".into()],
//!     ..Interface::default()
//! };
//! let inventory = Inventory { groups: vec![web], interfaces: vec![front], ..Inventory::default() };
//!
//! let found = targets(&inventory, &Selection::default(), &Expectations::default());
//! assert_eq!(found.targets[0].url(), "http://52.95.110.7:8000/");
//!
//! let http = HttpAnswer { status: 502, ..HttpAnswer::default() };
//! let reply = Reply { answer: Answer::Http(Box::new(http)), ..Reply::default() };
//! let check = judge(&found.targets[0], &reply, 1, &Reach::default());
//! assert_eq!(check.outcome, "status 502 Bad Gateway, expected 200");
//! assert_eq!(ServicesReport::new(vec![check], &found).verdict, Verdict::Violation);
//! # Ok(())
//! # }
//! ```

mod answer;
mod changes;
#[cfg(feature = "client")]
pub mod client;
mod closing;
mod document;
mod expectation;
mod expectations;
mod find;
mod findings;
mod judge;
mod met;
mod open;
mod reach;
#[cfg(any(feature = "client", test))]
mod redirect;
mod report;
mod target;

pub use answer::{Answer, BadCertificate, BadName, HttpAnswer, Phase, Reply};
pub use changes::{Changes, CheckChange};
pub use closing::{Closing, Whose, add_closed};
pub use document::{Certificate, CheckResult, MemberKind, Phases, ServiceCheck, ServicesReport, Wants};
pub use expectation::{BadExpectation, Expectation, MOST_REDIRECTS, REDIRECTS, Scheme};
pub(crate) use expectations::Entry;
pub use expectations::{Expectations, ExpectationsError};
pub use find::{MOST_PORTS, Selection, Targets, Unasked, targets};
pub use judge::{is_met, judge};
pub use reach::{BadControl, Control, Controlled, Reach};
pub use target::{Place, Target, Wish};
