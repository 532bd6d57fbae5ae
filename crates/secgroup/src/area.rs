//! One rule's part of the plane of traffic and peers.

use crate::peer::{Peer, PeerSet, PrefixLists, Token, TokenSet};
use crate::protocol::Protocol;
use crate::rule::{Known, Ports, Rule};
use crate::traffic::{TrafficSet, span};

/// How to read what is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As closed: what is certain.
    Certain,
    /// As open: what is possible.
    Possible,
}

/// Some traffic towards some peers, all of it: what one rule opens, or what a policy speaks of.
///
/// A group's open set is the union of its rules' areas. Where a group has very many rules, that union can be much larger
/// than the rules; [`Overlay`](crate::Overlay) answers questions about it without writing it out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Area {
    /// Which traffic.
    pub traffic: TrafficSet,
    /// Towards whom.
    pub peers: PeerSet,
}

impl Area {
    /// What a rule opens; `None` when that is nothing.
    #[must_use]
    pub fn of(rule: &Rule, reading: Reading, lists: &PrefixLists) -> Option<Self> {
        let span = rule_span(rule, reading)?;
        let peers = peers(&rule.peer, reading, lists);
        (!peers.is_empty()).then(|| Self {
            traffic: TrafficSet::from_spans([span]),
            peers,
        })
    }

    /// What a rule opens of this area; `None` when that is nothing. Most rules are sorted out without building a set.
    #[must_use]
    pub fn clip(&self, rule: &Rule, reading: Reading, lists: &PrefixLists) -> Option<Self> {
        let (first, last) = rule_span(rule, reading)?;
        if !self.traffic.overlaps(first, last) {
            return None;
        }
        let (addresses, tokens) = (self.peers.addresses(), self.peers.tokens());
        let peers = match &rule.peer {
            Peer::Cidr(cidr) => PeerSet::new(addresses.clip(*cidr), TokenSet::default()),
            Peer::Group { .. } | Peer::SelfGroup if tokens.is_empty() => return None,
            Peer::Group { id, .. } => only(tokens, Token::Group(id.clone())),
            Peer::SelfGroup => only(tokens, Token::SelfGroup),
            other => peers(other, reading, lists).intersection(&self.peers),
        };
        (!peers.is_empty()).then(|| Self {
            traffic: self.traffic.clip(first, last),
            peers,
        })
    }
}

fn only(of: &TokenSet, token: Token) -> PeerSet {
    if of.contains(&token) {
        PeerSet::new(crate::AddressSet::empty(), TokenSet::from_iter([token]))
    } else {
        PeerSet::empty()
    }
}

fn peers(peer: &Peer, reading: Reading, lists: &PrefixLists) -> PeerSet {
    match reading {
        Reading::Certain => PeerSet::certain(peer, lists),
        Reading::Possible => PeerSet::possible(peer, lists),
    }
}

/// First and last slot of what the rule lets pass; `None` where that is not certain.
fn rule_span(rule: &Rule, reading: Reading) -> Option<(u32, u32)> {
    match (rule.protocol, rule.ports, reading) {
        (Known::Yes(protocol), Known::Yes(ports), _) => Some(span(protocol, ports)),
        (_, _, Reading::Certain) => None,
        (Known::Yes(protocol), Known::Within(ports), Reading::Possible) => Some(span(protocol, ports)),
        (Known::Yes(protocol), Known::NotYet, Reading::Possible) => Some(span(protocol, Ports::All)),
        (Known::Within(_) | Known::NotYet, _, Reading::Possible) => Some(span(Protocol::All, Ports::All)),
    }
}
