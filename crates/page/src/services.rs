//! The page of what the services answered.

use crate::context::Context;
use crate::findings;
use crate::html::Html;
use crate::shell;
use crate::status::{Status, icon, verdict};
use crate::table::{Entry, Listing};
use portcullis_probe::{Changes, CheckResult, MemberKind, Phases, ServiceCheck, ServicesReport, Wants};
use portcullis_report::Verdict;
use portcullis_report::text::cut;

/// Does what should answer answer, and is what was closed silent?
#[derive(Debug, Clone, Copy)]
pub struct ServicesPage<'a> {
    /// Which run it is.
    pub context: &'a Context,
    /// The answers.
    pub services: &'a ServicesReport,
}

/// At most this many differences from an earlier run are told; the document has all.
const CHANGES: usize = 50;
/// At most this many characters of an answer; the document has the whole.
const OUTCOME: usize = 400;

impl ServicesPage<'_> {
    /// The page. The same input gives the same bytes.
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut header = Html::default();
        header.raw("<p class=\"kind\">Services</p><h1>");
        let tally = self.services.tally();
        let mut letters = tally.chars();
        let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        header
            .text(capital)
            .text(letters.as_str())
            .raw("</h1><p class=\"verdicts\">");
        verdict(&mut header, self.services.verdict);
        header.raw("<span>").raw(match self.services.verdict {
            Verdict::Pass => {
                "Every open port answers as expected, and every port that should be closed stays closed."
            }
            Verdict::Undetermined => {
                "Not everything could be tested from where the job ran, so nothing is proved yet."
            }
            Verdict::Violation => {
                "A service does not answer as expected, or a port that should be closed answers."
            }
        });
        header.raw("</span></p>").append(&self.context.facts());

        let mut main = Html::default();
        if !self.services.notes.is_empty() || self.services.changes.is_some() {
            main.raw("<section aria-labelledby=\"notes-h\"><h2 id=\"notes-h\">Remarks</h2>");
            findings::notes(&mut main, &self.services.notes);
            if let Some(changes) = &self.services.changes {
                since(&mut main, changes);
            }
            main.raw("</section>");
        }
        let slowest = self
            .services
            .checks
            .iter()
            .map(|check| total(&check.phases))
            .max();
        let mut rows: Vec<Row<'_>> = self
            .services
            .checks
            .iter()
            .map(|check| Row {
                check,
                slowest: slowest.unwrap_or(0),
            })
            .collect();
        // The worst first; otherwise as the document has them.
        rows.sort_by_key(|row| row.check.result);
        main.append(&listing().section(&rows));
        shell::page("Services", self.context.project.as_deref(), &header, &main)
    }
}

fn since(html: &mut Html, changes: &Changes) {
    html.raw("<h3>Since the run it is compared with</h3><p class=\"note\">");
    html.count(changes.same).raw(" as before</p>");
    if changes.checks.is_empty() {
        return;
    }
    html.raw("<ul>");
    for change in changes.checks.iter().take(CHANGES) {
        html.raw("<li>")
            .element("b", change.words())
            .raw(": ")
            .text(&change.id);
        html.raw(" of ").text(&change.member).raw("</li>");
    }
    html.raw("</ul>");
    if let Some(more) = changes.checks.len().checked_sub(CHANGES).filter(|&more| more > 0) {
        html.raw("<p class=\"note\">")
            .count(more)
            .raw(" more are in services.json</p>");
    }
}

/// The worst first, as in the rows.
const RESULTS: [&str; 6] = [
    CheckResult::Fails.words(),
    CheckResult::Open.words(),
    CheckResult::Unknown.words(),
    CheckResult::NotTestable.words(),
    CheckResult::AsExpected.words(),
    CheckResult::Skipped.words(),
];

fn listing() -> Listing {
    Listing {
        noun: ["check", "checks"],
        heading: "Checks",
        order: "the worst first",
        quiet: ", all as expected",
        find: "member, group, address, words",
        class: "services",
        columns: vec!["Result", "Member", "Wanted", "Group", "Asked", "Time", "Answer"],
        verdicts: &RESULTS,
    }
}

struct Row<'a> {
    check: &'a ServiceCheck,
    /// The longest time of all, in microseconds: the bars are drawn against it.
    slowest: u64,
}

