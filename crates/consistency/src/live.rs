//! The live view, looked up by group: what it holds, and what it can't hold since it was read elsewhere.

use portcullis_secgroup::{Group, Inventory, StaleReference};
use portcullis_terraform::TerraformGroup;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;

/// What EC2 has, by the ids of the groups.
pub(crate) struct Live<'a> {
    pub(crate) inventory: &'a Inventory,
    /// A document may name a group twice: then its rules are those of both.
    listed: HashMap<&'a str, Vec<&'a Group>>,
    stale: HashMap<&'a str, Vec<&'a StaleReference>>,
    /// Which regions and accounts were read; `None` when that is not known.
    regions: Option<BTreeSet<&'a str>>,
    accounts: Option<BTreeSet<&'a str>>,
}

impl<'a> Live<'a> {
    pub(crate) fn new(inventory: &'a Inventory) -> Self {
        let mut listed: HashMap<&str, Vec<&Group>> = HashMap::with_capacity(inventory.groups.len());
        for group in &inventory.groups {
            if let Some(id) = group.id.as_deref() {
                listed.entry(id).or_default().push(group);
            }
        }
        let mut stale: HashMap<&str, Vec<&StaleReference>> = HashMap::new();
        for reference in &inventory.stale {
            stale.entry(&reference.group).or_default().push(reference);
        }
        let groups = || inventory.groups.iter();
        Self {
            inventory,
            listed,
            stale,
            regions: read(
                inventory.region.as_deref(),
                groups().map(|group| group.region.as_deref()),
            ),
            accounts: read(
                inventory.account.as_deref(),
                groups().map(|group| group.account.as_deref()),
            ),
        }
    }

    /// The group with this id; empty when EC2 does not list it.
    pub(crate) fn group(&self, id: Option<&str>) -> &[&'a Group] {
        id.and_then(|id| self.listed.get(id)).map_or(&[], Vec::as_slice)
    }

    /// Rules of this group whose peer is gone.
    pub(crate) fn stale(&self, id: Option<&str>) -> &[&'a StaleReference] {
        id.and_then(|id| self.stale.get(id)).map_or(&[], Vec::as_slice)
    }

    /// The account or region that was not read, and where the group is.
    pub(crate) fn elsewhere(&self, account: Option<&str>, region: Option<&str>) -> Option<String> {
        let lacks = |read: &Option<BTreeSet<&str>>, place: Option<&str>| {
            place
                .filter(|place| read.as_ref().is_some_and(|read| !read.contains(place)))
                .map(str::to_owned)
        };
        let account = lacks(&self.accounts, account).map(|account| format!("account {account}"));
        account.or_else(|| lacks(&self.regions, region).map(|region| format!("region {region}")))
    }
}

/// The places that were read: that of the whole, and those of the groups. Where a group tells none, it is not known.
fn read<'a>(
    whole: Option<&'a str>,
    each: impl Iterator<Item = Option<&'a str>>,
) -> Option<BTreeSet<&'a str>> {
    let mut out = BTreeSet::from_iter(whole);
    for place in each {
        match place {
            Some(place) => {
                out.insert(place);
            }
            None if whole.is_none() => return None,
            None => {}
        }
    }
    (!out.is_empty()).then_some(out)
}

/// Live groups that Terraform does not know, by name: a killed apply makes groups, and writes no state.
pub(crate) struct Nameless<'a> {
    by_name: BTreeMap<&'a str, Vec<&'a Group>>,
}

/// What a live group's name tells of a planned group.
pub(crate) enum Namesake<'a> {
    /// No live group can be it.
    Nobody,
    /// It is this one: names are unique within a VPC (EC2 API reference, `CreateSecurityGroup`).
    Certain(&'a str),
    /// It may be this one.
    Perhaps(&'a str),
}

impl<'a> Nameless<'a> {
    pub(crate) fn new(live: &'a Inventory, known: &HashSet<&str>) -> Self {
        let mut by_name: BTreeMap<&str, Vec<&Group>> = BTreeMap::new();
        for group in &live.groups {
            if let (Some(id), Some(name)) = (group.id.as_deref(), group.name.as_deref())
                && !known.contains(id)
            {
                by_name.entry(name).or_default().push(group);
            }
        }
        Self { by_name }
    }

    /// The live group that may be the planned one.
    pub(crate) fn of(&self, planned: &TerraformGroup) -> Namesake<'a> {
        let fits = |group: &&&Group| match (planned.vpc_id.as_deref(), group.vpc_id.as_deref()) {
            (Some(planned), Some(live)) => planned == live,
            _ => true,
        };
        let first = |groups: &Vec<&'a Group>| groups.iter().find(fits).and_then(|group| group.id.as_deref());
        match (planned.name.as_deref(), planned.name_prefix.as_deref()) {
            (Some(name), _) => {
                let found = self.by_name.get(name).and_then(|groups| {
                    let certain =
                        |group: &&&Group| planned.vpc_id.is_some() && group.vpc_id == planned.vpc_id;
                    match groups.iter().find(certain) {
                        Some(group) => group.id.as_deref().map(Namesake::Certain),
                        None => first(groups).map(Namesake::Perhaps),
                    }
                });
                found.unwrap_or(Namesake::Nobody)
            }
            (None, Some(prefix)) => self
                .by_name
                .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
                .take_while(|(name, _)| name.starts_with(prefix))
                .find_map(|(_, groups)| first(groups))
                .map_or(Namesake::Nobody, Namesake::Perhaps),
            (None, None) => Namesake::Nobody,
        }
    }
}
