//! One line of a difference.

use serde::{Deserialize, Serialize};

/// One line of a difference.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExposureLine {
    /// `ingress` or `egress`.
    pub direction: String,
    /// What passes: `tcp 8000`, `all traffic`, `icmp type 8`.
    pub traffic: String,
    /// From or to whom: `the internet`, `203.0.113.0/28`, `sg-…`.
    pub peers: String,
    /// How far it reaches, where this version wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// Of a group's line: whether a member feels it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// Of a member's line: where it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The same for machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<Exact>,
}

/// How far a line reaches; ordered from far to near. For order and colour only: no judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// The whole IPv4 or the whole IPv6 internet.
    Internet,
    /// Some addresses of the internet.
    Public,
    /// Prefix lists whose entries are not known.
    Unknown,
    /// Addresses that are not of the internet (IANA's special-purpose registries: private, shared, documentation).
    Private,
    /// Members of security groups only.
    Groups,
}

/// Whether a member feels a line of its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// At least one member does.
    Felt,
    /// No member does: another group of each of them opens the same. Opening brings no new exposure, closing leaves it open.
    Covered,
    /// Nobody is behind the group, as far as the documents tell.
    Nobody,
    /// Who is behind the group is not known yet.
    Unknown,
}

/// Where a member's line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Rules of its groups change.
    Rules,
    /// It joins or leaves groups, is made or goes.
    Membership,
}

/// The set behind a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Exact {
    /// The traffic.
    pub traffic: Vec<TrafficSpan>,
    /// The fewest blocks of addresses, IPv4 first.
    pub cidrs: Vec<String>,
    /// Groups and prefix lists, by id, or by address before they are made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<String>,
    /// Whether every group and prefix list is meant, whatever it turns out to be.
    #[serde(default)]
    pub any_named: bool,
    /// Whether more was left out of these lists than stands in them.
    #[serde(default)]
    pub cut: bool,
}

/// Ports of one protocol, or ICMP types, or a whole protocol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrafficSpan {
    /// As EC2 writes it: `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
    pub protocol: String,
    /// The first port; for icmp and icmpv6 `type × 256 + code`; -1 when all of the protocol is meant.
    pub from: i32,
    /// The last one, in the same way.
    pub to: i32,
}

impl ExposureLine {
    /// The line as a person reads it: `tcp 8000 from the internet`, `all traffic to 10.0.0.0/8`.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{} {} {}", self.traffic, self.preposition(), self.peers)
    }

    /// The word before the peers.
    pub(crate) fn preposition(&self) -> &'static str {
        if self.direction == "egress" { "to" } else { "from" }
    }

    /// Whether a reader who asks "what is new?" may skip it: every member has it by another group.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        self.effect == Some(Effect::Covered)
    }
}
