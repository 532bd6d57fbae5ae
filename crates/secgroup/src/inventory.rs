//! What EC2 has: groups with their rules, and the members that carry them.

use crate::group::Group;
use crate::open::OpenSet;
use crate::peer::PrefixLists;
use crate::rule::Direction;
use std::net::IpAddr;

/// The live view: what was read from EC2, and what could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The account, where known.
    pub account: Option<String>,
    /// The region, where known.
    pub region: Option<String>,
    /// The groups with their rules.
    pub groups: Vec<Group>,
    /// The network interfaces.
    pub interfaces: Vec<Interface>,
    /// The entries of the prefix lists.
    pub prefix_lists: PrefixLists,
    /// What could not be read. An inventory with gaps never proves that something is absent.
    pub gaps: Vec<Gap>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What: an EC2 call such as `DescribeNetworkInterfaces`, or a file.
    pub what: String,
    /// Why, in one line.
    pub why: String,
}

/// A network interface: the thing that carries security groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its id, `eni-…`.
    pub id: String,
    /// Its description; for a load balancer the only trace that leads back to it.
    pub description: Option<String>,
    /// The instance it is attached to.
    pub instance_id: Option<String>,
    /// The instance's `Name` tag.
    pub instance_name: Option<String>,
    /// Its private addresses.
    pub private_addresses: Vec<IpAddr>,
    /// Its public IPv4 addresses, and its IPv6 addresses (which are always routable).
    pub public_addresses: Vec<IpAddr>,
    /// Its public DNS name.
    pub public_dns: Option<String>,
    /// The ids of the groups it carries.
    pub groups: Vec<String>,
}

impl Interface {
    /// What people call it: the instance's name, else the instance's id, else its description, else its own id.
    #[must_use]
    pub fn label(&self) -> &str {
        [&self.instance_name, &self.instance_id, &self.description]
            .into_iter()
            .flatten()
            .find(|text| !text.is_empty())
            .map_or(&self.id, String::as_str)
    }
}

impl Inventory {
    /// The group with this id.
    #[must_use]
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.id.as_deref() == Some(id))
    }

    /// What all groups of an interface open together: AWS joins the groups of an interface into one set of allowances (Amazon
    /// VPC User Guide, "Security groups"). A group that is not in the inventory opens nothing for certain.
    #[must_use]
    pub fn open(&self, interface: &Interface, direction: Direction) -> OpenSet {
        let rules = interface
            .groups
            .iter()
            .filter_map(|id| self.group(id))
            .flat_map(|group| &group.rules);
        OpenSet::certain(rules, direction, &self.prefix_lists)
    }

    /// The interfaces that carry the group with this id.
    pub fn members<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Interface> {
        self.interfaces
            .iter()
            .filter(move |interface| interface.groups.iter().any(|group| group == id))
    }
}
