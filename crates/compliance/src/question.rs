//! One question of a policy rule, asked of groups: do they open what is forbidden, and is it too much?

use crate::extent::Extent;
use crate::fit::Fit;
use crate::hole::{Hole, Window, Windows};
use crate::members::is_unseen;
use crate::policy::{Check, Exposure, Rule as PolicyRule};
use crate::subject::{Judged, JudgedRule, Maker, Subject};
use crate::waiver::{RuleWaivers, Waivers};
use portcullis_report::{Finding, Standing, Verdict};
use portcullis_secgroup::{AddressSet, Area, Direction, Overlay, Peer, PeerSet, PrefixLists, Reading, Token};
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
    /// Prefix lists that are excepted.
    excepted: &'a [String],
    /// What may stand.
    waived: RuleWaivers<'a>,
    /// Rules whose group is not known, and that may complete a hole in any group.
    loose: Vec<&'a JudgedRule>,
    /// Groups that they may complete a hole in.
    quiet: Vec<&'a Judged>,
    /// The rules of all groups, for members whose groups are not known.
    anybody: &'a [JudgedRule],
    /// Those of them that may open what is forbidden.
    anybody_near: OnceCell<Vec<&'a JudgedRule>>,
    /// What there is to say of members of which nothing is known that matters here: the same of all of them.
    blank: OnceCell<Option<Finding>>,
    /// Those members.
    blanks: Vec<String>,
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
    let as_themselves = lists_as_themselves(exposure, subject);
    let windows = |peers: PeerSet| Windows::new(&exposure.traffic, peers.difference(&as_themselves));
    let of = |direction: &Direction| {
        let mut question = Question {
            rule,
            extent: *extent,
            direction: *direction,
            subject,
            certain: windows(exposure.certain(lists)),
            possible: (!exposure.is_settled(lists)).then(|| windows(exposure.possible(lists))),
            excepted: &exposure.except.lists,
            waived: waivers.of_rule(&rule.id, *direction, lists),
            loose: Vec::new(),
            quiet: Vec::new(),
            anybody,
            anybody_near: OnceCell::new(),
            blank: OnceCell::new(),
            blanks: Vec::new(),
        };
        question.loose = question.loose_rules();
        question
    };
    exposure.directions.iter().map(of).collect()
}

/// Prefix lists that are no peers beside their entries. A list opens its entries: where they are known, only they count; where
/// they are not and some addresses are excepted, they may be among these.
fn lists_as_themselves(exposure: &Exposure, subject: &Subject) -> PeerSet {
    let known = subject
        .lists
        .ids()
        .filter(|id| subject.lists.entries(id).is_some());
    let mut tokens: BTreeSet<Token> = known.map(|id| Token::PrefixList(id.to_owned())).collect();
    if exposure.except.names_addresses() {
        let rules = subject
            .groups
            .iter()
            .flat_map(|group| group.rules.iter().chain(&group.maybe));
        tokens.extend(rules.filter_map(|judged| match &judged.rule.peer {
            Peer::PrefixList(id) => Some(Token::PrefixList(id.clone())),
            _ => None,
        }));
    }
    PeerSet::new(AddressSet::empty(), tokens.into_iter().collect())
}

impl<'a> Question<'a> {
    /// What there is to say of this group. `uncertain` tells that something in its rules is not known.
    pub(crate) fn ask(
        &mut self,
        group: &'a Judged,
        fit: Fit,
        uncertain: bool,
        waivers: &mut Waivers<'_>,
    ) -> Option<Finding> {
        if self.is_blank(group) {
            if self.blank(group).is_some() {
                self.blanks.extend(group.group.address.clone());
                return None;
            }
            return self.closed(group);
        }
        let found = self.judge(group, fit, uncertain, waivers);
        let told = found.as_ref().is_some_and(Finding::is_open);
        if !told && !self.loose.is_empty() && !group.is_orphan() {
            self.quiet.push(group);
        }
        found
    }

