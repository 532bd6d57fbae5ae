//! Asking real sockets on loopback.
#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

use portcullis_probe::client::{Settings, USER_AGENT, ask};
use portcullis_probe::{Expectation, ServiceCheck, Target};
use portcullis_report::Verdict;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn settings() -> Settings {
    Settings {
        patience: Duration::ZERO,
        wait: Duration::ZERO,
        attempt: Duration::from_secs(5),
        ..Settings::default()
    }
}

fn target(url: &str) -> Target {
    Target {
        member: "front".into(),
        group: "web".into(),
        url: url.parse().unwrap(),
    }
}

async fn check(url: &str, settings: &Settings) -> ServiceCheck {
    ask(&[target(url)], &Expectation::default(), settings)
        .await
        .unwrap()
        .remove(0)
}

/// Listens on loopback, and says these bytes to whoever comes.
fn says(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(bytes);
        }
    });
    url
}

#[tokio::test]
async fn a_service_that_answers_passes_and_sees_who_asks() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/"))
        .and(header("user-agent", USER_AGENT))
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&server)
        .await;
    let check = check(&server.uri(), &settings()).await;
    assert_eq!(
        (check.verdict, check.status, check.attempts),
        (Verdict::Pass, Some(200), 1),
        "{}",
        check.outcome
    );
    assert!(check.milliseconds.is_some());
    let asked = &server.received_requests().await.unwrap()[0];
    for name in ["authorization", "cookie", "referer"] {
        assert!(!asked.headers.contains_key(name), "{name} was sent");
    }
}

#[tokio::test]
async fn a_service_that_starts_late_is_waited_for() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(3)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let patient = Settings {
        patience: Duration::from_secs(60),
        ..settings()
    };
    let late = check(&server.uri(), &patient).await;
    assert_eq!(
        (late.verdict, late.attempts),
        (Verdict::Pass, 4),
        "{}",
        late.outcome
    );
}

#[tokio::test]
async fn patience_ends() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(503))
        .mount(&server)
        .await;
    let check = check(
        &server.uri(),
        &Settings {
            patience: Duration::from_millis(50),
            ..settings()
        },
    )
    .await;
    assert_eq!(check.outcome, "status 503 Service Unavailable, expected 200");
    assert!(check.attempts > 1, "{} attempts", check.attempts);
}

#[tokio::test]
async fn everybody_is_reported_even_if_the_first_fails() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let mut targets = vec![target(&closed)];
    targets.extend((0..40).map(|n| target(&format!("{}/?n={n}", server.uri()))));
    let checks = ask(
        &targets,
        &Expectation::default(),
        &Settings {
            at_once: 3,
            ..settings()
        },
    )
    .await
    .unwrap();
    assert_eq!(checks.len(), 41);
    assert_eq!(
        (checks[0].verdict, checks[0].outcome.as_str()),
        (Verdict::Violation, "connection refused")
    );
    for (check, target) in checks.iter().zip(&targets).skip(1) {
        assert_eq!(
            (check.verdict, check.url.as_str()),
            (Verdict::Pass, target.url.as_str())
        );
    }
}

#[tokio::test]
async fn redirects_stay_in_place() {
    let (here, elsewhere) = (MockServer::start().await, MockServer::start().await);
    let to = |place: String| ResponseTemplate::new(302).insert_header("location", place);
    Mock::given(path("/near"))
        .respond_with(to("/found".into()))
        .mount(&here)
        .await;
    Mock::given(path("/found"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&here)
        .await;
    Mock::given(path("/far"))
        .respond_with(to(elsewhere.uri()))
        .mount(&here)
        .await;
    Mock::given(path("/round"))
        .respond_with(to("/round".into()))
        .mount(&here)
        .await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200))
        .expect(0)
        .mount(&elsewhere)
        .await;
    let near = check(&format!("{}/near", here.uri()), &settings()).await;
    assert_eq!(near.verdict, Verdict::Pass, "{}", near.outcome);
    for away in ["/far", "/round"] {
        let check = check(&format!("{}{away}", here.uri()), &settings()).await;
        assert_eq!(check.outcome, "status 302 Found, expected 200", "{away}");
    }
}

#[tokio::test]
async fn a_long_answer_is_not_read_to_its_end() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 50_000_000]))
        .mount(&server)
        .await;
    let check = check(
        &server.uri(),
        &Settings {
            body: 1000,
            ..settings()
        },
    )
    .await;
    assert_eq!(check.verdict, Verdict::Pass, "{}", check.outcome);
}

#[tokio::test]
async fn odd_answers_in_words() {
    let silent = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        // Accepts by the backlog, and never says a word.
        std::mem::forget(listener);
        url
    };
    let fast = Settings {
        attempt: Duration::from_millis(100),
        ..settings()
    };
    assert_eq!(check(&silent, &fast).await.outcome, "no answer in time");
    let ssh = check(&says(b"SSH-2.0-OpenSSH_9.6\r\n"), &settings()).await;
    assert_eq!(
        (ssh.verdict, ssh.outcome.as_str()),
        (Verdict::Violation, "somebody answered, but not in HTTP")
    );
    let cut = check(
        &says(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"),
        &settings(),
    )
    .await;
    assert_eq!(cut.outcome, "the connection broke before the answer was complete");
    let gone = check(&says(b""), &settings()).await;
    assert_eq!(
        gone.outcome,
        "the connection broke before the answer was complete"
    );
    let plain = says(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").replace("http:", "https:");
    let tls = check(&plain, &settings()).await;
    assert_eq!(tls.outcome, "somebody answered, but not in HTTP");
}
