//! The judgement: each rule of the policy against each group, or each member.

use crate::document::{PartialPlans, Per};
use crate::fit::{Fit, fits};
use crate::members;
use crate::policy::{Check, Exposure, Policy, Rule as PolicyRule};
use crate::question::questions;
use crate::subject::{Judged, JudgedRule, Maker, Subject};
use crate::waiver::Waivers;
use jiff::civil::Date;
use portcullis_report::{Finding, GroupRef, Report, Severity, Standing, Verdict};
use portcullis_secgroup::{Rule, RuleKey, TrafficSet};
use std::collections::{BTreeMap, BTreeSet};

/// Judges a subject by a policy. `today` decides which waivers still hold (the last day counts, UTC).
#[must_use]
pub fn judge(policy: &Policy, subject: &Subject, today: Date) -> Report {
    let mut waivers = Waivers::new(policy, today);
    let mut findings = Vec::new();
    let mut idle: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let by_member = policy.rules.iter().any(|rule| rule.per == Per::Member);
    let (members, anybody) = if by_member {
        (members::joined(subject), members::all_rules(subject))
    } else {
        (Vec::new(), Vec::new())
    };
    let uncertain = |judged: &[Judged]| -> Vec<bool> {
        judged
            .iter()
            .map(|group| group.is_uncertain(&subject.lists))
            .collect()
    };
    let (uncertain_groups, uncertain_members) = (uncertain(&subject.groups), uncertain(&members));
    for rule in &policy.rules {
        let (judged, uncertain) = match rule.per {
            Per::Member => (&members, &uncertain_members),
            Per::Group => (&subject.groups, &uncertain_groups),
        };
        let mut questions = questions(rule, subject, &anybody, &waivers);
        let mut best = Fit::No;
        for (group, uncertain) in judged.iter().zip(uncertain) {
            let fit = fits(rule, group, subject);
            if fit == Fit::No {
                continue;
            }
            if best != Fit::Yes {
                best = fit;
            }
            match &rule.check {
                Check::Forbidden {
                    exposure, allowed, ..
                } => {
                    let found = questions
                        .iter_mut()
                        .filter_map(|question| question.ask(group, fit, *uncertain, &mut waivers));
                    findings.extend(found.map(|finding| advise(finding, exposure, allowed.as_ref())));
                }
                Check::Description => findings.extend(undescribed(rule, group, fit, subject, &mut waivers)),
                Check::Exists => {}
            }
        }
        if let Check::Forbidden {
            exposure, allowed, ..
        } = &rule.check
        {
            for question in &questions {
                findings.extend(
                    question
                        .rest(&mut waivers)
                        .map(|finding| advise(finding, exposure, allowed.as_ref())),
                );
                if rule.per == Per::Group {
                    let gone = subject
                        .gone
                        .iter()
                        .filter(|group| fits(rule, group, subject) == Fit::Yes);
                    findings.extend(gone.filter_map(|group| question.gone(group)));
                }
            }
        }
        match (&rule.check, best) {
            (Check::Exists, fit) => findings.extend(missing(rule, fit, subject)),
            // Perhaps a word is misspelt; perhaps this is another part of the estate.
            (_, Fit::No) if rule.picks() => {
                let whom = match rule.per {
                    Per::Group => "no security group is",
                    Per::Member => "no network interface carries a security group",
                };
                let reason = format!("{whom} {}", rule.groups_in_words());
                idle.entry(reason).or_default().push(&rule.id);
            }
            _ => {}
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
    for (one, other) in policy.at_odds() {
        report = report.note(format!(
            "{one} and {other} together allow nothing, since each forbids what the other allows: one rule with `traffic` \
             allows both"
        ));
    }
    for (reason, rules) in idle {
        report = report.note(format!("nothing to judge for {}: {reason}", rules.join(", ")));
    }
    for (address, what) in &subject.remarks {
        report = report.note(format!("{address}: {what}"));
    }
    for reason in &subject.partial {
        report = report.note(format!("partial: {reason}"));
    }
    if !subject.partial.is_empty() && policy.partial_plans == PartialPlans::Undetermined {
        report = report.at_least(Verdict::Undetermined);
    }
    report
}

/// Rules without a word of what they are for.
fn undescribed<'a>(
    rule: &PolicyRule,
    group: &'a Judged,
    fit: Fit,
    subject: &Subject,
    waivers: &mut Waivers<'_>,
) -> Option<Finding> {
    let without = |rules: &'a [JudgedRule]| -> Vec<&'a JudgedRule> {
        let silent = rules.iter().filter(|judged| judged.rule.description.is_none());
        silent.collect()
    };
    let mut silent = without(&group.rules);
    let certain = !silent.is_empty();
    if !certain {
        let echoes = without(&group.maybe).into_iter();
        silent = echoes.filter(|judged| judged.maker == Maker::Echo).collect();
    }
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
    let before: BTreeSet<Option<RuleKey>> = subject
        .before_of(&group.group)
        .into_iter()
        .flatten()
        .filter(|rule| rule.description.is_none())
        .map(Rule::key)
        .collect();
    let stood = |judged: &&JudgedRule| before.contains(&judged.rule.key());
    let existing = subject.before.is_none() || told.iter().all(stood);
    let owners: BTreeSet<&String> = told.iter().map(|judged| &judged.owner).collect();
    let verdict = if fit == Fit::Unknown || !certain {
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
    if let Some(note) = Maker::Echo.note().filter(|_| !certain) {
        finding = finding.note(note);
    }
    if all_waived {
        finding = waivers.let_stand(finding, &waived.iter().copied().flatten().collect());
    }
    Some(finding)
}

/// A group that must be there, and is not; `fit` is the best of all groups.
fn missing(rule: &PolicyRule, fit: Fit, subject: &Subject) -> Option<Finding> {
    // What a partial view does not show may be there.
    let verdict = match fit {
        Fit::Yes => return None,
        Fit::No if subject.partial.is_empty() => Verdict::Violation,
        Fit::No | Fit::Unknown => Verdict::Undetermined,
    };
    let mut finding = Finding::new(&rule.id, rule.severity, verdict)
        .title(&rule.title)
        .exposure(format!("no security group is {}", rule.groups_in_words()))
        .standing(Standing::Existing)
        .remedy("make such a group, or mend the name and tags in the policy");
    finding.frameworks.clone_from(&rule.frameworks);
    if fit == Fit::Unknown {
        finding =
            finding.note("not known before apply: the name or tags by which the policy picks its groups");
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
