//! The open set: what a list of rules lets pass together.

use crate::address::AddressSet;
use crate::peer::{PeerSet, PrefixLists, Token, TokenSet};
use crate::protocol::Protocol;
use crate::rule::{Direction, Known, Ports, Rule};
use crate::traffic::{TrafficSet, span};
use std::collections::BTreeMap;

/// What one piece of traffic is open to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPiece {
    first: u32,
    last: u32,
    /// Towards whom.
    pub peers: PeerSet,
}

impl OpenPiece {
    /// Which traffic.
    #[must_use]
    pub fn traffic(&self) -> TrafficSet {
        TrafficSet::from_spans([(self.first, self.last)])
    }

    /// The piece as a line: `tcp 22 from the whole IPv4 internet`.
    #[must_use]
    pub fn describe(&self, direction: Direction) -> String {
        format!(
            "{} {} {}",
            self.traffic().describe(),
            direction.preposition(),
            self.peers.describe()
        )
    }
}

/// A set of (traffic, peer) pairs in its one normal form: pieces of traffic in ascending order, disjoint, each with the
/// peers it is open to; pieces that touch have different peers. Equal sets are equal values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenSet {
    pieces: Vec<OpenPiece>,
}

impl OpenSet {
    /// Nothing is open.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// This traffic towards these peers.
    #[must_use]
    pub fn of(traffic: &TrafficSet, peers: &PeerSet) -> Self {
        let mut pieces = Vec::new();
        if !peers.is_empty() {
            pieces.extend(traffic.spans().iter().map(|&(first, last)| OpenPiece {
                first,
                last,
                peers: peers.clone(),
            }));
        }
        Self { pieces }
    }

