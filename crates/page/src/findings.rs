//! The findings, worst first, as their reports have them.

use crate::context::Context;
use crate::html::Html;
use crate::status::{icon, verdict};
use portcullis_report::{Finding, Report, Verdict};

/// At most this many findings stand there unfolded.
const UNFOLDED: usize = 40;
/// At most this many causes are told; the JSON document has all of them.
const CAUSES: usize = 12;

/// The section, with its heading. Without a report nothing was judged yet, and that is said.
pub(crate) fn section(reports: &[&Report], context: &Context) -> Html {
    let mut html = Html::default();
    let total: usize = reports.iter().map(|report| report.findings.len()).sum();
    html.raw("<section aria-labelledby=\"findings-h\"><h2 id=\"findings-h\">Findings <span class=\"count\">");
    html.count(total).raw("</span></h2>");
    if reports.is_empty() {
        html.raw("<p class=\"note\">No policy was held against this yet.</p>");
    }
    for report in reports {
        html.raw("<h3 class=\"gate\">").text(&report.gate).raw(" ");
        verdict(&mut html, report.verdict);
        // The verdict stands beside it already.
        let headline = report.headline();
        let counts = headline
            .split_once(": ")
            .map_or(headline.as_str(), |(_, counts)| counts);
        html.raw(" <span class=\"note\">")
            .text(counts)
            .raw("</span></h3>");
        notes(&mut html, &report.notes);
        let (first, rest) = report.findings.split_at(report.findings.len().min(UNFOLDED));
        list(&mut html, first, context);
        if !rest.is_empty() {
            html.raw("<details><summary>")
                .count(rest.len())
                .raw(" further findings</summary>");
            list(&mut html, rest, context);
            html.raw("</details>");
        }
    }
    html.raw("</section>");
    html
}

/// Remarks about a whole document.
pub(crate) fn notes(html: &mut Html, notes: &[String]) {
    for note in notes {
        html.raw("<p class=\"note\">Note: ").text(note).raw("</p>");
    }
}

fn list(html: &mut Html, findings: &[Finding], context: &Context) {
    if findings.is_empty() {
        return;
    }
    html.raw("<ul class=\"findings\">");
    for finding in findings {
        card(html, finding, context);
    }
    html.raw("</ul>");
}

fn card(html: &mut Html, finding: &Finding, context: &Context) {
    let (class, word) = match (&finding.waived, finding.verdict) {
        (Some(_), _) => ("s", "waived"),
        (None, Verdict::Pass) => ("pass", "note"),
        (None, other) => (other.as_str(), other.as_str()),
    };
    html.raw("<li class=\"finding ")
        .raw(class)
        .raw("\"><p class=\"marks\"><span class=\"verdict ");
    html.raw(class).raw("\">");
    icon(html, class);
    html.raw(word)
        .raw("</span> <span class=\"severity ")
        .raw(finding.severity.as_str())
        .raw("\">");
    html.raw(finding.severity.as_str())
        .raw("</span> <span class=\"standing\">");
    html.raw(finding.standing.as_str()).raw("</span></p><h4>");
    let title = [&finding.exposure, &finding.title, &finding.rule]
        .into_iter()
        .find(|text| !text.is_empty());
    html.text(title.map_or("", String::as_str)).raw("</h4><dl>");
    let mut fact = |term: &str, text: &str| {
        html.raw("<div>")
            .element("dt", term)
            .element("dd", text)
            .raw("</div>");
    };
    if finding.title.is_empty() {
        fact("Rule", &finding.rule);
    } else {
        fact("Rule", &format!("{}: {}", finding.rule, finding.title));
    }
    fact("Group", &finding.group.to_string());
    if let Some(witness) = &finding.witness {
        fact("For one", witness);
    }
    if !finding.resources.is_empty() {
        let shown = &finding.resources[..finding.resources.len().min(CAUSES)];
        let more = finding.resources.len() - shown.len();
        let mut text = shown.join(", ");
        if more > 0 {
            text.push_str(&format!(" and {more} more"));
        }
        fact("Because of", &text);
    }
    if let Some(remedy) = &finding.remedy {
        fact("What to change", remedy);
    }
    if let Some(waived) = &finding.waived {
        fact(
            "Waived",
            &format!("{} ({}, until {})", waived.reason, waived.owner, waived.expires),
        );
    }
    if !finding.frameworks.is_empty() {
        fact("Also known as", &finding.frameworks.join(", "));
    }
    for note in &finding.notes {
        fact("Note", note);
    }
    if let Some(location) = &finding.location {
        html.raw("<div><dt>Code</dt><dd><code>");
        html.link(context.code(location).as_ref(), location.to_string());
        html.raw("</code></dd></div>");
    }
    html.raw("</dl></li>");
}
