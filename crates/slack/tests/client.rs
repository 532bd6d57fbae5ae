//! The client against a Slack that is faked at the wire.
#![cfg(feature = "client")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_slack::client::{Client, Config, Error, Retry, Token, Webhook, WebhookConfig};
use portcullis_slack::{Block, Message};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;
use wiremock::matchers::{any, body_string_contains, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const SECRET: &str = "xoxb-1234-SECRET";

fn client(base_url: &str) -> Client {
    let mut config = Config::new(Token::new(format!("{SECRET}\n")));
    config.base_url = base_url.to_owned();
    config.connect_timeout = Duration::from_secs(2);
    config.timeout = Duration::from_millis(400);
    config.upload_timeout = Duration::from_millis(400);
    config.retry = Retry {
        attempts: 3,
        first_wait: Duration::ZERO,
        longest_wait: Duration::from_millis(50),
    };
    Client::new(config).unwrap()
}

fn message() -> Message {
    Message::new("Deployed <!channel>", [Block::header("Deployed")])
}

fn told(error: &Error) -> String {
    let mut text = format!("{error}\n");
    if let Some(hint) = error.hint() {
        let _ = writeln!(text, "hint: {hint}");
    }
    let _ = write!(text, "may have happened: {}", error.may_have_happened());
    assert!(!format!("{text}{error:?}").contains("SECRET"));
    text
}

async fn answering(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    server
}

async fn calls(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn a_post_and_its_thread() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/chat.postMessage"))
        .and(header("authorization", format!("Bearer {SECRET}").as_str()))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "ok": true, "channel": "C1", "ts": "1.2", "message": {} })),
        )
        .mount(&server)
        .await;
    // A base URL without the slash at the end is the same place.
    let slack = client(&format!("{}/api", server.uri()));
    let posted = slack.post("#deploys", None, &message()).await.unwrap();
    assert_eq!((posted.channel.as_str(), posted.ts.as_str()), ("C1", "1.2"));
    slack
        .post(&posted.channel, Some(&posted.ts), &message())
        .await
        .unwrap();
    let requests = server.received_requests().await.unwrap();
    let body: Value = requests[1].body_json().unwrap();
    assert_eq!(
        body,
        json!({
            "channel": "C1", "thread_ts": "1.2", "text": "Deployed &lt;!channel&gt;", "mrkdwn": false,
            "unfurl_links": false, "unfurl_media": false,
            "blocks": [{ "type": "header", "text": { "type": "plain_text", "text": "Deployed", "emoji": false } }],
        })
    );
}

#[tokio::test]
async fn an_update_in_place() {
    let server = answering(
        ResponseTemplate::new(200).set_body_json(json!({ "ok": true, "channel": "C1", "ts": "1.2" })),
    )
    .await;
    client(&server.uri())
        .update("C1", "1.2", &message())
        .await
        .unwrap();
    let request = &server.received_requests().await.unwrap()[0];
    let body: Value = request.body_json().unwrap();
    assert_eq!((request.url.path(), &body["ts"]), ("/chat.update", &json!("1.2")));
}

#[tokio::test]
async fn a_file_goes_in_three_steps_and_its_bytes_without_the_token() {
    let server = MockServer::start().await;
    Mock::given(path("/files.getUploadURLExternal"))
        .and(body_string_contains("filename=plan.txt&length=6"))
        .respond_with(ResponseTemplate::new(200).set_body_json(
            json!({ "ok": true, "upload_url": format!("{}/upload/ticket", server.uri()), "file_id": "F1" }),
        ))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/upload/ticket"))
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/files.completeUploadExternal"))
        .and(body_string_contains("channel_id=C1&thread_ts=1.2"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "ok": true, "files": [] })))
        .expect(1)
        .mount(&server)
        .await;
    let id = client(&server.uri())
        .upload_file("C1", Some("1.2"), "plan.txt", "Plan", b"a plan".to_vec())
        .await
        .unwrap();
    assert_eq!(id, "F1");
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[1].body, b"a plan");
    assert!(!requests[1].headers.contains_key("authorization"));
}

