//! What each call sends and reads, at the wire.
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
    client::{Client, ErrorKind, Token, if_available},
    commit_status::{CommitState, CommitStatus, StatusSet},
    job::{Commit, Inputs, JobStatus},
    note::Written,
    state::{Locked, Unlocked},
};
use std::fmt::Write as _;
use support::{TOKEN, config, job_client, private_client, production};
use url::Url;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{
        any, basic_auth, body_json, body_partial_json, header, method, path, query_param,
        query_param_is_missing,
    },
};

#[tokio::test]
async fn what_no_job_token_opens_is_refused_before_anything_is_sent() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200))
        .expect(0)
        .mount(&server)
        .await;
    let error = job_client(&server.uri())
        .put_note(&Project::Id(42), 7, "<!-- x -->", "<!-- x -->")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotForJobTokens);
    assert!(error.wants_access_token());
    assert!(if_available::<()>(Err(error)).unwrap().is_none());
}

#[tokio::test]
async fn a_version_is_read_by_its_serial() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/api/v4/projects/42/terraform/state/production/versions/7"))
        .and(basic_auth("gitlab-ci-token", TOKEN))
        .respond_with(ResponseTemplate::new(200).set_body_string(r#"{"serial": 7}"#))
        .expect(1)
        .mount(&server)
        .await;
    let client = job_client(&server.uri());
    let read = client.state_version(&production(), 7).await.unwrap();
    assert_eq!(read.unwrap(), br#"{"serial": 7}"#);
    assert_eq!(client.state_version(&production(), 8).await.unwrap(), None);
}

#[tokio::test]
async fn a_lock_is_taken_or_somebody_holds_it() {
    let server = MockServer::start().await;
    let lock = "/api/v4/projects/42/terraform/state/production/lock";
    let ours = serde_json::json!({"ID": "mine", "Operation": "OperationTypeApply", "Info": "", "Who": "ci@runner",
                                  "Version": "1.11.4", "Created": "2026-11-23T11:00:00Z", "Path": ""});
    Mock::given(method("POST"))
        .and(path(lock))
        .and(basic_auth("gitlab-ci-token", TOKEN))
        .and(body_json(&ours))
        .respond_with(ResponseTemplate::new(200))
        .up_to_n_times(1)
        .with_priority(1)
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path(lock))
        .respond_with(ResponseTemplate::new(409).set_body_string(
            r#"{"ID":"other","Operation":"OperationTypeApply","Info":"","Who":"grace","Version":"1.11.4","Created":"2026-11-23T10:00:00Z","Path":""}"#,
        ))
        .expect(1)
        .mount(&server)
        .await;
    let client = job_client(&server.uri());
    let ours = serde_json::from_value(ours).unwrap();
    assert_eq!(
        client.lock_state(&production(), &ours).await.unwrap(),
        Locked::Done
    );
    let Locked::HeldBy(Some(holder)) = client.lock_state(&production(), &ours).await.unwrap() else {
        panic!("somebody else holds it");
    };
    assert_eq!((holder.id.as_str(), holder.who.as_str()), ("other", "grace"));
}

#[tokio::test]
async fn where_the_pipeline_file_is_kept_is_told_hidden_or_left_at_the_default() {
    for (body, expected) in [
        (
            r#"{"id": 42, "ci_config_path": "ci.yml@infra/pipelines"}"#,
            Some(Some("ci.yml@infra/pipelines")),
        ),
        (r#"{"id": 42, "ci_config_path": null}"#, Some(None)),
        (r#"{"id": 42}"#, None),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path("/api/v4/projects/42"))
            .respond_with(ResponseTemplate::new(200).set_body_string(body))
            .mount(&server)
            .await;
        let facts = private_client(&server.uri())
            .project(&Project::Id(42))
            .await
            .unwrap();
        assert_eq!(facts.ci_config_path.as_ref().map(Option::as_deref), expected);
    }
}

#[tokio::test]
async fn unlocking_is_for_the_holders_id_or_by_force() {
    let server = MockServer::start().await;
    let lock = "/api/v4/projects/42/terraform/state/production/lock";
    Mock::given(method("DELETE"))
        .and(path(lock))
        .and(query_param("ID", "mine"))
        .respond_with(ResponseTemplate::new(200))
        .with_priority(1)
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("DELETE"))
        .and(path(lock))
        .and(query_param("ID", "other"))
        .respond_with(ResponseTemplate::new(409).set_body_string(
            r#"{"ID":"mine","Operation":"OperationTypeApply","Info":"","Who":"grace","Version":"1.11.4","Created":"2026-11-23T10:00:00Z","Path":""}"#,
        ))
        .with_priority(1)
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("DELETE"))
        .and(path(lock))
        .and(query_param_is_missing("ID"))
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&server)
        .await;
    let client = job_client(&server.uri());
    let unlock = async |id: Option<&str>| client.unlock_state(&production(), id).await.unwrap();
    assert_eq!(unlock(Some("mine")).await, Unlocked::Done);
    assert_eq!(unlock(None).await, Unlocked::Done);
    let Unlocked::HeldBy(Some(holder)) = unlock(Some("other")).await else {
        panic!("somebody else holds it");
    };
    assert_eq!(
        (holder.who.as_str(), holder.created.as_str()),
        ("grace", "2026-11-23T10:00:00Z")
    );
}

