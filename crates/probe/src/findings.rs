//! The answers as findings, for the formats that know only those.

use crate::{CheckResult, ServiceCheck, ServicesReport, Wants};
use portcullis_report::{Finding, GroupRef, Report, Severity};

impl ServicesReport {
    /// Every check as a finding; those that come out as expected pass. What is skipped is a remark.
    #[must_use]
    pub fn to_report(&self) -> Report {
        let (skipped, counted): (Vec<_>, Vec<_>) = self
            .checks
            .iter()
            .partition(|check| check.result == CheckResult::Skipped);
        let findings = counted.into_iter().map(finding).collect();
        let mut report = Report::new("services", findings).at_least(self.verdict);
        report.notes.clone_from(&self.notes);
        let remarks = skipped.into_iter();
        report
            .notes
            .extend(remarks.map(|check| format!("{} of {}: {}", check.url, check.member, check.outcome)));
        report
    }
}

fn finding(check: &ServiceCheck) -> Finding {
    let (rule, title) = match check.wants {
        Wants::Answer => ("service-answers", "Each service answers as expected"),
        Wants::Silence => ("closed-port-stays-closed", "Each closed port stays closed"),
    };
    Finding::new(rule, Severity::High, check.verdict)
        .title(title)
        .group(GroupRef::id(&check.group))
        .exposure(format!("{} of {}", check.url, check.member))
        .note(check.outcome.clone())
}
