//! From a change to targets: what it closed must not answer.

use crate::find::{MOST_PORTS, Ranges, TCP, count, list, within};
use crate::target::may_be_asked;
use crate::{CheckResult, MemberKind, Place, Target, Targets, Unasked, Wants, Wish};
use portcullis_secgroup::{
    AddressSet, Direction, Group, Interface, Inventory, InventoryIndex, OpenSet, PeerSet,
};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Something that is closed to the internet: by a change, or since the expectations say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Whose it was.
    pub whose: Whose,
    /// TCP ports.
    pub tcp: Vec<(u16, u16)>,
    /// UDP ports.
    pub udp: Vec<(u16, u16)>,
    /// Whether it was closed to IPv4 addresses.
    pub v4: bool,
    /// Whether it was closed to IPv6 addresses.
    pub v6: bool,
    /// Whether it must be closed whatever the other groups of a member open.
    pub stated: bool,
}

/// Whose closing it is: each of the words may be the one that the inventory knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// A rule of a group went: whoever carries the group.
    Group(Vec<String>),
    /// A member left groups.
    Member {
        /// The member.
        words: Vec<String>,
        /// The groups it left, for people.
        left: String,
    },
}

/// Ports that are picked first from a range that is too wide to ask each: what attackers try, and what runs most
/// (nmap-services, the most frequent TCP ports).
const TELLING: [u16; 12] = [22, 3389, 80, 443, 21, 23, 25, 445, 3306, 5432, 8080, 6379];

/// Adds what is closed to the targets: the port must not answer on any public address of a member.
///
/// A port that a change closed and that another group of the member still opens to the whole internet is left out. Where a part of
/// the internet may still come in, silence proves the closing; an answer proves nothing, since this machine may be in that part.
pub fn add_closed(out: &mut Targets, inventory: &Inventory, closings: &[Closing]) {
    let index = inventory.index();
    for closing in closings {
        let (group, members) = match &closing.whose {
            Whose::Group(words) => {
                let called = |group: &&Group| is_one_of([&group.id, &group.address, &group.name], words);
                let Some(group) = inventory.groups.iter().find(called) else {
                    out.lacking(format!(
                        "ports of {} were closed, and no view that was read has that group",
                        words.join(", ")
                    ));
                    continue;
                };
                let id = group.id.as_deref().unwrap_or_default();
                (Some(group), index.members(id).to_vec())
            }
            Whose::Member { words, .. } => {
                let called = |interface: &&Interface| {
                    words.contains(&interface.id)
                        || is_one_of([&interface.instance_id, &interface.instance_name, &None], words)
                };
                (None, inventory.interfaces.iter().filter(called).collect())
            }
        };
        for member in members {
            Closer {
                out: &mut *out,
                inventory,
                index: &index,
                closing,
                group,
            }
            .add(member);
        }
    }
    // What is closed is not expected to answer, whatever an older view still says.
    let closed: BTreeSet<(String, u16)> = silent(out)
        .map(|target| (target.place.to_string(), target.port))
        .collect();
    let notes = &mut out.notes;
    out.targets.retain(|target| {
        let both = target.wants() == Wants::Answer && closed.contains(&(target.place.to_string(), target.port));
        if both {
            notes.push(format!(
                "tcp {} of {} should be closed, and a rule that was read opens it: it is expected to be silent",
                target.port, target.member
            ));
        }
        !both
    });
    out.settle();
}

fn silent(targets: &Targets) -> impl Iterator<Item = &Target> {
    targets
        .targets
        .iter()
        .filter(|target| target.wants() == Wants::Silence)
}

fn is_one_of(names: [&Option<String>; 3], words: &[String]) -> bool {
    names.into_iter().flatten().any(|name| words.contains(name))
}

struct Closer<'a> {
    out: &'a mut Targets,
    inventory: &'a Inventory,
    index: &'a InventoryIndex<'a>,
    closing: &'a Closing,
    /// The group that lost a rule.
    group: Option<&'a Group>,
}

