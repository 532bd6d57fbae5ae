//! The answers as findings, for the formats that know only those.

use crate::{ServiceCheck, ServicesReport};
use portcullis_report::{Finding, GroupRef, Report, Severity};

impl ServicesReport {
    /// Every check as a finding; those that answer as expected pass.
    #[must_use]
    pub fn to_report(&self) -> Report {
        let mut report =
            Report::new("services", self.checks.iter().map(finding).collect()).at_least(self.verdict);
        report.notes.clone_from(&self.notes);
        report
    }
}

fn finding(check: &ServiceCheck) -> Finding {
    Finding::new("service-answers", Severity::High, check.verdict)
        .title("Each service answers as expected")
        .group(GroupRef::id(&check.group))
        .exposure(format!("{} of {}", check.url, check.member))
        .note(check.outcome.clone())
}
