//! What rules open of the forbidden, and whether it is too much.

use crate::extent::{Extent, reached_by_family, still_reached_by_family};
use crate::peers::{with_own, without_own};
use crate::subject::JudgedRule;
use portcullis_secgroup::{
    AddressSet, Area, Direction, OpenPiece, OpenSet, Overlay, Peer, PeerSet, PrefixLists, Reading, Rule,
    Token, TokenSet, TrafficSet,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// At most this many intervals of a set are written out to tell it in lines.
const WRITTEN_OUT: usize = 1 << 16;
/// At most this many lines are told of one hole.
const LINES: usize = 48;
/// So many blocks of addresses are told one by one.
const BLOCKS: usize = 3;
/// Nobody looks for shorter words for more intervals of addresses than these.
const MANY: usize = 4096;

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
    /// Prefix lists that are excepted: a rule for one of them opens nothing of the area, whatever its entries are.
    pub(crate) excepted: &'w [String],
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
    /// Groups of other accounts, by their ids: as EC2 writes them.
    foreign: BTreeMap<String, String>,
}

/// A rule, and whether it is another group's, or may be.
pub(crate) type Cause<'r> = (&'r JudgedRule, bool);

impl Window<'_> {
    /// What the rule opens of what is looked at.
    pub(crate) fn clip(&self, rule: &Rule) -> Option<Area> {
        let excepted = |id: &String| self.excepted.contains(id);
        if rule.direction != self.direction || matches!(&rule.peer, Peer::PrefixList(id) if excepted(id)) {
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
        let named = self.area.peers.addresses();
        let families = match extent {
            Extent::Any => None,
            Extent::Share(share) if cut.is_empty() => Some(reached_by_family(share, &left, named)),
            Extent::Share(share) => {
                let all: Overlay<'_> = parts.iter().map(|(_, area)| area).chain(&cut).collect();
                Some(still_reached_by_family(share, &all, &left, named))
            }
        };
        let traffic = match &families {
            None => left.traffic(),
            Some([v4, v6]) => v4.union(v6),
        };
        if traffic.is_empty() {
            return None;
        }
        if let Some([v4, v6]) = families {
            // A family that is not too much is no part of it.
            let families = [(v4, AddressSet::all_v4()), (v6, AddressSet::all_v6())];
            let of_family = |area: &Area, (traffic, family): &(TrafficSet, AddressSet)| Area {
                traffic: area.traffic.intersection(traffic),
                peers: PeerSet::new(area.peers.addresses().intersection(family), TokenSet::default()),
            };
            let split = |(cause, area): &(Cause<'r>, Area)| {
                let (cause, areas) = (
                    *cause,
                    [&families[0], &families[1]].map(|family| of_family(area, family)),
                );
                let some = |area: &Area| !area.traffic.is_empty() && !area.peers.is_empty();
                areas.into_iter().filter(some).map(move |area| (cause, area))
            };
            parts = parts.iter().flat_map(split).collect();
        }
        let mut hole = Hole {
            direction: self.direction,
            traffic,
            parts,
            shown: Vec::new(),
            foreign: BTreeMap::new(),
        };
        let full_name = |judged: &JudgedRule| match &judged.rule.peer {
            Peer::Group { id, account: Some(_) } => Some((id.clone(), judged.rule.peer.to_string())),
            _ => None,
        };
        hole.foreign = hole
            .causes()
            .filter_map(|(judged, _)| full_name(judged))
            .collect();
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

    /// What of it is not in `other`, in words; `None` when that is all of it, or too much to be told.
    pub(crate) fn beyond(&self, other: &Overlay<'_>) -> Option<String> {
        let all = self.overlay().written_out(&self.traffic, WRITTEN_OUT)?;
        let areas: Vec<Area> = all
            .pieces()
            .iter()
            .map(|piece| Area {
                traffic: piece.traffic(),
                peers: piece.peers.clone(),
            })
            .collect();
        let beyond = areas.iter().collect::<Overlay<'_>>().beyond(other, WRITTEN_OUT)?;
        (beyond != all).then(|| self.lines(&beyond))
    }

    fn overlay(&self) -> Overlay<'_> {
        self.parts.iter().map(|(_, area)| area).collect()
    }

    /// For people, what is open of the forbidden at its traffic, and one concrete packet of it. A set too large to be told is
    /// told by its outline.
    pub(crate) fn describe(&self) -> (String, Option<String>) {
        let all = self.overlay();
        if let Some(open) = all.written_out(&self.traffic, WRITTEN_OUT) {
            return (self.lines(&open), self.witness(open.pieces().first()));
        }
        let spans = self.traffic.spans();
        let some = TrafficSet::from_spans(spans.iter().copied().take(LINES));
        let mut text = format!("parts of {}", self.line(&some, &all.peers()));
        if spans.len() > LINES {
            let _ = write!(text, ", and of {} more ranges", spans.len() - LINES);
        }
        (text, self.witness(all.first(&self.traffic).as_ref()))
    }

    /// One concrete packet of a piece.
    fn witness(&self, piece: Option<&OpenPiece>) -> Option<String> {
        let witness = piece?.witness(self.direction)?;
        match witness.rsplit_once(' ') {
            Some((most, peer)) if self.foreign.contains_key(peer) => {
                Some(format!("{most} {}", self.foreign[peer]))
            }
            _ => Some(witness),
        }
    }

    /// A part of it in words.
    fn lines(&self, open: &OpenSet) -> String {
        let lines = open.lines();
        let told: Vec<String> = lines
            .iter()
            .take(LINES)
            .map(|(traffic, peers)| self.line(traffic, peers))
            .collect();
        let mut text = told.join("; ");
        if lines.len() > LINES {
            let _ = write!(text, "; and {} more", lines.len() - LINES);
        }
        text
    }

    fn line(&self, traffic: &TrafficSet, peers: &PeerSet) -> String {
        // As far as the rules open all of it: what is open at a part of the traffic only is told with less.
        let near = self.shown.iter().filter(|area| traffic.is_subset(&area.traffic));
        let whole: PeerSet = near.map(|area| &area.peers).collect();
        let peers = in_words(peers, &whole, |id| self.foreign.get(id));
        format!("{} {} {peers}", traffic.describe(), self.direction.preposition())
    }
}

