//! Killed between any two steps, and played again: nothing is applied twice, and no lock is left without saying how to free it.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

mod job;

use job::{Job, STATE, error};
use std::{fs, process::Command};

/// What the run before, job 69, left.
enum Left {
    /// Nothing at all: it was killed, or its artifacts have expired.
    Nothing,
    /// What the jobs before it had left it, and no record of its own: it ended before the apply.
    Request,
    /// Its record, with this outcome.
    Record(&'static str),
}

/// A job whose pipeline had a run of it before.
async fn again(left: &Left, status: &str) -> Job {
    let job = Job::new().await;
    ran(&job, 69, left, status);
    job
}

/// One more earlier run, with this number.
fn ran(job: &Job, id: u64, left: &Left, status: &str) {
    let before = job.gitlab.what("projects/42/pipelines/9/jobs").replacen(
        '[',
        &format!(
            r#"[{{"id": {id}, "name": "deploy", "stage": "deploy", "status": "{status}", "started_at": "2026-11-23T12:10:00Z"}},"#
        ),
        1,
    );
    job.gitlab.has("projects/42/pipelines/9/jobs", &before);
    let artifacts = format!("projects/42/jobs/{id}/artifacts/portcullis");
    if !matches!(left, Left::Nothing) {
        job.gitlab
            .has(&format!("{artifacts}/approval-request.json"), "{}");
    }
    if let Left::Record(outcome) = left {
        let record = format!(
            r#"{{"format_version": "1.0", "digest": "d", "approved_by": "grace", "approved_at": "t", "job_url": null,
                "outcome": "{outcome}", "exit_code": null}}"#
        );
        job.gitlab.has(&format!("{artifacts}/approval.json"), &record);
    }
}

#[tokio::test]
async fn played_again_after_it_was_killed() {
    let moved = STATE.replace("\"serial\": 3", "\"serial\": 4");
    let table = [
        (
            "before the apply: it left what it was given",
            Left::Request,
            "failed",
            false,
            0,
        ),
        (
            "waiting for the lock",
            Left::Record("state_locked"),
            "failed",
            false,
            0,
        ),
        (
            "in the middle of the apply, by a signal",
            Left::Record("apply_begun"),
            "canceled",
            false,
            3,
        ),
        (
            "in the middle of the apply, by the machine",
            Left::Nothing,
            "failed",
            false,
            3,
        ),
        (
            "after an apply that failed and stored no state",
            Left::Record("apply_failed"),
            "failed",
            false,
            3,
        ),
        (
            "after an apply that failed and stored its state",
            Left::Record("apply_failed"),
            "failed",
            true,
            3,
        ),
        (
            "after the apply, before the record",
            Left::Nothing,
            "failed",
            true,
            3,
        ),
        ("after the record", Left::Record("applied"), "success", true, 3),
        (
            "after the record of an apply that moved nothing",
            Left::Record("applied"),
            "success",
            false,
            3,
        ),
        (
            "a record of a later version",
            Left::Record("something new"),
            "failed",
            false,
            3,
        ),
    ];
    let mut all = String::new();
    for (when, left, status, has_moved, expected) in table {
        let job = again(&left, status).await;
        if has_moved {
            job.gitlab.has("projects/42/terraform/state/production", &moved);
        }
        let (code, text) = job.run();
        assert_eq!(code, expected, "{when}: {text}");
        assert_eq!(job.applied(), expected == 0, "{when}");
        if expected == 0 {
            all.push_str(&format!("## {when}\napplied\n\n"));
        } else {
            assert!(job.path("portcullis/refusal.json").exists(), "{when}");
            assert!(!job.path("portcullis/approval.json").exists(), "{when}");
            all.push_str(&format!("## {when}\n{}\n\n", error(&text)));
        }
    }
    insta::assert_snapshot!("played-again", all);
}

#[tokio::test]
async fn played_a_third_time_after_the_second_was_refused() {
    let table = [
        (
            "the first applied a part and stored no state",
            Left::Record("apply_failed"),
            3,
        ),
        ("the first was killed and left nothing", Left::Nothing, 3),
        ("the first applied, and moved nothing", Left::Record("applied"), 3),
        (
            "the first could not take the lock",
            Left::Record("state_locked"),
            0,
        ),
        ("the first was refused, too", Left::Request, 0),
    ];
    let mut all = String::new();
    for (when, first, expected) in table {
        // A run that is refused leaves what it was given, and no record of an apply.
        let job = again(&Left::Request, "failed").await;
        ran(&job, 68, &first, "failed");
        let (code, text) = job.run();
        assert_eq!(code, expected, "{when}: {text}");
        assert_eq!(job.applied(), expected == 0, "{when}");
        let said = if expected == 0 {
            "applied".to_owned()
        } else {
            error(&text)
        };
        all.push_str(&format!("## {when}\n{said}\n\n"));
    }
    insta::assert_snapshot!("played-a-third-time", all);
}