    /// What these rules open for certain in this direction: whatever is not known counts as closed.
    #[must_use]
    pub fn certain<'a>(
        rules: impl IntoIterator<Item = &'a Rule>,
        direction: Direction,
        lists: &PrefixLists,
    ) -> Self {
        rules
            .into_iter()
            .filter(|rule| rule.direction == direction)
            .filter_map(|rule| certain(rule, lists))
            .collect()
    }

    /// What these rules may open in this direction: whatever is not known counts as open.
    #[must_use]
    pub fn possible<'a>(
        rules: impl IntoIterator<Item = &'a Rule>,
        direction: Direction,
        lists: &PrefixLists,
    ) -> Self {
        rules
            .into_iter()
            .filter(|rule| rule.direction == direction)
            .map(|rule| possible(rule, lists))
            .collect()
    }

    /// The pieces, in ascending order of traffic.
    #[must_use]
    pub fn pieces(&self) -> &[OpenPiece] {
        &self.pieces
    }

    /// Whether nothing is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// What is open in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.combine(other, |a, b| match (a, b) {
            (Some(a), Some(b)) => a.union(b),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => PeerSet::empty(),
        })
    }

    /// What is open in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |a, b| match (a, b) {
            (Some(a), Some(b)) => a.intersection(b),
            _ => PeerSet::empty(),
        })
    }

    /// What is open in this one and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.combine(other, |a, b| match (a, b) {
            (Some(a), Some(b)) => a.difference(b),
            (Some(a), None) => a.clone(),
            (None, _) => PeerSet::empty(),
        })
    }

    /// Whether everything open in it is open in `other`, too.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }

    /// The same set as few lines that people would write: each a traffic with the peers it is open to. Lines may overlap
    /// (all traffic from `10.0.0.0/8`, tcp 443 from everybody); their union is the set.
    #[must_use]
    pub fn lines(&self) -> Vec<(TrafficSet, PeerSet)> {
        let mut parts: Vec<(TrafficSet, PeerSet)> = Vec::new();
        let addresses = self.part(|peers| PeerSet::new(peers.addresses().clone(), TokenSet::default()));
        parts.extend(addresses.widest());
        // Addresses and tokens are told together where the traffic is the same.
        for (traffic, peers) in self.token_lines() {
            match parts.iter_mut().find(|(other, _)| *other == traffic) {
                Some((_, known)) => *known = known.union(&peers),
                None => parts.push((traffic, peers)),
            }
        }
        parts.sort_by(|a, b| a.0.spans().first().cmp(&b.0.spans().first()));
        parts
    }

    /// Each group and prefix list with all its traffic; those with the same traffic together.
    fn token_lines(&self) -> Vec<(TrafficSet, PeerSet)> {
        let only = |tokens| PeerSet::new(AddressSet::empty(), tokens);
        let mut by_token: BTreeMap<&Token, Vec<(u32, u32)>> = BTreeMap::new();
        for piece in &self.pieces {
            let Some(named) = piece.peers.tokens().listed() else {
                return self.part(|peers| only(peers.tokens().clone())).widest();
            };
            for token in named {
                by_token.entry(token).or_default().push((piece.first, piece.last));
            }
        }
        let mut by_traffic: BTreeMap<TrafficSet, Vec<Token>> = BTreeMap::new();
        for (token, spans) in by_token {
            by_traffic
                .entry(TrafficSet::from_spans(spans))
                .or_default()
                .push(token.clone());
        }
        by_traffic
            .into_iter()
            .map(|(traffic, tokens)| (traffic, only(tokens.into_iter().collect())))
            .collect()
    }

    /// The set with a part of its peers only.
    fn part(&self, pick: impl Fn(&PeerSet) -> PeerSet) -> Self {
        let mut pieces = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            push_merged(&mut pieces, piece.first, piece.last, pick(&piece.peers));
        }
        Self { pieces }
    }

    /// For each distinct set of peers, all the traffic that is open to all of them; what the others tell already is left out.
    fn widest(&self) -> Vec<(TrafficSet, PeerSet)> {
        /// Beyond this many distinct sets of peers nobody reads on, and the plain form is good enough.
        const MANY: usize = 48;
        let mut distinct: Vec<&PeerSet> = self.pieces.iter().map(|piece| &piece.peers).collect();
        distinct.sort();
        distinct.dedup();
        let few = distinct.len() <= MANY;
        let mut lines: Vec<(TrafficSet, PeerSet)> = distinct
            .into_iter()
            .map(|peers| {
                let holds =
                    |piece: &&OpenPiece| piece.peers == *peers || (few && peers.is_subset(&piece.peers));
                let spans = self
                    .pieces
                    .iter()
                    .filter(holds)
                    .map(|piece| (piece.first, piece.last));
                (TrafficSet::from_spans(spans), peers.clone())
            })
            .collect();
        if !few {
            return lines;
        }
        let mut index = 0;
        while index < lines.len() {
            let others = lines.iter().enumerate().filter(|(at, _)| *at != index);
            let told = others.fold(Self::empty(), |sum, (_, (traffic, peers))| {
                sum.union(&Self::of(traffic, peers))
            });
            let (traffic, peers) = &lines[index];
            if Self::of(traffic, peers).is_subset(&told) {
                lines.remove(index);
            } else {
                index += 1;
            }
        }
        trim(&mut lines);
        lines
    }

    /// One concrete packet of the set: `tcp 22 from 8.8.8.8`. `None` when nothing is open.
    #[must_use]
    pub fn witness(&self, direction: Direction) -> Option<String> {
        let piece = self.pieces.first()?;
        Some(format!(
            "{} {} {}",
            piece.traffic().witness()?,
            direction.preposition(),
            piece.peers.witness()?
        ))
    }

    /// Sweeps both lists of pieces side by side; `f` gives the peers of each stretch of traffic.
    fn combine(&self, other: &Self, f: impl Fn(Option<&PeerSet>, Option<&PeerSet>) -> PeerSet) -> Self {
        let mut out = Vec::with_capacity(self.pieces.len().max(other.pieces.len()));
        let (mut a, mut b) = (Cursor::new(&self.pieces), Cursor::new(&other.pieces));
        while let Some(first) = [a.start(), b.start()].into_iter().flatten().min() {
            let last = a.until(first).min(b.until(first));
            push_merged(&mut out, first, last, f(a.at(first), b.at(first)));
            a.pass(last);
            b.pass(last);
        }
        Self { pieces: out }
    }
}

