//! The judgement: each rule of the policy against each group, or each member.

use crate::document::{PartialPlans, Per};
use crate::extent::Extent;
use crate::peers::seen_by;
use crate::policy::{Check, Exposure, Policy, Rule as PolicyRule};
use crate::subject::{Judged, JudgedMember, JudgedRule, Subject};
use crate::waiver::Waivers;
use jiff::civil::Date;
use portcullis_report::{Finding, GroupRef, Report, Severity, Standing, Verdict};
use portcullis_secgroup::{Direction, Known, OpenSet, Peer, PeerSet, Rule, TrafficSet, UnknownPeer};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Judges a subject by a policy. `today` decides which waivers still hold (the last day counts, UTC).
#[must_use]
pub fn judge(policy: &Policy, subject: &Subject, today: Date) -> Report {
    let mut waivers = Waivers::new(policy, today);
    let mut findings = Vec::new();
    let members = joined_members(subject);
    for rule in &policy.rules {
        let judged = if rule.per == Per::Member {
            &members
        } else {
            &subject.groups
        };
        let questions = questions(rule, subject);
        for group in judged {
            let fit = fits(rule, group, subject);
            if fit == Fit::No {
                continue;
            }
            match &rule.check {
                Check::Forbidden {
                    exposure, allowed, ..
                } => {
                    let found = questions
                        .iter()
                        .filter_map(|question| question.ask(group, fit, &mut waivers));
                    findings.extend(found.map(|finding| advise(finding, exposure, allowed.as_ref())));
                }
                Check::Description => findings.extend(undescribed(rule, group, fit, subject, &mut waivers)),
            }
        }
    }
    findings.extend(waivers.findings());
    findings.extend(
        subject
            .problems
            .iter()
            .map(|(address, what)| not_understood(address, what)),
    );
    let mut report = Report::new("compliance", findings);
    for reason in &subject.partial {
        report = report.note(format!("partial: {reason}"));
    }
    if !subject.partial.is_empty() && policy.partial_plans == PartialPlans::Undetermined {
        report = report.at_least(Verdict::Undetermined);
    }
    report
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Yes,
    No,
    /// A name or tag that would decide is not known.
    Unknown,
}

/// Whether the rule speaks of a group; of a member, when it speaks of one of its groups.
fn fits(rule: &PolicyRule, judged: &Judged, subject: &Subject) -> Fit {
    if rule.per == Per::Group || rule.groups.name.is_none() && rule.groups.tags.is_empty() {
        return group_fits(rule, judged);
    }
    let open = judged.groups_unknown || !judged.unseen.is_empty() || judged.is_orphan();
    let least = if open { Fit::Unknown } else { Fit::No };
    let carried = judged.carries.iter().filter_map(|at| subject.groups.get(*at));
    carried
        .map(|group| group_fits(rule, group))
        .fold(least, |fit, next| match (fit, next) {
            (Fit::Yes, _) | (_, Fit::Yes) => Fit::Yes,
            (Fit::Unknown, _) | (_, Fit::Unknown) => Fit::Unknown,
            _ => Fit::No,
        })
}

fn group_fits(rule: &PolicyRule, judged: &Judged) -> Fit {
    let mut fit = Fit::Yes;
    if rule.groups.name.is_some() && judged.name_unknown {
        fit = Fit::Unknown;
    } else if !rule.groups.name_fits(judged.name.as_deref()) {
        return Fit::No;
    }
    for (key, value) in &rule.groups.tags {
        match judged.tags.get(key) {
            Some(found) if found == value => {}
            None if judged.tags_unknown => fit = Fit::Unknown,
            _ => return Fit::No,
        }
    }
    fit
}

