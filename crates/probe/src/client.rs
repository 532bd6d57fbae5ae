//! Asks services over HTTP. Nothing else in this crate does.
//!
//! Sends no credential, goes through no proxy, follows redirects only within the same scheme, address and port, and
//! reads a bounded part of the answer's body.

use crate::{Answer, Expectation, ServiceCheck, Target, judge};
use reqwest::{Client, Url, redirect};
use std::error::Error;
use std::io;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// The user agent when nobody says otherwise.
pub const USER_AGENT: &str = concat!("portcullis-check-services/", env!("CARGO_PKG_VERSION"));

/// Redirects that are followed, at most.
const MOST_REDIRECTS: usize = 5;

/// How to ask.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long one attempt may take, from the connection to the end of the answer.
    pub attempt: Duration,
    /// How long to go on asking a service that does not answer as expected: services start late. Zero means once.
    pub patience: Duration,
    /// The wait between two attempts.
    pub wait: Duration,
    /// How many services are asked at the same time.
    pub at_once: usize,
    /// How much of an answer's body is read.
    pub body: usize,
    /// The `User-Agent` header.
    pub user_agent: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(5),
            patience: Duration::from_secs(60),
            wait: Duration::from_secs(2),
            at_once: 16,
            body: 64 * 1024,
            user_agent: USER_AGENT.to_owned(),
        }
    }
}

/// The HTTP client could not be set up: TLS or the user agent.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be set up")]
pub struct SetupError(#[source] reqwest::Error);

/// Asks every target, until each answers as expected or patience ends. Gives one check per target, in the targets'
/// order, whatever happens to the others.
///
/// # Errors
/// When the HTTP client cannot be set up; nothing was asked then.
pub async fn ask(
    targets: &[Target],
    expectation: &Expectation,
    settings: &Settings,
) -> Result<Vec<ServiceCheck>, SetupError> {
    choose_cryptography();
    let client = Client::builder()
        .user_agent(settings.user_agent.as_str())
        .timeout(settings.attempt)
        .connect_timeout(settings.attempt)
        .redirect(redirect::Policy::custom(within_the_same_place))
        .no_proxy()
        .referer(false)
        .pool_max_idle_per_host(0)
        .build()
        .map_err(SetupError)?;
    let end = Instant::now() + settings.patience;
    let mut checks: Vec<Option<ServiceCheck>> = vec![None; targets.len()];
    let mut waiting = targets.iter().enumerate();
    let mut running = JoinSet::new();
    loop {
        while running.len() < settings.at_once.max(1)
            && let Some((index, target)) = waiting.next()
        {
            let (client, target) = (client.clone(), target.clone());
            let (expectation, settings) = (expectation.clone(), settings.clone());
            running.spawn(async move {
                (
                    index,
                    ask_one(&client, &target, &expectation, &settings, end).await,
                )
            });
        }
        match running.join_next().await {
            None => break,
            Some(Ok((index, check))) => {
                if let Some(slot) = checks.get_mut(index) {
                    *slot = Some(check);
                }
            }
            // A task that stopped half-way leaves its slot empty; it is filled below.
            Some(Err(_)) => {}
        }
    }
    let stopped = Answer::Other("the task that asked stopped".to_owned());
    let filled = targets.iter().zip(checks);
    Ok(filled
        .map(|(target, check)| check.unwrap_or_else(|| judge(target, expectation, &stopped, 0)))
        .collect())
}

async fn ask_one(
    client: &Client,
    target: &Target,
    expectation: &Expectation,
    settings: &Settings,
    end: Instant,
) -> ServiceCheck {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let answer = ask_once(client, target, settings.body).await;
        if answer.meets(expectation) || Instant::now() + settings.wait >= end {
            return judge(target, expectation, &answer, attempts);
        }
        sleep(settings.wait).await;
    }
}

async fn ask_once(client: &Client, target: &Target, most: usize) -> Answer {
    let start = Instant::now();
    let mut response = match client.get(target.url.clone()).send().await {
        Ok(response) => response,
        Err(error) => return why(&error),
    };
    let status = response.status().as_u16();
    let mut read = 0;
    // The body is read, so that a service that dies half-way through its answer does not pass.
    while read < most {
        match response.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) => break,
            Err(error) if error.is_timeout() => return Answer::TimedOut,
            Err(_) => return Answer::Broken,
        }
    }
    Answer::Status {
        status,
        milliseconds: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

/// What the error says of the service. The error's own text is not shown: it may quote what the service sent.
fn why(error: &reqwest::Error) -> Answer {
    if error.is_timeout() {
        return Answer::TimedOut;
    }
    let mut words = String::new();
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            match error.kind() {
                io::ErrorKind::ConnectionRefused => return Answer::Refused,
                io::ErrorKind::TimedOut => return Answer::TimedOut,
                io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::AddrNotAvailable => return Answer::NoRoute,
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof => return Answer::Broken,
                _ => {}
            }
        }
        words.push_str(&error.to_string());
        words.push('\n');
        cause = error.source();
    }
    // rustls and hyper keep these kinds to themselves; only their words tell.
    if words.contains("certificate") {
        Answer::Certificate
    } else if words.contains("invalid HTTP")
        || words.contains("corrupt message")
        || words.contains("InvalidContentType")
    {
        Answer::NotHttp
    } else if words.contains("connection closed before message completed")
        || words.contains("incomplete message")
    {
        Answer::Broken
    } else if error.is_connect() {
        Answer::Other("the connection failed".to_owned())
    } else {
        Answer::NotHttp
    }
}

/// Another host may be anything, the metadata service included; the answer is then the redirect itself.
fn within_the_same_place(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let place = |url: &Url| {
        (
            url.scheme().to_owned(),
            url.host_str().map(str::to_owned),
            url.port_or_known_default(),
        )
    };
    let same = attempt
        .previous()
        .first()
        .is_some_and(|first| place(first) == place(attempt.url()));
    if same && attempt.previous().len() <= MOST_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// rustls leaves the choice of the cryptography under TLS to the process. A choice that the program made before stands.
fn choose_cryptography() {
    // The error says that a choice is made already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
