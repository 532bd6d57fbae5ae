//! What a client is told once.

use crate::Secret;
use std::time::Duration;
use url::Url;

/// Everything a [`Client`](super::Client) needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Root of the REST API, such as `https://gitlab.example/api/v4`.
    pub api_url: Url,
    /// The token, and how it is sent.
    pub token: Token,
    /// How long to wait for an answer.
    pub timeouts: Timeouts,
    /// How often to ask again.
    pub retry: Retry,
    /// The longest answer that is held in memory, in bytes; a state must fit.
    pub answer_limit: usize,
}

/// A state of a hundred thousand resources fits.
const ANSWER_LIMIT: usize = 256 * 1024 * 1024;

impl Config {
    /// With the usual waiting times.
    #[must_use]
    pub fn new(api_url: Url, token: Token) -> Self {
        Self {
            api_url,
            token,
            timeouts: Timeouts::default(),
            retry: Retry::default(),
            answer_limit: ANSWER_LIMIT,
        }
    }
}

/// The two kinds of token.
#[derive(Debug, Clone)]
pub enum Token {
    /// `CI_JOB_TOKEN`: has the rights of the job's user on a few routes, and dies with the job.
    Job(Secret),
    /// A personal, project or group access token.
    Private(Secret),
}

impl Token {
    pub(super) fn secret(&self) -> &Secret {
        match self {
            Self::Job(secret) | Self::Private(secret) => secret,
        }
    }
}

/// How long to wait for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the answer is complete.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            request: Duration::from_secs(30),
        }
    }
}

/// How often, and after which wait, a request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often at most, the first time not counted.
    pub times: u32,
    /// The first wait; each further one is twice as long.
    pub wait_min: Duration,
    /// The longest wait.
    pub wait_max: Duration,
    /// The longest wait that GitLab may ask for by `Retry-After`.
    pub retry_after_max: Duration,
    /// The longest time for one call with all its repeats, waits and pages. A wait that would pass it is not begun.
    pub deadline: Duration,
}

impl Retry {
    /// Never asks again.
    pub const NEVER: Self = Self {
        times: 0,
        wait_min: Duration::ZERO,
        wait_max: Duration::ZERO,
        retry_after_max: Duration::ZERO,
        deadline: Duration::MAX,
    };

    /// The wait before the repeat number `repeat` (from 0), given what GitLab asked for.
    pub(super) fn wait(&self, repeat: u32, retry_after: Option<Duration>) -> Duration {
        retry_after.map_or_else(
            || {
                self.wait_min
                    .saturating_mul(1_u32.checked_shl(repeat).unwrap_or(u32::MAX))
                    .min(self.wait_max)
            },
            |asked| asked.min(self.retry_after_max),
        )
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            times: 3,
            wait_min: Duration::from_millis(500),
            wait_max: Duration::from_secs(10),
            retry_after_max: Duration::from_secs(60),
            deadline: Duration::from_secs(180),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_gitlab_may_ask_for_more_within_its_cap() {
        let retry = Retry::default();
        let seconds =
            |repeat, asked: Option<u64>| retry.wait(repeat, asked.map(Duration::from_secs)).as_secs_f32();
        let table = [
            (0, None, 0.5),
            (1, None, 1.0),
            (4, None, 8.0),
            (5, None, 10.0),
            (400, None, 10.0),
            (0, Some(0), 0.0),
            (0, Some(30), 30.0),
            (0, Some(86_400), 60.0),
        ];
        for (repeat, asked, wait) in table {
            assert!(
                (seconds(repeat, asked) - wait).abs() < f32::EPSILON,
                "{repeat} {asked:?}"
            );
        }
    }
}
