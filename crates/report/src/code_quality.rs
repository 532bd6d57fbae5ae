//! GitLab's Code Quality report.

use crate::text::clean;
use crate::tool::fingerprints;
use crate::{Report, Severity, Tool};
use serde::Serialize;

/// One entry, with the fields that GitLab reads (GitLab documentation, "Code Quality", report format).
#[derive(Serialize)]
struct Entry<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: String,
    severity: &'static str,
    location: Place,
}

#[derive(Serialize)]
struct Place {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

impl Report {
    /// For `artifacts:reports:codequality`: an entry per finding that stands open, so violations and what is undetermined.
    /// What a waiver lets stand, and what merely informs, is no defect there. Ends with a line feed.
    ///
    /// # Errors
    /// None in practice: the document holds only strings and numbers. `serde_json`'s error is passed on.
    pub fn to_code_quality(&self, tool: &Tool) -> Result<String, serde_json::Error> {
        let entries: Vec<Entry<'_>> = self
            .findings
            .iter()
            .zip(fingerprints(&self.findings))
            .filter(|(finding, _)| finding.is_open())
            .map(|(finding, fingerprint)| {
                let place = tool.place_of(finding);
                Entry {
                    description: clean(&finding.sentence()),
                    check_name: &finding.rule,
                    fingerprint,
                    severity: word(finding.severity),
                    location: Place {
                        path: place.path,
                        lines: Lines { begin: place.line },
                    },
                }
            })
            .collect();
        crate::report::pretty(&entries)
    }
}

/// GitLab knows five steps, too.
const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "minor",
        Severity::Medium => "major",
        Severity::High => "critical",
        Severity::Critical => "blocker",
    }
}
