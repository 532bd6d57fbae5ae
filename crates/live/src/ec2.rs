//! EC2's own JSON, as the AWS CLI prints it.
//!
//! Shapes after the EC2 API reference: `SecurityGroup`, `SecurityGroupRule`, `NetworkInterface`, `Instance`,
//! `ManagedPrefixList`. Unknown keys are ignored. What a folder lacks is a gap, as in `portcullis-inspect`'s own reading.

mod wire;

use crate::error::LiveError;
use portcullis_secgroup::{
    AddressSet, Cidr, Direction, Gap, Group, Interface, Inventory, Missing, Peer, Ports, PrefixLists,
    Protocol, Rule, told_twice,
};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::net::IpAddr;
use wire::{
    Answer, Association, GroupPair, IpPermission, NetworkInterface, SecurityGroup, SecurityGroupRule,
};

/// The file names that are understood. Entries of a prefix list stand in
/// `get-managed-prefix-list-entries.<pl-id>.json`.
pub const FILES: [&str; 5] = [GROUPS, RULES, INTERFACES, INSTANCES, LISTS];

const GROUPS: &str = "describe-security-groups.json";
const RULES: &str = "describe-security-group-rules.json";
const INTERFACES: &str = "describe-network-interfaces.json";
const INSTANCES: &str = "describe-instances.json";
const LISTS: &str = "describe-managed-prefix-lists.json";
const ENTRIES_PREFIX: &str = "get-managed-prefix-list-entries.";

/// Reads EC2's answers, given as (file name, text). Names that are not in [`FILES`] are ignored.
///
/// Rules are taken from both read APIs: `DescribeSecurityGroupRules` knows their ids, `DescribeSecurityGroups` the
/// descriptions. Where the two name different rules, both are kept and a gap says so.
///
/// What is not among the files, and what a `NextToken` left over says is still to come, is a gap: the CLI leaves one with
/// `--max-items` and `--no-paginate` (AWS CLI User Guide, "Using the pagination options"). Files that lend names only may be
/// missing.
///
/// # Errors
/// [`LiveError`] when a text is no such answer, holds a rule that makes no sense, or no file tells of groups.
pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Inventory, LiveError> {
    let mut files: Vec<(&str, &str)> = files.into_iter().collect();
    files.sort_unstable();
    let mut read = Read::default();
    for (name, text) in files {
        read.add(name, text)?;
    }
    read.inventory()
}

/// What the files hold so far.
#[derive(Default)]
struct Read {
    groups: Option<Listed<SecurityGroup>>,
    rows: Option<Listed<SecurityGroupRule>>,
    interfaces: Option<Listed<NetworkInterface>>,
    instance_names: BTreeMap<String, Option<String>>,
    lists: PrefixLists,
    gaps: Vec<Gap>,
}

/// The items of a call's answers, and whether there are more than these.
struct Listed<T> {
    items: Vec<T>,
    more: bool,
}

impl<T> Listed<T> {
    /// Both together.
    fn and(self, earlier: Option<Self>) -> Self {
        let mut all = earlier.unwrap_or(Self {
            items: Vec::new(),
            more: false,
        });
        all.items.extend(self.items);
        all.more |= self.more;
        all
    }
}

impl Read {
    fn add(&mut self, name: &str, text: &str) -> Result<(), LiveError> {
        match name {
            GROUPS => {
                let listed = listed(name, text, "SecurityGroups", |answer| answer.security_groups)?;
                self.groups = Some(listed.and(self.groups.take()));
            }
            RULES => {
                let rules = |answer: Answer| answer.security_group_rules;
                let listed = listed(name, text, "SecurityGroupRules", rules)?;
                self.rows = Some(listed.and(self.rows.take()));
            }
            INTERFACES => {
                let interfaces = |answer: Answer| answer.network_interfaces;
                let listed = listed(name, text, "NetworkInterfaces", interfaces)?;
                self.interfaces = Some(listed.and(self.interfaces.take()));
            }
            INSTANCES => {
                let listed = listed(name, text, "Reservations", |answer| answer.reservations)?;
                if listed.more {
                    self.gaps.push(more(name, Missing::Details));
                }
                for instance in listed.items.into_iter().flat_map(|it| it.instances) {
                    let mut tags = instance.tags.into_iter();
                    let name = tags.find(|tag| tag.key == "Name").map(|tag| tag.value);
                    self.instance_names.insert(instance.instance_id, name);
                }
            }
            LISTS => {
                // A list that is missing here is known by the rules that name it.
                for list in listed(name, text, "PrefixLists", |answer| answer.prefix_lists)?.items {
                    self.lists.insert_unknown(list.prefix_list_id);
                }
            }
            _ => self.add_entries(name, text)?,
        }
        Ok(())
    }