/// Peers of which a hole consists, where the rules that make it open `whole`. The rules' own words are used where they tell the
/// same: the special-purpose blocks that the internet spares are no news, and an exception is told as one.
fn in_words<'a>(hole: &PeerSet, whole: &PeerSet, full_name: impl Fn(&str) -> Option<&'a String>) -> String {
    let internet = AddressSet::internet();
    let addresses = hole.addresses();
    let named = |addresses: &AddressSet| {
        let own = hole.tokens().union(&lists(whole, addresses));
        let Some(listed) = own.listed() else {
            return PeerSet::new(addresses.clone(), own).describe();
        };
        let full = |token: &Token| match token {
            Token::Group(id) => Token::Group(full_name(id).unwrap_or(id).clone()),
            other => other.clone(),
        };
        PeerSet::new(addresses.clone(), listed.iter().map(full).collect()).describe()
    };
    let public = addresses.intersection(&internet);
    if is_short(addresses) || public.is_empty() {
        return named(addresses);
    }
    let mut open = whole.addresses().clone();
    for (family, spoken_of) in [
        (AddressSet::all_v4(), !addresses.v4().is_empty()),
        (AddressSet::all_v6(), !addresses.v6().is_empty()),
    ] {
        if !spoken_of {
            open = open.difference(&family);
        }
    }
    if !addresses.is_subset(&open) {
        return named(addresses);
    }
    let special = open.difference(&internet);
    let tidy = with_special(addresses, &special);
    if is_short(&tidy) {
        return named(&tidy);
    }
    let spared = with_special(&open.difference(addresses).intersection(&internet), &special);
    if is_short(&spared) && open.describe() != spared.describe() {
        format!("{} except {}", named(&open), spared.describe())
    } else {
        named(&tidy)
    }
}

/// The blocks of a part, with the special-purpose addresses among them.
fn with_special(part: &AddressSet, special: &AddressSet) -> AddressSet {
    let all = part.union(special);
    if all.v4().intervals().len() + all.v6().intervals().len() > MANY {
        return part.clone();
    }
    let blocks = all.cidrs().into_iter();
    blocks.filter(|block| !part.clip(*block).is_empty()).collect()
}

/// The prefix lists by which rules open addresses: a reader knows them by their names.
fn lists(whole: &PeerSet, addresses: &AddressSet) -> TokenSet {
    let named = whole.tokens().listed().into_iter().flatten();
    let lists = named.filter(|token| matches!(token, Token::PrefixList(_)) && !addresses.is_empty());
    lists.cloned().collect()
}

/// Whether a set is told with all its blocks.
fn is_short(addresses: &AddressSet) -> bool {
    let internet = AddressSet::internet();
    let mut rest = addresses.clone();
    for family in [AddressSet::all_v4(), AddressSet::all_v6()] {
        if internet.intersection(&family).is_subset(addresses) {
            rest = rest.difference(&family);
        }
    }
    // Each interval is one block at least.
    rest.v4().intervals().len() + rest.v6().intervals().len() <= BLOCKS && rest.cidrs().len() <= BLOCKS
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_secgroup::Cidr;

    fn set(blocks: &[&str]) -> AddressSet {
        blocks
            .iter()
            .filter_map(|block| block.parse::<Cidr>().ok())
            .collect()
    }

    #[test]
    fn peers_are_told_as_the_rules_have_them_where_that_is_the_same() {
        let internet = AddressSet::internet();
        let world = set(&["0.0.0.0/0"]);
        let v4 = internet.intersection(&AddressSet::all_v4());
        for (hole, whole, told) in [
            (v4.clone(), world.clone(), "the whole IPv4 internet"),
            (
                v4.intersection(&set(&["0.0.0.0/1"])),
                set(&["0.0.0.0/1"]),
                "0.0.0.0/1",
            ),
            (
                v4.difference(&set(&["8.0.0.0/8"])),
                world.clone(),
                "the whole IPv4 internet except 8.0.0.0/8",
            ),
            (v4.difference(&set(&["0.0.0.0/1"])), world.clone(), "128.0.0.0/1"),
            (
                v4.intersection(&set(&["0.0.0.0/1"]))
                    .difference(&set(&["8.8.8.8/32"])),
                set(&["0.0.0.0/1"]),
                "0.0.0.0/1 except 8.8.8.8/32",
            ),
            (
                world.difference(&v4),
                world.clone(),
                "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10 and 14 more blocks",
            ),
            (set(&["11.0.0.0/8"]), set(&["10.0.0.0/7"]), "11.0.0.0/8"),
            (v4, set(&["0.0.0.0/0", "2001::/16"]), "the whole IPv4 internet"),
        ] {
            let plain = |addresses| PeerSet::new(addresses, TokenSet::default());
            assert_eq!(in_words(&plain(hole), &plain(whole), |_| None), told);
        }
    }
}