impl Closer<'_> {
    fn add(&mut self, member: &Interface) {
        let open = Opened::of(member, self.inventory, self.index, self.group);
        let label = self.label().to_owned();
        let mut addresses = 0;
        for &address in &member.public_addresses {
            let family = if address.is_ipv4() {
                self.closing.v4
            } else {
                self.closing.v6
            };
            if !family || !may_be_asked(address) {
                continue;
            }
            addresses += 1;
            for port in self.ports() {
                if !self.closing.stated && open.by_others(address, port) {
                    self.out.notes.push(format!(
                        "tcp {port} of {} stays open by another group, so it is not checked to be closed",
                        member.label()
                    ));
                    continue;
                }
                self.out.targets.push(Target {
                    member: member.label().to_owned(),
                    kind: MemberKind::of(member),
                    group: label.clone(),
                    place: Place::Address(address),
                    port,
                    wish: Wish::Silence(open.in_part(address, port)),
                });
            }
        }
        if addresses > 0 && !self.closing.udp.is_empty() {
            self.out.unasked.push(Unasked {
                member: member.label().to_owned(),
                kind: MemberKind::of(member),
                group: label,
                what: format!("udp {}", list(&self.closing.udp)),
                result: CheckResult::NotTestable,
                why: "it was closed, and UDP gives no sign of that".to_owned(),
            });
        }
    }

    fn label(&self) -> &str {
        match (self.group, &self.closing.whose) {
            (Some(group), _) => group.label(),
            (None, Whose::Member { left, .. }) => left,
            (None, Whose::Group(_)) => "",
        }
    }

    /// The ports to try: all of them, or of a wide range a few that tell most.
    fn ports(&mut self) -> BTreeSet<u16> {
        let ranges: &Ranges = &self.closing.tcp;
        if count(ranges) <= MOST_PORTS {
            return ranges.iter().flat_map(|&(first, last)| first..=last).collect();
        }
        let note = format!(
            "of the {} TCP ports that were closed on {}, {MOST_PORTS} at most are tried",
            count(ranges),
            self.label()
        );
        self.out.notes.push(note);
        let ends = ranges.iter().flat_map(|&(first, last)| [first, last]);
        let telling = TELLING.into_iter().filter(|&port| within(ranges, port));
        // Port 0 cannot be asked for.
        telling
            .chain(ends)
            .filter(|&port| port != 0)
            .take(MOST_PORTS)
            .collect()
    }
}

/// What may still come in to a member.
struct Opened {
    /// What its other groups open for certain.
    others: OpenSet,
    /// What any of its groups may open.
    possible: OpenSet,
    /// A group of which the rules are not known.
    unknown: Option<String>,
}

impl Opened {
    fn of(
        member: &Interface,
        inventory: &Inventory,
        index: &InventoryIndex<'_>,
        closed: Option<&Group>,
    ) -> Self {
        let lists = &inventory.prefix_lists;
        let closed = closed.and_then(|group| group.id.as_deref());
        // An inventory may hold a group twice, as recorded and as live.
        let carried = inventory
            .groups
            .iter()
            .filter(|group| group.id.as_ref().is_some_and(|id| member.groups.contains(id)));
        let others = carried.clone().filter(|group| group.id.as_deref() != closed);
        Self {
            others: OpenSet::certain(others.flat_map(|group| &group.rules), Direction::Ingress, lists),
            possible: OpenSet::possible(carried.flat_map(|group| &group.rules), Direction::Ingress, lists),
            unknown: member.groups.iter().find(|id| index.group(id).is_none()).cloned(),
        }
    }

    fn by_others(&self, address: IpAddr, port: u16) -> bool {
        let internet = AddressSet::internet();
        peers(&self.others, port).is_some_and(|peers| {
            let open = peers.addresses();
            if address.is_ipv4() {
                internet.v4().is_subset(open.v4())
            } else {
                internet.v6().is_subset(open.v6())
            }
        })
    }

    /// Who of the internet may still come in.
    fn in_part(&self, address: IpAddr, port: u16) -> Option<String> {
        if let Some(group) = &self.unknown {
            return Some(format!("it carries {group}, whose rules are not known"));
        }
        let family = if address.is_ipv4() {
            AddressSet::all_v4()
        } else {
            AddressSet::all_v6()
        };
        let internet = AddressSet::internet().intersection(&family);
        let open = peers(&self.possible, port)?;
        let part = open.addresses().intersection(&internet);
        (!part.is_empty() && !internet.is_subset(&part)).then(|| {
            format!(
                "{} may still come in, and this machine may be among them",
                part.describe()
            )
        })
    }
}

fn peers(open: &OpenSet, port: u16) -> Option<&PeerSet> {
    let piece = open
        .pieces()
        .iter()
        .find(|piece| piece.traffic().contains(TCP, port))?;
    Some(&piece.peers)
}
