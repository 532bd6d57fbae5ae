//! What a reader sees of many stacks.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

use portcullis_report::{Format, Limits, Tool, Verdict};
use portcullis_stacks::{FanOut, Job, Kind, Left, Outcome, Stack, StacksReport, Step};

fn fan_out(kind: Kind, names: &[&str]) -> FanOut {
    let jobs = [Job::included("plan", ["plan", "judge"])];
    let stacks = names.iter().copied().map(|name| match name.strip_prefix('!') {
        Some(name) => Stack::of_state(name).left_out("its deletion is pending"),
        None => Stack::of_state(name),
    });
    FanOut::new(kind, &jobs, Stack::number(stacks))
}

fn outcome(codes: &[(&str, i32)]) -> Outcome {
    let mut outcome = Outcome::default();
    for (step, exit_code) in codes {
        outcome.ended(Step {
            step: (*step).to_owned(),
            program: format!("portcullis-{step}"),
            exit_code: *exit_code,
            error: (*exit_code == 69).then(|| "GitLab does not answer".to_owned()),
        });
    }
    outcome
}

fn report() -> StacksReport {
    let names = [
        "good",
        "says no",
        "cut short",
        "never ran",
        "away\u{1b}[31m | @all <b>",
        "!going",
        "lies",
        "broken",
        "good, too",
    ];
    let mut fan_out = fan_out(Kind::States, &names);
    fan_out
        .notes
        .push("named twice, and looked at once: good".to_owned());
    StacksReport::new(&fan_out, |stack| {
        let good = outcome(&[("plan", 0), ("judge", 0)]);
        let pass = (Verdict::Pass, "compliance: pass: no finding".to_owned());
        let no = (
            Verdict::Violation,
            "compliance: violation: 1 finding (1 critical)".to_owned(),
        );
        let (outcome, documents) = match stack.name.as_str() {
            "says no" => (Some(outcome(&[("plan", 0), ("judge", 1)])), vec![no]),
            "cut short" => (Some(outcome(&[("plan", 0)])), Vec::new()),
            "never ran" => (None, Vec::new()),
            "lies" => (Some(good), vec![no]),
            name if name.starts_with("away") => (Some(outcome(&[("plan", 69)])), Vec::new()),
            "going" => (None, Vec::new()),
            _ => (Some(good), vec![pass]),
        };
        Left {
            outcome,
            documents: documents.into_iter().collect(),
            unreadable: if stack.name == "broken" {
                vec!["compliance.json".to_owned()]
            } else {
                Vec::new()
            },
        }
    })
}

#[test]
fn many_ends() {
    let report = report();
    insta::assert_snapshot!("many-ends.txt", report.to_text());
    insta::assert_snapshot!("many-ends.md", report.to_markdown(&Limits::default()));
    insta::assert_snapshot!("many-ends.json", report.to_json().unwrap());
    let tool = Tool::new("portcullis-fan-out", "0.1.0", "portcullis/stacks.json");
    insta::assert_snapshot!(
        "many-ends.junit",
        report.to_report().render(Format::Junit, &tool).unwrap()
    );
    let read: StacksReport = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    assert_eq!(read, report);
}

#[test]
fn nothing_asked_is_nothing_proved_but_an_untouched_folder_needs_nothing() {
    let verdict = |kind| StacksReport::new(&fan_out(kind, &[]), |_| Left::default()).headline();
    assert_eq!(verdict(Kind::States), "undetermined: 0 managed states");
    assert_eq!(verdict(Kind::Folders), "pass: 0 folders");
}

#[test]
fn a_step_that_ran_again_counts_once() {
    let mut outcome = outcome(&[("plan", 1), ("judge", 0)]);
    assert_eq!(outcome.failed().unwrap().step, "plan");
    outcome.ended(Step {
        step: "plan".to_owned(),
        program: "portcullis-plan".to_owned(),
        exit_code: 0,
        error: None,
    });
    assert_eq!((outcome.failed(), outcome.steps.len()), (None, 2));
}

/// GitLab takes no note of more than a million characters.
#[test]
fn ten_thousand_stacks_fit_into_a_note() {
    let names: Vec<String> = (0..10_000).map(|n| format!("network/region-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let report = StacksReport::new(&fan_out(Kind::States, &names), |_| Left::default());
    let note = report.to_markdown(&Limits::default());
    assert!(note.chars().count() <= 1_000_000);
    let rows = note
        .lines()
        .filter(|line| line.starts_with("| undetermined |"))
        .count();
    let cut = format!("… {} stacks cut …", 10_000 - rows);
    assert!(rows > 1_000 && note.contains(&cut), "{rows} rows");
    assert!(note.contains("region-0<"), "the first stays");
}
