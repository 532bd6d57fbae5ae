//! Text from outside stays text, in every format; read back by parsers that know nothing of us.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::allow_attributes,
    reason = "tests"
)]

mod support;

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, parse_document};
use portcullis_report::text::clean;
use portcullis_report::{Limits, Report, Verdict};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use support::{HOSTILE, estate, hostile, tool};

/// What an XML reader gets for a text of ours.
fn in_xml(text: &str) -> String {
    clean(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

fn check_junit(report: &Report) {
    let text = report.to_junit(&tool());
    let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let cases: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"))
        .collect();
    let kinds = |name: &str| {
        document
            .descendants()
            .filter(|node| node.has_tag_name(name))
            .count()
    };
    let wanted = |verdict: Verdict| {
        let open =
            |finding: &&portcullis_report::Finding| finding.waived.is_none() && finding.verdict == verdict;
        report.findings.iter().filter(open).count()
    };
    assert_eq!(kinds("failure"), wanted(Verdict::Violation));
    assert_eq!(kinds("error"), wanted(Verdict::Undetermined));
    assert_eq!(
        kinds("skipped"),
        report
            .findings
            .iter()
            .filter(|finding| finding.waived.is_some())
            .count()
    );
    let suite = document
        .descendants()
        .find(|node| node.has_tag_name("testsuite"))
        .unwrap();
    assert_eq!(suite.attribute("tests").unwrap(), cases.len().to_string());
    assert_eq!(suite.attribute("name").unwrap(), in_xml(&report.gate));
    let names: BTreeSet<_> = cases
        .iter()
        .map(|case| (case.attribute("classname"), case.attribute("name")))
        .collect();
    assert_eq!(
        names.len(),
        cases.len(),
        "GitLab would merge cases that are called alike"
    );
    for (finding, case) in report.findings.iter().zip(&cases) {
        assert_eq!(case.attribute("classname").unwrap(), in_xml(&finding.rule));
        assert!(
            case.attribute("name")
                .unwrap()
                .contains(&in_xml(&finding.exposure))
        );
    }
}

fn check_code_quality(report: &Report) {
    let text = report.to_code_quality(&tool()).unwrap();
    let entries: Vec<Value> = serde_json::from_str(&text).unwrap();
    let open: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.is_open())
        .collect();
    assert_eq!(entries.len(), open.len());
    let fingerprints: BTreeSet<&str> = entries
        .iter()
        .map(|entry| entry["fingerprint"].as_str().unwrap())
        .collect();
    assert_eq!(fingerprints.len(), entries.len());
    for (entry, finding) in entries.iter().zip(open) {
        assert_eq!(entry["check_name"], finding.rule);
        assert!(entry["location"]["lines"]["begin"].as_u64().unwrap() >= 1);
        let description = entry["description"].as_str().unwrap();
        assert_eq!(description, clean(description));
        assert!(description.contains(&clean(&finding.exposure)));
    }
}

fn check_sarif(report: &Report) {
    let text = report.to_sarif(&tool()).unwrap();
    let log: Value = serde_json::from_str(&text).unwrap();
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), report.findings.len());
    for (result, finding) in results.iter().zip(&report.findings) {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], finding.rule);
        assert_eq!(result["suppressions"].is_array(), finding.waived.is_some());
        assert_eq!(result["kind"] == "fail", finding.verdict == Verdict::Violation);
        let message = result["message"]["text"].as_str().unwrap();
        assert!(!message.contains("]("), "{message}");
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        let uri = place["uri"].as_str().unwrap();
        assert!(uri.bytes().all(|byte| byte.is_ascii_graphic()), "{uri}");
        assert_eq!(uri.starts_with("file://"), place["uriBaseId"].is_null());
    }
}

/// The extensions that GitLab switches on for comments (gitlab-glfm-markdown, which is built on this parser).
fn gitlab_options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.autolink = true;
    options.extension.footnotes = true;
    options.extension.math_dollars = true;
    options.extension.math_code = true;
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.tasklist = true;
    options.extension.wikilinks_title_before_pipe = true;
    options.extension.alerts = true;
    options.extension.description_lists = true;
    options.extension.multiline_block_quotes = true;
    options.parse.relaxed_autolinks = true;
    options
}

