//! One question of a policy rule, asked of groups: do they open what is forbidden, and is it too much?

use crate::extent::Extent;
use crate::fit::Fit;
use crate::hole::{Hole, Window, Windows};
use crate::members::is_unseen;
use crate::policy::{Check, Exposure, Rule as PolicyRule};
use crate::subject::{Judged, JudgedRule, Subject};
use crate::waiver::{RuleWaivers, Waivers};
use portcullis_report::{Finding, Standing, Verdict};
use portcullis_secgroup::{Area, Direction, Overlay, Peer, PrefixLists, Reading};
use std::cell::OnceCell;
use std::collections::BTreeSet;

/// What one part of a forbidden exposure asks of one group.
pub(crate) struct Question<'a> {
    rule: &'a PolicyRule,
    extent: Extent,
    direction: Direction,
    subject: &'a Subject,
    /// What is forbidden.
    certain: Windows,
    /// What may be forbidden, as long as entries of prefix lists are not known.
    possible: Option<Windows>,
    /// What may stand.
    waived: RuleWaivers<'a>,
    /// Rules whose group is not known, and that may complete a hole in any group.
    loose: Vec<&'a JudgedRule>,
    /// The rules of all groups, for members whose groups are not known.
    anybody: &'a [JudgedRule],
    /// Those of them that may open what is forbidden.
    anybody_near: OnceCell<Vec<&'a JudgedRule>>,
}

/// One question for each direction that the rule forbids something in.
pub(crate) fn questions<'a>(
    rule: &'a PolicyRule,
    subject: &'a Subject,
    anybody: &'a [JudgedRule],
    waivers: &Waivers<'a>,
) -> Vec<Question<'a>> {
    let Check::Forbidden { exposure, extent, .. } = &rule.check else {
        return Vec::new();
    };
    let lists = &subject.lists;
    let windows = |peers| Windows::new(&exposure.traffic, peers);
    let of = |direction: &Direction| {
        let mut question = Question {
            rule,
            extent: *extent,
            direction: *direction,
            subject,
            certain: windows(exposure.certain(lists)),
            possible: (!exposure.is_settled(lists)).then(|| windows(exposure.possible(lists))),
            waived: waivers.of_rule(&rule.id, *direction, lists),
            loose: Vec::new(),
            anybody,
            anybody_near: OnceCell::new(),
        };
        question.loose = question.loose_rules(exposure);
        question
    };
    exposure.directions.iter().map(of).collect()
}

impl<'a> Question<'a> {
    /// What there is to say of this group. `uncertain` tells that something in its rules is not known.
    pub(crate) fn ask(
        &self,
        group: &'a Judged,
        fit: Fit,
        uncertain: bool,
        waivers: &mut Waivers<'_>,
    ) -> Option<Finding> {
        let id = group.group.id.as_deref();
        let forbidden = self.certain.seen_by(id);
        let settled = self.possible.is_none();
        // How large a share is of peers that are not known, no one can tell.
        let countable = settled || self.extent == Extent::Any;
        let mut took = BTreeSet::new();
        let waived = &self.waived;
        let own = || group.rules.iter().map(|judged| (judged, false));
        let (mut whole, mut left) = (None, None);
        if countable {
            let window = self.window(forbidden, Reading::Certain);
            whole = window.hole(own(), self.extent, |_, _| None);
            left = match &whole {
                Some(_) if waived.is_empty() => whole.take(),
                Some(_) => window.hole(own(), self.extent, |rule, area| {
                    waived.apply(group, rule, area, &mut took)
                }),
                None => None,
            };
        }
        if let Some(hole) = left {
            let standing = self.standing(group, &hole, forbidden);
            let mut finding = self.finding(group, &hole, Verdict::Violation, standing);
            if !took.is_empty() {
                finding = finding.note("a part is waived; this is what the waiver does not cover");
            }
            if fit == Fit::Unknown {
                finding.verdict = Verdict::Undetermined;
                finding = if group.is_orphan() {
                    let parts = hole
                        .causes()
                        .flat_map(|(judged, _)| unknown_parts(judged, &self.subject.lists));
                    parts.fold(finding, Finding::note)
                } else {
                    finding
                        .note("not known before apply: the name or tags by which the policy picks its groups")
                };
            }
            waivers.used.extend(took);
            return Some(finding);
        }
        // Where all is known, what is possible is what is certain, and that was asked.
        let known = settled && !uncertain && !group.groups_unknown && group.maybe.is_empty();
        if !(known && self.loose.is_empty() && waived.is_empty()) {
            let possibly = self
                .possible
                .as_ref()
                .map_or(forbidden, |windows| windows.seen_by(id));
            let extent = if countable { self.extent } else { Extent::Any };
            let others = self
                .anybody_near(group)
                .iter()
                .copied()
                .chain(&group.maybe)
                .chain(self.loose.iter().copied());
            let rules = own().chain(others.map(|judged| (judged, true)));
            let window = self.window(possibly, Reading::Possible);
            let hole = window.hole(rules, extent, |rule, area| {
                waived.apply(group, rule, area, &mut took)
            });
            if let Some(hole) = hole {
                waivers.used.extend(took);
                return Some(self.undetermined(group, &hole));
            }
        }
        waivers.used.extend(&took);
        if let Some(hole) = whole {
            // All that is too much is waived.
            let standing = self.standing(group, &hole, forbidden);
            let finding = self.finding(group, &hole, Verdict::Violation, standing);
            return Some(waivers.let_stand(finding, &took));
        }
        self.removed(group, forbidden)
    }

    fn window<'w>(&'w self, area: &'w Area, reading: Reading) -> Window<'w> {
        Window {
            area,
            direction: self.direction,
            reading,
            lists: &self.subject.lists,
        }
    }