    fn add_entries(&mut self, name: &str, text: &str) -> Result<(), LiveError> {
        let Some(id) = name
            .strip_prefix(ENTRIES_PREFIX)
            .and_then(|rest| rest.strip_suffix(".json"))
        else {
            return Ok(());
        };
        let listed = listed(name, text, "Entries", |answer| answer.entries)?;
        let entries = listed.items.iter().map(|entry| entry.cidr.parse::<Cidr>());
        let entries: AddressSet = entries
            .collect::<Result<_, _>>()
            .map_err(|source| rule_error(name, id, source.into()))?;
        if listed.more {
            // A part of a list is no list.
            self.lists.insert_unknown(id);
            self.gaps.push(more(name, Missing::Entries { of: id.to_owned() }));
        } else {
            self.lists.insert(id, entries);
        }
        Ok(())
    }

    fn inventory(self) -> Result<Inventory, LiveError> {
        if self.groups.is_none() && self.rows.is_none() {
            return Err(LiveError::NoGroups);
        }
        let mut inventory = Inventory {
            prefix_lists: self.lists,
            gaps: self.gaps,
            ..Inventory::default()
        };
        let gaps = &mut inventory.gaps;
        let except = BTreeSet::new();
        let groups = known(GROUPS, self.groups, Missing::Groups { except }, gaps);
        // The groups' own answers hold their rules, without ids.
        let rows_whole = self.rows.as_ref().is_some_and(|rows| !rows.more);
        let rows = match self.rows {
            Some(rows) => known(RULES, Some(rows), Missing::Details, gaps),
            None => Vec::new(),
        };
        let interfaces = known(INTERFACES, self.interfaces, Missing::Members, gaps);
        let owner = groups.iter().find_map(|group| group.owner_id.clone());
        let owner = owner.or_else(|| only_owner(&rows, &interfaces));
        let mut within: BTreeMap<String, Group> = BTreeMap::new();
        for group in groups {
            let group = read_group(group, owner.as_deref())?;
            within.insert(group.id.clone().unwrap_or_default(), group);
        }
        let mut by_row: BTreeMap<String, (Option<String>, Vec<Rule>)> = BTreeMap::new();
        let mut of_nobody: BTreeSet<String> = BTreeSet::new();
        for row in rows {
            let id = row.group_id.clone();
            let listed = within.get(&id).and_then(|group| group.account.clone());
            let of = row.group_owner_id.clone().or(listed).or_else(|| owner.clone());
            if of.is_none() && names_an_account(&row) {
                of_nobody.insert(id.clone());
            }
            let rule = read_row(row, of.as_deref()).map_err(|source| rule_error(RULES, &id, source))?;
            let (account, rules) = by_row.entry(id).or_default();
            *account = account.take().or(of);
            rules.push(rule);
        }
        let ids: BTreeSet<String> = within.keys().chain(by_row.keys()).cloned().collect();
        for id in ids {
            let (account, rows) = by_row.remove(&id).unwrap_or_default();
            let listed = within.remove(&id);
            let is_listed = listed.is_some();
            let mut group = listed.unwrap_or_else(|| Group {
                id: Some(id.clone()),
                account,
                ..Group::default()
            });
            let described = is_listed.then(|| std::mem::take(&mut group.rules));
            let (rules, differ) = told_twice(described, rows);
            group.rules = rules;
            let mut doubt = |why: &str| {
                let gap = Gap::new(format!("group {id}"), why);
                inventory
                    .gaps
                    .push(gap.missing(Missing::Rules { of: Some(id.clone()) }));
            };
            if differ && rows_whole {
                doubt(
                    "DescribeSecurityGroups and DescribeSecurityGroupRules name different rules; both are kept",
                );
            }
            if !is_listed && !rows_whole {
                doubt("only some of the rules were read, and not the group itself");
            }
            if of_nobody.contains(&id) {
                doubt("whose it is was not read, so a group that its rules name may be of another account");
            }
            inventory.groups.push(group);
        }
        inventory.account = owner;
        inventory.interfaces = interfaces.into_iter().map(read_interface).collect();
        for interface in &mut inventory.interfaces {
            let id = interface.instance_id.as_ref();
            interface.instance_name = id.and_then(|id| self.instance_names.get(id).cloned().flatten());
        }
        note_unread_lists(&mut inventory);
        Ok(inventory)
    }
}

