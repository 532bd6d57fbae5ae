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
    /// The rows that do not agree as findings, with a rule per kind of disagreement. Rows that agree are counted in a note:
    /// there is nothing to do about them.
    #[must_use]
    pub fn to_report(&self) -> Report {
        let findings = self.rules.iter().filter_map(finding).collect();
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
        report.notes.extend(self.notes.iter().cloned());
        report
    }
}

fn finding(row: &RuleRow) -> Option<Finding> {
    let (verdict, title, severity) = RULES.into_iter().find(|(verdict, ..)| *verdict == row.verdict)?;
    let answer = |view: &str, there: Option<bool>| match there {
        Some(true) => view.to_owned(),
        Some(false) => format!("not {view}"),
        None => format!("{view}: not known"),
    };
    let views = [
        answer("declared", row.declared),
        answer("recorded", row.recorded),
        answer("live", row.live),
    ];
    let mut finding = Finding::new(id(verdict), severity, verdict.verdict())
        .title(title)
        .group(row.group.clone())
        .resources(row.group.address.iter())
        .exposure(row.sentence())
        .note(views.join(", "));
    finding.notes.extend(row.notes.iter().cloned());
    Some(finding)
}

/// In kebab-case, as the ids of a policy's rules are.
fn id(verdict: RuleVerdict) -> String {
    verdict.as_str().replace('_', "-")
}
