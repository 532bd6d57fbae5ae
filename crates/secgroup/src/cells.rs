//! Peers cut into cells, and trees that count how often each cell is covered.

use crate::address::AddressSet;
use crate::interval::{IntervalSet, Point};
use crate::peer::{PeerSet, Token, TokenSet};

/// A range of cells: first and last, both included.
pub(crate) type Range = (usize, usize);

/// The peers of some sets, cut wherever one of the sets begins or ends: IPv4 cells, then IPv6 cells, then one cell for each
/// token that is named, then one for all tokens that are not.
pub(crate) struct Cells<'a> {
    v4: Vec<u32>,
    v6: Vec<u128>,
    tokens: Vec<&'a Token>,
}

impl<'a> Cells<'a> {
    pub(crate) fn new(sets: impl Iterator<Item = &'a PeerSet>) -> Self {
        let mut cells = Self {
            v4: Vec::new(),
            v6: Vec::new(),
            tokens: Vec::new(),
        };
        for set in sets {
            cut(&mut cells.v4, set.addresses().v4());
            cut(&mut cells.v6, set.addresses().v6());
            cells.tokens.extend(set.tokens().named());
        }
        cells.v4.sort_unstable();
        cells.v4.dedup();
        cells.v6.sort_unstable();
        cells.v6.dedup();
        cells.tokens.sort_unstable();
        cells.tokens.dedup();
        cells
    }

    fn len(&self) -> usize {
        self.v4.len() + self.v6.len() + self.tokens.len() + 1
    }

    /// The cells of one of the sets, in ascending order.
    pub(crate) fn ranges(&self, set: &PeerSet) -> Vec<Range> {
        let mut out = Vec::new();
        ranges_of(&self.v4, set.addresses().v4(), 0, &mut out);
        ranges_of(&self.v6, set.addresses().v6(), self.v4.len(), &mut out);
        let base = self.v4.len() + self.v6.len();
        let at = |token: &Token| base + self.tokens.partition_point(|other| *other < token);
        if let Some(listed) = set.tokens().listed() {
            out.extend(listed.iter().map(|token| (at(token), at(token))));
            return out;
        }
        let mut from = base;
        for but in set.tokens().named() {
            if at(but) > from {
                out.push((from, at(but) - 1));
            }
            from = at(but) + 1;
        }
        out.push((from, self.len() - 1));
        out
    }

    /// The set that these cells make, given in ascending order.
    pub(crate) fn peers(&self, ranges: &[Range]) -> PeerSet {
        let (v6, tokens) = (self.v4.len(), self.v4.len() + self.v6.len());
        let part = |from: usize, to: usize| {
            ranges
                .iter()
                .filter(move |(first, last)| from < to && *first < to && *last >= from)
                .map(move |&(first, last)| (first.max(from) - from, last.min(to - 1) - from))
        };
        let addresses = AddressSet::new(set_of(&self.v4, part(0, v6)), set_of(&self.v6, part(v6, tokens)));
        let mut named = Vec::new();
        let mut all_others = false;
        for (first, last) in part(tokens, self.len()) {
            all_others |= last == self.tokens.len();
            named.extend(first..(last + 1).min(self.tokens.len()));
        }
        let pick = |index: &usize| self.tokens.get(*index).map(|token| (*token).clone());
        let named = if all_others {
            let mut missing = vec![true; self.tokens.len()];
            for index in named {
                missing[index] = false;
            }
            let missing = (0..self.tokens.len()).filter(|index| missing[*index]);
            missing
                .filter_map(|index| pick(&index))
                .collect::<TokenSet>()
                .complement()
        } else {
            named.iter().filter_map(pick).collect()
        };
        PeerSet::new(addresses, named)
    }

    fn weight(&self, cell: usize) -> Weight {
        let v6 = self.v4.len();
        let mut weight = Weight {
            cells: 1,
            ..Weight::default()
        };
        if cell < v6 {
            let size = self.v4[cell].count_to(end(&self.v4, cell));
            weight.v4 = u64::try_from(size).unwrap_or(u64::MAX);
            weight.v4_cells = 1;
        } else if cell < v6 + self.v6.len() {
            weight.v6 = self.v6[cell - v6].count_to(end(&self.v6, cell - v6));
        }
        weight
    }
}

