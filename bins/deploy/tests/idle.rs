//! The built binary, played although nobody was asked: the plan changes nothing, so nothing is done, and GitLab is not needed
//! for that.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use std::path::Path;
use std::process::{Command, Output};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/estate");

fn deploy(folder: &Path, plan: &str) -> Output {
    let artifacts = folder.join("portcullis");
    std::fs::create_dir_all(&artifacts).unwrap();
    std::fs::create_dir_all(folder.join("terraform")).unwrap();
    std::fs::copy(
        format!("{FIXTURES}/{plan}/plan.json"),
        artifacts.join("plan.json"),
    )
    .unwrap();
    Command::new(env!("CARGO_BIN_EXE_portcullis-deploy"))
        .args(["--config", "terraform", "--policy", "terraform/policy.yaml"])
        .current_dir(folder)
        .env_clear()
        // It is not started: a terraform that fails at everything will do.
        .env("PORTCULLIS_TERRAFORM", "/bin/false")
        .env("CI_API_V4_URL", "http://127.0.0.1:9/api/v4")
        .env("CI_PROJECT_ID", "42")
        .env("CI_JOB_TOKEN", "glcbt-64_not-used")
        .env("GITLAB_USER_LOGIN", "tomas")
        .env("CI_COMMIT_AUTHOR", "Nora Okafor <nora@example.com>")
        .output()
        .unwrap()
}

#[test]
fn a_plan_that_changes_nothing_is_not_applied() {
    let folder = tempfile::tempdir().unwrap();
    let output = deploy(folder.path(), "3-nothing-to-do");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), said.as_str()),
        (
            Some(0),
            "nothing to do: the plan changes nothing, so nobody was asked and nothing is applied\n"
        ),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!folder.path().join("portcullis/approval.json").exists());
    assert!(folder.path().join("portcullis/apply.txt").exists());
}

#[test]
fn a_request_that_is_missing_for_a_change_stays_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let output = deploy(folder.path(), "2-correct-web-port");
    assert_eq!(output.status.code(), Some(65));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("approval-request.json"), "{said}");
}
