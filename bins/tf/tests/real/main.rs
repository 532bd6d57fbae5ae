//! The real terraform, through the wrapper, on the managed state of the GitLab stand-in. Needs no provider: the built-in
//! `terraform_data` is enough. `PORTCULLIS_TEST_TERRAFORM` names another program than the `terraform` on the PATH, such as
//! OpenTofu's. Without it these tests are skipped, and say so; where `PORTCULLIS_REQUIRE_TERRAFORM` is set, as `.ci/run` does
//! in CI, that is a failure.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

mod estate;

use estate::{Estate, JOB, OTHER_TOKEN, TOKEN};
use portcullis_sandbox::fault::Fault;
use portcullis_sandbox::gitlab::wire::LockedWrite;
use portcullis_sandbox::gitlab::{JobStatus, Role};

#[test]
fn init_plan_apply_and_a_second_plan_is_empty() {
    let Some(estate) = Estate::new(Role::Maintainer) else {
        return;
    };
    estate.resource("a", "one");
    let init = estate.run(&["init"]);
    assert_eq!(init.code, 0, "{}", init.text);
    let plan = estate.run(&["plan", "-out=x.tfplan", "-detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.text);
    assert!(
        plan.text
            .contains("state production of project 42 at 127.0.0.1:PORT, without its lock (-lock=false)"),
        "{}",
        plan.text
    );
    assert!(!plan.text.contains("explained"), "{}", plan.text);
    let apply = estate.run(&["apply", "x.tfplan"]);
    assert_eq!(apply.code, 0, "{}", apply.text);
    assert_eq!(estate.lock_of("production"), None);
    let empty = estate.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(empty.code, 0, "{}", empty.text);
    // Data is data: standard output is JSON, and nothing of ours is in it.
    let output = estate.run(&["output", "-json"]);
    assert!(output.stdout.starts_with(b"{\n  \"a\": {\n"), "{}", output.text);
    assert!(output.stdout.ends_with(b"}\n"), "{}", output.text);
    assert!(
        !estate.all_files().contains(TOKEN),
        "neither plan nor folder holds the token"
    );
}

#[test]
fn two_names_are_two_states() {
    let Some(estate) = Estate::new(Role::Maintainer) else {
        return;
    };
    estate.resource("a", "one");
    estate.ready();
    assert_eq!(estate.run(&["apply", "-auto-approve"]).code, 0);
    let staging = |words: &[&str]| estate.run(&[&["--state-name", "staging"], words].concat());
    assert_eq!(staging(&["init"]).code, 0);
    assert_eq!(
        staging(&["plan", "-detailed-exitcode"]).code,
        2,
        "nothing is there yet"
    );
    estate.resource("b", "two");
    assert_eq!(staging(&["apply", "-auto-approve"]).code, 0);
    assert!(!estate.state("production").contains("\"b\"") && estate.state("staging").contains("\"b\""));
}

#[test]
fn of_two_at_once_the_second_is_told_what_holds_the_lock() {
    let Some(estate) = Estate::new(Role::Maintainer) else {
        return;
    };
    estate.waiting_resource();
    estate.ready();
    let first = estate.start(&["apply", "-auto-approve"]);
    estate.wait_until_started();
    let holder = estate.lock_of("production").unwrap();
    let second = estate.run(&["apply", "-auto-approve"]);
    assert_eq!(second.code, 1);
    insta::assert_snapshot!("locked-by-another-run", second.ours().replace(&holder, "HOLDER"));
    // Words for programs are understood, too.
    let json = estate.run(&["apply", "-auto-approve", "-json"]);
    assert_eq!(json.ours(), second.ours());
    // With an access token GitLab tells who and since when.
    let since = estate
        .gitlab()
        .states
        .holder("production")
        .unwrap()
        .created
        .clone();
    let told = estate.see(
        &estate
            .command(TOKEN, &["apply", "-auto-approve"])
            .env("PORTCULLIS_GITLAB_TOKEN", estate.access_token())
            .output()
            .unwrap(),
    );
    insta::assert_snapshot!(
        "locked-by-somebody-known",
        told.ours().replace(&holder, "HOLDER").replace(&since, "SINCE")
    );
    estate.go();
    let first = first.end();
    assert_eq!(first.code, 0, "{}", first.text);
    assert_eq!(estate.lock_of("production"), None);
}

#[test]
fn a_killed_run_leaves_its_lock_and_there_is_a_way_out() {
    let Some(estate) = Estate::new(Role::Maintainer) else {
        return;
    };
    estate.waiting_resource();
    estate.ready();
    let killed = estate.start(&["apply", "-auto-approve"]);
    estate.wait_until_started();
    killed.kill_all("KILL");
    let left = estate.lock_of("production").unwrap();
    estate.resource("a", "one");
    let refused = estate.run(&["apply", "-auto-approve"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .text
            .contains(&format!("`portcullis-tf force-unlock -force {left}`")),
        "{}",
        refused.text
    );
    let unlock = estate.run(&["force-unlock", "-force", &left]);
    assert_eq!(unlock.code, 0, "{}", unlock.text);
    let apply = estate.run(&["apply", "-auto-approve"]);
    assert_eq!(apply.code, 0, "{}", apply.text);
}

#[test]
fn a_cancelled_apply_stores_its_state_and_leaves_no_lock() {
    let Some(estate) = Estate::new(Role::Maintainer) else {
        return;
    };
    // To the wrapper alone, and to every process of the job; terraform's words for people, and for programs.
    for (all, words) in [
        (false, &["apply", "-auto-approve"][..]),
        (true, &["apply", "-auto-approve"]),
        (true, &["apply", "-auto-approve", "-json"]),
    ] {
        estate.waiting_resource();
        estate.ready();
        let apply = estate.start(words);
        estate.wait_until_started();
        if all {
            apply.kill_all("TERM");
        } else {
            apply.kill("TERM");
        }
        let apply = apply.end();
        assert_eq!(apply.code, 1, "{}", apply.text);
        assert!(apply.text.contains("Gracefully shutting down"), "{}", apply.text);
        assert!(!apply.text.contains("Two interrupts"), "{}", apply.text);
        let told = if all { "has it, too" } else { "is told" };
        assert!(
            apply
                .text
                .contains(&format!("SIGTERM: {} apply {told}", estate.program())),
            "{}",
            apply.text
        );
        assert!(
            apply.text.contains("the job was cancelled (SIGTERM)"),
            "{}",
            apply.text
        );
        assert_eq!(estate.lock_of("production"), None, "{}", apply.text);
        assert!(
            estate.state("production").contains("\"before\""),
            "what was done is stored"
        );
    }
}

#[test]
fn a_state_that_is_too_large_is_kept_and_can_be_pushed_later() {
    let Some(estate) = Estate::new(Role::Maintainer) else {
        return;
    };
    estate.resource("a", "one");
    estate.ready();
    estate.gitlab().states.size_limit = 100;
    let apply = estate.run(&["apply", "-auto-approve"]);
    assert_eq!(apply.code, 1);
    insta::assert_snapshot!("too-large", apply.ours());
    assert_eq!(estate.lock_of("production"), None);
    estate.gitlab().states.size_limit = 0;
    let push = estate.run(&["state", "push", "errored.tfstate"]);
    assert_eq!(push.code, 0, "{}", push.text);
    assert!(estate.state("production").contains("\"one\""));
}

#[test]
fn a_token_that_dies_during_an_apply_loses_nothing() {
    let Some(estate) = Estate::new(Role::Maintainer) else {
        return;
    };
    estate.waiting_resource();
    estate.ready();
    let apply = estate.start(&["apply", "-auto-approve"]);
    estate.wait_until_started();
    let left = estate.lock_of("production").unwrap();
    estate
        .gitlab()
        .end_job(JOB, JobStatus::Failed, "2026-11-24T00:00:00Z");
    estate.go();
    let apply = apply.end();
    assert_eq!(apply.code, 1);
    insta::assert_snapshot!("token-died", apply.ours());
    estate.new_job(OTHER_TOKEN);
    let again = |words: &[&str]| estate.run_as(OTHER_TOKEN, words);
    let locked = again(&["state", "push", "errored.tfstate"]);
    assert_eq!(locked.code, 1, "{}", locked.text);
    assert_eq!(again(&["force-unlock", "-force", &left]).code, 0);
    let push = again(&["state", "push", "errored.tfstate"]);
    assert_eq!(push.code, 0, "{}", push.text);
    assert!(estate.state("production").contains("\"before\""));
}

#[test]
fn an_access_token_may_stand_in_the_job_tokens_place() {
    let Some(estate) = Estate::new(Role::Maintainer) else {
        return;
    };
    estate.resource("a", "one");
    let mut init = estate.command("glcbt-64_unknown", &["init"]);
    let init = estate.see(
        &init
            .env("PORTCULLIS_STATE_TOKEN", estate.access_token())
            .env("GITLAB_USER_LOGIN", "ada")
            .output()
            .unwrap(),
    );
    assert_eq!(init.code, 0, "{}", init.text);
}

#[test]
fn a_serial_that_exists_is_explained() {
    let Some(estate) = Estate::new(Role::Maintainer) else {
        return;
    };
    estate.waiting_resource();
    estate.ready();
    let apply = estate.start(&["apply", "-auto-approve", "-lock=false"]);
    estate.wait_until_started();
    for serial in 1..10 {
        let other = format!(r#"{{"version": 4, "serial": {serial}, "lineage": "other"}}"#);
        estate
            .gitlab()
            .states
            .seed("production", serial, other.into_bytes());
    }
    estate.go();
    let apply = apply.end();
    assert_eq!(apply.code, 1);
    insta::assert_snapshot!("serial-exists", apply.ours());
    // The way out that is told.
    let mut state: serde_json::Value = serde_json::from_str(&estate.read("errored.tfstate")).unwrap();
    state["serial"] = 100.into();
    estate.write("errored.tfstate", &state.to_string());
    let push = estate.run(&["state", "push", "-force", "errored.tfstate"]);
    assert_eq!(push.code, 0, "{}", push.text);
    assert!(estate.state("production").contains("\"waits\""));
}

#[test]
fn a_gitlab_that_is_away_for_a_moment_is_asked_again() {
    let Some(estate) = Estate::new(Role::Maintainer) else {
        return;
    };
    estate.resource("a", "one");
    estate.ready();
    estate.faults().set_for_next(2, Fault::Unavailable);
    let plan = estate.run(&["plan"]);
    assert_eq!(plan.code, 0, "{}", plan.text);
    estate.faults().set(Fault::Unavailable);
    let away = estate.run(&["plan"]);
    assert_eq!(away.code, 1);
    insta::assert_snapshot!("gitlab-is-away", away.ours());
}

#[test]
fn a_developer_plans_and_is_told_why_the_rest_fails() {
    let Some(estate) = Estate::new(Role::Developer) else {
        return;
    };
    estate.resource("a", "one");
    estate.ready();
    let plan = estate.run(&["plan"]);
    assert_eq!(plan.code, 0, "{}", plan.text);
    let locking = estate.run(&["--plan-lock", "plan"]);
    assert_eq!(locking.code, 1);
    insta::assert_snapshot!("developer-locks-for-a-plan", locking.ours());
    let apply = estate.run(&["apply", "-auto-approve"]);
    assert_eq!(apply.code, 1);
    insta::assert_snapshot!("developer-applies", apply.ours());
    let writing = estate.run(&["apply", "-auto-approve", "-lock=false"]);
    assert_eq!(writing.code, 1);
    insta::assert_snapshot!("developer-writes-without-a-lock", writing.ours());
    let unlocking = estate.run(&["force-unlock", "-force", "0123"]);
    assert_eq!(unlocking.code, 1);
    insta::assert_snapshot!("developer-unlocks", unlocking.ours());
}

#[test]
fn a_reporter_and_a_stranger_are_told_apart() {
    let Some(estate) = Estate::new(Role::Reporter) else {
        return;
    };
    estate.resource("a", "one");
    let reporter = estate.run(&["init"]);
    assert_eq!(reporter.code, 1);
    insta::assert_snapshot!("reporter-reads", reporter.ours());
    let stranger = estate.run_as("glcbt-64_unknown", &["init"]);
    insta::assert_snapshot!("stranger-reads", stranger.ours());
}

#[test]
fn a_state_that_would_not_be_gitlabs_is_not_written() {
    let Some(estate) = Estate::new(Role::Maintainer) else {
        return;
    };
    estate.write("main.tf", "resource \"terraform_data\" \"a\" {}\n");
    let init = estate.run(&["init"]);
    assert_eq!(init.code, 0);
    insta::assert_snapshot!("no-backend-at-init", init.ours());
    let apply = estate.run(&["apply", "-auto-approve"]);
    assert_eq!(apply.code, 64);
    insta::assert_snapshot!("no-backend-at-apply", apply.ours());
    assert!(!estate.all_files().contains("terraform_data.a: Creating"));
}

#[test]
fn what_is_wrong_in_the_folder_is_explained() {
    let Some(estate) = Estate::new(Role::Maintainer) else {
        return;
    };
    estate.resource("a", "one");
    let not_initialised = estate.run(&["plan"]);
    insta::assert_snapshot!("not-initialised", not_initialised.ours());
    estate.ready();
    let workspace = estate.run(&["workspace", "new", "x"]);
    insta::assert_snapshot!("workspaces", workspace.ours());
    assert_eq!(estate.run(&["plan", "-out=old.tfplan"]).code, 0);
    assert_eq!(estate.run(&["apply", "-auto-approve"]).code, 0);
    let stale = estate.run(&["apply", "old.tfplan"]);
    insta::assert_snapshot!("stale-plan", stale.ours());
}

#[test]
fn a_write_beside_another_runs_lock_is_explained() {
    // GitLab's code translates this conflict nowhere, so both answers must be coped with.
    for (answer, name) in [
        (LockedWrite::Conflict, "beside-a-lock-409"),
        (LockedWrite::ServerError, "beside-a-lock-500"),
    ] {
        let Some(estate) = Estate::with(Role::Maintainer, answer) else {
            return;
        };
        estate.waiting_resource();
        estate.ready();
        let first = estate.start(&["apply", "-auto-approve"]);
        estate.wait_until_started();
        estate.resource("a", "one");
        let beside = estate.run(&["apply", "-auto-approve", "-lock=false"]);
        assert_eq!(beside.code, 1, "{}", beside.text);
        insta::assert_snapshot!(name, beside.ours());
        estate.go();
        let first = first.end();
        assert_eq!(first.code, 0, "{}", first.text);
    }
}
