//! EC2's own JSON, as the AWS CLI prints it.
//!
//! Shapes after the EC2 API reference: `SecurityGroup`, `SecurityGroupRule`, `NetworkInterface`, `Instance`,
//! `ManagedPrefixList`. Unknown keys are ignored.

use crate::error::LiveError;
use portcullis_secgroup::{
    AddressSet, Cidr, Direction, Gap, Group, Interface, Inventory, Missing, Peer, Ports, PrefixLists,
    Protocol, Rule,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::error::Error;
use std::net::IpAddr;

/// The file names that are understood. Entries of a prefix list stand in
/// `get-managed-prefix-list-entries.<pl-id>.json`.
pub const FILES: [&str; 5] = [GROUPS, RULES, INTERFACES, INSTANCES, LISTS];

const GROUPS: &str = "describe-security-groups.json";
const RULES: &str = "describe-security-group-rules.json";
const INTERFACES: &str = "describe-network-interfaces.json";
const INSTANCES: &str = "describe-instances.json";
const LISTS: &str = "describe-managed-prefix-lists.json";
const ENTRIES_PREFIX: &str = "get-managed-prefix-list-entries.";

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Answers {
    security_groups: Vec<SecurityGroup>,
    security_group_rules: Vec<SecurityGroupRule>,
    network_interfaces: Vec<NetworkInterface>,
    reservations: Vec<Reservation>,
    prefix_lists: Vec<ManagedPrefixList>,
    entries: Vec<PrefixListEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecurityGroup {
    group_id: String,
    group_name: Option<String>,
    description: Option<String>,
    vpc_id: Option<String>,
    owner_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    ip_permissions: Vec<IpPermission>,
    #[serde(default)]
    ip_permissions_egress: Vec<IpPermission>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IpPermission {
    ip_protocol: String,
    from_port: Option<i64>,
    to_port: Option<i64>,
    #[serde(default)]
    ip_ranges: Vec<Range>,
    #[serde(default)]
    ipv6_ranges: Vec<Range>,
    #[serde(default)]
    prefix_list_ids: Vec<PrefixListId>,
    #[serde(default)]
    user_id_group_pairs: Vec<GroupPair>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Range {
    #[serde(alias = "CidrIpv6")]
    cidr_ip: String,
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PrefixListId {
    prefix_list_id: String,
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GroupPair {
    group_id: String,
    user_id: Option<String>,
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecurityGroupRule {
    security_group_rule_id: Option<String>,
    group_id: String,
    group_owner_id: Option<String>,
    is_egress: bool,
    ip_protocol: String,
    from_port: Option<i64>,
    to_port: Option<i64>,
    cidr_ipv4: Option<String>,
    cidr_ipv6: Option<String>,
    prefix_list_id: Option<String>,
    referenced_group_info: Option<GroupPair>,
    description: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkInterface {
    network_interface_id: String,
    owner_id: Option<String>,
    vpc_id: Option<String>,
    interface_type: Option<String>,
    requester_id: Option<String>,
    #[serde(default)]
    requester_managed: bool,
    description: Option<String>,
    attachment: Option<Attachment>,
    association: Option<Association>,
    #[serde(default)]
    groups: Vec<GroupPair>,
    private_ip_address: Option<IpAddr>,
    #[serde(default)]
    private_ip_addresses: Vec<PrivateAddress>,
    #[serde(default)]
    ipv6_addresses: Vec<Ipv6Address>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attachment {
    instance_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Association {
    public_ip: Option<IpAddr>,
    public_dns_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PrivateAddress {
    private_ip_address: Option<IpAddr>,
    association: Option<Association>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ipv6Address {
    ipv6_address: IpAddr,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reservation {
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Instance {
    instance_id: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ManagedPrefixList {
    prefix_list_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PrefixListEntry {
    cidr: String,
}

/// Reads EC2's answers, given as (file name, text). Names that are not in [`FILES`] are ignored.
///
/// Rules are taken from both read APIs: `DescribeSecurityGroupRules` knows their ids, `DescribeSecurityGroups` the
/// descriptions. Where the two name different rules, both are kept and a gap says so.
///
/// # Errors
/// [`LiveError`] when a text is no such answer, holds a rule that makes no sense, or no file tells of groups.
pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Inventory, LiveError> {
    let mut files: Vec<(&str, &str)> = files.into_iter().collect();
    files.sort_unstable();
    let mut inventory = Inventory::default();
    let mut names = BTreeMap::new();
    let mut rows: Option<Vec<SecurityGroupRule>> = None;
    let mut groups: Option<Vec<SecurityGroup>> = None;
    for (name, text) in files {
        match name {
            GROUPS => groups
                .get_or_insert_default()
                .extend(parse::<Answers>(name, text)?.security_groups),
            RULES => rows
                .get_or_insert_default()
                .extend(parse::<Answers>(name, text)?.security_group_rules),
            INTERFACES => {
                let answers: Answers = parse(name, text)?;
                inventory
                    .interfaces
                    .extend(answers.network_interfaces.into_iter().map(read_interface));
            }
            INSTANCES => {
                for instance in parse::<Answers>(name, text)?
                    .reservations
                    .into_iter()
                    .flat_map(|r| r.instances)
                {
                    let name = instance
                        .tags
                        .into_iter()
                        .find(|tag| tag.key == "Name")
                        .map(|tag| tag.value);
                    names.insert(instance.instance_id, name);
                }
            }
            LISTS => {
                for list in parse::<Answers>(name, text)?.prefix_lists {
                    inventory.prefix_lists.insert_unknown(list.prefix_list_id);
                }
            }
            _ => read_entries(name, text, &mut inventory.prefix_lists)?,
        }
    }
    if groups.is_none() && rows.is_none() {
        return Err(LiveError::NoGroups);
    }
    for interface in &mut inventory.interfaces {
        interface.instance_name = interface
            .instance_id
            .as_ref()
            .and_then(|id| names.get(id).cloned().flatten());
    }
    let both = groups.is_some() && rows.is_some();
    let mut found: BTreeMap<String, Group> = BTreeMap::new();
    for group in groups.unwrap_or_default() {
        inventory.account = inventory.account.or_else(|| group.owner_id.clone());
        let group = read_group(group)?;
        found.insert(group.id.clone().unwrap_or_default(), group);
    }
    let mut by_row: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
    for row in rows.unwrap_or_default() {
        let (id, owner) = (row.group_id.clone(), inventory.account.clone());
        let rule = read_row(row, owner.as_deref()).map_err(|source| rule_error(RULES, &id, source))?;
        by_row.entry(id).or_default().push(rule);
    }
    for (id, rules) in by_row {
        let group = found.entry(id.clone()).or_insert_with(|| Group {
            id: Some(id.clone()),
            ..Group::default()
        });
        if merge_rules(&mut group.rules, rules) && both {
            let why =
                "DescribeSecurityGroups and DescribeSecurityGroupRules name different rules; both are kept";
            inventory
                .gaps
                .push(Gap::new(&*id, why).missing(Missing::Rules { of: Some(id.clone()) }));
        }
    }
    inventory.groups = found.into_values().collect();
    Ok(inventory)
}

fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, LiveError> {
    serde_json::from_str(text).map_err(|source| LiveError::Json {
        what: name.to_owned(),
        source,
    })
}

fn rule_error(what: &str, group: &str, source: Box<dyn Error + Send + Sync>) -> LiveError {
    LiveError::Rule {
        what: what.to_owned(),
        group: group.to_owned(),
        source,
    }
}

fn read_entries(name: &str, text: &str, lists: &mut PrefixLists) -> Result<(), LiveError> {
    let Some(id) = name
        .strip_prefix(ENTRIES_PREFIX)
        .and_then(|rest| rest.strip_suffix(".json"))
    else {
        return Ok(());
    };
    let entries: Result<AddressSet, _> = parse::<Answers>(name, text)?
        .entries
        .iter()
        .map(|entry| entry.cidr.parse::<Cidr>())
        .collect();
    lists.insert(id, entries.map_err(|source| rule_error(name, id, source.into()))?);
    Ok(())
}

/// Joins the rules of both APIs; true when each knows a rule that the other doesn't, or one is short.
fn merge_rules(known: &mut Vec<Rule>, rows: Vec<Rule>) -> bool {
    let mut described: BTreeMap<_, Rule> = known
        .drain(..)
        .filter_map(|rule| Some((rule.key()?, rule)))
        .collect();
    let had_any = !described.is_empty();
    let mut only_rows = false;
    for mut row in rows {
        match row.key().and_then(|key| described.remove(&key)) {
            Some(twin) => row.description = row.description.or(twin.description),
            None => only_rows = true,
        }
        known.push(row);
    }
    let differ = had_any && (only_rows || !described.is_empty());
    known.extend(described.into_values());
    known.sort();
    differ
}

fn read_group(group: SecurityGroup) -> Result<Group, LiveError> {
    let mut rules = Vec::new();
    for (direction, permissions) in [
        (Direction::Ingress, &group.ip_permissions),
        (Direction::Egress, &group.ip_permissions_egress),
    ] {
        for permission in permissions {
            read_permission(&group, direction, permission, &mut rules)
                .map_err(|source| rule_error(GROUPS, &group.group_id, source))?;
        }
    }
    rules.sort();
    Ok(Group {
        id: Some(group.group_id),
        address: None,
        name: group.group_name,
        description: group.description,
        vpc_id: group.vpc_id,
        account: group.owner_id,
        region: None,
        tags: group.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        rules,
    })
}

type Reason = Box<dyn Error + Send + Sync>;

fn read_permission(
    group: &SecurityGroup,
    direction: Direction,
    permission: &IpPermission,
    rules: &mut Vec<Rule>,
) -> Result<(), Reason> {
    let protocol: Protocol = permission.ip_protocol.parse()?;
    let ports = Ports::read(protocol, permission.from_port, permission.to_port)?;
    let mut push = |peer, description: &Option<String>| {
        rules.push(Rule {
            description: description.clone().filter(|text| !text.is_empty()),
            ..Rule::new(direction, protocol, ports, peer)
        });
    };
    for range in permission.ip_ranges.iter().chain(&permission.ipv6_ranges) {
        push(Peer::Cidr(range.cidr_ip.parse()?), &range.description);
    }
    for list in &permission.prefix_list_ids {
        push(Peer::PrefixList(list.prefix_list_id.clone()), &list.description);
    }
    for pair in &permission.user_id_group_pairs {
        push(
            group_peer(pair, &group.group_id, group.owner_id.as_deref()),
            &pair.description,
        );
    }
    Ok(())
}

fn group_peer(pair: &GroupPair, own: &str, owner: Option<&str>) -> Peer {
    if pair.group_id == own {
        return Peer::SelfGroup;
    }
    let account = pair
        .user_id
        .clone()
        .filter(|account| Some(account.as_str()) != owner);
    Peer::Group {
        id: pair.group_id.clone(),
        account: account.filter(|_| owner.is_some()),
    }
}

fn read_row(row: SecurityGroupRule, owner: Option<&str>) -> Result<Rule, Reason> {
    let protocol: Protocol = row.ip_protocol.parse()?;
    let ports = Ports::read(protocol, row.from_port, row.to_port)?;
    let direction = if row.is_egress {
        Direction::Egress
    } else {
        Direction::Ingress
    };
    let owner = row.group_owner_id.as_deref().or(owner);
    let peer = if let Some(cidr) = row.cidr_ipv4.or(row.cidr_ipv6) {
        Peer::Cidr(cidr.parse()?)
    } else if let Some(list) = row.prefix_list_id {
        Peer::PrefixList(list)
    } else if let Some(pair) = row.referenced_group_info {
        group_peer(&pair, &row.group_id, owner)
    } else {
        return Err("a rule without CIDR, prefix list and referenced group".into());
    };
    Ok(Rule {
        description: row.description.filter(|text| !text.is_empty()),
        id: row.security_group_rule_id,
        tags: row.tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        ..Rule::new(direction, protocol, ports, peer)
    })
}

fn read_interface(interface: NetworkInterface) -> Interface {
    let mut private: Vec<IpAddr> = interface.private_ip_address.into_iter().collect();
    let mut public: Vec<IpAddr> = Vec::new();
    let mut dns = None;
    let mut associations: Vec<Association> = interface.association.into_iter().collect();
    for address in interface.private_ip_addresses {
        private.extend(address.private_ip_address);
        associations.extend(address.association);
    }
    for association in associations {
        public.extend(association.public_ip);
        dns = dns.or(association.public_dns_name.filter(|name| !name.is_empty()));
    }
    public.extend(
        interface
            .ipv6_addresses
            .into_iter()
            .map(|address| address.ipv6_address),
    );
    private.sort();
    private.dedup();
    public.sort();
    public.dedup();
    let mut groups: Vec<String> = interface.groups.into_iter().map(|group| group.group_id).collect();
    groups.sort();
    Interface {
        id: interface.network_interface_id,
        account: interface.owner_id,
        vpc_id: interface.vpc_id,
        kind: interface.interface_type,
        requester: interface.requester_id.filter(|_| interface.requester_managed),
        description: interface.description.filter(|text| !text.is_empty()),
        instance_id: interface.attachment.and_then(|attachment| attachment.instance_id),
        instance_name: None,
        private_addresses: private,
        public_addresses: public,
        public_dns: dns,
        groups,
    }
}
