//! Whether code, state and cloud agree, and whether the services answer.

use crate::Pipeline;
use crate::notice::{Notice, Section};
use crate::pipeline::{agreement, at_most, count, services, short, symbol, upper_first};
use portcullis_consistency::{ConsistencyReport, PolicyFinding, RuleRow, RuleVerdict, Tie};
use portcullis_probe::{CheckChange, CheckResult, ServiceCheck, ServicesReport};
use portcullis_report::Verdict;
use portcullis_report::text::{clean, cut};
use portcullis_slack::{RichText, Text};

/// Whether code, state and cloud agree, rule by rule.
#[must_use]
pub fn consistency(pipeline: &Pipeline, report: &ConsistencyReport) -> Notice {
    let text = format!("{}: {}", agreement(report.verdict), tally(report));
    let title = match report.verdict {
        Verdict::Pass => "Verified",
        Verdict::Undetermined => "Cannot be verified",
        Verdict::Violation => "Not consistent",
    };
    pipeline
        .notice("consistency", Some(report.verdict), title, &text)
        .section(rules(report, 8))
        .pipeline_link()
}

/// Whether the services answer.
#[must_use]
pub fn checked(pipeline: &Pipeline, report: &ServicesReport) -> Notice {
    let text = format!("{}: {}", services(report.verdict), passed(report));
    let title = match report.verdict {
        Verdict::Pass => "Services answer",
        Verdict::Undetermined => "Services cannot be checked",
        Verdict::Violation => "Services fail",
    };
    pipeline
        .notice("checked", Some(report.verdict), title, &text)
        .section(answers(report, 10))
        .pipeline_link()
}

/// The comparison's verdict and the rules that do not agree.
fn rules(report: &ConsistencyReport, most: usize) -> Section {
    let verdict = report.verdict;
    let differing: Vec<&RuleRow> = report
        .rules
        .iter()
        .filter(|row| row.verdict != RuleVerdict::Agree)
        .collect();
    let points = differing
        .iter()
        .map(|row| rule(row))
        .chain(report.groups.iter().map(|row| {
            let what = format!("{}: the group itself", short(&row.group.to_string()));
            other(row.verdict.words(), &what)
        }))
        .chain(
            report
                .members
                .iter()
                .map(|row| other(row.verdict.words(), &row.sentence())),
        )
        .chain(
            report
                .prefix_lists
                .iter()
                .map(|row| other(row.verdict.words(), &row.sentence())),
        )
        .chain(
            report
                .policy
                .iter()
                .filter(|found| found.finding.is_open())
                .map(policy),
        );
    let points: Vec<Text> = points.collect();
    let (points, document) = at_most(most, points.into_iter(), "consistency.txt");
    let mut words = RichText::new()
        .line(
            Text::new()
                .plain(symbol(verdict))
                .plain(" ")
                .bold(upper_first(agreement(verdict))),
        )
        .line(tally(report));
    if let Some(since) = &report.since {
        words = words.line(Text::new().plain("Since the last time: ").plain(since.sentence()));
    }
    // That all is as deploy left it is no news.
    if let Some(state) = report.state.as_ref().filter(|state| state.is_odd()) {
        words = words.line(
            Text::new()
                .plain("\u{26a0}\u{fe0f} State: ")
                .plain(cut(&clean(&state.sentence()), 300)),
        );
    }
    Section {
        text: notes(words.bullets(points), &report.notes),
        document,
    }
}

/// What else does not agree, in a line.
fn other(verdict: &str, what: &str) -> Text {
    Text::new()
        .bold(upper_first(verdict))
        .plain(": ")
        .plain(cut(&clean(what), 200))
}

/// What the policy says of what is there.
fn policy(found: &PolicyFinding) -> Text {
    let finding = &found.finding;
    Text::new()
        .bold(format!("Policy {}", short(&finding.rule)))
        .plain(format!(" ({}): ", found.views.join(" and ")))
        .plain(cut(&clean(&finding.exposure), 160))
        .plain(" on ")
        .code(short(&finding.group.to_string()))
}

/// The verdict on the services and what they answered, failures first.
fn answers(report: &ServicesReport, most: usize) -> Section {
    let verdict = report.verdict;
    let mut checks: Vec<&ServiceCheck> = report.checks.iter().collect();
    checks.sort_by_key(|check| check.result);
    let changes = report
        .changes
        .iter()
        .flat_map(|changes| &changes.checks)
        .map(change);
    let checks = checks.iter().map(|check| answer(check));
    let lines: Vec<Text> = changes.take(most / 2).chain(checks).collect();
    let (points, document) = at_most(most, lines.into_iter(), "services.txt");
    let words = RichText::new()
        .line(
            Text::new()
                .plain(symbol(verdict))
                .plain(" ")
                .bold(upper_first(services(verdict))),
        )
        .line(passed(report))
        .bullets(points);
    Section {
        text: notes(words, &report.notes),
        document,
    }
}

