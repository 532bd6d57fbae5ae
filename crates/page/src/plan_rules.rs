//! The rules of a plan: before against after, one by one.

use crate::picture::{Flow, Group, Scene};
use crate::rules::{Row, Table, ports, protocol};
use crate::status::Status;
use portcullis_secgroup::{Area, Direction, Known, Peer, Ports, Protocol, Reading, RuleKey};
use portcullis_terraform::{Origin, OwnedRule, SensitiveParts, TerraformGroup, View};
use std::collections::{BTreeMap, BTreeSet};

const ADDED: &str = "added";
const REMOVED: &str = "removed";
const UNKNOWN: &str = "not known yet";
const KEPT: &str = "kept";

/// All rules of both views.
pub(crate) fn table(before: &View, after: &View) -> Table {
    let names = names(before, after);
    let mut rows = Vec::new();
    for (old, new) in pairs(before, after) {
        let Some(shown) = new.or(old) else {
            continue;
        };
        let name = label(shown);
        let (was, will) = (by_key(old), by_key(new));
        let keys: BTreeSet<&RuleKey> = was.keys().chain(will.keys()).collect();
        for key in keys {
            let (status, verdict) = match (was.contains_key(key), will.contains_key(key)) {
                (false, true) => (Status::Opens, ADDED),
                (true, false) => (Status::Closes, REMOVED),
                _ => (Status::Same, KEPT),
            };
            let owners = will.get(key).or(was.get(key)).map_or(&[][..], Vec::as_slice);
            let written = key.protocol.to_string();
            let (from, to) = key.ports.as_written(key.protocol);
            let hidden = hidden(
                &[before, after],
                was.get(key).into_iter().chain(will.get(key)).flatten(),
            );
            rows.push(Row {
                status,
                verdict,
                group: name.clone(),
                direction: key.direction.as_str(),
                ports: unless(hidden.traffic, ports(&written, from, to)),
                protocol: unless(hidden.traffic, protocol(&written)),
                peer: unless(hidden.peers, named(&key.peer, &names)),
                views: vec![Some(was.contains_key(key)), Some(will.contains_key(key))],
                notes: notes(owners, will.contains_key(key)),
                code: None,
            });
        }
        rows.extend(unknown(new, &name, after));
    }
    let orphans = after.orphans.iter();
    rows.extend(orphans.map(|owned| unknown_row(owned, "a group not known yet", after)));
    Table {
        class: "plan",
        views: &["Before", "After"],
        verdicts: &[ADDED, REMOVED, UNKNOWN, KEPT],
        rows,
    }
}

/// Adds what stays open: what the rules after the change have in common with those before. `at` has the groups of the scene.
pub(crate) fn unchanged(
    before: &View,
    after: &View,
    at: &BTreeMap<(Option<&str>, Option<&str>), usize>,
    scene: &mut Scene,
) {
    let carriers = carriers(after);
    let names = names(before, after);
    for (old, new) in pairs(before, after) {
        let (Some(old), Some(new)) = (old, new) else {
            continue;
        };
        let mut flows = BTreeSet::new();
        let was: BTreeSet<RuleKey> = old.rules.iter().filter_map(|owned| owned.rule.key()).collect();
        let areas: Vec<(Direction, Area)> = old
            .rules
            .iter()
            .filter_map(|owned| {
                let area = Area::of(&owned.rule, Reading::Certain, &before.prefix_lists)?;
                Some((owned.rule.direction, area))
            })
            .collect();
        for owned in &new.rules {
            let Some(key) = owned.rule.key() else {
                continue;
            };
            let hidden = hidden(&[before, after], [&owned]);
            let stays = match Area::of(&owned.rule, Reading::Certain, &after.prefix_lists) {
                Some(area) if was.contains(&key) => vec![area],
                Some(area) => common(&area, key.direction, &areas),
                None => Vec::new(),
            };
            for area in stays {
                let peer = match &key.peer {
                    Peer::Group { id, account: None } => match names.get(id.as_str()) {
                        Some(name) => format!("group {name}"),
                        None => id.clone(),
                    },
                    _ => area.peers.describe(),
                };
                let traffic = unless(hidden.traffic, area.traffic.describe());
                flows.insert((key.direction, traffic, unless(hidden.peers, peer)));
            }
        }
        if flows.is_empty() {
            continue;
        }
        let place = at.get(&(new.address.as_deref(), new.id.as_deref())).copied();
        let group = place.unwrap_or(scene.groups.len());
        if place.is_none() {
            let members = new.id.as_deref().and_then(|id| carriers.get(id));
            scene.groups.push(Group {
                name: label(new),
                detail: detail(new),
                members: members.cloned().unwrap_or_default(),
            });
        }
        scene
            .flows
            .extend(flows.into_iter().map(|(direction, traffic, peer)| Flow {
                group,
                status: Status::Same,
                direction,
                traffic,
                peer,
                internet: false,
            }));
    }
}

