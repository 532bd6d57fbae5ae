//! What rules open of the forbidden, and whether it is too much.

use crate::extent::Extent;
use crate::peers::{with_own, without_own};
use crate::subject::JudgedRule;
use portcullis_secgroup::{Area, Direction, Overlay, PeerSet, PrefixLists, Reading, Rule, Token, TrafficSet};
use std::fmt::Write as _;

/// At most this many intervals of a set are written out to tell it in lines.
const WRITTEN_OUT: usize = 1 << 16;
/// At most this many lines are told of one hole.
const LINES: usize = 48;

/// What is forbidden, as groups see it: whoever names a group's id names its own members.
pub(crate) struct Windows {
    plain: Area,
    with_own: Area,
    without_own: Area,
}

impl Windows {
    pub(crate) fn new(traffic: &TrafficSet, peers: PeerSet) -> Self {
        let area = |peers| Area {
            traffic: traffic.clone(),
            peers,
        };
        Self {
            with_own: area(with_own(&peers)),
            without_own: area(without_own(&peers)),
            plain: area(peers),
        }
    }

    /// As a group with this id sees it.
    pub(crate) fn seen_by(&self, group: Option<&str>) -> &Area {
        let Some(id) = group else { return &self.plain };
        if self.plain.peers.tokens().contains(&Token::Group(id.to_owned())) {
            &self.with_own
        } else {
            &self.without_own
        }
    }
}

/// What is looked at, and how.
pub(crate) struct Window<'w> {
    pub(crate) area: &'w Area,
    pub(crate) direction: Direction,
    pub(crate) reading: Reading,
    pub(crate) lists: &'w PrefixLists,
}

/// What rules open of the forbidden, where it is too much.
pub(crate) struct Hole<'r> {
    direction: Direction,
    /// The traffic at which it is too much.
    traffic: TrafficSet,
    /// What each rule opens of the forbidden, at that traffic and elsewhere; a rule's parts stand side by side.
    parts: Vec<(Cause<'r>, Area)>,
    /// For people: the same rules whole, not cut to the forbidden.
    shown: Vec<Area>,
}

/// A rule, and whether it is another group's, or may be.
pub(crate) type Cause<'r> = (&'r JudgedRule, bool);

impl Window<'_> {
    /// What the rule opens of what is looked at.
    pub(crate) fn clip(&self, rule: &Rule) -> Option<Area> {
        if rule.direction != self.direction {
            return None;
        }
        self.area.clip(rule, self.reading, self.lists)
    }

    /// What the rules open, when it is too much. `less` gives what is left of a part when what may stand is taken away;
    /// `None` when all of it is.
    pub(crate) fn hole<'r>(
        &self,
        rules: impl Iterator<Item = Cause<'r>>,
        extent: Extent,
        mut less: impl FnMut(&JudgedRule, &Area) -> Option<Vec<Area>>,
    ) -> Option<Hole<'r>> {
        let mut parts: Vec<(Cause<'r>, Area)> = Vec::new();
        // What rules open of which a part may stand.
        let mut cut = Vec::new();
        for cause in rules {
            let Some(area) = self.clip(&cause.0.rule) else {
                continue;
            };
            match less(cause.0, &area) {
                None => parts.push((cause, area)),
                Some(left) => {
                    parts.extend(left.into_iter().map(|area| (cause, area)));
                    cut.push(area);
                }
            }
        }
        if parts.is_empty() {
            return None;
        }
        let left: Overlay<'_> = parts.iter().map(|(_, area)| area).collect();
        let traffic = if cut.is_empty() {
            extent.traffic(&left, &self.area.peers)
        } else {
            let all: Overlay<'_> = parts.iter().map(|(_, area)| area).chain(&cut).collect();
            extent.traffic_left(&all, &left, &self.area.peers)
        };
        if traffic.is_empty() {
            return None;
        }
        let mut hole = Hole {
            direction: self.direction,
            traffic,
            parts,
            shown: Vec::new(),
        };
        hole.shown = hole
            .causes()
            .filter_map(|(judged, _)| Area::of(&judged.rule, self.reading, self.lists))
            .collect();
        Some(hole)
    }
}

impl<'r> Hole<'r> {
    /// The rules that make it together, each once.
    pub(crate) fn causes(&self) -> impl Iterator<Item = Cause<'r>> {
        let mut last: Option<&JudgedRule> = None;
        self.parts
            .iter()
            .filter(|(_, area)| area.traffic.touches(&self.traffic))
            .map(|(cause, _)| *cause)
            .filter(move |(judged, _)| {
                let again = last.is_some_and(|last| std::ptr::eq(last, *judged));
                last = Some(judged);
                !again
            })
    }

    /// Whether all of it lies in `other`.
    pub(crate) fn is_within(&self, other: &Overlay<'_>) -> bool {
        self.overlay().is_subset(&self.traffic, other)
    }

    /// One concrete packet of it.
    pub(crate) fn witness(&self) -> Option<String> {
        self.overlay().first(&self.traffic)?.witness(self.direction)
    }

    fn overlay(&self) -> Overlay<'_> {
        self.parts.iter().map(|(_, area)| area).collect()
    }

    /// For people: what is open at its traffic, with the peers as the rules have them. A set too large to be told is told
    /// by its outline.
    pub(crate) fn describe(&self) -> String {
        let line = |traffic: &TrafficSet, peers: &PeerSet| {
            format!(
                "{} {} {}",
                traffic.describe(),
                self.direction.preposition(),
                peers.describe()
            )
        };
        let shown: Overlay<'_> = self.shown.iter().collect();
        let Some(open) = shown.written_out(&self.traffic, WRITTEN_OUT) else {
            let spans = self.traffic.spans();
            let some = TrafficSet::from_spans(spans.iter().copied().take(LINES));
            let mut text = format!("parts of {}", line(&some, &shown.peers()));
            if spans.len() > LINES {
                let _ = write!(text, ", and of {} more ranges", spans.len() - LINES);
            }
            return text;
        };
        let lines = open.lines();
        let told: Vec<String> = lines
            .iter()
            .take(LINES)
            .map(|(traffic, peers)| line(traffic, peers))
            .collect();
        let mut text = told.join("; ");
        if lines.len() > LINES {
            let _ = write!(text, "; and {} more", lines.len() - LINES);
        }
        text
    }
}
