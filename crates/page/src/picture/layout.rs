//! Where everything stands: four columns, each ordered so that few lines cross (the barycentre of its neighbours), then spread
//! so that nothing overlaps.

use super::scene::{Scene, Selection};
use crate::html::thousands;
use crate::status::Status;
use std::collections::{BTreeMap, BTreeSet};

/// A box, from its left upper corner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) width: i32,
    pub(crate) height: i32,
}

impl Place {
    pub(crate) fn middle(self) -> i32 {
        self.y + self.height / 2
    }
}

/// Traffic through one group, with one state: a box of the ports' column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Port {
    pub(crate) group: usize,
    /// `None` for "and n more".
    pub(crate) status: Option<Status>,
    pub(crate) label: String,
}

/// A line between two boxes, by their places in the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) status: Status,
}

/// A laid-out picture. Columns stand in the order peers, ports, groups, members; mirrored for egress.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) peers: Vec<(String, Place)>,
    pub(crate) ports: Vec<(Port, Place)>,
    /// By place in the scene.
    pub(crate) groups: Vec<(usize, Place)>,
    /// The label, and whether it is a member (and not "and n more").
    pub(crate) members: Vec<(String, bool, Place)>,
    pub(crate) peer_to_port: Vec<Edge>,
    pub(crate) port_to_group: Vec<Edge>,
    pub(crate) group_to_member: Vec<(usize, usize)>,
    pub(crate) height: i32,
}

/// The columns: left edge and width.
pub(crate) const PEERS: (i32, i32) = (0, 268);
pub(crate) const PORTS: (i32, i32) = (378, 214);
pub(crate) const GROUPS: (i32, i32) = (650, 222);
pub(crate) const MEMBERS: (i32, i32) = (956, 204);
/// The picture's width.
pub(crate) const WIDTH: i32 = 1160;
/// Where the columns begin, below their headings.
pub(crate) const TOP: i32 = 40;
/// A box's height: two lines of text.
const ROW: i32 = 44;
/// Between boxes.
const GAP: i32 = 12;
/// Between the boxes of two groups.
const GROUP_GAP: i32 = 28;
/// At most this many members are drawn for a group.
const MEMBERS_OF_A_GROUP: usize = 6;
/// How often the columns are ordered anew: further rounds change nothing on pictures of this size.
const ROUNDS: usize = 4;

impl Layout {
    pub(crate) fn new(scene: &Scene, chosen: &Selection<'_>, mirrored: bool) -> Self {
        let mut peers: Vec<&str> = distinct(chosen.flows.iter().map(|flow| flow.peer.as_str()));
        let mut ports = ports(chosen);
        let mut groups: Vec<usize> = distinct(chosen.flows.iter().map(|flow| flow.group));
        order(chosen, &mut peers, &mut ports, &mut groups);

        let mut layout = Self::default();
        layout.place_groups(&ports, &groups);
        layout.place_members(scene);
        layout.place_peers(chosen, &peers);
        layout.connect_groups();
        layout.height = layout.bottom() + GAP;
        if mirrored {
            layout.mirror();
        }
        layout
    }

    /// The ports of a group stand together, the group's own box beside them all.
    fn place_groups(&mut self, ports: &[Port], groups: &[usize]) {
        let mut y = TOP;
        for &group in groups {
            let top = y;
            for port in ports.iter().filter(|port| port.group == group) {
                self.ports.push((port.clone(), place(PORTS, y)));
                y += ROW + GAP;
            }
            let height = y - GAP - top;
            let (x, width) = GROUPS;
            let place = Place {
                x,
                y: top,
                width,
                height,
            };
            self.groups.push((group, place));
            y += GROUP_GAP - GAP;
        }
    }

