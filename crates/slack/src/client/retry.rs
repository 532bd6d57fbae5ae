//! When a call is made again.

use super::Error;
use std::time::Duration;

/// When and how often to ask again.
///
/// Slack has no idempotency key. A call that writes is repeated only when it surely did not happen: the connection could
/// not be made, or Slack said 429. A call that reads, or that writes the same thing once more, is repeated after a 5xx or a
/// broken connection as well. A time-out ends every call: it has taken its time already.
#[derive(Debug, Clone)]
pub struct Retry {
    /// How often to try in all: 3.
    pub attempts: u32,
    /// How long to wait before the second try, doubled before each further one: 500 ms.
    pub first_wait: Duration,
    /// The longest wait that `Retry-After` may ask for: 10 s. When it asks for more, the call fails at once.
    pub longest_wait: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 3,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(10),
        }
    }
}

/// Whether a call that may have happened may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It reads, or writes the same thing once more.
    Harmless,
    /// It would post twice.
    Never,
}

/// Asks, and asks again where that can do no harm.
pub(super) async fn asking<T>(
    retry: &Retry,
    repeat: Repeat,
    once: impl AsyncFn() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut wait = retry.first_wait;
    let mut attempt = 1;
    loop {
        let error = match once().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let pause = match &error {
            Error::RateLimited { retry_after, .. } => retry_after.unwrap_or(wait),
            Error::Unreachable { .. } => wait,
            Error::TimedOut { .. } => return Err(error),
            error if error.may_have_happened() && repeat == Repeat::Harmless => wait,
            _ => return Err(error),
        };
        if attempt >= retry.attempts || pause > retry.longest_wait {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
        wait *= 2;
        attempt += 1;
    }
}
