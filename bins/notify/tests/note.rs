//! The merge request's note, with a GitLab that is faked at the wire. Slack is not configured.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_evidence::{Approval, ApprovalRequest, Bound};
use portcullis_report::{Finding, GroupRef, Report, Severity, Standing, Verdict};
use serde_json::{Value, json};
use std::process::Command;
use tempfile::TempDir;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const ACCESS_TOKEN: &str = "glpat-hushhush";
const MARKER: &str = "<!-- portcullis: production -->";

/// A folder with what the earlier stages left.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = folder.path().join("portcullis");
    std::fs::create_dir(&artifacts).unwrap();
    let ssh = Finding::new("no-ssh-from-the-internet", Severity::Critical, Verdict::Violation)
        .group(GroupRef::address("aws_security_group.web"))
        .exposure("tcp 22 from the whole IPv4 internet @all <img src=x>")
        .standing(Standing::New);
    let compliance = Report::new("compliance", vec![ssh]).to_json().unwrap();
    std::fs::write(artifacts.join("compliance.json"), compliance).unwrap();
    let digest = "5".repeat(64);
    let request = ApprovalRequest {
        format_version: "1.0".into(),
        digest: digest.clone(),
        bound: Bound {
            plan_file: digest.clone(),
            plan_json: digest.clone(),
            policy: digest.clone(),
            compliance: digest.clone(),
            verdict: Verdict::Pass,
            exposure: digest.clone(),
            commit: "3f2a1b0c".repeat(5),
            state_lineage: None,
            state_serial: None,
            terraform: "terraform 1.11.4".into(),
            provider_lock: None,
            portcullis: None,
        },
        requested_at: "2026-01-31T12:00:00Z".into(),
        requested_by: Some("ada".into()),
        author: None,
        headline: "opens tcp 22".into(),
        approvers: Vec::new(),
        remarks: Vec::new(),
        good_until: None,
    };
    let text = serde_json::to_string(&request).unwrap();
    std::fs::write(artifacts.join("approval-request.json"), text).unwrap();
    let approval = Approval {
        format_version: "1.0".into(),
        digest,
        approved_by: "grace".into(),
        approved_at: "2026-01-31T12:10:00Z".into(),
        job_url: None,
        outcome: "applied".into(),
        exit_code: Some(0),
        ..Approval::default()
    };
    let text = serde_json::to_string(&approval).unwrap();
    std::fs::write(artifacts.join("approval.json"), text).unwrap();
    folder
}

/// Exit code and what was said, ports left out.
async fn notify(gitlab: &MockServer, folder: &TempDir, event: &str, more: &[(&str, &str)]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis-notify"));
    command.arg(event).current_dir(folder.path()).env_clear().envs([
        ("CI_API_V4_URL", format!("{}/api/v4", gitlab.uri()).as_str()),
        ("CI_PROJECT_ID", "42"),
        ("CI_PROJECT_PATH", "infra/estate"),
        ("CI_PIPELINE_ID", "1201"),
        (
            "CI_PIPELINE_URL",
            "https://gitlab.example/infra/estate/-/pipelines/1201",
        ),
        ("CI_COMMIT_SHA", "3f2a1b0c3f2a1b0c"),
        ("CI_COMMIT_SHORT_SHA", "3f2a1b0c"),
        ("CI_JOB_TOKEN", "glcbt-64_hushhush"),
        ("PORTCULLIS_STATE_NAME", "production"),
        ("PORTCULLIS_NOW", "2026-01-31T12:00:00Z"),
        ("PORTCULLIS_RETRY_WAIT", "0"),
    ]);
    command.envs(more.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("hush"), "a token in {said}");
    let said = said.replace(gitlab.uri().trim_start_matches("http://"), "GITLAB");
    (output.status.code().unwrap(), said)
}

/// A GitLab with merge request !7, which has these notes.
async fn gitlab(notes: Value) -> MockServer {
    let server = MockServer::start().await;
    let answers = [
        ("/api/v4/user", json!({"id": 3, "username": "project_42_bot"})),
        ("/api/v4/projects/42/merge_requests/7/notes", notes),
        (
            "/api/v4/projects/42/repository/commits/3f2a1b0c3f2a1b0c/merge_requests",
            json!([{"iid": 6, "state": "closed"}, {"iid": 7, "state": "merged"}]),
        ),
        (
            "/api/v4/projects/42/pipelines/1201/jobs",
            json!([{"id": 9, "name": "deploy", "stage": "deploy", "status": "manual",
                    "web_url": "https://gitlab.example/infra/estate/-/jobs/9"}]),
        ),
    ];
    for (at, answer) in answers {
        Mock::given(method("GET"))
            .and(path(at))
            .and(header("PRIVATE-TOKEN", ACCESS_TOKEN))
            .respond_with(ResponseTemplate::new(200).set_body_json(answer))
            .mount(&server)
            .await;
    }
    for verb in ["POST", "PUT"] {
        Mock::given(method(verb))
            .and(header("PRIVATE-TOKEN", ACCESS_TOKEN))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"id": 70, "body": ""})))
            .mount(&server)
            .await;
    }
    server
}

/// The note that was sent, and where.
async fn sent(server: &MockServer) -> Vec<(String, String)> {
    let requests = server.received_requests().await.unwrap();
    let writes = requests.iter().filter(|request| request.method.as_str() != "GET");
    writes
        .map(|request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let at = format!("{} {}", request.method, request.url.path());
            (at, body["body"].as_str().unwrap().to_owned())
        })
        .collect()
}