    fn place_members(&mut self, scene: &Scene) {
        let mut labels: Vec<(String, bool)> = Vec::new();
        let mut at: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, (group, _)) in self.groups.iter().enumerate() {
            let members: &[String] = scene.groups.get(*group).map_or(&[], |group| &group.members);
            let drawn = if members.len() > MEMBERS_OF_A_GROUP {
                MEMBERS_OF_A_GROUP - 1
            } else {
                members.len()
            };
            for member in &members[..drawn] {
                let next = labels.len();
                let node = *at.entry(member).or_insert(next);
                if node == next {
                    labels.push((member.clone(), true));
                }
                self.group_to_member.push((index, node));
            }
            if drawn < members.len() {
                self.group_to_member.push((index, labels.len()));
                labels.push((format!("and {} more", thousands(members.len() - drawn)), false));
            }
        }
        let wish = |node: usize| {
            let groups = self.group_to_member.iter().filter(|(_, member)| *member == node);
            mean(groups.map(|(group, _)| self.groups[*group].1.middle()))
        };
        let wishes: Vec<i32> = (0..labels.len()).map(wish).collect();
        for ((label, real), y) in labels.into_iter().zip(spread(&wishes)) {
            self.members.push((label, real, place(MEMBERS, y)));
        }
    }

    fn place_peers(&mut self, chosen: &Selection<'_>, peers: &[&str]) {
        let port_at: BTreeMap<(usize, Status, &str), usize> = self
            .ports
            .iter()
            .enumerate()
            .filter_map(|(at, (port, _))| Some(((port.group, port.status?, port.label.as_str()), at)))
            .collect();
        let peer_at: BTreeMap<&str, usize> = peers.iter().enumerate().map(|(at, peer)| (*peer, at)).collect();
        let edges: BTreeSet<Edge> = chosen
            .flows
            .iter()
            .filter_map(|flow| {
                Some(Edge {
                    from: *peer_at.get(flow.peer.as_str())?,
                    to: *port_at.get(&(flow.group, flow.status, flow.traffic.as_str()))?,
                    status: flow.status,
                })
            })
            .collect();
        let mut neighbours = vec![Vec::new(); peers.len()];
        for edge in &edges {
            neighbours[edge.from].push(self.ports[edge.to].1.middle());
        }
        let wishes: Vec<i32> = neighbours.into_iter().map(mean).collect();
        self.peers = peers
            .iter()
            .zip(spread(&wishes))
            .map(|(peer, y)| ((*peer).to_owned(), place(PEERS, y)))
            .collect();
        self.peer_to_port = edges.into_iter().collect();
    }

    fn connect_groups(&mut self) {
        let group_at: BTreeMap<usize, usize> = self
            .groups
            .iter()
            .enumerate()
            .map(|(at, (group, _))| (*group, at))
            .collect();
        self.port_to_group = self
            .ports
            .iter()
            .enumerate()
            .filter_map(|(from, (port, _))| {
                Some(Edge {
                    from,
                    to: *group_at.get(&port.group)?,
                    status: port.status?,
                })
            })
            .collect();
    }

    fn bottom(&self) -> i32 {
        self.places()
            .map(|place| place.y + place.height)
            .max()
            .unwrap_or(TOP)
    }

    fn mirror(&mut self) {
        let turn = |place: &mut Place| place.x = WIDTH - place.x - place.width;
        self.peers.iter_mut().for_each(|(_, place)| turn(place));
        self.ports.iter_mut().for_each(|(_, place)| turn(place));
        self.groups.iter_mut().for_each(|(_, place)| turn(place));
        self.members.iter_mut().for_each(|(_, _, place)| turn(place));
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        let peers = self.peers.iter().map(|(_, place)| *place);
        let ports = self.ports.iter().map(|(_, place)| *place);
        let groups = self.groups.iter().map(|(_, place)| *place);
        let members = self.members.iter().map(|(_, _, place)| *place);
        peers.chain(ports).chain(groups).chain(members)
    }
}

fn place((x, width): (i32, i32), y: i32) -> Place {
    Place {
        x,
        y,
        width,
        height: ROW,
    }
}

fn distinct<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.collect::<BTreeSet<T>>().into_iter().collect()
}

fn ports(chosen: &Selection<'_>) -> Vec<Port> {
    let drawn = chosen.flows.iter().map(|flow| Port {
        group: flow.group,
        status: Some(flow.status),
        label: flow.traffic.clone(),
    });
    let more = chosen.left_out.iter().map(|(group, count)| Port {
        group: *group,
        status: None,
        label: format!("and {} more", thousands(*count)),
    });
    distinct(drawn.chain(more))
}

