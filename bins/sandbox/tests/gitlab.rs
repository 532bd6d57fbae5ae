//! The GitLab stand-in at the wire.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_sandbox::estate;
use portcullis_sandbox::fault::Fault;
use portcullis_sandbox::gitlab::Gitlab;
use portcullis_sandbox::gitlab::wire::LockedWrite;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

const TOKEN: &str = "glpat-1";
const MAINTAINERS_JOB: &str = "job-maintainer";
const DEVELOPERS_JOB: &str = "job-developer";

struct Wire {
    gitlab: Gitlab,
    http: Client,
}

impl Wire {
    async fn start(locked_write: LockedWrite) -> Self {
        let mut project = estate::project(&estate::commit("A change"));
        project.grant(TOKEN, estate::approver());
        project.start_job(
            501,
            MAINTAINERS_JOB,
            estate::approver(),
            "2026-11-23T20:00:00.000Z",
        );
        project.start_job(502, DEVELOPERS_JOB, estate::author(), "2026-11-23T20:00:00.000Z");
        portcullis_sandbox::choose_cryptography();
        let gitlab = Gitlab::start(0, project, locked_write).await.unwrap();
        Self {
            gitlab,
            http: Client::builder().no_proxy().build().unwrap(),
        }
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}/api/v4{path}", self.gitlab.url()))
    }

    /// A call on the managed state, as a job makes it.
    fn state(&self, method: Method, rest: &str, job: &str) -> RequestBuilder {
        self.call(method, &format!("/projects/42/terraform/state/estate{rest}"))
            .basic_auth("gitlab-ci-token", Some(job))
    }
}

/// Status and body, on one line.
async fn answer(request: RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    format!("{status} {}", response.text().await.unwrap())
}

fn lock(id: &str, operation: &str) -> Value {
    json!({"ID": id, "Operation": operation, "Info": "", "Who": "me@laptop", "Version": "1.11.4",
           "Created": "2026-11-23T20:00:00Z", "Path": ""})
}

#[tokio::test]
async fn an_apply_goes_through_lock_read_write_and_unlock() {
    let wire = Wire::start(LockedWrite::Conflict).await;
    let state = |method, rest| wire.state(method, rest, MAINTAINERS_JOB);
    assert_eq!(
        answer(state(Method::GET, "")).await,
        r#"404 {"message":"404 File Not Found"}"#
    );
    let held = state(Method::POST, "/lock")
        .json(&lock("a", "OperationTypeApply"))
        .send()
        .await
        .unwrap();
    assert_eq!(held.status(), StatusCode::OK);
    assert_eq!(
        held.json::<Value>().await.unwrap()["Who"],
        "tomas",
        "the login takes the place of what was sent"
    );
    assert_eq!(answer(state(Method::GET, "")).await, "204 ");
    let body = json!({"serial": 1, "lineage": "l"});
    assert_eq!(answer(state(Method::POST, "?ID=a").json(&body)).await, "200 ");
    assert_eq!(
        answer(state(Method::DELETE, "/lock").json(&lock("a", "OperationTypeApply"))).await,
        "200 "
    );
    assert_eq!(answer(state(Method::GET, "")).await, format!("200 {body}"));
    assert_eq!(
        answer(state(Method::GET, "/versions/1")).await,
        format!("200 {body}")
    );
    assert_eq!(answer(state(Method::DELETE, "/versions/1")).await, "204 ");
}

#[tokio::test]
async fn a_lock_conflict_shows_the_holder_mixed_with_the_asker() {
    let wire = Wire::start(LockedWrite::Conflict).await;
    let state = |rest| wire.state(Method::POST, rest, MAINTAINERS_JOB);
    state("/lock")
        .json(&lock("first", "OperationTypePlan"))
        .send()
        .await
        .unwrap();
    let refused = state("/lock")
        .json(&lock("second", "OperationTypeApply"))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let shown: Value = refused.json().await.unwrap();
    assert_eq!(
        (&shown["ID"], &shown["Operation"]),
        (&json!("first"), &json!("OperationTypeApply"))
    );
    assert_eq!(
        answer(state("/lock").json(&json!({"ID": "x"}))).await,
        r#"400 {"error":"Operation is missing"}"#
    );
    let unlock = wire.state(Method::DELETE, "/lock?ID=second", MAINTAINERS_JOB);
    assert!(answer(unlock).await.starts_with("409 "));
}

#[tokio::test]
async fn a_write_to_a_locked_state_answers_as_switched() {
    for (switch, code) in [(LockedWrite::Conflict, 409), (LockedWrite::ServerError, 500)] {
        let wire = Wire::start(switch).await;
        wire.state(Method::POST, "/lock", MAINTAINERS_JOB)
            .json(&lock("a", "x"))
            .send()
            .await
            .unwrap();
        let write = wire
            .state(Method::POST, "?ID=b", MAINTAINERS_JOB)
            .json(&json!({"serial": 1}));
        assert_eq!(write.send().await.unwrap().status().as_u16(), code);
    }
}

