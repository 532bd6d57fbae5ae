//! Before against after, as sets.

use crate::document::{ExposureLine, ExposureReport, GroupExposure};
use crate::text::headline;
use portcullis_report::{GroupRef, Verdict};
use portcullis_secgroup::{Direction, OpenSet, PrefixLists, Rule};
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
    for group in &after.groups {
        let twin = [&group.id, &group.address]
            .into_iter()
            .flatten()
            .find_map(|name| by_name.get(name.as_str()).copied());
        matched.extend(twin);
        let old = twin.map(|at| &before.groups[at]);
        report.groups.extend(difference(old, Some(group), before, after));
    }
    for (at, group) in before.groups.iter().enumerate() {
        if !matched.contains(&at) {
            report.groups.extend(difference(Some(group), None, before, after));
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
    before: &View,
    after: &View,
) -> Option<GroupExposure> {
    let shown = new.or(old)?;
    let mut out = GroupExposure {
        group: GroupRef {
            address: shown.address.clone(),
            id: shown.id.clone(),
        },
        name: shown.name.clone(),
        members: members(shown, if new.is_some() { after } else { before }),
        opens: Vec::new(),
        closes: Vec::new(),
        may_open: Vec::new(),
    };
    for direction in [Direction::Ingress, Direction::Egress] {
        let was = certain(old, direction, &before.prefix_lists);
        let was_possible = possible(old, direction, &before.prefix_lists);
        let will = certain(new, direction, &after.prefix_lists);
        let may = possible(new, direction, &after.prefix_lists);
        out.opens.extend(lines(&will.difference(&was), direction));
        out.closes.extend(lines(&was.difference(&may), direction));
        // What the prior state could not tell either is no news.
        out.may_open
            .extend(lines(&may.difference(&will).difference(&was_possible), direction));
    }
    let silent = out.opens.is_empty() && out.closes.is_empty() && out.may_open.is_empty();
    (!silent).then_some(out)
}

fn rules(group: Option<&TerraformGroup>) -> impl Iterator<Item = &Rule> {
    group
        .into_iter()
        .flat_map(|group| group.rules.iter().map(|owned| &owned.rule))
}

fn certain(group: Option<&TerraformGroup>, direction: Direction, lists: &PrefixLists) -> OpenSet {
    OpenSet::certain(rules(group), direction, lists)
}

fn possible(group: Option<&TerraformGroup>, direction: Direction, lists: &PrefixLists) -> OpenSet {
    OpenSet::possible(rules(group), direction, lists)
}

fn lines(open: &OpenSet, direction: Direction) -> Vec<ExposureLine> {
    open.lines()
        .into_iter()
        .map(|(traffic, peers)| ExposureLine {
            direction: direction.as_str().to_owned(),
            traffic: traffic.describe(),
            peers: peers.describe(),
        })
        .collect()
}

fn members(group: &TerraformGroup, view: &View) -> Vec<String> {
    let Some(id) = &group.id else { return Vec::new() };
    let mut names: Vec<String> = view
        .members
        .iter()
        .filter(|member| member.groups.contains(id))
        .map(|member| member.label().to_owned())
        .collect();
    names.sort();
    names
}

/// Rules whose group is not known yet: what they open, they open somewhere.
fn orphans(after: &View) -> Option<GroupExposure> {
    let mut out = GroupExposure {
        group: GroupRef::default(),
        name: Some("a group not known yet".to_owned()),
        members: Vec::new(),
        opens: Vec::new(),
        closes: Vec::new(),
        may_open: Vec::new(),
    };
    for direction in [Direction::Ingress, Direction::Egress] {
        let may = OpenSet::possible(
            after.orphans.iter().map(|owned| &owned.rule),
            direction,
            &after.prefix_lists,
        );
        out.may_open.extend(lines(&may, direction));
    }
    (!out.may_open.is_empty()).then_some(out)
}