#[tokio::test]
async fn a_gitlab_that_does_not_tell_of_earlier_runs_is_said() {
    let job = Job::new().await;
    job.gitlab.has_not("projects/42/pipelines/9/jobs");
    let (code, text) = job.run();
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("note: GitLab does not tell this job whether it ran before in this pipeline"),
        "{text}"
    );
}

#[tokio::test]
async fn a_state_that_somebody_else_moved_says_who_where_a_token_tells() {
    let mut job = Job::new().await;
    job.gitlab.has(
        "projects/42/terraform/state/production",
        &STATE.replace("\"serial\": 3", "\"serial\": 4"),
    );
    job.set("PORTCULLIS_GITLAB_TOKEN", "glpat-never-shown-1");
    job.gitlab.tells(
        "/api/graphql",
        r#"{"data": {"project": {"terraformState": {"name": "production", "latestVersion": {"serial": 4,
            "createdByUser": {"username": "lin"}, "job": {"id": "gid://gitlab/Ci::Build/505"}}}}}}"#,
    );
    let (code, text) = job.run();
    assert_eq!(code, 3, "{text}");
    insta::assert_snapshot!("moved-by-somebody", error(&text));
}

#[tokio::test]
async fn what_the_record_says_while_terraform_applies() {
    let job = Job::new().await;
    let root = job.folder.path().display();
    // Its terraform looks at the record as the machine would leave it if it went down now.
    let script = format!(
        r#"#!/bin/sh
case "$2" in
  version) echo '{{"terraform_version": "1.11.4"}}' ;;
  show) cat "{root}/shown.json" ;;
  apply) cp "{root}/portcullis/approval.json" "{root}/meanwhile.json" ;;
esac
"#
    );
    job.write("fake-terraform", &script);
    let (code, text) = job.run();
    assert_eq!(code, 0, "{text}");
    let meanwhile: serde_json::Value = serde_json::from_str(&job.read("meanwhile.json")).unwrap();
    assert_eq!(meanwhile["outcome"], "apply_begun");
    assert_eq!(meanwhile["exit_code"], serde_json::Value::Null);
    assert_eq!(meanwhile["approved_by"], "grace");
    assert!(job.read("portcullis/approval.json").contains("\"applied\""));
}

#[tokio::test]
async fn a_lock_that_was_left_says_who_holds_it_and_how_to_free_it() {
    let mut job = Job::new().await;
    let script = r#"#!/bin/sh
case "$2" in
  version) echo '{"terraform_version": "1.11.4"}' ;;
  show) cat shown.json ;;
  apply) echo "Error: Error acquiring the state lock"; exit 1 ;;
esac
"#;
    job.write("fake-terraform", script);
    let (code, text) = job.run();
    assert_eq!(code, 1, "{text}");
    let mut all = error(&text);
    assert!(job.read("portcullis/approval.json").contains("\"state_locked\""));

    job.set("PORTCULLIS_GITLAB_TOKEN", "glpat-never-shown-1");
    job.gitlab.tells(
        "/api/graphql",
        r#"{"data": {"project": {"terraformState": {"name": "production", "lockedAt": "2026-11-23T12:10:00Z",
            "lockedByUser": {"username": "grace"}}}}}"#,
    );
    all.push_str("\n\n");
    all.push_str(&error(&job.run().1));
    insta::assert_snapshot!("lock-left", all);
}

#[tokio::test]
async fn a_killed_deploy_leaves_a_record_that_it_had_begun() {
    let job = Job::new().await;
    let root = job.folder.path().display().to_string();
    let script = format!(
        r#"#!/bin/sh
case "$2" in
  version) echo '{{"terraform_version": "1.11.4"}}' ;;
  show) cat "{root}/shown.json" ;;
  apply) echo $$ > "{root}/started"; exec sleep 60 ;;
esac
"#
    );
    job.write("fake-terraform", &script);
    assert!(
        Command::new("mkfifo")
            .arg(job.path("started"))
            .status()
            .unwrap()
            .success()
    );
    let mut child = job.start(&job::ARGUMENTS);
    let terraform = fs::read_to_string(job.path("started")).unwrap();
    // As the machine does it: both at once, without a word.
    child.kill().unwrap();
    let killed = Command::new("kill").arg("-KILL").arg(terraform.trim()).status();
    assert!(killed.unwrap().success());
    child.wait().unwrap();
    assert!(job.read("portcullis/approval.json").contains("\"apply_begun\""));
    assert!(!job.path("portcullis/apply.txt").exists());
}
