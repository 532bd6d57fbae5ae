//! From a change to targets: what it closed must not answer.

use crate::expectation::is_host_name;
use crate::find::MOST_PORTS;
use crate::open::{Ranges, TCP, count, list, within};
use crate::target::may_be_asked;
use crate::{CheckResult, MemberKind, Place, Target, Targets, Unasked, Wants, Wish};
use portcullis_secgroup::{
    AddressSet, Direction, Group, Interface, Inventory, InventoryIndex, OpenSet, PeerSet,
};
use std::collections::{BTreeMap, BTreeSet};

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
    /// The line of the expectations that says so: then it must be closed whatever the other groups of a member open. `None` where a
    /// change closed it.
    pub line: Option<u64>,
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

/// Adds what is closed to the targets: the port must not answer on any public address of a member. A member of which only a name is
/// known is asked by that name; one that cannot be asked is told, and so is what of a wide range is not tried.
///
/// A port that a change closed and that another group of the member still opens to the whole internet is left out. Where a part of
/// the internet may still come in, silence proves the closing; an answer proves nothing, since this machine may be in that part.
pub fn add_closed(out: &mut Targets, inventory: &Inventory, closings: &[Closing]) {
    let index = inventory.index();
    // The lines of the expectations, and whether each is about something.
    let mut lines: BTreeMap<u64, bool> = BTreeMap::new();
    for closing in closings {
        let before = out.targets.len() + out.unasked.len();
        let (group, members) = members(out, inventory, &index, closing);
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
        if let Some(line) = closing.line {
            *lines.entry(line).or_default() |= out.targets.len() + out.unasked.len() > before;
        }
    }
    for (line, _) in lines.into_iter().filter(|(_, about_something)| !about_something) {
        out.lacking(format!(
            "the entry of `closed` in line {line} is about nothing: no view that was read has a member of such a group"
        ));
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

/// The group that lost a rule, where there is one, and whose closing it is. Who is in no view that was read is missed.
fn members<'a>(
    out: &mut Targets,
    inventory: &'a Inventory,
    index: &InventoryIndex<'a>,
    closing: &Closing,
) -> (Option<&'a Group>, Vec<&'a Interface>) {
    match &closing.whose {
        Whose::Group(words) => {
            let called = |group: &&Group| is_one_of([&group.id, &group.address, &group.name], words);
            let Some(group) = inventory.groups.iter().find(called) else {
                // What the expectations say is missed as a whole, by its line.
                if closing.line.is_none() {
                    out.lacking(format!(
                        "ports of {} were closed, and no view that was read has that group",
                        words.join(", ")
                    ));
                }
                return (None, Vec::new());
            };
            let members = index.members(group.id.as_deref().unwrap_or_default()).to_vec();
            if members.is_empty() && closing.line.is_none() {
                out.notes.push(format!(
                    "ports of {} were closed, and it has no members",
                    group.label()
                ));
            }
            (Some(group), members)
        }
        Whose::Member { words, left } => {
            let called = |interface: &&Interface| {
                words.contains(&interface.id)
                    || is_one_of([&interface.instance_id, &interface.instance_name, &None], words)
            };
            let members: Vec<&Interface> = inventory.interfaces.iter().filter(called).collect();
            if members.is_empty() {
                out.lacking(format!(
                    "ports of {} were closed when it left {left}, and no view that was read has that member",
                    words.join(", ")
                ));
            }
            (None, members)
        }
    }
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
        let mut asked = false;
        let of_family = member
            .public_addresses
            .iter()
            .filter(|address| self.is_closed_to(address.is_ipv6()))
            .copied()
            .collect::<Vec<_>>();
        for &address in &of_family {
            if may_be_asked(address, self.out.loopback) {
                self.ask(member, &open, &[address.is_ipv6()], |_| Place::Address(address));
                asked = true;
            } else {
                self.tcp_unasked(
                    member,
                    format!("it was closed, and {address} is no public address"),
                );
            }
        }
        let name = member.public_dns.as_deref().filter(|name| is_host_name(name));
        match name {
            _ if !of_family.is_empty() => {}
            Some(name) if member.public_addresses.is_empty() => {
                let name = name.to_ascii_lowercase();
                let families: Vec<bool> = [false, true]
                    .into_iter()
                    .filter(|&six| self.is_closed_to(six))
                    .collect();
                self.ask(member, &open, &families, |families| {
                    let within = families
                        .iter()
                        .fold(AddressSet::empty(), |all, &six| all.union(&internet(six)));
                    Place::Name {
                        name: name.clone(),
                        within,
                    }
                });
                asked = true;
            }
            _ if member.public_addresses.is_empty() => {
                self.tcp_unasked(
                    member,
                    "it was closed, and the member has no public address".to_owned(),
                );
            }
            // Nobody comes to it that way, open or not.
            _ => self.out.notes.push(format!(
                "what was closed to {} is not tried on {}, which has no such address",
                if self.closing.v6 { "IPv6" } else { "IPv4" },
                member.label()
            )),
        }
        let (ports, closed) = (self.ports().len(), self.closed());
        if asked && ports < closed {
            let why = format!(
                "{} of the {closed} ports that were closed are not tried: so many are not scanned",
                closed - ports
            );
            self.tcp_unasked(member, why);
        }
        if !self.closing.udp.is_empty() {
            let what = format!("udp {}", list(&self.closing.udp));
            let why = "it was closed, and UDP gives no sign of that".to_owned();
            self.unasked(member, what, why);
        }
    }

    const fn is_closed_to(&self, six: bool) -> bool {
        if six { self.closing.v6 } else { self.closing.v4 }
    }

    /// The questions to one place, which is asked over these address families.
    fn ask(
        &mut self,
        member: &Interface,
        open: &Opened,
        families: &[bool],
        place: impl Fn(&[bool]) -> Place,
    ) {
        for port in self.ports() {
            let is_left = |six: &bool| self.closing.line.is_some() || !open.by_others(*six, port);
            let families: Vec<bool> = families.iter().copied().filter(is_left).collect();
            if families.is_empty() {
                self.out.notes.push(format!(
                    "tcp {port} of {} stays open by another group, so it is not checked to be closed",
                    member.label()
                ));
                continue;
            }
            self.out.targets.push(Target {
                member: member.label().to_owned(),
                kind: MemberKind::of(member),
                group: self.label().to_owned(),
                place: place(&families),
                port,
                wish: Wish::Silence(families.iter().find_map(|&six| open.in_part(six, port))),
            });
        }
    }

    fn tcp_unasked(&mut self, member: &Interface, why: String) {
        if !self.closing.tcp.is_empty() {
            let what = format!("tcp {}", list(&self.closing.tcp));
            self.unasked(member, what, why);
        }
    }

    fn unasked(&mut self, member: &Interface, what: String, why: String) {
        self.out.unasked.push(Unasked {
            member: member.label().to_owned(),
            kind: MemberKind::of(member),
            group: self.label().to_owned(),
            what,
            wants: Wants::Silence,
            result: CheckResult::NotTestable,
            why,
        });
    }

    fn label(&self) -> &str {
        match (self.group, &self.closing.whose) {
            (Some(group), _) => group.label(),
            (None, Whose::Member { left, .. }) => left,
            (None, Whose::Group(_)) => "",
        }
    }

    /// How many ports were closed that can be asked: port 0 cannot.
    fn closed(&self) -> usize {
        count(&self.closing.tcp) - usize::from(within(&self.closing.tcp, 0))
    }

    /// The ports to try: all of them where somebody listed each, or of a wide range a few that tell most.
    fn ports(&self) -> BTreeSet<u16> {
        let ranges: &Ranges = &self.closing.tcp;
        if self.closing.line.is_some() || count(ranges) <= MOST_PORTS {
            let all = ranges.iter().flat_map(|&(first, last)| first..=last);
            return all.filter(|&port| port != 0).collect();
        }
        let ends = ranges.iter().flat_map(|&(first, last)| [first, last]);
        let telling = TELLING.into_iter().filter(|&port| within(ranges, port));
        telling
            .chain(ends)
            .filter(|&port| port != 0)
            .take(MOST_PORTS)
            .collect()
    }
}

