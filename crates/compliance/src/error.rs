//! What can be wrong with a policy file.

use std::error::Error;
use std::fmt;

/// How many characters of a message are kept: a word of the file that stands in it may be of any length.
const LONGEST: usize = 300;

/// Why a policy could not be read: one reason, with its line where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    line: Option<u64>,
    message: String,
    hint: Option<&'static str>,
}

impl PolicyError {
    pub(crate) fn new(line: Option<u64>, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(LONGEST) {
            message.truncate(end);
            message.push('…');
        }
        Self {
            line,
            message,
            hint: None,
        }
    }

    pub(crate) fn hint_at(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The line in the policy file, from 1.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        self.line
    }

    /// What the author of the policy can do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        self.hint
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Error for PolicyError {}

/// A policy file that is not valid: by itself, or together with the others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: the policy is not valid")]
pub struct PolicyFileError {
    file: String,
    #[source]
    reason: PolicyError,
}

impl PolicyFileError {
    pub(crate) fn new(file: &str, reason: PolicyError) -> Self {
        Self {
            file: file.to_owned(),
            reason,
        }
    }

    /// The file, as it was named.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What is wrong with it.
    #[must_use]
    pub fn reason(&self) -> &PolicyError {
        &self.reason
    }

    /// What its author can do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        self.reason.hint()
    }
}