const TOKEN: (&str, &str) = ("PORTCULLIS_GITLAB_TOKEN", ACCESS_TOKEN);

#[tokio::test]
async fn a_merge_request_gets_one_note_that_is_changed_in_place() {
    let server = gitlab(json!([])).await;
    let merge_request = ("CI_MERGE_REQUEST_IID", "7");
    let (code, said) = notify(&server, &folder(), "planned", &[TOKEN, merge_request]).await;
    assert_eq!(
        (code, said.as_str()),
        (0, "gitlab: note 70 of merge request !7 written\n")
    );
    let notes = sent(&server).await;
    assert_eq!(notes[0].0, "POST /api/v4/projects/42/merge_requests/7/notes");
    insta::assert_snapshot!("note-planned", notes[0].1);

    let there =
        json!([{"id": 70, "body": notes[0].1.trim_end(), "author": {"id": 3, "username": "project_42_bot"}}]);
    let server = gitlab(there).await;
    let (_, said) = notify(&server, &folder(), "planned", &[TOKEN, merge_request]).await;
    assert_eq!(said, "gitlab: note 70 of merge request !7 up to date\n");
    assert!(sent(&server).await.is_empty());
}

#[tokio::test]
async fn on_the_default_branch_the_note_of_the_merged_request_says_where_to_approve() {
    let old = json!([{"id": 70, "body": format!("{MARKER}\n\nold"), "author": {"id": 3, "username": "project_42_bot"}}]);
    let server = gitlab(old).await;
    let (code, said) = notify(&server, &folder(), "requested", &[TOKEN]).await;
    assert_eq!(code, 0);
    assert!(
        said.contains("gitlab: note 70 of merge request !7 updated\n"),
        "{said}"
    );
    let notes = sent(&server).await;
    assert_eq!(notes[0].0, "PUT /api/v4/projects/42/merge_requests/7/notes/70");
    insta::assert_snapshot!("note-requested", notes[0].1);

    notify(&server, &folder(), "deployed", &[TOKEN]).await;
    notify(&server, &folder(), "planned", &[TOKEN]).await;
    notify(&server, &folder(), "failed", &[TOKEN]).await;
    let notes = sent(&server).await;
    assert!(notes[2].1.contains("**Planned and judged** after the merge."));
    let failed = "**Deployed**, approved by <code>grace</code>. Digest <code>555555555555</code>. The pipeline failed afterwards;";
    assert!(notes[3].1.contains(failed), "{}", notes[3].1);
    insta::assert_snapshot!(
        "note-deployed",
        notes[1].1.lines().take(5).collect::<Vec<_>>().join("\n")
    );
}

#[tokio::test]
async fn without_an_access_token_the_job_goes_on_and_says_what_is_missing() {
    let server = gitlab(json!([])).await;
    let (code, said) = notify(&server, &folder(), "planned", &[("CI_MERGE_REQUEST_IID", "7")]).await;
    assert_eq!(code, 0);
    insta::assert_snapshot!("note-without-token", said);
    assert!(server.received_requests().await.unwrap().is_empty());

    // On a branch nobody misses it.
    let (code, said) = notify(&server, &folder(), "planned", &[]).await;
    assert_eq!((code, said.as_str()), (0, ""));
}

#[tokio::test]
async fn a_gitlab_that_refuses_the_note_never_fails_the_job() {
    let server = MockServer::start().await;
    Mock::given(path("/api/v4/user"))
        .respond_with(ResponseTemplate::new(401).set_body_json(json!({"message": "401 Unauthorized"})))
        .expect(1)
        .mount(&server)
        .await;
    let (code, said) = notify(
        &server,
        &folder(),
        "planned",
        &[TOKEN, ("CI_MERGE_REQUEST_IID", "7")],
    )
    .await;
    assert_eq!(code, 0);
    insta::assert_snapshot!("note-refused", said);
}

/// The statuses that were sent, in order: state, name and description.
async fn statuses(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    let writes = requests
        .iter()
        .filter(|request| request.url.path().contains("/statuses/"));
    writes
        .map(|request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!(
                request.url.path(),
                "/api/v4/projects/42/statuses/3f2a1b0c3f2a1b0c"
            );
            assert_eq!(body["pipeline_id"], 1201);
            let text = |key: &str| body[key].as_str().unwrap().to_owned();
            format!("{} {}: {}", text("state"), text("name"), text("description"))
        })
        .collect()
}

#[tokio::test]
async fn statuses_are_set_where_they_are_asked_for_and_never_fail_the_job() {
    let folder = folder();
    let server = gitlab(json!([])).await;
    let token = ("PORTCULLIS_GITLAB_TOKEN", ACCESS_TOKEN);
    notify(&server, &folder, "planned", &[token]).await;
    assert!(statuses(&server).await.is_empty(), "nobody asked");
    let wanted = ("PORTCULLIS_COMMIT_STATUS", "true");
    for event in ["planned", "requested", "deployed"] {
        let (code, said) = notify(&server, &folder, event, &[token, wanted]).await;
        assert_eq!(code, 0, "{said}");
    }
    insta::assert_snapshot!("statuses", statuses(&server).await.join("\n"));

    let (code, said) = notify(&server, &folder, "requested", &[wanted]).await;
    assert_eq!(code, 0, "{said}");
    let line = said.lines().find(|line| line.contains("status")).unwrap();
    insta::assert_snapshot!("status-without-token", line);
}