#[tokio::test]
async fn graphql_tells_who_wrote_and_who_holds_a_state_on_an_installation_below_a_path() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/git/api/graphql"))
        .and(header("PRIVATE-TOKEN", TOKEN))
        .and(body_partial_json(
            serde_json::json!({"variables": {"path": "platform/network", "name": "production"}}),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(serde_json::json!({"data": {"project": {"terraformState": {
            "name": "production", "lockedAt": "2026-11-23T10:00:00Z", "lockedByUser": {"username": "grace", "name": "Grace"},
            "updatedAt": "2026-11-23T10:00:00Z", "deletedAt": null,
            "latestVersion": {"serial": 7, "createdAt": "2026-11-22T09:00:00Z", "createdByUser": {"username": "ada", "name": null},
                              "job": {"id": "gid://gitlab/Ci::Build/505", "name": "deploy", "webPath": "/platform/network/-/jobs/505"}}
        }}}})))
        .expect(1)
        .mount(&server)
        .await;
    let mut config = config(&server.uri(), Token::Private(Secret::new(TOKEN)));
    config.api_url = Url::parse(&format!("{}/git/api/v4", server.uri())).unwrap();
    let client = Client::new(config).unwrap();
    let facts = client
        .state_facts("platform/network", "production")
        .await
        .unwrap();
    insta::assert_debug_snapshot!("state-facts", facts.unwrap());
}

#[tokio::test]
async fn states_are_listed_over_all_pages() {
    let server = MockServer::start().await;
    let page = |name: &str, next: Option<&str>| {
        ResponseTemplate::new(200).set_body_json(serde_json::json!({"data": {"project": {"terraformStates": {
            "nodes": [{"name": name}], "pageInfo": {"hasNextPage": next.is_some(), "endCursor": next}
        }}}}))
    };
    for (after, answer) in [
        (serde_json::Value::Null, page("production", Some("c1"))),
        (serde_json::json!("c1"), page("staging", None)),
    ] {
        Mock::given(body_partial_json(
            serde_json::json!({"variables": {"after": after}}),
        ))
        .respond_with(answer)
        .expect(1)
        .mount(&server)
        .await;
    }
    let states = private_client(&server.uri())
        .states("platform/network")
        .await
        .unwrap();
    let names: Vec<&str> = states.iter().map(|state| state.name.as_str()).collect();
    assert_eq!(names, ["production", "staging"]);
}

#[tokio::test]
async fn a_query_that_is_refused_or_finds_nothing_is_told_apart() {
    for (answer, kind) in [
        (
            r#"{"errors": [{"message": "Field 'terraformState' doesn't exist"}]}"#,
            ErrorKind::QueryRefused,
        ),
        (r#"{"data": {"project": null}}"#, ErrorKind::NotFound),
    ] {
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(200).set_body_string(answer))
            .mount(&server)
            .await;
        let error = private_client(&server.uri()).states("a/b").await.unwrap_err();
        assert_eq!(error.kind(), &kind);
    }
}

/// A merge request with these notes, and user 3 asking.
async fn merge_request_with(notes: serde_json::Value) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/api/v4/user"))
        .respond_with(
            ResponseTemplate::new(200).set_body_string(r#"{"id": 3, "username": "project_42_bot"}"#),
        )
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/api/v4/projects/42/merge_requests/7/notes"))
        .respond_with(ResponseTemplate::new(200).set_body_json(notes))
        .mount(&server)
        .await;
    server
}

