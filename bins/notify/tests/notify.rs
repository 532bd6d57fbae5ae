//! The binary as a job runs it, against a Slack and a GitLab that are faked at the wire.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_consistency::ConsistencyReport;
use portcullis_evidence::{Approval, ApprovalRequest, Bound, Manifest};
use portcullis_exposure::ExposureReport;
use portcullis_probe::ServicesReport;
use portcullis_report::{Finding, GroupRef, Report, Severity, Standing, Verdict};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = "xoxb-1234-5678-hush";
const JOB_TOKEN: &str = "glcbt-64_hushhush";

/// One job of a pipeline: its folder and its environment.
struct Job {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Job {
    fn new(slack: &str) -> Self {
        let mut job = Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        };
        for (name, value) in [
            ("PORTCULLIS_SLACK_TOKEN", TOKEN),
            ("PORTCULLIS_SLACK_CHANNEL", "C0DEPLOYS"),
            ("PORTCULLIS_SLACK_URL", slack),
            ("PORTCULLIS_NOW", "2026-01-31T12:00:00Z"),
            ("PORTCULLIS_STATE_NAME", "production"),
            ("CI_PROJECT_ID", "42"),
            ("CI_PROJECT_PATH", "infra/estate"),
            ("CI_PIPELINE_ID", "1201"),
            (
                "CI_PIPELINE_URL",
                "https://gitlab.example/infra/estate/-/pipelines/1201",
            ),
            ("CI_COMMIT_SHORT_SHA", "3f2a1b0c"),
            ("CI_COMMIT_TITLE", "Move the web service <!channel>"),
            ("CI_COMMIT_AUTHOR", "Ada Lovelace <ada@example.org>"),
            ("CI_COMMIT_REF_NAME", "main"),
            ("CI_JOB_TOKEN", JOB_TOKEN),
        ] {
            job.set(name, value);
        }
        job
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("portcullis").join(name)
    }

    fn leave(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::create_dir_all(self.path("")).unwrap();
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// Runs the binary. Whatever happens, no token may be in what it says or leaves.
    async fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis-notify"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear();
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let mut ended = Ended {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        let mut everything = format!("{}{}", ended.stdout, ended.stderr);
        for entry in std::fs::read_dir(self.path("")).into_iter().flatten() {
            everything += &String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap());
        }
        assert!(!everything.contains("hush"), "a token in {everything}");
        ended.stderr = self.stable(&ended.stderr);
        ended
    }

    /// Without what differs from run to run: ports, and the operating system's number of "connection refused".
    fn stable(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.variables {
            if ["PORTCULLIS_SLACK_URL", "CI_API_V4_URL"].contains(&name.as_str())
                && let Some(host) = value
                    .strip_prefix("http://")
                    .and_then(|rest| rest.split('/').next())
            {
                text = text.replace(host, "HOST");
            }
        }
        text
    }
}

fn compliance(violation: bool) -> String {
    let ssh = Finding::new(
        "admin-ports-from-offices-only",
        Severity::Critical,
        Verdict::Violation,
    )
    .group(GroupRef::address("aws_security_group.web"))
    .exposure("tcp 22 from the whole IPv4 internet")
    .standing(Standing::New);
    Report::new("compliance", if violation { vec![ssh] } else { vec![] })
        .to_json()
        .unwrap()
}

fn request() -> String {
    let sum = |c: &str| c.repeat(64);
    let bound = Bound {
        plan_file: sum("1"),
        plan_json: sum("2"),
        policy: sum("3"),
        compliance: sum("4"),
        verdict: Verdict::Pass,
        exposure: sum("5"),
        commit: sum("6"),
        state_lineage: None,
        state_serial: None,
        terraform: "terraform 1.11.4".into(),
        provider_lock: None,
        portcullis: None,
    };
    serde_json::to_string(&ApprovalRequest {
        format_version: "1.0".into(),
        digest: "9b2c4d6e8f01".to_owned() + &"a".repeat(52),
        bound,
        requested_at: "2026-01-31T11:00:00Z".into(),
        requested_by: Some("ada".into()),
        author: Some("Ada Lovelace <ada@example.org>".into()),
        headline: "opens tcp 8000 from the internet on web".into(),
        approvers: Vec::new(),
        remarks: Vec::new(),
        good_until: None,
    })
    .unwrap()
}

