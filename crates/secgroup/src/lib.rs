//! The nouns of security groups, and their exact algebra.
//!
//! **What it is for.** A security group is a list of allowances, so its meaning is a plain union. This crate gives
//! that union as a set: which protocol and port (or ICMP type and code), towards which addresses, groups and prefix
//! lists. Sets are compared, never strings: two rules for `0.0.0.0/1` and `128.0.0.0/1` *are* the whole IPv4 internet.
//!
//! **What it is not.** It reads no Terraform, no JSON and no AWS, judges nothing, and does no IO.
//!
//! ```
//! use portcullis_secgroup::{AddressSet, Cidr, Direction, OpenSet, Peer, Ports, PrefixLists, Protocol, Rule};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let half = |cidr: &str| -> Result<Rule, Box<dyn std::error::Error>> {
//!     let ports = Ports::read(Protocol::TCP, Some(22), Some(22))?;
//!     Ok(Rule::new(Direction::Ingress, Protocol::TCP, ports, Peer::Cidr(cidr.parse::<Cidr>()?)))
//! };
//! let rules = [half("0.0.0.0/1")?, half("128.0.0.0/1")?];
//! let open = OpenSet::certain(&rules, Direction::Ingress, &PrefixLists::default());
//! let internet = AddressSet::internet();
//! assert!(internet.v4().is_subset(open.pieces()[0].peers.addresses().v4()));
//! assert_eq!(open.pieces()[0].describe(Direction::Ingress), "tcp 22 from the whole IPv4 internet");
//! # Ok(())
//! # }
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
pub use rule::{Direction, Known, Ports, PortsError, Rule, RuleKey};
pub use traffic::TrafficSet;
