//! What the policy says of the change.

use crate::Pipeline;
use crate::failure::{self, FailedJob};
use crate::notice::{Notice, Section};
use crate::pipeline::{at_most, short, symbol, upper_first};
use portcullis_report::text::{clean, cut};
use portcullis_report::{Finding, Report, Verdict};
use portcullis_slack::{RichText, Text};

/// The policy lets the change not through: the worst findings, and the jobs that it stopped.
#[must_use]
pub fn violation(pipeline: &Pipeline, report: &Report, jobs: &[FailedJob]) -> Notice {
    let text = match worst(report).first() {
        Some(finding) => format!("policy {}. Worst: {}", report.headline(), sentence(finding)),
        None => format!("policy {}", report.headline()),
    };
    pipeline
        .notice("violation", Some(report.verdict), title(report.verdict), &text)
        .section(verdict(report, 8))
        .part(failure::list(jobs))
        .pipeline_link()
}

const fn title(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "The policy is kept",
        Verdict::Undetermined => "The policy cannot be judged",
        Verdict::Violation => "Policy violation",
    }
}

/// The verdict and the worst findings.
pub(crate) fn verdict(report: &Report, most: usize) -> Section {
    let findings = worst(report);
    let (points, document) = at_most(
        most,
        findings.iter().map(|finding| point(finding)),
        "compliance.txt",
    );
    let mut words = RichText::new()
        .line(
            Text::new()
                .plain(symbol(report.verdict))
                .plain(" ")
                .bold("Policy ")
                .plain(report.headline()),
        )
        .bullets(points);
    // Where all is well, nobody on a phone needs them; the headline says that there are some.
    let most = if report.verdict == Verdict::Pass { 0 } else { 3 };
    for note in report.notes.iter().take(most) {
        words = words.line(Text::new().plain("Note: ").plain(cut(&clean(note), 200)));
    }
    Section {
        text: words,
        document,
    }
}

/// Not waived, and no mere note, worst first. A report that we wrote is sorted already; one from elsewhere may not be.
fn worst(report: &Report) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.waived.is_none() && finding.verdict != Verdict::Pass)
        .collect();
    findings.sort_by_key(|finding| std::cmp::Reverse((finding.verdict, finding.severity)));
    findings
}

fn point(finding: &Finding) -> Text {
    let mut text = Text::new()
        .bold(upper_first(finding.severity.as_str()))
        .plain(": ");
    if finding.verdict == Verdict::Undetermined {
        text = text.plain("cannot tell, ");
    }
    text = text
        .plain(exposure(finding))
        .plain(" on ")
        .code(short(&finding.group.to_string()));
    text = text.plain(format!(" ({})", finding.standing));
    if let Some(witness) = &finding.witness {
        text = text.plain(", for one ").plain(short(witness));
    }
    text.plain(". Rule ").code(short(&finding.rule))
}

/// One finding in a text without style.
fn sentence(finding: &Finding) -> String {
    format!(
        "{} ({}) on {}",
        exposure(finding),
        finding.severity,
        short(&finding.group.to_string())
    )
}

fn exposure(finding: &Finding) -> String {
    let words = if !finding.exposure.is_empty() {
        &finding.exposure
    } else if !finding.title.is_empty() {
        &finding.title
    } else {
        &finding.rule
    };
    cut(&clean(words), 160)
}