/// Each member as if it were one group: all its groups joined. Rules whose group is not known may be anybody's.
fn joined_members(subject: &Subject) -> Vec<Judged> {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, group) in subject.groups.iter().enumerate() {
        for name in [&group.group.id, &group.group.address].into_iter().flatten() {
            places.entry(name).or_default().push(at);
        }
    }
    let member = |member: &JudgedMember| {
        let mut joined = Judged {
            group: GroupRef::address(&member.label),
            groups_unknown: member.groups_unknown,
            ..Judged::default()
        };
        for name in &member.groups {
            match places.get(name.as_str()) {
                Some(found) => joined.carries.extend(found),
                None => joined.unseen.push(name.clone()),
            }
        }
        joined.carries.sort_unstable();
        joined.carries.dedup();
        for group in joined.carries.iter().filter_map(|at| subject.groups.get(*at)) {
            joined.rules.extend(at_home(group));
        }
        if member.groups_unknown {
            joined.maybe.extend(subject.groups.iter().flat_map(at_home));
        }
        joined
            .maybe
            .extend(joined.unseen.iter().flat_map(|group| anything(group)));
        joined
    };
    let mut members: Vec<Judged> = subject.members.iter().map(member).collect();
    members.extend(
        subject
            .groups
            .iter()
            .filter(|group| group.is_orphan())
            .map(|group| Judged {
                maybe: group.rules.clone(),
                ..Judged::default()
            }),
    );
    members
}

/// The rules of a group that knows its members among others: "itself" is the group, not the member.
fn at_home(group: &Judged) -> impl Iterator<Item = JudgedRule> {
    let home = Arc::new(group.group.clone());
    let id = group.group.id.as_ref().or(group.group.address.as_ref());
    group.rules.iter().map(move |judged| {
        let mut judged = judged.clone();
        if let (Peer::SelfGroup, Some(id)) = (&judged.rule.peer, id) {
            judged.rule.peer = Peer::group(id);
        }
        judged.home = Some(Arc::clone(&home));
        judged
    })
}

/// What a group may open whose rules are not in sight.
fn anything(group: &str) -> [JudgedRule; 2] {
    [Direction::Ingress, Direction::Egress].map(|direction| JudgedRule {
        rule: Rule {
            direction,
            protocol: Known::NotYet,
            ports: Known::NotYet,
            peer: Peer::Unknown(UnknownPeer::Any),
            description: None,
            id: None,
        },
        owner: group.to_owned(),
        by_hand: false,
        home: None,
    })
}

/// What one part of a forbidden exposure asks of one group.
struct Question<'a> {
    rule: &'a PolicyRule,
    exposure: &'a Exposure,
    extent: Extent,
    direction: Direction,
    subject: &'a Subject,
    /// Rules whose group is not known, and that may complete a hole in any group.
    loose: Vec<&'a JudgedRule>,
}

/// One question for each direction that the rule forbids something in.
fn questions<'a>(rule: &'a PolicyRule, subject: &'a Subject) -> Vec<Question<'a>> {
    let Check::Forbidden { exposure, extent, .. } = &rule.check else {
        return Vec::new();
    };
    let of = |direction: &Direction| {
        let mut question = Question {
            rule,
            exposure,
            extent: *extent,
            direction: *direction,
            subject,
            loose: Vec::new(),
        };
        question.loose = question.loose_rules();
        question
    };
    exposure.directions.iter().map(of).collect()
}

/// How to read what is not known.
#[derive(Clone, Copy)]
enum Reading {
    /// As closed.
    Certain,
    /// As open.
    Possible,
}

/// What a list of rules opens of the forbidden.
struct Hole<'a> {
    /// Exactly that.
    open: OpenSet,
    /// For people: with the peers as the rules have them, not cut to the forbidden.
    shown: OpenSet,
    causes: Vec<&'a JudgedRule>,
}

