//! From an inventory to targets: what a rule opens must answer.

use crate::target::may_be_asked;
use crate::{CheckResult, Entry, Expectation, Expectations, MemberKind, Place, Target, Wish};
use portcullis_secgroup::{AddressSet, Cidr, Direction, Group, Interface, Inventory, OpenSet, wildcard};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// IANA's numbers of TCP and UDP.
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;

/// More ports than this of one group are not asked: a range that wide is no service each.
pub const MOST_PORTS: usize = 16;

/// Which groups and ports to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Names (`*` stands for any run of characters), ids or Terraform addresses of groups; empty means any.
    pub groups: Vec<String>,
    /// Tags that a group must carry, all of them. Without names and tags each group is meant that is open to the internet.
    pub tags: BTreeMap<String, String>,
    /// Of the open ports only these; empty means each.
    pub ports: Vec<u16>,
}

impl Selection {
    /// Whether somebody chose, so that finding nothing is remarkable.
    fn is_choice(&self) -> bool {
        !(self.groups.is_empty() && self.tags.is_empty())
    }

    fn fits(&self, group: &Group) -> bool {
        let named = self.groups.is_empty() || self.groups.iter().any(|wanted| is_called(group, wanted));
        named
            && self
                .tags
                .iter()
                .all(|(key, value)| group.tags.get(key) == Some(value))
    }
}

/// Something that should be asked and is not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unasked {
    /// The member, as people call it.
    pub member: String,
    /// What kind of thing it is.
    pub kind: MemberKind,
    /// The group it is about.
    pub group: String,
    /// What would be asked: `tcp 8000`.
    pub what: String,
    /// Whether it cannot be tested, or is not wanted.
    pub result: CheckResult,
    /// Why.
    pub why: String,
}

/// Whom to ask, and what stands in the way of asking everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// Whom to ask, sorted by member, URL and group; each question once.
    pub targets: Vec<Target>,
    /// What is not asked, sorted.
    pub unasked: Vec<Unasked>,
    /// Remarks about the whole.
    pub notes: Vec<String>,
    /// Whether somebody may be missing: a selected group or port gave nothing to ask, or the inventory has gaps.
    pub incomplete: bool,
}

impl Targets {
    /// Something that leaves open whether everybody was asked.
    pub(crate) fn lacking(&mut self, note: impl Into<String>) {
        self.incomplete = true;
        self.notes.push(note.into());
    }

    /// Sorted, and each thing once.
    pub(crate) fn settle(&mut self) {
        self.targets
            .sort_by_cached_key(|target| (target.member.clone(), target.url(), target.group.clone()));
        let mut seen = BTreeSet::new();
        self.targets.retain(|target| seen.insert(target.id()));
        self.unasked.sort();
        self.unasked.dedup();
        let mut seen = BTreeSet::new();
        self.notes.retain(|note| seen.insert(note.clone()));
    }
}

/// Whom to ask: each public address of each member of the selected groups, on each TCP port that the group opens to
/// the whole internet of that address's family. A member of which only a name is known is asked by that name.
///
/// An inventory may hold a group or a member twice, once as the state records it and once as EC2 has it: then what
/// either opens is asked of the members that either knows, and each question once.
///
/// What cannot be asked is told, not skipped: a member without a public address, a range of more than [`MOST_PORTS`] ports of
/// which no expectation names some, and UDP, where silence means nothing.
#[must_use]
pub fn targets(inventory: &Inventory, selection: &Selection, expectations: &Expectations) -> Targets {
    let mut out = Targets::default();
    let mut not_open: BTreeSet<u16> = selection.ports.iter().copied().collect();
    let mut met = BTreeSet::new();
    for gap in &inventory.gaps {
        out.lacking(format!(
            "not read: {} ({}), so members may be missing",
            gap.what, gap.why
        ));
    }
    for wanted in &selection.groups {
        if !inventory.groups.iter().any(|group| is_called(group, wanted)) {
            out.lacking(format!("there is no group called {wanted}"));
        }
    }
    let index = inventory.index();
    let mut chosen = false;
    for group in inventory.groups.iter().filter(|group| selection.fits(group)) {
        chosen = true;
        let entries = expectations.of_group(group);
        let open = Open::of(group, inventory, &selection.ports);
        if open.is_empty() {
            if selection.is_choice() {
                out.lacking(format!("{} opens no port to the internet", group.label()));
            }
            continue;
        }
        not_open.retain(|&port| !open.has(port));
        let members = group.id.as_deref().map_or(&[][..], |id| index.members(id));
        if members.is_empty() {
            out.notes.push(format!(
                "{} is open to the internet and has no members",
                group.label()
            ));
        }
        let mut finder = Finder {
            out: &mut out,
            met: &mut met,
            group,
            open: &open,
            entries: &entries,
            default: &expectations.default,
            named: Named::new(),
        };
        for member in members {
            finder.add(member);
        }
        finder.add_names();
    }
    if !chosen && !selection.tags.is_empty() {
        out.lacking("no group carries the tags that are asked for");
    }
    for port in not_open {
        out.lacking(format!("no selected group opens tcp {port} to the internet"));
    }
    for line in expectations.lines().filter(|line| !met.contains(line)) {
        out.lacking(format!(
            "the expectation in line {line} is about nothing: no selected group opens such a port"
        ));
    }
    out.settle();
    out
}

