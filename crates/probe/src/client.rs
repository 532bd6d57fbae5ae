//! Asks services over HTTP, HTTPS and plain TCP. Nothing else in this crate does.
//!
//! Sends no credential, goes through no proxy, asks nobody but the targets: a name is looked up once, an address it leads to is
//! asked only where it may lead there, and a redirect is followed only to a target at the same address. Reads a bounded part of
//! every answer, and never unpacks one.

mod dial;
mod names;
mod tls;

use crate::target::may_control;
use crate::{Answer, Control, Controlled, Place, Reach, Reply, ServiceCheck, Target, is_met, judge};
use dial::Dialler;
pub use names::Lookup;
use names::MOST_ADDRESSES;
use std::net::{IpAddr, SocketAddr};
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
    /// Whether a place that always answers may be this machine itself.
    pub loopback: bool,
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
            loopback: false,
        }
    }
}

impl Settings {
    /// How long [`ask`] takes at the longest with these targets: until each was asked once, or until patience ended and the last
    /// attempts with it; after the control targets.
    #[must_use]
    pub fn longest(&self, targets: &[Target]) -> Duration {
        // A name is looked up, and each address that it leads to asked in turn.
        let attempts = |target: &Target| match &target.place {
            Place::Address(_) => 1,
            Place::Name { .. } => 1 + u32::try_from(MOST_ADDRESSES).unwrap_or(u32::MAX),
        };
        let of_one = targets.iter().map(attempts).max().unwrap_or(0);
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let at_once = number(self.at_once.max(1));
        let rounds = if number(targets.len()) <= at_once {
            u64::from(of_one)
        } else {
            // The last one waits until the others leave a place free: no longer than if they shared all places evenly.
            let all: u64 = targets.iter().map(attempts).map(u64::from).sum();
            (all + (at_once - 1) * u64::from(of_one)).div_ceil(at_once)
        };
        let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
        let once = self.attempt.saturating_mul(rounds);
        let again = self.patience.saturating_add(self.attempt.saturating_mul(of_one));
        // Looked up, and asked over both address families.
        let controls = u32::try_from(3 * self.controls.len()).unwrap_or(u32::MAX);
        let asking = if self.patience.is_zero() {
            once
        } else {
            once.max(again)
        };
        self.attempt.saturating_mul(controls).saturating_add(asking)
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
    let mut known: Vec<Known> = targets.iter().map(|_| Known::default()).collect();
    let mut left: Vec<usize> = (0..targets.len()).collect();
    let controls = control(settings).await;
    loop {
        let again = known.iter().any(|known| known.attempts > 0);
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
            if let (Some(known), Some(target), Some(reply)) =
                (known.get_mut(index), targets.get(index), reply)
            {
                known.take(target, reply);
            }
        })
        .await;
        left.retain(|&index| known.get(index).is_some_and(|known| !known.met));
        if left.is_empty() || Instant::now() + settings.wait >= end {
            break;
        }
        sleep(settings.wait).await;
    }
    let asked = targets.iter().zip(&known);
    let reach = Reach::of(asked.map(|(target, known)| (target.port, &known.reply)), controls);
    Ok(targets
        .iter()
        .zip(known)
        .map(|(target, known)| known.check(target, &reach))
        .collect())
}

/// What is known of one target so far.
#[derive(Debug, Default)]
struct Known {
    /// The last reply, without its body.
    reply: Reply,
    attempts: u32,
    met: bool,
    /// What an answer in HTTP comes to.
    check: Option<ServiceCheck>,
}

impl Known {
    /// An answer in HTTP is judged when it comes, since it tells by itself, and its body is dropped: those of thousands of targets
    /// would be too much to keep. What else comes is judged when it is known what this machine can reach.
    fn take(&mut self, target: &Target, mut reply: Reply) {
        self.attempts += 1;
        self.met = is_met(target, &reply);
        let is_http = matches!(reply.answer, Answer::Http(_));
        self.check = is_http.then(|| judge(target, &reply, self.attempts, &Reach::default()));
        if let Answer::Http(http) = &mut reply.answer {
            http.body = Vec::new();
        }
        self.reply = reply;
    }

    fn check(self, target: &Target, reach: &Reach) -> ServiceCheck {
        let judge = || judge(target, &self.reply, self.attempts, reach);
        self.check.unwrap_or_else(judge)
    }
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
        // A name may lead anywhere.
        let addresses: Vec<IpAddr> = addresses
            .into_iter()
            .filter(|address| may_control(*address, settings.loopback))
            .collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expectation, HttpAnswer, MemberKind, Wish};
    use portcullis_secgroup::AddressSet;

    fn target(place: Place, expectation: Expectation) -> Target {
        Target {
            member: "front".into(),
            kind: MemberKind::Instance,
            group: "web".into(),
            place,
            port: 8000,
            wish: Wish::Answer(Arc::new(expectation)),
        }
    }

    fn at_address() -> Place {
        Place::Address("52.95.110.7".parse().unwrap())
    }

    #[test]
    fn no_body_is_kept() {
        let target = target(at_address(), Expectation::default().saying("up"));
        let http = |body: &str| HttpAnswer {
            status: 200,
            body: body.into(),
            ..HttpAnswer::default()
        };
        let mut known = Known::default();
        for (body, met) in [("down", false), ("it is up", true)] {
            let answer = Answer::Http(Box::new(http(body)));
            known.take(
                &target,
                Reply {
                    answer,
                    ..Reply::default()
                },
            );
            assert_eq!(known.met, met);
            let kept = match &known.reply.answer {
                Answer::Http(http) => Some(http.body.capacity()),
                _ => None,
            };
            assert_eq!(kept, Some(0));
        }
        let check = known.check(&target, &Reach::default());
        assert_eq!((check.outcome.as_str(), check.attempts), ("200 OK", 2));
    }

    #[test]
    fn how_long_it_takes_at_the_longest() {
        let seconds = |patience, at_once, targets: &[Target]| {
            let settings = Settings {
                attempt: Duration::from_secs(5),
                patience: Duration::from_secs(patience),
                at_once,
                ..Settings::default()
            };
            settings.longest(targets).as_secs()
        };
        let one = [target(at_address(), Expectation::default())];
        assert_eq!(seconds(0, 64, &[]), 0);
        assert_eq!(seconds(0, 64, &one), 5);
        assert_eq!(seconds(60, 64, &one), 65);
        let twenty = vec![target(at_address(), Expectation::default()); 20];
        assert_eq!(seconds(1, 1, &twenty), 100, "each waits for those before it");
        assert_eq!(seconds(60, 64, &twenty), 65);
        let name = Place::Name {
            name: "shop.example.org".into(),
            within: AddressSet::internet(),
        };
        let named = target(name, Expectation::default());
        assert_eq!(
            seconds(0, 64, &[named]),
            45,
            "a name, and eight addresses in turn"
        );
    }
}
