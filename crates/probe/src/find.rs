//! From an inventory to targets: what a rule opens must answer.

use crate::expectation::is_host_name;
use crate::met::Met;
use crate::open::{Open, Ranges, count, list, within};
use crate::target::may_be_asked;
use crate::{CheckResult, Entry, Expectation, Expectations, MemberKind, Place, Target, Wants, Wish};
use portcullis_secgroup::{AddressSet, Cidr, Group, Interface, Inventory, wildcard};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
    /// Whether addresses of this machine itself may be asked. Facts from outside must not make us ask there: somebody has to
    /// allow it by hand.
    pub loopback: bool,
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
    /// What would be wanted of it.
    pub wants: Wants,
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
    /// Whether addresses of this machine itself may be asked, as the selection says.
    pub loopback: bool,
}

impl Targets {
    /// Something that leaves open whether everybody was asked.
    pub(crate) fn lacking(&mut self, note: impl Into<String>) {
        self.incomplete = true;
        self.notes.push(note.into());
    }

    /// Sorted, and each thing once.
    pub(crate) fn settle(&mut self) {
        // Where the views of one member differ, the one that leaves a doubt comes first: it says nothing that is not certain.
        let certain = |target: &Target| target.wish == Wish::Silence(None);
        self.targets.sort_by_cached_key(|target| {
            (
                target.member.clone(),
                target.url(),
                certain(target),
                target.group.clone(),
            )
        });
        // The same place may have to answer several things.
        let mut seen: BTreeMap<String, Vec<Wish>> = BTreeMap::new();
        self.targets.retain(|target| {
            let wishes = seen.entry(target.id()).or_default();
            let known = match &target.wish {
                Wish::Answer(_) => wishes.contains(&target.wish),
                Wish::Silence(_) => !wishes.is_empty(),
            };
            if !known {
                wishes.push(target.wish.clone());
            }
            !known
        });
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
    let mut out = Targets {
        loopback: selection.loopback,
        ..Targets::default()
    };
    let mut not_open: BTreeSet<u16> = selection.ports.iter().copied().collect();
    let mut met = Met::default();
    let mut named = Named::new();
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
            let note = format!("{} is open to the internet and has no members", group.label());
            // Who chose it expects somebody to be there.
            if selection.is_choice() {
                out.lacking(note);
            } else {
                out.notes.push(note);
            }
        }
        let mut finder = Finder {
            out: &mut out,
            met: &mut met,
            group,
            open: &open,
            entries: &entries,
            default: &expectations.default,
            named: &mut named,
        };
        for member in members {
            finder.add(member);
        }
    }
    add_names(&mut out, named, inventory, expectations);
    drop_defaults(&mut out, &expectations.default);
    if !chosen && !selection.tags.is_empty() {
        out.lacking("no group carries the tags that are asked for");
    }
    for port in not_open {
        out.lacking(format!("no selected group opens tcp {port} to the internet"));
    }
    for entry in &expectations.entries {
        if let Some(why) = met.lacks(entry, &selection.ports) {
            out.lacking(why);
        }
    }
    out.settle();
    out
}

/// What the command line says of all ports gives way to what an entry says of this one, whichever group each is of.
fn drop_defaults(out: &mut Targets, default: &Arc<Expectation>) {
    let is_default =
        |target: &Target| matches!(&target.wish, Wish::Answer(wanted) if Arc::ptr_eq(wanted, default));
    let said: BTreeSet<(Place, u16)> = out
        .targets
        .iter()
        .filter(|target| !is_default(target))
        .map(|target| (target.place.clone(), target.port))
        .collect();
    if !said.is_empty() {
        out.targets
            .retain(|target| !is_default(target) || !said.contains(&(target.place.clone(), target.port)));
    }
}

/// The names that must lead to members: of any group that the entry is about, since a name may stand for several.
fn add_names(out: &mut Targets, named: Named, inventory: &Inventory, expectations: &Expectations) {
    for ((line, name, port), (expectation, groups)) in named {
        let entry = expectations.entries.iter().find(|entry| entry.line == line);
        let ids: BTreeSet<&String> = inventory
            .groups
            .iter()
            .filter(|group| entry.is_some_and(|entry| entry.fits(group)))
            .filter_map(|group| group.id.as_ref())
            .collect();
        let members = inventory
            .interfaces
            .iter()
            .filter(|member| member.groups.iter().any(|id| ids.contains(id)));
        let within = members
            .flat_map(|member| &member.public_addresses)
            .filter(|address| may_be_asked(**address, out.loopback))
            .map(|address| Cidr::host(*address))
            .collect();
        let groups: Vec<String> = groups.into_iter().collect();
        out.targets.push(Target {
            member: name.clone(),
            kind: MemberKind::Other,
            group: groups.join(", "),
            place: Place::Name { name, within },
            port,
            wish: Wish::Answer(expectation),
        });
    }
}

fn is_called(group: &Group, wanted: &str) -> bool {
    let by_name = group.name.as_deref().is_some_and(|name| wildcard(wanted, name));
    by_name
        || [&group.id, &group.address]
            .into_iter()
            .flatten()
            .any(|name| name == wanted)
}

/// Names to ask beside the addresses: by the expectation's line, the name and the port, with the groups that have it.
type Named = BTreeMap<(u64, String, u16), (Arc<Expectation>, BTreeSet<String>)>;

/// Finds the targets of one group.
struct Finder<'a> {
    out: &'a mut Targets,
    met: &'a mut Met,
    group: &'a Group,
    open: &'a Open,
    entries: &'a [&'a Entry],
    default: &'a Arc<Expectation>,
    named: &'a mut Named,
}

