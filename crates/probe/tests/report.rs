//! What a reader sees.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

use portcullis_probe::{
    Answer, Expectation, ServiceCheck, ServicesReport, Target, Targets, Untestable, judge,
};
use portcullis_report::Verdict;

fn target(member: &str, address: &str) -> Target {
    Target {
        member: member.into(),
        group: "web".into(),
        url: format!("http://{address}:8000/").parse().unwrap(),
    }
}

fn checks() -> Vec<ServiceCheck> {
    let expectation = Expectation::default();
    let answers = [
        Answer::Status {
            status: 200,
            milliseconds: 12,
        },
        Answer::Status {
            status: 502,
            milliseconds: 7,
        },
        Answer::Refused,
        Answer::TimedOut,
        Answer::Broken,
        Answer::NotHttp,
        Answer::NoRoute,
        Answer::Certificate,
        Answer::Other("the connection failed".into()),
    ];
    let mut checks: Vec<ServiceCheck> = answers
        .iter()
        .zip(1..)
        .map(|(answer, n)| {
            judge(
                &target(&format!("host-{n}"), &format!("198.51.100.{n}")),
                &expectation,
                answer,
                n,
            )
        })
        .collect();
    checks.reverse();
    checks
}

fn report() -> ServicesReport {
    let untestable = Untestable {
        member: "hidden|host\u{1b}[31m".into(),
        group: "web <!channel>".into(),
        what: "tcp 8000".into(),
        why: "it has no public address that the port is open on".into(),
    };
    ServicesReport::new(
        checks(),
        &Targets {
            untestable: vec![untestable],
            ..Targets::default()
        },
    )
}

#[test]
fn every_answer_in_words() {
    insta::assert_snapshot!("services.txt", report().to_text());
    insta::assert_snapshot!("services.md", report().to_markdown());
}

#[test]
fn the_document_reads_back() {
    let text = report().to_json().unwrap();
    assert_eq!(serde_json::from_str::<ServicesReport>(&text).unwrap(), report());
    let one = ServicesReport::new(checks().split_off(8), &Targets::default());
    insta::assert_snapshot!("services.json", one.to_json().unwrap());
}

#[test]
fn verdicts() {
    let of = |checks: Vec<ServiceCheck>| ServicesReport::new(checks, &Targets::default()).verdict;
    let pick = |verdict: Verdict| -> Vec<ServiceCheck> {
        checks()
            .into_iter()
            .filter(|check| check.verdict == verdict)
            .collect()
    };
    assert_eq!(of(pick(Verdict::Pass)), Verdict::Pass);
    assert_eq!(of(pick(Verdict::Undetermined)), Verdict::Undetermined);
    assert_eq!(of(checks()), Verdict::Violation);
    assert_eq!(of(vec![]), Verdict::Undetermined, "nothing to check is no pass");
}
