//! The plan's page is written anew with the findings, where there is one.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

const EXPOSURE: &str = r#"{"format_version": "1.0", "verdict": "pass", "headline": "opens tcp 22 from everywhere",
    "groups": [], "rules_rewritten": 1}"#;

fn validate(artifacts: &Path) -> i32 {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let run = Command::new(env!("CARGO_BIN_EXE_portcullis-validate"))
        .arg("--plan")
        .arg(root.join("fixtures/estate/10-opens-ssh-to-the-world/plan.json"))
        .arg("--policy")
        .arg(root.join("terraform/policy.yaml"))
        .arg("--artifacts")
        .arg(artifacts)
        .env("CI_PROJECT_PATH", "infra/estate")
        .output()
        .unwrap();
    run.status.code().unwrap()
}

#[test]
fn the_page_gets_the_findings() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("plan.html"), "not judged yet").unwrap();
    fs::write(file("plan.txt"), "terraform's words").unwrap();
    fs::write(file("plan.json"), "abc").unwrap();
    fs::write(file("exposure.json"), EXPOSURE).unwrap();
    assert_eq!(validate(folder.path()), 1);
    let page = fs::read_to_string(file("plan.html")).unwrap();
    for part in [
        "infra/estate",
        // The first digits of the SHA-256 of "abc" (FIPS 180-4, example).
        "ba7816bf8f01",
        "opens tcp 22 from everywhere",
        "admin-ports-from-offices-only",
        "terraform&#39;s words",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert!(!page.contains("not judged yet"));
}

#[test]
fn an_exposure_that_cannot_be_read_leaves_the_page_and_the_verdict_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("plan.html"), "not judged yet").unwrap();
    fs::write(file("plan.txt"), "").unwrap();
    fs::write(file("plan.json"), "").unwrap();
    fs::write(file("exposure.json"), "{").unwrap();
    assert_eq!(validate(folder.path()), 1);
    assert_eq!(fs::read_to_string(file("plan.html")).unwrap(), "not judged yet");
}

#[test]
fn no_page_is_made_where_none_was() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(validate(folder.path()), 1);
    assert!(!folder.path().join("plan.html").exists());
}
