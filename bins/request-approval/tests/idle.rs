//! The built binary, on a plan that changes nothing: nobody is asked, and GitLab is not needed for that.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_exposure::ExposureReport;
use portcullis_report::Report;
use std::process::Command;

const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/estate/3-nothing-to-do"
);

#[test]
fn a_plan_that_changes_nothing_asks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = folder.path().join("portcullis");
    std::fs::create_dir_all(&artifacts).unwrap();
    std::fs::create_dir_all(folder.path().join("terraform")).unwrap();
    let leave = |name: &str, text: String| std::fs::write(artifacts.join(name), text).unwrap();
    leave(
        "compliance.json",
        Report::new("compliance", vec![]).to_json().unwrap(),
    );
    leave(
        "exposure.json",
        serde_json::to_string(&ExposureReport::unchanged(0)).unwrap(),
    );
    leave("plan.tfplan", "a plan".to_owned());
    std::fs::copy(format!("{RECORDED}/plan.json"), artifacts.join("plan.json")).unwrap();
    // Of an earlier run: it is not good for this one.
    leave("approval-request.json", "{}".to_owned());

    let output = Command::new(env!("CARGO_BIN_EXE_portcullis-request-approval"))
        .args(["--config", "terraform", "--policy", "terraform/policy.yaml"])
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), said.lines().next()),
        (
            Some(0),
            Some("nothing to approve: the plan changes nothing, and the deploy job need not be played")
        ),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // What to do with a pipeline that waits for nothing.
    assert!(said.contains("blocked until somebody plays deploy"), "{said}");
    assert!(!artifacts.join("approval-request.json").exists());
}