fn note(id: u64, author: u64, body: &str) -> serde_json::Value {
    serde_json::json!({"id": id, "body": body, "system": false, "author": {"id": author, "username": format!("user {author}")}})
}

const MARKER: &str = "<!-- portcullis: production -->";

#[tokio::test]
async fn the_own_note_is_changed_in_place_and_nobody_elses() {
    let server = merge_request_with(serde_json::json!([
        note(10, 9, &format!("{MARKER} mine now")),
        note(11, 3, &format!("{MARKER}\nold")),
        note(12, 3, &format!("{MARKER}\nolder copy")),
    ]))
    .await;
    Mock::given(method("PUT"))
        .and(path("/api/v4/projects/42/merge_requests/7/notes/11"))
        .and(body_json(serde_json::json!({"body": format!("{MARKER}\nnew")})))
        .respond_with(ResponseTemplate::new(200).set_body_json(note(11, 3, "x")))
        .expect(1)
        .mount(&server)
        .await;
    let client = private_client(&server.uri());
    let put = async |body: &str| {
        client
            .put_note(&Project::Id(42), 7, MARKER, &format!("{MARKER}\n{body}"))
            .await
            .unwrap()
    };
    let written = put("new").await;
    assert_eq!((written.id, written.how), (11, Written::Updated));
    assert_eq!(put("old\n").await.how, Written::Unchanged);
}

#[tokio::test]
async fn a_first_note_is_made_and_one_deleted_in_between_is_made_anew() {
    for notes in [
        serde_json::json!([note(10, 9, MARKER)]),
        serde_json::json!([note(11, 3, MARKER)]),
    ] {
        let server = merge_request_with(notes).await;
        Mock::given(method("POST"))
            .and(path("/api/v4/projects/42/merge_requests/7/notes"))
            .respond_with(ResponseTemplate::new(201).set_body_json(note(20, 3, "x")))
            .expect(1)
            .mount(&server)
            .await;
        let written = private_client(&server.uri())
            .put_note(&Project::Id(42), 7, MARKER, &format!("{MARKER}\nnew"))
            .await
            .unwrap();
        assert_eq!((written.id, written.how), (20, Written::Created));
    }
}

#[tokio::test]
async fn a_note_too_long_for_gitlab_is_not_sent() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200))
        .expect(0)
        .mount(&server)
        .await;
    let error = private_client(&server.uri())
        .create_note(&Project::Id(42), 7, &"ä".repeat(1_000_001))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NoteTooLong);
}