/// Notes where the set's intervals begin, and where what follows them begins.
fn cut<T: Point>(starts: &mut Vec<T>, set: &IntervalSet<T>) {
    for &(first, last) in set.intervals() {
        starts.push(first);
        starts.extend(last.next());
    }
}

fn end<T: Point>(starts: &[T], cell: usize) -> T {
    starts
        .get(cell + 1)
        .and_then(|next| next.previous())
        .unwrap_or(T::MAX)
}

fn ranges_of<T: Point>(starts: &[T], set: &IntervalSet<T>, base: usize, out: &mut Vec<Range>) {
    for &(first, last) in set.intervals() {
        let from = starts.partition_point(|start| *start < first);
        let to = starts.partition_point(|start| *start <= last);
        out.push((base + from, base + to - 1));
    }
}

fn set_of<T: Point>(starts: &[T], ranges: impl Iterator<Item = Range>) -> IntervalSet<T> {
    ranges
        .map(|(first, last)| (starts[first], end(starts, last)))
        .collect()
}

/// What lies in some cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    /// How many cells.
    pub(crate) cells: u32,
    /// How many cells are of IPv4.
    pub(crate) v4_cells: u32,
    /// How many IPv4 addresses.
    pub(crate) v4: u64,
    /// How many IPv6 addresses, at most `u128::MAX`.
    pub(crate) v6: u128,
}

impl Weight {
    fn plus(self, other: Self) -> Self {
        Self {
            cells: self.cells + other.cells,
            v4_cells: self.v4_cells + other.v4_cells,
            v4: self.v4 + other.v4,
            v6: self.v6.saturating_add(other.v6),
        }
    }
}

/// Calls `mark` for the nodes of a tree with `width` leaves that make up a range, then `pull` for all nodes above them.
fn update<T>(
    nodes: &mut [T],
    width: usize,
    (first, last): Range,
    mark: impl Fn(&mut T),
    pull: impl Fn(&mut [T], usize),
) {
    let (mut low, mut high) = (first + width, last + width + 1);
    let (left, right) = (low, high - 1);
    while low < high {
        if low & 1 == 1 {
            mark(&mut nodes[low]);
            pull(nodes, low);
            low += 1;
        }
        if high & 1 == 1 {
            high -= 1;
            mark(&mut nodes[high]);
            pull(nodes, high);
        }
        low >>= 1;
        high >>= 1;
    }
    let (mut left, mut right) = (left >> 1, right >> 1);
    while right >= 1 {
        pull(nodes, left);
        if left != right {
            pull(nodes, right);
        }
        left >>= 1;
        right >>= 1;
    }
}

/// How often each cell is covered. A node's count is of the areas that cover it whole and not its parent; they are never
/// passed down, because whoever is laid down is taken away over the same nodes.
pub(crate) struct Cover {
    width: usize,
    nodes: Vec<CoverNode>,
    changed: bool,
}

#[derive(Clone, Copy, Default)]
struct CoverNode {
    times: u32,
    all: Weight,
    covered: Weight,
}

impl Cover {
    pub(crate) fn new(cells: &Cells<'_>) -> Self {
        let width = cells.len().next_power_of_two();
        let mut nodes = vec![CoverNode::default(); width * 2];
        for cell in 0..cells.len() {
            nodes[width + cell].all = cells.weight(cell);
        }
        for node in (1..width).rev() {
            nodes[node].all = nodes[node * 2].all.plus(nodes[node * 2 + 1].all);
        }
        Self {
            width,
            nodes,
            changed: false,
        }
    }

    /// Lays down or takes away an area.
    pub(crate) fn set(&mut self, ranges: &[Range], on: bool) {
        let mark = |node: &mut CoverNode| node.times = if on { node.times + 1 } else { node.times - 1 };
        let before = self.covered().cells;
        let width = self.width;
        for &range in ranges {
            update(&mut self.nodes, width, range, mark, |nodes, index| {
                nodes[index].covered = if nodes[index].times > 0 {
                    nodes[index].all
                } else if index < width {
                    nodes[index * 2].covered.plus(nodes[index * 2 + 1].covered)
                } else {
                    Weight::default()
                };
            });
        }
        self.changed |= before != self.covered().cells;
    }

    pub(crate) fn covered(&self) -> Weight {
        self.nodes[1].covered
    }

