//! The built binary, with a small program in terraform's place and a GitLab faked at the wire.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

mod job;

use job::{ARGUMENTS, AUTHOR, BASE, COMMIT, Job, POLICY, STATE, error};
use portcullis_evidence::{ApprovalRequest, NONCE, SealKey, seal_file};
use portcullis_report::{Report, Verdict};
use std::{fs, process::Command};

/// A plan that opens tcp 22 to the internet.
const OPENS_SSH: &str = r#"{"format_version": "1.2", "resource_changes": [
  {"address": "aws_security_group.web", "mode": "managed", "type": "aws_security_group", "name": "web",
   "change": {"actions": ["create"], "before": null, "after_unknown": {"id": true},
    "after": {"name": "web", "egress": [], "ingress": [{"protocol": "tcp", "from_port": 22, "to_port": 22,
      "cidr_blocks": ["0.0.0.0/0"]}]}}}]}"#;

#[tokio::test]
async fn what_was_approved_is_applied_and_recorded() {
    let job = Job::new().await;
    let (code, text) = job.run();
    assert_eq!(code, 0, "{text}");
    insta::assert_snapshot!("applied", text);
    let calls = job.read("calls");
    // The plan lies in a folder of its own meanwhile.
    insta::with_settings!({filters => vec![(r"/\S+/plan.tfplan", "PRIVATE/plan.tfplan")]}, {
        insta::assert_snapshot!("calls", calls.replace(" \n", "\n"));
    });
    assert_eq!(
        job.read("portcullis/apply.txt"),
        "applying the saved plan with [masked]\n"
    );
    let approval = job.read("portcullis/approval.json");
    let request: ApprovalRequest =
        serde_json::from_str(&job.read("portcullis/approval-request.json")).unwrap();
    assert!(approval.contains(&request.digest));
    insta::assert_snapshot!("approval", approval.replace(&request.digest, "DIGEST"));
}

/// Before the change the policy forbade more.
fn loosened(job: &mut Job) {
    let before = POLICY.replace("no-rdp", "no-remote-desktop");
    job.gitlab.has_file("policy.yaml", BASE, &before);
}

