//! Members: what carries security groups, as far as Terraform tells.

use crate::attributes::Attribute;
use crate::resource::{Action, Carrier, Instance, Kind};
use crate::rules::{Reader, Target};
use std::collections::{BTreeMap, BTreeSet};

/// A resource that carries security groups: an instance, a network interface, a load balancer, a database, and others, also a
/// template that instances are made after. The table of types is in `resource.rs`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Its Terraform address; of a resource with several interfaces, each with groups of its own, that of the block:
    /// `aws_launch_template.web.network_interfaces[1]`.
    pub address: String,
    /// Its id, once it is made.
    pub id: Option<String>,
    /// Its `Name` tag, if it has one.
    pub name: Option<String>,
    /// The ids of its groups, as far as known; of a group that is yet to be made, its address.
    pub groups: Vec<String>,
    /// Whether it may carry groups that are not known yet.
    pub groups_unknown: bool,
    /// Its public address: that of its elastic IP before its own.
    pub public_ip: Option<String>,
    /// The name by which the internet finds it: of an instance, or of a load balancer that is not internal.
    pub public_dns: Option<String>,
    /// Its IPv6 addresses.
    pub ipv6_addresses: Vec<String>,
    /// Whether another object has taken its address, and it is yet to be deleted.
    pub deposed: bool,
}

impl Member {
    /// What people call it: its name, else its address.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.address)
    }
}

pub(crate) fn read(instances: &[&Instance], reader: &Reader<'_>) -> Vec<Member> {
    let elastic: BTreeMap<&str, &str> = instances
        .iter()
        .filter(|instance| instance.kind == Kind::Eip)
        .filter_map(|instance| {
            let object = instance.object();
            Some((object.text("instance").set()?, object.text("public_ip").set()?))
        })
        .collect();
    let mut members: Vec<(&Instance, Member)> = instances
        .iter()
        .copied()
        .filter_map(|instance| match instance.kind {
            Kind::Carrier(carrier) => Some((instance, carried(instance, carrier, reader))),
            _ => None,
        })
        .flat_map(|(instance, carried)| {
            let alone = carried.len() == 1;
            let elastic = &elastic;
            carried.into_iter().map(move |carried| {
                let mut member = member(instance, carried.carried, elastic);
                if let Some(block) = carried.block.filter(|_| !alone) {
                    member.address = format!("{}.{block}", member.address);
                }
                (instance, member)
            })
        })
        .collect();
    let attachments: Vec<&Instance> = instances
        .iter()
        .copied()
        .filter(|instance| instance.kind == Kind::Attachment)
        // The groups of those that stand are in the members' own lists.
        .filter(|instance| !matches!(instance.action, Action::Keep | Action::Forget))
        .collect();
    if !attachments.is_empty() {
        attach(&attachments, reader, &mut members);
    }
    let mut members: Vec<Member> = members.into_iter().map(|(_, member)| member).collect();
    members.sort();
    members
}

fn member(instance: &Instance, carried: Carried, elastic: &BTreeMap<&str, &str>) -> Member {
    let object = instance.object();
    let text = |name| object.text(name).set().filter(|text| !text.is_empty());
    let public = instance.id().and_then(|id| elastic.get(id).copied());
    let public_dns = match object.flag("internal") {
        Attribute::Set(true) => None,
        _ => text("public_dns").or(text("dns_name")),
    };
    let addresses = object.texts("ipv6_addresses").set().unwrap_or_default();
    let name = instance
        .values
        .get("tags")
        .and_then(|tags| tags.tag("Name"))
        .and_then(|name| name.as_str());
    Member {
        address: instance.address.clone(),
        id: instance.id().map(str::to_owned),
        name: name.map(str::to_owned),
        groups: carried.groups.into_iter().collect(),
        groups_unknown: carried.unknown,
        public_ip: public.or(text("public_ip")).map(str::to_owned),
        public_dns: public_dns.map(str::to_owned),
        ipv6_addresses: addresses
            .into_iter()
            .filter_map(Attribute::set)
            .map(str::to_owned)
            .collect(),
        deposed: instance.deposed,
    }
}

/// The groups a member carries, and whether there may be others.
#[derive(Default)]
struct Carried {
    groups: BTreeSet<String>,
    unknown: bool,
}

/// What one interface carries, and the block that it stands in.
struct Interface {
    carried: Carried,
    block: Option<String>,
}