/// The internet of one address family.
fn internet(six: bool) -> AddressSet {
    let family = if six {
        AddressSet::all_v6()
    } else {
        AddressSet::all_v4()
    };
    AddressSet::internet().intersection(&family)
}

/// What may still come in to a member.
struct Opened {
    /// What its other groups open for certain.
    others: OpenSet,
    /// What all its groups open for certain.
    certain: OpenSet,
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
        let others = others.flat_map(|group| &group.rules);
        let all = carried.flat_map(|group| &group.rules);
        Self {
            others: OpenSet::certain(others, Direction::Ingress, lists),
            certain: OpenSet::certain(all.clone(), Direction::Ingress, lists),
            possible: OpenSet::possible(all, Direction::Ingress, lists),
            unknown: member.groups.iter().find(|id| index.group(id).is_none()).cloned(),
        }
    }

    fn by_others(&self, six: bool, port: u16) -> bool {
        is_open_to_all(&self.others, six, port)
    }

    /// Who of the internet may still come in, though not everybody for certain.
    fn in_part(&self, six: bool, port: u16) -> Option<String> {
        if let Some(group) = &self.unknown {
            return Some(format!("it carries {group}, whose rules are not known"));
        }
        let open = peers(&self.possible, port)?;
        let part = open.addresses().intersection(&internet(six));
        if part.is_empty() || is_open_to_all(&self.certain, six, port) {
            return None;
        }
        if internet(six).is_subset(&part) {
            // The entries of a prefix list, or a peer that is known only after an apply.
            return Some(
                "who else may still come in is not known, and this machine may be among them".to_owned(),
            );
        }
        Some(format!(
            "{} may still come in, and this machine may be among them",
            part.describe()
        ))
    }
}

fn is_open_to_all(open: &OpenSet, six: bool, port: u16) -> bool {
    peers(open, port).is_some_and(|peers| internet(six).is_subset(peers.addresses()))
}

fn peers(open: &OpenSet, port: u16) -> Option<&PeerSet> {
    let piece = open
        .pieces()
        .iter()
        .find(|piece| piece.traffic().contains(TCP, port))?;
    Some(&piece.peers)
}