impl<'a> Question<'a> {
    fn ask(&self, group: &Judged, fit: Fit, waivers: &mut Waivers<'_>) -> Option<Finding> {
        let lists = &self.subject.lists;
        let id = group.group.id.as_deref();
        let forbidden = seen_by(self.exposure.certain(lists), id);
        let settled = self.exposure.is_settled(lists);
        // How large a share is of peers that are not known, no one can tell.
        let countable = settled || self.extent == Extent::Any;
        let mut took = BTreeSet::new();
        let mut waive =
            |rule: &JudgedRule, open| waivers.apply(&self.rule.id, group, rule, open, lists, &mut took);
        let (mut whole, mut left) = (None, None);
        if countable {
            whole = self.hole(
                &group.rules,
                &forbidden,
                self.extent,
                Reading::Certain,
                |_, open| open,
            );
            left = whole.as_ref().and_then(|_| {
                self.hole(
                    &group.rules,
                    &forbidden,
                    self.extent,
                    Reading::Certain,
                    &mut waive,
                )
            });
        }
        if let Some(hole) = left {
            let standing = self.standing(group, &hole, &forbidden);
            let mut finding = self.finding(group, &hole, Verdict::Violation, standing);
            if !took.is_empty() {
                finding = finding.note("a part is waived; this is what the waiver does not cover");
            }
            if fit == Fit::Unknown {
                finding.verdict = Verdict::Undetermined;
                finding = finding
                    .note("not known before apply: the name or tags by which the policy picks its groups");
            }
            waivers.used.extend(took);
            return Some(finding);
        }
        let possibly = if settled {
            forbidden.clone()
        } else {
            seen_by(self.exposure.possible(lists), id)
        };
        let extent = if countable { self.extent } else { Extent::Any };
        let others = || group.maybe.iter().chain(self.loose.iter().copied());
        let possible = group.rules.iter().chain(others());
        if let Some(hole) = self.hole(possible, &possibly, extent, Reading::Possible, &mut waive) {
            let mut finding = self.finding(group, &hole, Verdict::Undetermined, Standing::New);
            finding.exposure = format!("may open {}", finding.exposure);
            for note in hole.causes.iter().filter_map(|judged| unknown_part(judged)) {
                finding = finding.note(note);
            }
            if !settled {
                finding = finding.note("not known: the entries of a prefix list that the policy names");
            }
            let foreign = |cause: &&&JudgedRule| {
                !is_unseen(cause) && others().any(|other| std::ptr::eq(other, **cause))
            };
            if hole.causes.iter().any(|cause| foreign(&cause)) {
                finding = finding.note("not known before apply: which rules belong to it");
            }
            waivers.used.extend(took);
            return Some(finding);
        }
        waivers.used.extend(&took);
        if let Some(hole) = whole {
            // All that is too much is waived.
            let standing = self.standing(group, &hole, &forbidden);
            let finding = self.finding(group, &hole, Verdict::Violation, standing);
            return Some(waivers.let_stand(finding, &took));
        }
        self.removed(group, &forbidden)
    }