impl Entry for Row<'_> {
    fn verdict(&self) -> &'static str {
        self.check.result.words()
    }

    fn class(&self) -> &'static str {
        match self.check.result {
            CheckResult::Fails => Verdict::Violation.as_str(),
            CheckResult::Open => Status::Opens.class(),
            CheckResult::Unknown | CheckResult::NotTestable => Status::MayOpen.class(),
            CheckResult::AsExpected => Verdict::Pass.as_str(),
            CheckResult::Skipped => Status::Same.class(),
        }
    }

    fn is_news(&self) -> bool {
        !matches!(self.check.result, CheckResult::AsExpected | CheckResult::Skipped)
    }

    fn cells(&self, html: &mut Html) {
        let check = self.check;
        html.raw("<td><span class=\"tag ").raw(self.class()).raw("\">");
        icon(html, self.class());
        html.raw(self.verdict());
        html.raw("</span></td><th scope=\"row\">").text(&check.member);
        html.raw("<span class=\"effect\">").raw(match check.kind {
            MemberKind::Instance => "instance",
            MemberKind::LoadBalancer => "load balancer",
            MemberKind::Other => "other",
        });
        html.raw("</span></th><td>").raw(match check.wants {
            Wants::Answer => "an answer",
            Wants::Silence => "silence",
        });
        html.raw("</td><td>").text(&check.group);
        html.raw("</td><td>").text(cut(&check.url, OUTCOME));
        let address = check.address.map(|address| address.to_string());
        if let Some(address) = address.filter(|address| !check.url.contains(address)) {
            html.raw("<span class=\"effect\">at ")
                .text(address)
                .raw("</span>");
        }
        html.raw("</td><td>");
        time(html, check, self.slowest);
        html.raw("</td><td>").text(cut(&check.outcome, OUTCOME));
        html.raw("<span class=\"effect\">")
            .text(effort(check))
            .raw("</span></td>");
    }
}

/// `3 attempts · certificate for 63 days, until 2027-01-31`.
fn effort(check: &ServiceCheck) -> String {
    let mut parts = Vec::new();
    if check.attempts > 1 {
        parts.push(format!("{} attempts", check.attempts));
    }
    if let Some(certificate) = &check.certificate {
        let until = certificate.not_after.get(..10).unwrap_or_default();
        parts.push(format!(
            "certificate for {} days, until {until}",
            certificate.days_left
        ));
    }
    parts.join(" · ")
}

fn total(phases: &Phases) -> u64 {
    parts(phases)
        .iter()
        .filter_map(|part| part.us)
        .fold(0, u64::saturating_add)
}

/// A part of the time.
struct Part {
    name: &'static str,
    /// The class of its piece of the bar.
    class: &'static str,
    us: Option<u64>,
}

fn parts(phases: &Phases) -> [Part; 4] {
    [
        ("DNS", "d", phases.dns_us),
        ("connect", "k", phases.connect_us),
        ("TLS", "t", phases.tls_us),
        ("first byte", "f", phases.first_byte_us),
    ]
    .map(|(name, class, us)| Part { name, class, us })
}

/// The time as words, and as a bar against the slowest.
fn time(html: &mut Html, check: &ServiceCheck, slowest: u64) {
    /// The bar's width in its own units.
    const WIDTH: u64 = 120;
    let parts = parts(&check.phases);
    if total(&check.phases) == 0 || slowest == 0 {
        return;
    }
    html.raw("<svg class=\"time\" aria-hidden=\"true\" focusable=\"false\" viewBox=\"0 0 120 10\" preserveAspectRatio=\"none\">");
    let mut at = 0;
    for part in &parts {
        let us = part.us.unwrap_or(0);
        let place = |us: u64| {
            let place = u128::from(us) * u128::from(WIDTH) / u128::from(slowest);
            i32::try_from(place).unwrap_or(i32::MAX)
        };
        let (from, to) = (place(at), place(at.saturating_add(us)));
        at = at.saturating_add(us);
        if us > 0 {
            html.raw("<rect class=\"")
                .raw(part.class)
                .raw("\" x=\"")
                .number(from);
            html.raw("\" y=\"0\" width=\"")
                .number((to - from).max(1))
                .raw("\" height=\"10\"/>");
        }
    }
    html.raw("</svg>");
    for part in parts {
        if let Some(us) = part.us {
            html.raw("<span class=\"effect\">")
                .raw(part.name)
                .raw(" ")
                .text(milliseconds(us))
                .raw("</span>");
        }
    }
}

/// Microseconds for people: `0.2 ms`, `14 ms`.
fn milliseconds(us: u64) -> String {
    match us {
        0..10_000 => format!("{}.{} ms", us / 1000, us % 1000 / 100),
        _ => format!("{} ms", us / 1000),
    }
}