fn is_called(group: &Group, wanted: &str) -> bool {
    let by_name = group.name.as_deref().is_some_and(|name| wildcard(wanted, name));
    by_name
        || [&group.id, &group.address]
            .into_iter()
            .flatten()
            .any(|name| name == wanted)
}

/// Ranges of ports.
pub(crate) type Ranges = Vec<(u16, u16)>;

/// The TCP ports a group opens to the whole internet, by address family, and its UDP ports.
struct Open {
    v4: Ranges,
    v6: Ranges,
    udp: Ranges,
}

impl Open {
    fn of(group: &Group, inventory: &Inventory, only: &[u16]) -> Self {
        let open = OpenSet::certain(&group.rules, Direction::Ingress, &inventory.prefix_lists);
        let internet = AddressSet::internet();
        let v4 = |addresses: &AddressSet| internet.v4().is_subset(addresses.v4());
        let v6 = |addresses: &AddressSet| internet.v6().is_subset(addresses.v6());
        let ports = |protocol: u8, covers: &dyn Fn(&AddressSet) -> bool| -> Ranges {
            let ranges: Ranges = open
                .pieces()
                .iter()
                .filter(|piece| covers(piece.peers.addresses()))
                .flat_map(|piece| piece.traffic().ports(protocol))
                .collect();
            if only.is_empty() {
                return ranges;
            }
            only.iter()
                .filter(|&&port| within(&ranges, port))
                .map(|&port| (port, port))
                .collect()
        };
        Self {
            v4: ports(TCP, &v4),
            v6: ports(TCP, &v6),
            udp: ports(UDP, &|addresses| v4(addresses) || v6(addresses)),
        }
    }

    fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty() && self.udp.is_empty()
    }

    fn has(&self, port: u16) -> bool {
        within(&self.v4, port) || within(&self.v6, port)
    }

    fn toward(&self, address: IpAddr) -> &Ranges {
        if address.is_ipv4() { &self.v4 } else { &self.v6 }
    }

    /// TCP ports of either family.
    fn tcp(&self) -> &Ranges {
        if self.v4.is_empty() { &self.v6 } else { &self.v4 }
    }
}

pub(crate) fn within(ranges: &Ranges, port: u16) -> bool {
    ranges.iter().any(|&(first, last)| (first..=last).contains(&port))
}

pub(crate) fn count(ranges: &Ranges) -> usize {
    ranges
        .iter()
        .map(|(first, last)| usize::from(last - first) + 1)
        .sum()
}

/// Names to ask beside the addresses: by the expectation's line, the name and the port, with the addresses they may lead to.
type Named = BTreeMap<(u64, String, u16), (Arc<Expectation>, Vec<Cidr>)>;

/// Finds the targets of one group.
struct Finder<'a> {
    out: &'a mut Targets,
    met: &'a mut BTreeSet<u64>,
    group: &'a Group,
    open: &'a Open,
    entries: &'a [&'a Entry],
    default: &'a Arc<Expectation>,
    named: Named,
}

