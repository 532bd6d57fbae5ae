//! From the SDK's types to the nouns of `secgroup`: pure functions.

use aws_sdk_ec2::types as ec2;
use portcullis_secgroup::{AddressSet, Cidr, Direction, Gap, Group, Interface, Peer, Ports, Protocol, Rule};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A value, and what could not be made of the answer.
pub(crate) struct Converted<T> {
    pub(crate) value: T,
    pub(crate) gaps: Vec<Gap>,
}

/// The groups with their rules. A rule that can't be understood, or whose group was not listed, becomes a gap.
pub(crate) fn groups(
    groups: &[ec2::SecurityGroup],
    rules: &[ec2::SecurityGroupRule],
) -> Converted<Vec<Group>> {
    let mut by_id: BTreeMap<String, Group> = groups
        .iter()
        .filter_map(|group| {
            let id = group.group_id()?.to_owned();
            let group = Group {
                id: Some(id.clone()),
                address: None,
                name: group.group_name().map(str::to_owned),
                description: group.description().map(str::to_owned),
                vpc_id: group.vpc_id().map(str::to_owned),
                tags: group.tags().iter().filter_map(tag).collect(),
                rules: Vec::new(),
            };
            Some((id, group))
        })
        .collect();
    let mut gaps = Vec::new();
    for written in rules {
        let mut gap = |why: String| {
            let id = written.security_group_rule_id().unwrap_or("without an id");
            gaps.push(Gap {
                what: format!("rule {id}"),
                why,
            });
        };
        let Some(group) = written.group_id() else {
            gap("EC2 names no group for it".to_owned());
            continue;
        };
        match (by_id.get_mut(group), rule(written)) {
            (Some(group), Ok(rule)) => group.rules.push(rule),
            (Some(_), Err(why)) => gap(why),
            // Made between the two calls, most likely.
            (None, _) => gap(format!("its group {group} was not among the groups")),
        }
    }
    Converted {
        value: by_id.into_values().collect(),
        gaps,
    }
}

/// One rule; EC2 gives each source a rule of its own.
fn rule(written: &ec2::SecurityGroupRule) -> Result<Rule, String> {
    let direction = match written.is_egress() {
        Some(true) => Direction::Egress,
        Some(false) => Direction::Ingress,
        None => return Err("EC2 does not say whether it is ingress or egress".to_owned()),
    };
    let protocol: Protocol = written
        .ip_protocol()
        .unwrap_or("-1")
        .parse()
        .map_err(|error| format!("{error}"))?;
    let ports = Ports::read(
        protocol,
        written.from_port().map(i64::from),
        written.to_port().map(i64::from),
    )
    .map_err(|error| error.to_string())?;
    let peer = peer(written)?;
    Ok(Rule {
        description: written
            .description()
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        id: written.security_group_rule_id().map(str::to_owned),
        ..Rule::new(direction, protocol, ports, peer)
    })
}

fn peer(written: &ec2::SecurityGroupRule) -> Result<Peer, String> {
    if let Some(cidr) = written.cidr_ipv4().or(written.cidr_ipv6()) {
        return cidr
            .parse::<Cidr>()
            .map(Peer::Cidr)
            .map_err(|error| error.to_string());
    }
    if let Some(list) = written.prefix_list_id() {
        return Ok(Peer::PrefixList(list.to_owned()));
    }
    let Some(other) = written.referenced_group_info() else {
        return Err("EC2 names neither an address, a group nor a prefix list".to_owned());
    };
    match other.group_id() {
        Some(id) if written.group_id() == Some(id) => Ok(Peer::SelfGroup),
        Some(id) => Ok(Peer::Group {
            id: id.to_owned(),
            account: other
                .user_id()
                .filter(|account| written.group_owner_id().is_some_and(|owner| owner != *account))
                .map(str::to_owned),
        }),
        None => Err("EC2 names a group without its id".to_owned()),
    }
}

/// The `Name` tags of the instances, by instance id.
pub(crate) fn instance_names(instances: &[ec2::Instance]) -> BTreeMap<String, String> {
    instances
        .iter()
        .filter_map(|instance| {
            let (_, name) = instance
                .tags()
                .iter()
                .filter_map(tag)
                .find(|(key, _)| key == "Name")?;
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
        description: written
            .description()
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        instance_name: instance_id.as_ref().and_then(|id| names.get(id)).cloned(),
        instance_id,
        private_addresses: private,
        public_addresses: public,
        public_dns: written
            .association()
            .and_then(|association| association.public_dns_name())
            .filter(|name| !name.is_empty())
            .map(str::to_owned),
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

fn tag(tag: &ec2::Tag) -> Option<(String, String)> {
    Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))
}
