//! What the policy says of the change.

use crate::Pipeline;
use crate::pipeline::{at_most, short, symbol, upper_first};
use portcullis_report::text::{clean, cut};
use portcullis_report::{Finding, Report, Verdict};
use portcullis_slack::{Block, Message, RichText, Text};

/// The policy lets the change not through: the worst findings.
#[must_use]
pub fn violation(pipeline: &Pipeline, report: &Report) -> Message {
    let text = match worst(report).first() {
        Some(finding) => format!("policy {}. Worst: {}", report.headline(), sentence(finding)),
        None => format!("policy {}", report.headline()),
    };
    let blocks = vec![
        Block::header(title(report.verdict)),
        Block::rich_text(verdict(report, 8)),
        Block::actions(pipeline.button()),
    ];
    pipeline.message("violation", &text, blocks)
}

const fn title(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "The policy is kept",
        Verdict::Undetermined => "The policy cannot be judged",
        Verdict::Violation => "Policy violation",
    }
}

/// The verdict and the worst findings.
pub(crate) fn verdict(report: &Report, most: usize) -> RichText {
    let findings = worst(report);
    let points = at_most(
        most,
        findings.iter().map(|finding| point(finding)),
        "compliance.txt, an artifact of the pipeline",
    );
    let mut words = RichText::new()
        .line(
            Text::new()
                .plain(symbol(report.verdict))
                .plain(" ")
                .bold("Policy: ")
                .plain(report.headline()),
        )
        .bullets(points);
    for note in report.notes.iter().take(3) {
        words = words.line(Text::new().plain("Note: ").plain(cut(&clean(note), 200)));
    }
    words
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