#[tokio::test]
async fn a_repeated_serial_and_a_state_too_large_are_refused() {
    let wire = Wire::start(LockedWrite::Conflict).await;
    let write = |body: &Value| wire.state(Method::POST, "", MAINTAINERS_JOB).json(body);
    assert_eq!(answer(write(&json!({"serial": 1}))).await, "200 ");
    assert!(answer(write(&json!({"serial": 1}))).await.starts_with("422 "));
    wire.gitlab.project().states.size_limit = 20;
    assert_eq!(
        answer(write(&json!({"serial": 2, "padding": "xxxxxxxxxx"}))).await,
        "413 "
    );
}

#[tokio::test]
async fn a_developer_may_read_a_state_and_nothing_else() {
    let wire = Wire::start(LockedWrite::Conflict).await;
    wire.gitlab.project().states.seed("estate", 1, b"{}".to_vec());
    let state = |method, rest| wire.state(method, rest, DEVELOPERS_JOB);
    assert_eq!(answer(state(Method::GET, "")).await, "200 {}");
    let forbidden = r#"403 {"message":"403 Forbidden"}"#;
    assert_eq!(
        answer(state(Method::POST, "/lock").json(&lock("a", "x"))).await,
        forbidden
    );
    assert_eq!(
        answer(state(Method::POST, "").json(&json!({"serial": 2}))).await,
        forbidden
    );
    assert_eq!(answer(state(Method::DELETE, "")).await, forbidden);
}

#[tokio::test]
async fn a_job_token_opens_the_state_by_basic_authentication_only() {
    let wire = Wire::start(LockedWrite::Conflict).await;
    wire.gitlab.project().states.seed("estate", 1, b"{}".to_vec());
    let unauthorized = r#"401 {"message":"401 Unauthorized"}"#;
    let state = || wire.call(Method::GET, "/projects/42/terraform/state/estate");
    assert_eq!(answer(state()).await, unauthorized);
    assert_eq!(
        answer(state().header("JOB-TOKEN", MAINTAINERS_JOB)).await,
        unauthorized
    );
    assert_eq!(
        answer(state().basic_auth("nora", Some(MAINTAINERS_JOB))).await,
        unauthorized
    );
    assert_eq!(
        answer(state().basic_auth("gitlab-ci-token", Some("wrong"))).await,
        unauthorized
    );
    assert_eq!(
        answer(state().basic_auth("gitlab-ci-token", Some(MAINTAINERS_JOB))).await,
        "200 {}"
    );
    assert_eq!(answer(state().header("PRIVATE-TOKEN", TOKEN)).await, "200 {}");
}

#[tokio::test]
async fn the_project_answers_to_its_number_and_its_path() {
    let wire = Wire::start(LockedWrite::Conflict).await;
    wire.gitlab.project().states.seed("a/b", 1, b"{}".to_vec());
    let state = |project: &str| {
        wire.call(Method::GET, &format!("/projects/{project}/terraform/state/a%2Fb"))
            .basic_auth("gitlab-ci-token", Some(DEVELOPERS_JOB))
    };
    assert_eq!(answer(state("42")).await, "200 {}");
    assert_eq!(answer(state("harbour%2Festate")).await, "200 {}");
    assert_eq!(
        answer(state("43")).await,
        r#"404 {"message":"404 Project Not Found"}"#
    );
    assert_eq!(
        answer(wire.call(Method::GET, "/nothing")).await,
        r#"404 {"error":"404 Not Found"}"#
    );
}

#[tokio::test]
async fn a_pipelines_jobs_come_in_pages() {
    let wire = Wire::start(LockedWrite::Conflict).await;
    let mut next = Some(format!(
        "{}/api/v4/projects/42/pipelines/1042/jobs?per_page=4",
        wire.gitlab.url()
    ));
    let mut names = Vec::new();
    let mut pages = 0;
    while let Some(address) = next {
        let response = wire
            .http
            .get(address)
            .header("JOB-TOKEN", DEVELOPERS_JOB)
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["x-total"], "10");
        let link = response.headers()["link"].to_str().unwrap().to_owned();
        next = link
            .split(", ")
            .find_map(|part| part.strip_suffix("; rel=\"next\""))
            .map(|part| part.trim_matches(['<', '>']).to_owned());
        let jobs: Vec<Value> = response.json().await.unwrap();
        names.extend(jobs.iter().map(|job| job["name"].as_str().unwrap().to_owned()));
        pages += 1;
    }
    assert_eq!((pages, names.len()), (3, 10));
    assert_eq!(names[0], "finish", "the newest comes first");
    let running = wire
        .call(Method::GET, "/projects/42/pipelines/1042/jobs?scope[]=running")
        .header("JOB-TOKEN", DEVELOPERS_JOB);
    let running: Vec<Value> = running.send().await.unwrap().json().await.unwrap();
    assert_eq!(running.len(), 2);
}