/// What of an area was open before, too.
fn common(area: &Area, direction: Direction, before: &[(Direction, Area)]) -> Vec<Area> {
    before
        .iter()
        .filter(|(of, old)| *of == direction && old.traffic.touches(&area.traffic))
        .map(|(_, old)| Area {
            traffic: old.traffic.intersection(&area.traffic),
            peers: old.peers.intersection(&area.peers),
        })
        .filter(|both| !both.peers.is_empty())
        .collect()
}

/// What people call a group: its name, else its address or id.
fn label(group: &TerraformGroup) -> String {
    group.name.clone().unwrap_or_else(|| group.label().to_owned())
}

fn detail(group: &TerraformGroup) -> String {
    let name = label(group);
    let detail = [&group.address, &group.id].into_iter().flatten();
    detail
        .into_iter()
        .find(|text| **text != name)
        .cloned()
        .unwrap_or_default()
}

/// The names of groups, by id and by address.
fn names<'a>(before: &'a View, after: &'a View) -> BTreeMap<&'a str, &'a str> {
    let mut names = BTreeMap::new();
    for group in before.groups.iter().chain(&after.groups) {
        for key in [&group.address, &group.id].into_iter().flatten() {
            names.extend(group.name.as_deref().map(|name| (key.as_str(), name)));
        }
    }
    names
}

/// A peer as EC2 writes it; a group with its name.
fn named(peer: &Peer, names: &BTreeMap<&str, &str>) -> String {
    match peer {
        Peer::Group { id, account: None } if names.contains_key(id.as_str()) => {
            format!("{} ({id})", names[id.as_str()])
        }
        Peer::SelfGroup => "the group’s own members".to_owned(),
        other => other.to_string(),
    }
}

/// The members of each group, by its id.
pub(crate) fn carriers(view: &View) -> BTreeMap<&str, Vec<String>> {
    let mut carriers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for member in &view.members {
        for group in &member.groups {
            carriers.entry(group).or_default().insert(member.label());
        }
    }
    carriers
        .into_iter()
        .map(|(group, names)| (group, names.into_iter().map(str::to_owned).collect()))
        .collect()
}

type Pair<'a> = (Option<&'a TerraformGroup>, Option<&'a TerraformGroup>);

/// Each group before and after: found again by its id, else by its address.
fn pairs<'a>(before: &'a View, after: &'a View) -> Vec<Pair<'a>> {
    let mut index: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, group) in before.groups.iter().enumerate() {
        for name in [&group.address, &group.id].into_iter().flatten() {
            index.insert(name, at);
        }
    }
    let mut matched = BTreeSet::new();
    let mut pairs: Vec<Pair<'a>> = Vec::with_capacity(after.groups.len());
    for group in &after.groups {
        let names = [&group.id, &group.address].into_iter().flatten();
        let twin = names
            .into_iter()
            .find_map(|name| index.get(name.as_str()).copied());
        matched.extend(twin);
        pairs.push((twin.map(|at| &before.groups[at]), Some(group)));
    }
    let gone = before
        .groups
        .iter()
        .enumerate()
        .filter(|(at, _)| !matched.contains(at));
    pairs.extend(gone.map(|(_, group)| (Some(group), None)));
    pairs
}

