//! The Slack stand-in at the wire.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_sandbox::estate::SLACK_TOKEN;
use portcullis_sandbox::fault::Fault;
use portcullis_sandbox::slack::{Slack, Workspace};
use reqwest::Client;
use serde_json::{Value, json};

struct Wire {
    slack: Slack,
    http: Client,
}

impl Wire {
    async fn start() -> Self {
        portcullis_sandbox::choose_cryptography();
        let slack = Slack::start(0, Workspace::new(SLACK_TOKEN)).await.unwrap();
        Self {
            slack,
            http: Client::builder().no_proxy().build().unwrap(),
        }
    }

    fn method(&self, method: &str) -> reqwest::RequestBuilder {
        self.http
            .post(format!("{}{method}", self.slack.url()))
            .bearer_auth(SLACK_TOKEN)
    }

    async fn json(&self, method: &str, body: Value) -> Value {
        self.method(method)
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    async fn form(&self, method: &str, body: &'static str) -> Value {
        let form = self
            .method(method)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        form.send().await.unwrap().json().await.unwrap()
    }
}

#[tokio::test]
async fn a_token_is_asked_for_and_looked_at() {
    let wire = Wire::start().await;
    let address = format!("{}auth.test", wire.slack.url());
    let ask = |token: Option<&str>| {
        let request = wire.http.post(&address);
        token.map_or_else(|| wire.http.post(&address), |token| request.bearer_auth(token))
    };
    for (token, error) in [(None, "not_authed"), (Some("xoxb-wrong"), "invalid_auth")] {
        let answer: Value = ask(token).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer, json!({"ok": false, "error": error}));
    }
    let answer: Value = ask(Some(SLACK_TOKEN)).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["ok"], true);
}

#[tokio::test]
async fn a_message_is_posted_updated_and_linked_to() {
    let wire = Wire::start().await;
    let posted = wire
        .json(
            "chat.postMessage",
            json!({"channel": "#deployments", "text": "one"}),
        )
        .await;
    assert_eq!(posted["ok"], true);
    let (channel, ts) = (&posted["channel"], &posted["ts"]);
    let updated = wire
        .json(
            "chat.update",
            json!({"channel": channel, "ts": ts, "text": "two"}),
        )
        .await;
    assert_eq!(updated["text"], "two");
    let (channel, ts) = (channel.as_str().unwrap(), ts.as_str().unwrap());
    let link = format!(
        "{}chat.getPermalink?channel={channel}&message_ts={ts}",
        wire.slack.url()
    );
    let linked = wire.http.get(link).bearer_auth(SLACK_TOKEN).send().await.unwrap();
    assert_eq!(linked.json::<Value>().await.unwrap()["ok"], true);
    assert_eq!(wire.slack.workspace().messages.len(), 1);
}

#[tokio::test]
async fn a_message_over_the_limits_is_refused_and_remembered() {
    let wire = Wire::start().await;
    let header = json!({"type": "header", "text": {"type": "plain_text", "text": "h".repeat(151)}});
    let answer = wire
        .json(
            "chat.postMessage",
            json!({"channel": "#deployments", "text": "t", "blocks": [header]}),
        )
        .await;
    assert_eq!(answer["error"], "invalid_blocks");
    assert_eq!(
        answer["errors"],
        json!(["must be less than 151 characters [json-pointer:/blocks/0/text/text]"])
    );
    assert_eq!(
        wire.slack.workspace().refused,
        [("chat.postMessage".to_owned(), "invalid_blocks")]
    );
}

#[tokio::test]
async fn a_file_takes_three_steps_and_the_first_takes_a_form() {
    let wire = Wire::start().await;
    let by_json = wire
        .json(
            "files.getUploadURLExternal",
            json!({"filename": "plan.txt", "length": 4}),
        )
        .await;
    assert_eq!(
        by_json["error"], "invalid_arguments",
        "a JSON body is not looked at"
    );
    let place = wire
        .form("files.getUploadURLExternal", "filename=plan.txt&length=4")
        .await;
    let upload = wire
        .http
        .post(place["upload_url"].as_str().unwrap())
        .body("plan")
        .send()
        .await
        .unwrap();
    assert_eq!(upload.status().as_u16(), 200);
    let done = wire
        .json(
            "files.completeUploadExternal",
            json!({"files": [{"id": place["file_id"], "title": "Plan"}], "channel_id": "C0SANDBOX01"}),
        )
        .await;
    assert_eq!(done["ok"], true);
    assert_eq!(wire.slack.workspace().messages[0].files[0].bytes, b"plan");
}

#[tokio::test]
async fn faults_look_like_slacks() {
    let wire = Wire::start().await;
    wire.slack.faults.set(Fault::Unauthorized);
    assert_eq!(wire.form("auth.test", "").await["error"], "invalid_auth");
    wire.slack
        .faults
        .set_for_next(1, Fault::RateLimited { retry_after: 1 });
    let limited = wire.method("auth.test").send().await.unwrap();
    assert_eq!(limited.status().as_u16(), 429);
    assert_eq!(limited.json::<Value>().await.unwrap()["error"], "ratelimited");
    assert_eq!(
        wire.form("auth.test", "").await["ok"],
        true,
        "the fault was for one request"
    );
    wire.slack.faults.set(Fault::Unavailable);
    let away = wire.method("auth.test").send().await.unwrap();
    assert_eq!(away.status().as_u16(), 503);
    assert!(away.text().await.unwrap().starts_with("<html>"));
    wire.slack.faults.clear();
    assert_eq!(wire.form("no.such", "").await["error"], "unknown_method");
}
