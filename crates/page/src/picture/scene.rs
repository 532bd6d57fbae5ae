//! What a picture may show, and what of it is drawn.

use crate::status::Status;
use portcullis_secgroup::Direction;
use std::collections::{BTreeMap, BTreeSet};

/// A group, and who carries it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    /// What people call it.
    pub(crate) name: String,
    /// Its address or id, when that is not its name.
    pub(crate) detail: String,
    /// Who carries it.
    pub(crate) members: Vec<String>,
}

/// One way through a group: some traffic, from or to somebody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Flow {
    /// The place of the group in [`Scene::groups`].
    pub(crate) group: usize,
    /// What became of it.
    pub(crate) status: Status,
    /// Which way the traffic goes.
    pub(crate) direction: Direction,
    /// What passes.
    pub(crate) traffic: String,
    /// From or to whom.
    pub(crate) peer: String,
    /// Whether that is known to be the whole IPv4 or IPv6 internet.
    pub(crate) internet: bool,
}

impl Flow {
    /// Whether a large part of the internet may stand on the other side.
    pub(crate) fn is_wide(&self) -> bool {
        /// Blocks as large as this one reach beyond any one network.
        const WIDE: u8 = 8;
        let words = ["internet", "anybody"];
        self.internet
            || words.iter().any(|word| self.peer.contains(word))
            || self.peer.split([' ', ',']).any(|word| {
                let length = word.rsplit_once('/').and_then(|(_, length)| length.parse().ok());
                length.is_some_and(|length: u8| length <= WIDE) && word != "10.0.0.0/8"
            })
    }
}

/// All that could be drawn.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scene {
    pub(crate) groups: Vec<Group>,
    pub(crate) flows: Vec<Flow>,
}

/// What is drawn in one picture, and what is left out of it.
#[derive(Debug, Default)]
pub(crate) struct Selection<'a> {
    pub(crate) flows: Vec<&'a Flow>,
    /// How many more each group has.
    pub(crate) left_out: BTreeMap<usize, usize>,
    /// How many more there are in groups that are not drawn at all.
    pub(crate) elsewhere: usize,
}

/// At most this many changes are drawn, beside those that concern the internet, which are always drawn.
const CHANGES: usize = 60;
/// At most this many unchanged ways are drawn for a group, so that the news is not lost among them.
const UNCHANGED_OF_A_GROUP: usize = 4;
/// At most this many unchanged ways are drawn in all.
const UNCHANGED: usize = 40;

impl Scene {
    /// The changes of one direction, and what stays as it is in the groups that change.
    pub(crate) fn changes(&self, direction: Direction) -> Selection<'_> {
        let changed: BTreeSet<usize> = self.of(direction, true).map(|flow| flow.group).collect();
        let mut news: Vec<&Flow> = self.of(direction, true).collect();
        news.sort_by_key(|flow| (!flow.is_wide(), *flow));
        let same = self
            .of(direction, false)
            .filter(|flow| changed.contains(&flow.group));
        let mut chosen = Chooser::default();
        for flow in news {
            chosen.offer(flow, flow.is_wide() || chosen.taken < CHANGES);
        }
        chosen.taken = 0;
        for flow in same {
            let room = chosen.taken < UNCHANGED && chosen.unchanged_of(flow.group) < UNCHANGED_OF_A_GROUP;
            chosen.offer(flow, room && chosen.groups.contains(&flow.group));
        }
        chosen.finish()
    }

    /// What stays as it is, in the groups that do not change in this direction.
    pub(crate) fn unchanged(&self, direction: Direction) -> Selection<'_> {
        let changed: BTreeSet<usize> = self.of(direction, true).map(|flow| flow.group).collect();
        let mut same: Vec<&Flow> = self
            .of(direction, false)
            .filter(|flow| !changed.contains(&flow.group))
            .collect();
        same.sort_by_key(|flow| (!flow.is_wide(), *flow));
        let mut chosen = Chooser::default();
        for flow in same {
            let room = chosen.taken < UNCHANGED && chosen.unchanged_of(flow.group) < UNCHANGED_OF_A_GROUP;
            chosen.offer(flow, room);
        }
        chosen.finish()
    }

    fn of(&self, direction: Direction, news: bool) -> impl Iterator<Item = &Flow> {
        self.flows
            .iter()
            .filter(move |flow| flow.direction == direction && (flow.status != Status::Same) == news)
    }
}

#[derive(Default)]
struct Chooser<'a> {
    flows: Vec<&'a Flow>,
    groups: BTreeSet<usize>,
    unchanged: BTreeMap<usize, usize>,
    refused: BTreeMap<usize, usize>,
    taken: usize,
}

impl<'a> Chooser<'a> {
    fn unchanged_of(&self, group: usize) -> usize {
        self.unchanged.get(&group).copied().unwrap_or_default()
    }

    fn offer(&mut self, flow: &'a Flow, take: bool) {
        if !take {
            *self.refused.entry(flow.group).or_default() += 1;
            return;
        }
        self.taken += 1;
        self.groups.insert(flow.group);
        if flow.status == Status::Same {
            *self.unchanged.entry(flow.group).or_default() += 1;
        }
        self.flows.push(flow);
    }

    fn finish(self) -> Selection<'a> {
        let (left_out, elsewhere): (BTreeMap<_, _>, BTreeMap<_, _>) = self
            .refused
            .into_iter()
            .partition(|(group, _)| self.groups.contains(group));
        Selection {
            flows: self.flows,
            left_out,
            elsewhere: elsewhere.values().sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(group: usize, status: Status, peer: &str) -> Flow {
        Flow {
            group,
            status,
            direction: Direction::Ingress,
            traffic: format!("tcp {group}"),
            peer: peer.to_owned(),
            internet: false,
        }
    }

    #[test]
    fn what_opens_to_the_internet_is_never_left_out() {
        let mut flows: Vec<Flow> = (0..500)
            .map(|n| flow(n, Status::Opens, &format!("192.0.2.{n}/32")))
            .collect();
        flows.extend((0..200).map(|n| flow(n, Status::Closes, "the whole IPv4 internet")));
        flows.extend((0..50).map(|n| flow(n + 600, Status::Opens, "128.0.0.0/1 and 2 more blocks")));
        let scene = Scene {
            groups: vec![Group::default(); 700],
            flows,
        };
        let chosen = scene.changes(Direction::Ingress);
        assert_eq!(chosen.flows.iter().filter(|flow| flow.is_wide()).count(), 250);
        let left_out = chosen.left_out.values().sum::<usize>() + chosen.elsewhere;
        assert_eq!(chosen.flows.len() + left_out, 750);
    }

    #[test]
    fn unchanged_ways_do_not_crowd_the_news_out() {
        let mut flows = vec![flow(0, Status::Opens, "192.0.2.0/24")];
        flows.extend((0..100).map(|n| flow(0, Status::Same, &format!("10.0.0.{n}/32"))));
        flows.push(flow(1, Status::Same, "the whole internet"));
        let scene = Scene {
            groups: vec![Group::default(); 2],
            flows,
        };
        let chosen = scene.changes(Direction::Ingress);
        assert_eq!(chosen.flows.len(), 1 + UNCHANGED_OF_A_GROUP);
        assert_eq!(chosen.left_out[&0], 100 - UNCHANGED_OF_A_GROUP);
        assert_eq!(scene.unchanged(Direction::Ingress).flows.len(), 1);
    }
}
