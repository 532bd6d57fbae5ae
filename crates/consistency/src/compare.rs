//! The comparison: one row per rule of each group that the code or the state knows.

use crate::document::{ConsistencyReport, RuleVerdict};
use crate::others::{self, Sides};
use crate::rows::{Here, group_ref};
use crate::view::{Names, Pair, Table};
use portcullis_report::Verdict;
use portcullis_secgroup::{Group, Inventory, Missing};
use portcullis_terraform::{OwnedRule, TerraformGroup, View};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The three views. A view that could not be read is `None`; its column then says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Views<'a> {
    /// What the plan says will be there ([`portcullis_terraform::Plan::after`]), or the code itself.
    pub declared: &'a View,
    /// What is missing from the declared view, since it can't be told, in one line each: then what is not in it may be declared
    /// all the same.
    pub missing: &'a [String],
    /// What was there before the plan was applied ([`portcullis_terraform::Plan::before`]): tells what the change touched.
    pub before: Option<&'a View>,
    /// The managed state.
    pub recorded: Option<&'a View>,
    /// EC2.
    pub live: Option<&'a Inventory>,
}

impl<'a> Views<'a> {
    /// The declared view alone; the others are added by the methods below, or left open.
    #[must_use]
    pub const fn declared(declared: &'a View) -> Self {
        Self {
            declared,
            missing: &[],
            before: None,
            recorded: None,
            live: None,
        }
    }

    /// With what is missing from the declared view.
    #[must_use]
    pub const fn missing(mut self, missing: &'a [String]) -> Self {
        self.missing = missing;
        self
    }

    /// With what was there before the plan was applied.
    #[must_use]
    pub const fn before(mut self, before: Option<&'a View>) -> Self {
        self.before = before;
        self
    }

    /// With what the state records.
    #[must_use]
    pub const fn recorded(mut self, recorded: Option<&'a View>) -> Self {
        self.recorded = recorded;
        self
    }

    /// With what EC2 has.
    #[must_use]
    pub const fn live(mut self, live: Option<&'a Inventory>) -> Self {
        self.live = live;
        self
    }
}

/// Compares the three views.
#[must_use]
pub fn compare(views: &Views<'_>) -> ConsistencyReport {
    let terraform: Vec<&View> = std::iter::once(views.declared).chain(views.recorded).collect();
    let names = Names::new(&terraform);
    let pairs = pairs(views, &names);
    let sides = Sides {
        declared: views.declared,
        declared_is_partial: !views.missing.is_empty(),
        recorded: views.recorded,
        live: views.live,
        names: &names,
    };
    let listed: HashMap<&str, &Group> = views
        .live
        .into_iter()
        .flat_map(|inventory| &inventory.groups)
        .filter_map(|group| Some((group.id.as_deref()?, group)))
        .collect();
    let mut notes = Vec::new();
    let mut rules = Vec::new();
    let mut groups = Vec::new();
    let mut resolved: BTreeSet<&str> = BTreeSet::new();
    for pair in &pairs.pairs {
        let found = pair.id.and_then(|id| listed.get(id).copied());
        let mut table = Table {
            // The code that no longer has a group declares none of its rules.
            otherwise: [
                declares_nothing_else(pair, &sides),
                views.recorded.map(|_| false),
                has_nothing_else(views.live, pair.id, found.is_some()),
            ],
            ..Table::default()
        };
        pair.add_declared(&names, &mut table);
        pair.add_recorded(&names, &mut table);
        table.add_live(found);
        for owner in &table.unknown {
            notes.push(format!(
                "{owner}: not compared, something in it is known only after apply"
            ));
        }
        resolved.extend(table.resolved());
        groups.extend(others::group(
            pair,
            &sides,
            is_live(views.live, pair.id, found.is_some()),
        ));
        let here = Here {
            pair,
            names: &names,
            live: views.live,
        };
        rules.extend(here.rows(table));
    }
    for orphan in &pairs.orphans {
        notes.push(format!(
            "{}: not compared, its group is known only after apply",
            orphan.owner
        ));
    }
    // What is masked because it is sensitive is not understood, and settled where the state tells it.
    let settled =
        |address: &str| resolved.contains(address) && views.declared.sensitive.contains_key(address);
    let problems = terraform.iter().flat_map(|view| &view.problems);
    for problem in problems.filter(|problem| !settled(&problem.address)) {
        notes.push(format!("not understood: {}: {}", problem.address, problem.what));
    }
    for missing in views.missing {
        notes.push(format!("the code does not tell: {missing}"));
    }
    let mut doubtful = !notes.is_empty() || views.recorded.is_none() || views.live.is_none();
    if let Some(inventory) = views.live {
        let known: BTreeSet<&str> = pairs.pairs.iter().filter_map(|pair| pair.id).collect();
        for gap in &inventory.gaps {
            doubtful |= match &gap.missing {
                // What is missing for people only leaves nothing open.
                Missing::Details => false,
                // Other groups than those compared here, such as what was not asked for.
                Missing::Groups { except } => known
                    .iter()
                    .any(|id| !listed.contains_key(id) && !except.contains(*id)),
                Missing::Rules { of: Some(group) } => known.contains(group.as_str()),
                _ => true,
            };
            notes.push(format!("not read: {}: {}", gap.what, gap.why));
        }
        notes.extend(others::strangers(inventory, &known));
    }
    notes.sort();
    notes.dedup();
    // Within a group they stand in order, and the groups do.
    rules.sort_by_key(|row| Reverse(row.verdict.verdict()));
    let (members, prefix_lists) = (sides.members(), sides.prefix_lists());
    let verdict = rules
        .iter()
        .map(|row| row.verdict)
        .chain(groups.iter().map(|row| row.verdict))
        .chain(members.iter().map(|row| row.verdict))
        .chain(prefix_lists.iter().map(|row| row.verdict))
        .map(RuleVerdict::verdict)
        .fold(Verdict::Pass, Verdict::worst);
    let verdict = if doubtful {
        verdict.worst(Verdict::Undetermined)
    } else {
        verdict
    };
    ConsistencyReport {
        groups,
        members,
        prefix_lists,
        notes,
        ..ConsistencyReport::new(verdict, rules)
    }
}

