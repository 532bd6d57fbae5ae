//! What a reader sees of one report, in each format.

#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

mod support;

use portcullis_report::{Format, Limits, Marker, Report, Verdict};
use support::{HOSTILE, estate, hostile, tool};

#[test]
fn each_format_of_one_report() {
    for format in Format::ALL {
        insta::assert_snapshot!(
            format!("estate-{format}"),
            estate().render(format, &tool()).unwrap()
        );
    }
}

#[test]
fn each_format_of_a_report_without_findings() {
    let mut report = estate();
    report = Report::new("compliance", Vec::new()).rules(report.rules.drain(..));
    let mut told = String::new();
    for format in Format::ALL {
        told += &format!("--- {format}\n{}", report.render(format, &tool()).unwrap());
    }
    insta::assert_snapshot!("nothing-found", told);
}

#[test]
fn a_verdict_worse_than_its_findings_is_never_a_passed_suite() {
    let report = Report::new("compliance", Vec::new())
        .note("partial: made with -target")
        .at_least(Verdict::Undetermined);
    insta::assert_snapshot!("partial-junit", report.to_junit(&tool()));
    assert!(
        report
            .to_sarif(&tool())
            .unwrap()
            .contains("\"verdict\": \"undetermined\"")
    );
}

#[test]
fn two_runs_give_the_same_bytes() {
    for format in Format::ALL {
        let once = || estate().render(format, &tool()).unwrap();
        assert_eq!(once(), once(), "{format}");
    }
}

#[test]
fn a_long_note_loses_its_middle_and_says_how_much() {
    let findings = (0..40).flat_map(|index| {
        estate().findings.into_iter().map(move |mut finding| {
            finding.group.address = Some(format!("aws_security_group.g{index:02}"));
            finding
        })
    });
    let report = Report::new("compliance", findings.collect());
    let limits = Limits::characters(2_600).marked(Marker::new("production"));
    let note = report.to_markdown(&limits);
    assert!(note.chars().count() <= 2_600);
    insta::assert_snapshot!("cut-in-the-middle", note);
}

#[test]
fn what_hostile_texts_look_like() {
    let report = hostile(&HOSTILE[..10]);
    insta::assert_snapshot!("hostile-markdown", report.to_markdown(&Limits::default()));
    let few = hostile(&[HOSTILE[12], HOSTILE[14]]);
    for format in [Format::Junit, Format::CodeQuality, Format::Sarif] {
        insta::assert_snapshot!(format!("hostile-{format}"), few.render(format, &tool()).unwrap());
    }
}