    pub(crate) fn is_bare(&self) -> bool {
        self.covered().cells == 0
    }

    /// Whether other cells are covered than at the last call.
    pub(crate) fn take_change(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// The covered cells; ranges that touch are joined.
    pub(crate) fn ranges(&self) -> Vec<Range> {
        let mut out: Vec<Range> = Vec::new();
        // Node, and its first cell and number of cells; the left one is always taken first.
        let mut todo = vec![(1, 0, self.width)];
        while let Some((index, from, width)) = todo.pop() {
            let node = &self.nodes[index];
            if node.covered.cells == 0 {
                continue;
            }
            if node.covered.cells == node.all.cells {
                // Cells that only fill up the tree stand behind all others.
                let last = from + node.all.cells as usize - 1;
                match out.last_mut() {
                    Some((_, end)) if *end + 1 == from => *end = last,
                    _ => out.push((from, last)),
                }
                continue;
            }
            let half = width / 2;
            todo.push((index * 2 + 1, from + half, half));
            todo.push((index * 2, from, half));
        }
        out
    }
}

/// Which cells are covered by areas of one kind and by none of the other.
pub(crate) struct Shadow {
    width: usize,
    cells: usize,
    nodes: Vec<ShadowNode>,
}

#[derive(Clone, Copy, Default)]
struct ShadowNode {
    times: u32,
    shaded: u32,
    /// Whether some cell below is not shaded from below.
    light: bool,
    /// Whether no cell below is shaded from below.
    all_light: bool,
    /// Whether some cell below is covered and not shaded from below.
    sticks_out: bool,
}

impl Shadow {
    pub(crate) fn new(cells: &Cells<'_>) -> Self {
        let width = cells.len().next_power_of_two();
        let mut nodes = vec![ShadowNode::default(); width * 2];
        for node in (1..width + cells.len()).rev() {
            nodes[node].light = node >= width || nodes[node * 2].light || nodes[node * 2 + 1].light;
        }
        for node in &mut nodes {
            node.all_light = true;
        }
        Self {
            width,
            cells: cells.len(),
            nodes,
        }
    }

    /// Lays down or takes away an area; the first kind covers, the other one shades.
    pub(crate) fn set(&mut self, ranges: &[Range], covers: bool, on: bool) {
        let width = self.width;
        let mark = |node: &mut ShadowNode| {
            let count = if covers { &mut node.times } else { &mut node.shaded };
            *count = if on { *count + 1 } else { *count - 1 };
        };
        for &range in ranges {
            update(&mut self.nodes, width, range, mark, |nodes, index| {
                let (light, all_light, sticks_out) = if index < width {
                    let (left, right) = (&nodes[index * 2], &nodes[index * 2 + 1]);
                    (
                        left.light || right.light,
                        left.all_light && right.all_light,
                        left.sticks_out || right.sticks_out,
                    )
                } else {
                    (true, true, false)
                };
                let node = &mut nodes[index];
                node.all_light = all_light && node.shaded == 0;
                node.light = light && node.shaded == 0;
                node.sticks_out = node.shaded == 0 && (sticks_out || (node.times > 0 && light));
            });
        }
    }

    pub(crate) fn sticks_out(&self) -> bool {
        self.nodes[1].sticks_out
    }

    /// The cells that are covered and not shaded; ranges that touch are joined.
    pub(crate) fn ranges(&self) -> Vec<Range> {
        let mut out: Vec<Range> = Vec::new();
        // Node, whether it is covered from above, its first cell and number of cells; the left one is always taken first.
        let mut todo = vec![(1, false, 0, self.width)];
        while let Some((index, covered, from, width)) = todo.pop() {
            let node = &self.nodes[index];
            let covered = covered || node.times > 0;
            if node.shaded > 0 || from >= self.cells || !(node.sticks_out || covered && node.light) {
                continue;
            }
            if covered && node.all_light {
                let last = (from + width).min(self.cells) - 1;
                match out.last_mut() {
                    Some((_, end)) if *end + 1 == from => *end = last,
                    _ => out.push((from, last)),
                }
                continue;
            }
            let half = width / 2;
            todo.push((index * 2 + 1, covered, from + half, half));
            todo.push((index * 2, covered, from, half));
        }
        out
    }
}
