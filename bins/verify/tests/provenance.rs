//! Who wrote the state: told by what deploy left, by GitLab, or said to be not known.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests start processes and write files"
)]

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn repository(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join(path).display().to_string()
}

/// What the report says of the state, when GitLab knows this of its newest version, and deploy left this serial.
async fn state(version: Option<Value>, left: Option<u64>) -> Value {
    let server = MockServer::start().await;
    let recorded = std::fs::read(repository("fixtures/estate/2-correct-web-port/state.json")).unwrap();
    let lineage: Value = serde_json::from_slice(&recorded).unwrap();
    Mock::given(method("GET"))
        .and(path("/api/v4/projects/7/terraform/state/estate"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(recorded))
        .mount(&server)
        .await;
    let answer =
        json!({"data": {"project": {"terraformState": {"name": "estate", "latestVersion": version}}}});
    Mock::given(method("POST"))
        .and(path("/api/graphql"))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    let folder = tempfile::tempdir().unwrap();
    if let Some(serial) = left {
        let approval = json!({"format_version": "1.0", "digest": "0", "approved_by": "grace", "outcome": "applied",
            "approved_at": "2026-11-24T05:00:00Z", "job_url": "https://gitlab.example/a/b/-/jobs/77", "exit_code": 0,
            "state_lineage": lineage["lineage"], "state_serial": serial});
        std::fs::write(folder.path().join("approval.json"), approval.to_string()).unwrap();
    }
    let api = format!("{}/api/v4", server.uri());
    let token = version.is_some();
    tokio::task::spawn_blocking(move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis-verify"));
        command
            .arg("--plan")
            .arg(repository("fixtures/estate/2-correct-web-port/plan.json"))
            .arg("--live")
            .arg(repository("fixtures/estate/2-correct-web-port/aws"))
            .arg("--config")
            .arg(repository("fixtures/estate/config"))
            .args([
                "--managed-state",
                "--state-name",
                "estate",
                "--format",
                "json",
                "--artifacts",
            ])
            .arg(folder.path())
            .env_clear()
            .envs([
                ("CI_API_V4_URL", api.as_str()),
                ("CI_PROJECT_ID", "7"),
                ("CI_PROJECT_PATH", "a/b"),
            ])
            .envs([
                ("CI_JOB_TOKEN", "glcbt-64_of-this-job"),
                ("PORTCULLIS_RETRY_WAIT", "0"),
            ]);
        if token {
            command.env("PORTCULLIS_GITLAB_TOKEN", "glpat-of-this-project");
        }
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        // It is a remark, whatever it says.
        assert_eq!(output.status.code(), Some(0), "{told}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["state"].clone()
    })
    .await
    .unwrap()
}

fn version(job: &Value) -> Value {
    json!({"serial": 3, "createdAt": "2026-11-24T05:01:00Z", "createdByUser": {"username": "grace"}, "job": job})
}

#[tokio::test]
async fn who_wrote_the_state_is_told_as_far_as_it_is_known() {
    let serial = 3;
    let job = json!({"id": "gid://gitlab/Ci::Build/505", "name": "deploy"});
    for (version, left, origin) in [
        (None, Some(serial), "this_pipeline"),
        (None, None, "unknown"),
        (None, Some(serial - 1), "another_writer"),
        (Some(version(&job)), None, "a_job"),
        (Some(version(&job)), Some(serial - 1), "another_writer"),
        (Some(version(&Value::Null)), None, "outside"),
    ] {
        let told = state(version.clone(), left).await;
        assert_eq!(told["origin"], origin, "{version:?} {left:?}: {told}");
        assert_eq!(told["serial"], serial);
        if origin == "outside" {
            assert_eq!(told["by"], "grace");
        }
    }
}
