//! Faults that can be switched on, for one of the stand-ins or both.

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A way in which a service can fail its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed before anything is answered.
    Refuse,
    /// 503 with an HTML page, as a proxy in front of the service answers.
    Unavailable,
    /// 429 with `Retry-After`.
    RateLimited {
        /// The seconds in `Retry-After`.
        retry_after: u64,
    },
    /// The token is no longer good: 401 from GitLab, `invalid_auth` from Slack.
    Unauthorized,
    /// The right answer, late.
    Slow(Duration),
}

/// A word that names no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a fault is one of refuse, unavailable, rate-limited, rate-limited=SECONDS, unauthorized, slow=MILLISECONDS"
)]
pub struct UnknownFault;

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, number) = match text.split_once('=') {
            Some((word, number)) => (word, Some(number.parse::<u64>().map_err(|_| UnknownFault)?)),
            None => (text, None),
        };
        match (word, number) {
            ("refuse", None) => Ok(Self::Refuse),
            ("unavailable", None) => Ok(Self::Unavailable),
            ("rate-limited", seconds) => Ok(Self::RateLimited {
                retry_after: seconds.unwrap_or(1),
            }),
            ("unauthorized", None) => Ok(Self::Unauthorized),
            ("slow", Some(milliseconds)) => Ok(Self::Slow(Duration::from_millis(milliseconds))),
            _ => Err(UnknownFault),
        }
    }
}

/// The switch of one stand-in. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Switch>>);

#[derive(Debug, Default)]
struct Switch {
    fault: Option<Fault>,
    /// How many more requests it hits; `None` for all.
    left: Option<u32>,
}

impl Faults {
    /// Every request fails this way from now on.
    pub fn set(&self, fault: Fault) {
        *self.switch() = Switch {
            fault: Some(fault),
            left: None,
        };
    }

    /// Only the next `count` requests fail this way: what a client's retry must get over.
    pub fn set_for_next(&self, count: u32, fault: Fault) {
        *self.switch() = Switch {
            fault: Some(fault),
            left: Some(count),
        };
    }

    /// The service is well again.
    pub fn clear(&self) {
        *self.switch() = Switch::default();
    }

    /// The fault that hits the present connection, if it is a refused one. Counts as a use.
    #[must_use]
    pub fn refuses(&self) -> bool {
        let mut switch = self.switch();
        switch.fault == Some(Fault::Refuse) && switch.take().is_some()
    }

    /// The fault that hits the present request. Counts as a use; a refusal has happened before any request.
    #[must_use]
    pub fn take(&self) -> Option<Fault> {
        let mut switch = self.switch();
        if switch.fault == Some(Fault::Refuse) {
            None
        } else {
            switch.take()
        }
    }

    fn switch(&self) -> std::sync::MutexGuard<'_, Switch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Switch {
    fn take(&mut self) -> Option<Fault> {
        match &mut self.left {
            None => self.fault,
            Some(0) => None,
            Some(left) => {
                *left -= 1;
                self.fault
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_read_from_its_word() {
        assert_eq!("refuse".parse(), Ok(Fault::Refuse));
        assert_eq!(
            "rate-limited=7".parse(),
            Ok(Fault::RateLimited { retry_after: 7 })
        );
        assert_eq!("slow=250".parse(), Ok(Fault::Slow(Duration::from_millis(250))));
        for wrong in ["", "slow", "slow=fast", "refuse=1", "on fire"] {
            assert_eq!(wrong.parse::<Fault>(), Err(UnknownFault), "{wrong}");
        }
    }

    #[test]
    fn a_counted_fault_hits_that_many_requests() {
        let faults = Faults::default();
        faults.set_for_next(2, Fault::Unavailable);
        let hits: Vec<bool> = (0..4).map(|_| faults.take().is_some()).collect();
        assert_eq!(hits, [true, true, false, false]);
    }

    #[test]
    fn a_refusal_is_of_the_connection_not_of_the_request() {
        let faults = Faults::default();
        faults.set_for_next(1, Fault::Refuse);
        assert_eq!(faults.take(), None);
        assert!(faults.refuses());
        assert!(!faults.refuses());
    }
}
