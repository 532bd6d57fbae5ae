//! One rule, in its normal form.

use crate::peer::{Peer, UnknownPeer};
use crate::protocol::Protocol;
use std::collections::BTreeMap;
use std::fmt;

/// Which way a rule lets traffic pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Into the group's members.
    Ingress,
    /// Out of the group's members.
    Egress,
}

impl Direction {
    /// `ingress` or `egress`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }

    /// The word before a peer: `from` or `to`.
    #[must_use]
    pub const fn preposition(self) -> &'static str {
        match self {
            Self::Ingress => "from",
            Self::Egress => "to",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A value, or the knowledge that it will be known only after apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Known<T> {
    /// Known.
    Yes(T),
    /// Not known yet; whatever it will be, it lies within this. So is a port range of which one end is known.
    Within(T),
    /// Not known yet.
    NotYet,
}

impl<T: Copy> Known<T> {
    /// The value, when it is known.
    #[must_use]
    pub fn value(self) -> Option<T> {
        match self {
            Self::Yes(value) => Some(value),
            Self::Within(_) | Self::NotYet => None,
        }
    }
}

/// The ports that EC2 really reads from a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ports {
    /// Every port, or every ICMP type.
    All,
    /// tcp or udp: from one port to another, both included.
    Range {
        /// The first port.
        from: u16,
        /// The last port.
        to: u16,
    },
    /// icmp or icmpv6: one type, and one code or all of its codes.
    Icmp {
        /// The ICMP type.
        kind: u8,
        /// The code; `None` is every code.
        code: Option<u8>,
    },
}

/// Port numbers that mean nothing to EC2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PortsError {
    /// The first port is above the last.
    #[error("from_port {from} is above to_port {to}")]
    Backwards {
        /// The first port as written.
        from: i64,
        /// The last port as written.
        to: i64,
    },
    /// A port outside -1 to 65535.
    #[error("{0} is no port: -1 to 65535")]
    Port(i64),
    /// An ICMP type or code outside -1 to 255.
    #[error("{0} is no ICMP type or code: -1 to 255")]
    Icmp(i64),
}

impl Known<Ports> {
    /// The ports a rule opens whose `from_port` or `to_port` is known only after apply, as far as the other one tells: see
    /// [`Ports::read`].
    ///
    /// ```
    /// use portcullis_secgroup::{Known, Ports, Protocol};
    /// let within = Known::half(Protocol::TCP, None, Some(21))?;
    /// assert_eq!(within, Known::Within(Ports::Range { from: 0, to: 21 }));
    /// # Ok::<(), portcullis_secgroup::PortsError>(())
    /// ```
    ///
    /// # Errors
    /// [`PortsError`] for a number out of range.
    pub fn half(protocol: Protocol, from: Option<i64>, to: Option<i64>) -> Result<Self, PortsError> {
        let known = |bound: Option<i64>| bound.filter(|number| *number != -1);
        Ok(match (known(from), known(to)) {
            // A code alone tells nothing of the type.
            (Some(_), None) => Self::Within(Ports::read(protocol, from, None)?),
            (None, Some(_)) if protocol.has_ports() => Self::Within(Ports::read(protocol, None, to)?),
            _ => Self::NotYet,
        })
    }
}

impl Ports {
    /// Whether all of these ports are among them.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (
                Self::Range { from, to },
                Self::Range {
                    from: first,
                    to: last,
                },
            ) => from <= first && last <= to,
            (
                Self::Icmp { kind, code },
                Self::Icmp {
                    kind: same,
                    code: other,
                },
            ) => kind == same && (code.is_none() || code == other),
            _ => false,
        }
    }

    /// The ports a rule opens, as EC2 reads `from_port` and `to_port` beside this protocol (EC2 API reference,
    /// `IpPermission`): with protocol -1, or any number but tcp, udp, icmp and icmpv6, every port is open whatever range
    /// stands there; for icmp the two are type and code, where -1 means all; absent or -1 means all.
    ///
    /// # Errors
    /// [`PortsError`] for a range backwards or a number out of range.
    pub fn read(protocol: Protocol, from: Option<i64>, to: Option<i64>) -> Result<Self, PortsError> {
        if protocol.has_types() {
            let part = |value: Option<i64>| match value {
                None | Some(-1) => Ok(None),
                Some(value) => u8::try_from(value).map(Some).map_err(|_| PortsError::Icmp(value)),
            };
            let (kind, code) = (part(from)?, part(to)?);
            return Ok(kind.map_or(Self::All, |kind| Self::Icmp { kind, code }));
        }
        if !protocol.has_ports() {
            return Ok(Self::All);
        }
        let (from, to) = match (from.unwrap_or(-1), to.unwrap_or(-1)) {
            (-1, -1) => return Ok(Self::All),
            // One bound alone: EC2 refuses it, so the widest reading can't hide anything.
            (-1, to) => (0, to),
            (from, -1) => (from, 65_535),
            both => both,
        };
        let port = |value: i64| u16::try_from(value).map_err(|_| PortsError::Port(value));
        let (first, last) = (port(from)?, port(to)?);
        if first > last {
            return Err(PortsError::Backwards { from, to });
        }
        let (from, to) = (first, last);
        Ok(if (from, to) == (0, u16::MAX) {
            Self::All
        } else {
            Self::Range { from, to }
        })
    }

    /// `from_port` and `to_port` as EC2 writes them beside this protocol; -1 when they mean all. Every port of tcp or
    /// udp is written 0 and 65535.
    #[must_use]
    pub fn as_written(self, protocol: Protocol) -> (i32, i32) {
        match self {
            Self::All if protocol.has_ports() => (0, 65_535),
            Self::All => (-1, -1),
            Self::Range { from, to } => (i32::from(from), i32::from(to)),
            Self::Icmp { kind, code } => (i32::from(kind), code.map_or(-1, i32::from)),
        }
    }
}

