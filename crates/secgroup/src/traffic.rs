//! What passes, whoever the peer: protocol with port, or with ICMP type and code.

use crate::interval::IntervalSet;
use crate::protocol::Protocol;
use crate::rule::Ports;

/// A set of (protocol, port) pairs, exact.
///
/// Each of the 256 protocols has 65,536 slots. For tcp and udp a slot is a port; for icmp and icmpv6 it is
/// `type × 256 + code`; a protocol without ports is always open with all of its slots or none. So one rule is one
/// interval, and "all traffic" is one interval, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrafficSet(IntervalSet<u32>);

const SLOTS: u32 = 1 << 16;
const LAST: u32 = (256 << 16) - 1;

impl TrafficSet {
    /// Nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Every protocol with every port.
    #[must_use]
    pub fn all() -> Self {
        Self(IntervalSet::range(0, LAST))
    }

    /// What a rule for this protocol and these ports lets pass.
    #[must_use]
    pub fn of(protocol: Protocol, ports: Ports) -> Self {
        let (first, last) = span(protocol, ports);
        Self(IntervalSet::range(first, last))
    }

    /// The set of these spans of slots, each `protocol × 65,536 + slot`, both ends included.
    #[must_use]
    pub fn from_spans(spans: impl IntoIterator<Item = (u32, u32)>) -> Self {
        Self(
            spans
                .into_iter()
                .map(|(first, last)| (first, last.min(LAST)))
                .collect(),
        )
    }

    /// The spans of slots, sorted and disjoint.
    #[must_use]
    pub fn spans(&self) -> &[(u32, u32)] {
        self.0.intervals()
    }

    /// Whether nothing passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this protocol and port (or `type × 256 + code`) passes.
    #[must_use]
    pub fn contains(&self, protocol: u8, slot: u16) -> bool {
        self.0.contains(u32::from(protocol) * SLOTS + u32::from(slot))
    }

    /// Whether any slot from `first` to `last` is in it.
    pub(crate) fn overlaps(&self, first: u32, last: u32) -> bool {
        self.0.overlaps(first, last)
    }

    /// Whether any slot is in both.
    #[must_use]
    pub fn touches(&self, other: &Self) -> bool {
        let (few, many) = if self.spans().len() < other.spans().len() {
            (self, other)
        } else {
            (other, self)
        };
        few.spans()
            .iter()
            .any(|&(first, last)| many.overlaps(first, last))
    }

    /// The slots from `first` to `last` that are in it.
    pub(crate) fn clip(&self, first: u32, last: u32) -> Self {
        Self(self.0.clip(first, last))
    }

    /// How many slots are in it.
    #[must_use]
    pub fn size(&self) -> u128 {
        self.0.size()
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0))
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0))
    }

    /// What is in this one and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0))
    }

    /// What is not in it.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self::all().difference(self)
    }

    /// Whether each slot in it is in `other`, too.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// The ports of `protocol` that are in it, as closed ranges.
    #[must_use]
    pub fn ports(&self, protocol: u8) -> Vec<(u16, u16)> {
        let base = u32::from(protocol) * SLOTS;
        let whole = IntervalSet::range(base, base + SLOTS - 1);
        self.0
            .intersection(&whole)
            .intervals()
            .iter()
            .map(|&(first, last)| (low_half(first), low_half(last)))
            .collect()
    }

    /// The set in few words: `all traffic`, `tcp 22`, `tcp 80, 443 and udp 53`, `icmp type 8 code 0`.
    #[must_use]
    pub fn describe(&self) -> String {
        if *self == Self::all() {
            return "all traffic".to_owned();
        }
        let mut parts: Vec<String> = Vec::new();
        for &(first, last) in self.spans() {
            let (mut from, to) = (first / SLOTS, last / SLOTS);
            while from <= to {
                let start = if from == first / SLOTS { first % SLOTS } else { 0 };
                // Whole protocols side by side are told together.
                let whole_until = if last % SLOTS == SLOTS - 1 { to + 1 } else { to };
                if start == 0 && whole_until > from {
                    parts.push(whole_protocols(from, whole_until - 1));
                    from = whole_until;
                    continue;
                }
                let end = if from == to { last % SLOTS } else { SLOTS - 1 };
                push_slots(&mut parts, from, start, end);
                from += 1;
            }
        }
        crate::address::list(&parts)
    }

    /// One member, as a person would type it: `tcp 22`. `None` when the set is empty.
    #[must_use]
    pub fn witness(&self) -> Option<String> {
        // A port people know says more than the first of a range.
        const FAMILIAR: [u16; 6] = [22, 443, 80, 3389, 5432, 53];
        let tcp = FAMILIAR
            .into_iter()
            .find(|&port| self.contains(6, port))
            .map(|port| 6 * SLOTS + u32::from(port));
        let slot = tcp.or_else(|| self.0.first())?;
        let mut parts = Vec::new();
        push_slots(&mut parts, slot / SLOTS, slot % SLOTS, slot % SLOTS);
        parts.pop()
    }
}

/// First and last slot of what a rule for this protocol and these ports lets pass.
pub(crate) fn span(protocol: Protocol, ports: Ports) -> (u32, u32) {
    let Protocol::Number(number) = protocol else {
        return (0, LAST);
    };
    let base = u32::from(number) * SLOTS;
    let (first, last) = match ports {
        Ports::All => (0, u16::MAX),
        Ports::Range { from, to } => (from, to),
        Ports::Icmp { kind, code: None } => (u16::from(kind) << 8, (u16::from(kind) << 8) | 0xff),
        Ports::Icmp {
            kind,
            code: Some(code),
        } => {
            let slot = (u16::from(kind) << 8) | u16::from(code);
            (slot, slot)
        }
    };
    (base + u32::from(first), base + u32::from(last))
}

fn low_half(slot: u32) -> u16 {
    (slot % SLOTS) as u16
}

fn name(protocol: u32) -> String {
    match Protocol::Number(protocol as u8) {
        Protocol::Number(number) if !matches!(number, 1 | 6 | 17 | 58) => format!("protocol {number}"),
        named => named.to_string(),
    }
}

fn whole_protocols(from: u32, to: u32) -> String {
    match from {
        _ if from != to => format!("all of protocols {from}-{to}"),
        1 | 58 => format!("all {}", name(from)),
        6 | 17 => format!("{} on every port", name(from)),
        _ => name(from),
    }
}

fn push_slots(parts: &mut Vec<String>, protocol: u32, start: u32, end: u32) {
    let name = name(protocol);
    if matches!(protocol, 1 | 58) {
        let (kind, code) = (start >> 8, start & 0xff);
        parts.push(if start == end {
            format!("{name} type {kind} code {code}")
        } else if start & 0xff == 0 && end == start | 0xff {
            format!("{name} type {kind}")
        } else if start & 0xff == 0 && end & 0xff == 0xff {
            format!("{name} types {kind}-{}", end >> 8)
        } else {
            format!(
                "{name} type {kind} code {code} to type {} code {}",
                end >> 8,
                end & 0xff
            )
        });
        return;
    }
    if !matches!(protocol, 6 | 17) {
        parts.push(name);
        return;
    }
    let ports = if start == end {
        start.to_string()
    } else {
        format!("{start}-{end}")
    };
    match parts.last_mut() {
        Some(last) if last.starts_with(&format!("{name} ")) && !last.contains("every") => {
            last.push_str(", ");
            last.push_str(&ports);
        }
        _ => parts.push(format!("{name} {ports}")),
    }
}
