//! A stage that could not do its work.

use crate::{Exit, ProgramError, ProgramErrorKind, ReadError, Redactor, UnsetVariable, WriteError};
use portcullis_gitlab::ci::MissingVariable;
use portcullis_report::text::clean;
use std::error::Error;
use std::fmt;

/// A stage that could not do its work: the error with its causes, the exit code, and what the reader can do.
///
/// A gate that says no is not a failure; it is [`Exit::Violation`].
pub struct Failure {
    exit: Exit,
    source: Box<dyn Error + Send + Sync>,
    hint: Option<String>,
}

impl Failure {
    /// With this exit code. The named ones below read better where they fit.
    ///
    /// Hints of this crate's own errors are taken over.
    pub fn new(exit: Exit, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = error.into();
        let hint = own_hint(&*source);
        Self { exit, source, hint }
    }

    /// 64: a wrong command line, a missing variable.
    pub fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Usage, error)
    }

    /// 64: a policy file that is missing or not valid.
    pub fn policy(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Usage, error)
    }

    /// 65: a plan, a state or a recording that cannot be read or understood.
    pub fn unreadable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Unreadable, error)
    }

    /// 65, saying which file or thing could not be read; the error is the cause.
    pub fn unreadable_in(what: impl fmt::Display, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::unreadable(Unreadable {
            what: what.to_string(),
            source: error.into(),
        })
    }

    /// 69: GitLab, Slack or AWS did not answer, after retries.
    pub fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Unavailable, error)
    }

    /// 3: the approval guard refused.
    pub fn refused(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Refused, error)
    }

    /// 70: a bug in Portcullis.
    pub fn internal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Internal, error)
    }

    /// Terraform's own failure, with its exit code.
    pub fn terraform(code: i32, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Terraform(code), error)
    }

    /// With what the reader can do about it. Replaces an earlier hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With what the reader can do about it, if anything. Fits an error's `hint()`.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        if let Some(hint) = hint {
            self.hint = Some(hint.into());
        }
        self
    }

    /// How the stage ends.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// The error with its causes, for a stage that goes on without what failed.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        let mut out = self.source.to_string();
        let mut cause = self.source.source();
        while let Some(error) = cause {
            out.push_str(&format!(": {error}"));
            cause = error.source();
        }
        out
    }

    /// The error, each cause on a line of its own, then the hint: as it is printed. One line feed after each line.
    ///
    /// Every line is masked, then cleaned, so that neither a secret nor an escape sequence gets through.
    #[must_use]
    pub fn to_text(&self, redactor: &Redactor) -> String {
        let show = |text: &str| clean(&redactor.redact(text));
        let mut previous = self.source.to_string();
        let mut out = format!("error: {}\n", show(&previous));
        let mut cause = self.source.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Foreign errors often repeat their source in their own text.
            if !text.is_empty() && !previous.contains(&text) {
                out.push_str(&format!("  caused by: {}\n", show(&text)));
                previous = text;
            }
            cause = error.source();
        }
        if let Some(hint) = &self.hint {
            out.push_str(&format!("hint: {}\n", show(hint)));
        }
        out
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{what} cannot be read")]
struct Unreadable {
    what: String,
    source: Box<dyn Error + Send + Sync>,
}

fn own_hint(error: &(dyn Error + Send + Sync + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<ReadError>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<WriteError>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<ProgramError>() {
        return error.hint();
    }
    error.downcast_ref::<UnsetVariable>().map(UnsetVariable::hint)
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("exit", &self.exit)
            .field("error", &self.source)
            .field("hint", &self.hint)
            .finish()
    }
}

impl From<ReadError> for Failure {
    /// An input that cannot be read: 65. Use [`Failure::policy`] for a policy file.
    fn from(error: ReadError) -> Self {
        Self::unreadable(error)
    }
}

impl From<WriteError> for Failure {
    /// A place that cannot be written to: 64, because the caller chose it.
    fn from(error: WriteError) -> Self {
        Self::usage(error)
    }
}

impl From<ProgramError> for Failure {
    /// A program that cannot be started: 64. One whose output was lost: 70. One that was not started since the job was
    /// cancelled: as if the signal had ended this process, 143 or 130.
    fn from(error: ProgramError) -> Self {
        let exit = match error.kind() {
            ProgramErrorKind::Cancelled(by) => Exit::Terraform(by.code()),
            ProgramErrorKind::Lost => Exit::Internal,
            _ => Exit::Usage,
        };
        Self::new(exit, error)
    }
}

impl From<UnsetVariable> for Failure {
    fn from(error: UnsetVariable) -> Self {
        Self::usage(error)
    }
}

impl From<MissingVariable> for Failure {
    fn from(error: MissingVariable) -> Self {
        let hint = error.hint();
        Self::usage(error).hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the state of {name} is not available")]
    struct Outer {
        name: String,
        source: Inner,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("GitLab answered 503 to a request with glpat-abcdef123456")]
    struct Inner;

    #[test]
    fn the_chain_is_printed_once_masked_and_cleaned() {
        let redactor = Redactor::default();
        redactor.add("glpat-abcdef123456");
        let failure = Failure::unavailable(Outer {
            name: "prod\u{1b}[31m\u{1b}[0Ksection_start:1:x\r".into(),
            source: Inner,
        })
        .hint("ask again later\nand check the token");
        insta::assert_snapshot!(failure.to_text(&redactor), @r"
        error: the state of prod␛[31m␛[0Ksection_start:1:x  is not available
          caused by: GitLab answered 503 to a request with [masked]
        hint: ask again later and check the token
        ");
        assert_eq!(failure.exit().code(), 69);
    }

    #[test]
    fn a_cause_that_its_error_repeats_is_not_printed_twice() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer: {0}")]
        struct Repeats(#[source] Inner);
        insta::assert_snapshot!(
            Failure::internal(Repeats(Inner)).to_text(&Redactor::default()),
            @"error: outer: GitLab answered 503 to a request with glpat-abcdef123456"
        );
    }

    #[test]
    fn each_builder_has_its_code() {
        let codes = [
            Failure::usage("x"),
            Failure::policy("x"),
            Failure::unreadable("x"),
            Failure::unavailable("x"),
            Failure::refused("x"),
            Failure::internal("x"),
            Failure::terraform(1, "x"),
        ]
        .map(|failure| failure.exit().code());
        assert_eq!(codes, [64, 64, 65, 69, 3, 70, 1]);
    }
}
