//! What EC2 has: groups with their rules, and the members that carry them.

use crate::group::Group;
use crate::open::OpenSet;
use crate::peer::PrefixLists;
use crate::rule::Direction;
use std::collections::HashMap;
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
    /// The group with this id. For many look-ups, see [`Inventory::index`].
    #[must_use]
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.id.as_deref() == Some(id))
    }

    /// What all groups of an interface open together: AWS joins the groups of an interface into one set of allowances (Amazon
    /// VPC User Guide, "Security groups"). A group that is not in the inventory opens nothing for certain.
    #[must_use]
    pub fn open(&self, interface: &Interface, direction: Direction) -> OpenSet {
        let groups = interface.groups.iter().filter_map(|id| self.group(id));
        joined(groups, direction, &self.prefix_lists)
    }

    /// The interfaces that carry the group with this id. For many look-ups, see [`Inventory::index`].
    pub fn members<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Interface> {
        self.interfaces
            .iter()
            .filter(move |interface| interface.groups.iter().any(|group| group == id))
    }

    /// The same answers by look-up: made in one pass, for whoever asks about many groups or interfaces.
    ///
    /// ```
    /// use portcullis_secgroup::{Interface, Inventory};
    /// let interface = |id: &str| Interface { id: id.into(), groups: vec!["sg-1".into()], ..Interface::default() };
    /// let inventory = Inventory { interfaces: vec![interface("eni-1"), interface("eni-2")], ..Inventory::default() };
    /// let index = inventory.index();
    /// assert_eq!(index.members("sg-1").len(), 2);
    /// assert!(index.members("sg-2").is_empty());
    /// ```
    #[must_use]
    pub fn index(&self) -> InventoryIndex<'_> {
        let mut index = InventoryIndex {
            groups: HashMap::with_capacity(self.groups.len()),
            members: HashMap::new(),
            prefix_lists: &self.prefix_lists,
        };
        for group in &self.groups {
            if let Some(id) = &group.id {
                index.groups.entry(id).or_insert(group);
            }
        }
        for interface in &self.interfaces {
            for id in &interface.groups {
                let members = index.members.entry(id).or_default();
                // An interface may name a group twice; it is one member.
                if members.last().is_none_or(|last| !std::ptr::eq(*last, interface)) {
                    members.push(interface);
                }
            }
        }
        index
    }
}

/// The groups and members of an inventory by group id.
#[derive(Debug, Clone)]
pub struct InventoryIndex<'a> {
    groups: HashMap<&'a str, &'a Group>,
    members: HashMap<&'a str, Vec<&'a Interface>>,
    prefix_lists: &'a PrefixLists,
}

impl<'a> InventoryIndex<'a> {
    /// As [`Inventory::group`].
    #[must_use]
    pub fn group(&self, id: &str) -> Option<&'a Group> {
        self.groups.get(id).copied()
    }

    /// As [`Inventory::members`], in the same order.
    #[must_use]
    pub fn members(&self, id: &str) -> &[&'a Interface] {
        self.members.get(id).map_or(&[], Vec::as_slice)
    }

    /// As [`Inventory::open`].
    #[must_use]
    pub fn open(&self, interface: &Interface, direction: Direction) -> OpenSet {
        let groups = interface.groups.iter().filter_map(|id| self.group(id));
        joined(groups, direction, self.prefix_lists)
    }
}

fn joined<'a>(groups: impl Iterator<Item = &'a Group>, direction: Direction, lists: &PrefixLists) -> OpenSet {
    OpenSet::certain(groups.flat_map(|group| &group.rules), direction, lists)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inventory() -> impl Strategy<Value = Inventory> {
        let ids = || prop::collection::vec((0_u8..5).prop_map(|n| format!("sg-{n}")), 0..5);
        (ids(), prop::collection::vec(ids(), 0..6)).prop_map(|(groups, carried)| Inventory {
            groups: groups
                .into_iter()
                .enumerate()
                .map(|(n, id)| Group {
                    id: Some(id),
                    name: Some(format!("group {n}")),
                    ..Group::default()
                })
                .collect(),
            interfaces: carried
                .into_iter()
                .enumerate()
                .map(|(n, groups)| Interface {
                    id: format!("eni-{n}"),
                    groups,
                    ..Interface::default()
                })
                .collect(),
            ..Inventory::default()
        })
    }

    proptest! {
        #[test]
        fn the_index_answers_as_the_inventory_does(inventory in inventory()) {
            let index = inventory.index();
            for id in (0..6).map(|n| format!("sg-{n}")) {
                prop_assert_eq!(index.group(&id), inventory.group(&id));
                let members: Vec<&Interface> = inventory.members(&id).collect();
                prop_assert_eq!(index.members(&id), members.as_slice());
            }
        }
    }
}