#[tokio::test]
async fn whatever_changed_since_the_approval_is_refused_with_one_sentence() {
    type Change = fn(&mut Job);
    let table: [(&str, Change); 46] = [
        ("plan swapped", |job| {
            job.write("portcullis/plan.tfplan", "another plan");
        }),
        ("plan json swapped", |job| job.write("portcullis/plan.json", "{}")),
        ("policy changed", |job| {
            job.write("policy.yaml", &format!("{POLICY}# weaker\n"));
        }),
        ("exposure report changed", |job| {
            job.write("portcullis/exposure.json", "{}");
        }),
        ("provider lock changed", |job| {
            job.write("config/.terraform.lock.hcl", "provider \"evil\" {}\n");
        }),
        ("provider lock gone", |job| {
            fs::remove_file(job.path("config/.terraform.lock.hcl")).unwrap();
        }),
        ("another commit", |job| {
            job.set("CI_COMMIT_SHA", "fedcba98");
            let own = job.gitlab.what("job").replace(COMMIT, "fedcba98");
            job.gitlab.has("job", &own);
        }),
        ("another terraform", |job| job.terraform("1.12.0", 0)),
        ("request edited", |job| {
            let text = job
                .read("portcullis/approval-request.json")
                .replace("tcp 8000", "tcp 8001");
            job.write("portcullis/approval-request.json", &text);
        }),
        ("verdict not pass", |job| {
            let report = Report::new("compliance", Vec::new()).at_least(Verdict::Violation);
            job.write("portcullis/compliance.json", &report.to_json().unwrap());
            job.seal(Verdict::Violation, Some(AUTHOR));
        }),
        ("author plays", |job| {
            job.set("GITLAB_USER_EMAIL", "ada@example.org");
        }),
        ("request sealed anew with another author", |job| {
            job.seal(Verdict::Pass, Some("Eve <eve@example.org>"));
        }),
        ("request sealed anew without author", |job| {
            job.seal(Verdict::Pass, None);
        }),
        ("the player's login is set as a variable", |job| {
            job.set("GITLAB_USER_LOGIN", "somebody-else");
        }),
        ("the commit is set as a variable", |job| {
            job.set("CI_COMMIT_SHA", "fedcba98");
        }),
        ("who opened the merge request plays", |job| {
            let request = job
                .gitlab
                .what("projects/42/merge_requests/7")
                .replace("ada", "grace");
            job.gitlab.has("projects/42/merge_requests/7", &request);
        }),
        ("who wrote another commit plays", |job| {
            job.set("PORTCULLIS_GITLAB_TOKEN", "glpat-never-shown-1");
            job.gitlab.tells(
                "projects/42/merge_requests/7/commits",
                r#"[{"id": "a", "author_name": "G", "author_email": "GRACE@example.org"}]"#,
            );
        }),
        ("who started the pipeline plays", |job| {
            job.guarded_by("{version: 1, four_eyes: [author, starter]}");
            job.gitlab.has(
                "projects/42/pipelines/9",
                r#"{"id": 9, "user": {"id": 12, "username": "grace"}}"#,
            );
        }),
        ("all hands are asked for, and one is not known", |job| {
            job.guarded_by("{version: 1, four_eyes: [author, commits, opener]}");
        }),
        ("not on the list", |job| {
            job.guarded_by("{version: 1, approvers: {users: [tomas, lin]}}");
        }),
        ("a group that this job may not read", |job| {
            job.guarded_by("{version: 1, approvers: {groups: [{path: platform/ops}]}}");
        }),
        ("no member of the group", |job| {
            job.guarded_by("{version: 1, approvers: {groups: [{path: platform/ops, role: developer}]}}");
            job.set("PORTCULLIS_GITLAB_TOKEN", "glpat-never-shown-1");
        }),
        ("too old", |job| {
            job.guarded_by("{version: 1, max_age: 15m}");
        }),
        ("too old by GitLab's clock, whatever the machine says", |job| {
            let own = job
                .gitlab
                .what("job")
                .replace("2026-11-23T12:29", "2026-12-01T12:29");
            job.gitlab.has("job", &own);
        }),
        ("branch not protected", |job| {
            job.gitlab.has(
                "projects/42/repository/branches",
                r#"[{"name": "main", "protected": false}]"#,
            );
        }),
        ("nobody knows whether the branch is protected", |job| {
            job.gitlab.has_not("projects/42/repository/branches");
            job.set("CI_COMMIT_REF_PROTECTED", "");
        }),
        ("environment not protected, and it must be", |job| {
            job.guarded_by("{version: 1, refuse: [environment-not-protected]}");
            job.set("PORTCULLIS_GITLAB_TOKEN", "glpat-never-shown-1");
            job.set("CI_ENVIRONMENT_NAME", "production");
            job.gitlab
                .tells("projects/42/protected_environments", r#"[{"name": "staging"}]"#);
        }),
        ("environment not readable, and it must be", |job| {
            job.guarded_by("{version: 1, refuse: [environment-not-known]}");
            job.set("CI_ENVIRONMENT_NAME", "production");
        }),
        ("environment must be protected, and nobody may look", |job| {
            job.guarded_by("{version: 1, refuse: [environment-not-protected]}");
            job.set("CI_ENVIRONMENT_NAME", "production");
        }),
        ("environment must be protected, and the job is in none", |job| {
            job.guarded_by("{version: 1, refuse: [environment-not-protected]}");
        }),
        ("too few approvals", |job| {
            job.guarded_by("{version: 1, approvals: 1}");
            job.set("PORTCULLIS_GITLAB_TOKEN", "glpat-never-shown-1");
            job.gitlab.tells(
                "projects/42/merge_requests/7/approvals",
                r#"{"approved_by": [{"user": {"id": 11, "username": "ada"}}]}"#,
            );
        }),
        ("policy loosened in the same change", |job| {
            let before = POLICY
                .replace("ports: [22]", "ports: [22, 23]")
                .replace("no-rdp", "no-remote-desktop");
            job.gitlab.has_file("policy.yaml", BASE, &before);
        }),
        ("guard file changed in the same change", |job| {
            job.write("guard.yaml", "{version: 1}");
            job.set("PORTCULLIS_GUARD", "guard.yaml");
            job.gitlab.has_file("guard.yaml", COMMIT, "{version: 1}");
        }),
        ("pipeline file changed, and it must not be", |job| {
            job.guarded_by("{version: 1, refuse: [pipeline-changed]}");
            job.gitlab
                .has_file(".gitlab-ci.yml", COMMIT, "include: ci/deploy.yml\n");
        }),
        ("a merge request is set as a variable", |job| {
            job.gitlab.has(
                "projects/42/merge_requests/8",
                r#"{"iid": 8, "title": "T", "state": "merged", "author": {"id": 13, "username": "zoe"}}"#,
            );
            job.set("CI_MERGE_REQUEST_IID", "8");
        }),
        ("where the change begins is set as a variable", |job| {
            job.set("CI_MERGE_REQUEST_DIFF_BASE_SHA", COMMIT);
        }),
        ("the branch is set as a variable", |job| {
            job.gitlab.has(
                "projects/42/repository/branches",
                r#"[{"name": "main", "protected": false}, {"name": "stable", "protected": true}]"#,
            );
            job.set("CI_COMMIT_REF_NAME", "stable");
        }),
        ("the project is set as a variable", |job| {
            job.set("CI_PROJECT_ID", "43");
            job.gitlab.has("projects/43/terraform/state/production", STATE);
        }),
        (
            "a merge request's pipeline, on a branch that a variable calls protected",
            |job| {
                let own = job
                    .gitlab
                    .what("job")
                    .replace("\"main\"", "\"refs/merge-requests/7/head\"");
                job.gitlab.has("job", &own);
            },
        ),
        (
            "policy loosened, and what was pushed onto is set as a variable",
            |job| {
                loosened(job);
                job.gitlab.has(
                    &format!("projects/42/repository/commits/{COMMIT}/merge_requests"),
                    "[]",
                );
                job.gitlab.has(
                    &format!("projects/42/repository/commits/{COMMIT}"),
                    &format!(r#"{{"id": "{COMMIT}", "parent_ids": ["{BASE}"]}}"#),
                );
                job.set("CI_COMMIT_BEFORE_SHA", COMMIT);
            },
        ),
        ("policy loosened, and GitLab says what was pushed onto", |job| {
            loosened(job);
            job.gitlab.has(
                &format!("projects/42/repository/commits/{COMMIT}/merge_requests"),
                "[]",
            );
            let pipeline =
                format!(r#"{{"id": 9, "user": {{"id": 3, "username": "lin"}}, "before_sha": "{BASE}"}}"#);
            job.gitlab.has("projects/42/pipelines/9", &pipeline);
            job.set("CI_COMMIT_BEFORE_SHA", "0ther");
            job.gitlab.has_file("policy.yaml", "0ther", POLICY);
        }),
        (
            "policy loosened, and another folder is called the checkout",
            |job| {
                loosened(job);
                let outside = job.outside.path().display().to_string();
                job.set("CI_PROJECT_DIR", &outside);
            },
        ),
        ("a policy under a new name", |job| {
            let at_base = format!("projects/42/repository/files/policy.yaml/raw?ref={BASE}");
            job.gitlab.has_not(&at_base);
        }),
        (
            "pipeline file changed, and a variable says that it is kept elsewhere",
            |job| {
                job.guarded_by("{version: 1, refuse: [pipeline-changed]}");
                job.gitlab
                    .has_file(".gitlab-ci.yml", COMMIT, "include: ci/deploy.yml\n");
                job.set("CI_CONFIG_PATH", "ci.yml@infra/pipelines");
            },
        ),
        ("the branch has moved on, and it must not", |job| {
            job.guarded_by("{version: 1, refuse: [commit-superseded]}");
            job.gitlab.has(
                "projects/42/repository/branches",
                r#"[{"name": "main", "protected": true, "commit": {"id": "fedcba9876543210"}}]"#,
            );
        }),
        ("judged again, it does not pass", |job| {
            job.write("portcullis/plan.json", OPENS_SSH);
            job.write("shown.json", OPENS_SSH);
            // Whoever may write artifacts may write a report that passes, and seal it.
            job.seal(Verdict::Pass, Some(AUTHOR));
        }),
    ];
    let mut all = String::new();
    for (name, change) in table {
        let mut job = Job::new().await;
        change(&mut job);
        let (code, text) = job.run();
        assert_eq!(code, 3, "{name}: {text}");
        assert!(!job.applied(), "{name}");
        assert!(!job.path("portcullis/approval.json").exists(), "{name}");
        let refusal: serde_json::Value = serde_json::from_str(&job.read("portcullis/refusal.json")).unwrap();
        assert!(
            text.contains(refusal["reason"].as_str().unwrap()),
            "{name}: the record says what the log says"
        );
        all.push_str(&format!("## {name}\n{}\n\n", error(&text)));
    }
    insta::assert_snapshot!("refusals", all);
}

#[tokio::test]
async fn soft_ground_is_minded_and_applied_on() {
    type Change = fn(&mut Job);
    let table: [(&str, Change); 6] = [
        ("the branch has moved on", |job| {
            job.gitlab.has(
                "projects/42/repository/branches",
                r#"[{"name": "main", "protected": true, "commit": {"id": "fedcba9876543210"}}]"#,
            );
        }),
        ("what was there before was no policy", |job| {
            job.gitlab.has_file("policy.yaml", BASE, "version: 77\n");
        }),
        ("the first policy comes with the first pipeline", |job| {
            for file in ["policy.yaml", ".gitlab-ci.yml"] {
                let at_base = format!("projects/42/repository/files/{file}/raw?ref={BASE}");
                job.gitlab.has_not(&at_base);
            }
        }),
        (
            "the policy came to the branch after the merge request began",
            |job| {
                let at_base = format!("projects/42/repository/files/policy.yaml/raw?ref={BASE}");
                job.gitlab.has_not(&at_base);
                let request = job.gitlab.what("projects/42/merge_requests/7").replacen(
                    '{',
                    &format!(r#"{{"merge_commit_sha": "{COMMIT}", "#),
                    1,
                );
                job.gitlab.has("projects/42/merge_requests/7", &request);
                job.gitlab.has(
                    &format!("projects/42/repository/commits/{COMMIT}"),
                    &format!(r#"{{"id": "{COMMIT}", "parent_ids": ["0nto", "fea7"]}}"#),
                );
                job.gitlab.has_file("policy.yaml", "0nto", POLICY);
                let file = job.gitlab.what(&format!(
                    "projects/42/repository/files/.gitlab-ci.yml/raw?ref={BASE}"
                ));
                job.gitlab.has_file(".gitlab-ci.yml", "0nto", &file);
            },
        ),
        ("only a variable says where the pipeline file is kept", |job| {
            job.set("CI_CONFIG_PATH", "ci.yml@infra/pipelines");
        }),
        ("GitLab says it, too", |job| {
            job.set("CI_CONFIG_PATH", "ci.yml@infra/pipelines");
            job.set("PORTCULLIS_GITLAB_TOKEN", "glpat-never-shown-1");
            job.gitlab.tells(
                "projects/42",
                r#"{"id": 42, "ci_config_path": "ci.yml@infra/pipelines"}"#,
            );
        }),
    ];
    let mut all = String::new();
    for (name, change) in table {
        let mut job = Job::new().await;
        change(&mut job);
        let (code, text) = job.run();
        assert_eq!(code, 0, "{name}: {text}");
        let minded: Vec<&str> = text.lines().filter(|line| line.starts_with("mind: ")).collect();
        all.push_str(&format!("## {name}\n{}\n\n", minded.join("\n")));
    }
    insta::assert_snapshot!("minded", all);
}

#[tokio::test]
async fn without_gitlabs_word_there_is_no_player() {
    let mut all = String::new();
    for (name, status, body) in [
        ("not found", 404, r#"{"message":"404 Not Found"}"#),
        ("forbidden", 403, r#"{"message":"403 Forbidden"}"#),
        ("unauthorized", 401, r#"{"message":"401 Unauthorized"}"#),
        (
            "a job of nobody",
            200,
            r#"{"id": 70, "name": "deploy", "stage": "deploy", "status": "running"}"#,
        ),
    ] {
        let mut job = Job::new().await;
        job.gitlab.answers("job", status, body);
        job.set("GITLAB_USER_LOGIN", "boss");
        let (code, text) = job.run();
        assert_eq!(code, 69, "{name}: {text}");
        assert!(!job.applied(), "{name}");
        all.push_str(&format!("## {name}\n{}\n\n", error(&text)));
    }
    insta::assert_snapshot!("nobodys-job", all);
}

#[tokio::test]
async fn terraform_and_tofu_of_the_same_version_are_two() {
    let job = Job::new().await;
    fs::rename(job.path("fake-terraform"), job.path("tofu")).unwrap();
    let mut arguments = ARGUMENTS;
    arguments[5] = "./tofu";
    let (code, text) = job.run_with(&arguments);
    assert_eq!(code, 3, "{text}");
    assert!(!job.applied());
    assert!(
        text.contains("approved terraform 1.11.4, found tofu 1.11.4"),
        "{text}"
    );
}

#[tokio::test]
async fn a_state_that_moved_is_refused() {
    let table = [
        ("moved on", 200, STATE.replace(": 3", ": 4")),
        ("another state", 200, STATE.replace("c4bc1358", "feedbeef")),
        ("gone", 204, String::new()),
    ];
    let mut all = String::new();
    for (name, status, answer) in table {
        let job = Job::new().await;
        job.gitlab
            .answers("projects/42/terraform/state/production", status, &answer);
        let (code, text) = job.run();
        assert_eq!(code, 3, "{name}: {text}");
        assert!(!job.applied(), "{name}");
        all.push_str(&format!("## {name}\n{}\n\n", error(&text)));
    }
    insta::assert_snapshot!("state-moved", all);
}

#[tokio::test]
async fn a_gitlab_in_trouble_is_69_and_an_unreadable_state_65() {
    let table = [
        ("down", 503, "", 69),
        ("web page", 200, "<html>Sign in</html>", 69),
        ("forbidden", 403, r#"{"message":"403 Forbidden"}"#, 69),
        ("no state document", 200, "[]", 65),
    ];
    let mut all = String::new();
    for (name, status, answer, expected) in table {
        let job = Job::new().await;
        job.gitlab
            .answers("projects/42/terraform/state/production", status, answer);
        let (code, text) = job.run();
        assert_eq!(code, expected, "{name}: {text}");
        assert!(!job.applied(), "{name}");
        all.push_str(&format!("## {name}\n{}\n\n", error(&text)));
    }
    insta::assert_snapshot!("gitlab-in-trouble", all);
}

#[tokio::test]
async fn a_failed_apply_says_that_the_plan_is_dead_and_keeps_the_unstored_state() {
    let job = Job::new().await;
    job.terraform("1.11.4", 1);
    let (code, text) = job.run();
    assert_eq!(code, 1);
    insta::assert_snapshot!("apply-fails", text);
    assert!(
        job.read("portcullis/approval.json")
            .contains(r#""outcome": "apply_failed""#)
    );
    assert!(
        job.read("portcullis/apply.txt")
            .contains("Error: Failed to save state")
    );

    job.write("config/errored.tfstate", STATE);
    let (code, text) = job.run();
    assert_eq!(code, 1);
    insta::assert_snapshot!("apply-fails-state-not-stored", error(&text));
    assert_eq!(job.read("portcullis/errored.tfstate"), STATE);
}

#[tokio::test]
async fn bad_input_is_one_clear_error_each() {
    type Change = fn(&mut Job);
    fn remove(job: &Job, name: &str) {
        fs::remove_file(job.path(name)).unwrap();
    }
    let table: [(&str, Change, i32); 12] = [
        (
            "no request",
            |job| remove(job, "portcullis/approval-request.json"),
            65,
        ),
        (
            "request empty",
            |job| job.write("portcullis/approval-request.json", ""),
            65,
        ),
        (
            "request cut",
            |job| {
                job.write(
                    "portcullis/approval-request.json",
                    r#"{"format_version": "1.0", "#,
                );
            },
            65,
        ),
        (
            "request is a web page",
            |job| job.write("portcullis/approval-request.json", "<html>"),
            65,
        ),
        ("no plan", |job| remove(job, "portcullis/plan.tfplan"), 65),
        (
            "no compliance report",
            |job| remove(job, "portcullis/compliance.json"),
            65,
        ),
        (
            "compliance report is no report",
            |job| job.write("portcullis/compliance.json", "[]"),
            65,
        ),
        (
            "no exposure report",
            |job| remove(job, "portcullis/exposure.json"),
            65,
        ),
        ("no policy", |job| remove(job, "policy.yaml"), 64),
        ("no commit", |job| job.set("CI_COMMIT_SHA", ""), 64),
        ("no player", |job| job.set("GITLAB_USER_LOGIN", ""), 64),
        (
            "terraform is no terraform",
            |job| job.write("fake-terraform", "#!/bin/sh\necho hello\n"),
            64,
        ),
    ];
    let mut all = String::new();
    for (name, change, expected) in table {
        let mut job = Job::new().await;
        change(&mut job);
        let (code, text) = job.run();
        assert_eq!(code, expected, "{name}: {text}");
        assert!(!job.applied(), "{name}");
        for file in ["approval.json", "apply.txt"] {
            assert!(!job.path("portcullis").join(file).exists(), "{name}: {file}");
        }
        all.push_str(&format!("## {name}\n{}\n\n", error(&text)));
    }
    insta::assert_snapshot!("bad-input", all);
}

#[tokio::test]
async fn nothing_is_applied_that_cannot_be_recorded() {
    let job = Job::new().await;
    fs::create_dir(job.path("portcullis/approval.json")).unwrap();
    let (code, text) = job.run();
    assert_eq!(code, 64, "{text}");
    assert!(!job.applied());
    assert!(
        text.contains("error: portcullis/approval.json: cannot be written"),
        "{text}"
    );
}

#[tokio::test]
async fn help_shows_examples_and_a_wrong_line_ends_with_64() {
    let job = Job::new().await;
    insta::assert_snapshot!("help", job.run_with(&["--help"]).1);
    assert!(job.run_with(&["--version"]).1.contains("portcullis-deploy 0.1.0"));
    assert_eq!(job.run_with(&["--config", "config"]).0, 64);
}

/// A plan with a sensitive value, and the same as it leaves the plan job.
const WITH_SECRET: &str = r#"{"format_version": "1.2", "resource_changes": [{"address": "aws_x.a", "mode": "managed",
  "type": "aws_x", "name": "a", "change": {"actions": ["create"], "before": null, "after": {"token": "hunter2-canary"}, "after_sensitive": {"token": true}}}],
  "configuration": {"references": ["var.a", "var.b"]}}"#;

#[tokio::test]
async fn the_plan_file_must_be_the_plan_that_people_saw() {
    let job = Job::new().await;
    let masked = WITH_SECRET.replace("hunter2-canary", "(sensitive value)");
    job.write("portcullis/plan.json", &masked);
    // Before the request was made, so that everything is as sealed.
    job.seal(Verdict::Pass, Some(AUTHOR));
    job.write("shown.json", &WITH_SECRET.replace("aws_x.a", "aws_x.b"));
    let (code, text) = job.run();
    assert_eq!(code, 3, "{text}");
    insta::assert_snapshot!("another-plan-file", error(&text));
    assert!(!job.applied());
    assert!(
        job.read("portcullis/refusal.json")
            .contains("the plan file is not the plan")
    );

    // In another order, as terraform writes it: the same plan.
    job.write(
        "shown.json",
        &WITH_SECRET.replace(r#""var.a", "var.b""#, r#""var.b", "var.a""#),
    );
    let (code, text) = job.run();
    assert_eq!(code, 0, "{text}");
    assert!(job.applied());
}

#[tokio::test]
async fn a_sealed_plan_is_opened_for_terraform_alone_and_its_secrets_are_masked() {
    let mut job = Job::new().await;
    let key = SealKey::read(&"0123456789abcdef".repeat(4)).unwrap();
    let sealed = seal_file(b"it says hunter2-canary", "plan.tfplan", &key, [7; NONCE]);
    fs::write(job.path("portcullis/plan.tfplan"), sealed).unwrap();
    job.write(
        "portcullis/plan.json",
        &WITH_SECRET.replace("hunter2-canary", "(sensitive value)"),
    );
    job.write("shown.json", WITH_SECRET);
    job.seal(Verdict::Pass, Some(AUTHOR));

    let (code, text) = job.run();
    assert_eq!(code, 64, "{text}");
    insta::assert_snapshot!("sealed-and-no-key", error(&text));
    job.set("PORTCULLIS_PLAN_KEY", &"fedcba9876543210".repeat(4));
    let (code, text) = job.run();
    assert_eq!(code, 65, "{text}");
    insta::assert_snapshot!("sealed-with-another-key", error(&text));
    assert!(!job.applied());

    job.set("PORTCULLIS_PLAN_KEY", &"0123456789abcdef".repeat(4));
    let private = job.path("tmp");
    fs::create_dir(&private).unwrap();
    job.set("TMPDIR", private.to_str().unwrap());
    let (code, text) = job.run();
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(
        job.read("portcullis/apply.txt"),
        "applying it says [masked] with [masked]\n"
    );
    assert_eq!(
        fs::read_dir(private).unwrap().count(),
        0,
        "the plan in clear is left behind"
    );
}

/// Cancels the job while this step of terraform runs: its fake waits for the signal, and says that it has begun.
fn cancelled_during(job: &Job, step: &str) -> (i32, String) {
    let root = job.folder.path().display();
    let script = format!(
        r#"#!/bin/sh
echo "$*" >> "{root}/calls"
case "$2" in
  version) echo '{{"terraform_version": "1.11.4"}}' ;;
  show) cat "{root}/shown.json" ;;
esac
if [ "$2" = {step} ]; then
  trap 'echo signal >> "{root}/calls"; echo "Interrupt received."; echo "Error: execution halted"; exit 1' TERM
  echo started > "{root}/started"
  while :; do sleep 60 >/dev/null 2>&1 & wait $!; done
fi
"#
    );
    job.write("fake-terraform", &script);
    let made = Command::new("mkfifo").arg(job.path("started")).status().unwrap();
    assert!(made.success());
    let (child, started) = (job.start(&ARGUMENTS), job.path("started"));
    assert_eq!(fs::read_to_string(started).unwrap(), "started\n");
    let kill = Command::new("sh")
        .arg("-c")
        .arg(format!("kill -TERM {}", child.id()))
        .status();
    assert!(kill.unwrap().success());
    job.see(child)
}

#[tokio::test]
async fn a_cancelled_apply_ends_in_good_order_and_is_recorded() {
    let job = Job::new().await;
    let (code, text) = cancelled_during(&job, "apply");
    assert_eq!(code, 1, "{text}");
    assert_eq!(job.read("calls").matches("signal").count(), 1, "{text}");
    assert!(text.contains("SIGTERM: fake-terraform apply is told"), "{text}");
    assert!(
        text.contains("failed with exit code 1 after the job was cancelled (SIGTERM): execution halted"),
        "{text}"
    );
    assert!(job.read("portcullis/approval.json").contains("\"apply_failed\""));
    assert!(job.read("portcullis/apply.txt").contains("Interrupt received."));
}

#[tokio::test]
async fn a_job_that_is_cancelled_before_the_apply_applies_nothing() {
    let job = Job::new().await;
    let (code, text) = cancelled_during(&job, "init");
    assert_eq!(code, 1, "{text}");
    assert!(!job.applied(), "{text}");
}