    /// What there is to say when all groups were asked.
    pub(crate) fn rest(&self, waivers: &mut Waivers<'_>) -> impl Iterator<Item = Finding> {
        let blank = self.blank.get().cloned().flatten();
        let blank = blank.map(|finding| match self.blanks.split_first() {
            Some((_, others)) if !others.is_empty() => {
                let more = others.len().saturating_sub(TOLD);
                let mut names = others.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
                if more > 0 {
                    names.push_str(&format!(" and {more} more"));
                }
                finding.note(format!(
                    "the same of each other member whose groups are not known: {names}"
                ))
            }
            _ => finding,
        });
        blank.into_iter().chain(self.together(waivers))
    }

    fn judge(
        &self,
        group: &'a Judged,
        fit: Fit,
        uncertain: bool,
        waivers: &mut Waivers<'_>,
    ) -> Option<Finding> {
        let id = group.group.id.as_deref();
        let forbidden = self.certain.seen_by(id);
        let mut took = BTreeSet::new();
        let waived = &self.waived;
        let own = || group.rules.iter().map(|judged| (judged, false));
        let (mut whole, mut left) = (None, None);
        if self.is_countable() {
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
            let mut finding = self.finding(group, &hole, Verdict::Violation);
            finding = self.with_standing(finding, group, &hole, forbidden);
            if !took.is_empty() {
                finding = finding.note("a part is waived; this is what the waiver does not cover");
            }
            if fit == Fit::Unknown {
                finding.verdict = Verdict::Undetermined;
                finding = if group.is_orphan() {
                    let parts = hole
                        .causes()
                        .flat_map(|(judged, _)| unknown_parts(judged, &self.subject.lists));
                    with_notes(finding, parts)
                } else if group.elsewhere {
                    finding.note(
                        "the group is not in sight, so its name and tags are not known, by which the policy picks its groups",
                    )
                } else {
                    finding
                        .note("not known before apply: the name or tags by which the policy picks its groups")
                };
            }
            waivers.used.extend(took);
            return Some(finding);
        }
        // Where all is known, what is possible is what is certain, and that was asked.
        let known = self.possible.is_none() && !uncertain && !group.groups_unknown && group.maybe.is_empty();
        if !(known && waived.is_empty()) {
            let rules = || {
                let others = self.anybody_near(group).iter().copied().chain(&group.maybe);
                own().chain(others.map(|judged| (judged, true)))
            };
            let (window, extent) = self.possibly(id);
            let hole = window.hole(rules(), extent, |rule, area| {
                waived.apply(group, rule, area, &mut took)
            });
            if let Some(hole) = hole {
                waivers.used.extend(took);
                return Some(self.undetermined(group, &hole));
            }
            if whole.is_none()
                && !took.is_empty()
                && let Some(hole) = window.hole(rules(), extent, |_, _| None)
            {
                // All that may be too much is waived.
                waivers.used.extend(&took);
                return Some(waivers.let_stand(self.undetermined(group, &hole), &took));
            }
        }
        waivers.used.extend(&took);
        if let Some(hole) = whole {
            // All that is too much is waived.
            let finding = self.finding(group, &hole, Verdict::Violation);
            let finding = self.with_standing(finding, group, &hole, forbidden);
            return Some(waivers.let_stand(finding, &took));
        }
        self.closed(group)
    }

    fn window<'w>(&'w self, area: &'w Area, reading: Reading) -> Window<'w> {
        Window {
            area,
            direction: self.direction,
            reading,
            lists: &self.subject.lists,
            excepted: self.excepted,
        }
    }

    /// How large a share is of peers that are not known, no one can tell.
    fn is_countable(&self) -> bool {
        self.possible.is_none() || self.extent == Extent::Any
    }

    /// What may be forbidden, as a group with this id sees it, and how much of it is too much.
    fn possibly(&self, group: Option<&str>) -> (Window<'_>, Extent) {
        let area = self.possible.as_ref().unwrap_or(&self.certain).seen_by(group);
        let extent = if self.is_countable() {
            self.extent
        } else {
            Extent::Any
        };
        (self.window(area, Reading::Possible), extent)
    }

    /// The rules a member may have whose groups are not known, less those that can't matter here. Members are asked in
    /// words of addresses, never of group ids: so it is the same for all of them.
    fn anybody_near(&self, group: &Judged) -> &[&'a JudgedRule] {
        if !group.groups_unknown {
            return &[];
        }
        self.anybody_near.get_or_init(|| {
            let (window, _) = self.possibly(None);
            self.anybody
                .iter()
                .filter(|judged| window.clip(&judged.rule).is_some())
                .collect()
        })
    }