#[tokio::test]
async fn who_the_token_is_and_where_a_message_stands() {
    let server = MockServer::start().await;
    Mock::given(path("/auth.test"))
        .respond_with(
            ResponseTemplate::new(200)
                .insert_header("x-oauth-scopes", "chat:write, files:write")
                .set_body_json(json!({ "ok": true, "team": "Acme", "user": "portcullis", "bot_id": "B1", "new_field": 1 })),
        )
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/chat.getPermalink"))
        .and(query_param("message_ts", "1.2"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "ok": true, "permalink": "https://acme.slack.com/archives/C1/p12" })),
        )
        .mount(&server)
        .await;
    let slack = client(&server.uri());
    let identity = slack.auth_test().await.unwrap();
    assert_eq!(identity.scopes, ["chat:write", "files:write"]);
    assert_eq!(
        (identity.team.as_str(), identity.bot_id.as_deref()),
        ("Acme", Some("B1"))
    );
    assert_eq!(
        slack.permalink("C1", "1.2").await.unwrap(),
        "https://acme.slack.com/archives/C1/p12"
    );
}

#[tokio::test]
async fn refusals_say_what_is_missing() {
    let mut all = String::new();
    for body in [
        json!({ "ok": false, "error": "invalid_auth" }),
        json!({ "ok": false, "error": "missing_scope", "needed": "files:write", "provided": "chat:write" }),
        json!({ "ok": false, "error": "not_in_channel" }),
        json!({ "ok": false, "error": "channel_not_found" }),
        json!({ "ok": false, "error": "invalid_blocks", "errors": ["must be shorter [json-pointer:/blocks/0\u{1b}[31m]"] }),
        json!({ "ok": false }),
        json!({ "ok": false, "error": "fatal_error" }),
        json!([]),
        json!({ "ok": true }),
    ] {
        let server = answering(ResponseTemplate::new(200).set_body_json(&body)).await;
        let error = client(&server.uri())
            .post("C1", None, &message())
            .await
            .unwrap_err();
        let _ = writeln!(all, "{body}\n{}\n", told(&error));
        assert_eq!(calls(&server).await, 1, "a post is not repeated: {body}");
    }
    insta::assert_snapshot!("refusals", all);
}

#[tokio::test]
async fn a_post_that_may_have_happened_is_never_repeated() {
    let mut all = String::new();
    for (name, template) in [
        (
            "503",
            ResponseTemplate::new(503).set_body_string("<html>down</html>"),
        ),
        (
            "302",
            ResponseTemplate::new(302).insert_header("location", "https://login.example/"),
        ),
        ("404", ResponseTemplate::new(404)),
        (
            "web page",
            ResponseTemplate::new(200).set_body_string(" <html>Sign in: SECRET</html>"),
        ),
        (
            "cut off",
            ResponseTemplate::new(200).set_body_string("{\"ok\": tr"),
        ),
        (
            "slow",
            ResponseTemplate::new(200).set_delay(Duration::from_secs(5)),
        ),
    ] {
        let server = answering(template).await;
        let error = client(&server.uri())
            .post("C1", None, &message())
            .await
            .unwrap_err();
        let _ = writeln!(
            all,
            "{name}\n{}\n",
            told(&error).replace(&server.address().to_string(), "HOST")
        );
        assert_eq!(calls(&server).await, 1, "{name}");
    }
    insta::assert_snapshot!("faults-of-a-post", all);
}

#[tokio::test]
async fn a_read_is_repeated_after_a_5xx() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(502))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "ok": true })))
        .mount(&server)
        .await;
    client(&server.uri()).auth_test().await.unwrap();
    assert_eq!(calls(&server).await, 3);
}

#[tokio::test]
async fn too_many_requests_are_waited_for_when_the_wait_is_short() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(429).insert_header("retry-after", "0"))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({ "ok": true, "channel": "C1", "ts": "1.2" })),
        )
        .mount(&server)
        .await;
    client(&server.uri()).post("C1", None, &message()).await.unwrap();
    assert_eq!(calls(&server).await, 3);
}

