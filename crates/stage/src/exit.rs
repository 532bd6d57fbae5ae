//! How a stage ends.

use portcullis_report::Verdict;

/// How a stage ends. The numbers are part of the public interface: GitLab's `allow_failure:exit_codes` and
/// `retry:exit_codes` read them (GitLab docs, "CI/CD YAML syntax reference"). From 64 on they follow BSD's
/// `sysexits.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: the gate is open, or the work is done.
    Pass,
    /// 1: the gate says no: a policy violation, an inconsistency, a failed check.
    Violation,
    /// 2: the gate cannot tell, because something that matters is not known.
    Undetermined,
    /// 3: the approval guard refused: what would be deployed is not what was approved.
    Refused,
    /// 64: a wrong command line, a missing variable or program, an unwritable folder, or a bad policy file.
    Usage,
    /// 65: a plan, a state or a recording that cannot be read or understood.
    Unreadable,
    /// 69: GitLab, Slack or AWS did not answer, after retries.
    Unavailable,
    /// 70: a bug in Portcullis.
    Internal,
    /// Terraform's own failure: its exit code, passed on. 1 when it has none that fits.
    Terraform(i32),
}

impl Exit {
    /// The number the process ends with.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Violation => 1,
            Self::Undetermined => 2,
            Self::Refused => 3,
            Self::Usage => 64,
            Self::Unreadable => 65,
            Self::Unavailable => 69,
            Self::Internal => 70,
            // A failed terraform must never end the job with 0.
            Self::Terraform(code) => u8::try_from(code).ok().filter(|code| *code != 0).unwrap_or(1),
        }
    }

    /// The meaning, in a few words.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Violation => "the gate says no",
            Self::Undetermined => "cannot tell",
            Self::Refused => "refused by the approval guard",
            Self::Usage => "wrong usage or a bad policy",
            Self::Unreadable => "unreadable plan, state or recording",
            Self::Unavailable => "GitLab, Slack or AWS not available",
            Self::Internal => "a bug in Portcullis",
            Self::Terraform(_) => "terraform failed",
        }
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Violation => Self::Violation,
            Verdict::Undetermined => Self::Undetermined,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_published_ones() {
        let list: String = [
            Exit::Pass,
            Exit::Violation,
            Exit::Undetermined,
            Exit::Refused,
            Exit::Usage,
            Exit::Unreadable,
            Exit::Unavailable,
            Exit::Internal,
        ]
        .iter()
        .map(|exit| format!("{:>2} {}\n", exit.code(), exit.meaning()))
        .collect();
        insta::assert_snapshot!(list, @r"
         0 pass
         1 the gate says no
         2 cannot tell
         3 refused by the approval guard
        64 wrong usage or a bad policy
        65 unreadable plan, state or recording
        69 GitLab, Slack or AWS not available
        70 a bug in Portcullis
        ");
    }

    #[test]
    fn a_failed_terraform_never_ends_with_zero() {
        assert_eq!(Exit::Terraform(3).code(), 3);
        assert_eq!(Exit::Terraform(0).code(), 1);
        assert_eq!(Exit::Terraform(-1).code(), 1);
        assert_eq!(Exit::Terraform(256).code(), 1);
    }

    #[test]
    fn an_unknown_verdict_does_not_pass() {
        assert_eq!(Exit::from(Verdict::Pass).code(), 0);
        assert_eq!(Exit::from(Verdict::Violation).code(), 1);
        assert_eq!(Exit::from(Verdict::Undetermined).code(), 2);
    }
}