/// Every line begins with our own words, the parser finds our structure and nothing else, and what stands outside of
/// `<code>` is ours.
fn check_markdown(report: &Report, limit: usize) {
    let note = report.to_markdown(&Limits::characters(limit));
    assert!(
        note.chars().count() <= limit,
        "{} > {limit}",
        note.chars().count()
    );
    for line in note.lines() {
        let ours = [
            "**",
            "- ",
            "| ",
            "|---",
            "<details><summary>What to change",
            "</details>",
        ];
        assert!(
            line.is_empty() || ours.iter().any(|start| line.starts_with(start)),
            "{line:?}"
        );
    }
    let arena = Arena::new();
    let root = parse_document(&arena, &note, &gitlab_options());
    let mut inside = false;
    for node in root.descendants() {
        check_node(node, &mut inside);
    }
    assert!(!inside, "{note}");
    let rows = |wanted: fn(&NodeValue) -> bool| {
        root.descendants()
            .filter(|node| wanted(&node.data.borrow().value))
            .count()
    };
    if limit >= portcullis_report::NOTE_LIMIT && !report.findings.is_empty() {
        assert_eq!(
            rows(|value| matches!(value, NodeValue::TableRow(_))),
            report.findings.len() + 1,
            "{note}"
        );
        assert_eq!(
            rows(|value| matches!(value, NodeValue::TableCell)),
            (report.findings.len() + 1) * 7
        );
    }
}

fn check_node<'a>(node: &'a AstNode<'a>, inside: &mut bool) {
    match &node.data.borrow().value {
        NodeValue::HtmlInline(tag) => match (tag.as_str(), *inside) {
            ("<code>", false) => *inside = true,
            ("</code>", true) => *inside = false,
            ("<!-- -->", true) => {}
            other => panic!("{other:?}"),
        },
        NodeValue::HtmlBlock(block) => {
            let ours = [
                "<details><summary>What to change</summary>\n",
                "</details>\n",
                "</details>",
            ];
            assert!(ours.contains(&block.literal.as_str()), "{block:?}");
        }
        NodeValue::Text(text) if !*inside => {
            assert!(!text.contains(['@', '#', '!', '$', '~']), "{text}");
        }
        NodeValue::Strong => assert!(!*inside),
        NodeValue::Document
        | NodeValue::Paragraph
        | NodeValue::List(_)
        | NodeValue::Item(_)
        | NodeValue::Table(_)
        | NodeValue::TableRow(_)
        | NodeValue::TableCell
        | NodeValue::Text(_) => {}
        other => panic!("text from outside became {other:?}"),
    }
}

fn check(report: &Report) {
    check_junit(report);
    check_code_quality(report);
    check_sarif(report);
    check_markdown(report, portcullis_report::NOTE_LIMIT);
    let json: Report = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    assert_eq!(&json, report);
    assert!(!report.to_text().contains(['\u{1b}', '\r', '\u{202e}', '\0']));
}

#[test]
fn hostile_texts_one_by_one_and_all_together() {
    for text in HOSTILE {
        check(&hostile(&[text]));
    }
    check(&hostile(HOSTILE));
    check(&estate());
}

#[test]
fn a_text_of_a_megabyte() {
    let text = "/approve @all `|` <script>\n".repeat(40_000);
    check(&hostile(&[&text]));
}

#[test]
fn no_limit_is_too_small() {
    let report = hostile(HOSTILE);
    for limit in (0..4_000).step_by(7) {
        let note = report.to_markdown(&Limits::characters(limit));
        assert!(note.chars().count() <= limit, "{limit}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_texts_stay_texts(
        texts in prop::collection::vec("[ -~]{0,12}|\\PC{0,12}|(?s).{0,12}|[/@!#`|<>\\[\\]()\\\\*_~\n&;:w.$^-]{0,16}", 1..4),
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        check(&hostile(&texts));
    }

    #[test]
    fn a_note_keeps_to_its_limit_and_to_its_form(limit in 200_usize..6_000, pick in prop::collection::vec(0..HOSTILE.len(), 1..12)) {
        let texts: Vec<&str> = pick.into_iter().map(|index| HOSTILE[index]).collect();
        check_markdown(&hostile(&texts), limit);
    }
}
