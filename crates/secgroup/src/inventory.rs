//! What EC2 has: groups with their rules, and the members that carry them.

use crate::gap::{Gap, Missing};
use crate::group::Group;
use crate::interface::Interface;
use crate::open::OpenSet;
use crate::peer::PrefixLists;
use crate::rule::{Direction, RuleKey};
use std::collections::HashMap;

/// The live view: what was read from EC2, and what could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The account, where known and only one.
    pub account: Option<String>,
    /// The region, where known and only one.
    pub region: Option<String>,
    /// The groups with their rules.
    pub groups: Vec<Group>,
    /// The network interfaces.
    pub interfaces: Vec<Interface>,
    /// The entries of the prefix lists.
    pub prefix_lists: PrefixLists,
    /// Where groups may be used besides their own VPC.
    pub associations: Vec<VpcAssociation>,
    /// Rules that name a group which is gone.
    pub stale: Vec<StaleReference>,
    /// What could not be read. What is not here is absent only where no gap says that it may be missing: see
    /// [`Inventory::may_lack_group`], [`Inventory::may_lack_rules_of`] and [`Inventory::may_lack_members`].
    pub gaps: Vec<Gap>,
}

/// A group that may also be used in a VPC other than its own (EC2 API reference, `SecurityGroupVpcAssociation`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VpcAssociation {
    /// The group's id.
    pub group: String,
    /// The other VPC's id.
    pub vpc_id: String,
    /// The account the VPC belongs to.
    pub vpc_account: Option<String>,
    /// How far it is, in EC2's word: `associated`, `associating`, `association-failed`, `disassociating`, ….
    pub state: String,
}

/// A rule that names a group of a peered VPC which is not there any more, or not reachable (EC2 API reference,
/// `StaleSecurityGroup`): it allows nothing, and would again for whoever gets the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StaleReference {
    /// The id of the group that holds the rule.
    pub group: String,
    /// The rule, by what identifies it; its peer is the group that is gone.
    pub rule: RuleKey,
    /// The VPC of the group that is gone.
    pub peer_vpc_id: Option<String>,
    /// What became of the peering connection, in EC2's word, such as `deleted`.
    pub peering: Option<String>,
}

impl Inventory {
    /// The group with this id. For many look-ups, see [`Inventory::index`].
    #[must_use]
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.id.as_deref() == Some(id))
    }

    /// Whether the group with this id may exist although it is not here.
    #[must_use]
    pub fn may_lack_group(&self, id: &str) -> bool {
        self.gaps.iter().any(|gap| match &gap.missing {
            Missing::Anything => true,
            Missing::Groups { except } => !except.contains(id),
            _ => false,
        })
    }

    /// Whether the group with this id may have rules that are not here, or not have some that are. A group that is not
    /// here and may exist may have any.
    #[must_use]
    pub fn may_lack_rules_of(&self, id: &str) -> bool {
        let here = self.group(id).is_some();
        self.gaps.iter().any(|gap| match &gap.missing {
            Missing::Anything => true,
            Missing::Groups { except } => !here && !except.contains(id),
            Missing::Rules { of } => of.as_deref().is_none_or(|of| of == id),
            _ => false,
        })
    }

    /// Whether interfaces may carry groups and not be here.
    #[must_use]
    pub fn may_lack_members(&self) -> bool {
        self.gaps.iter().any(|gap| {
            matches!(
                gap.missing,
                Missing::Anything | Missing::Groups { .. } | Missing::Members
            )
        })
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