/// One allowance: one direction, protocol, port range and peer. A written rule with several sources becomes several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule {
    /// Ingress or egress.
    pub direction: Direction,
    /// The protocol, when it is known.
    pub protocol: Known<Protocol>,
    /// The ports, when they are known.
    pub ports: Known<Ports>,
    /// From or to whom.
    pub peer: Peer,
    /// What it is for, in its author's words.
    pub description: Option<String>,
    /// EC2's id of the rule (`sgr-…`), where known.
    pub id: Option<String>,
    /// Its tags, where known.
    pub tags: BTreeMap<String, String>,
}

/// What makes two rules the same rule: direction, protocol number, ports and one peer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleKey {
    /// Ingress or egress.
    pub direction: Direction,
    /// The protocol.
    pub protocol: Protocol,
    /// The ports.
    pub ports: Ports,
    /// The peer.
    pub peer: Peer,
}

impl Rule {
    /// A rule of which everything is known, without description.
    #[must_use]
    pub fn new(direction: Direction, protocol: Protocol, ports: Ports, peer: Peer) -> Self {
        Self {
            direction,
            protocol: Known::Yes(protocol),
            ports: Known::Yes(ports),
            peer,
            description: None,
            id: None,
            tags: BTreeMap::new(),
        }
    }

    /// A rule of which nothing is known but its direction: it may open everything, or nothing.
    ///
    /// ```
    /// use portcullis_secgroup::{Direction, Rule};
    /// assert_eq!(Rule::not_known(Direction::Ingress).key(), None);
    /// ```
    #[must_use]
    pub fn not_known(direction: Direction) -> Self {
        Self {
            direction,
            protocol: Known::NotYet,
            ports: Known::NotYet,
            peer: Peer::Unknown(UnknownPeer::Any),
            description: None,
            id: None,
            tags: BTreeMap::new(),
        }
    }

    /// What identifies it, when all of it is known.
    #[must_use]
    pub fn key(&self) -> Option<RuleKey> {
        if self.peer.is_unknown() {
            return None;
        }
        Some(RuleKey {
            direction: self.direction,
            protocol: self.protocol.value()?,
            ports: self.ports.value()?,
            peer: self.peer.clone(),
        })
    }
}

/// The rules of a group of which two answers tell, and whether the two differ: `described` without ids, `rows` one by one
/// with ids and tags. What either names is kept; a row without description takes that of its twin. Without `described` there
/// is nothing to compare with.
///
/// ```
/// use portcullis_secgroup::{Direction, Peer, Ports, Protocol, Rule, told_twice};
/// let rule = Rule::new(Direction::Ingress, Protocol::TCP, Ports::All, Peer::SelfGroup);
/// assert_eq!(told_twice(Some(vec![rule.clone()]), vec![rule.clone()]), (vec![rule.clone()], false));
/// assert_eq!(told_twice(Some(Vec::new()), vec![rule.clone()]), (vec![rule.clone()], true));
/// assert_eq!(told_twice(Some(vec![rule.clone()]), Vec::new()), (vec![rule.clone()], true));
/// assert_eq!(told_twice(None, vec![rule.clone()]), (vec![rule], false));
/// ```
#[must_use]
pub fn told_twice(described: Option<Vec<Rule>>, rows: Vec<Rule>) -> (Vec<Rule>, bool) {
    let compared = described.is_some();
    let mut others: BTreeMap<RuleKey, Rule> = described
        .into_iter()
        .flatten()
        .filter_map(|rule| Some((rule.key()?, rule)))
        .collect();
    let mut only_rows = false;
    let mut rules = Vec::with_capacity(rows.len().max(others.len()));
    for mut row in rows {
        match row.key().and_then(|key| others.remove(&key)) {
            Some(twin) => row.description = row.description.or(twin.description),
            None => only_rows = true,
        }
        rules.push(row);
    }
    let differ = compared && (only_rows || !others.is_empty());
    rules.extend(others.into_values());
    rules.sort();
    (rules, differ)
}
