//! From the SDK's types to the nouns of `secgroup`: pure functions.

mod rules;

use aws_sdk_ec2::types as ec2;
use portcullis_secgroup::{
    AddressSet, Cidr, Gap, Group, Interface, Missing, Peer, Rule, StaleReference, VpcAssociation, told_twice,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A value, and what could not be made of the answer.
pub(crate) struct Converted<T> {
    pub(crate) value: T,
    pub(crate) gaps: Vec<Gap>,
}

/// The groups with their rules, sorted by id.
///
/// EC2 tells the rules twice: within the groups, joined by port range, and one by one with ids and tags (`rows`). Both
/// are read, and where they differ both are kept, with a gap: somebody is changing the group, or one of the two answers
/// lags. `rows_whole` says whether all rows came. A rule that cannot be understood becomes a gap.
pub(crate) fn groups(
    written: &[ec2::SecurityGroup],
    rows: &[ec2::SecurityGroupRule],
    rows_whole: bool,
    region: &str,
) -> Converted<Vec<Group>> {
    let mut gaps = Vec::new();
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for group in written {
        let Some(id) = group.group_id() else {
            continue;
        };
        let within = rules::within(group, &mut gaps);
        let group = Group {
            id: Some(id.to_owned()),
            address: None,
            name: text(group.group_name()),
            description: text(group.description()),
            vpc_id: text(group.vpc_id()),
            account: text(group.owner_id()),
            region: Some(region.to_owned()),
            tags: tags(group.tags()),
            rules: Vec::new(),
        };
        found.insert(
            id.to_owned(),
            Found {
                group,
                within: Some(within),
                rows: Vec::new(),
            },
        );
    }
    for row in rows {
        let Some(id) = row.group_id() else {
            gaps.push(rules::not_understood(row, "EC2 names no group for it".to_owned()));
            continue;
        };
        // A group that only its rules tell of: the groups were not all read.
        let found = found.entry(id.to_owned()).or_insert_with(|| Found {
            group: Group {
                id: Some(id.to_owned()),
                account: text(row.group_owner_id()),
                region: Some(region.to_owned()),
                ..Group::default()
            },
            within: None,
            rows: Vec::new(),
        });
        match rules::row(row) {
            Ok(rule) => found.rows.push(rule),
            Err(why) => gaps.push(rules::not_understood(row, why)),
        }
    }
    let mut groups = Vec::with_capacity(found.len());
    for (
        id,
        Found {
            mut group,
            within,
            rows,
        },
    ) in found
    {
        let is_listed = within.is_some();
        let (rules, differ) = told_twice(within, rows);
        group.rules = rules;
        let why = match (is_listed, rows_whole) {
            (true, true) if differ => {
                "DescribeSecurityGroups and DescribeSecurityGroupRules name different rules; both are kept"
            }
            (false, false) => "only some of the rules were read, and not the group itself",
            _ => "",
        };
        if !why.is_empty() {
            gaps.push(Gap::new(format!("group {id}"), why).missing(Missing::Rules { of: Some(id) }));
        }
        groups.push(group);
    }
    Converted { value: groups, gaps }
}

/// A group, and its rules as the two answers have them.
struct Found {
    group: Group,
    within: Option<Vec<Rule>>,
    rows: Vec<Rule>,
}

/// How many rules each group has by its own answer.
pub(crate) fn rules_by_group(groups: &[ec2::SecurityGroup]) -> BTreeMap<String, usize> {
    groups
        .iter()
        .filter_map(|group| Some((group.group_id()?.to_owned(), rules::count(group))))
        .collect()
}

/// The prefix lists that these groups' rules name.
pub(crate) fn lists_named(groups: &[Group]) -> BTreeSet<String> {
    groups
        .iter()
        .flat_map(|group| &group.rules)
        .filter_map(|rule| match &rule.peer {
            Peer::PrefixList(id) => Some(id.clone()),
            _ => None,
        })
        .collect()
}

/// The VPCs of these groups in which a rule names a group that is not one of the same VPC here: only such references can
/// be stale (EC2 API reference, `DescribeStaleSecurityGroups`).
pub(crate) fn vpcs_with_foreign_peers(groups: &[Group]) -> BTreeSet<String> {
    let home: BTreeMap<&str, &str> = groups
        .iter()
        .filter_map(|group| Some((group.id.as_deref()?, group.vpc_id.as_deref()?)))
        .collect();
    let foreign = |group: &&Group| {
        group.rules.iter().any(|rule| match &rule.peer {
            Peer::Group { id, .. } => home.get(id.as_str()).copied() != group.vpc_id.as_deref(),
            _ => false,
        })
    };
    groups
        .iter()
        .filter(foreign)
        .filter_map(|group| group.vpc_id.clone())
        .collect()
}

/// The stale references of those groups that are here.
pub(crate) fn stale(stale: &[ec2::StaleSecurityGroup], groups: &[Group]) -> Vec<StaleReference> {
    let owners: BTreeMap<&str, Option<&str>> = groups
        .iter()
        .filter_map(|group| Some((group.id.as_deref()?, group.account.as_deref())))
        .collect();
    stale
        .iter()
        .filter_map(|group| {
            let id = group.group_id()?;
            Some((group, id, *owners.get(id)?))
        })
        .flat_map(|(group, id, owner)| rules::stale(group, id, owner))
        .collect()
}

/// A VPC that a group may be used in besides its own.
pub(crate) fn association(written: &ec2::SecurityGroupVpcAssociation) -> Option<VpcAssociation> {
    Some(VpcAssociation {
        group: written.group_id()?.to_owned(),
        vpc_id: written.vpc_id()?.to_owned(),
        vpc_account: text(written.vpc_owner_id()),
        state: written.state().map_or("", |state| state.as_str()).to_owned(),
    })
}

/// The `Name` tags of the instances, by instance id.
pub(crate) fn instance_names(instances: &[ec2::Instance]) -> BTreeMap<String, String> {
    instances
        .iter()
        .filter_map(|instance| {
            let name = tags(instance.tags()).remove("Name")?;
            Some((instance.instance_id()?.to_owned(), name))
        })
        .collect()
}

/// One network interface. `names` are the instances' names.
pub(crate) fn interface(written: &ec2::NetworkInterface, names: &BTreeMap<String, String>) -> Interface {
    let instance_id = written
        .attachment()
        .and_then(|attachment| attachment.instance_id())
        .map(str::to_owned);
    let address = |text: Option<&str>| text.and_then(|text| text.parse::<IpAddr>().ok());
    // The list holds the primary address, too; an interface with IPv6 only has neither.
    let mut private: Vec<IpAddr> = written
        .private_ip_addresses()
        .iter()
        .filter_map(|entry| address(entry.private_ip_address()))
        .chain(address(written.private_ip_address()))
        .collect();
    let mut public: Vec<IpAddr> = written
        .private_ip_addresses()
        .iter()
        .filter_map(ec2::NetworkInterfacePrivateIpAddress::association)
        .chain(written.association())
        .filter_map(|association| address(association.public_ip()))
        .chain(
            written
                .ipv6_addresses()
                .iter()
                .filter_map(|entry| address(entry.ipv6_address())),
        )
        .collect();
    for addresses in [&mut private, &mut public] {
        addresses.sort_unstable();
        addresses.dedup();
    }
    Interface {
        id: written.network_interface_id().unwrap_or_default().to_owned(),
        account: text(written.owner_id()),
        vpc_id: text(written.vpc_id()),
        kind: text(written.interface_type().map(ec2::NetworkInterfaceType::as_str)),
        // Of an ordinary interface it is the caller who made it.
        requester: text(written.requester_id()).filter(|_| written.requester_managed() == Some(true)),
        description: text(written.description()),
        instance_name: instance_id.as_ref().and_then(|id| names.get(id)).cloned(),
        instance_id,
        private_addresses: private,
        public_addresses: public,
        public_dns: text(
            written
                .association()
                .and_then(|association| association.public_dns_name()),
        ),
        groups: written
            .groups()
            .iter()
            .filter_map(|group| group.group_id().map(str::to_owned))
            .collect(),
    }
}

/// The entries of a prefix list as a set.
pub(crate) fn entries(cidrs: &[String]) -> Result<AddressSet, String> {
    cidrs
        .iter()
        .map(|cidr| cidr.parse::<Cidr>().map_err(|error| error.to_string()))
        .collect()
}

fn tags(tags: &[ec2::Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect()
}

/// An empty text says nothing.
fn text(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}
