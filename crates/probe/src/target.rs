//! Whom to ask: from an inventory to addresses and ports.

use crate::Expectation;
use portcullis_secgroup::{AddressSet, Direction, Group, Interface, Inventory, OpenSet};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use url::Url;

/// IANA's number of TCP.
const TCP: u8 = 6;

/// More ports than this of one group are not asked: a range that wide is no service each.
pub const MOST_PORTS: usize = 16;

/// Which groups and ports to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Names or ids of groups; empty means each group that is open to the internet.
    pub groups: Vec<String>,
    /// Of the open ports only these; empty means each.
    pub ports: Vec<u16>,
}

/// One service to ask.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The member, as people call it.
    pub member: String,
    /// The group whose rule opens the port.
    pub group: String,
    /// What to ask.
    pub url: Url,
}

/// Something that should answer and cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Untestable {
    /// The member, as people call it.
    pub member: String,
    /// The group whose rule opens the port.
    pub group: String,
    /// What would be asked: `tcp 8000`.
    pub what: String,
    /// Why it cannot be asked.
    pub why: String,
}

/// Whom to ask, and what stands in the way of asking everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// Whom to ask, sorted.
    pub targets: Vec<Target>,
    /// What cannot be asked, sorted.
    pub untestable: Vec<Untestable>,
    /// Remarks about the whole.
    pub notes: Vec<String>,
    /// Whether somebody may be missing: a selected group or port gave nothing to ask, or the inventory has gaps.
    pub incomplete: bool,
}

