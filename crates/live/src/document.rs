//! `live.json`: the live view as Portcullis writes it.

use crate::error::LiveError;
use portcullis_secgroup::{
    AddressSet, Cidr, Direction, Gap, Group, Interface, Inventory, Known, Missing, Peer, Ports, PrefixLists,
    Protocol, Rule, RuleKey, StaleReference, VpcAssociation,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::net::IpAddr;

/// The version of `live.json`. A reader accepts any `1.x`.
pub const FORMAT_VERSION: &str = "1.1";

#[derive(Serialize, Deserialize)]
struct Document {
    format_version: String,
    account: Option<String>,
    region: Option<String>,
    groups: Vec<GroupEntry>,
    interfaces: Vec<InterfaceEntry>,
    /// Null where the entries could not be read.
    prefix_lists: BTreeMap<String, Option<Vec<String>>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    vpc_associations: Vec<AssociationEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stale_references: Vec<StaleEntry>,
    gaps: Vec<GapEntry>,
}

#[derive(Serialize, Deserialize)]
struct GroupEntry {
    id: Option<String>,
    name: Option<String>,
    description: Option<String>,
    vpc_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
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
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vpc_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requester: Option<String>,
    description: Option<String>,
    instance_id: Option<String>,
    instance_name: Option<String>,
    private_addresses: Vec<IpAddr>,
    public_addresses: Vec<IpAddr>,
    public_dns: Option<String>,
    groups: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct AssociationEntry {
    group: String,
    vpc_id: String,
    vpc_account: Option<String>,
    state: String,
}

#[derive(Serialize, Deserialize)]
struct StaleEntry {
    group: String,
    direction: DirectionEntry,
    protocol: String,
    from_port: i64,
    to_port: i64,
    peer: PeerEntry,
    peer_vpc_id: Option<String>,
    peering: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct GapEntry {
    what: String,
    why: String,
    /// A word of [`Missing`]; one that a later version may write is read as the cautious one.
    #[serde(default)]
    missing: String,
    /// The group or the prefix list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    /// The groups that are not missing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    except: BTreeSet<String>,
}

/// The inventory as `live.json`: sorted, indented, ending with a line feed. Equal inventories give equal bytes.
#[must_use]
pub fn write(inventory: &Inventory) -> String {
    let mut groups: Vec<GroupEntry> = inventory.groups.iter().map(group_entry).collect();
    groups.sort_by(|a, b| a.id.cmp(&b.id));
    let mut interfaces: Vec<InterfaceEntry> = inventory.interfaces.iter().map(interface_entry).collect();
    interfaces.sort_by(|a, b| a.id.cmp(&b.id));
    let mut associations = inventory.associations.clone();
    associations.sort();
    let mut stale: Vec<&StaleReference> = inventory.stale.iter().collect();
    stale.sort();
    let document = Document {
        format_version: FORMAT_VERSION.to_owned(),
        account: inventory.account.clone(),
        region: inventory.region.clone(),
        groups,
        interfaces,
        prefix_lists: prefix_list_entries(inventory),
        vpc_associations: associations
            .into_iter()
            .map(|association| AssociationEntry {
                group: association.group,
                vpc_id: association.vpc_id,
                vpc_account: association.vpc_account,
                state: association.state,
            })
            .collect(),
        stale_references: stale.into_iter().filter_map(stale_entry).collect(),
        gaps: inventory.gaps.iter().map(gap_entry).collect(),
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
        account: group.account.clone(),
        region: group.region.clone(),
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
        direction: rule.direction.into(),
        protocol: protocol.to_string(),
        from_port: from.into(),
        to_port: to.into(),
        peer: peer_entry(&rule.peer)?,
        description: rule.description.clone(),
        tags: rule.tags.clone(),
    })
}

impl From<Direction> for DirectionEntry {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Ingress => Self::Ingress,
            Direction::Egress => Self::Egress,
        }
    }
}

impl From<DirectionEntry> for Direction {
    fn from(entry: DirectionEntry) -> Self {
        match entry {
            DirectionEntry::Ingress => Self::Ingress,
            DirectionEntry::Egress => Self::Egress,
        }
    }
}

fn peer_entry(peer: &Peer) -> Option<PeerEntry> {
    Some(match peer {
        Peer::Cidr(cidr) => PeerEntry::Cidr(cidr.to_string()),
        Peer::Group { id, account } => PeerEntry::Group {
            id: id.clone(),
            account: account.clone(),
        },
        Peer::SelfGroup => PeerEntry::SelfGroup,
        Peer::PrefixList(id) => PeerEntry::PrefixList(id.clone()),
        Peer::Unknown(_) => return None,
    })
}