    /// Rules whose group is not known are judged by themselves. Where only a share is too much, they may also complete
    /// one of which a group opens a part.
    fn loose_rules(&self) -> Vec<&'a JudgedRule> {
        if self.extent == Extent::Any {
            return Vec::new();
        }
        let forbidden = self.exposure.possible(&self.subject.lists);
        let told = |group: &&Judged| {
            self.hole(
                &group.rules,
                &forbidden,
                self.extent,
                Reading::Possible,
                |_, open| open,
            )
            .is_some()
        };
        let orphans = self.subject.groups.iter().filter(|group| group.is_orphan());
        orphans
            .filter(|group| !told(group))
            .flat_map(|group| &group.rules)
            .collect()
    }

    /// What the rules open of the forbidden, when it is too much; `less` takes away what may stand.
    fn hole<'r>(
        &self,
        rules: impl IntoIterator<Item = &'r JudgedRule>,
        forbidden: &PeerSet,
        extent: Extent,
        reading: Reading,
        mut less: impl FnMut(&JudgedRule, OpenSet) -> OpenSet,
    ) -> Option<Hole<'r>> {
        let spoken_of = OpenSet::of(&self.exposure.traffic, forbidden);
        let (mut parts, mut all) = (Vec::new(), Vec::new());
        for judged in rules {
            let open = match reading {
                Reading::Certain => OpenSet::certain([&judged.rule], self.direction, &self.subject.lists),
                Reading::Possible => OpenSet::possible([&judged.rule], self.direction, &self.subject.lists),
            };
            let forbidden = open.intersection(&spoken_of);
            all.extend_from_slice(forbidden.pieces());
            let part = less(judged, forbidden);
            if !part.is_empty() {
                parts.push((judged, part, open));
            }
        }
        let left: OpenSet = parts
            .iter()
            .flat_map(|(_, part, _)| part.pieces().iter().cloned())
            .collect();
        let open = match extent {
            Extent::Any => left,
            share @ Extent::Share(_) => share.of(&all.into_iter().collect(), left, forbidden),
        };
        if open.is_empty() {
            return None;
        }
        let everybody = OpenSet::of(&traffic_of(&open), &PeerSet::any());
        let shown = parts
            .iter()
            .flat_map(|(_, _, open)| open.pieces().iter().cloned())
            .collect::<OpenSet>();
        let causes = parts
            .iter()
            .filter(|(_, part, _)| !part.intersection(&open).is_empty())
            .map(|(judged, ..)| *judged)
            .collect();
        Some(Hole {
            shown: shown.intersection(&everybody),
            open,
            causes,
        })
    }

    /// New, unless all of it was open before.
    fn standing(&self, group: &Judged, hole: &Hole<'_>, forbidden: &PeerSet) -> Standing {
        let Some(before) = self.before(group) else {
            return if self.subject.before.is_some() {
                Standing::New
            } else {
                Standing::Existing
            };
        };
        let before = OpenSet::certain(before, self.direction, &self.subject.lists_before)
            .intersection(&OpenSet::of(&self.exposure.traffic, forbidden));
        if hole.open.is_subset(&before) {
            Standing::Existing
        } else {
            Standing::New
        }
    }

    fn before(&self, group: &Judged) -> Option<&Vec<Rule>> {
        let before = self.subject.before.as_ref()?;
        [&group.group.id, &group.group.address]
            .into_iter()
            .flatten()
            .find_map(|name| before.get(name))
    }

    /// A hole that stood before and that the change closes: worth a line, and no violation.
    fn removed(&self, group: &Judged, forbidden: &PeerSet) -> Option<Finding> {
        let rules: Vec<JudgedRule> = self
            .before(group)?
            .iter()
            .map(|rule| JudgedRule {
                rule: rule.clone(),
                owner: String::new(),
                by_hand: false,
                home: None,
            })
            .collect();
        let hole = self.hole(&rules, forbidden, self.extent, Reading::Certain, |_, open| open)?;
        let mut finding = self.finding(group, &hole, Verdict::Pass, Standing::Removed);
        finding.resources.clear();
        Some(finding.note("the change closes this"))
    }

    fn finding(&self, group: &Judged, hole: &Hole<'_>, verdict: Verdict, standing: Standing) -> Finding {
        let lines: Vec<String> = hole
            .shown
            .lines()
            .iter()
            .map(|(traffic, peers)| {
                format!(
                    "{} {} {}",
                    traffic.describe(),
                    self.direction.preposition(),
                    peers.describe()
                )
            })
            .collect();
        let owners: BTreeSet<&String> = hole.causes.iter().map(|judged| &judged.owner).collect();
        let mut finding = Finding::new(&self.rule.id, self.rule.severity, verdict)
            .title(&self.rule.title)
            .group(group.group.clone())
            .resources(owners)
            .exposure(lines.join("; "))
            .standing(standing);
        finding.witness = hole.open.witness(self.direction);
        finding.frameworks.clone_from(&self.rule.frameworks);
        if hole.causes.iter().any(|judged| judged.by_hand) {
            finding = finding
                .note("made by hand: no resource in the code owns it, terraform's refreshed state shows it");
        }
        finding
    }
}

fn traffic_of(open: &OpenSet) -> TrafficSet {
    open.pieces()
        .iter()
        .fold(TrafficSet::empty(), |sum, piece| sum.union(&piece.traffic()))
}

/// Whether it stands for all that a group may open whose rules are not in sight.
fn is_unseen(judged: &JudgedRule) -> bool {
    judged.rule.protocol == Known::NotYet && judged.owner.starts_with("sg-")
}

