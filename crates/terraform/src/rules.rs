//! From a resource's attributes to rules in normal form.

use crate::address::Split;
use crate::attributes::{Attribute, Object};
use crate::behind::Behind;
use crate::code::WrittenList;
use crate::configuration::References;
use crate::error::{Problem, ReadError};
use crate::resource::{Instance, Kind};
use crate::tree::Name;
use hcl_edit::expr::Expression;
use hcl_edit::structure::Body;
use portcullis_secgroup::{Cidr, Direction, Known, Peer, Ports, Protocol, Rule, UnknownPeer};
use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Bound;

/// Shown where a description is marked sensitive.
const SENSITIVE: &str = "(sensitive)";
/// Shown where a description is not known yet.
const UNKNOWN: &str = "(known after apply)";

/// Said of a rule without one.
const NO_SOURCE: &str = "no source that this version understands";
/// Where an inline block says from or to whom.
const INLINE_SOURCES: [&str; 5] = [
    "cidr_blocks",
    "ipv6_cidr_blocks",
    "prefix_list_ids",
    "security_groups",
    "self",
];

/// A value that is known only after apply, and what will decide it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotKnown {
    /// The attribute: `cidr_ipv4`; of an inline block `ingress.cidr_blocks`.
    pub attribute: String,
    /// What will decide it, as far as the plan's configuration tells: `module.net.aws_eip.nat.public_ip`.
    pub decided_by: Vec<String>,
}

/// Whether the description of a rule, which stands in `object`, is known only after apply.
pub(crate) fn description_unknown(object: Object<'_>) -> bool {
    object.text("description") == Attribute::Unknown
}

/// What a rule resource is attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A group by its id.
    Id(String),
    /// One of these groups, by address; one alone is certain.
    OneOf(Vec<String>),
    /// Some group: the expression can't be followed.
    Unknown,
}

