//! `live.json`: the live view as Portcullis writes it.

use crate::error::LiveError;
use portcullis_secgroup::{
    AddressSet, Cidr, Direction, Gap, Group, Interface, Inventory, Known, Peer, Ports, PrefixLists, Protocol,
    Rule,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::net::IpAddr;

/// The version of `live.json`. A reader accepts any `1.x`.
pub const FORMAT_VERSION: &str = "1.0";

#[derive(Serialize, Deserialize)]
struct Document {
    format_version: String,
    account: Option<String>,
    region: Option<String>,
    groups: Vec<GroupEntry>,
    interfaces: Vec<InterfaceEntry>,
    /// Null where the entries could not be read.
    prefix_lists: BTreeMap<String, Option<Vec<String>>>,
    gaps: Vec<GapEntry>,
}

#[derive(Serialize, Deserialize)]
struct GroupEntry {
    id: Option<String>,
    name: Option<String>,
    description: Option<String>,
    vpc_id: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    rules: Vec<RuleEntry>,
}

#[derive(Serialize, Deserialize)]
struct RuleEntry {
    id: Option<String>,
    direction: DirectionEntry,
    protocol: String,
    from_port: i64,
    to_port: i64,
    peer: PeerEntry,
    description: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DirectionEntry {
    Ingress,
    Egress,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PeerEntry {
    Cidr(String),
    Group { id: String, account: Option<String> },
    SelfGroup,
    PrefixList(String),
}

#[derive(Serialize, Deserialize)]
struct InterfaceEntry {
    id: String,
    description: Option<String>,
    instance_id: Option<String>,
    instance_name: Option<String>,
    private_addresses: Vec<IpAddr>,
    public_addresses: Vec<IpAddr>,
    public_dns: Option<String>,
    groups: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct GapEntry {
    what: String,
    why: String,
}

/// The inventory as `live.json`: sorted, indented, ending with a line feed. Equal inventories give equal bytes.
#[must_use]
pub fn write(inventory: &Inventory) -> String {
    let mut groups: Vec<GroupEntry> = inventory.groups.iter().map(group_entry).collect();
    groups.sort_by(|a, b| a.id.cmp(&b.id));
    let mut interfaces: Vec<InterfaceEntry> = inventory.interfaces.iter().map(interface_entry).collect();
    interfaces.sort_by(|a, b| a.id.cmp(&b.id));
    let document = Document {
        format_version: FORMAT_VERSION.to_owned(),
        account: inventory.account.clone(),
        region: inventory.region.clone(),
        groups,
        interfaces,
        prefix_lists: prefix_list_entries(inventory),
        gaps: inventory
            .gaps
            .iter()
            .map(|gap| GapEntry {
                what: gap.what.clone(),
                why: gap.why.clone(),
            })
            .collect(),
    };
    // Strings, numbers and lists under string keys: nothing here that JSON can't say.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// The lists the rules name, and those noted besides.
fn prefix_list_entries(inventory: &Inventory) -> BTreeMap<String, Option<Vec<String>>> {
    let named: BTreeSet<&str> = inventory
        .groups
        .iter()
        .flat_map(|group| &group.rules)
        .filter_map(|rule| match &rule.peer {
            Peer::PrefixList(id) => Some(id.as_str()),
            _ => None,
        })
        .chain(inventory.prefix_lists.ids())
        .collect();
    named
        .into_iter()
        .map(|id| {
            let entries = inventory.prefix_lists.entries(id);
            (
                id.to_owned(),
                entries.map(|set| set.cidrs().iter().map(Cidr::to_string).collect()),
            )
        })
        .collect()
}

fn group_entry(group: &Group) -> GroupEntry {
    let mut rules: Vec<&Rule> = group.rules.iter().collect();
    rules.sort();
    GroupEntry {
        id: group.id.clone(),
        name: group.name.clone(),
        description: group.description.clone(),
        vpc_id: group.vpc_id.clone(),
        tags: group.tags.clone(),
        rules: rules.into_iter().filter_map(rule_entry).collect(),
    }
}

/// `None` for a rule of which something is unknown: EC2 has no such rules.
fn rule_entry(rule: &Rule) -> Option<RuleEntry> {
    let (Known::Yes(protocol), Known::Yes(ports)) = (rule.protocol, rule.ports) else {
        return None;
    };
    let (from, to) = ports.as_written(protocol);
    Some(RuleEntry {
        id: rule.id.clone(),
        direction: match rule.direction {
            Direction::Ingress => DirectionEntry::Ingress,
            Direction::Egress => DirectionEntry::Egress,
        },
        protocol: protocol.to_string(),
        from_port: from.into(),
        to_port: to.into(),
        peer: match &rule.peer {
            Peer::Cidr(cidr) => PeerEntry::Cidr(cidr.to_string()),
            Peer::Group { id, account } => PeerEntry::Group {
                id: id.clone(),
                account: account.clone(),
            },
            Peer::SelfGroup => PeerEntry::SelfGroup,
            Peer::PrefixList(id) => PeerEntry::PrefixList(id.clone()),
            Peer::Unknown(_) => return None,
        },
        description: rule.description.clone(),
    })
}

fn interface_entry(interface: &Interface) -> InterfaceEntry {
    InterfaceEntry {
        id: interface.id.clone(),
        description: interface.description.clone(),
        instance_id: interface.instance_id.clone(),
        instance_name: interface.instance_name.clone(),
        private_addresses: interface.private_addresses.clone(),
        public_addresses: interface.public_addresses.clone(),
        public_dns: interface.public_dns.clone(),
        groups: interface.groups.clone(),
    }
}

/// Reads `live.json`.
///
/// # Errors
/// [`LiveError`] when the text is no such document, of another major version, or holds a rule that makes no sense.
pub fn read(text: &str) -> Result<Inventory, LiveError> {
    #[derive(Deserialize)]
    struct Head {
        format_version: String,
    }
    let json = |source| LiveError::Json {
        what: "live.json".to_owned(),
        source,
    };
    let head: Head = serde_json::from_str(text).map_err(json)?;
    if head.format_version.split('.').next() != Some("1") {
        return Err(LiveError::Version {
            found: head.format_version,
        });
    }
    let document: Document = serde_json::from_str(text).map_err(json)?;
    let mut prefix_lists = PrefixLists::default();
    for (id, entries) in document.prefix_lists {
        match entries {
            None => prefix_lists.insert_unknown(id),
            Some(entries) => {
                let set: Result<AddressSet, _> = entries.iter().map(|text| text.parse::<Cidr>()).collect();
                let set = set.map_err(|source| rule_error(&id, source.into()))?;
                prefix_lists.insert(id, set);
            }
        }
    }
    Ok(Inventory {
        account: document.account,
        region: document.region,
        groups: document
            .groups
            .into_iter()
            .map(read_group)
            .collect::<Result<_, _>>()?,
        interfaces: document.interfaces.into_iter().map(read_interface).collect(),
        prefix_lists,
        gaps: document
            .gaps
            .into_iter()
            .map(|gap| Gap {
                what: gap.what,
                why: gap.why,
            })
            .collect(),
    })
}

fn rule_error(group: &str, source: Box<dyn Error + Send + Sync>) -> LiveError {
    LiveError::Rule {
        what: "live.json".to_owned(),
        group: group.to_owned(),
        source,
    }
}

fn read_group(entry: GroupEntry) -> Result<Group, LiveError> {
    let label = entry.id.clone().unwrap_or_default();
    let rules = entry
        .rules
        .into_iter()
        .map(|rule| read_rule(rule).map_err(|source| rule_error(&label, source)))
        .collect::<Result<_, _>>()?;
    Ok(Group {
        id: entry.id,
        address: None,
        name: entry.name,
        description: entry.description,
        vpc_id: entry.vpc_id,
        tags: entry.tags,
        rules,
    })
}

fn read_rule(entry: RuleEntry) -> Result<Rule, Box<dyn Error + Send + Sync>> {
    let protocol: Protocol = entry.protocol.parse()?;
    let ports = Ports::read(protocol, Some(entry.from_port), Some(entry.to_port))?;
    let direction = match entry.direction {
        DirectionEntry::Ingress => Direction::Ingress,
        DirectionEntry::Egress => Direction::Egress,
    };
    let peer = match entry.peer {
        PeerEntry::Cidr(text) => Peer::Cidr(text.parse()?),
        PeerEntry::Group { id, account } => Peer::Group { id, account },
        PeerEntry::SelfGroup => Peer::SelfGroup,
        PeerEntry::PrefixList(id) => Peer::PrefixList(id),
    };
    Ok(Rule {
        description: entry.description,
        id: entry.id,
        ..Rule::new(direction, protocol, ports, peer)
    })
}

fn read_interface(entry: InterfaceEntry) -> Interface {
    Interface {
        id: entry.id,
        description: entry.description,
        instance_id: entry.instance_id,
        instance_name: entry.instance_name,
        private_addresses: entry.private_addresses,
        public_addresses: entry.public_addresses,
        public_dns: entry.public_dns,
        groups: entry.groups,
    }
}
