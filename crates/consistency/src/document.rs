//! The comparison of the three views, as a document.

use portcullis_report::{GroupRef, Verdict};
use serde::{Deserialize, Serialize};

/// What the three views say of one rule together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleVerdict {
    /// Declared, recorded and live.
    Agree,
    /// Declared and recorded, but not live: somebody took it away.
    Gone,
    /// Declared only: not applied.
    NotApplied,
    /// Declared and live, but the state does not know.
    StateBehind,
    /// Recorded and live, but not declared any more.
    NotDeclared,
    /// Recorded only: the state is stale.
    StateStale,
    /// Live only: made by hand.
    Unmanaged,
    /// A view that would decide could not be read.
    Undetermined,
}

impl RuleVerdict {
    /// The word used in documents, such as `not_applied`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agree => "agree",
            Self::Gone => "gone",
            Self::NotApplied => "not_applied",
            Self::StateBehind => "state_behind",
            Self::NotDeclared => "not_declared",
            Self::StateStale => "state_stale",
            Self::Unmanaged => "unmanaged",
            Self::Undetermined => "undetermined",
        }
    }
}

impl std::fmt::Display for RuleVerdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Declared × recorded × live, rule by rule (`portcullis/consistency.json`). Field names are the JSON contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsistencyReport {
    /// The documents' format version.
    pub format_version: String,
    /// Pass when every rule agrees, violation when one does not, undetermined when a view is missing.
    pub verdict: Verdict,
    /// One row per rule: disagreements first, then by group and rule.
    pub rules: Vec<RuleRow>,
    /// Remarks about the whole, such as groups that Terraform does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One rule in the three views. `None` where a view could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRow {
    /// The group that holds the rule.
    pub group: GroupRef,
    /// `ingress` or `egress`.
    pub direction: String,
    /// As EC2 writes it: `tcp`, `udp`, `icmp`, `icmpv6`, `-1`, or a number.
    pub protocol: String,
    /// First port, or ICMP type; -1 when it means all.
    pub from_port: i32,
    /// Last port, or ICMP code; -1 when it means all.
    pub to_port: i32,
    /// A canonical CIDR, `sg-…` or `pl-…`.
    pub peer: String,
    /// Whether the code asks for it.
    pub declared: Option<bool>,
    /// Whether the state records it.
    pub recorded: Option<bool>,
    /// Whether EC2 has it.
    pub live: Option<bool>,
    /// What the three say together.
    pub verdict: RuleVerdict,
    /// Weaker remarks: a description that differs, the Terraform addresses, what was changed.
    pub notes: Vec<String>,
}