/// What reading needs beside the attributes: which groups and lists exist, and the configuration behind them.
pub(crate) struct Reader<'a> {
    pub(crate) behind: Behind<'a>,
    /// Addresses of the groups there are, with their ids where known.
    pub(crate) groups: &'a BTreeMap<&'a str, Option<&'a str>>,
    /// Addresses of the prefix lists there are, with their ids where known.
    pub(crate) lists: &'a BTreeMap<&'a str, Option<&'a str>>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) remarks: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, address: &str, what: impl Into<String>) {
        self.problems.push(Problem {
            address: address.to_owned(),
            what: what.into(),
        });
    }

    /// The group a rule resource is attached to.
    pub(crate) fn target(&self, instance: &Instance) -> Target {
        match instance.object().text("security_group_id") {
            Attribute::Set(id) => Target::Id(id.to_owned()),
            _ => match self.candidates(instance, "security_group_id", self.groups) {
                Some(found) => Target::OneOf(found),
                None => Target::Unknown,
            },
        }
    }

    /// What is not known of this rule, which stands in `object`: the resource itself, or an inline block of this direction.
    pub(crate) fn not_known(
        &self,
        instance: &Instance,
        object: Object<'_>,
        inline: Option<Direction>,
        rule: &Rule,
    ) -> Vec<NotKnown> {
        if rule.key().is_some() {
            return Vec::new();
        }
        let vpc = matches!(instance.kind, Kind::VpcIngress | Kind::VpcEgress);
        let mut attributes = Vec::new();
        if rule.protocol.value().is_none() {
            attributes.push(if vpc { "ip_protocol" } else { "protocol" });
        }
        if rule.ports.value().is_none() {
            let bounds = ["from_port", "to_port"].into_iter();
            attributes.extend(bounds.filter(|name| object.integer(name) == Attribute::Unknown));
        }
        let group = match (vpc, inline) {
            (true, _) => "referenced_security_group_id",
            (false, None) => "source_security_group_id",
            (false, Some(_)) => "security_groups",
        };
        if let Peer::Unknown(kind) = &rule.peer {
            attributes.push(match kind {
                UnknownPeer::Ipv4 if vpc => "cidr_ipv4",
                UnknownPeer::Ipv4 => "cidr_blocks",
                UnknownPeer::Ipv6 if vpc => "cidr_ipv6",
                UnknownPeer::Ipv6 => "ipv6_cidr_blocks",
                UnknownPeer::PrefixList if vpc => "prefix_list_id",
                UnknownPeer::PrefixList => "prefix_list_ids",
                UnknownPeer::Group if !vpc && object.flag("self") == Attribute::Unknown => "self",
                UnknownPeer::Group => group,
                UnknownPeer::Any => "the source",
            });
        }
        let told = |attribute: &str| match inline {
            Some(direction) => NotKnown {
                attribute: format!("{direction}.{attribute}"),
                decided_by: self.deciders(instance, direction.as_str()),
            },
            None => NotKnown {
                attribute: attribute.to_owned(),
                decided_by: self.deciders(instance, attribute),
            },
        };
        attributes.into_iter().map(told).collect()
    }

    /// What decides an attribute of a resource, as far as the configuration tells.
    pub(crate) fn deciders(&self, instance: &Instance, attribute: &str) -> Vec<String> {
        // Where all of a source is unknown, there is no one attribute to ask.
        if Name::of(attribute).is_none() {
            return Vec::new();
        }
        match self.behind.configuration {
            Some(configuration) if self.is_written(instance, attribute) == Some(true) => {
                configuration.references(&instance.address, attribute).deciders
            }
            _ => Vec::new(),
        }
    }

    /// The rules of a rule resource: one per source.
    pub(crate) fn resource_rules(&mut self, instance: &Instance) -> Result<Vec<Rule>, ReadError> {
        let object = instance.object();
        let direction = match instance.kind {
            Kind::VpcIngress => Direction::Ingress,
            Kind::VpcEgress => Direction::Egress,
            _ => match object.text("type") {
                Attribute::Set("ingress") => Direction::Ingress,
                Attribute::Set("egress") => Direction::Egress,
                other => {
                    self.problem(
                        &instance.address,
                        format!(
                            "type is {}, read as ingress",
                            if other == Attribute::Unknown {
                                "not known"
                            } else {
                                "odd"
                            }
                        ),
                    );
                    Direction::Ingress
                }
            },
        };
        let protocol_name = if instance.kind == Kind::Rule {
            "protocol"
        } else {
            "ip_protocol"
        };
        let peers = if instance.kind == Kind::Rule {
            self.many_sources(instance, object, None)?
        } else {
            self.one_source(instance, object)?
        };
        if peers.is_empty() {
            self.problem(&instance.address, NO_SOURCE);
            return self.spread(
                instance,
                object,
                direction,
                protocol_name,
                vec![Peer::Unknown(UnknownPeer::Any)],
            );
        }
        self.spread(instance, object, direction, protocol_name, peers)
    }

    /// The rules of one inline block.
    pub(crate) fn inline_rules(
        &mut self,
        instance: &Instance,
        block: Object<'_>,
        direction: Direction,
    ) -> Result<Vec<Rule>, ReadError> {
        let mut peers = self.many_sources(instance, block, Some(direction))?;
        // Whoever is let in stands in one of these. The provider writes all of them: where they are all there, it is nobody.
        let is_there = |name: &&str| block.value.get(name).is_some();
        if peers.is_empty() && !INLINE_SOURCES.iter().all(is_there) {
            self.problem(&instance.address, NO_SOURCE);
            peers.push(Peer::Unknown(UnknownPeer::Any));
        }
        self.spread(instance, block, direction, "protocol", peers)
    }

    fn spread(
        &mut self,
        instance: &Instance,
        object: Object<'_>,
        direction: Direction,
        protocol_name: &'static str,
        peers: Vec<Peer>,
    ) -> Result<Vec<Rule>, ReadError> {
        let error = |attribute, source: Box<dyn Error + Send + Sync>| ReadError::Rule {
            address: instance.address.clone(),
            attribute,
            source,
        };
        let protocol = match object.text(protocol_name) {
            Attribute::Set(text) => Known::Yes(
                text.parse::<Protocol>()
                    .map_err(|e| error(protocol_name, e.into()))?,
            ),
            Attribute::Unknown => Known::NotYet,
            Attribute::Null | Attribute::Odd => {
                self.problem(
                    &instance.address,
                    format!("{protocol_name} is missing or no text"),
                );
                Known::NotYet
            }
        };
        let ports = self
            .ports(instance, object, protocol)
            .map_err(|source| error("from_port and to_port", source))?;
        let description = match object.text("description") {
            _ if object.is_sensitive("description") => Some(SENSITIVE.to_owned()),
            Attribute::Set(text) if !text.is_empty() => Some(text.to_owned()),
            // Perhaps there will be one: `OwnedRule::description_unknown` says so.
            Attribute::Unknown => Some(UNKNOWN.to_owned()),
            _ => None,
        };
        let id = object
            .text("security_group_rule_id")
            .set()
            .filter(|id| !id.is_empty())
            .map(str::to_owned);
        let id = id.filter(|_| peers.len() == 1);
        Ok(peers
            .into_iter()
            .map(|peer| Rule {
                direction,
                protocol,
                ports,
                peer,
                description: description.clone(),
                id: id.clone(),
                tags: BTreeMap::new(),
            })
            .collect())
    }

    fn ports(
        &mut self,
        instance: &Instance,
        object: Object<'_>,
        protocol: Known<Protocol>,
    ) -> Result<Known<Ports>, Box<dyn Error + Send + Sync>> {
        let Known::Yes(protocol) = protocol else {
            return Ok(Known::NotYet);
        };
        if !protocol.has_ports() && !protocol.has_types() {
            return Ok(Known::Yes(Ports::All));
        }
        let bounds = ["from_port", "to_port"].map(|name| (name, object.integer(name)));
        for (name, _) in bounds.iter().filter(|(_, bound)| *bound == Attribute::Odd) {
            self.problem(&instance.address, format!("{name} is no whole number"));
        }
        Ok(match bounds.map(|(_, bound)| bound) {
            [Attribute::Odd, _] | [_, Attribute::Odd] => Known::NotYet,
            [Attribute::Unknown, to] => Known::half(protocol, None, to.set())?,
            [from, Attribute::Unknown] => Known::half(protocol, from.set(), None)?,
            [from, to] => Known::Yes(Ports::read(protocol, from.set(), to.set())?),
        })
    }

    /// Sources of an inline block of this direction, or of an `aws_security_group_rule`: lists, a group (or groups), and `self`.
    fn many_sources(
        &mut self,
        instance: &Instance,
        object: Object<'_>,
        inline: Option<Direction>,
    ) -> Result<Vec<Peer>, ReadError> {
        let mut peers = Vec::new();
        let lists = [
            ("cidr_blocks", UnknownPeer::Ipv4),
            ("ipv6_cidr_blocks", UnknownPeer::Ipv6),
            ("prefix_list_ids", UnknownPeer::PrefixList),
        ];
        let groups = inline.map(|_| ("security_groups", UnknownPeer::Group));
        for (attribute, unknown) in lists.into_iter().chain(groups) {
            match object.texts(attribute) {
                Attribute::Set(items) => {
                    for item in items {
                        peers.push(self.listed(instance, attribute, item, unknown)?);
                    }
                }
                Attribute::Unknown if self.may_write(instance, attribute) => {
                    match self.written(instance, object, inline, attribute) {
                        Some(list) => self.peers_of(instance, attribute, &list, unknown, &mut peers)?,
                        None => peers.extend(self.perhaps(instance, attribute, unknown)),
                    }
                }
                Attribute::Odd => {
                    self.problem(&instance.address, format!("{attribute} is no list"));
                    peers.push(Peer::Unknown(unknown));
                }
                Attribute::Unknown | Attribute::Null => {}
            }
        }
        if inline.is_none() {
            peers.extend(self.group_source(instance, object, "source_security_group_id"));
        }
        match object.flag("self") {
            Attribute::Set(true) => peers.push(Peer::SelfGroup),
            Attribute::Unknown if self.may_write(instance, "self") => {
                peers.push(Peer::Unknown(UnknownPeer::Group));
            }
            Attribute::Odd => peers.push(Peer::Unknown(UnknownPeer::Group)),
            _ => {}
        }
        Ok(peers)
    }

    /// One element of a list of sources.
    fn listed(
        &mut self,
        instance: &Instance,
        attribute: &'static str,
        item: Attribute<&str>,
        unknown: UnknownPeer,
    ) -> Result<Peer, ReadError> {
        match (unknown, item) {
            (UnknownPeer::PrefixList, Attribute::Set(id)) => Ok(Peer::PrefixList(id.to_owned())),
            (UnknownPeer::Group, Attribute::Set(id)) => Ok(group_peer(id)),
            (UnknownPeer::PrefixList | UnknownPeer::Group, _) => Ok(Peer::Unknown(unknown)),
            _ => self.cidr(instance, attribute, item, unknown),
        }
    }

    /// What the code writes in a list that the plan does not know as a whole.
    fn written(
        &self,
        instance: &Instance,
        object: Object<'_>,
        inline: Option<Direction>,
        attribute: &str,
    ) -> Option<WrittenList> {
        match inline {
            Some(direction) => self
                .behind
                .list_in_block(instance, direction.as_str(), attribute, |block| {
                    may_be(block, object)
                }),
            None => self.behind.list(instance, &[attribute]),
        }
    }

    fn peers_of(
        &mut self,
        instance: &Instance,
        attribute: &'static str,
        list: &WrittenList,
        unknown: UnknownPeer,
        peers: &mut Vec<Peer>,
    ) -> Result<(), ReadError> {
        for text in &list.texts {
            peers.push(self.listed(instance, attribute, Attribute::Set(text), unknown)?);
        }
        let known = self.named(unknown);
        let named = |address: &String| {
            let (address, id) = known.get_key_value(address.as_str())?;
            Some(peer_of(unknown, id.unwrap_or(address)))
        };
        let found: Vec<Peer> = list.ids.iter().filter_map(named).collect();
        if list.others || found.len() < list.ids.len() {
            peers.push(Peer::Unknown(unknown));
        }
        peers.extend(found);
        Ok(())
    }

    /// What a list may hold of which the plan tells only what it refers to: what it refers to, for certain or not, and what may
    /// be written out in it.
    fn perhaps(&self, instance: &Instance, attribute: &str, unknown: UnknownPeer) -> Vec<Peer> {
        let mut peers = vec![Peer::Unknown(unknown)];
        if matches!(unknown, UnknownPeer::PrefixList | UnknownPeer::Group) {
            let known = self.resolve(instance, attribute, unknown);
            peers.extend(Some(known).filter(|known| *known != peers[0]));
        }
        peers
    }

    /// The one source of an `aws_vpc_security_group_*_rule`.
    fn one_source(&mut self, instance: &Instance, object: Object<'_>) -> Result<Vec<Peer>, ReadError> {
        let mut peers = Vec::new();
        for (attribute, unknown) in [("cidr_ipv4", UnknownPeer::Ipv4), ("cidr_ipv6", UnknownPeer::Ipv6)] {
            match object.text(attribute) {
                Attribute::Null => {}
                Attribute::Unknown if !self.may_write(instance, attribute) => {}
                text => peers.push(self.cidr(instance, attribute, text, unknown)?),
            }
        }
        match object.text("prefix_list_id") {
            Attribute::Set(id) => peers.push(Peer::PrefixList(id.to_owned())),
            Attribute::Unknown if self.may_write(instance, "prefix_list_id") => {
                peers.push(self.resolve(instance, "prefix_list_id", UnknownPeer::PrefixList));
            }
            Attribute::Odd => peers.push(Peer::Unknown(UnknownPeer::PrefixList)),
            Attribute::Unknown | Attribute::Null => {}
        }
        peers.extend(self.group_source(instance, object, "referenced_security_group_id"));
        Ok(peers)
    }

    fn group_source(
        &mut self,
        instance: &Instance,
        object: Object<'_>,
        attribute: &'static str,
    ) -> Option<Peer> {
        match object.text(attribute) {
            Attribute::Set("") | Attribute::Null => None,
            Attribute::Set(id) => Some(group_peer(id)),
            // The provider plans this as unknown even when only CIDR blocks are written; the configuration decides.
            Attribute::Unknown if !self.may_write(instance, attribute) => None,
            Attribute::Unknown => Some(self.resolve(instance, attribute, UnknownPeer::Group)),
            Attribute::Odd => Some(Peer::Unknown(UnknownPeer::Group)),
        }
    }

    fn cidr(
        &mut self,
        instance: &Instance,
        attribute: &'static str,
        text: Attribute<&str>,
        unknown: UnknownPeer,
    ) -> Result<Peer, ReadError> {
        match text {
            Attribute::Set(text) => {
                let (cidr, host_bits) =
                    Cidr::parse_noting_host_bits(text).map_err(|source| ReadError::Rule {
                        address: instance.address.clone(),
                        attribute,
                        source: source.into(),
                    })?;
                let said = host_bits.then(|| Problem::host_bits(&instance.address, text, cidr));
                self.remarks.extend(said);
                Ok(Peer::Cidr(cidr))
            }
            Attribute::Unknown | Attribute::Null => Ok(Peer::Unknown(unknown)),
            Attribute::Odd => {
                self.problem(
                    &instance.address,
                    format!("{attribute} holds something that is no text"),
                );
                Ok(Peer::Unknown(unknown))
            }
        }
    }

    /// Whether the configuration may write this attribute of the resource. Inline blocks count as written whole.
    fn may_write(&self, instance: &Instance, attribute: &str) -> bool {
        instance.kind.is_group() || self.is_written(instance, attribute).unwrap_or(true)
    }

    /// Whether the configuration writes this attribute of the resource; `None` when that can't be told.
    pub(crate) fn is_written(&self, instance: &Instance, attribute: &str) -> Option<bool> {
        let written = instance.written(self.behind.configuration?)?;
        Some(written.contains(Name::known(attribute)?))
    }

    /// The groups that the code writes out for a member whose list the plan does not know as a whole, and whether there are others.
    pub(crate) fn groups_written(&self, instance: &Instance, path: &[&str]) -> Option<(Vec<String>, bool)> {
        let list = self.behind.list(instance, path)?;
        let known = |address: &String| self.groups.contains_key(address.as_str());
        let others = list.others || !list.ids.iter().all(known);
        let groups = list.ids.iter().filter(|address| known(address));
        let groups = groups.map(|address| self.id_or_address(address).to_owned());
        Some((groups.chain(list.texts).collect(), others))
    }

    /// The id of the group at this address, once it is made.
    pub(crate) fn id_or_address<'s>(&'s self, address: &'s str) -> &'s str {
        self.groups.get(address).copied().flatten().unwrap_or(address)
    }

    /// The one group or list that the expression must mean; else the unknown.
    fn resolve(&self, instance: &Instance, attribute: &str, unknown: UnknownPeer) -> Peer {
        let known = self.named(unknown);
        match self.candidates(instance, attribute, known).as_deref() {
            Some([one]) => peer_of(unknown, known.get(one.as_str()).copied().flatten().unwrap_or(one)),
            _ => Peer::Unknown(unknown),
        }
    }

    /// The groups, or the prefix lists, that there are.
    fn named(&self, unknown: UnknownPeer) -> &BTreeMap<&str, Option<&str>> {
        if unknown == UnknownPeer::Group {
            self.groups
        } else {
            self.lists
        }
    }

    /// The instances among `known` that the expression behind an attribute may mean. `None` when that can't be told.
    pub(crate) fn candidates(
        &self,
        instance: &Instance,
        attribute: &str,
        known: &BTreeMap<&str, Option<&str>>,
    ) -> Option<Vec<String>> {
        let configuration = self.behind.configuration?;
        let address = &instance.address;
        // Inline blocks of one direction are collapsed to one expression.
        let references = if instance.kind.is_group() {
            // Inline blocks of one direction are collapsed to one expression, and a list may stand in either.
            let mut all = References::default();
            for direction in ["ingress", "egress"] {
                if self.is_written(instance, direction) == Some(true) {
                    let more = configuration.references(address, direction);
                    all.resources.extend(more.resources);
                    all.incomplete |= more.incomplete;
                    all.same_key |= more.same_key;
                }
            }
            all
        } else if self.behind.may_choose_a_text(instance, attribute) {
            return None;
        } else {
            configuration.references(address, attribute)
        };
        if references.incomplete {
            return None;
        }
        expand(&references, Split::of(address)?.key, known).filter(|found| !found.is_empty())
    }
}