#[tokio::test]
async fn too_many_requests_with_a_long_wait_fail_at_once() {
    let server = answering(ResponseTemplate::new(429).insert_header("retry-after", "3600")).await;
    let error = client(&server.uri())
        .post("C1", None, &message())
        .await
        .unwrap_err();
    insta::assert_snapshot!(told(&error), @"
    chat.postMessage: too many requests, slack asks to wait 3600 s
    may have happened: false
    ");
    assert_eq!(calls(&server).await, 1);
}

#[tokio::test]
async fn nobody_listens() {
    // Port 1 is nobody's.
    let error = client("http://127.0.0.1:1/")
        .post("C1", None, &message())
        .await
        .unwrap_err();
    insta::assert_snapshot!(told(&error), @"
    chat.postMessage: no connection to 127.0.0.1:1
    hint: does this machine reach Slack: name resolution, proxy (HTTPS_PROXY), firewall?
    may have happened: false
    ");
}

#[test]
fn what_can_not_be_configured_says_why() {
    let with = |base_url: &str, token: &str| {
        let mut config = Config::new(Token::new(token));
        config.base_url = base_url.to_owned();
        Client::new(config).unwrap_err().to_string()
    };
    assert_eq!(
        with("slack.com/api", SECRET),
        "slack client: the base URL is not an absolute URL"
    );
    assert_eq!(
        with("ftp://slack.com/", SECRET),
        "slack client: the base URL is not an http(s) URL"
    );
    assert_eq!(
        with("https://slack.com/api/", " "),
        "slack client: the token is empty"
    );
    assert_eq!(
        with("https://slack.com/api/", "xoxb\n-1"),
        "slack client: the token holds characters that can't be sent"
    );
    assert_eq!(format!("{:?}", Token::new(SECRET)), "Token(***)");
}

/// A Slack whose posts end in doubt, with these messages in the channel.
async fn doubtful(listed: Value) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/chat.postMessage"))
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(path("/chat.postMessage"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({ "ok": true, "channel": "C1", "ts": "9.9" })),
        )
        .mount(&server)
        .await;
    for list in ["/conversations.history", "/conversations.replies"] {
        Mock::given(path(list))
            .and(body_string_contains("channel=C1&include_all_metadata=true"))
            .respond_with(ResponseTemplate::new(200).set_body_json(listed.clone()))
            .mount(&server)
            .await;
    }
    server
}

async fn methods(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .map(|request| request.url.path().trim_start_matches('/').to_owned())
        .collect()
}

#[tokio::test]
async fn a_post_in_doubt_is_looked_for_before_it_is_sent_again() {
    let there = json!({ "ok": true, "messages": [
        { "ts": "4.4", "text": "without metadata" },
        { "ts": "5.5", "metadata": { "event_type": "e", "event_payload": { "key": "42/deployed" } } },
    ] });
    let server = doubtful(there).await;
    let posted = client(&server.uri())
        .post_once("C1", Some("1.2"), &message(), "42/deployed")
        .await
        .unwrap();
    assert_eq!(posted.ts, "5.5");
    assert_eq!(
        methods(&server).await,
        ["chat.postMessage", "conversations.replies"]
    );
    let body: Value = server.received_requests().await.unwrap()[0].body_json().unwrap();
    assert_eq!(body["metadata"]["event_payload"]["key"], "42/deployed");

    let server = doubtful(json!({ "ok": true, "messages": [] })).await;
    let posted = client(&server.uri())
        .post_once("C1", None, &message(), "42/deployed")
        .await
        .unwrap();
    assert_eq!(posted.ts, "9.9");
    assert_eq!(
        methods(&server).await,
        ["chat.postMessage", "conversations.history", "chat.postMessage"]
    );
}

#[tokio::test]
async fn a_post_in_doubt_that_can_not_be_looked_for_is_left_alone() {
    let server =
        doubtful(json!({ "ok": false, "error": "missing_scope", "needed": "channels:history" })).await;
    let error = client(&server.uri())
        .post_once("C1", None, &message(), "42/deployed")
        .await
        .unwrap_err();
    assert!(error.may_have_happened());
    assert_eq!(
        methods(&server).await,
        ["chat.postMessage", "conversations.history"]
    );
}

#[tokio::test]
async fn a_webhook_takes_the_message_whole() {
    let server = answering(ResponseTemplate::new(200).set_body_string("ok")).await;
    let webhook = Webhook::new(WebhookConfig::new(format!(
        "{}/services/T/B/SECRET\n",
        server.uri()
    )))
    .unwrap();
    assert!(!format!("{webhook:?}").contains("SECRET"));
    webhook.post(&message()).await.unwrap();
    let request = &server.received_requests().await.unwrap()[0];
    let body: Value = request.body_json().unwrap();
    assert_eq!(request.url.path(), "/services/T/B/SECRET");
    assert_eq!(body["text"], "Deployed &lt;!channel&gt;");
    assert_eq!(
        (&body["mrkdwn"], &body["unfurl_links"]),
        (&json!(false), &json!(false))
    );
    for wrong in ["", "hooks.slack.com/services", "file:///etc/passwd"] {
        assert!(Webhook::new(WebhookConfig::new(wrong)).is_err(), "{wrong}");
    }
}
