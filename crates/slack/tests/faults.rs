//! Every call against every fault, at the wire: what is said, how often it was asked, whether it may have happened.
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
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the other side does with a connection.
#[derive(Clone, Copy)]
enum Fault {
    /// Nobody listens.
    Refused,
    /// The connection is reset once the request was read.
    Reset,
    /// The request is read, and nothing is answered.
    Silent,
    /// These bytes, then the end of the connection.
    Answer(&'static str),
}

const FAULTS: [(&str, Fault); 17] = [
    ("refused", Fault::Refused),
    ("reset", Fault::Reset),
    ("slow", Fault::Silent),
    (
        "cut off",
        Fault::Answer("HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"ok\": true, "),
    ),
    (
        "502 web page",
        Fault::Answer(
            "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>",
        ),
    ),
    (
        "200 web page",
        Fault::Answer(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>",
        ),
    ),
    (
        "500",
        Fault::Answer("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"),
    ),
    (
        "429 with a short wait",
        Fault::Answer("HTTP/1.1 429 Slow\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n"),
    ),
    (
        "429 with a long wait",
        Fault::Answer("HTTP/1.1 429 Slow\r\nretry-after: 3600\r\ncontent-length: 0\r\n\r\n"),
    ),
    (
        "429 without a wait",
        Fault::Answer("HTTP/1.1 429 Slow\r\ncontent-length: 0\r\n\r\n"),
    ),
    (
        "401",
        Fault::Answer("HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n"),
    ),
    (
        "403",
        Fault::Answer("HTTP/1.1 403 No\r\ncontent-length: 17\r\n\r\naction_prohibited"),
    ),
    (
        "404",
        Fault::Answer("HTTP/1.1 404 No\r\ncontent-length: 10\r\n\r\nno_service"),
    ),
    (
        "invalid_auth",
        Fault::Answer(
            "HTTP/1.1 200 OK\r\ncontent-length: 37\r\n\r\n{\"ok\":false, \"error\": \"invalid_auth\"}",
        ),
    ),
    (
        "missing_scope",
        Fault::Answer(
            "HTTP/1.1 200 OK\r\ncontent-length: 91\r\n\r\n{\"ok\":false,\"error\":\"missing_scope\",\"needed\":\"files:write\",\"provided\":\"chat:write,users:x\"}",
        ),
    ),
    (
        "internal_error",
        Fault::Answer(
            "HTTP/1.1 200 OK\r\ncontent-length: 39\r\n\r\n{\"ok\":false, \"error\": \"internal_error\"}",
        ),
    ),
    (
        "not ok, not refused",
        Fault::Answer("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"),
    ),
];

/// A server with one fault; it counts the requests it was sent.
///
/// The steps of an upload in `well` are answered as they should be, and not counted.
async fn faulty(fault: Fault, well: &'static [&'static str]) -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    if matches!(fault, Fault::Refused) && well.is_empty() {
        // Closed again: nobody listens there now.
        return (url, asked);
    }
    let (counter, base) = (Arc::clone(&asked), url.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, fault, well, base.clone(), Arc::clone(&counter)));
        }
    });
    (url, asked)
}

async fn answer(
    mut stream: TcpStream,
    fault: Fault,
    well: &'static [&'static str],
    base: String,
    asked: Arc<AtomicUsize>,
) {
    let mut request = Vec::new();
    while !is_whole(&request) {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(n) => request.extend_from_slice(&chunk[..n]),
        }
    }
    let line = String::from_utf8_lossy(&request)
        .lines()
        .next()
        .unwrap()
        .to_owned();
    if well.iter().any(|step| line.contains(step)) {
        let body = format!("{{\"ok\":true,\"file_id\":\"F1\",\"upload_url\":\"{base}put/SECRET\"}}");
        let head = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        return;
    }
    asked.fetch_add(1, Ordering::SeqCst);
    match fault {
        Fault::Refused => {}
        Fault::Reset => stream.set_zero_linger().unwrap(),
        Fault::Silent => std::future::pending().await,
        Fault::Answer(text) => {
            let text = text.replacen("\r\n", "\r\nconnection: close\r\n", 1);
            let _ = stream.write_all(text.as_bytes()).await;
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    body.len() >= length
}

fn retry() -> Retry {
    Retry {
        attempts: 3,
        first_wait: Duration::ZERO,
        longest_wait: Duration::from_secs(1),
    }
}

fn client(base_url: &str) -> Client {
    let mut config = Config::new(Token::new("xoxb-SECRET"));
    config.base_url = base_url.to_owned();
    config.timeout = Duration::from_millis(150);
    config.upload_timeout = Duration::from_millis(150);
    config.retry = retry();
    Client::new(config).unwrap()
}

const ASK: &str = "files.getUploadURLExternal";

/// The calls, and the steps before the one that meets the fault.
const CALLS: [(&str, &[&str]); 10] = [
    ("post", &[]),
    ("post_once", &[]),
    ("update", &[]),
    ("upload: ask", &[]),
    ("upload: put", &[ASK]),
    ("upload: share", &[ASK, "/put/"]),
    ("permalink", &[]),
    ("auth_test", &[]),
    ("find", &[]),
    ("webhook", &[]),
];

async fn call(name: &str, url: &str) -> Result<(), Error> {
    let slack = client(url);
    let message = Message::new("Deployed", [Block::header("Deployed")]);
    match name {
        "post" => slack.post("C1", None, &message).await.map(drop),
        "post_once" => slack
            .post_once("C1", Some("1.2"), &message, "42/deployed")
            .await
            .map(drop),
        "update" => slack.update("C1", "1.2", &message).await,
        "upload: ask" | "upload: put" | "upload: share" => slack
            .upload_file("C1", None, "plan.txt", "Plan", b"a plan".to_vec())
            .await
            .map(drop),
        "permalink" => slack.permalink("C1", "1.2").await.map(drop),
        "auth_test" => slack.auth_test().await.map(drop),
        "find" => slack.find("C1", None, "42/deployed").await.map(drop),
        "webhook" => {
            let mut config = WebhookConfig::new(format!("{url}services/T1/B1/SECRET"));
            config.timeout = Duration::from_millis(150);
            config.retry = retry();
            Webhook::new(config).unwrap().post(&message).await
        }
        other => panic!("no call {other}"),
    }
}

#[tokio::test]
async fn every_call_against_every_fault() {
    let mut table = String::new();
    for (name, fault) in FAULTS {
        let _ = writeln!(table, "{name}");
        for (method, well) in CALLS {
            let (url, asked) = faulty(fault, well).await;
            let told = match call(method, &url).await {
                Ok(()) => "success".to_owned(),
                Err(error) => {
                    let shown = format!("{error}; {}; {error:?}", error.hint().unwrap_or_default());
                    assert!(!shown.contains("SECRET"), "{method}, {name}: {shown}");
                    let doubt = if error.may_have_happened() {
                        " (may have happened)"
                    } else {
                        ""
                    };
                    format!("{error}{doubt}")
                }
            };
            let host = url.trim_start_matches("http://").trim_end_matches('/');
            let _ = writeln!(
                table,
                "  {method:<14}{}x  {}",
                asked.load(Ordering::SeqCst),
                told.replace(host, "HOST")
            );
        }
    }
    insta::assert_snapshot!("every-call-against-every-fault", table);
}