impl Finder<'_> {
    fn add(&mut self, member: &Interface) {
        if !self.open.udp.is_empty() {
            let ranges = self.open.udp.clone();
            self.unasked(member, "udp", &ranges, "UDP gives no sign of being open");
        }
        if self.open.tcp().is_empty() {
            return;
        }
        let mut reachable = false;
        for &address in &member.public_addresses {
            let ranges = self.open.toward(address);
            reachable |= !ranges.is_empty();
            if ranges.is_empty() {
                continue;
            }
            if may_be_asked(address) {
                self.ask(member, &Place::Address(address), ranges);
            } else {
                let ranges = ranges.clone();
                self.unasked(member, "tcp", &ranges, &format!("{address} is no public address"));
            }
        }
        if reachable {
            return;
        }
        match member.public_dns.as_deref() {
            Some(name) if member.public_addresses.is_empty() && crate::expectation::is_host_name(name) => {
                let mut within = AddressSet::internet();
                for (open, family) in [
                    (&self.open.v4, AddressSet::all_v4()),
                    (&self.open.v6, AddressSet::all_v6()),
                ] {
                    if open.is_empty() {
                        within = within.difference(&family);
                    }
                }
                let place = Place::Name {
                    name: name.to_owned(),
                    within,
                };
                self.ask(member, &place, self.open.tcp());
            }
            _ => {
                let ranges = self.open.tcp().clone();
                self.unasked(
                    member,
                    "tcp",
                    &ranges,
                    "it has no public address that the port is open on",
                );
            }
        }
    }

    /// The questions to one place.
    fn ask(&mut self, member: &Interface, place: &Place, ranges: &Ranges) {
        let mut ports: BTreeSet<u16> = BTreeSet::new();
        if count(ranges) <= MOST_PORTS {
            ports.extend(ranges.iter().flat_map(|&(first, last)| first..=last));
        } else {
            let named = self.entries.iter().flat_map(|entry| &entry.ports);
            ports.extend(named.copied().filter(|&port| within(ranges, port)));
            if ports.is_empty() {
                let why = format!("more than {MOST_PORTS} ports are open; name those that serve");
                self.unasked(member, "tcp", ranges, &why);
                return;
            }
            self.out.notes.push(format!(
                "of the {} ports that {} opens only those are asked that the expectations name",
                count(ranges),
                self.group.label()
            ));
        }
        for port in ports {
            if let Some(reason) = self.skipped(port) {
                let row = self.row(
                    member,
                    format!("tcp {port} of {place}"),
                    CheckResult::Skipped,
                    &reason,
                );
                self.out.unasked.push(row);
                continue;
            }
            let mut asked = false;
            let entries = self.entries;
            for entry in entries.iter().filter(|entry| entry.covers(port)) {
                let Some(expectation) = &entry.expectation else {
                    continue;
                };
                asked = true;
                self.met.insert(entry.line);
                self.push(member, place, port, expectation);
                if let (true, Some(host), Place::Address(address)) = (entry.dns, expectation.host(), place) {
                    let key = (entry.line, host.to_owned(), port);
                    let named = self.named.entry(key);
                    let (_, addresses) = named.or_insert_with(|| (Arc::clone(expectation), Vec::new()));
                    addresses.push(Cidr::host(*address));
                }
            }
            if !asked {
                let default = self.default;
                self.push(member, place, port, default);
            }
        }
    }

    fn push(&mut self, member: &Interface, place: &Place, port: u16, expectation: &Arc<Expectation>) {
        self.out.targets.push(Target {
            member: member.label().to_owned(),
            kind: MemberKind::of(member),
            group: self.group.label().to_owned(),
            place: place.clone(),
            port,
            wish: Wish::Answer(Arc::clone(expectation)),
        });
    }

    /// The names that must lead to the group's members.
    fn add_names(&mut self) {
        for ((_, name, port), (expectation, addresses)) in std::mem::take(&mut self.named) {
            self.out.targets.push(Target {
                member: name.clone(),
                kind: MemberKind::Other,
                group: self.group.label().to_owned(),
                place: Place::Name {
                    name,
                    within: addresses.into_iter().collect(),
                },
                port,
                wish: Wish::Answer(expectation),
            });
        }
    }

    /// Why the expectations say not to ask, if they do.
    fn skipped(&mut self, port: u16) -> Option<String> {
        let skip = |entry: &&&Entry| entry.covers(port) && entry.skip.is_some();
        let entry = self.entries.iter().find(skip)?;
        self.met.insert(entry.line);
        entry.skip.clone()
    }

    fn unasked(&mut self, member: &Interface, protocol: &str, ranges: &Ranges, why: &str) {
        let what = format!("{protocol} {}", list(ranges));
        // A range is skipped when all of it is.
        let all = |entry: &&&Entry| {
            let covered = |&(first, last): &(u16, u16)| {
                entry.ports.is_empty() || (first..=last).all(|port| entry.ports.contains(&port))
            };
            entry.skip.is_some() && ranges.iter().all(covered)
        };
        let row = match self.entries.iter().find(all) {
            Some(entry) => {
                self.met.insert(entry.line);
                let reason = entry.skip.as_deref().unwrap_or_default();
                self.row(member, what, CheckResult::Skipped, reason)
            }
            None => self.row(member, what, CheckResult::NotTestable, why),
        };
        self.out.unasked.push(row);
    }

    fn row(&self, member: &Interface, what: String, result: CheckResult, why: &str) -> Unasked {
        Unasked {
            member: member.label().to_owned(),
            kind: MemberKind::of(member),
            group: self.group.label().to_owned(),
            what,
            result,
            why: why.to_owned(),
        }
    }
}

pub(crate) fn list(ranges: &Ranges) -> String {
    let words: Vec<String> = ranges
        .iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    words.join(", ")
}