#[tokio::test]
async fn a_status_that_is_there_already_is_no_error() {
    for (status, answer, expected) in [
        (201, r#"{"id": 1}"#, Some(StatusSet::Set)),
        (
            400,
            r#"{"message": "Cannot transition status via :enqueue from :pending"}"#,
            Some(StatusSet::WasSo),
        ),
        (400, r#"{"error": "state does not have a valid value"}"#, None),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path("/api/v4/projects/42/statuses/c0ffee"))
            .and(body_json(
                serde_json::json!({"state": "success", "name": "portcullis", "ref": "main", "pipeline_id": 9,
                    "description": "pass", "target_url": "https://x.example/"}),
            ))
            .respond_with(ResponseTemplate::new(status).set_body_string(answer))
            .expect(1)
            .mount(&server)
            .await;
        let wanted = CommitStatus::new(CommitState::Success, "portcullis")
            .in_pipeline(9)
            .on("main")
            .saying("pass", "https://x.example/");
        let set = private_client(&server.uri())
            .set_commit_status(&Project::Id(42), "c0ffee", &wanted)
            .await;
        assert_eq!(set.ok(), expected, "{answer}");
    }
}

#[tokio::test]
async fn a_manual_job_is_played_with_inputs_and_variables() {
    let server = MockServer::start().await;
    let play = "/api/v4/projects/42/jobs/505/play";
    Mock::given(path(play))
        .and(body_json(serde_json::json!({
            "job_inputs": {"reason": "asked for in Slack", "count": 2},
            "job_variables_attributes": [{"key": "CODE", "value": "secret"}],
        })))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_string(r#"{"id": 505, "name": "deploy", "stage": "deploy", "status": "pending"}"#),
        )
        .expect(1)
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(path(play))
        .and(body_json(serde_json::json!({})))
        .respond_with(
            ResponseTemplate::new(400).set_body_string(r#"{"message": "400 Bad request - Unplayable Job"}"#),
        )
        .expect(1)
        .mount(&server)
        .await;
    let (client, project) = (private_client(&server.uri()), Project::Id(42));
    let inputs = Inputs::default()
        .input("reason", "asked for in Slack")
        .input("count", 2)
        .variable("CODE", Secret::new("secret"));
    assert!(!format!("{inputs:?}").contains("secret"));
    let job = client.play(&project, 505, &inputs).await.unwrap();
    assert_eq!(job.status, JobStatus::Pending);
    let again = client.play(&project, 505, &Inputs::default()).await.unwrap_err();
    assert_eq!(again.kind(), &ErrorKind::Unplayable);
}

#[tokio::test]
async fn an_artifact_is_read_whole_or_not_at_all() {
    let server = MockServer::start().await;
    Mock::given(path(
        "/api/v4/projects/42/jobs/505/artifacts/portcullis/a%20b.json",
    ))
    .and(header("JOB-TOKEN", TOKEN))
    .respond_with(ResponseTemplate::new(200).set_body_string("12345"))
    .expect(2)
    .mount(&server)
    .await;
    let client = job_client(&server.uri());
    let read = async |path: &str, limit| client.artifact(&Project::Id(42), 505, path, limit).await;
    assert_eq!(read("portcullis/a b.json", 5).await.unwrap(), b"12345");
    let error = read("portcullis/a b.json", 4).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::AnswerTooLong(4));
    for path in ["", "/etc/passwd", "a/../b", "a//b", "."] {
        let error = read(path, 5).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::UnusablePath, "{path}");
    }
}

#[tokio::test]
async fn facts_about_people_and_protection_read_as_gitlab_documents_them() {
    let server = MockServer::start().await;
    let answers = [
        (
            "/merge_requests/7/approvals",
            r#"{"approvals_required": 1, "approvals_left": 0, "approved_by": [{"user": {"id": 3, "username": "grace"}, "approved_at": "2026-11-23T10:00:00Z"}]}"#,
        ),
        (
            "/merge_requests/7",
            r#"{"iid": 7, "title": "Open 443", "state": "merged", "sha": "abc", "merge_commit_sha": "c0ffee", "target_branch": "main", "author": {"id": 4, "username": "ada"}, "merge_user": null}"#,
        ),
        (
            "/repository/commits/c0ffee/merge_requests",
            r#"[{"iid": 7, "title": "Open 443", "state": "merged"}]"#,
        ),
        (
            "/repository/branches",
            r#"[{"name": "main-2", "protected": false}, {"name": "main", "protected": true, "default": true, "developers_can_push": false}]"#,
        ),
        (
            "/protected_branches/main",
            r#"{"id": 1, "name": "main", "push_access_levels": [{"access_level": 0, "access_level_description": "No one"}], "merge_access_levels": [{"access_level": 40, "user_id": null}], "allow_force_push": false}"#,
        ),
        (
            "/protected_environments/production",
            r#"{"name": "production", "deploy_access_levels": [{"group_id": 9}], "approval_rules": [{"access_level": 40, "required_approvals": 2}]}"#,
        ),
        (
            "/pipelines/9",
            r#"{"id": 9, "status": "manual", "source": "push", "ref": "main", "sha": "c0ffee", "web_url": "https://x.example/", "user": {"id": 4, "username": "ada"}}"#,
        ),
        (
            "/pipelines/9/bridges",
            r#"[{"id": 8, "name": "check", "status": "success", "downstream_pipeline": null}, {"id": 9, "name": "check eu", "status": "running", "downstream_pipeline": {"id": 10, "status": "running"}}]"#,
        ),
        (
            "/jobs/8",
            r#"{"id": 8, "name": "plan", "stage": "plan", "status": "success"}"#,
        ),
        (
            "/merge_requests/7/commits",
            r#"[{"id": "abc", "author_name": "Ada", "author_email": "ada@example.org"}, {"id": "def", "author_name": null, "author_email": null}]"#,
        ),
        (
            "/repository/commits/c0ffee",
            r#"{"id": "c0ffee", "author_name": "Ada", "author_email": null, "parent_ids": ["b0", "b1"]}"#,
        ),
        (
            "/members/all/3",
            r#"{"id": 3, "username": "grace", "access_level": 40}"#,
        ),
        (
            "/protected_environments",
            r#"[{"name": "production", "deploy_access_levels": [{"access_level": 40}]}]"#,
        ),
    ];
    for (at, answer) in answers {
        Mock::given(path(format!("/api/v4/projects/42{at}")))
            .respond_with(ResponseTemplate::new(200).set_body_string(answer))
            .expect(1)
            .mount(&server)
            .await;
    }
    Mock::given(path("/api/v4/personal_access_tokens/self"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_string(r#"{"name": "notes", "scopes": ["api"], "expires_at": "2027-01-31"}"#),
        )
        .mount(&server)
        .await;
    let (client, project) = (private_client(&server.uri()), Project::Id(42));
    let mut all = String::new();
    writeln!(all, "{:#?}", client.approvals(&project, 7).await.unwrap()).unwrap();
    writeln!(all, "{:#?}", client.merge_request(&project, 7).await.unwrap()).unwrap();
    let of = client.merge_requests_of(&project, "c0ffee").await.unwrap();
    writeln!(all, "{} merge request: !{}", of.len(), of[0].iid).unwrap();
    writeln!(
        all,
        "{:#?}",
        client.branch(&project, "main").await.unwrap().unwrap()
    )
    .unwrap();
    writeln!(
        all,
        "{:#?}",
        client.protected_branch(&project, "main").await.unwrap()
    )
    .unwrap();
    let environment = client.protected_environment(&project, "production").await;
    writeln!(all, "{:#?}", environment.unwrap()).unwrap();
    writeln!(all, "{:#?}", client.pipeline(&project, 9).await.unwrap()).unwrap();
    writeln!(all, "{:#?}", client.bridges(&project, 9).await.unwrap()).unwrap();
    writeln!(all, "{:#?}", client.job(&project, 8).await.unwrap().name).unwrap();
    writeln!(all, "{:#?}", client.own_token().await.unwrap()).unwrap();
    let commits = client.merge_request_commits(&project, 7).await.unwrap();
    let authors: Vec<_> = commits.iter().map(Commit::author).collect();
    writeln!(all, "{authors:?}").unwrap();
    let commit = client.commit(&project, "c0ffee").await.unwrap();
    writeln!(all, "{:?} after {:?}", commit.author(), commit.parent_ids).unwrap();
    writeln!(all, "{:?}", client.project_member(&project, 3).await.unwrap()).unwrap();
    let protected = client.protected_environments(&project).await.unwrap();
    writeln!(all, "{} protected environment", protected.len()).unwrap();
    insta::assert_snapshot!("facts", all);
}

#[tokio::test]
async fn a_file_is_read_as_it_stood_and_one_that_is_not_shown_is_none() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(
            "/api/v4/projects/42/repository/files/terraform%2Fpolicy.yaml/raw",
        ))
        .and(query_param("ref", "c0ffee"))
        .and(header("job-token", TOKEN))
        .respond_with(ResponseTemplate::new(200).set_body_string("version: 1\n"))
        .expect(1)
        .mount(&server)
        .await;
    let (client, project) = (job_client(&server.uri()), Project::Id(42));
    let read = async |at| client.file(&project, "terraform/policy.yaml", at, 64).await;
    assert_eq!(read("c0ffee").await.unwrap().unwrap(), b"version: 1\n");
    assert_eq!(read("b0").await.unwrap(), None);
}

#[tokio::test]
async fn a_group_is_asked_for_by_its_whole_path_and_a_stranger_is_none() {
    let server = MockServer::start().await;
    Mock::given(path("/api/v4/groups/platform%2Fapprovers/members/all/3"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_string(r#"{"id": 3, "username": "grace", "access_level": 30, "state": "active"}"#),
        )
        .expect(1)
        .mount(&server)
        .await;
    let client = private_client(&server.uri());
    let member = async |user| client.group_member("platform/approvers", user).await.unwrap();
    assert_eq!(member(3).await.unwrap().access_level, 30);
    assert_eq!(member(4).await, None);
}