#[tokio::test]
async fn a_job_knows_itself_but_not_the_others() {
    let wire = Wire::start(LockedWrite::Conflict).await;
    let own = wire.call(Method::GET, "/job").header("JOB-TOKEN", DEVELOPERS_JOB);
    let own: Value = own.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&own["name"], &own["user"]["username"]),
        (&json!("validate"), &json!("nora"))
    );
    let other = |token: &str| {
        wire.call(Method::GET, "/projects/42/jobs/505")
            .header("JOB-TOKEN", token)
    };
    assert!(answer(other(DEVELOPERS_JOB)).await.starts_with("401 "));
    let by_token = wire.call(Method::GET, "/projects/42/jobs/505").bearer_auth(TOKEN);
    assert!(answer(by_token).await.starts_with("200 "));
}

#[tokio::test]
async fn a_manual_job_is_played_once() {
    let wire = Wire::start(LockedWrite::Conflict).await;
    let play = || {
        wire.call(Method::POST, "/projects/42/jobs/505/play")
            .header("PRIVATE-TOKEN", TOKEN)
    };
    assert_eq!(
        answer(play()).await,
        r#"400 {"message":"400 Bad request - Unplayable Job"}"#
    );
    wire.gitlab
        .project()
        .set_status(505, portcullis_sandbox::gitlab::JobStatus::Manual);
    let played: Value = play().send().await.unwrap().json().await.unwrap();
    assert_eq!(played["user"]["username"], "tomas");
    assert!(answer(play()).await.starts_with("400 "));
}

#[tokio::test]
async fn notes_are_written_with_a_token_of_scope_api_only() {
    let wire = Wire::start(LockedWrite::Conflict).await;
    let notes = |method| wire.call(method, "/projects/42/merge_requests/7/notes");
    let by_job = notes(Method::POST)
        .header("JOB-TOKEN", MAINTAINERS_JOB)
        .json(&json!({"body": "x"}));
    assert!(answer(by_job).await.contains(r#""error":"insufficient_scope""#));
    let create = |body: Value| notes(Method::POST).header("PRIVATE-TOKEN", TOKEN).json(&body);
    assert_eq!(
        answer(create(json!({}))).await,
        r#"400 {"error":"body is missing"}"#
    );
    assert_eq!(
        answer(create(json!({"body": ""}))).await,
        r#"400 {"message":{"note":["can't be blank"]}}"#
    );
    let note: Value = create(json!({"body": "one"}))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let path = format!("/projects/42/merge_requests/7/notes/{}", note["id"]);
    let update = wire
        .call(Method::PUT, &path)
        .header("PRIVATE-TOKEN", TOKEN)
        .json(&json!({"body": "two"}));
    assert!(answer(update).await.starts_with("200 "));
    let list = notes(Method::GET).header("JOB-TOKEN", MAINTAINERS_JOB);
    let list: Vec<Value> = list.send().await.unwrap().json().await.unwrap();
    assert_eq!(list[0]["body"], "two");
    let elsewhere = wire
        .call(Method::GET, "/projects/42/merge_requests/8/notes")
        .header("PRIVATE-TOKEN", TOKEN);
    assert!(answer(elsewhere).await.starts_with("404 "));
}

#[tokio::test]
async fn a_commit_status_does_not_go_where_it_is() {
    let wire = Wire::start(LockedWrite::Conflict).await;
    let sha = wire.gitlab.project().commit.clone();
    let post = |state: &str| {
        wire.call(Method::POST, &format!("/projects/42/statuses/{sha}"))
            .header("PRIVATE-TOKEN", TOKEN)
            .json(&json!({"state": state, "name": "portcullis"}))
    };
    assert!(answer(post("running")).await.starts_with("201 "));
    assert!(answer(post("running")).await.contains("Cannot transition status"));
    assert!(answer(post("success")).await.starts_with("201 "));
    assert!(answer(post("fine")).await.starts_with("400 "));
}

#[tokio::test]
async fn faults_come_and_go() {
    let wire = Wire::start(LockedWrite::Conflict).await;
    let job = || wire.call(Method::GET, "/job").header("JOB-TOKEN", DEVELOPERS_JOB);
    wire.gitlab.faults.set(Fault::Unavailable);
    assert!(answer(job()).await.starts_with("503 <html>"));
    wire.gitlab.faults.set(Fault::RateLimited { retry_after: 3 });
    let limited = job().send().await.unwrap();
    assert_eq!(
        (limited.status().as_u16(), &limited.headers()["retry-after"]),
        (429, &"3".parse().unwrap())
    );
    assert_eq!(limited.text().await.unwrap(), "Retry later\n");
    wire.gitlab.faults.set(Fault::Unauthorized);
    assert!(answer(job()).await.starts_with("401 "));
    wire.gitlab.faults.clear();
    let well = job().send().await.unwrap();
    assert_eq!(well.headers()["ratelimit-limit"], "2000");
    assert_eq!(well.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_refused_connection_gives_no_answer() {
    let wire = Wire::start(LockedWrite::Conflict).await;
    wire.gitlab.faults.set(Fault::Refuse);
    let refused = wire.call(Method::GET, "/version").send().await;
    assert!(refused.is_err(), "{refused:?}");
}