fn notes(mut words: RichText, notes: &[String]) -> RichText {
    for note in notes.iter().take(3) {
        words = words.line(Text::new().plain("Note: ").plain(cut(&clean(note), 200)));
    }
    words
}

/// `12 rules: 11 agree, 1 unmanaged`.
fn tally(report: &ConsistencyReport) -> String {
    const ALL: [RuleVerdict; 8] = [
        RuleVerdict::Agree,
        RuleVerdict::Gone,
        RuleVerdict::NotApplied,
        RuleVerdict::StateBehind,
        RuleVerdict::NotDeclared,
        RuleVerdict::StateStale,
        RuleVerdict::Unmanaged,
        RuleVerdict::Undetermined,
    ];
    let counts: Vec<String> = ALL
        .into_iter()
        .filter_map(|verdict| {
            let n = report.rules.iter().filter(|row| row.verdict == verdict).count();
            (n > 0).then(|| format!("{n} {}", words(verdict)))
        })
        .collect();
    let rules = count(report.rules.len(), "rule");
    if counts.is_empty() {
        rules
    } else {
        format!("{rules}: {}", counts.join(", "))
    }
}

fn words(verdict: RuleVerdict) -> String {
    verdict.as_str().replace('_', " ")
}

fn rule(row: &RuleRow) -> Text {
    let towards = if row.direction == "egress" { "to" } else { "from" };
    let view = |seen: Option<bool>| match seen {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known",
    };
    let mut text = Text::new()
        .bold(upper_first(&words(row.verdict)))
        .plain(format!(": {} {towards} {} on ", traffic(row), short(&row.peer)))
        .code(short(&row.group.to_string()))
        .plain(format!(
            " (declared {}, recorded {}, live {})",
            view(row.declared),
            view(row.recorded),
            view(row.live)
        ));
    if let Some(relation) = &row.relation {
        let tie = match relation.tie {
            Tie::InsteadOf => "in the place of",
            Tie::ReplacedBy => "in its place is",
            Tie::Beside => "added beside",
        };
        text = text.plain(format!(", {tie} {}", cut(&clean(&relation.rule), 120)));
    }
    if let Some(by) = &row.done_by {
        text = text.plain(", ").plain(cut(&clean(&by.sentence()), 240));
    }
    text
}

/// `tcp 8000`, `udp 5000-5010`, `icmp type 8`, `all traffic`.
fn traffic(row: &RuleRow) -> String {
    let protocol = short(&row.protocol);
    match (protocol.as_str(), row.from_port, row.to_port) {
        ("-1" | "all", _, _) => "all traffic".to_owned(),
        ("icmp" | "icmpv6", -1, _) => format!("all {protocol}"),
        ("icmp" | "icmpv6", kind, -1) => format!("{protocol} type {kind}"),
        ("icmp" | "icmpv6", kind, code) => format!("{protocol} type {kind} code {code}"),
        ("tcp" | "udp", -1, _) => format!("all {protocol}"),
        ("tcp" | "udp", from, to) if from == to => format!("{protocol} {from}"),
        ("tcp" | "udp", from, to) => format!("{protocol} {from}-{to}"),
        // Ports mean nothing for any other protocol (AWS: "Security group rules").
        _ => format!("protocol {protocol}"),
    }
}

/// `2 of 3 checks passed, 1 not testable`. What is skipped was not checked.
fn passed(report: &ServicesReport) -> String {
    let count = |result: CheckResult| {
        report
            .checks
            .iter()
            .filter(|check| check.result == result)
            .count()
    };
    let checked = report.checks.len() - count(CheckResult::Skipped);
    if checked == 0 {
        return "nothing to check".to_owned();
    }
    let passed = format!("{} of {checked} checks passed", count(CheckResult::AsExpected));
    match count(CheckResult::NotTestable) {
        0 => passed,
        n => format!("{passed}, {n} not testable"),
    }
}

fn answer(check: &ServiceCheck) -> Text {
    let word = match check.result {
        CheckResult::Fails => "Failed",
        CheckResult::Open => "Open",
        CheckResult::Unknown => "Cannot tell",
        CheckResult::NotTestable => "Not testable",
        CheckResult::AsExpected => "Passed",
        CheckResult::Skipped => "Skipped",
    };
    let mut text = Text::new()
        .bold(word)
        .plain(": ")
        .plain(short(&check.member))
        .plain(" ")
        .code(cut(&clean(&check.url), 200))
        .plain(", ")
        .plain(cut(&clean(&check.outcome), 160));
    if let Some(milliseconds) = check.milliseconds {
        text = text.plain(format!(" in {milliseconds} ms"));
    }
    if check.attempts > 1 {
        text = text.plain(format!(", asked {} times", check.attempts));
    }
    text
}

/// What came out otherwise than in the run it is compared with.
fn change(change: &CheckChange) -> Text {
    Text::new()
        .plain("Since then: ")
        .code(cut(&clean(&change.id), 200))
        .plain(" of ")
        .plain(short(&change.member))
        .plain(": ")
        .plain(change.words())
}
