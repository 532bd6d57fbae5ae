//! Asks services over HTTP, HTTPS and plain TCP. Nothing else in this crate does.
//!
//! Sends no credential, goes through no proxy, asks nobody but the targets: a name is looked up once, an address it leads to is
//! asked only where it may lead there, and a redirect is followed only to a target at the same address. Reads a bounded part of
//! every answer, and never unpacks one.

mod dial;
mod names;
mod tls;

use crate::{Control, Controlled, Reach, Reply, ServiceCheck, Target, is_met, judge};
use dial::Dialler;
pub use names::Lookup;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
pub use tls::{BadAuthority, Trust};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// The user agent when nobody says otherwise.
pub const USER_AGENT: &str = concat!("portcullis-check-services/", env!("CARGO_PKG_VERSION"));

/// How to ask.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long one attempt may take, from the connection to the end of the answer.
    pub attempt: Duration,
    /// How long to go on asking services that do not answer as expected: services start late. Zero means once.
    pub patience: Duration,
    /// The wait between two rounds of asking.
    pub wait: Duration,
    /// How many services are asked at the same time.
    pub at_once: usize,
    /// How much of an answer's body is read.
    pub body: usize,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Whose certificates are trusted.
    pub trust: Trust,
    /// How names are looked up.
    pub lookup: Lookup,
    /// Places that always answer.
    pub controls: Vec<Control>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(5),
            patience: Duration::from_secs(60),
            wait: Duration::from_secs(2),
            at_once: 64,
            body: 256 * 1024,
            user_agent: USER_AGENT.to_owned(),
            trust: Trust::default(),
            lookup: Lookup::default(),
            controls: Vec::new(),
        }
    }
}

/// The client could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// TLS is not to be had.
    #[error("TLS could not be set up")]
    Tls(#[source] rustls::Error),
    /// The user agent is no header.
    #[error("the user agent {0:?} cannot be sent")]
    UserAgent(String),
}

/// Asks every target, until each answers as expected or patience ends. Gives one check per target, in the targets'
/// order, whatever happens to the others.
///
/// All are asked once before any is asked again, so a slow one does not hold up the others. The time is bounded: each target is
/// asked at least once, `at_once` at the same time, and nobody is asked anew when patience has ended.
///
/// # Errors
/// When the client cannot be set up; nothing was asked then.
pub async fn ask(targets: &[Target], settings: &Settings) -> Result<Vec<ServiceCheck>, SetupError> {
    let end = Instant::now() + settings.patience;
    let dialler = Arc::new(Dialler::new(settings, targets)?);
    let mut replies = vec![(Reply::default(), 0_u32); targets.len()];
    let mut left: Vec<usize> = (0..targets.len()).collect();
    let controls = control(settings).await;
    loop {
        let again = replies.iter().any(|(_, attempts)| *attempts > 0);
        let ask = |index: usize| {
            let (dialler, target) = (Arc::clone(&dialler), targets.get(index).cloned());
            async move {
                // Who waited for a free place until patience ended is not asked anew.
                if again && Instant::now() >= end {
                    return None;
                }
                Some(dialler.ask(&target?).await)
            }
        };
        at_once(settings.at_once, &left, ask, |index, reply| {
            if let (Some(slot), Some(reply)) = (replies.get_mut(index), reply) {
                *slot = (reply, slot.1 + 1);
            }
        })
        .await;
        let replied = |index: usize| Some((targets.get(index)?, replies.get(index)?));
        left.retain(|&index| replied(index).is_some_and(|(target, (reply, _))| !is_met(target, reply)));
        if left.is_empty() || Instant::now() + settings.wait >= end {
            break;
        }
        sleep(settings.wait).await;
    }
    let reach = Reach::of(replies.iter().map(|(reply, _)| reply), controls);
    Ok(targets
        .iter()
        .zip(&replies)
        .map(|(target, (reply, attempts))| judge(target, reply, *attempts, &reach))
        .collect())
}

/// Runs one future per index, so many at the same time. A task that stops half-way leaves its index untouched.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    most: usize,
    indices: &[usize],
    start: impl Fn(usize) -> F,
    mut done: impl FnMut(usize, T),
) {
    let mut waiting = indices.iter().copied();
    let mut running = JoinSet::new();
    loop {
        while running.len() < most.max(1)
            && let Some(index) = waiting.next()
        {
            let future = start(index);
            running.spawn(async move { (index, future.await) });
        }
        match running.join_next().await {
            None => break,
            Some(Ok((index, value))) => done(index, value),
            Some(Err(_)) => {}
        }
    }
}

/// Whether the control targets take connections.
async fn control(settings: &Settings) -> Vec<Controlled> {
    let mut out = Vec::new();
    for control in &settings.controls {
        let addresses = match control.host.parse() {
            Ok(address) => vec![address],
            Err(_) => settings
                .lookup
                .addresses(&control.host, settings.attempt)
                .await
                .unwrap_or_default(),
        };
        let reach = async |six: bool| {
            let address = addresses.iter().find(|address| address.is_ipv6() == six)?;
            let stream = TcpStream::connect(SocketAddr::new(*address, control.port));
            Some(
                timeout(settings.attempt, stream)
                    .await
                    .is_ok_and(|made| made.is_ok()),
            )
        };
        let (v4, v6) = (reach(false).await, reach(true).await);
        // A name that leads nowhere tells that the way out is closed.
        let nowhere = addresses.is_empty().then_some(false);
        out.push(Controlled {
            control: control.clone(),
            v4: v4.or(nowhere),
            v6: v6.or(nowhere),
        });
    }
    out
}

/// Microseconds since then.
fn micros(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)
}
