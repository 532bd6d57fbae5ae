//! What a service should answer.

/// What a service should answer: this status, when asked for this path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    path: String,
    status: u16,
}

/// An expectation that no service can meet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadExpectation {
    /// The path does not begin with `/`.
    #[error("the path {0:?} does not begin with \"/\"")]
    Path(String),
    /// No HTTP status.
    #[error("{0} is no final HTTP status: 200 to 599")]
    Status(u16),
}

impl Expectation {
    /// This path, with its query if it has one, and this status.
    ///
    /// # Errors
    /// When the path does not begin with `/`, or the status is no final HTTP status (RFC 9110, section 15).
    pub fn new(path: impl Into<String>, status: u16) -> Result<Self, BadExpectation> {
        let path = path.into();
        if !path.starts_with('/') {
            return Err(BadExpectation::Path(path));
        }
        if !(200..600).contains(&status) {
            return Err(BadExpectation::Status(status));
        }
        Ok(Self { path, status })
    }

    /// The path, with its query if it has one.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }
}

impl Default for Expectation {
    /// `/` answers 200.
    fn default() -> Self {
        Self {
            path: "/".to_owned(),
            status: 200,
        }
    }
}