fn approval() -> String {
    serde_json::to_string(&Approval {
        format_version: "1.0".into(),
        digest: "9b2c4d6e8f01".to_owned() + &"a".repeat(52),
        approved_by: "grace".into(),
        approved_at: "2026-01-31T11:30:00Z".into(),
        job_url: Some("https://gitlab.example/infra/estate/-/jobs/77".into()),
        outcome: "applied".into(),
        exit_code: Some(0),
        ..Approval::default()
    })
    .unwrap()
}

fn consistency() -> String {
    serde_json::to_string(&ConsistencyReport::new(Verdict::Pass, vec![])).unwrap()
}

fn services() -> String {
    serde_json::to_string(&ServicesReport {
        format_version: "1.0".into(),
        verdict: Verdict::Pass,
        checks: vec![],
        notes: vec![],
        time: None,
        pipeline: None,
        changes: None,
    })
    .unwrap()
}

async fn slack() -> MockServer {
    let server = MockServer::start().await;
    let ok = |body: Value| ResponseTemplate::new(200).set_body_json(body);
    for (call, body) in [
        (
            "chat.postMessage",
            json!({ "ok": true, "channel": "C0DEPLOYS", "ts": "1700000000.000100" }),
        ),
        (
            "chat.update",
            json!({ "ok": true, "channel": "C0DEPLOYS", "ts": "1700000000.000100" }),
        ),
        (
            "files.getUploadURLExternal",
            json!({ "ok": true, "file_id": "F1", "upload_url": format!("{}/upload", server.uri()) }),
        ),
        ("files.completeUploadExternal", json!({ "ok": true })),
    ] {
        Mock::given(method("POST"))
            .and(path(format!("/api/{call}")))
            .respond_with(ok(body))
            .mount(&server)
            .await;
    }
    Mock::given(path("/upload"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let link =
        json!({ "ok": true, "permalink": "https://team.slack.example/archives/C0DEPLOYS/p1700000000000100" });
    Mock::given(method("GET"))
        .and(path("/api/chat.getPermalink"))
        .respond_with(ok(link))
        .mount(&server)
        .await;
    server
}

/// Where the first button of a message leads.
fn button(body: &Value) -> Option<&Value> {
    let blocks = body["blocks"].as_array()?;
    let actions = blocks.iter().find(|block| block["type"] == "actions")?;
    Some(&actions["elements"][0]["url"])
}

/// The messages that were posted, in order.
async fn posted(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .filter(|request| request.url.path().ends_with("chat.postMessage"))
        .map(|request| request.body_json().unwrap())
        .collect()
}

async fn refusing(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    server
}

fn api(server: &MockServer) -> String {
    format!("{}/api/", server.uri())
}

/// What Slack was asked, one line per call: the method, the thread, the text.
async fn calls(server: &MockServer) -> String {
    let mut lines = Vec::new();
    for request in server.received_requests().await.unwrap() {
        let name = request.url.path().rsplit('/').next().unwrap().to_owned();
        // What comes of it stands in annotations.json.
        if name == "chat.getPermalink" {
            continue;
        }
        let line = match request.body_json::<Value>() {
            Ok(body) => format!(
                "{name} thread={} {}",
                body["thread_ts"],
                body["text"].as_str().unwrap_or_default()
            ),
            Err(_) => format!("{name} {}", String::from_utf8_lossy(&request.body)),
        };
        lines.push(line);
    }
    lines.join("\n")
}

#[tokio::test]
async fn the_thread_of_a_pipeline_that_ends_well() {
    let slack = slack().await;
    let gitlab = refusing(ResponseTemplate::new(200).set_body_json(json!([
        { "id": 71, "name": "plan", "stage": "plan", "status": "success" },
        { "id": 77, "name": "deploy", "stage": "deploy", "status": "manual", "web_url": "https://gitlab.example/infra/estate/-/jobs/77" },
    ])))
    .await;
    let mut job = Job::new(&api(&slack));
    job.set("CI_API_V4_URL", &format!("{}/api/v4", gitlab.uri()));
    job.leave("compliance.json", compliance(false));
    job.leave(
        "exposure.json",
        serde_json::to_string(&ExposureReport::unchanged(0)).unwrap(),
    );
    job.leave("approval-request.json", request());
    job.leave("plan.txt", "a plan\n");
    let mut said = String::new();
    for event in [
        "started",
        "requested",
        "deployed",
        "consistency",
        "checked",
        "finished",
    ] {
        match event {
            "deployed" => job.leave("approval.json", approval()),
            "consistency" => job.leave("consistency.json", consistency()),
            "checked" => job.leave("services.json", services()),
            _ => {}
        }
        let ended = job.run(&[event]).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{}", ended.stderr);
        said += &ended.stderr;
    }
    insta::assert_snapshot!("ends-well-calls", calls(&slack).await);
    insta::assert_snapshot!(said, @"
    slack: started delivered
    slack: requested delivered
    slack: deployed delivered
    slack: consistency delivered
    slack: checked delivered
    slack: finished delivered
    ");
    insta::assert_snapshot!(job.read("thread.env"), @"
    PORTCULLIS_SLACK_THREAD_CHANNEL=C0DEPLOYS
    PORTCULLIS_SLACK_THREAD_TS=1700000000.000100
    ");
    insta::assert_snapshot!(
        "approval-request-json",
        serde_json::to_string_pretty(&posted(&slack).await[1]).unwrap()
    );
    // Each job's page links what its artifacts hold, and what earlier jobs knew.
    insta::assert_snapshot!("annotations", job.read("annotations.json"));
    let manifest = Manifest::read(&job.read("evidence.json")).unwrap();
    let names: Vec<&str> = manifest.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "annotations.json",
            "approval-request.json",
            "approval.json",
            "compliance.json",
            "consistency.json",
            "exposure.json",
            "plan.txt",
            "services.json",
            "thread.env"
        ]
    );
    assert!(!job.path("undelivered.json").exists());
}

#[tokio::test]
async fn a_child_pipeline_speaks_in_its_parents_thread() {
    let slack = slack().await;
    let mut job = Job::new(&api(&slack));
    job.leave(
        "thread.env",
        "PORTCULLIS_SLACK_THREAD_CHANNEL=C0DEPLOYS\nPORTCULLIS_SLACK_THREAD_TS=1700000000.000100\n",
    );
    job.leave(
        "stacks.json",
        json!({ "format_version": "1.0", "kind": "states", "verdict": "pass", "stacks": [
            { "key": "001-production", "name": "production", "verdict": "pass", "said": [] }] })
        .to_string(),
    );
    job.set("CI_PROJECT_URL", "https://gitlab.example/infra/estate");
    job.set("PORTCULLIS_PARENT_PIPELINE", "1201");
    job.set(
        "CI_PIPELINE_URL",
        "https://gitlab.example/infra/estate/-/pipelines/1299",
    );
    let ended = job.run(&["stacks"]).await;
    assert_eq!(ended.stderr, "slack: stacks delivered\n");
    let sent: Vec<(String, String)> = slack
        .received_requests()
        .await
        .unwrap()
        .iter()
        .map(|request| {
            (
                request.url.path().to_owned(),
                String::from_utf8(request.body.clone()).unwrap(),
            )
        })
        .collect();
    let links = |call: &str, pipeline: &str| {
        sent.iter()
            .any(|(path, body)| path.ends_with(call) && body.contains(pipeline))
    };
    assert!(
        links("chat.update", "pipelines/1201") && !links("chat.update", "pipelines/1299"),
        "{sent:?}"
    );
    assert!(links("chat.postMessage", "pipelines/1299"), "{sent:?}");
}

#[tokio::test]
async fn the_thread_comes_from_the_folder_else_from_the_environment() {
    let slack = slack().await;
    let mut job = Job::new(&api(&slack));
    job.leave(
        "thread.env",
        "PORTCULLIS_SLACK_THREAD_CHANNEL=COTHER\nPORTCULLIS_SLACK_THREAD_TS=9.9\n",
    );
    job.leave("approval.json", approval());
    job.set("PORTCULLIS_SLACK_THREAD_CHANNEL", "C0DEPLOYS");
    job.set("PORTCULLIS_SLACK_THREAD_TS", "5.5");
    job.run(&["deployed"]).await;
    let requests = slack.received_requests().await.unwrap();
    let body: Value = requests[1].body_json().unwrap();
    assert_eq!(
        (&body["channel"], &body["thread_ts"]),
        (&json!("COTHER"), &json!("9.9"))
    );
    // What the last job left is newer than what GitLab took from the first one.
    std::fs::remove_file(job.path("thread.env")).unwrap();
    job.run(&["deployed"]).await;
    let body: &Value = &posted(&slack).await[1];
    assert_eq!(
        (&body["channel"], &body["thread_ts"]),
        (&json!("C0DEPLOYS"), &json!("5.5"))
    );
}

#[tokio::test]
async fn after_the_decision_the_request_has_no_button() {
    let slack = slack().await;
    let job = Job::new(&api(&slack));
    job.leave("approval-request.json", request());
    job.leave(
        "plan.txt",
        "x: Refreshing state...\nPlan: 0 to add, 1 to change, 0 to destroy.\n",
    );
    for event in ["started", "requested"] {
        job.run(&[event]).await;
    }
    insta::assert_snapshot!(job.read("thread.env"), @"
    PORTCULLIS_SLACK_THREAD_CHANNEL=C0DEPLOYS
    PORTCULLIS_SLACK_THREAD_TS=1700000000.000100
    PORTCULLIS_SLACK_REQUEST_TS=1700000000.000100
    ");
    job.leave("approval.json", approval());
    job.run(&["deployed"]).await;
    assert!(!job.read("thread.env").contains("REQUEST"));
    job.run(&["finished"]).await;
    let requests = slack.received_requests().await.unwrap();
    let updated: Vec<Value> = requests
        .iter()
        .filter(|request| request.url.path().ends_with("chat.update"))
        .map(|request| request.body_json::<Value>().unwrap())
        .filter(|body| body["metadata"]["event_payload"]["event"] == "requested")
        .collect();
    assert_eq!(updated.len(), 1, "updated once");
    assert_eq!(button(&updated[0]), None);
    let text = updated[0].to_string();
    assert!(
        text.contains("Approved by grace") && text.contains("Plan: 0 to add"),
        "{text}"
    );
}

#[tokio::test]
async fn a_refusal_is_told_as_one() {
    let slack = slack().await;
    let job = Job::new(&api(&slack));
    job.leave("approval-request.json", request());
    job.leave(
        "refusal.json",
        json!({ "format_version": "1.0", "digest": "9b2c4d6e8f01", "played_by": "eve",
                "refused_at": "2026-01-31T11:30:00Z", "job_url": null, "reason": "the state has moved" })
        .to_string(),
    );
    for event in ["started", "failed", "refused"] {
        assert_eq!(job.run(&[event]).await.code, 0);
    }
    let sent = posted(&slack).await;
    assert_eq!(sent.len(), 3);
    for message in &sent[1..] {
        assert_eq!(message["metadata"]["event_payload"]["event"], "refused");
        assert!(
            message["text"]
                .as_str()
                .unwrap()
                .contains("the state has moved. Played by eve")
        );
    }
}

/// A post whose end is in doubt is found by its key: nothing is posted twice.
#[tokio::test]
async fn a_post_in_doubt_is_not_repeated_when_it_is_there() {
    let slack = MockServer::start().await;
    let ok = json!({ "ok": true, "channel": "C0DEPLOYS", "ts": "1.1" });
    Mock::given(path("/api/chat.update"))
        .respond_with(ResponseTemplate::new(200).set_body_json(ok))
        .mount(&slack)
        .await;
    Mock::given(path("/api/chat.postMessage"))
        .respond_with(ResponseTemplate::new(504))
        .mount(&slack)
        .await;
    let there = json!({ "ok": true, "messages": [
        { "ts": "2.2", "metadata": { "event_payload": { "key": "infra/estate/1201/88/deployed" } } },
    ] });
    Mock::given(path("/api/conversations.replies"))
        .respond_with(ResponseTemplate::new(200).set_body_json(there))
        .mount(&slack)
        .await;
    let mut job = Job::new(&api(&slack));
    job.set("CI_JOB_ID", "88");
    job.set("PORTCULLIS_SLACK_THREAD_CHANNEL", "C0DEPLOYS");
    job.set("PORTCULLIS_SLACK_THREAD_TS", "1.1");
    job.leave("approval.json", approval());
    let ended = job.run(&["deployed"]).await;
    assert_eq!(ended.stderr, "slack: deployed delivered\n");
    assert_eq!(posted(&slack).await.len(), 1);
}

#[tokio::test]
async fn a_webhook_stands_in_for_the_bot() {
    let hook = refusing(ResponseTemplate::new(200).set_body_string("ok")).await;
    let revoked =
        refusing(ResponseTemplate::new(200).set_body_json(json!({ "ok": false, "error": "token_revoked" })))
            .await;
    let mut job = Job::new(&api(&revoked));
    job.set(
        "PORTCULLIS_SLACK_WEBHOOK",
        &format!("{}/services/T/B/hush", hook.uri()),
    );
    job.leave("approval.json", approval());
    let mut said = job.run(&["deployed"]).await.stderr;
    job.variables.retain(|(name, _)| name != "PORTCULLIS_SLACK_TOKEN");
    said += &job.run(&["deployed"]).await.stderr;
    insta::assert_snapshot!(said, @"
    slack: this pipeline's thread is not known (PORTCULLIS_SLACK_THREAD_TS, thread.env); starting a new one
    slack: deployed delivered by the webhook, outside the thread: chat.postMessage: slack refused: token_revoked; the bot token is wrong or was revoked: take it from the Slack app's page, OAuth & Permissions
    slack: deployed delivered by the webhook
    ");
    assert!(!job.path("undelivered.json").exists());
    let sent = hook.received_requests().await.unwrap();
    let body: Value = sent[0].body_json().unwrap();
    assert_eq!(sent.len(), 2);
    assert!(
        body["blocks"][1]
            .to_string()
            .contains("infra/estate · Move the web service"),
        "{body}"
    );
}

#[tokio::test]
async fn other_services_are_told_the_same() {
    let hook = refusing(ResponseTemplate::new(202)).await;
    let down = refusing(ResponseTemplate::new(503)).await;
    let mut job = Job::new("");
    job.variables
        .retain(|(name, _)| !name.starts_with("PORTCULLIS_SLACK"));
    for (name, server) in [("MATTERMOST", &hook), ("TEAMS", &hook), ("JSON", &down)] {
        job.set(
            &format!("PORTCULLIS_{name}_WEBHOOK"),
            &format!("{}/hush/{name}", server.uri()),
        );
    }
    job.leave("approval.json", approval());
    let ended = job.run(&["deployed"]).await;
    assert_eq!(ended.code, 0);
    insta::assert_snapshot!(ended.stderr, @"
    mattermost: deployed delivered
    teams: deployed delivered
    webhook: deployed not delivered: webhook: HTTP status 503
    ");
    let lost = job.json("undelivered.json");
    assert_eq!(lost["messages"].as_array().unwrap().len(), 1);
    assert_eq!(lost["messages"][0]["sink"], "webhook");
    let sent = hook.received_requests().await.unwrap();
    let (text, card): (Value, Value) = (sent[0].body_json().unwrap(), sent[1].body_json().unwrap());
    assert!(
        text["text"]
            .as_str()
            .unwrap()
            .starts_with("**Deployed**\ninfra/estate"),
        "{text}"
    );
    assert_eq!(card["attachments"][0]["content"]["type"], "AdaptiveCard");
}

#[tokio::test]
async fn without_a_thread_a_new_one_begins_and_says_so() {
    let slack = slack().await;
    let job = Job::new(&api(&slack));
    job.leave("approval.json", approval());
    let ended = job.run(&["deployed"]).await;
    insta::assert_snapshot!(ended.stderr, @"
    slack: this pipeline's thread is not known (PORTCULLIS_SLACK_THREAD_TS, thread.env); starting a new one
    slack: deployed delivered
    ");
    assert!(job.read("thread.env").contains("1700000000.000100"));
}

#[tokio::test]
async fn a_first_message_that_is_gone_gives_a_new_thread() {
    let slack = MockServer::start().await;
    Mock::given(path("/api/chat.update"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({ "ok": false, "error": "message_not_found" })),
        )
        .mount(&slack)
        .await;
    Mock::given(any())
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "ok": true, "channel": "C0DEPLOYS", "ts": "2.2" })),
        )
        .mount(&slack)
        .await;
    let job = Job::new(&api(&slack));
    job.leave(
        "thread.env",
        "PORTCULLIS_SLACK_THREAD_CHANNEL=C0DEPLOYS\nPORTCULLIS_SLACK_THREAD_TS=1.1\n",
    );
    job.leave("approval.json", approval());
    let ended = job.run(&["deployed"]).await;
    insta::assert_snapshot!(ended.stderr, @"
    slack: the thread's first message is gone; starting a new thread
    slack: deployed delivered
    ");
    assert!(job.read("thread.env").contains("TS=2.2"));
}

#[tokio::test]
async fn a_failure_names_the_job_and_the_worst_findings() {
    let slack = slack().await;
    let gitlab = refusing(ResponseTemplate::new(200).set_body_json(json!([
        { "id": 70, "name": "lint", "stage": "validate", "status": "failed", "allow_failure": true },
        { "id": 71, "name": "validate", "stage": "validate", "status": "failed", "failure_reason": "script_failure" },
    ])))
    .await;
    let mut job = Job::new(&api(&slack));
    job.set("CI_API_V4_URL", &format!("{}/api/v4", gitlab.uri()));
    job.leave("compliance.json", compliance(true));
    for event in ["started", "failed", "violation"] {
        let ended = job.run(&[event]).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    insta::assert_snapshot!("failure-calls", calls(&slack).await);
    let text = posted(&slack).await[1]["blocks"].to_string();
    assert!(text.contains("Job validate") && !text.contains("lint"), "{text}");
    assert!(text.contains("tcp 22 from the whole IPv4 internet"), "{text}");
}

#[tokio::test]
async fn a_deploy_job_of_another_name_is_asked_for_by_its_name() {
    let slack = slack().await;
    let gitlab = refusing(ResponseTemplate::new(200).set_body_json(json!([
        { "id": 77, "name": "apply", "stage": "deploy", "status": "manual", "web_url": "https://gitlab.example/-/jobs/77" },
    ])))
    .await;
    let mut job = Job::new(&api(&slack));
    job.set("CI_API_V4_URL", &format!("{}/api/v4", gitlab.uri()));
    job.leave("approval-request.json", request());
    job.leave("plan.txt", "a plan\n");
    let other = job.run(&["requested"]).await;
    assert!(other.stderr.contains("it has no job deploy"), "{}", other.stderr);
    job.run(&["requested", "--deploy-job", "apply"]).await;
    let sent = slack.received_requests().await.unwrap();
    let buttons: Vec<String> = sent
        .iter()
        .filter_map(|request| request.body_json::<Value>().ok())
        .filter(|body| body["thread_ts"].is_string())
        .filter_map(|body| Some(button(&body)?.to_string()))
        .collect();
    assert_eq!(
        buttons,
        [
            "\"https://gitlab.example/infra/estate/-/pipelines/1201\"",
            "\"https://gitlab.example/-/jobs/77\""
        ]
    );
}

#[tokio::test]
async fn a_gitlab_that_is_down_costs_only_the_button() {
    let slack = slack().await;
    let gitlab = refusing(ResponseTemplate::new(403)).await;
    let mut job = Job::new(&api(&slack));
    job.set("CI_API_V4_URL", &format!("{}/api/v4", gitlab.uri()));
    job.leave("approval-request.json", request());
    job.leave("compliance.json", "{\"format_version\": \"2.0\"}");
    let ended = job.run(&["requested"]).await;
    assert_eq!(ended.code, 0);
    insta::assert_snapshot!("gitlab-down-stderr", ended.stderr);
    let sent = posted(&slack).await;
    assert_eq!(
        button(&sent[2]).unwrap(),
        "https://gitlab.example/infra/estate/-/pipelines/1201"
    );
}

#[tokio::test]
async fn slack_down_never_fails_the_job_and_the_last_job_says_what_was_lost() {
    let cases = [
        // Nobody listens on port 1.
        ("refused", None),
        (
            "503",
            Some(ResponseTemplate::new(503).set_body_string("<html>down</html>")),
        ),
        (
            "web page",
            Some(ResponseTemplate::new(200).set_body_string("<html>sign in</html>")),
        ),
        (
            "revoked",
            Some(ResponseTemplate::new(200).set_body_json(json!({ "ok": false, "error": "invalid_auth" }))),
        ),
        (
            "429",
            Some(ResponseTemplate::new(429).insert_header("retry-after", "3600")),
        ),
    ];
    let mut all = String::new();
    for (name, template) in cases {
        let server = match template {
            Some(template) => Some(refusing(template).await),
            None => None,
        };
        let job = Job::new(
            &server
                .as_ref()
                .map_or_else(|| "http://127.0.0.1:1/api/".to_owned(), api),
        );
        job.leave("approval-request.json", request());
        job.leave("plan.txt", "a plan\n");
        let ended = job.run(&["requested"]).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{name}");
        let lost = job.json("undelivered.json");
        assert_eq!(lost["messages"].as_array().unwrap().len(), 1, "{name}");
        assert_eq!(lost["messages"][0]["at"], "2026-01-31T12:00:00Z");
        assert!(
            lost["messages"][0]["text"]
                .as_str()
                .unwrap()
                .contains("Opens tcp 8000"),
            "{name}: {lost}"
        );
        let told: Vec<&str> = ended
            .stderr
            .lines()
            .filter(|line| line.contains("not delivered"))
            .collect();
        all += &format!(
            "{name}\n{}\n\n",
            told.join("\n").replace("(os error 61)", "(os error 111)")
        );
        assert_eq!(told.len(), 1, "{name}: {}", ended.stderr);
    }
    insta::assert_snapshot!("slack-down", all);
}

#[tokio::test]
async fn what_was_lost_is_counted_at_the_end() {
    let mut job = Job::new("");
    job.variables
        .retain(|(name, _)| !name.starts_with("PORTCULLIS_SLACK"));
    job.leave("approval.json", approval());
    let mut said = String::new();
    for event in ["started", "deployed"] {
        said += &job.run(&[event]).await.stderr;
    }
    let slack = slack().await;
    for (name, value) in [("TOKEN", TOKEN), ("CHANNEL", "C0DEPLOYS"), ("URL", &api(&slack))] {
        job.set(&format!("PORTCULLIS_SLACK_{name}"), value);
    }
    let ended = job.run(&["finished"]).await;
    assert_eq!(ended.code, 0);
    said += &ended.stderr;
    insta::assert_snapshot!(said, @"
    slack: started not delivered: the variable PORTCULLIS_SLACK_TOKEN is not set
    slack: deployed not delivered: the variable PORTCULLIS_SLACK_TOKEN is not set
    slack: this pipeline's thread is not known (PORTCULLIS_SLACK_THREAD_TS, thread.env); starting a new one
    slack: finished delivered
    2 messages of this pipeline not delivered; see portcullis/undelivered.json
    ");
    assert!(
        calls(&slack)
            .await
            .contains("2 messages of this pipeline could not be delivered here")
    );
    insta::assert_snapshot!("undelivered", job.read("undelivered.json"));
}

#[tokio::test]
async fn bad_input_is_named() {
    let slack = slack().await;
    let job = Job::new(&api(&slack));
    let missing = job.run(&["deployed"]).await;
    job.leave("approval.json", "{\"format_version\": \"1.0\", \"dig");
    let torn = job.run(&["deployed"]).await;
    job.leave("approval.json", "{\"format_version\": \"2.0\"}");
    let newer = job.run(&["deployed"]).await;
    assert_eq!((missing.code, torn.code, newer.code), (65, 65, 65));
    insta::assert_snapshot!(format!("{}\n{}\n{}", missing.stderr, torn.stderr, newer.stderr), @"
    error: portcullis/approval.json: no such file
    hint: check the path; in a pipeline, check that the job `needs` the one that writes it

    error: portcullis/approval.json: not the document that this version reads
      caused by: EOF while parsing a string at line 1 column 30
    hint: let the stage that writes it run again, with the same version of Portcullis

    error: portcullis/approval.json: format version 2.0; this version reads 1.x
    hint: let the stage that writes it run again, with the same version of Portcullis
    ");
    let usage = job.run(&["celebrated"]).await;
    assert_eq!(usage.code, 64, "{}", usage.stderr);
    assert!(slack.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_secret_in_a_document_or_a_commit_title_is_masked() {
    let slack = slack().await;
    let mut job = Job::new(&api(&slack));
    job.set("CI_COMMIT_TITLE", &format!("oops {JOB_TOKEN}"));
    job.set("PORTCULLIS_STATE_NAME", TOKEN);
    job.run(&["started"]).await;
    let sent = calls(&slack).await;
    assert!(sent.contains("oops [masked]") && !sent.contains("hush"), "{sent}");
}

#[tokio::test]
async fn help_has_examples() {
    let job = Job::new("");
    let help = job.run(&["--help"]).await;
    assert_eq!(help.code, 0);
    insta::assert_snapshot!("help", help.stdout);
    assert!(
        job.run(&["--version"])
            .await
            .stdout
            .starts_with("portcullis-notify 0.")
    );
    assert!(Path::new(env!("CARGO_BIN_EXE_portcullis-notify")).exists());
}

#[tokio::test]
async fn nobody_is_asked_for_a_plan_that_changes_nothing() {
    let slack = slack().await;
    let job = Job::new(&api(&slack));
    job.leave("compliance.json", compliance(false));
    job.leave("plan-report.json", r#"{"create": 0, "update": 0, "delete": 0}"#);
    for event in ["started", "requested", "deployed", "finished"] {
        let ended = job.run(&[event]).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    insta::assert_snapshot!("nothing-to-do-calls", calls(&slack).await);

    // A request that is missing for another reason is no such plan.
    job.leave("plan-report.json", r#"{"create": 0, "update": 1, "delete": 0}"#);
    let ended = job.run(&["requested"]).await;
    assert_eq!(ended.code, 65, "{}", ended.stderr);
}

/// The titles and the texts of the thread's first message, as posted and as updated.
async fn heads(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .filter(|request| request.url.path().contains("/chat."))
        .filter_map(|request| request.body_json::<Value>().ok())
        .filter(|body| body["metadata"]["event_payload"]["event"] == "started")
        .map(|body| format!("{} / {}", body["blocks"][0]["text"]["text"], body["text"]))
        .collect()
}

/// Another team's pipeline that only asks its services, and a watch on drift: nothing is deployed there, and nothing says so.
#[tokio::test]
async fn a_pipeline_that_only_looks_never_says_deployed() {
    for (event, about, document, text) in [
        ("checked", "services", "services.json", services()),
        ("consistency", "comparison", "consistency.json", consistency()),
    ] {
        let slack = slack().await;
        let job = Job::new(&api(&slack));
        job.run(&["started", "--about", about]).await;
        job.leave(document, text);
        // What was left tells it as well.
        let ended = job.run(&[event]).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        job.run(&["failed", "--about", about]).await;
        let heads = heads(&slack).await;
        assert_eq!(heads.len(), 3, "{heads:?}");
        for head in heads {
            let head = head.to_lowercase();
            for wrong in ["deploy", "security group change", "planning"] {
                assert!(!head.contains(wrong), "{head}");
            }
        }
    }
}

#[tokio::test]
async fn after_an_approved_change_the_head_says_deployed() {
    let slack = slack().await;
    let job = Job::new(&api(&slack));
    job.run(&["started"]).await;
    job.leave("approval.json", approval());
    job.leave("services.json", services());
    job.run(&["checked"]).await;
    let heads = heads(&slack).await;
    assert!(heads[0].contains("Security group change"), "{heads:?}");
    assert!(heads[1].contains("deployed; the services answer"), "{heads:?}");
}

/// A deploy job that was killed leaves nothing: whether it applied anything is not known, unless GitLab tells that it never ran.
#[tokio::test]
async fn a_deploy_job_that_left_nothing_is_not_called_not_reached() {
    let jobs = |status: &str| json!([{ "id": 77, "name": "deploy", "stage": "deploy", "status": status, "started_at": null }]);
    let answers = |status| ResponseTemplate::new(200).set_body_json(jobs(status));
    let (lost, nobody) = (
        "whether the change was applied is not known",
        "The pipeline ended before anybody approved",
    );
    for (answer, ends, request_says) in [
        (
            ResponseTemplate::new(403),
            "finished: whether the change was deployed is not known",
            lost,
        ),
        (answers("failed"), "finished: the deploy job left no record", lost),
        (answers("manual"), "finished: not deployed", nobody),
        (answers("canceled"), "finished: not deployed", nobody),
    ] {
        let (slack, gitlab) = (slack().await, refusing(answer).await);
        let mut job = Job::new(&api(&slack));
        job.set("CI_API_V4_URL", &format!("{}/api/v4", gitlab.uri()));
        job.leave("approval-request.json", request());
        job.leave("plan.txt", "a plan\n");
        for event in ["started", "requested", "finished"] {
            let ended = job.run(&[event]).await;
            assert_eq!(ended.code, 0, "{}", ended.stderr);
        }
        let calls = calls(&slack).await;
        assert!(calls.contains(ends), "{ends}: {calls}");
        assert!(calls.contains(request_says), "{request_says}: {calls}");
    }
}