/// Whom to ask: each public address of each member of the selected groups, on each TCP port that the group opens to
/// the whole internet of that address's family.
///
/// An inventory may hold a group or a member twice, once as the state records it and once as EC2 has it: then what
/// either opens is asked of the members that either knows, and each address and port once.
///
/// A member without a public address, and a range of more than [`MOST_PORTS`] ports, cannot be asked; that is told,
/// not skipped. Ports 443 and 8443 are asked by HTTPS.
#[must_use]
pub fn targets(inventory: &Inventory, selection: &Selection, expectation: &Expectation) -> Targets {
    let mut out = Targets::default();
    let mut not_open: BTreeSet<u16> = selection.ports.iter().copied().collect();
    for gap in &inventory.gaps {
        out.incomplete = true;
        out.notes.push(format!(
            "not read: {} ({}), so members may be missing",
            gap.what, gap.why
        ));
    }
    for wanted in &selection.groups {
        if !inventory.groups.iter().any(|group| is_called(group, wanted)) {
            out.incomplete = true;
            out.notes.push(format!("there is no group called {wanted}"));
        }
    }
    let index = inventory.index();
    for group in &inventory.groups {
        let named = selection.groups.iter().any(|wanted| is_called(group, wanted));
        if !named && !selection.groups.is_empty() {
            continue;
        }
        let open = Open::of(group, inventory, &selection.ports);
        if open.is_empty() {
            if named {
                out.incomplete = true;
                out.notes
                    .push(format!("{} opens no TCP port to the internet", group.label()));
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
        for member in members {
            add_member(&mut out, group, member, &open, expectation);
        }
    }
    for port in not_open {
        out.incomplete = true;
        out.notes
            .push(format!("no selected group opens tcp {port} to the internet"));
    }
    out.targets.sort();
    let mut seen = BTreeSet::new();
    out.targets.retain(|target| seen.insert(target.url.clone()));
    out.untestable.sort();
    out.untestable.dedup();
    let mut seen = BTreeSet::new();
    out.notes.retain(|note| seen.insert(note.clone()));
    out
}

fn is_called(group: &Group, wanted: &str) -> bool {
    [&group.name, &group.id, &group.address]
        .into_iter()
        .flatten()
        .any(|name| name == wanted)
}

/// The TCP ports a group opens to the whole internet, by address family.
struct Open {
    v4: Vec<(u16, u16)>,
    v6: Vec<(u16, u16)>,
}

impl Open {
    fn of(group: &Group, inventory: &Inventory, only: &[u16]) -> Self {
        let open = OpenSet::certain(&group.rules, Direction::Ingress, &inventory.prefix_lists);
        let internet = AddressSet::internet();
        let ports = |covers: &dyn Fn(&AddressSet) -> bool| -> Vec<(u16, u16)> {
            let ranges: Vec<(u16, u16)> = open
                .pieces()
                .iter()
                .filter(|piece| covers(piece.peers.addresses()))
                .flat_map(|piece| piece.traffic().ports(TCP))
                .collect();
            if only.is_empty() {
                return ranges;
            }
            let is_open = |port: u16| ranges.iter().any(|&(first, last)| (first..=last).contains(&port));
            only.iter()
                .filter(|&&port| is_open(port))
                .map(|&port| (port, port))
                .collect()
        };
        Self {
            v4: ports(&|addresses| internet.v4().is_subset(addresses.v4())),
            v6: ports(&|addresses| internet.v6().is_subset(addresses.v6())),
        }
    }

    fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    fn has(&self, port: u16) -> bool {
        self.v4
            .iter()
            .chain(&self.v6)
            .any(|&(first, last)| (first..=last).contains(&port))
    }

    fn toward(&self, address: IpAddr) -> &[(u16, u16)] {
        if address.is_ipv4() { &self.v4 } else { &self.v6 }
    }
}

fn add_member(out: &mut Targets, group: &Group, member: &Interface, open: &Open, expectation: &Expectation) {
    let untestable = |what: String, why: String| Untestable {
        member: member.label().to_owned(),
        group: group.label().to_owned(),
        what,
        why,
    };
    let mut reachable = false;
    for &address in &member.public_addresses {
        let ranges = open.toward(address);
        reachable |= !ranges.is_empty();
        if !ranges.is_empty() && !may_be_asked(address) {
            out.untestable.push(untestable(
                format!("tcp {}", list(ranges)),
                format!("{address} is no public address"),
            ));
            continue;
        }
        if ranges
            .iter()
            .map(|(first, last)| usize::from(last - first) + 1)
            .sum::<usize>()
            > MOST_PORTS
        {
            let why = format!("more than {MOST_PORTS} ports are open; name those that serve");
            out.untestable
                .push(untestable(format!("tcp {}", list(ranges)), why));
            continue;
        }
        for port in ranges.iter().flat_map(|&(first, last)| first..=last) {
            match url(address, port, expectation) {
                Some(url) => out.targets.push(Target {
                    member: member.label().to_owned(),
                    group: group.label().to_owned(),
                    url,
                }),
                None => out
                    .untestable
                    .push(untestable(format!("tcp {port}"), "it makes no URL".to_owned())),
            }
        }
    }
    if !reachable {
        let ranges = if open.v4.is_empty() { &open.v6 } else { &open.v4 };
        let why = "it has no public address that the port is open on".to_owned();
        out.untestable
            .push(untestable(format!("tcp {}", list(ranges)), why));
    }
}

/// An inventory is text from outside: it must not send us to the metadata service (169.254.169.254, fd00:ec2::254)
/// or to a neighbour.
fn may_be_asked(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            !(v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast())
        }
        IpAddr::V6(v6) => {
            let local = v6.is_unicast_link_local() || v6.is_unique_local() || v6.to_ipv4_mapped().is_some();
            !(local || v6.is_multicast() || v6 == Ipv6Addr::UNSPECIFIED)
        }
    }
}

fn list(ranges: &[(u16, u16)]) -> String {
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

fn url(address: IpAddr, port: u16, expectation: &Expectation) -> Option<Url> {
    let scheme = if matches!(port, 443 | 8443) {
        "https"
    } else {
        "http"
    };
    let mut url = Url::parse(&format!("{scheme}://host/")).ok()?;
    url.set_ip_host(address).ok()?;
    url.set_port(Some(port)).ok()?;
    // The path is set, not joined: `//elsewhere` must stay a path.
    let (path, query) = match expectation.path().split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (expectation.path(), None),
    };
    url.set_path(path);
    url.set_query(query);
    Some(url)
}
