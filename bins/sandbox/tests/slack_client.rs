//! The real client against the Slack stand-in: what one writes, the other takes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_sandbox::estate::SLACK_TOKEN;
use portcullis_sandbox::fault::Fault;
use portcullis_sandbox::slack::{Slack, Workspace};
use portcullis_slack::client::{Client, Config, Error, Token, Webhook, WebhookConfig};
use portcullis_slack::{Block, Button, Message, RichText};
use std::time::Duration;

const CHANNEL: &str = "C0SANDBOX01";

async fn both() -> (Slack, Client) {
    let slack = Slack::start(0, Workspace::new(SLACK_TOKEN)).await.unwrap();
    let mut config = Config::new(Token::new(SLACK_TOKEN));
    config.base_url = slack.url();
    config.retry.first_wait = Duration::ZERO;
    let client = Client::new(config).unwrap();
    (slack, client)
}

/// Every kind of block, and more of it than Slack takes.
fn full() -> Message {
    let long = "<!channel> & *x* ".repeat(400);
    Message::new(
        &long,
        [
            Block::header(&long),
            Block::section(&long),
            Block::fields(vec!["field"; 23]),
            Block::context(vec!["small print"; 23]),
            Block::rich_text(
                RichText::new()
                    .line(&long)
                    .bullets(vec!["point"; 300])
                    .preformatted(&long),
            ),
            Block::table((0..300).map(|row| [row.to_string(), long.clone(), String::new()])),
            Block::table([["a second", "table"]]),
            Block::divider(),
            Block::actions((0..30).map(|n| Button::link(format!("Open {n}"), "https://a.example/"))),
        ],
    )
}

#[tokio::test]
async fn a_message_with_too_much_of_everything_is_taken() {
    let (slack, client) = both().await;
    let message = full();
    let posted = client.post("#deployments", None, &message).await.unwrap();
    assert!(message.whole().is_some());
    client
        .update(&posted.channel, &posted.ts, &message)
        .await
        .unwrap();
    let link = client.permalink(&posted.channel, &posted.ts).await.unwrap();
    assert!(link.contains("/archives/C0SANDBOX01/p"), "{link}");
    let file = message.whole().unwrap().as_bytes().to_vec();
    client
        .upload_file(CHANNEL, Some(&posted.ts), "whole.txt", "The whole", file)
        .await
        .unwrap();
    let workspace = slack.workspace();
    assert_eq!((workspace.messages.len(), workspace.refused.len()), (2, 0));
}

#[tokio::test]
async fn a_message_is_found_by_its_key() {
    let (slack, client) = both().await;
    let message = Message::new("Deployed", [Block::header("Deployed")]);
    let first = client
        .post_once(CHANNEL, None, &message, "42/first")
        .await
        .unwrap();
    let thread = Some(first.ts.as_str());
    let second = client
        .post_once(CHANNEL, thread, &message, "42/second")
        .await
        .unwrap();
    assert_eq!(
        client.find(CHANNEL, None, "42/first").await.unwrap(),
        Some(first.clone())
    );
    assert_eq!(
        client.find(CHANNEL, thread, "42/second").await.unwrap(),
        Some(second)
    );
    assert_eq!(client.find(CHANNEL, None, "42/second").await.unwrap(), None);
    // A fault that ends in doubt, once: looked for, not there, sent again.
    slack.faults.set_for_next(1, Fault::Unavailable);
    client
        .post_once(CHANNEL, thread, &message, "42/third")
        .await
        .unwrap();
    assert_eq!(slack.workspace().messages.len(), 3);
}

#[tokio::test]
async fn a_missing_scope_is_said_and_a_deleted_thread_is_gone() {
    let (slack, client) = both().await;
    let message = Message::new("Deployed", []);
    let posted = client.post(CHANNEL, None, &message).await.unwrap();
    slack.workspace().scopes = vec!["chat:write"];
    assert_eq!(client.auth_test().await.unwrap().scopes, ["chat:write"]);
    let error = client
        .upload_file(CHANNEL, None, "plan.txt", "Plan", b"x".to_vec())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "files.getUploadURLExternal: slack refused: missing_scope (needs files:write; the token has chat:write)"
    );
    slack.workspace().delete(&posted.ts);
    let error = client.update(CHANNEL, &posted.ts, &message).await.unwrap_err();
    assert!(matches!(error, Error::Refused { code, .. } if code == "message_not_found"));
}

#[tokio::test]
async fn a_webhook_posts_and_says_when_it_is_gone() {
    let (slack, _) = both().await;
    let url = slack.hook_url();
    Webhook::new(WebhookConfig::new(&url))
        .unwrap()
        .post(&full())
        .await
        .unwrap();
    assert_eq!(slack.workspace().messages.len(), 1);
    let gone = Webhook::new(WebhookConfig::new(format!("{url}x"))).unwrap();
    let error = gone.post(&full()).await.unwrap_err();
    assert_eq!(error.to_string(), "webhook: slack refused: no_service");
}