/// Orders the columns: each box stands near the middle of those it is connected with. Equal ones keep their order by name.
fn order(chosen: &Selection<'_>, peers: &mut [&str], ports: &mut [Port], groups: &mut [usize]) {
    type At<'a> = (usize, Option<Status>, &'a str);
    for _ in 0..ROUNDS {
        let of_group: BTreeMap<usize, i64> = groups.iter().copied().zip(0i64..).collect();
        ports.sort_by_key(|port| of_group[&port.group]);
        let of_port: BTreeMap<At<'_>, i64> = ports
            .iter()
            .map(|port| (port.group, port.status, port.label.as_str()))
            .zip(0i64..)
            .collect();
        let mut wishes: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for flow in &chosen.flows {
            let at = of_port[&(flow.group, Some(flow.status), flow.traffic.as_str())];
            wishes.entry(&flow.peer).or_default().push(at);
        }
        peers.sort_by_key(|peer| (scaled(&wishes[peer]), *peer));
        let of_peer: BTreeMap<&str, i64> = peers.iter().copied().zip(0i64..).collect();
        let mut of_group: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
        let mut of_port: BTreeMap<At<'_>, Vec<i64>> = BTreeMap::new();
        for flow in &chosen.flows {
            let peer = of_peer[flow.peer.as_str()];
            of_group.entry(flow.group).or_default().push(peer);
            let at = (flow.group, Some(flow.status), flow.traffic.as_str());
            of_port.entry(at).or_default().push(peer);
        }
        groups.sort_by_key(|group| (scaled(&of_group[group]), *group));
        let wishes: BTreeMap<Port, i64> = ports
            .iter()
            .map(|port| {
                let peers = of_port.get(&(port.group, port.status, port.label.as_str()));
                (port.clone(), peers.map_or(i64::MAX, |peers| scaled(peers)))
            })
            .collect();
        // "And n more" comes last in its group.
        ports.sort_by_key(|port| (port.group, port.status.is_none(), wishes[port], port.clone()));
    }
}

/// The mean, a thousandfold so that it can be compared without fractions.
fn scaled(ranks: &[i64]) -> i64 {
    let count = i64::try_from(ranks.len()).unwrap_or(i64::MAX).max(1);
    ranks.iter().sum::<i64>().saturating_mul(1000) / count
}

fn mean(values: impl IntoIterator<Item = i32>) -> i32 {
    let values: Vec<i64> = values.into_iter().map(i64::from).collect();
    let count = i64::try_from(values.len()).unwrap_or(i64::MAX).max(1);
    i32::try_from(values.iter().sum::<i64>() / count).unwrap_or(i32::MAX)
}

/// The upper edges of boxes whose middles would like to stand at `wishes`, in this order and without overlap.
fn spread(wishes: &[i32]) -> Vec<i32> {
    const STEP: i32 = ROW + GAP;
    let mut tops: Vec<i32> = Vec::with_capacity(wishes.len());
    // Boxes that would overlap are taken together and stand around the mean of their wishes.
    let mut blocks: Vec<(i64, i64)> = Vec::new();
    for wish in wishes {
        // The sum of where the block's first box would stand, and how many boxes it has.
        let mut block = (i64::from(wish - ROW / 2), 1i64);
        while let Some(&(sum, count)) = blocks.last() {
            let (start, mine) = (
                (sum / count).max(i64::from(TOP)),
                (block.0 / block.1).max(i64::from(TOP)),
            );
            if start + count * i64::from(STEP) <= mine {
                break;
            }
            blocks.pop();
            block = (sum + block.0 - block.1 * count * i64::from(STEP), count + block.1);
        }
        blocks.push(block);
    }
    for (sum, count) in blocks {
        let start = i32::try_from(sum / count).unwrap_or(i32::MAX).max(TOP);
        tops.extend((0..i32::try_from(count).unwrap_or(i32::MAX)).map(|n| start + n * STEP));
    }
    tops
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overlaps_and_order_stays() {
        for wishes in [
            vec![62, 62, 62],
            vec![500, 62, 62, 300],
            vec![62, 400, 410, 405, 1000],
            vec![0, 0, 0, 70, 90],
            (0..200).map(|n| (n * 7919) % 3000).collect(),
        ] {
            let tops = spread(&wishes);
            assert_eq!(tops.len(), wishes.len());
            assert!(tops[0] >= TOP, "{tops:?}");
            for pair in tops.windows(2) {
                assert!(pair[1] - pair[0] >= ROW + GAP, "{wishes:?}: {tops:?}");
            }
        }
    }

    #[test]
    fn lonely_boxes_stand_where_they_wish() {
        assert_eq!(spread(&[100, 300]), [100 - ROW / 2, 300 - ROW / 2]);
    }
}
