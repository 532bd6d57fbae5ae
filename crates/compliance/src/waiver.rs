//! Waivers: which part of what is open may stand, for a while.

use crate::policy::{Policy, Waiver};
use crate::subject::{Judged, JudgedRule};
use jiff::civil::Date;
use portcullis_report::{Finding, GroupRef, Severity, Standing, Verdict, Waived};
use portcullis_secgroup::{Area, Direction, OpenPiece, OpenSet, Peer, PeerSet, PrefixLists};
use std::collections::BTreeSet;

/// The id of a finding on a waiver that matches nothing.
pub(crate) const STALE: &str = "stale-waiver";

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

    /// Those of a policy rule that still hold and let something stand in this direction.
    pub(crate) fn of_rule(
        &self,
        policy_rule: &str,
        direction: Direction,
        lists: &PrefixLists,
    ) -> RuleWaivers<'a> {
        let holds = |(index, waiver): (usize, &'a Waiver)| {
            let exposure = waiver.exposure.as_ref()?;
            let meant = waiver.rule == policy_rule
                && self.today <= waiver.expires
                && exposure.directions.contains(&direction);
            meant.then(|| {
                let taken_out = exposure.except.possible(lists);
                let of_lists = PeerSet::any().difference(&taken_out);
                Held {
                    index,
                    waiver,
                    lists: &exposure.peers.lists,
                    exposure: OpenSet::of(&exposure.traffic, &exposure.certain(lists)),
                    of_lists: OpenSet::of(&exposure.traffic, &of_lists),
                }
            })
        };
        RuleWaivers(self.all.iter().enumerate().filter_map(holds).collect())
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
            waiver.rule == policy_rule && today <= waiver.expires && names(waiver, group, rule)
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
                        STALE,
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

/// Whether a waiver names this rule, or its group.
fn names(waiver: &Waiver, group: &Judged, rule: &JudgedRule) -> bool {
    let names = |group: &GroupRef| {
        [&group.address, &group.id]
            .into_iter()
            .flatten()
            .any(|name| *name == waiver.resource)
    };
    waiver.resource == rule.owner
        || rule.rule.id.as_ref() == Some(&waiver.resource)
        || names(&group.group)
        || rule.home.as_ref().is_some_and(|home| names(home))
}

/// Waivers with what each lets stand.
pub(crate) struct RuleWaivers<'a>(Vec<Held<'a>>);

struct Held<'a> {
    index: usize,
    waiver: &'a Waiver,
    /// The prefix lists that it names.
    lists: &'a [String],
    exposure: OpenSet,
    /// What it lets stand of a rule for one of those lists, whose entries need not be known for that.
    of_lists: OpenSet,
}

impl RuleWaivers<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left of `open`, which `rule` of `group` opens, and the waivers that took something away. `None` when none did.
    pub(crate) fn apply(
        &self,
        group: &Judged,
        rule: &JudgedRule,
        open: &Area,
        took: &mut BTreeSet<usize>,
    ) -> Option<Vec<Area>> {
        let mut left: Option<OpenSet> = None;
        for held in self.0.iter().filter(|held| names(held.waiver, group, rule)) {
            let waived = match &rule.rule.peer {
                Peer::PrefixList(id) if held.lists.contains(id) => &held.of_lists,
                _ => &held.exposure,
            };
            let before = left.unwrap_or_else(|| OpenSet::of(&open.traffic, &open.peers));
            let rest = before.difference(waived);
            if rest != before {
                took.insert(held.index);
            }
            left = Some(rest);
        }
        let pieces = left?;
        let area = |piece: &OpenPiece| Area {
            traffic: piece.traffic(),
            peers: piece.peers.clone(),
        };
        Some(pieces.pieces().iter().map(area).collect())
    }
}