    /// The rules a member may have whose groups are not known, less those that can't matter here. Members are asked in
    /// words of addresses, never of group ids: so it is the same for all of them.
    fn anybody_near(&self, group: &Judged) -> &[&'a JudgedRule] {
        if !group.groups_unknown {
            return &[];
        }
        self.anybody_near.get_or_init(|| {
            let area = self.possible.as_ref().unwrap_or(&self.certain).seen_by(None);
            let window = self.window(area, Reading::Possible);
            self.anybody
                .iter()
                .filter(|judged| window.clip(&judged.rule).is_some())
                .collect()
        })
    }

    /// Rules whose group is not known are judged by themselves. Where only a share is too much, they may also complete
    /// one of which a group opens a part.
    fn loose_rules(&self, exposure: &Exposure) -> Vec<&'a JudgedRule> {
        if self.extent == Extent::Any {
            return Vec::new();
        }
        let forbidden = Windows::new(&exposure.traffic, exposure.possible(&self.subject.lists));
        let window = self.window(forbidden.seen_by(None), Reading::Possible);
        let told = |group: &&Judged| {
            let rules = group.rules.iter().map(|judged| (judged, false));
            window.hole(rules, self.extent, |_, _| None).is_some()
        };
        let orphans = self.subject.groups.iter().filter(|group| group.is_orphan());
        orphans
            .filter(|group| !told(group))
            .flat_map(|group| &group.rules)
            .collect()
    }

    /// New, unless all of it was open before.
    fn standing(&self, group: &Judged, hole: &Hole<'_>, forbidden: &Area) -> Standing {
        let Some(before) = self.subject.before_of(&group.group) else {
            return if self.subject.before.is_some() {
                Standing::New
            } else {
                Standing::Existing
            };
        };
        let window = Window {
            lists: &self.subject.lists_before,
            ..self.window(forbidden, Reading::Certain)
        };
        let before: Vec<Area> = before.filter_map(|rule| window.clip(rule)).collect();
        if hole.is_within(&before.iter().collect::<Overlay<'_>>()) {
            Standing::Existing
        } else {
            Standing::New
        }
    }

    /// A hole that stood before and that the change closes: worth a line, and no violation.
    fn removed(&self, group: &Judged, forbidden: &Area) -> Option<Finding> {
        let window = self.window(forbidden, Reading::Certain);
        let before = self.subject.before_of(&group.group)?;
        let near = before.filter(|rule| window.clip(rule).is_some());
        let rules: Vec<JudgedRule> = near.map(|rule| JudgedRule::nobodys(rule.clone())).collect();
        let hole = window.hole(rules.iter().map(|rule| (rule, false)), self.extent, |_, _| None)?;
        let mut finding = self.finding(group, &hole, Verdict::Pass, Standing::Removed);
        finding.resources.clear();
        Some(finding.note("the change closes this"))
    }

    /// A hole that is there only if what is not known turns out that way.
    fn undetermined(&self, group: &Judged, hole: &Hole<'_>) -> Finding {
        let mut finding = self.finding(group, hole, Verdict::Undetermined, Standing::New);
        finding.exposure = format!("may open {}", finding.exposure);
        let mut told = BTreeSet::new();
        for note in hole
            .causes()
            .flat_map(|(judged, _)| unknown_parts(judged, &self.subject.lists))
        {
            if told.insert(note.clone()) {
                finding = finding.note(note);
            }
        }
        if self.possible.is_some() {
            finding = finding.note("not known: the entries of a prefix list that the policy names");
        }
        if hole
            .causes()
            .any(|(judged, foreign)| foreign && !is_unseen(judged))
        {
            finding = finding.note("not known before apply: which rules belong to it");
        }
        finding
    }

    fn finding(&self, group: &Judged, hole: &Hole<'_>, verdict: Verdict, standing: Standing) -> Finding {
        let owners: BTreeSet<&String> = hole.causes().map(|(judged, _)| &judged.owner).collect();
        let mut finding = Finding::new(&self.rule.id, self.rule.severity, verdict)
            .title(&self.rule.title)
            .group(group.group.clone())
            .resources(owners)
            .exposure(hole.describe())
            .standing(standing);
        finding.witness = hole.witness();
        finding.frameworks.clone_from(&self.rule.frameworks);
        if hole.causes().any(|(judged, _)| judged.by_hand) {
            finding = finding
                .note("made by hand: no resource in the code owns it, terraform's refreshed state shows it");
        }
        finding
    }
}

/// Which values of a rule are not known, and what will decide them: one line for each that decides.
fn unknown_parts(judged: &JudgedRule, lists: &PrefixLists) -> Vec<String> {
    if is_unseen(judged) {
        return vec![format!("not in sight: the rules of {}", judged.owner)];
    }
    let mut parts: Vec<(Vec<&str>, &[String])> = Vec::new();
    for unknown in &judged.not_known {
        match parts
            .iter_mut()
            .find(|(_, deciders)| *deciders == unknown.decided_by)
        {
            Some((attributes, _)) => attributes.push(&unknown.attribute),
            None => parts.push((vec![&unknown.attribute], &unknown.decided_by)),
        }
    }
    let mut told: Vec<String> = parts
        .into_iter()
        .map(|(attributes, deciders)| {
            let what = format!(
                "not known before apply: {} of {}",
                attributes.join(", "),
                judged.owner
            );
            if deciders.is_empty() {
                what
            } else {
                format!("{what}, decided by {}", deciders.join(", "))
            }
        })
        .collect();
    if let Peer::PrefixList(id) = &judged.rule.peer
        && lists.entries(id).is_none()
    {
        told.push(format!(
            "not known before apply: the entries of prefix list {id} of {}",
            judged.owner
        ));
    }
    told
}
