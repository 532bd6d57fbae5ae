//! The nouns of security groups, and their exact algebra.
//!
//! **What it is for.** A security group is a list of allowances, so its meaning is a plain union. This crate gives
//! that union as a set: which protocol and port (or ICMP type and code), towards which addresses, groups and prefix
//! lists. Sets are compared, never strings: two rules for `0.0.0.0/1` and `128.0.0.0/1` *are* the whole IPv4 internet.
//!
//! **What it is not.** It reads no Terraform, no JSON and no AWS, judges nothing, and does no IO.
//!
//! # Where to begin
//!
//! | you have, or want | type |
//! |---|---|
//! | a block of addresses as text | [`Cidr`]: parsed once, canonical, never compared as text |
//! | a set of addresses, both families | [`AddressSet`]: `internet()`, `private()`, union, difference, `cidrs()`, `witness()` |
//! | protocols with their ports, or ICMP types | [`Protocol`], [`Ports`]; a set of them is a [`TrafficSet`] |
//! | who is on the other side | [`Peer`]: a block, a group, the group itself, a prefix list, or not known yet; a set of them is a [`PeerSet`] |
//! | one rule | [`Rule`]; `rule.key()` is what makes two rules the same |
//! | what rules open together | [`OpenSet`]; of very many rules, asked and not written out, [`Overlay`] |
//! | groups, interfaces and lists in one view | [`Inventory`]; `inventory.open(interface, …)` joins an interface's groups |
//!
//! # What rules open, and what a change opens
//!
//! ```
//! use portcullis_secgroup::{AddressSet, Cidr, Direction, OpenSet, Peer, Ports, PrefixLists, Protocol, Rule};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ssh = |cidr: &str| -> Result<Rule, Box<dyn std::error::Error>> {
//!     let ports = Ports::read(Protocol::TCP, Some(22), Some(22))?;
//!     Ok(Rule::new(Direction::Ingress, Protocol::TCP, ports, Peer::Cidr(cidr.parse::<Cidr>()?)))
//! };
//! let lists = PrefixLists::default();
//! let before = OpenSet::certain(&[ssh("0.0.0.0/1")?], Direction::Ingress, &lists);
//! let after = OpenSet::certain(&[ssh("0.0.0.0/1")?, ssh("128.0.0.0/1")?], Direction::Ingress, &lists);
//!
//! let piece = &after.pieces()[0];
//! assert!(AddressSet::internet().v4().is_subset(piece.peers.addresses().v4()));
//! assert_eq!(piece.describe(Direction::Ingress), "tcp 22 from the whole IPv4 internet");
//!
//! let opened = after.difference(&before);
//! assert_eq!(opened.pieces()[0].describe(Direction::Ingress), "tcp 22 from 128.0.0.0/1");
//! assert_eq!(opened.witness(Direction::Ingress).as_deref(), Some("tcp 22 from 149.112.112.112"));
//! assert!(before.difference(&after).is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # What is not known
//!
//! A value that is known only after apply is [`Known::NotYet`], [`Known::Within`] something, or [`Peer::Unknown`]. Two readings bound
//! what it may turn out to be: [`OpenSet::certain`] is open whatever it is, [`OpenSet::possible`] is all that may be. Where both agree about a
//! question, the unknown does not matter.
//!
//! ```
//! use portcullis_secgroup::{Direction, OpenSet, Peer, Ports, PrefixLists, Protocol, Rule, UnknownPeer};
//! let ports = Ports::Range { from: 443, to: 443 };
//! let rule = Rule::new(Direction::Ingress, Protocol::TCP, ports, Peer::Unknown(UnknownPeer::Ipv4));
//! let rules = [rule];
//! let lists = PrefixLists::default();
//! assert!(OpenSet::certain(&rules, Direction::Ingress, &lists).is_empty());
//! let possible = OpenSet::possible(&rules, Direction::Ingress, &lists);
//! assert_eq!(possible.pieces()[0].describe(Direction::Ingress), "tcp 443 from the whole IPv4 internet");
//! ```

mod address;
mod area;
mod cells;
mod gap;
mod group;
mod interface;
mod interval;
mod inventory;
mod open;
mod overlay;
mod peer;
mod protocol;
mod registry;
mod rule;
mod traffic;

pub use address::{AddressSet, Cidr, CidrError};
pub use area::{Area, Reading};
pub use gap::{Gap, Missing};
pub use group::{Group, GroupSelector, wildcard};
pub use interface::Interface;
pub use interval::{IntervalSet, Point};
pub use inventory::{Inventory, InventoryIndex, StaleReference, VpcAssociation};
pub use open::{OpenPiece, OpenSet};
pub use overlay::{Covered, Overlay};
pub use peer::{Peer, PeerSet, PrefixLists, Token, TokenSet, UnknownPeer};
pub use protocol::{Protocol, ProtocolError};
pub use rule::{Direction, Known, Ports, PortsError, Rule, RuleKey, told_twice};
pub use traffic::TrafficSet;
