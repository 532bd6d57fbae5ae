//! What the recorded changes open and close.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_exposure::{ExposureReport, compare};
use portcullis_terraform::{Configuration, Plan};
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn plan(step: &str) -> Plan {
    let text = std::fs::read_to_string(fixtures().join(step).join("plan.json")).unwrap();
    Plan::read(&text).unwrap()
}

/// The code of a folder; the recorded ones call modules of a `modules` folder in them.
fn code(folder: &str) -> Configuration {
    let root = fixtures().join(folder);
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "tf") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                files.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    Configuration::read(files).unwrap()
}

fn told(plan: &Plan) -> ExposureReport {
    compare(
        &plan.before().unwrap(),
        &plan.after().unwrap(),
        plan.rules_rewritten(),
        plan.partial(),
    )
}

fn report(step: &str) -> ExposureReport {
    told(&plan(step))
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
    let plan = plan("estate/1-setup").with_code(code("estate/config"));
    insta::assert_snapshot!("estate-setup", told(&plan).to_text());
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
    let alone = plan("rule-styles/1-create");
    insta::assert_snapshot!("rule-styles-create-without-code", told(&alone).to_text());
    let with_code = alone.with_code(code("rule-styles/config"));
    insta::assert_snapshot!("rule-styles-create", told(&with_code).to_text());
}

#[test]
fn destroying_closes_all_but_the_default_group() {
    insta::assert_snapshot!("rule-styles-destroy", report("rule-styles/3-destroy").to_text());
}
