//! The stand-ins' clock.

/// Now.
#[expect(
    clippy::disallowed_methods,
    reason = "a stand-in answers with the time, as the real service does"
)]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Now as GitLab writes it: RFC 3339 with milliseconds.
pub(crate) fn stamp() -> String {
    now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
