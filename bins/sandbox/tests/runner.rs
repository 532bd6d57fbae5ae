//! Another program than the demo runs the jobs: it takes them and ends them at the runner's door.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_sandbox::estate;
use portcullis_sandbox::gitlab::wire::LockedWrite;
use portcullis_sandbox::serve::{Options, Stands, start};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

async fn stands() -> Stands {
    portcullis_sandbox::choose_cryptography();
    start(&Options {
        gitlab: 0,
        slack: 0,
        state: None,
        recording: "../../fixtures/estate/2-correct-web-port".into(),
        gitlab_fault: None,
        slack_fault: None,
        locked_write: LockedWrite::default(),
    })
    .await
    .unwrap()
}

async fn take(stands: &Stands, job: Value) -> (u64, Value) {
    let answer = Client::new()
        .post(format!("{}/-/runner/jobs", stands.gitlab.url()))
        .body(job.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let taken: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    (taken["id"].as_u64().unwrap(), taken["variables"].clone())
}

async fn own_job(stands: &Stands, token: &str) -> StatusCode {
    let request = Client::new().get(format!("{}/api/v4/job", stands.gitlab.url()));
    request.header("JOB-TOKEN", token).send().await.unwrap().status()
}

async fn remembered(stands: &Stands) -> Value {
    let answer = reqwest::get(format!("{}/-/runner", stands.gitlab.url()))
        .await
        .unwrap();
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_job_has_its_token_until_it_ends() {
    let stands = stands().await;
    let (id, variables) = take(&stands, json!({"name": "plan", "stage": "plan"})).await;
    let token = variables["CI_JOB_TOKEN"].as_str().unwrap();
    assert_eq!(variables["GITLAB_USER_LOGIN"], estate::author().login);
    assert_eq!(own_job(&stands, token).await, StatusCode::OK);

    let end = Client::new().put(format!("{}/-/runner/jobs/{id}", stands.gitlab.url()));
    let answer = end
        .body(json!({"exit_code": 1}).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(own_job(&stands, token).await, StatusCode::UNAUTHORIZED);
    let jobs = remembered(&stands).await["jobs"].clone();
    let plan = jobs.as_array().unwrap().iter().find(|job| job["name"] == "plan");
    assert_eq!(plan.unwrap()["status"], "failed");
}

#[tokio::test]
async fn a_played_job_is_the_approvers_and_an_unknown_one_is_added() {
    let stands = stands().await;
    let (_, variables) = take(&stands, json!({"name": "of a child", "manual": true})).await;
    assert_eq!(variables["GITLAB_USER_LOGIN"], estate::approver().login);
    assert_eq!(variables["CI_JOB_MANUAL"], "true");
    // What all jobs share is told once, by the stand-ins' own variables.
    assert_eq!(variables["CI_PIPELINE_ID"], Value::Null);
    let jobs = remembered(&stands).await["jobs"].clone();
    assert_eq!(jobs.as_array().unwrap().last().unwrap()["name"], "of a child");
}

#[tokio::test]
async fn what_is_no_job_is_refused() {
    let stands = stands().await;
    let request = Client::new().post(format!("{}/-/runner/jobs", stands.gitlab.url()));
    let answer = request.body("{}").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}
