//! The replayed terraform as a process, against the GitLab stand-in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_sandbox::estate::{self, STATE_NAME};
use portcullis_sandbox::gitlab::{Gitlab, User, wire::LockedWrite};
use portcullis_sandbox::recording::StateHead;
use serde_json::Value;
use std::path::{Path, PathBuf};

const STEP: &str = "2-correct-web-port";

fn fixture(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/estate")).join(path)
}

struct Runner {
    gitlab: Gitlab,
    folder: tempfile::TempDir,
    step: &'static str,
}

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Runner {
    async fn start(user: User, step: &'static str) -> Self {
        let mut project = estate::project(&estate::commit("A change"));
        project.start_job(501, "job", user, "2026-11-23T20:00:00.000Z");
        let before = std::fs::read(fixture("1-setup/state.json")).unwrap();
        project
            .states
            .seed(STATE_NAME, StateHead::read(&before).unwrap().serial, before);
        let gitlab = Gitlab::start(0, project, LockedWrite::Conflict).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.tf"), "").unwrap();
        Self { gitlab, folder, step }
    }

    async fn terraform(&self, line: &str) -> Ran {
        let address = format!(
            "{}/api/v4/projects/42/terraform/state/{STATE_NAME}",
            self.gitlab.url()
        );
        let lock = format!("{address}/lock");
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_portcullis-replayed-terraform"))
            .arg(format!("-chdir={}", self.folder.path().display()))
            .args(line.split_whitespace())
            .env_clear()
            .env("PORTCULLIS_REPLAY", fixture(self.step))
            .env("TF_HTTP_ADDRESS", &address)
            .env("TF_HTTP_LOCK_ADDRESS", &lock)
            .env("TF_HTTP_UNLOCK_ADDRESS", &lock)
            .env("TF_HTTP_LOCK_METHOD", "POST")
            .env("TF_HTTP_UNLOCK_METHOD", "DELETE")
            .env("TF_HTTP_USERNAME", "gitlab-ci-token")
            .env("TF_HTTP_PASSWORD", "job")
            .env("TF_HTTP_RETRY_WAIT_MIN", "0")
            .output()
            .await
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran {
            code: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    fn serial(&self) -> u64 {
        let mut project = self.gitlab.project();
        StateHead::read(project.states.read(STATE_NAME).unwrap().unwrap())
            .unwrap()
            .serial
    }
}

#[tokio::test]
async fn a_change_is_planned_shown_and_applied_and_the_state_is_pushed() {
    let runner = Runner::start(estate::approver(), STEP).await;
    assert_eq!(runner.terraform("init -input=false").await.code, 0);
    let plan = runner
        .terraform("plan -out=p.tfplan -detailed-exitcode -lock=false")
        .await;
    assert_eq!(plan.code, 2);
    assert!(plan.stdout.contains("Plan: 0 to add, 1 to change, 0 to destroy."));
    assert_eq!(
        runner.terraform("plan").await.code,
        0,
        "changes are no news without -detailed-exitcode"
    );
    let show = runner.terraform("show -json p.tfplan").await;
    assert!(serde_json::from_str::<Value>(&show.stdout).unwrap()["resource_changes"].is_array());
    assert_eq!(runner.serial(), 2);
    let apply = runner.terraform("apply -input=false p.tfplan").await;
    assert_eq!((apply.code, apply.stderr.as_str()), (0, ""));
    assert!(
        apply
            .stdout
            .contains("Apply complete! Resources: 0 added, 1 changed, 0 destroyed.")
    );
    assert_eq!(runner.serial(), 3);
    assert_eq!(
        runner.gitlab.project().states.holder(STATE_NAME),
        None,
        "the lock was given back"
    );
    let again = runner.terraform("apply p.tfplan").await;
    assert!(again.stderr.contains("Saved plan is stale"), "{}", again.stderr);
}

#[tokio::test]
async fn another_file_is_no_plan() {
    let runner = Runner::start(estate::approver(), STEP).await;
    runner.terraform("init").await;
    std::fs::write(runner.folder.path().join("p.tfplan"), "PK not this one").unwrap();
    for line in ["apply p.tfplan", "show -json p.tfplan", "apply missing.tfplan"] {
        let ran = runner.terraform(line).await;
        assert_eq!(ran.code, 1, "{line}");
        assert!(ran.stderr.contains("as a plan file"), "{line}: {}", ran.stderr);
    }
    assert_eq!(runner.serial(), 2);
}

#[tokio::test]
async fn a_developers_plan_must_not_lock() {
    let runner = Runner::start(estate::author(), STEP).await;
    runner.terraform("init").await;
    let locked = runner.terraform("plan -out=p.tfplan").await;
    assert_eq!(locked.code, 1);
    assert!(
        locked.stderr.contains("HTTP remote state endpoint invalid auth"),
        "{}",
        locked.stderr
    );
    assert_eq!(runner.terraform("plan -out=p.tfplan -lock=false").await.code, 0);
}

#[tokio::test]
async fn a_state_that_somebody_holds_is_not_applied_to() {
    let runner = Runner::start(estate::approver(), STEP).await;
    runner.terraform("init").await;
    runner.terraform("plan -out=p.tfplan").await;
    let lock = serde_json::json!({"ID": "theirs", "Operation": "o", "Info": "", "Who": "w", "Version": "v",
                                  "Created": "c", "Path": ""});
    let now = "2026-11-23T20:00:00.000Z";
    runner
        .gitlab
        .project()
        .states
        .lock(STATE_NAME, &lock, "nora", now)
        .unwrap();
    let apply = runner.terraform("apply p.tfplan").await;
    assert_eq!(apply.code, 1);
    assert!(
        apply
            .stderr
            .contains("HTTP remote state already locked: ID=theirs"),
        "{}",
        apply.stderr
    );
}

#[tokio::test]
async fn without_init_there_is_no_plan() {
    let runner = Runner::start(estate::approver(), STEP).await;
    assert!(
        runner
            .terraform("plan")
            .await
            .stderr
            .contains("Backend initialization required")
    );
    assert_eq!(runner.terraform("init -backend=false").await.code, 0);
    assert!(
        runner
            .terraform("plan")
            .await
            .stderr
            .contains("Backend initialization required")
    );
    assert_eq!(
        runner.terraform("validate -json").await.code,
        0,
        "validating needs no backend"
    );
}

#[tokio::test]
async fn an_unapplied_recording_can_be_planned_only() {
    let runner = Runner::start(estate::approver(), "10-opens-ssh-to-the-world").await;
    runner.terraform("init").await;
    assert_eq!(
        runner
            .terraform("plan -out=p.tfplan -detailed-exitcode")
            .await
            .code,
        2
    );
    assert_eq!(runner.terraform("show -json p.tfplan").await.code, 0);
    assert!(
        runner
            .terraform("apply p.tfplan")
            .await
            .stderr
            .contains("recorded without being applied")
    );
}

#[tokio::test]
async fn a_failed_plan_fails_again() {
    let runner = Runner::start(estate::approver(), "9-errored").await;
    runner.terraform("init").await;
    let plan = runner.terraform("plan -out=p.tfplan -detailed-exitcode").await;
    assert_eq!(plan.code, 1);
    assert!(plan.stdout.contains("Resource precondition failed"));
}

#[tokio::test]
async fn the_version_is_the_recorded_one() {
    let runner = Runner::start(estate::approver(), STEP).await;
    let version: Value = serde_json::from_str(&runner.terraform("version -json").await.stdout).unwrap();
    assert_eq!(version["terraform_version"], "1.11.4");
}
