//! What a service answered, held against what it should.

use crate::{Expectation, ServiceCheck, Target};
use portcullis_report::Verdict;

/// What came of asking one service once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// It answered in HTTP.
    Status {
        /// The HTTP status.
        status: u16,
        /// From the first byte sent to the last read.
        milliseconds: u64,
    },
    /// The machine is there, nobody listens on the port.
    Refused,
    /// No answer in time.
    TimedOut,
    /// The connection broke before the answer was complete.
    Broken,
    /// Somebody answered, but not in HTTP.
    NotHttp,
    /// The machine that asks has no way there.
    NoRoute,
    /// The certificate is not one for this address, or not valid.
    Certificate,
    /// Something else, in one line.
    Other(String),
}

impl Answer {
    /// Whether it is as expected.
    #[must_use]
    pub fn meets(&self, expectation: &Expectation) -> bool {
        matches!(self, Self::Status { status, .. } if *status == expectation.status())
    }
}

/// The check that this answer makes, after so many attempts.
///
/// What only says something about the machine that asks (no way there, a certificate for a name while the address
/// was asked) is undetermined.
#[must_use]
pub fn judge(target: &Target, expectation: &Expectation, answer: &Answer, attempts: u32) -> ServiceCheck {
    let expected = expectation.status();
    let (verdict, outcome) = match answer {
        Answer::Status { status, .. } if answer.meets(expectation) => (Verdict::Pass, named(*status)),
        Answer::Status { status, .. } => (
            Verdict::Violation,
            format!("status {}, expected {expected}", named(*status)),
        ),
        Answer::Refused => (Verdict::Violation, "connection refused".to_owned()),
        Answer::TimedOut => (Verdict::Violation, "no answer in time".to_owned()),
        Answer::Broken => (
            Verdict::Violation,
            "the connection broke before the answer was complete".to_owned(),
        ),
        Answer::NotHttp => (
            Verdict::Violation,
            "somebody answered, but not in HTTP".to_owned(),
        ),
        Answer::NoRoute => (
            Verdict::Undetermined,
            "cannot be tested from here: no route to the address".to_owned(),
        ),
        Answer::Certificate => (
            Verdict::Undetermined,
            "cannot be tested from here: the certificate does not fit the address".to_owned(),
        ),
        Answer::Other(why) => (Verdict::Undetermined, format!("could not be asked: {why}")),
    };
    let (status, milliseconds) = match answer {
        Answer::Status { status, milliseconds } => (Some(*status), Some(*milliseconds)),
        _ => (None, None),
    };
    ServiceCheck {
        member: target.member.clone(),
        group: target.group.clone(),
        url: target.url.to_string(),
        verdict,
        status,
        milliseconds,
        attempts,
        outcome,
    }
}

/// The status with the name people know (RFC 9110, section 15).
fn named(status: u16) -> String {
    let name = match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => return status.to_string(),
    };
    format!("{status} {name}")
}
