//! The rules of a plan: before against after, one by one.

use crate::picture::{Flow, Group, Scene};
use crate::rules::{Row, Table, ports, protocol};
use crate::status::Status;
use portcullis_secgroup::{Area, Direction, Known, Reading, RuleKey};
use portcullis_terraform::{Origin, OwnedRule, TerraformGroup, View};
use std::collections::{BTreeMap, BTreeSet};

const ADDED: &str = "added";
const REMOVED: &str = "removed";
const UNKNOWN: &str = "not known yet";
const KEPT: &str = "kept";

/// All rules of both views.
pub(crate) fn table(before: &View, after: &View) -> Table {
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
            rows.push(Row {
                status,
                verdict,
                group: name.clone(),
                direction: key.direction.as_str(),
                ports: ports(&written, from, to),
                protocol: protocol(&written),
                peer: key.peer.to_string(),
                views: vec![Some(was.contains_key(key)), Some(will.contains_key(key))],
                notes: notes(owners),
            });
        }
        rows.extend(unknown(new, &name));
    }
    let orphans = after.orphans.iter();
    rows.extend(orphans.map(|owned| unknown_row(owned, "a group not known yet")));
    Table {
        class: "plan",
        views: &["Before", "After"],
        verdicts: &[ADDED, REMOVED, UNKNOWN, KEPT],
        rows,
    }
}

/// Adds what stays open: the rules after the change that meet what was open before. `at` has the groups of the scene.
pub(crate) fn unchanged(
    before: &View,
    after: &View,
    at: &BTreeMap<(Option<&str>, Option<&str>), usize>,
    scene: &mut Scene,
) {
    let carriers = carriers(after);
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
            let stays = was.contains(&key) || meets(owned, &areas, after);
            let (Some(area), true) = (
                Area::of(&owned.rule, Reading::Possible, &after.prefix_lists),
                stays,
            ) else {
                continue;
            };
            flows.insert((key.direction, area.traffic.describe(), area.peers.describe()));
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

fn meets(owned: &OwnedRule, areas: &[(Direction, Area)], after: &View) -> bool {
    let Some(area) = Area::of(&owned.rule, Reading::Certain, &after.prefix_lists) else {
        return false;
    };
    areas.iter().any(|(direction, old)| {
        *direction == owned.rule.direction
            && old.traffic.touches(&area.traffic)
            && !old.peers.intersection(&area.peers).is_empty()
    })
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

fn unknown(group: Option<&TerraformGroup>, name: &str) -> Vec<Row> {
    let rules = group.into_iter().flat_map(|group| &group.rules);
    rules
        .filter(|owned| owned.rule.key().is_none())
        .map(|owned| unknown_row(owned, name))
        .collect()
}

fn unknown_row(owned: &OwnedRule, group: &str) -> Row {
    let rule = &owned.rule;
    let shown = rule.protocol.value().map(|protocol| protocol.to_string());
    let shown_ports = match (rule.protocol, rule.ports) {
        (Known::Yes(protocol), Known::Yes(range)) => {
            let (from, to) = range.as_written(protocol);
            ports(&protocol.to_string(), from, to)
        }
        _ => UNKNOWN.to_owned(),
    };
    Row {
        status: Status::MayOpen,
        verdict: UNKNOWN,
        group: group.to_owned(),
        direction: rule.direction.as_str(),
        protocol: shown.map_or_else(|| UNKNOWN.to_owned(), |shown| protocol(&shown)),
        ports: shown_ports,
        peer: rule.peer.to_string(),
        views: vec![None, Some(true)],
        notes: notes(&[owned]),
    }
}

/// At most this many owners of one rule are named.
const OWNERS: usize = 3;

/// Who owns the rule in the code, and what it is said to be for.
fn notes(owners: &[&OwnedRule]) -> Vec<String> {
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
    if own.is_empty() {
        notes.push("seen on the group only: nothing in the plan owns it".to_owned());
    }
    notes
}
