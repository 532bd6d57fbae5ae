//! The comparison of the three views, as a document.

use crate::hand::Relation;
use crate::provenance::Provenance;
use crate::repair::Repair;
use crate::since::Since;
use portcullis_report::{FORMAT_VERSION, Finding, GroupRef, Verdict};
use serde::{Deserialize, Serialize};

/// What the three views say of one rule together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    #[default]
    Undetermined,
}

impl RuleVerdict {
    /// All of them: what nobody asked for first, what agrees last.
    pub const ALL: [Self; 8] = [
        Self::Unmanaged,
        Self::NotDeclared,
        Self::Gone,
        Self::NotApplied,
        Self::StateBehind,
        Self::StateStale,
        Self::Undetermined,
        Self::Agree,
    ];

    /// The table of docs/verify.md: declared × recorded × live. What could not be read is undetermined, never agreement.
    ///
    /// ```
    /// use portcullis_consistency::RuleVerdict;
    /// assert_eq!(RuleVerdict::of(Some(false), Some(false), Some(true)), RuleVerdict::Unmanaged);
    /// assert_eq!(RuleVerdict::of(Some(true), None, Some(true)), RuleVerdict::Undetermined);
    /// ```
    #[must_use]
    pub const fn of(declared: Option<bool>, recorded: Option<bool>, live: Option<bool>) -> Self {
        let (Some(declared), Some(recorded), Some(live)) = (declared, recorded, live) else {
            return Self::Undetermined;
        };
        match (declared, recorded, live) {
            (true, true, true) => Self::Agree,
            (true, true, false) => Self::Gone,
            (true, false, false) => Self::NotApplied,
            (true, false, true) => Self::StateBehind,
            (false, true, true) => Self::NotDeclared,
            (false, true, false) => Self::StateStale,
            (false, false, true) => Self::Unmanaged,
            // No view has it: there is no row. Said as doubt rather than as agreement.
            (false, false, false) => Self::Undetermined,
        }
    }

    /// What it means for the whole.
    #[must_use]
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Agree => Verdict::Pass,
            Self::Undetermined => Verdict::Undetermined,
            _ => Verdict::Violation,
        }
    }

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

    /// The word for people, such as `not applied`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotApplied => "not applied",
            Self::StateBehind => "state behind",
            Self::NotDeclared => "not declared",
            Self::StateStale => "state stale",
            other => other.as_str(),
        }
    }

    /// What it says, in half a sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Agree => "code, state and EC2 say the same",
            Self::Gone => "somebody took it away",
            Self::NotApplied => "the code asks for it, and it was not applied",
            Self::StateBehind => "it is declared and live, but the state does not know it",
            Self::NotDeclared => "the code no longer asks for it, and it is still live",
            Self::StateStale => "only the state remembers it",
            Self::Unmanaged => "made by hand: neither code nor state knows it",
            Self::Undetermined => "a view that would decide could not be read",
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
    /// Pass when everything agrees, violation when something does not, undetermined when a view is missing.
    pub verdict: Verdict,
    /// One row per rule: disagreements first, then by group and rule.
    pub rules: Vec<RuleRow>,
    /// Whole groups that do not agree: gone, not made yet, left over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupRow>,
    /// Members whose groups do not agree, a row per group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberRow>,
    /// Prefix lists whose entries do not agree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefix_lists: Vec<PrefixListRow>,
    /// The policy once more, on what is live and on what is recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<PolicyFinding>,
    /// Who wrote the state that was compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Provenance>,
    /// What is new since the last comparison, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
    /// Remarks about the whole, such as groups that Terraform does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl ConsistencyReport {
    /// A report of these rows, and of nothing else.
    #[must_use]
    pub fn new(verdict: Verdict, rules: Vec<RuleRow>) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            verdict,
            rules,
            groups: Vec::new(),
            members: Vec::new(),
            prefix_lists: Vec::new(),
            policy: Vec::new(),
            state: None,
            since: None,
            notes: Vec::new(),
        }
    }
}

/// One rule in the three views. `None` where a view could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// EC2's id of the rule, `sgr-…`, where it is known: that of the live one, else the recorded one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// How a change by hand ties this rule to another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<Relation>,
    /// Whether the plan that was applied adds it or takes it away: EC2's answers may lag behind that.
    #[serde(default, skip_serializing_if = "is_false")]
    pub in_change: bool,
    /// What would bring it under control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
    /// Who may have done it, by CloudTrail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_by: Option<DoneBy>,
    /// Weaker remarks: a description that differs, the Terraform addresses, what was changed.
    pub notes: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A whole group that does not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRow {
    /// The group.
    pub group: GroupRef,
    /// Whether the code asks for it.
    pub declared: Option<bool>,
    /// Whether the state records it.
    pub recorded: Option<bool>,
    /// Whether EC2 has it.
    pub live: Option<bool>,
    /// What the three say together.
    pub verdict: RuleVerdict,
    /// Whether the plan that was applied adds it or takes it away: EC2's answers may lag behind that.
    #[serde(default, skip_serializing_if = "is_false")]
    pub in_change: bool,
}

/// That a member carries a group, where the views do not agree about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// Who carries it: its Terraform address.
    pub member: String,
    /// Its id, `i-…` or `eni-…`.
    pub id: Option<String>,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The group.
    pub group: GroupRef,
    /// Whether the code gives it that group.
    pub declared: Option<bool>,
    /// Whether the state records that group.
    pub recorded: Option<bool>,
    /// Whether it carries it in EC2.
    pub live: Option<bool>,
    /// What the three say together.
    pub verdict: RuleVerdict,
    /// Whether the plan that was applied adds it or takes it away: EC2's answers may lag behind that.
    #[serde(default, skip_serializing_if = "is_false")]
    pub in_change: bool,
}

/// Entries of a prefix list about which the views do not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixListRow {
    /// The list's Terraform address.
    pub address: Option<String>,
    /// Its id, `pl-…`.
    pub id: String,
    /// The networks, canonical.
    pub entries: Vec<String>,
    /// Whether the code asks for them.
    pub declared: Option<bool>,
    /// Whether the state records them.
    pub recorded: Option<bool>,
    /// Whether EC2 has them.
    pub live: Option<bool>,
    /// What the three say together.
    pub verdict: RuleVerdict,
    /// Whether the plan that was applied adds them or takes them away: EC2's answers may lag behind that.
    #[serde(default, skip_serializing_if = "is_false")]
    pub in_change: bool,
}

/// What the policy says of what is there, by the same rules as before apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFinding {
    /// The views in which it was found: `live`, `recorded`, or both.
    pub views: Vec<String>,
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
}

/// Who may have done it, as AWS CloudTrail tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoneBy {
    /// The call, such as `AuthorizeSecurityGroupIngress`.
    pub event: String,
    /// Who made it: an ARN, else a name.
    pub principal: String,
    /// When, RFC 3339, as CloudTrail writes it.
    pub at: String,
    /// From which address, or which AWS service.
    pub source: Option<String>,
    /// CloudTrail's id of the event.
    pub event_id: Option<String>,
    /// Whether the event names the rule by its id; else it is the same group and the same rule by content.
    pub by_id: bool,
}