/// Which value of a rule is not known, and who will decide it.
fn unknown_part(judged: &JudgedRule) -> Option<String> {
    let rule = &judged.rule;
    if is_unseen(judged) {
        return Some(format!("not in sight: the rules of {}", judged.owner));
    }
    let vpc = judged.owner.contains("aws_vpc_security_group_");
    let what = match (&rule.protocol, &rule.ports, &rule.peer) {
        (Known::NotYet, _, _) => if vpc { "ip_protocol" } else { "protocol" }.to_owned(),
        (_, Known::NotYet, _) => "from_port, to_port".to_owned(),
        (_, _, Peer::Unknown(kind)) => match (kind, vpc) {
            (UnknownPeer::Ipv4, true) => "cidr_ipv4",
            (UnknownPeer::Ipv4, false) => "cidr_blocks",
            (UnknownPeer::Ipv6, true) => "cidr_ipv6",
            (UnknownPeer::Ipv6, false) => "ipv6_cidr_blocks",
            (UnknownPeer::PrefixList, true) => "prefix_list_id",
            (UnknownPeer::PrefixList, false) => "prefix_list_ids",
            (UnknownPeer::Group, _) => "the referenced security group",
            (UnknownPeer::Any, _) => "the source",
        }
        .to_owned(),
        (_, _, Peer::PrefixList(id)) => format!("the entries of prefix list {id}"),
        _ => return None,
    };
    Some(format!("not known before apply: {what} of {}", judged.owner))
}

/// Rules without a word of what they are for.
fn undescribed(
    rule: &PolicyRule,
    group: &Judged,
    fit: Fit,
    subject: &Subject,
    waivers: &mut Waivers<'_>,
) -> Option<Finding> {
    let silent: Vec<&JudgedRule> = group
        .rules
        .iter()
        .filter(|judged| judged.rule.description.is_none())
        .collect();
    if silent.is_empty() {
        return None;
    }
    let waived: Vec<Option<usize>> = silent
        .iter()
        .map(|judged| waivers.lets_go(&rule.id, group, judged))
        .collect();
    waivers.used.extend(waived.iter().flatten());
    let all_waived = waived.iter().all(Option::is_some);
    let told: Vec<&JudgedRule> = silent
        .iter()
        .zip(&waived)
        .filter(|(_, waiver)| all_waived || waiver.is_none())
        .map(|(judged, _)| *judged)
        .collect();
    let before = subject.before.as_ref().and_then(|before| {
        [&group.group.id, &group.group.address]
            .into_iter()
            .flatten()
            .find_map(|name| before.get(name))
    });
    let stood = |judged: &&JudgedRule| {
        before.is_some_and(|rules| {
            rules
                .iter()
                .any(|rule| rule.key() == judged.rule.key() && rule.description.is_none())
        })
    };
    let existing = subject.before.is_none() || told.iter().all(stood);
    let owners: BTreeSet<&String> = told.iter().map(|judged| &judged.owner).collect();
    let verdict = if fit == Fit::Unknown {
        Verdict::Undetermined
    } else {
        Verdict::Violation
    };
    let count = told.len();
    let mut finding = Finding::new(&rule.id, rule.severity, verdict)
        .title(&rule.title)
        .group(group.group.clone())
        .resources(owners)
        .exposure(format!(
            "{count} {} without description",
            if count == 1 { "rule" } else { "rules" }
        ))
        .standing(if existing {
            Standing::Existing
        } else {
            Standing::New
        })
        .remedy("say in the rule's description what it is for");
    finding.frameworks.clone_from(&rule.frameworks);
    if all_waived {
        finding = waivers.let_stand(finding, &waived.iter().copied().flatten().collect());
    }
    Some(finding)
}

fn not_understood(address: &str, what: &str) -> Finding {
    Finding::new("not-understood", Severity::High, Verdict::Undetermined)
        .title("A part of the plan is not understood, so it is not counted as harmless")
        .group(GroupRef::address(address))
        .resources([address])
        .exposure(what)
        .standing(Standing::New)
}

/// What to change, in the policy's own words.
fn advise(finding: Finding, exposure: &Exposure, allowed: Option<&TrafficSet>) -> Finding {
    if finding.standing == Standing::Removed {
        return finding;
    }
    let remedy = match allowed {
        Some(allowed) => format!(
            "leave only {} open to {}",
            allowed.describe(),
            exposure.peers.in_words()
        ),
        None => format!("close it to {}", exposure.peers_in_words()),
    };
    finding.remedy(remedy)
}