fn by_key(group: Option<&TerraformGroup>) -> BTreeMap<RuleKey, Vec<&OwnedRule>> {
    let mut rules: BTreeMap<RuleKey, Vec<&OwnedRule>> = BTreeMap::new();
    for owned in group.into_iter().flat_map(|group| &group.rules) {
        if let Some(key) = owned.rule.key() {
            rules.entry(key).or_default().push(owned);
        }
    }
    rules
}

fn unknown(group: Option<&TerraformGroup>, name: &str, view: &View) -> Vec<Row> {
    let rules = group.into_iter().flat_map(|group| &group.rules);
    rules
        .filter(|owned| owned.rule.key().is_none())
        .map(|owned| unknown_row(owned, name, view))
        .collect()
}

fn unknown_row(owned: &OwnedRule, group: &str, view: &View) -> Row {
    let rule = &owned.rule;
    let hidden = hidden(&[view], [&owned]);
    let shown = rule.protocol.value().map(|protocol| protocol.to_string());
    let written = |protocol: Protocol, range: Ports| {
        let (from, to) = range.as_written(protocol);
        ports(&protocol.to_string(), from, to)
    };
    let shown_ports = match (rule.protocol, rule.ports) {
        (Known::Yes(protocol), Known::Yes(range)) => written(protocol, range),
        (Known::Yes(protocol), Known::Within(range)) if range != Ports::All => {
            format!("{UNKNOWN}, within {}", written(protocol, range))
        }
        _ => UNKNOWN.to_owned(),
    };
    Row {
        status: Status::MayOpen,
        verdict: UNKNOWN,
        group: group.to_owned(),
        direction: rule.direction.as_str(),
        protocol: unless(
            hidden.traffic,
            shown.map_or_else(|| UNKNOWN.to_owned(), |shown| protocol(&shown)),
        ),
        ports: unless(hidden.traffic, shown_ports),
        peer: unless(hidden.peers, rule.peer.to_string()),
        views: vec![None, Some(true)],
        notes: notes(&[owned], true),
        code: None,
    }
}

/// What of these rules is marked sensitive in one of the views.
fn hidden<'a>(views: &[&View], owners: impl IntoIterator<Item = &'a &'a OwnedRule>) -> SensitiveParts {
    let mut parts = SensitiveParts::default();
    for owned in owners {
        for found in views.iter().filter_map(|view| view.sensitive.get(&owned.owner)) {
            parts.peers |= found.peers;
            parts.traffic |= found.traffic;
        }
    }
    parts
}

/// What stands in the place of what is sensitive.
fn unless(hidden: bool, text: String) -> String {
    if hidden { "(sensitive)".to_owned() } else { text }
}

/// At most this many owners of one rule are named.
const OWNERS: usize = 3;

/// Who owns the rule in the code, and what it is said to be for.
fn notes(owners: &[&OwnedRule], is_there: bool) -> Vec<String> {
    let described = owners
        .iter()
        .filter_map(|owned| owned.rule.description.as_deref());
    let descriptions: BTreeSet<&str> = described.filter(|text| !text.is_empty()).collect();
    let own = owners.iter().filter(|owned| owned.origin != Origin::Echo);
    let own: BTreeSet<&str> = own.map(|owned| owned.owner.as_str()).collect();
    let mut notes: Vec<String> = descriptions.into_iter().map(str::to_owned).collect();
    notes.extend(own.iter().take(OWNERS).map(|owner| (*owner).to_owned()));
    if own.len() > OWNERS {
        notes.push(format!("and {} more owners", own.len() - OWNERS));
    }
    if own.is_empty() && is_there {
        notes.push("seen on the group only: nothing in the plan owns it".to_owned());
    }
    notes
}