/// What each of its interfaces carries. Nothing where it is in no network, or carries no groups.
fn carried(instance: &Instance, carrier: &Carrier, reader: &Reader<'_>) -> Vec<Interface> {
    let object = instance.object();
    let mut out = Vec::new();
    for place in carrier.places {
        let mut add = |list: Attribute<Vec<Attribute<&str>>>, block: Option<String>| {
            let carried = of_list(instance, carrier, place, list, reader);
            out.extend(carried.map(|carried| Interface { carried, block }));
        };
        match **place {
            [block, name] => match object.objects(block) {
                Attribute::Set(blocks) => {
                    for (at, object) in blocks.into_iter().enumerate() {
                        add(object.texts(name), Some(format!("{block}[{at}]")));
                    }
                }
                Attribute::Null => {}
                Attribute::Unknown | Attribute::Odd => add(Attribute::Odd, None),
            },
            [name] => add(object.texts(name), None),
            _ => {}
        }
    }
    out
}

/// What one list of groups comes to.
fn of_list(
    instance: &Instance,
    carrier: &Carrier,
    place: &[&str],
    list: Attribute<Vec<Attribute<&str>>>,
    reader: &Reader<'_>,
) -> Option<Carried> {
    let mut out = Carried::default();
    match list {
        // Who launches from it names the groups then, or AWS gives the default group.
        Attribute::Set(items) if carrier.is_template() && items.is_empty() => return None,
        Attribute::Set(items) => {
            out.unknown |= items.iter().any(|item| !matches!(item, Attribute::Set(_)));
            let ids = items.into_iter().filter_map(Attribute::set);
            out.groups.extend(ids.map(str::to_owned));
        }
        Attribute::Unknown | Attribute::Null if is_without(instance, carrier, place, reader) => return None,
        Attribute::Unknown => match reader.groups_written(instance, place) {
            Some((groups, others)) => {
                out.groups.extend(groups);
                out.unknown |= others;
            }
            None => out.unknown = true,
        },
        Attribute::Null if carrier.is_template() => return None,
        // AWS gives a new one the default group of its VPC where none is written.
        Attribute::Null => out.unknown |= instance.action == Action::Create,
        Attribute::Odd => out.unknown = true,
    }
    Some(out)
}

/// Whether it carries no group of its own where none is written, though the provider plans the attribute as unknown: a load
/// balancer for packets, an endpoint that is a mere route, an instance on an interface that is there ("Resource: aws_lb",
/// "Resource: aws_vpc_endpoint", "Resource: aws_instance").
fn is_without(instance: &Instance, carrier: &Carrier, place: &[&str], reader: &Reader<'_>) -> bool {
    let object = instance.object();
    let written = |name: &str| reader.is_written(instance, name) == Some(true);
    let without = match carrier.kind {
        // It takes the groups of an interface that is a resource, and a member, of its own.
        "aws_instance" => written("network_interface"),
        "aws_lb" | "aws_alb" => matches!(
            object.text("load_balancer_type"),
            Attribute::Set("network" | "gateway")
        ),
        // `Gateway` is the default.
        "aws_vpc_endpoint" => matches!(
            object.text("vpc_endpoint_type"),
            Attribute::Null | Attribute::Set("Gateway" | "GatewayLoadBalancer")
        ),
        _ => false,
    };
    without && !place.iter().any(|name| written(name))
}

/// Adds the groups of attachments that are yet to be made.
fn attach(attachments: &[&Instance], reader: &Reader<'_>, members: &mut [(&Instance, Member)]) {
    // The place of a member by its address, by its id, and by the id of its first interface.
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, (instance, _)) in members.iter().enumerate() {
        let interface = instance.object().text("primary_network_interface_id").set();
        for name in [Some(instance.address.as_str()), instance.id(), interface] {
            places.extend(name.map(|name| (name, at)));
        }
    }
    let known: BTreeMap<&str, Option<&str>> = places.keys().map(|name| (*name, None)).collect();
    for attachment in attachments {
        let group = match reader.target(attachment) {
            Target::Id(id) => Some(id),
            Target::OneOf(groups) => match groups.as_slice() {
                [one] => Some(reader.id_or_address(one).to_owned()),
                _ => None,
            },
            Target::Unknown => None,
        };
        let found = match attachment.object().text("network_interface_id") {
            Attribute::Set(id) => Some(vec![id.to_owned()]),
            _ => reader.candidates(attachment, "network_interface_id", &known),
        };
        let (carriers, certain): (BTreeSet<usize>, bool) = match found {
            Some(names) => {
                let at = |name: &String| places.get(name.as_str()).copied();
                (names.iter().filter_map(at).collect(), names.len() == 1)
            }
            None => {
                let may_be = |at: &usize| !matches!(members[*at].0.kind, Kind::Carrier(carrier) if carrier.is_template());
                ((0..members.len()).filter(may_be).collect(), false)
            }
        };
        for at in carriers {
            let Some((_, member)) = members.get_mut(at) else {
                continue;
            };
            match &group {
                Some(group) if certain => {
                    member.groups.push(group.clone());
                    member.groups.sort();
                    member.groups.dedup();
                }
                _ => member.groups_unknown = true,
            }
        }
    }
}
