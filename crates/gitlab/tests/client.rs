//! How the client asks, and what it makes of bad answers, at the wire.
#![cfg(feature = "client")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::allow_attributes,
    unreachable_pub,
    reason = "tests"
)]

mod support;

use portcullis_gitlab::{
    Project, Secret,
    client::{Client, ErrorKind, Retry, Token},
    commit_status::{CommitState, CommitStatus},
    job::{Inputs, JobStatus},
};
use std::{fmt::Write as _, time::Duration};
use support::{TOKEN, config, job_client, private_client, production, told};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, basic_auth, body_json, header, method, path, query_param},
};

#[tokio::test]
async fn a_state_is_read_with_the_jobs_token_by_basic_auth() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/api/v4/projects/42/terraform/state/production"))
        .and(basic_auth("gitlab-ci-token", TOKEN))
        .respond_with(ResponseTemplate::new(200).set_body_string("{\"serial\": 3}\n"))
        .expect(1)
        .mount(&server)
        .await;
    let state = job_client(&server.uri()).state(&production()).await.unwrap();
    assert_eq!(state.unwrap(), b"{\"serial\": 3}\n", "byte for byte");
}

#[tokio::test]
async fn a_state_that_is_not_there_is_none() {
    let table = [
        ResponseTemplate::new(204),
        ResponseTemplate::new(200),
        ResponseTemplate::new(404).set_body_string(r#"{"message":"404 Not found"}"#),
    ];
    for answer in table {
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
        assert_eq!(
            private_client(&server.uri()).state(&production()).await.unwrap(),
            None
        );
    }
}

#[tokio::test]
async fn every_fault_is_told_apart_and_says_what_helps() {
    let json = |status, body: &str| ResponseTemplate::new(status).set_body_string(body);
    // Name, answer, how often it is asked.
    let table = [
        ("unauthorized", json(401, r#"{"message":"401 Unauthorized"}"#), 1),
        ("forbidden", json(403, r#"{"message":"403 Forbidden"}"#), 1),
        ("conflict", json(409, r#"{"ID":"somebody","Who":"grace"}"#), 1),
        ("too large", json(413, ""), 1),
        (
            "unprocessable",
            json(422, r#"{"message":"422 Unprocessable Entity"}"#),
            1,
        ),
        (
            "rate limited",
            json(429, "Retry later").insert_header("Retry-After", "86400"),
            4,
        ),
        (
            "server error",
            json(500, r#"{"message":"500 Internal Server Error"}"#),
            1,
        ),
        (
            "server error with a web page",
            json(502, "<html>Bad Gateway</html>"),
            4,
        ),
        ("a status nobody documents", json(418, ""), 1),
        ("html", json(200, "<!DOCTYPE html><title>Sign in</title>"), 1),
        ("cut json", json(200, r#"{"serial": 3, "resour"#), 1),
        ("not json", json(200, "It works!"), 1),
        (
            "the token repeated",
            json(403, &format!(r#"{{"error":"bad token {TOKEN}"}}"#)),
            1,
        ),
    ];
    let mut all = String::new();
    for (name, answer, times) in table {
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(answer)
            .expect(times)
            .mount(&server)
            .await;
        let error = job_client(&server.uri()).state(&production()).await.unwrap_err();
        writeln!(all, "{name}\n{}", told(&error, &server.uri())).unwrap();
    }
    insta::assert_snapshot!("faults-when-reading-a-state", all);
}

#[tokio::test]
async fn rights_hints_name_the_token_that_is_needed_and_what_goes_on_without() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(403).set_body_string(r#"{"message":"403 Forbidden"}"#))
        .mount(&server)
        .await;
    let (job, private) = (job_client(&server.uri()), private_client(&server.uri()));
    let project = Project::Id(42);
    let errors = [
        ("own job, access token", private.own_job().await.unwrap_err()),
        ("list jobs, job token", job.jobs(&project, 9).await.unwrap_err()),
        (
            "list jobs, access token",
            private.jobs(&project, 9).await.unwrap_err(),
        ),
        (
            "list notes, job token",
            job.merge_request_notes(&project, 7).await.unwrap_err(),
        ),
        (
            "write note, job token",
            job.put_note(&project, 7, "<!-- x -->", "<!-- x -->")
                .await
                .unwrap_err(),
        ),
        (
            "write note, access token",
            private.update_note(&project, 7, 1, "x").await.unwrap_err(),
        ),
        (
            "unlock, job token",
            job.unlock_state(&production(), None).await.unwrap_err(),
        ),
        (
            "who wrote the state, job token",
            job.state_facts("platform/network", "production")
                .await
                .unwrap_err(),
        ),
        (
            "play, job token",
            job.play(&project, 5, &Inputs::default()).await.unwrap_err(),
        ),
        (
            "play, access token",
            private.play(&project, 5, &Inputs::default()).await.unwrap_err(),
        ),
        (
            "commit status, job token",
            job.set_commit_status(&project, "c0ffee", &CommitStatus::new(CommitState::Success, "x"))
                .await
                .unwrap_err(),
        ),
        (
            "approvals, access token",
            private.approvals(&project, 7).await.unwrap_err(),
        ),
        (
            "protected environment, job token",
            job.protected_environment(&project, "production")
                .await
                .unwrap_err(),
        ),
    ];
    let mut all = String::new();
    for (name, error) in errors {
        assert!(!error.is_unavailable());
        assert!(error.is_not_available());
        writeln!(all, "{name}\n{}", told(&error, &server.uri())).unwrap();
    }
    insta::assert_snapshot!("rights-hints", all);
}

#[tokio::test]
async fn nobody_listening_is_unavailable() {
    // Bound and dropped: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let root = format!("http://{address}");
    let error = job_client(&root).own_job().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NoConnection);
    assert!(error.is_unavailable());
    let text = told(&error, &root);
    assert!(
        text.starts_with("cannot ask GitLab about this job at GITLAB: no connection\n"),
        "{text}"
    );
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_timed_out() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_delay(Duration::from_secs(60)))
        .mount(&server)
        .await;
    let mut config = config(&server.uri(), Token::Job(Secret::new(TOKEN)));
    config.timeouts.request = Duration::from_millis(20);
    config.retry = Retry::NEVER;
    let error = Client::new(config).unwrap().own_job().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TimedOut);
}

/// A server that promises more than it sends, then hangs up; says how often it was asked.
async fn breaks_off(answers: usize) -> (String, tokio::task::JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        for _ in 0..answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await.unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"id\": 1")
                .await
                .unwrap();
        }
        answers
    });
    (root, task)
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_again_for_reads_and_never_for_a_new_note() {
    let (root, asked) = breaks_off(4).await;
    let error = job_client(&root).own_job().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Truncated);
    assert_eq!(asked.await.unwrap(), 4);

    let (root, asked) = breaks_off(1).await;
    let error = private_client(&root)
        .create_note(&Project::Id(42), 7, "hello")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Truncated);
    assert_eq!(asked.await.unwrap(), 1);
}

#[tokio::test]
async fn a_read_survives_two_bad_answers() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(1)
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(429).insert_header("Retry-After", "1"))
        .up_to_n_times(1)
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/api/v4/job"))
        .and(header("JOB-TOKEN", TOKEN))
        .respond_with(ResponseTemplate::new(200).set_body_string(
            r#"{"id": 1, "name": "deploy", "stage": "deploy", "status": "running", "user": {"username": "grace"}}"#,
        ))
        .expect(1)
        .mount(&server)
        .await;
    let job = job_client(&server.uri()).own_job().await.unwrap();
    assert_eq!(
        (job.status, job.user.unwrap().username.as_str()),
        (JobStatus::Running, "grace")
    );
}

#[tokio::test]
async fn a_new_note_is_sent_again_after_429_only() {
    for (status, times, kind) in [(429, 4, ErrorKind::RateLimited), (503, 1, ErrorKind::Server(503))] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(status))
            .expect(times)
            .mount(&server)
            .await;
        let error = private_client(&server.uri())
            .create_note(&Project::Id(42), 7, "hello")
            .await
            .unwrap_err();
        assert_eq!(error.kind(), &kind);
    }
}

#[tokio::test]
async fn jobs_are_read_over_all_pages_by_link() {
    let server = MockServer::start().await;
    let page = |ids: std::ops::RangeInclusive<u64>| {
        let jobs: Vec<String> = ids
            .map(|id| format!(r#"{{"id": {id}, "name": "job {id}", "stage": "plan", "status": "success"}}"#))
            .collect();
        format!("[{}]", jobs.join(","))
    };
    let jobs = "/api/v4/projects/platform%2Fnetwork/pipelines/9/jobs";
    Mock::given(path(jobs))
        .and(query_param("page", "2"))
        .respond_with(ResponseTemplate::new(200).set_body_string(page(3..=3)))
        .expect(1)
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(path(jobs))
        .and(query_param("per_page", "100"))
        .respond_with(ResponseTemplate::new(200).set_body_string(page(1..=2)).insert_header(
            "Link",
            // Another scheme and host, as GitLab writes behind a proxy: the token must not go there.
            r#"<https://elsewhere.invalid/api/v4/x?page=2&per_page=100>; rel="next", <https://elsewhere.invalid/>; rel="first""#,
        ))
        .expect(1)
        .mount(&server)
        .await;
    let found = job_client(&server.uri())
        .jobs(&Project::Path("platform/network".into()), 9)
        .await
        .unwrap();
    assert_eq!(found.iter().map(|job| job.id).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn a_listing_without_end_is_given_up() {
    let server = MockServer::start().await;
    let link = |page| format!(r#"<{}/?page={page}>; rel="next""#, server.uri());
    let page = |next| {
        ResponseTemplate::new(200)
            .set_body_string("[]")
            .insert_header("Link", link(next))
    };
    Mock::given(query_param("page", "2"))
        .respond_with(page(3))
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(any()).respond_with(page(2)).mount(&server).await;
    let error = job_client(&server.uri())
        .jobs(&Project::Id(42), 9)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TooManyPages);
}

#[tokio::test]
async fn a_token_does_not_follow_a_redirect_to_another_host() {
    let other = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_string("{}"))
        .expect(0)
        .mount(&other)
        .await;
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(302).insert_header("Location", format!("{}/steal", other.uri())))
        .mount(&server)
        .await;
    for client in [job_client(&server.uri()), private_client(&server.uri())] {
        let error = client.state(&production()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Redirected(302));
        let text = told(&error, &server.uri());
        insta::allow_duplicates! {
            insta::assert_snapshot!(text, @r"
            cannot read the managed state at GITLAB: the answer leads to another place (302), and a token is not sent there
              hint: set CI_API_V4_URL to the address GitLab really has: scheme, host and port
            ");
        }
    }
}

#[tokio::test]
async fn a_moved_project_is_followed_on_the_same_host() {
    let server = MockServer::start().await;
    Mock::given(path("/api/v4/projects/42/terraform/state/production"))
        .respond_with(ResponseTemplate::new(301).insert_header("Location", "/api/v4/projects/43/state"))
        .mount(&server)
        .await;
    Mock::given(path("/api/v4/projects/43/state"))
        .and(header("PRIVATE-TOKEN", TOKEN))
        .respond_with(ResponseTemplate::new(200).set_body_string("{}"))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(
        private_client(&server.uri())
            .state(&production())
            .await
            .unwrap()
            .unwrap(),
        b"{}"
    );
}

#[tokio::test]
async fn notes_are_listed_created_and_updated() {
    let server = MockServer::start().await;
    let notes = "/api/v4/projects/42/merge_requests/7/notes";
    let note = |id: u64, body: &str| format!(r#"{{"id": {id}, "body": "{body}", "system": false}}"#);
    Mock::given(method("GET"))
        .and(path(notes))
        .respond_with(
            ResponseTemplate::new(200).set_body_string(format!("[{}]", note(1, "<!-- mark --> old"))),
        )
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path(notes))
        .and(body_json(serde_json::json!({"body": "new"})))
        .respond_with(ResponseTemplate::new(201).set_body_string(note(2, "new")))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("PUT"))
        .and(path(format!("{notes}/1")))
        .and(header("PRIVATE-TOKEN", TOKEN))
        .respond_with(ResponseTemplate::new(200).set_body_string(note(1, "newer")))
        .expect(1)
        .mount(&server)
        .await;
    let (client, project) = (private_client(&server.uri()), Project::Id(42));
    let found = client.merge_request_notes(&project, 7).await.unwrap();
    assert_eq!(found[0].body, "<!-- mark --> old");
    assert_eq!(client.create_note(&project, 7, "new").await.unwrap().id, 2);
    assert_eq!(
        client.update_note(&project, 7, 1, "newer").await.unwrap().body,
        "newer"
    );
}

#[test]
fn a_client_that_could_leak_is_not_made() {
    let bad_token = config("http://gitlab.invalid", Token::Job(Secret::new("line\nbreak")));
    assert_eq!(
        Client::new(bad_token).unwrap_err().kind(),
        &ErrorKind::UnusableToken
    );
    let bad_address = config(
        "http://user:hunter2@gitlab.invalid",
        Token::Job(Secret::new(TOKEN)),
    );
    let error = Client::new(bad_address).unwrap_err();
    insta::assert_snapshot!(error, @"cannot get ready to ask GitLab at gitlab.invalid: the API's address holds a user name or a password");
    let client = job_client("http://gitlab.invalid");
    assert!(!format!("{client:?}").contains(TOKEN));
}

#[tokio::test]
async fn a_wait_that_would_pass_the_deadline_is_not_begun() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(429).insert_header("Retry-After", "3600"))
        .expect(1)
        .mount(&server)
        .await;
    let mut config = config(&server.uri(), Token::Job(Secret::new(TOKEN)));
    config.retry.retry_after_max = Duration::from_secs(7200);
    let error = Client::new(config).unwrap().own_job().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::RateLimited);
}

#[tokio::test]
async fn a_moved_project_is_not_followed_with_a_change() {
    let server = MockServer::start().await;
    Mock::given(path("/api/v4/projects/42/merge_requests/7/notes"))
        .respond_with(
            ResponseTemplate::new(301)
                .insert_header("Location", "/api/v4/projects/43/merge_requests/7/notes"),
        )
        .expect(1)
        .mount(&server)
        .await;
    let error = private_client(&server.uri())
        .create_note(&Project::Id(42), 7, "x")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Redirected(301));
}

#[tokio::test]
async fn a_redirect_in_a_circle_ends() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(302).insert_header("Location", "/api/v4/job"))
        .mount(&server)
        .await;
    let error = job_client(&server.uri()).own_job().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Redirected(302));
}
