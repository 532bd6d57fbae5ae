//! Before against after, as sets.

use crate::document::{ExposureReport, GroupExposure};
use crate::line::ExposureLine;
use crate::text::headline;
use portcullis_report::{GroupRef, Verdict};
use portcullis_secgroup::{Area, Direction, OpenSet, Overlay, PrefixLists, Reading, TrafficSet};
use portcullis_terraform::{TerraformGroup, View};
use std::collections::{BTreeMap, BTreeSet};

/// What lies open after a change that did not before, and the other way round, for each group.
///
/// `rules_rewritten` is what the plan writes anew, whatever comes of it; `partial` are the reasons why the plan does not
/// show everything: then the report is undetermined.
#[must_use]
pub fn compare(before: &View, after: &View, rules_rewritten: usize, partial: &[String]) -> ExposureReport {
    let mut report = ExposureReport::unchanged(rules_rewritten);
    let mut matched = BTreeSet::new();
    let by_name = index(before);
    let (members_before, members_after) = (members(before), members(after));
    let (was, will) = ((before, &members_before), (after, &members_after));
    for group in &after.groups {
        let twin = [&group.id, &group.address]
            .into_iter()
            .flatten()
            .find_map(|name| by_name.get(name.as_str()).copied());
        matched.extend(twin);
        let old = twin.map(|at| &before.groups[at]);
        report.groups.extend(difference(old, Some(group), was, will));
    }
    for (at, group) in before.groups.iter().enumerate() {
        if !matched.contains(&at) {
            report.groups.extend(difference(Some(group), None, was, will));
        }
    }
    report.groups.extend(orphans(after));
    report.groups.sort_by(|a, b| a.group.cmp(&b.group));
    if report.groups.iter().any(|group| !group.may_open.is_empty()) || !after.problems.is_empty() {
        report.verdict = Verdict::Undetermined;
    }
    for problem in &after.problems {
        report
            .notes
            .push(format!("not understood: {}: {}", problem.address, problem.what));
    }
    for reason in partial {
        report.verdict = Verdict::Undetermined;
        report.notes.push(format!("partial: {reason}"));
    }
    report.headline = headline(&report);
    report
}

fn index(view: &View) -> BTreeMap<&str, usize> {
    let mut index = BTreeMap::new();
    for (at, group) in view.groups.iter().enumerate() {
        for name in [&group.address, &group.id].into_iter().flatten() {
            index.insert(name.as_str(), at);
        }
    }
    index
}

fn difference(
    old: Option<&TerraformGroup>,
    new: Option<&TerraformGroup>,
    (before, members_before): (&View, &Members<'_>),
    (after, members_after): (&View, &Members<'_>),
) -> Option<GroupExposure> {
    let shown = new.or(old)?;
    let mut out = GroupExposure {
        group: GroupRef {
            address: shown.address.clone(),
            id: shown.id.clone(),
        },
        name: shown.name.clone(),
        members: {
            let members = if new.is_some() {
                members_after
            } else {
                members_before
            };
            let found = shown.id.as_deref().and_then(|id| members.get(id));
            found.cloned().unwrap_or_default()
        },
        ..GroupExposure::default()
    };
    for direction in [Direction::Ingress, Direction::Egress] {
        let was = areas(old, direction, Reading::Certain, &before.prefix_lists);
        let was_possible = areas(old, direction, Reading::Possible, &before.prefix_lists);
        let will = areas(new, direction, Reading::Certain, &after.prefix_lists);
        let may = areas(new, direction, Reading::Possible, &after.prefix_lists);
        out.opens.extend(beyond(&will, was.iter(), direction));
        out.closes.extend(beyond(&was, may.iter(), direction));
        // What the prior state could not tell either is no news.
        out.may_open
            .extend(beyond(&may, will.iter().chain(&was_possible), direction));
    }
    let silent = out.opens.is_empty() && out.closes.is_empty() && out.may_open.is_empty();
    (!silent).then_some(out)
}

fn areas(
    group: Option<&TerraformGroup>,
    direction: Direction,
    reading: Reading,
    lists: &PrefixLists,
) -> Vec<Area> {
    let owned = group.into_iter().flat_map(|group| &group.rules);
    owned
        .map(|owned| &owned.rule)
        .filter(|rule| rule.direction == direction)
        .filter_map(|rule| Area::of(rule, reading, lists))
        .collect()
}

/// At most this many intervals are written out to tell a set in lines.
const WRITTEN_OUT: usize = 1 << 16;

/// What these areas cover and the others do not, in lines; a set too large to be told is told by its outline.
fn beyond<'a>(
    areas: &[Area],
    others: impl Iterator<Item = &'a Area>,
    direction: Direction,
) -> Vec<ExposureLine> {
    let (all, others): (Overlay<'_>, Overlay<'_>) = (areas.iter().collect(), others.collect());
    if let Some(open) = all.beyond(&others, WRITTEN_OUT) {
        return lines(&open, direction);
    }
    let traffic = all.traffic_beyond(&others);
    let near: Overlay<'_> = areas
        .iter()
        .filter(|area| area.traffic.touches(&traffic))
        .collect();
    let spans = traffic.spans();
    let outline = TrafficSet::from_spans(spans.first().zip(spans.last()).map(|(a, b)| (a.0, b.1)));
    vec![ExposureLine {
        direction: direction.as_str().to_owned(),
        traffic: format!("parts of {}", outline.describe()),
        peers: near.peers().describe(),
        ..ExposureLine::default()
    }]
}

fn lines(open: &OpenSet, direction: Direction) -> Vec<ExposureLine> {
    open.lines()
        .into_iter()
        .map(|(traffic, peers)| ExposureLine {
            direction: direction.as_str().to_owned(),
            traffic: traffic.describe(),
            peers: peers.describe(),
            ..ExposureLine::default()
        })
        .collect()
}

/// The members of each group, by its id, sorted by what people call them.
fn members(view: &View) -> Members<'_> {
    let mut names: Members<'_> = BTreeMap::new();
    for member in &view.members {
        let groups: BTreeSet<&str> = member.groups.iter().map(String::as_str).collect();
        for group in groups {
            names.entry(group).or_default().push(member.label().to_owned());
        }
    }
    names.values_mut().for_each(|names| names.sort());
    names
}

type Members<'a> = BTreeMap<&'a str, Vec<String>>;

/// Rules whose group is not known yet: what they open, they open somewhere.
fn orphans(after: &View) -> Option<GroupExposure> {
    let mut out = GroupExposure {
        group: GroupRef::default(),
        name: Some("a group not known yet".to_owned()),
        ..GroupExposure::default()
    };
    for direction in [Direction::Ingress, Direction::Egress] {
        let may: Vec<Area> = after
            .orphans
            .iter()
            .map(|owned| &owned.rule)
            .filter(|rule| rule.direction == direction)
            .filter_map(|rule| Area::of(rule, Reading::Possible, &after.prefix_lists))
            .collect();
        out.may_open.extend(beyond(&may, std::iter::empty(), direction));
    }
    (!out.may_open.is_empty()).then_some(out)
}
