//! The open set: what a list of rules lets pass together.

use crate::address::AddressSet;
use crate::area::{Area, Reading};
use crate::overlay::Overlay;
use crate::peer::{PeerSet, PrefixLists, Token, TokenSet};
use crate::rule::{Direction, Rule};
use crate::traffic::TrafficSet;
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
    pub(crate) fn new(first: u32, last: u32, peers: PeerSet) -> Self {
        Self { first, last, peers }
    }

    /// Whether traffic that starts at `next` continues it.
    pub(crate) fn touches(&self, next: u32) -> bool {
        self.last.checked_add(1) == Some(next)
    }

    pub(crate) fn extend_to(&mut self, last: u32) {
        self.last = last;
    }

    /// One concrete packet of the piece: `tcp 22 from 8.8.8.8`.
    #[must_use]
    pub fn witness(&self, direction: Direction) -> Option<String> {
        Some(format!(
            "{} {} {}",
            self.traffic().witness()?,
            direction.preposition(),
            self.peers.witness()?
        ))
    }

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

    /// The pieces must be in normal form.
    pub(crate) fn from_pieces(pieces: Vec<OpenPiece>) -> Self {
        Self { pieces }
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
            .filter_map(|rule| Area::of(rule, Reading::Certain, lists))
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
            .filter_map(|rule| Area::of(rule, Reading::Possible, lists))
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

    /// Everything towards everybody.
    #[must_use]
    pub fn all() -> Self {
        Self::of(&TrafficSet::all(), &PeerSet::any())
    }

    /// What is not open in it.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self::all().difference(self)
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
        let mut of_traffic: BTreeMap<TrafficSet, usize> = BTreeMap::new();
        for (at, (traffic, _)) in parts.iter().enumerate() {
            of_traffic.entry(traffic.clone()).or_insert(at);
        }
        for (traffic, peers) in self.token_lines() {
            match of_traffic.get(&traffic) {
                Some(&at) => parts[at].1 = parts[at].1.union(&peers),
                None => {
                    of_traffic.insert(traffic.clone(), parts.len());
                    parts.push((traffic, peers));
                }
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
        let mut distinct: BTreeMap<&PeerSet, Vec<(u32, u32)>> = BTreeMap::new();
        for piece in &self.pieces {
            distinct
                .entry(&piece.peers)
                .or_default()
                .push((piece.first, piece.last));
        }
        // One set of peers is told by nothing else.
        if distinct.len() == 1 || distinct.len() > MANY {
            return distinct
                .into_iter()
                .map(|(peers, spans)| (TrafficSet::from_spans(spans), peers.clone()))
                .collect();
        }
        let mut lines: Vec<Area> = distinct
            .keys()
            .map(|peers| {
                let wider = distinct.iter().filter(|(other, _)| peers.is_subset(other));
                let spans = wider.flat_map(|(_, spans)| spans.iter().copied());
                Area {
                    traffic: TrafficSet::from_spans(spans),
                    peers: (*peers).clone(),
                }
            })
            .collect();
        let mut index = 0;
        while index < lines.len() {
            let others = lines.iter().enumerate().filter(|(at, _)| *at != index);
            let told: Overlay<'_> = others.map(|(_, line)| line).collect();
            let line: Overlay<'_> = std::iter::once(&lines[index]).collect();
            if line.is_subset(&TrafficSet::all(), &told) {
                lines.remove(index);
            } else {
                index += 1;
            }
        }
        trim(&mut lines);
        lines.into_iter().map(|line| (line.traffic, line.peers)).collect()
    }

    /// One concrete packet of the set: `tcp 22 from 8.8.8.8`. `None` when nothing is open.
    #[must_use]
    pub fn witness(&self, direction: Direction) -> Option<String> {
        self.pieces.first()?.witness(direction)
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
    fn from_iter<I: IntoIterator<Item = OpenPiece>>(iter: I) -> Self {
        let area = |piece: OpenPiece| Area {
            traffic: piece.traffic(),
            peers: piece.peers,
        };
        iter.into_iter().map(area).collect()
    }
}

impl FromIterator<Area> for OpenSet {
    /// The union of many areas: for `n` of them `n log n`, and what it takes to write it out.
    fn from_iter<I: IntoIterator<Item = Area>>(iter: I) -> Self {
        let areas: Vec<Area> = iter.into_iter().collect();
        match areas.as_slice() {
            [] => Self::empty(),
            [one] => Self::of(&one.traffic, &one.peers),
            many => many
                .iter()
                .collect::<Overlay<'_>>()
                .written_out(&TrafficSet::all(), usize::MAX)
                .unwrap_or_default(),
        }
    }
}

/// Takes out of each line what a line with more peers tells already, where that makes it no longer.
fn trim(lines: &mut [Area]) {
    for index in 0..lines.len() {
        let Area { traffic, peers } = &lines[index];
        let told = lines
            .iter()
            .filter(|wider| wider.peers != *peers && peers.is_subset(&wider.peers))
            .fold(TrafficSet::empty(), |sum, wider| sum.union(&wider.traffic));
        let rest = traffic.difference(&told);
        if !rest.is_empty() && rest.spans().len() <= traffic.spans().len() {
            lines[index].traffic = rest;
        }
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
