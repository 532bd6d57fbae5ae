//! What a change by hand ties together: the declared rule that is not there, and the one that is there in its place.

use crate::document::RuleRow;
use crate::rows::Line;
use crate::view::{DECLARED, LIVE, RECORDED};
use portcullis_secgroup::{Direction, Peer, Ports, Protocol};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::hash::Hash;

/// How a rule is tied to another one of the same group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tie {
    /// It is live in the place of the other one, which the code asks for.
    InsteadOf,
    /// It is declared, and the other one is live in its place.
    ReplacedBy,
    /// It is live beside the other one: the same ports, for one more peer.
    Beside,
}

/// The other rule, and how certain the tie is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// How the two are tied.
    pub tie: Tie,
    /// The other rule in words: `ingress tcp 22 from 203.0.113.0/28`.
    pub rule: String,
    /// The Terraform addresses that hold the declared one.
    pub resources: Vec<String>,
    /// Whether it is the same rule by its id or its Terraform address; else it is alike: the same ports, or the same peer.
    pub certain: bool,
}

/// A declared rule that is not live, and the live rule in its place, by their places.
pub(crate) struct Swap {
    pub(crate) wanted: usize,
    pub(crate) found: usize,
    certain: bool,
}

/// Finds what was changed: by EC2's id, by the Terraform address, by the ports, by the peer, in this order, each rule once.
///
/// The address of the group itself tells nothing: all its inline rules have it.
pub(crate) fn swaps(lines: &[Line<'_>], group: Option<&str>) -> Vec<Swap> {
    let mut wanted: Vec<usize> = Vec::new();
    let mut found: Vec<usize> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        match (line.declared, line.live) {
            (Some(true), Some(false)) => wanted.push(at),
            (Some(false), Some(true)) => found.push(at),
            _ => {}
        }
    }
    let mut swaps = Vec::new();
    let mut pass = Pass {
        lines,
        wanted,
        found,
        swaps: &mut swaps,
    };
    let owner = |line: &Line<'_>, view: usize| {
        let owner = line.seen(view).owners.first().copied();
        owner.filter(|owner| Some(*owner) != group).map(str::to_owned)
    };
    pass.by(true, |line| line.seen(RECORDED).id, |line| line.seen(LIVE).id);
    pass.by(true, |line| owner(line, DECLARED), |line| owner(line, RECORDED));
    pass.by(false, |line| Some(ports(line)), |line| Some(ports(line)));
    pass.by(false, |line| Some(peer(line)), |line| Some(peer(line)));
    swaps
}

fn ports<'a>(line: &Line<'a>) -> (Direction, Protocol, Ports) {
    (line.key.direction, line.key.protocol, line.key.ports)
}

fn peer<'l>(line: &'l Line<'_>) -> (Direction, Protocol, &'l Peer) {
    (line.key.direction, line.key.protocol, &line.key.peer)
}

struct Pass<'p, 'a> {
    lines: &'p [Line<'a>],
    wanted: Vec<usize>,
    found: Vec<usize>,
    swaps: &'p mut Vec<Swap>,
}

impl<'p, 'a> Pass<'p, 'a> {
    fn by<K: Eq + Hash>(
        &mut self,
        certain: bool,
        of_wanted: impl Fn(&'p Line<'a>) -> Option<K>,
        of_found: impl Fn(&'p Line<'a>) -> Option<K>,
    ) {
        let mut places: HashMap<K, Vec<usize>> = HashMap::new();
        // The first of them is taken first.
        for at in self.found.iter().rev() {
            if let Some(key) = of_found(&self.lines[*at]) {
                places.entry(key).or_default().push(*at);
            }
        }
        let mut taken = vec![false; self.lines.len()];
        for wanted in &self.wanted {
            let Some(key) = of_wanted(&self.lines[*wanted]) else {
                continue;
            };
            if let Some(found) = places.get_mut(&key).and_then(Vec::pop) {
                taken[*wanted] = true;
                taken[found] = true;
                self.swaps.push(Swap {
                    wanted: *wanted,
                    found,
                    certain,
                });
            }
        }
        self.wanted.retain(|at| !taken[*at]);
        self.found.retain(|at| !taken[*at]);
    }
}

fn declared_by(line: &Line<'_>) -> Vec<String> {
    let owners = line.seen(DECLARED).owners.iter();
    owners.map(|owner| (*owner).to_owned()).collect()
}

/// Writes into the rows what is tied to what. `rows` stand as `lines` do.
pub(crate) fn tie(lines: &[Line<'_>], swaps: &[Swap], rows: &mut [RuleRow]) {
    let mut tied = vec![false; lines.len()];
    for swap in swaps {
        let resources = declared_by(&lines[swap.wanted]);
        let mut set = |at: usize, tie: Tie, other: usize| {
            tied[at] = true;
            rows[at].relation = Some(Relation {
                tie,
                rule: rows[other].sentence(),
                resources: resources.clone(),
                certain: swap.certain,
            });
        };
        set(swap.wanted, Tie::ReplacedBy, swap.found);
        set(swap.found, Tie::InsteadOf, swap.wanted);
    }
    let is_added =
        |at: &usize| !tied[*at] && lines[*at].declared == Some(false) && lines[*at].live == Some(true);
    let added: Vec<usize> = (0..lines.len()).filter(is_added).collect();
    if added.is_empty() {
        return;
    }
    let mut neighbours: HashMap<(Direction, Protocol, Ports), usize> = HashMap::new();
    for (at, line) in lines.iter().enumerate() {
        if line.declared == Some(true) {
            neighbours.entry(ports(line)).or_insert(at);
        }
    }
    for at in added {
        if let Some(neighbour) = neighbours.get(&ports(&lines[at])) {
            rows[at].relation = Some(Relation {
                tie: Tie::Beside,
                rule: rows[*neighbour].sentence(),
                resources: declared_by(&lines[*neighbour]),
                certain: false,
            });
        }
    }
}
