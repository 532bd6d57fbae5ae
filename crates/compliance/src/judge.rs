//! The judgement: each rule of the policy against each group, or each member.

use crate::document::{PartialPlans, Per};
use crate::fit::{Fit, fits};
use crate::members;
use crate::parallel;
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
    let court = Court {
        policy,
        subject,
        today,
        uncertain_groups: uncertain(&subject.groups),
        uncertain_members: uncertain(&members),
        members,
        anybody,
    };
    let size = subject.groups.len() + court.members.len();
    let mut waivers = Waivers::new(policy, today);
    let mut findings = Vec::new();
    let mut idle: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (rule, answer) in policy
        .rules
        .iter()
        .zip(parallel::each(&policy.rules, size, |rule| court.hear(rule)))
    {
        findings.extend(answer.findings);
        waivers.used.extend(answer.used);
        if let Some(reason) = answer.idle {
            idle.entry(reason).or_default().push(&rule.id);
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

/// What all rules of a policy are asked about.
struct Court<'a> {
    policy: &'a Policy,
    subject: &'a Subject,
    today: Date,
    members: Vec<Judged>,
    /// The rules of all groups, for members whose groups are not known.
    anybody: Vec<JudgedRule>,
    uncertain_groups: Vec<bool>,
    uncertain_members: Vec<bool>,
}

/// What one rule of the policy gives to say.
struct Answer {
    findings: Vec<Finding>,
    /// The waivers that let something stand.
    used: BTreeSet<usize>,
    /// Why there was nothing to judge.
    idle: Option<String>,
}

impl Court<'_> {
    /// One rule of the policy, by itself: no rule's answer depends on another's.
    fn hear(&self, rule: &PolicyRule) -> Answer {
        let subject = self.subject;
        let mut waivers = Waivers::new(self.policy, self.today);
        let mut findings = Vec::new();
        let mut idle = None;
        let (judged, uncertain) = match rule.per {
            Per::Member => (&self.members, &self.uncertain_members),
            Per::Group => (&subject.groups, &self.uncertain_groups),
        };
        let mut questions = questions(rule, subject, &self.anybody, &waivers);
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
                Check::Description => findings.extend(
                    undescribed(rule, group, fit, subject, &mut waivers)
                        .or_else(|| perhaps_undescribed(rule, group, fit, subject, &mut waivers)),
                ),
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
                idle = Some(reason);
            }
            _ => {}
        }
        Answer {
            findings,
            used: waivers.used,
            idle,
        }
    }
}

/// Rules without a word of what they are for, for certain or perhaps.
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
        .filter(|judged| judged.rule.description.is_none() || judged.description_unknown)
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
    let (perhaps, certainly): (Vec<&JudgedRule>, Vec<&JudgedRule>) = silent
        .iter()
        .zip(&waived)
        .filter(|(_, waiver)| all_waived || waiver.is_none())
        .map(|(judged, _)| *judged)
        .partition(|judged| judged.description_unknown);
    let open = certainly.is_empty();
    let told = if open { perhaps } else { certainly };
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
    let verdict = if open || fit == Fit::Unknown {
        Verdict::Undetermined
    } else {
        Verdict::Violation
    };
    let count = told.len();
    let what = if count == 1 { "rule" } else { "rules" };
    let mut finding = Finding::new(&rule.id, rule.severity, verdict)
        .title(&rule.title)
        .group(group.group.clone())
        .resources(owners)
        .exposure(if open {
            "perhaps rules without description".to_owned()
        } else {
            format!("{count} {what} without description")
        })
        .standing(if existing {
            Standing::Existing
        } else {
            Standing::New
        })
        .remedy("say in the rule's description what it is for");
    finding.frameworks.clone_from(&rule.frameworks);
    if open {
        finding = finding.note("not known before apply: the description");
    }
    if all_waived {
        finding = waivers.let_stand(finding, &waived.iter().copied().flatten().collect());
    }
    Some(finding)
}

/// The same of what only a state's echo shows, which may be gone.
fn perhaps_undescribed(
    rule: &PolicyRule,
    group: &Judged,
    fit: Fit,
    subject: &Subject,
    waivers: &mut Waivers<'_>,
) -> Option<Finding> {
    let echoes = group.maybe.iter().filter(|judged| judged.maker == Maker::Echo);
    let echoes: Vec<JudgedRule> = echoes.cloned().collect();
    if echoes.is_empty() {
        return None;
    }
    let shown = Judged {
        rules: echoes,
        ..group.clone()
    };
    let mut finding = undescribed(rule, &shown, fit, subject, waivers)?;
    finding.verdict = Verdict::Undetermined;
    Some(Maker::Echo.note().into_iter().fold(finding, Finding::note))
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
