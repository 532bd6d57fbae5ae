//! A difference of areas, told in lines.

use crate::line::{Exact, ExposureLine, TrafficSpan};
use crate::rank::Rank;
use portcullis_secgroup::{Area, Direction, Overlay, PeerSet, Protocol, Token, TrafficSet};

/// At most this many intervals are written out to tell a set in lines.
const WRITTEN_OUT: usize = 1 << 16;

/// At most this many ports, blocks and names of one line are told exactly.
const EXACT: usize = 64;

/// One line, and the part of the plane that it tells.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) rank: Rank,
    pub(crate) line: ExposureLine,
    pub(crate) area: Area,
}

/// What is in some areas and not in others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// The set, in pieces of ascending traffic; `None` when it is too large to be written out.
    pieces: Option<Vec<Area>>,
    /// The set in lines, the first to be read first.
    pub(crate) lines: Vec<Line>,
    /// How many lines more there are.
    pub(crate) more: usize,
}

impl Told {
    /// Several told as one: the first `most` of all their lines, each once.
    pub(crate) fn side_by_side(tolds: &[&Self], most: usize) -> Self {
        let mut lines: Vec<&Line> = tolds
            .iter()
            .flat_map(|told| told.lines.iter().take(most))
            .collect();
        lines.sort_by(|a, b| (a.rank, &a.line).cmp(&(b.rank, &b.line)));
        let told = lines.len();
        lines.dedup_by(|a, b| a.line == b.line);
        let twice = told - lines.len();
        lines.truncate(most);
        let all: usize = tolds.iter().map(|told| told.lines.len() + told.more).sum();
        Self {
            pieces: None,
            more: all - twice - lines.len(),
            lines: lines.into_iter().cloned().collect(),
        }
    }

    /// What `areas` cover and `others` do not.
    pub(crate) fn beyond<'a>(
        areas: &[&'a Area],
        others: impl Iterator<Item = &'a Area>,
        direction: Direction,
        label: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        if areas.is_empty() {
            return Self::default();
        }
        let traffic =
            TrafficSet::from_spans(areas.iter().flat_map(|area| area.traffic.spans().iter().copied()));
        let others: Overlay<'_> = others.filter(|area| area.traffic.touches(&traffic)).collect();
        let all: Overlay<'_> = areas.iter().copied().collect();
        let (pieces, lines) = match all.beyond(&others, WRITTEN_OUT) {
            Some(open) => {
                let area = |(traffic, peers)| Area { traffic, peers };
                let pieces = open.pieces().iter();
                let pieces = pieces
                    .map(|piece| area((piece.traffic(), piece.peers.clone())))
                    .collect();
                (Some(pieces), open.lines().into_iter().map(area).collect())
            }
            // Too large to be told: by its outline.
            None => {
                let traffic = all.traffic_beyond(&others);
                let near: Overlay<'_> = areas
                    .iter()
                    .copied()
                    .filter(|area| area.traffic.touches(&traffic))
                    .collect();
                let peers = near.peers();
                (None, vec![Area { traffic, peers }])
            }
        };
        let outline = pieces.is_none();
        let mut lines: Vec<Line> = lines
            .into_iter()
            .map(|area: Area| Line {
                rank: Rank::of(&area, direction),
                line: line(&area, direction, outline, label),
                area,
            })
            .collect();
        lines.sort_by(|a, b| (a.rank, &a.line).cmp(&(b.rank, &b.line)));
        Self {
            pieces,
            lines,
            more: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The set as areas; `None` when it is too large to be written out.
    pub(crate) fn areas(&self) -> Option<&[Area]> {
        if self.lines.is_empty() {
            return Some(&[]);
        }
        self.pieces.as_deref()
    }

    /// Whether something is both in it and in the area. What is too large to be written out counts as everything.
    pub(crate) fn touches(&self, area: &Area) -> bool {
        let Some(pieces) = self.areas() else { return true };
        area.traffic.spans().iter().any(|&(first, last)| {
            let from = pieces.partition_point(|piece| span(piece).1 < first);
            pieces[from..]
                .iter()
                .take_while(|piece| span(piece).0 <= last)
                .any(|piece| !piece.peers.intersection(&area.peers).is_empty())
        })
    }
}

/// First and last slot of a piece, which is one stretch of traffic.
fn span(piece: &Area) -> (u32, u32) {
    piece.traffic.spans().first().copied().unwrap_or((u32::MAX, 0))
}

fn line(
    area: &Area,
    direction: Direction,
    outline: bool,
    label: &dyn Fn(&str) -> Option<String>,
) -> ExposureLine {
    let spans = area.traffic.spans();
    let traffic = if outline {
        let whole = TrafficSet::from_spans(spans.first().zip(spans.last()).map(|(a, b)| (a.0, b.1)));
        format!("parts of {}", whole.describe())
    } else {
        area.traffic.describe()
    };
    ExposureLine {
        direction: direction.as_str().to_owned(),
        traffic,
        peers: labelled(&area.peers, label).describe(),
        reach: Some(Rank::of(area, direction).reach),
        effect: None,
        cause: None,
        exact: Some(exact(area, outline)),
    }
}

/// The peers, with each group called as people call it.
fn labelled(peers: &PeerSet, label: &dyn Fn(&str) -> Option<String>) -> PeerSet {
    let Some(named) = peers.tokens().listed().filter(|named| !named.is_empty()) else {
        return peers.clone();
    };
    let tokens = named.iter().map(|token| match token {
        Token::Group(id) => Token::Group(label(id).unwrap_or_else(|| id.clone())),
        other => other.clone(),
    });
    PeerSet::new(peers.addresses().clone(), tokens.collect())
}

fn exact(area: &Area, outline: bool) -> Exact {
    let mut out = Exact {
        cut: outline,
        ..Exact::default()
    };
    for &(first, last) in area.traffic.spans() {
        spans_of(first, last, &mut out.traffic);
        if out.traffic.len() > EXACT {
            break;
        }
    }
    let blocks = area.peers.addresses().cidrs();
    let mut named: Vec<String> = Vec::new();
    match area.peers.tokens().listed() {
        Some(tokens) => named.extend(tokens.iter().map(|token| match token {
            Token::Group(id) | Token::PrefixList(id) => id.clone(),
            Token::SelfGroup => "self".to_owned(),
        })),
        None => out.any_named = true,
    }
    out.cut |= out.traffic.len() > EXACT || blocks.len() > EXACT || named.len() > EXACT;
    out.traffic.truncate(EXACT);
    named.truncate(EXACT);
    out.cidrs = blocks.iter().take(EXACT).map(ToString::to_string).collect();
    out.named = named;
    out
}

/// A stretch of slots, protocol by protocol.
fn spans_of(first: u32, last: u32, out: &mut Vec<TrafficSpan>) {
    const ALL: u32 = (256 << 16) - 1;
    if (first, last) == (0, ALL) {
        out.push(TrafficSpan {
            protocol: Protocol::All.to_string(),
            from: -1,
            to: -1,
        });
        return;
    }
    for protocol in first >> 16..=last >> 16 {
        let slot = |slot: u32| i32::try_from(slot & 0xffff).unwrap_or(-1);
        let from = if protocol == first >> 16 { slot(first) } else { 0 };
        let to = if protocol == last >> 16 {
            slot(last)
        } else {
            0xffff
        };
        let whole = (from, to) == (0, 0xffff);
        out.push(TrafficSpan {
            protocol: Protocol::Number(protocol.to_le_bytes()[0]).to_string(),
            from: if whole { -1 } else { from },
            to: if whole { -1 } else { to },
        });
    }
}
