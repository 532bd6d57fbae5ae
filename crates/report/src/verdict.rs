//! The three answers, and how grave a finding is.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a gate answers. Ordered from best to worst: `Pass < Undetermined < Violation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything was known that matters, and nothing speaks against it.
    Pass,
    /// Something that could make the difference is not known. A gate stays closed.
    Undetermined,
    /// Something speaks against it, whatever else may be unknown.
    Violation,
}

impl Verdict {
    /// The worse of the two: a violation beats an unknown, an unknown beats a pass.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        self.max(other)
    }

    /// The word used in documents: `pass`, `undetermined`, `violation`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Undetermined => "undetermined",
            Self::Violation => "violation",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Verdict {
    type Err = UnknownVerdict;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s {
            "pass" => Ok(Self::Pass),
            "undetermined" => Ok(Self::Undetermined),
            "violation" => Ok(Self::Violation),
            _ => Err(UnknownVerdict),
        }
    }
}

/// A word that is none of the three verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a verdict is one of pass, undetermined, violation")]
pub struct UnknownVerdict;

/// How grave a finding is. Ordered from `Info` to `Critical`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Untidy.
    Low,
    /// Should be mended.
    Medium,
    /// Must be mended soon.
    High,
    /// A door stands open.
    Critical,
}

impl Severity {
    /// The word used in documents: `info`, `low`, `medium`, `high`, `critical`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_never_hides_a_violation() {
        assert_eq!(
            Verdict::Violation.worst(Verdict::Undetermined),
            Verdict::Violation
        );
        assert_eq!(Verdict::Undetermined.worst(Verdict::Pass), Verdict::Undetermined);
        assert_eq!(Verdict::Pass.worst(Verdict::Pass), Verdict::Pass);
    }

    #[test]
    fn each_verdict_reads_back_from_its_word() {
        for verdict in [Verdict::Pass, Verdict::Undetermined, Verdict::Violation] {
            assert_eq!(verdict.as_str().parse(), Ok(verdict));
        }
        assert_eq!("ok".parse::<Verdict>(), Err(UnknownVerdict));
    }
}