/// The known instances that the references may mean. `None` when one of them is something else: an expression such as
/// `condition ? aws_security_group.web.id : aws_vpc.main.default_security_group_id` may then mean what is not known here.
fn expand(
    references: &References,
    own_key: Option<&str>,
    known: &BTreeMap<&str, Option<&str>>,
) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for resource in &references.resources {
        let with_key = own_key.map(|key| format!("{resource}[{key}]"));
        if references.same_key
            && let Some(exact) = with_key
            && known.contains_key(exact.as_str())
        {
            found.push(exact);
            continue;
        }
        let before = found.len();
        if known.contains_key(resource.as_str()) {
            found.push(resource.clone());
        }
        // The instances stand side by side.
        let start = format!("{resource}[");
        let instances = known
            .range::<str, _>((Bound::Included(start.as_str()), Bound::Unbounded))
            .map(|(address, _)| *address)
            .take_while(|address| address.starts_with(&start));
        found.extend(instances.map(str::to_owned));
        if found.len() == before {
            return None;
        }
    }
    found.sort();
    found.dedup();
    Some(found)
}

/// Whether a block of the code may be the one that a plan shows like this: no value that stands in both differs.
fn may_be(block: &Body, object: Object<'_>) -> bool {
    let written = |name: &str| -> Option<String> {
        match &block.get_attribute(name)?.value {
            Expression::String(text) => Some(text.value().as_str().to_owned()),
            Expression::Number(number) => Some(number.value().to_string()),
            _ => None,
        }
    };
    let protocol = match (written("protocol"), object.text("protocol")) {
        (Some(written), Attribute::Set(planned)) => {
            match (written.parse::<Protocol>(), planned.parse::<Protocol>()) {
                (Ok(written), Ok(planned)) => written == planned,
                _ => true,
            }
        }
        _ => true,
    };
    let ports = ["from_port", "to_port"].iter().all(|name| {
        let written = written(name).and_then(|text| text.parse::<i64>().ok());
        match (written, object.integer(name)) {
            (Some(written), Attribute::Set(planned)) => written == planned,
            _ => true,
        }
    });
    let description = match (written("description"), object.text("description")) {
        (Some(written), Attribute::Set(planned)) => written == planned,
        _ => true,
    };
    protocol && ports && description
}

fn peer_of(unknown: UnknownPeer, name: &str) -> Peer {
    if unknown == UnknownPeer::Group {
        group_peer(name)
    } else {
        Peer::PrefixList(name.to_owned())
    }
}

/// `sg-…`, or `account/sg-…` for a group of another account.
fn group_peer(text: &str) -> Peer {
    match text.split_once('/') {
        // A slash may also stand in the key of an address.
        Some((account, id)) if account.bytes().all(|byte| byte.is_ascii_digit()) => Peer::Group {
            id: id.to_owned(),
            account: Some(account.to_owned()),
        },
        _ => Peer::group(text),
    }
}