/// The items, with a gap when there are more, or when there is no such file.
fn known<T>(file: &str, listed: Option<Listed<T>>, missing: Missing, gaps: &mut Vec<Gap>) -> Vec<T> {
    match listed {
        Some(listed) => {
            if listed.more {
                gaps.push(more(file, missing));
            }
            listed.items
        }
        None => {
            gaps.push(Gap::new(file, "there is no such file").missing(missing));
            Vec::new()
        }
    }
}

/// There is more than this file holds.
fn more(file: &str, missing: Missing) -> Gap {
    Gap::new(
        file,
        "it ends with a NextToken, so there are more pages than this",
    )
    .missing(missing)
}

/// Lists that rules name and no file tells the entries of.
fn note_unread_lists(inventory: &mut Inventory) {
    let rules = inventory.groups.iter().flat_map(|group| &group.rules);
    let named: BTreeSet<String> = rules
        .filter_map(|rule| match &rule.peer {
            Peer::PrefixList(id) => Some(id.clone()),
            _ => None,
        })
        .collect();
    for id in named {
        let is_told = |gap: &Gap| matches!(&gap.missing, Missing::Entries { of } if *of == id);
        if inventory.prefix_lists.entries(&id).is_some() || inventory.gaps.iter().any(is_told) {
            continue;
        }
        inventory.prefix_lists.insert_unknown(&*id);
        let gap = Gap::new(format!("{ENTRIES_PREFIX}{id}.json"), "there is no such file");
        inventory.gaps.push(gap.missing(Missing::Entries { of: id }));
    }
}

/// The account, when all that tells of one tells of the same.
fn only_owner(rows: &[SecurityGroupRule], interfaces: &[NetworkInterface]) -> Option<String> {
    let of_rows = rows.iter().filter_map(|row| row.group_owner_id.as_ref());
    let of_interfaces = interfaces.iter().filter_map(|it| it.owner_id.as_ref());
    let owners: BTreeSet<&String> = of_rows.chain(of_interfaces).collect();
    owners
        .first()
        .filter(|_| owners.len() == 1)
        .map(|owner| (*owner).clone())
}

/// Whether the row names another group with its account.
fn names_an_account(row: &SecurityGroupRule) -> bool {
    let pair = row.referenced_group_info.as_ref();
    pair.is_some_and(|pair| pair.user_id.is_some() && pair.group_id != row.group_id)
}

/// The list that this answer is to hold. An error, or the answer of another call, has none.
fn listed<T>(
    name: &str,
    text: &str,
    list: &'static str,
    of: impl FnOnce(Answer) -> Option<Vec<T>>,
) -> Result<Listed<T>, LiveError> {
    let mut answer: Answer = serde_json::from_str(text).map_err(|source| LiveError::Json {
        what: name.to_owned(),
        source,
    })?;
    let token = answer.next_token.take();
    let items = of(answer).ok_or_else(|| LiveError::NoAnswer {
        what: name.to_owned(),
        list,
    })?;
    Ok(Listed {
        items,
        more: token.is_some_and(|token| !token.is_empty()),
    })
}

fn rule_error(what: &str, group: &str, source: Box<dyn Error + Send + Sync>) -> LiveError {
    LiveError::Rule {
        what: what.to_owned(),
        group: group.to_owned(),
        source,
    }
}

fn read_group(group: SecurityGroup, owner: Option<&str>) -> Result<Group, LiveError> {
    let mut rules = Vec::new();
    let owner = group.owner_id.as_deref().or(owner);
    for (direction, permissions) in [
        (Direction::Ingress, &group.ip_permissions),
        (Direction::Egress, &group.ip_permissions_egress),
    ] {
        for permission in permissions {
            read_permission(&group.group_id, owner, direction, permission, &mut rules)
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
    group: &str,
    owner: Option<&str>,
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
        push(group_peer(pair, group, owner), &pair.description);
    }
    Ok(())
}

/// The group that a rule of `own`, which belongs to the account `owner`, names. An account that may be another one is kept.
fn group_peer(pair: &GroupPair, own: &str, owner: Option<&str>) -> Peer {
    if pair.group_id == own {
        return Peer::SelfGroup;
    }
    let account = pair.user_id.clone();
    Peer::Group {
        id: pair.group_id.clone(),
        account: account.filter(|account| Some(account.as_str()) != owner),
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