fn stale_entry(stale: &StaleReference) -> Option<StaleEntry> {
    let rule = &stale.rule;
    let (from, to) = rule.ports.as_written(rule.protocol);
    Some(StaleEntry {
        group: stale.group.clone(),
        direction: rule.direction.into(),
        protocol: rule.protocol.to_string(),
        from_port: from.into(),
        to_port: to.into(),
        peer: peer_entry(&rule.peer)?,
        peer_vpc_id: stale.peer_vpc_id.clone(),
        peering: stale.peering.clone(),
    })
}

fn gap_entry(gap: &Gap) -> GapEntry {
    let (missing, of, except) = match &gap.missing {
        Missing::Anything => ("anything", None, BTreeSet::new()),
        Missing::Groups { except } => ("groups", None, except.clone()),
        Missing::Rules { of } => ("rules", of.clone(), BTreeSet::new()),
        Missing::Members => ("members", None, BTreeSet::new()),
        Missing::Entries { of } => ("entries", Some(of.clone()), BTreeSet::new()),
        Missing::Details => ("details", None, BTreeSet::new()),
    };
    GapEntry {
        what: gap.what.clone(),
        why: gap.why.clone(),
        missing: missing.to_owned(),
        of,
        except,
    }
}

fn interface_entry(interface: &Interface) -> InterfaceEntry {
    InterfaceEntry {
        id: interface.id.clone(),
        account: interface.account.clone(),
        vpc_id: interface.vpc_id.clone(),
        kind: interface.kind.clone(),
        requester: interface.requester.clone(),
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
        associations: document
            .vpc_associations
            .into_iter()
            .map(|entry| VpcAssociation {
                group: entry.group,
                vpc_id: entry.vpc_id,
                vpc_account: entry.vpc_account,
                state: entry.state,
            })
            .collect(),
        stale: document
            .stale_references
            .into_iter()
            .map(|entry| {
                let group = entry.group.clone();
                read_stale(entry).map_err(|source| rule_error(&group, source))
            })
            .collect::<Result<_, _>>()?,
        gaps: document.gaps.into_iter().map(read_gap).collect(),
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
        account: entry.account,
        region: entry.region,
        tags: entry.tags,
        rules,
    })
}

fn read_rule(entry: RuleEntry) -> Result<Rule, Box<dyn Error + Send + Sync>> {
    let protocol: Protocol = entry.protocol.parse()?;
    let ports = Ports::read(protocol, Some(entry.from_port), Some(entry.to_port))?;
    let peer = read_peer(entry.peer)?;
    Ok(Rule {
        description: entry.description,
        id: entry.id,
        tags: entry.tags,
        ..Rule::new(entry.direction.into(), protocol, ports, peer)
    })
}

fn read_peer(entry: PeerEntry) -> Result<Peer, Box<dyn Error + Send + Sync>> {
    Ok(match entry {
        PeerEntry::Cidr(text) => Peer::Cidr(text.parse()?),
        PeerEntry::Group { id, account } => Peer::Group { id, account },
        PeerEntry::SelfGroup => Peer::SelfGroup,
        PeerEntry::PrefixList(id) => Peer::PrefixList(id),
    })
}

fn read_stale(entry: StaleEntry) -> Result<StaleReference, Box<dyn Error + Send + Sync>> {
    let protocol: Protocol = entry.protocol.parse()?;
    Ok(StaleReference {
        group: entry.group,
        rule: RuleKey {
            direction: entry.direction.into(),
            protocol,
            ports: Ports::read(protocol, Some(entry.from_port), Some(entry.to_port))?,
            peer: read_peer(entry.peer)?,
        },
        peer_vpc_id: entry.peer_vpc_id,
        peering: entry.peering,
    })
}

fn read_gap(entry: GapEntry) -> Gap {
    let missing = match (entry.missing.as_str(), entry.of) {
        ("groups", _) => Missing::Groups { except: entry.except },
        ("rules", of) => Missing::Rules { of },
        ("members", _) => Missing::Members,
        ("entries", Some(of)) => Missing::Entries { of },
        ("details", _) => Missing::Details,
        _ => Missing::Anything,
    };
    Gap::new(entry.what, entry.why).missing(missing)
}

fn read_interface(entry: InterfaceEntry) -> Interface {
    Interface {
        id: entry.id,
        account: entry.account,
        vpc_id: entry.vpc_id,
        kind: entry.kind,
        requester: entry.requester,
        description: entry.description,
        instance_id: entry.instance_id,
        instance_name: entry.instance_name,
        private_addresses: entry.private_addresses,
        public_addresses: entry.public_addresses,
        public_dns: entry.public_dns,
        groups: entry.groups,
    }
}
