//! What the recorded changes open and close.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_exposure::{ExposureReport, compare};
use portcullis_terraform::Plan;
use std::path::Path;

fn report(step: &str) -> ExposureReport {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(step)
        .join("plan.json");
    let plan = Plan::read(&std::fs::read_to_string(path).unwrap()).unwrap();
    compare(
        &plan.before().unwrap(),
        &plan.after().unwrap(),
        plan.rules_rewritten(),
        plan.partial(),
    )
}

#[test]
fn the_port_moves() {
    insta::assert_snapshot!("correct-web-port", report("estate/2-correct-web-port").to_text());
    insta::assert_snapshot!(
        "correct-web-port-json",
        report("estate/2-correct-web-port").to_json().unwrap()
    );
}

#[test]
fn making_the_estate_opens_all_of_it() {
    insta::assert_snapshot!("estate-setup", report("estate/1-setup").to_text());
}

#[test]
fn nothing_to_do_changes_nothing() {
    assert_eq!(
        report("estate/3-nothing-to-do").headline,
        "no exposure change (nothing rewritten)"
    );
}

#[test]
fn taking_back_a_rule_made_by_hand_closes_it() {
    insta::assert_snapshot!("hand-made-drift", report("estate/4-hand-made-drift").to_text());
}

#[test]
fn two_halves_open_the_internet() {
    insta::assert_snapshot!(
        "opens-ssh-to-the-world",
        report("estate/10-opens-ssh-to-the-world").to_text()
    );
}

#[test]
fn renaming_and_moving_is_told_from_opening() {
    insta::assert_snapshot!(
        "rule-styles-replace",
        report("rule-styles/2-replace-move-remove").to_text()
    );
}

#[test]
fn an_unknown_source_may_open() {
    insta::assert_snapshot!("rule-styles-create", report("rule-styles/1-create").to_text());
}

#[test]
fn destroying_closes_all_but_the_default_group() {
    insta::assert_snapshot!("rule-styles-destroy", report("rule-styles/3-destroy").to_text());
}
