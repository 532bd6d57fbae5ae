//! The comparison as findings, for the formats that know only those.

use crate::{ConsistencyReport, RuleRow, RuleVerdict};
use portcullis_report::{Finding, Report, Rule, Severity};

/// Every verdict but `agree`, each a rule that the estate is held to.
const RULES: [(RuleVerdict, &str, Severity); 7] = [
    // What is open without the code asking for it comes first: nobody reviewed it.
    (RuleVerdict::Unmanaged, "No rule is made by hand", Severity::High),
    (
        RuleVerdict::NotDeclared,
        "No rule is left that the code no longer asks for",
        Severity::High,
    ),
    (
        RuleVerdict::StateBehind,
        "The state knows every rule that is declared and live",
        Severity::Medium,
    ),
    (
        RuleVerdict::Gone,
        "No rule was taken away by hand",
        Severity::Medium,
    ),
    (
        RuleVerdict::NotApplied,
        "Every declared rule is applied",
        Severity::Medium,
    ),
    // Nothing is open or closed by it.
    (
        RuleVerdict::StateStale,
        "The state remembers no rule that is gone",
        Severity::Low,
    ),
    (
        RuleVerdict::Undetermined,
        "Every rule could be compared",
        Severity::Medium,
    ),
];

impl ConsistencyReport {
    /// What does not agree as findings, with a rule per kind of disagreement, and what the policy says. Rules that agree are
    /// counted in a note: there is nothing to do about them.
    #[must_use]
    pub fn to_report(&self) -> Report {
        let mut findings: Vec<Finding> = self.rules.iter().filter_map(of_rule).collect();
        findings.extend(self.groups.iter().filter_map(|row| {
            let found = finding(row.verdict, [row.declared, row.recorded, row.live])?;
            Some(found.group(row.group.clone()).exposure("the group itself"))
        }));
        findings.extend(self.members.iter().filter_map(|row| {
            let found = finding(row.verdict, [row.declared, row.recorded, row.live])?;
            let found = found.group(row.group.clone()).resources([&row.member]);
            Some(found.exposure(row.sentence()))
        }));
        findings.extend(self.prefix_lists.iter().filter_map(|row| {
            let found = finding(row.verdict, [row.declared, row.recorded, row.live])?;
            Some(found.resources(&row.address).exposure(row.sentence()))
        }));
        findings.extend(self.policy.iter().map(|found| {
            let seen = format!("found in what is {}", found.views.join(" and in what is "));
            found.finding.clone().note(seen)
        }));
        let mut report = Report::new("consistency", findings)
            .rules(RULES.map(|(verdict, title, severity)| Rule {
                id: id(verdict),
                title: title.to_owned(),
                severity,
                frameworks: Vec::new(),
            }))
            .at_least(self.verdict);
        let agree = self.rules.iter().filter(|row| row.verdict == RuleVerdict::Agree);
        report
            .notes
            .push(format!("{} of {} rules agree", agree.count(), self.rules.len()));
        report.notes.extend(
            self.state
                .iter()
                .map(|state| format!("state: {}", state.sentence())),
        );
        report.notes.extend(
            self.since
                .iter()
                .map(|since| format!("since the last time: {}", since.sentence())),
        );
        report.notes.extend(self.notes.iter().cloned());
        report
    }
}

fn of_rule(row: &RuleRow) -> Option<Finding> {
    let mut finding = finding(row.verdict, [row.declared, row.recorded, row.live])?
        .group(row.group.clone())
        .resources(row.group.address.iter())
        .exposure(row.sentence());
    finding.notes.extend(row.pair_title());
    finding.notes.extend(row.told());
    finding.notes.extend(row.notes.iter().cloned());
    if let Some(repair) = &row.repair {
        let command = repair.command.as_ref().map(|command| format!(": {command}"));
        finding = finding.remedy(format!("{}{}", repair.advice, command.unwrap_or_default()));
    }
    Some(finding)
}

/// A finding about what does not agree; `None` for what does.
fn finding(verdict: RuleVerdict, views: [Option<bool>; 3]) -> Option<Finding> {
    let (_, title, severity) = RULES.into_iter().find(|(rule, ..)| *rule == verdict)?;
    let words = ["declared", "recorded", "live"].into_iter().zip(views);
    let views: Vec<String> = words
        .map(|(view, there)| match there {
            Some(true) => view.to_owned(),
            Some(false) => format!("not {view}"),
            None => format!("{view}: not known"),
        })
        .collect();
    Some(
        Finding::new(id(verdict), severity, verdict.verdict())
            .title(title)
            .note(views.join(", ")),
    )
}

/// In kebab-case, as the ids of a policy's rules are.
fn id(verdict: RuleVerdict) -> String {
    verdict.as_str().replace('_', "-")
}
