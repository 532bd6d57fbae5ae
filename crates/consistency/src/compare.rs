//! The comparison: one row per rule of each group that the code or the state knows.

use crate::document::{ConsistencyReport, RuleVerdict};
use crate::live::Live;
use crate::others::{self, Sides};
use crate::pairs;
use crate::rows::Here;
use crate::view::{Names, Pair, Table};
use portcullis_report::Verdict;
use portcullis_secgroup::{Inventory, Missing};
use portcullis_terraform::View;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The three views. A view that could not be read is `None`; its column then says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Views<'a> {
    /// What the plan says will be there ([`portcullis_terraform::Plan::after`]), or the code itself.
    pub declared: &'a View,
    /// What is missing from the declared view, since it can't be told, in one line each: then what is not in it may be declared
    /// all the same.
    pub missing: &'a [String],
    /// Why the plan does not show everything ([`portcullis_terraform::Plan::partial`]): what it does not name may be declared all
    /// the same, and the whole is no pass.
    pub partial: &'a [String],
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
            partial: &[],
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

    /// With why the plan does not show everything.
    #[must_use]
    pub const fn partial(mut self, partial: &'a [String]) -> Self {
        self.partial = partial;
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
    let mut names = Names::new(views.declared, views.recorded, views.before);
    let live = views.live.map(Live::new);
    let live = live.as_ref();
    let found = pairs::pairs(views, live, &mut names);
    let (names, pairs) = (&names, &found.pairs);
    let told = (!views.partial.is_empty()).then(|| told(views));
    let sides = Sides {
        declared: views.declared,
        declared_is_partial: !views.missing.is_empty() || told.is_some(),
        recorded: views.recorded,
        before: views.before,
        live: views.live,
        names,
        elsewhere: pairs
            .iter()
            .filter(|pair| pair.elsewhere.is_some())
            .filter_map(|pair| pair.id)
            .collect(),
    };
    let mut notes = found.doubts;
    let mut remarks = found.notes;
    let mut rules = Vec::new();
    let mut groups = Vec::new();
    let mut resolved: BTreeSet<&str> = BTreeSet::new();
    let mut elsewhere: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for pair in pairs {
        let listed = live.map_or(&[][..], |live| live.group(pair.id));
        let is_listed = !listed.is_empty();
        let mut table = Table {
            otherwise: [
                declares_nothing_else(pair, &sides),
                views.recorded.map(|_| false),
                has_nothing_else(views.live, pair, is_listed),
            ],
            told: told.as_ref(),
            ..Table::default()
        };
        pair.add_declared(names, &views.declared.untouched, &mut table);
        pair.add_recorded(names, &mut table);
        table.add_live(listed, names, pair.own());
        if let Some(place) = &pair.elsewhere {
            elsewhere.entry(place).or_default().push(pair.group.to_string());
        }
        for owner in &table.unknown {
            notes.push(format!(
                "{owner}: not compared, something in it is known only after apply"
            ));
        }
        resolved.extend(table.resolved());
        groups.extend(others::group(pair, &sides, is_live(views.live, pair, is_listed)));
        let here = Here::new(pair, names, live, listed);
        if pair.is_foreign {
            let others = table.keep_live_only(|key| here.takes_away(key));
            if others > 0 {
                let rules = if others == 1 { "rule" } else { "rules" };
                remarks.push(format!(
                    "{}: another owner's group, of which only the rules written here are compared: {others} more live {rules}",
                    pair.group
                ));
            }
        }
        rules.extend(here.rows(table));
    }
    for orphan in &found.orphans {
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
    for why in views.partial {
        notes.push(format!("the plan does not tell everything: {why}"));
    }
    for (place, groups) in elsewhere {
        notes.push(format!("not read: {place}, where {} is", some_of(&groups)));
    }
    let mut doubtful = !notes.is_empty() || views.recorded.is_none() || views.live.is_none();
    let members = sides.members();
    if let Some(live) = live {
        let known: BTreeSet<&str> = pairs.iter().filter_map(|pair| pair.id).collect();
        for gap in &live.inventory.gaps {
            doubtful |= match &gap.missing {
                // What is missing for people only leaves nothing open.
                Missing::Details => false,
                // Other groups than those compared here, such as what was not asked for.
                Missing::Groups { except } => known
                    .iter()
                    .any(|id| live.group(Some(id)).is_empty() && !except.contains(*id)),
                Missing::Rules { of: Some(group) } => known.contains(group.as_str()),
                Missing::Members => members.are_compared,
                _ => true,
            };
            remarks.push(format!("not read: {}: {}", gap.what, gap.why));
        }
        let known = known.into_iter().chain(found.only_read).collect();
        remarks.extend(others::strangers(live.inventory, &known));
    }
    let mut notes: Vec<String> = notes.into_iter().chain(remarks).collect();
    notes.sort();
    notes.dedup();
    // Within a group they stand in order, and the groups do.
    rules.sort_by_key(|row| Reverse(row.verdict.verdict()));
    let (members, prefix_lists) = (members.rows, sides.prefix_lists());
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

/// The addresses of which a plan that leaves something out tells all there is.
fn told<'a>(views: &Views<'a>) -> HashSet<&'a str> {
    let known = std::iter::once(views.declared).chain(views.before);
    let owners = known.flat_map(|view| {
        let groups = view.groups.iter();
        let of_groups = groups.flat_map(|group| group.rules.iter().map(|owned| owned.owner.as_str()));
        let addresses = view.groups.iter().filter_map(|group| group.address.as_deref());
        let orphans = view.orphans.iter().map(|owned| owned.owner.as_str());
        of_groups.chain(addresses).chain(orphans)
    });
    owners
        .filter(|address| !views.declared.untouched.contains(*address))
        .collect()
}

/// The code that no longer has a group declares none of its rules.
fn declares_nothing_else(pair: &Pair<'_>, sides: &Sides<'_>) -> Option<bool> {
    let untouched = !pair.is_foreign && pair.declared.is_some_and(|group| group.untouched);
    (pair.is_deleted || (!untouched && !sides.declared_is_partial)).then_some(false)
}

/// A rule that EC2 did not name is not there, if all rules of the group were read.
fn has_nothing_else(live: Option<&Inventory>, pair: &Pair<'_>, is_listed: bool) -> Option<bool> {
    let live = live?;
    let lacks = !live.gaps.is_empty()
        && pair.id.is_some_and(|id| {
            if is_listed {
                live.may_lack_rules_of(id)
            } else {
                live.may_lack_group(id)
            }
        });
    (!lacks && !pair.may_be_live && pair.elsewhere.is_none()).then_some(false)
}

fn is_live(live: Option<&Inventory>, pair: &Pair<'_>, is_listed: bool) -> Option<bool> {
    let live = live?;
    match pair.id {
        Some(id) if !is_listed && live.may_lack_group(id) => None,
        _ if pair.may_be_live || pair.elsewhere.is_some() => None,
        _ => Some(is_listed),
    }
}

/// `a, b and 3 more`.
pub(crate) fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = &names[..names.len().min(SHOWN)];
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