impl FromIterator<OpenPiece> for OpenSet {
    /// The union, by halves: `n` pieces cost `n log n` unions of what they make.
    fn from_iter<I: IntoIterator<Item = OpenPiece>>(iter: I) -> Self {
        let mut sets: Vec<OpenSet> = iter
            .into_iter()
            .filter(|piece| piece.first <= piece.last && !piece.peers.is_empty())
            .map(|piece| OpenSet { pieces: vec![piece] })
            .collect();
        while sets.len() > 1 {
            sets = sets
                .chunks(2)
                .map(|pair| match pair {
                    [a, b] => a.union(b),
                    rest => rest.first().cloned().unwrap_or_default(),
                })
                .collect();
        }
        sets.pop().unwrap_or_default()
    }
}

/// Takes out of each line what a line with more peers tells already, where that makes it no longer.
fn trim(lines: &mut [(TrafficSet, PeerSet)]) {
    for index in 0..lines.len() {
        let (traffic, peers) = &lines[index];
        let told = lines
            .iter()
            .filter(|(_, wider)| wider != peers && peers.is_subset(wider))
            .fold(TrafficSet::empty(), |sum, (traffic, _)| sum.union(traffic));
        let rest = traffic.difference(&told);
        if !rest.is_empty() && rest.spans().len() <= traffic.spans().len() {
            lines[index].0 = rest;
        }
    }
}

fn certain(rule: &Rule, lists: &PrefixLists) -> Option<OpenPiece> {
    let (first, last) = span(rule.protocol.value()?, rule.ports.value()?);
    Some(OpenPiece {
        first,
        last,
        peers: PeerSet::certain(&rule.peer, lists),
    })
}

fn possible(rule: &Rule, lists: &PrefixLists) -> OpenPiece {
    let (first, last) = match (rule.protocol, rule.ports) {
        (Known::Yes(protocol), Known::Yes(ports)) => span(protocol, ports),
        (Known::Yes(protocol), Known::NotYet) => span(protocol, Ports::All),
        (Known::NotYet, _) => span(Protocol::All, Ports::All),
    };
    OpenPiece {
        first,
        last,
        peers: PeerSet::possible(&rule.peer, lists),
    }
}

fn push_merged(pieces: &mut Vec<OpenPiece>, first: u32, last: u32, peers: PeerSet) {
    if peers.is_empty() {
        return;
    }
    match pieces.last_mut() {
        Some(before) if before.last.checked_add(1) == Some(first) && before.peers == peers => {
            before.last = last;
        }
        _ => pieces.push(OpenPiece { first, last, peers }),
    }
}

/// A place in a list of pieces.
struct Cursor<'a> {
    pieces: &'a [OpenPiece],
    at: u32,
}

impl<'a> Cursor<'a> {
    fn new(pieces: &'a [OpenPiece]) -> Self {
        Self { pieces, at: 0 }
    }

    /// Where the next unread traffic starts.
    fn start(&self) -> Option<u32> {
        self.pieces.first().map(|piece| piece.first.max(self.at))
    }

    /// How far, from `from` on, this list says the same.
    fn until(&self, from: u32) -> u32 {
        match self.pieces.first() {
            Some(piece) if piece.first > from => piece.first - 1,
            Some(piece) => piece.last,
            None => u32::MAX,
        }
    }

    fn at(&self, from: u32) -> Option<&'a PeerSet> {
        self.pieces
            .first()
            .filter(|piece| piece.first <= from)
            .map(|piece| &piece.peers)
    }

    fn pass(&mut self, last: u32) {
        if self.pieces.first().is_some_and(|piece| piece.last <= last) {
            self.pieces = &self.pieces[1..];
        }
        self.at = last.saturating_add(1);
    }
}
