//! Waivers: which part of what is open may stand, for a while.

use crate::policy::{Policy, Waiver};
use crate::subject::{Judged, JudgedRule};
use jiff::civil::Date;
use portcullis_report::{Finding, GroupRef, Severity, Standing, Verdict, Waived};
use portcullis_secgroup::{OpenSet, PrefixLists};
use std::collections::BTreeSet;

/// The waivers of one rule that still hold, and which of them let something stand.
pub(crate) struct Waivers<'a> {
    all: &'a [Waiver],
    today: Date,
    pub(crate) used: BTreeSet<usize>,
}

impl<'a> Waivers<'a> {
    pub(crate) fn new(policy: &'a Policy, today: Date) -> Self {
        Self {
            all: &policy.waivers,
            today,
            used: BTreeSet::new(),
        }
    }

    /// What is left of `open`, which `rule` of `group` opens, and the waivers that took something away.
    pub(crate) fn apply(
        &self,
        policy_rule: &str,
        group: &Judged,
        rule: &JudgedRule,
        open: OpenSet,
        lists: &PrefixLists,
        took: &mut BTreeSet<usize>,
    ) -> OpenSet {
        let mut left = open;
        for (index, waiver) in self.matching(policy_rule, group, rule) {
            let Some(exposure) = &waiver.exposure else {
                continue;
            };
            if !exposure.directions.contains(&rule.rule.direction) {
                continue;
            }
            let waived = OpenSet::of(&exposure.traffic, &exposure.certain(lists));
            let rest = left.difference(&waived);
            if rest != left {
                took.insert(index);
            }
            left = rest;
        }
        left
    }

    /// The waiver that lets this rule go without what `policy_rule` requires.
    pub(crate) fn lets_go(&self, policy_rule: &str, group: &Judged, rule: &JudgedRule) -> Option<usize> {
        self.matching(policy_rule, group, rule)
            .find(|(_, waiver)| waiver.exposure.is_none())
            .map(|(index, _)| index)
    }

    /// The finding, let stand by these waivers together: until the first of them ends.
    pub(crate) fn let_stand(&self, mut finding: Finding, took: &BTreeSet<usize>) -> Finding {
        let mut needed: Vec<&Waiver> = took.iter().filter_map(|index| self.all.get(*index)).collect();
        needed.sort_by_key(|waiver| waiver.expires);
        let Some((first, others)) = needed.split_first() else {
            return finding;
        };
        finding.waived = Some(Waived {
            reason: first.reason.clone(),
            owner: first.owner.clone(),
            expires: first.expires.to_string(),
        });
        for waiver in others {
            finding = finding.note(format!(
                "and by another waiver: {} ({}, until {})",
                waiver.reason, waiver.owner, waiver.expires
            ));
        }
        finding
    }

    fn matching(
        &self,
        policy_rule: &str,
        group: &Judged,
        rule: &JudgedRule,
    ) -> impl Iterator<Item = (usize, &'a Waiver)> {
        let (all, today) = (self.all, self.today);
        all.iter().enumerate().filter(move |(_, waiver)| {
            let names = |group: &GroupRef| {
                [&group.address, &group.id]
                    .into_iter()
                    .flatten()
                    .any(|name| *name == waiver.resource)
            };
            waiver.rule == policy_rule
                && today <= waiver.expires
                && (waiver.resource == rule.owner
                    || rule.rule.id.as_ref() == Some(&waiver.resource)
                    || names(&group.group)
                    || rule.home.as_ref().is_some_and(|home| names(home)))
        })
    }

    /// What the waivers themselves give to say: expired ones, and ones that match nothing.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.all
            .iter()
            .enumerate()
            .filter_map(|(index, waiver)| {
                let (rule, title, exposure) = if self.today > waiver.expires {
                    (
                        "expired-waiver",
                        "A waiver has expired",
                        format!(
                            "the waiver of {} expired on {} and waives nothing",
                            waiver.rule, waiver.expires
                        ),
                    )
                } else if self.used.contains(&index) {
                    return None;
                } else {
                    (
                        "stale-waiver",
                        "A waiver matches nothing",
                        format!("the waiver of {} matches nothing", waiver.rule),
                    )
                };
                Some(
                    Finding::new(rule, Severity::Low, Verdict::Pass)
                        .title(title)
                        .resources([&waiver.resource])
                        .exposure(exposure)
                        .standing(Standing::Existing)
                        .remedy("take the waiver out of the policy, or renew it with its owner")
                        .note(format!("{} ({})", waiver.reason, waiver.owner)),
                )
            })
            .collect()
    }
}