    /// Whether it is a member of which nothing is known that matters here.
    fn is_blank(&self, group: &Judged) -> bool {
        let near = |judged: &JudgedRule| self.possibly(None).0.clip(&judged.rule).is_some();
        group.groups_unknown && self.waived.is_empty() && !group.rules.iter().chain(&group.maybe).any(near)
    }

    /// What there is to say of such members; `group` is the first of them.
    fn blank(&self, group: &Judged) -> Option<&Finding> {
        let finding = self.blank.get_or_init(|| {
            let (window, extent) = self.possibly(None);
            let rules = self.anybody_near(group).iter().map(|judged| (*judged, true));
            let hole = window.hole(rules, extent, |_, _| None)?;
            Some(self.undetermined(group, &hole))
        });
        finding.as_ref()
    }

    /// Rules whose group is not known are judged by themselves. Where only a share is too much, those that are not too much
    /// may also complete one of which a group opens a part.
    fn loose_rules(&self) -> Vec<&'a JudgedRule> {
        let (window, extent) = self.possibly(None);
        if extent == Extent::Any {
            return Vec::new();
        }
        let told = |group: &&Judged| {
            let rules = group.rules.iter().map(|judged| (judged, false));
            let less =
                |rule: &JudgedRule, area: &Area| self.waived.apply(group, rule, area, &mut BTreeSet::new());
            window.hole(rules, extent, less).is_some()
        };
        let orphans = self.subject.groups.iter().filter(|group| group.is_orphan());
        orphans
            .filter(|group| !told(group))
            .flat_map(|group| &group.rules)
            .filter(|judged| window.clip(&judged.rule).is_some())
            .collect()
    }

    /// Rules whose group is not known may belong to one group, which may be any: one hole, however many groups there are.
    fn together(&self, waivers: &mut Waivers<'_>) -> Option<Finding> {
        if self.loose.is_empty() {
            return None;
        }
        let nobody = Judged::default();
        let mut took = BTreeSet::new();
        let loose = |foreign: bool| self.loose.iter().map(move |judged| (*judged, foreign));
        let (window, extent) = self.possibly(None);
        let hole = window.hole(loose(false), extent, |rule, area| {
            self.waived.apply(&nobody, rule, area, &mut took)
        });
        if let Some(hole) = hole {
            waivers.used.extend(took);
            return Some(
                self.undetermined(&nobody, &hole)
                    .note("together, if they belong to one group"),
            );
        }
        for group in &self.quiet {
            let (window, extent) = self.possibly(group.group.id.as_deref());
            let own = || group.rules.iter().chain(&group.maybe);
            if !own().any(|judged| window.clip(&judged.rule).is_some()) {
                continue;
            }
            let rules = own().map(|judged| (judged, false)).chain(loose(true));
            let hole = window.hole(rules, extent, |rule, area| {
                self.waived.apply(group, rule, area, &mut took)
            });
            if let Some(hole) = hole {
                waivers.used.extend(took);
                return Some(
                    self.undetermined(group, &hole)
                        .note("told of one group: they may complete a hole in others, too"),
                );
            }
        }
        waivers.used.extend(took);
        None
    }

    /// With its standing: new, unless all of it was open before.
    fn with_standing(&self, finding: Finding, group: &Judged, hole: &Hole<'_>, forbidden: &Area) -> Finding {
        let Some(before) = self.subject.before_of(&group.group) else {
            return finding.standing(self.standing_of_news());
        };
        let window = self.window_before(forbidden);
        let before: Vec<Area> = before.filter_map(|rule| window.clip(rule)).collect();
        let before: Overlay<'_> = before.iter().collect();
        if hole.is_within(&before) {
            return finding.standing(Standing::Existing);
        }
        let finding = finding.standing(Standing::New);
        match hole.beyond(&before) {
            Some(new) => finding.note(format!("new in it: {new}; the rest stood before")),
            None => finding,
        }
    }

    /// The standing of what did not stand before: where no "before" is known, it is simply there.
    fn standing_of_news(&self) -> Standing {
        if self.subject.before.is_some() {
            Standing::New
        } else {
            Standing::Existing
        }
    }

    fn window_before<'w>(&'w self, forbidden: &'w Area) -> Window<'w> {
        Window {
            lists: &self.subject.lists_before,
            ..self.window(forbidden, Reading::Certain)
        }
    }

    /// A hole of the group that the change closes.
    fn closed(&self, group: &Judged) -> Option<Finding> {
        let before = self.subject.before_of(&group.group)?;
        let rules: Vec<JudgedRule> = before.map(|rule| JudgedRule::nobodys(rule.clone())).collect();
        self.removed(group, &rules)
    }

    /// A hole that stood before and that is closed: worth a line, and no violation.
    fn removed(&self, group: &Judged, before: &[JudgedRule]) -> Option<Finding> {
        let window = self.window_before(self.certain.seen_by(group.group.id.as_deref()));
        if !self.is_countable() {
            return None;
        }
        let rules = before.iter().map(|rule| (rule, false));
        let hole = window.hole(rules, self.extent, |_, _| None)?;
        let mut finding = self.finding(group, &hole, Verdict::Pass);
        finding.standing = Standing::Removed;
        finding.resources.retain(|owner| !owner.is_empty());
        Some(finding.note("the change closes this"))
    }

    /// A hole of a group that the change takes away.
    pub(crate) fn gone(&self, group: &Judged) -> Option<Finding> {
        // Whoever made them, they go.
        let goes = |judged: &JudgedRule| JudgedRule {
            maker: Maker::Owner,
            ..judged.clone()
        };
        let rules: Vec<JudgedRule> = group.rules.iter().map(goes).collect();
        self.removed(group, &rules)
    }

    /// A hole that is there only if what is not known turns out that way.
    fn undetermined(&self, group: &Judged, hole: &Hole<'_>) -> Finding {
        let mut finding = self.finding(group, hole, Verdict::Undetermined);
        // What is known only after apply is yet to come.
        let to_come = hole.causes().any(|(judged, _)| !judged.not_known.is_empty());
        finding.standing = if to_come {
            Standing::New
        } else {
            self.standing_of_news()
        };
        finding.exposure = format!("may open {}", finding.exposure);
        let unknown = hole
            .causes()
            .flat_map(|(judged, _)| unknown_parts(judged, &self.subject.lists));
        finding = with_notes(finding, unknown);
        if self.possible.is_some() {
            finding = finding.note("not known: the entries of a prefix list that the policy names");
        }
        let whose = |(judged, foreign): (&JudgedRule, bool)| {
            foreign && !is_unseen(judged) && judged.maker != Maker::Echo
        };
        if hole.causes().any(whose) {
            finding = finding.note("not known before apply: which rules belong to it");
        }
        finding
    }

    fn finding(&self, group: &Judged, hole: &Hole<'_>, verdict: Verdict) -> Finding {
        let owners: BTreeSet<&String> = hole.causes().map(|(judged, _)| &judged.owner).collect();
        let (exposure, witness) = hole.describe();
        let mut finding = Finding::new(&self.rule.id, self.rule.severity, verdict)
            .title(&self.rule.title)
            .group(group.group.clone())
            .resources(owners)
            .exposure(exposure);
        finding.witness = witness;
        finding.frameworks.clone_from(&self.rule.frameworks);
        let makers: BTreeSet<Maker> = hole.causes().map(|(judged, _)| judged.maker).collect();
        makers
            .into_iter()
            .filter_map(Maker::note)
            .fold(finding, Finding::note)
    }
}

/// So many of a kind are told one by one.
const TOLD: usize = 20;

/// With these notes, each once.
fn with_notes(mut finding: Finding, notes: impl Iterator<Item = String>) -> Finding {
    let mut told = BTreeSet::new();
    let mut more = 0_usize;
    for note in notes {
        if told.contains(&note) {
            continue;
        }
        told.insert(note.clone());
        if told.len() > TOLD {
            more += 1;
        } else {
            finding = finding.note(note);
        }
    }
    if more > 0 {
        finding = finding.note(format!("not known: {more} more of the kind"));
    }
    finding
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