fn declares_nothing_else(pair: &Pair<'_>, sides: &Sides<'_>) -> Option<bool> {
    let untouched = pair.declared.is_some_and(|group| group.untouched);
    (!untouched && !sides.declared_is_partial).then_some(false)
}

/// A rule that EC2 did not name is not there, if all rules of the group were read.
fn has_nothing_else(live: Option<&Inventory>, id: Option<&str>, is_listed: bool) -> Option<bool> {
    let live = live?;
    let lacks = !live.gaps.is_empty()
        && id.is_some_and(|id| {
            if is_listed {
                live.may_lack_rules_of(id)
            } else {
                live.may_lack_group(id)
            }
        });
    (!lacks).then_some(false)
}

fn is_live(live: Option<&Inventory>, id: Option<&str>, is_listed: bool) -> Option<bool> {
    let live = live?;
    match id {
        Some(id) if !is_listed && live.may_lack_group(id) => None,
        _ => Some(is_listed),
    }
}

/// The groups of the code and the state, and the declared rules of which no one tells the group.
struct Pairs<'a> {
    pairs: Vec<Pair<'a>>,
    orphans: Vec<&'a OwnedRule>,
}

/// Groups of both views, matched by id, else by address.
fn pairs<'a>(views: &Views<'a>, names: &Names<'a>) -> Pairs<'a> {
    let mut by_name: BTreeMap<&str, Pair<'a>> = BTreeMap::new();
    let id_of = |group: &'a TerraformGroup| {
        let by_address = || group.address.as_deref().and_then(|address| names.id(address));
        group.id.as_deref().or_else(by_address)
    };
    let mut add = |group: &'a TerraformGroup, is_declared: bool| {
        let id = id_of(group);
        let pair = by_name
            .entry(id.unwrap_or_else(|| group.label()))
            .or_insert_with(|| Pair {
                id,
                group: group_ref(group.address.as_deref(), id),
                declared: None,
                recorded: None,
                before: None,
                is_new: false,
                adopted: Vec::new(),
            });
        pair.group.address = pair.group.address.take().or_else(|| group.address.clone());
        *(if is_declared {
            &mut pair.declared
        } else {
            &mut pair.recorded
        }) = Some(group);
    };
    views.declared.groups.iter().for_each(|group| add(group, true));
    let recorded = views.recorded.into_iter().flat_map(|view| &view.groups);
    recorded.for_each(|group| add(group, false));
    for group in views.before.into_iter().flat_map(|view| &view.groups) {
        if let Some(pair) = group.id.as_deref().and_then(|id| by_name.get_mut(id)) {
            pair.before = Some(group);
        }
    }
    if views.before.is_some() {
        for pair in by_name.values_mut() {
            pair.is_new = pair.before.is_none() && pair.declared.is_some();
        }
    }
    // A rule whose group the plan can't tell is the group's for which the state records its owner.
    let lost: BTreeSet<&str> = views
        .declared
        .orphans
        .iter()
        .map(|orphan| orphan.owner.as_str())
        .collect();
    let mut homes: HashMap<&str, &str> = HashMap::new();
    if !lost.is_empty() {
        for group in views.recorded.into_iter().flat_map(|view| &view.groups) {
            for owned in group
                .rules
                .iter()
                .filter(|owned| lost.contains(owned.owner.as_str()))
            {
                homes.insert(&owned.owner, id_of(group).unwrap_or_else(|| group.label()));
            }
        }
    }
    let mut orphans = Vec::new();
    for orphan in &views.declared.orphans {
        let home = homes.get(orphan.owner.as_str()).copied();
        match home.and_then(|home| by_name.get_mut(home)) {
            Some(pair) => pair.adopted.push(orphan),
            None => orphans.push(orphan),
        }
    }
    let mut pairs: Vec<Pair<'a>> = by_name.into_values().collect();
    pairs.sort_by(|a, b| a.group.cmp(&b.group));
    Pairs { pairs, orphans }
}