impl Finder<'_> {
    fn add(&mut self, member: &Interface) {
        if !self.open.udp.is_empty() {
            let ranges = self.open.udp.clone();
            self.unasked(member, Rows::Udp, &ranges, "UDP gives no sign of being open");
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
            if may_be_asked(address, self.out.loopback) {
                self.ask(member, &Place::Address(address), ranges);
            } else {
                let ranges = ranges.clone();
                self.unasked(
                    member,
                    Rows::Tcp,
                    &ranges,
                    &format!("{address} is no public address"),
                );
            }
        }
        if reachable {
            return;
        }
        match member.public_dns.as_deref() {
            Some(name) if member.public_addresses.is_empty() && is_host_name(name) => {
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
                    // A redirect is compared with it, and names have no case (RFC 4343).
                    name: name.to_ascii_lowercase(),
                    within,
                };
                self.ask(member, &place, self.open.tcp());
            }
            _ => {
                let ranges = self.open.tcp().clone();
                self.unasked(
                    member,
                    Rows::Tcp,
                    &ranges,
                    "it has no public address that the port is open on",
                );
            }
        }
    }

    /// The questions to one place.
    fn ask(&mut self, member: &Interface, place: &Place, ranges: &Ranges) {
        let open = count(ranges);
        let mut ports: BTreeSet<u16> = BTreeSet::new();
        if open <= MOST_PORTS {
            ports.extend(ranges.iter().flat_map(|&(first, last)| first..=last));
        } else {
            let named = self.entries.iter().filter(|entry| !entry.udp);
            let named = named.flat_map(|entry| &entry.ports);
            ports.extend(named.copied().filter(|&port| within(ranges, port)));
            let why = match open - ports.len() {
                0 => None,
                rest if rest == open => Some(format!(
                    "more than {MOST_PORTS} ports are open; name those that serve"
                )),
                rest => Some(format!(
                    "{rest} of the {open} open ports are not tried; name those that serve, and `skip` the rest"
                )),
            };
            if let Some(why) = why {
                self.unasked(member, Rows::Rest, ranges, &why);
            }
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
                self.met.insert(entry, port);
                self.push(member, place, port, expectation);
                if let (true, Some(host), Place::Address(_)) = (entry.dns, expectation.host(), place) {
                    let key = (entry.line, host.to_owned(), port);
                    let named = self.named.entry(key);
                    let (_, groups) = named.or_insert_with(|| (Arc::clone(expectation), BTreeSet::new()));
                    groups.insert(self.group.label().to_owned());
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

    /// Why the expectations say not to ask, if they do: where an entry that names the port says so, or one that is about all ports
    /// that no other entry names.
    fn skipped(&mut self, port: u16) -> Option<String> {
        let entries = self.entries;
        let skips = |entry: &&&Entry| entry.covers(port) && entry.skip.is_some();
        let named = |entry: &&&Entry| entry.ports.contains(&port);
        let is_asked = entries
            .iter()
            .any(|entry| named(&entry) && entry.covers(port) && entry.skip.is_none());
        let by_name = entries.iter().filter(skips).find(named);
        let of_the_rest = || entries.iter().find(|entry| !is_asked && skips(entry));
        let entry = by_name.or_else(of_the_rest)?;
        self.met.insert(entry, port);
        entry.skip.clone()
    }

    fn unasked(&mut self, member: &Interface, rows: Rows, ranges: &Ranges, why: &str) {
        let what = format!("{} {}", rows.protocol(), list(ranges));
        let entries = self.entries;
        // A range is skipped when all of it is.
        let all = |entry: &&&Entry| {
            let covered = |&(first, last): &(u16, u16)| {
                entry.ports.is_empty() || (first..=last).all(|port| entry.ports.contains(&port))
            };
            entry.skip.is_some() && rows.are_of(entry) && ranges.iter().all(covered)
        };
        let about = |entry: &Entry| -> Vec<u16> {
            let ports = entry.ports.iter().copied();
            let named: Vec<u16> = ports.filter(|&port| within(ranges, port)).collect();
            if entry.ports.is_empty() {
                vec![Met::ANY]
            } else {
                named
            }
        };
        let row = match entries.iter().find(all) {
            Some(entry) => {
                for port in about(entry) {
                    self.met.insert(entry, port);
                }
                let reason = entry.skip.as_deref().unwrap_or_default();
                self.row(member, what, CheckResult::Skipped, reason)
            }
            None => {
                // The port is open, and that nobody can be asked is told by this row.
                for entry in entries.iter().filter(|_| rows == Rows::Tcp) {
                    for port in about(entry).into_iter().filter(|_| rows.are_of(entry)) {
                        self.met.insert(entry, port);
                    }
                }
                self.row(member, what, CheckResult::NotTestable, why)
            }
        };
        self.out.unasked.push(row);
    }

    fn row(&self, member: &Interface, what: String, result: CheckResult, why: &str) -> Unasked {
        Unasked {
            member: member.label().to_owned(),
            kind: MemberKind::of(member),
            group: self.group.label().to_owned(),
            what,
            wants: Wants::Answer,
            result,
            why: why.to_owned(),
        }
    }
}

/// What a row that stands for many ports is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// TCP ports of somebody who cannot be asked.
    Tcp,
    /// TCP ports that are too many to be asked each.
    Rest,
    /// UDP ports.
    Udp,
}

impl Rows {
    const fn protocol(self) -> &'static str {
        match self {
            Self::Tcp | Self::Rest => "tcp",
            Self::Udp => "udp",
        }
    }

    /// Whether the entry may speak of them.
    fn are_of(self, entry: &Entry) -> bool {
        self == Self::Udp || !entry.udp
    }
}
