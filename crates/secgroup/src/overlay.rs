//! The union of many areas, asked without being written out.
//!
//! Written out, the union of `n` rules can have `n` steps of traffic with `n` sources each. So the questions are answered
//! by a sweep: it walks along the traffic, lays each area down where its traffic starts and takes it away where it ends,
//! and keeps in a tree how often each cell of the peers is covered. Cells are cut at the borders of the areas' peers, so
//! that each is covered whole or not at all. `n` areas of one interval each cost `n log n`.

use crate::address::AddressSet;
use crate::area::Area;
use crate::cells::{Cells, Cover, Range, Shadow};
use crate::open::{OpenPiece, OpenSet};
use crate::peer::PeerSet;
use crate::traffic::TrafficSet;
use std::ops::ControlFlow;

/// Areas laid over one another; the set they make together is their union.
#[derive(Debug, Clone, Default)]
pub struct Overlay<'a> {
    areas: Vec<&'a Area>,
}

/// How much of some addresses is covered, family by family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covered {
    /// How many IPv4 addresses are covered.
    pub v4: u128,
    /// How many IPv6 addresses are covered, at most `u128::MAX`.
    pub v6: u128,
    /// Whether all IPv4 addresses asked for are covered; false when none was asked for.
    pub whole_v4: bool,
    /// Whether all IPv6 addresses asked for are covered; false when none was asked for.
    pub whole_v6: bool,
}

impl<'a> FromIterator<&'a Area> for Overlay<'a> {
    fn from_iter<I: IntoIterator<Item = &'a Area>>(iter: I) -> Self {
        let some = |area: &&Area| !area.traffic.is_empty() && !area.peers.is_empty();
        Self {
            areas: iter.into_iter().filter(some).collect(),
        }
    }
}

impl Overlay<'_> {
    /// Whether nothing is covered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.areas.is_empty()
    }

    /// All the traffic in it.
    #[must_use]
    pub fn traffic(&self) -> TrafficSet {
        TrafficSet::from_spans(
            self.areas
                .iter()
                .flat_map(|area| area.traffic.spans().iter().copied()),
        )
    }

    /// All the peers in it, whatever the traffic.
    #[must_use]
    pub fn peers(&self) -> PeerSet {
        self.areas.iter().map(|area| &area.peers).collect()
    }

    /// The traffic of which enough of these addresses is covered, at one and the same slot: one set for each answer that
    /// `enough` gives.
    #[must_use]
    pub fn traffic_where<const ANSWERS: usize>(
        &self,
        among: &AddressSet,
        enough: impl Fn(Covered) -> [bool; ANSWERS],
    ) -> [TrafficSet; ANSWERS] {
        traffic_where(among, [self], |[covered]| enough(covered))
    }

    /// The traffic of which enough of these addresses is covered here and in `other`, at one and the same slot: one set for
    /// each answer that `enough` gives.
    #[must_use]
    pub fn traffic_where_both<const ANSWERS: usize>(
        &self,
        other: &Overlay<'_>,
        among: &AddressSet,
        enough: impl Fn(Covered, Covered) -> [bool; ANSWERS],
    ) -> [TrafficSet; ANSWERS] {
        traffic_where(among, [self, other], |[here, there]| enough(here, there))
    }

    /// Whether what it covers of this traffic is covered by `other`, too.
    #[must_use]
    pub fn is_subset(&self, within: &TrafficSet, other: &Overlay<'_>) -> bool {
        let mut within = Within::new(within);
        let mut subset = true;
        self.beside(other, |_, _, first, last| {
            if within.parts(first, last).next().is_none() {
                return ControlFlow::Continue(());
            }
            subset = false;
            ControlFlow::Break(())
        });
        subset
    }

    /// The traffic at which it covers something that `other` does not cover.
    #[must_use]
    pub fn traffic_beyond(&self, other: &Overlay<'_>) -> TrafficSet {
        let mut spans = Vec::new();
        self.beside(other, |_, _, first, last| {
            spans.push((first, last));
            ControlFlow::Continue(())
        });
        TrafficSet::from_spans(spans)
    }

    /// What it covers and `other` does not, in its normal form; `None` when finding it takes writing out more than `limit`
    /// intervals of addresses and named peers.
    #[must_use]
    pub fn beyond(&self, other: &Overlay<'_>, limit: usize) -> Option<OpenSet> {
        let mut pieces: Vec<OpenPiece> = Vec::new();
        let mut last_ranges: Vec<Range> = Vec::new();
        let (mut written, mut too_much) = (0_usize, false);
        self.beside(other, |cells, shadow, first, last| {
            let ranges = shadow.ranges();
            written = written.saturating_add(ranges.len() + 1);
            if written > limit {
                too_much = true;
                return ControlFlow::Break(());
            }
            match pieces.last_mut() {
                Some(before) if before.touches(first) && ranges == last_ranges => before.extend_to(last),
                _ => pieces.push(OpenPiece::new(first, last, cells.peers(&ranges))),
            }
            last_ranges = ranges;
            ControlFlow::Continue(())
        });
        (!too_much).then(|| OpenSet::from_pieces(pieces))
    }

    /// Shows each stretch of traffic at which it covers something that `other` does not.
    fn beside(
        &self,
        other: &Overlay<'_>,
        mut show: impl FnMut(&Cells<'_>, &Shadow, u32, u32) -> ControlFlow<()>,
    ) {
        let both: Vec<&Area> = self.areas.iter().chain(&other.areas).copied().collect();
        let cells = Cells::new(both.iter().map(|area| &area.peers));
        let ranges: Vec<_> = both.iter().map(|area| cells.ranges(&area.peers)).collect();
        sweep(
            both.iter().copied(),
            &mut Shadow::new(&cells),
            |shadow, area, on| shadow.set(&ranges[area], area < self.areas.len(), on),
            |shadow, first, last| {
                if shadow.sticks_out() {
                    show(&cells, shadow, first, last)
                } else {
                    ControlFlow::Continue(())
                }
            },
        );
    }

    /// The first piece of the set in its normal form, as far as it lies within this traffic.
    #[must_use]
    pub fn first(&self, within: &TrafficSet) -> Option<OpenPiece> {
        let mut pieces = self.pieces(within, usize::MAX, 1)?;
        (!pieces.is_empty()).then(|| pieces.swap_remove(0))
    }

    /// The set in its normal form, as far as it lies within this traffic; `None` when it has more than `limit` intervals
    /// of addresses and named peers in all its pieces together.
    #[must_use]
    pub fn written_out(&self, within: &TrafficSet, limit: usize) -> Option<OpenSet> {
        self.pieces(within, limit, usize::MAX).map(OpenSet::from_pieces)
    }

    fn pieces(&self, within: &TrafficSet, limit: usize, most: usize) -> Option<Vec<OpenPiece>> {
        let cells = Cells::new(self.areas.iter().map(|area| &area.peers));
        let ranges: Vec<_> = self.areas.iter().map(|area| cells.ranges(&area.peers)).collect();
        let mut cover = Cover::new(&cells);
        let mut within = Within::new(within);
        let mut pieces: Vec<OpenPiece> = Vec::new();
        let (mut written, mut too_much) = (0_usize, false);
        sweep(
            self.areas.iter().copied(),
            &mut cover,
            |cover, area, on| cover.set(&ranges[area], on),
            |cover, first, last| {
                if cover.is_bare() {
                    cover.take_change();
                    return ControlFlow::Continue(());
                }
                for (first, last) in within.parts(first, last) {
                    let changed = cover.take_change();
                    if let Some(before) = pieces
                        .last_mut()
                        .filter(|before| !changed && before.touches(first))
                    {
                        before.extend_to(last);
                        continue;
                    }
                    if pieces.len() == most {
                        return ControlFlow::Break(());
                    }
                    let covered = cover.ranges();
                    written = written.saturating_add(covered.len() + 1);
                    if written > limit {
                        too_much = true;
                        return ControlFlow::Break(());
                    }
                    pieces.push(OpenPiece::new(first, last, cells.peers(&covered)));
                }
                ControlFlow::Continue(())
            },
        );
        (!too_much).then_some(pieces)
    }
}

fn traffic_where<const N: usize, const ANSWERS: usize>(
    among: &AddressSet,
    overlays: [&Overlay<'_>; N],
    enough: impl Fn([Covered; N]) -> [bool; ANSWERS],
) -> [TrafficSet; ANSWERS] {
    let among = PeerSet::new(among.clone(), crate::TokenSet::default());
    let areas: Vec<(usize, &Area)> = overlays
        .iter()
        .enumerate()
        .flat_map(|(which, overlay)| overlay.areas.iter().map(move |area| (which, *area)))
        .collect();
    let clipped: Vec<PeerSet> = areas
        .iter()
        .map(|(_, area)| area.peers.intersection(&among))
        .collect();
    let cells = Cells::new(clipped.iter().chain([&among]));
    let ranges: Vec<_> = clipped.iter().map(|peers| cells.ranges(peers)).collect();
    let mut covers = [(); N].map(|()| Cover::new(&cells));
    let mut everything = Cover::new(&cells);
    everything.set(&cells.ranges(&among), true);
    let all = everything.covered();
    let mut spans = [(); ANSWERS].map(|()| Vec::new());
    sweep(
        areas.iter().map(|(_, area)| *area),
        &mut covers,
        |covers, area, on| covers[areas[area].0].set(&ranges[area], on),
        |covers, first, last| {
            let covered = covers.each_ref().map(|cover| {
                let now = cover.covered();
                Covered {
                    v4: now.v4.into(),
                    v6: now.v6,
                    whole_v4: all.v4_cells > 0 && now.v4_cells == all.v4_cells,
                    // No token is asked for: what is not of IPv4 is of IPv6.
                    whole_v6: all.cells > all.v4_cells
                        && now.cells - now.v4_cells == all.cells - all.v4_cells,
                }
            });
            for (spans, _) in spans
                .iter_mut()
                .zip(enough(covered))
                .filter(|(_, enough)| *enough)
            {
                spans.push((first, last));
            }
            ControlFlow::Continue(())
        },
    );
    spans.map(TrafficSet::from_spans)
}

/// Walks along the traffic. At each border the areas that start are laid down before those that end are taken away: so the
/// cover changes exactly when a single step changes it. Then the stretch up to the next border is shown.
fn sweep<'a, T>(
    areas: impl Iterator<Item = &'a Area>,
    state: &mut T,
    mut set: impl FnMut(&mut T, usize, bool),
    mut stretch: impl FnMut(&mut T, u32, u32) -> ControlFlow<()>,
) {
    let mut borders: Vec<(u32, bool, usize)> = Vec::new();
    for (index, area) in areas.enumerate() {
        for &(first, last) in area.traffic.spans() {
            borders.push((first, false, index));
            borders.push((last.saturating_add(1), true, index));
        }
    }
    borders.sort_unstable();
    let mut rest = borders.as_slice();
    while let Some(&(at, ..)) = rest.first() {
        let here = rest.partition_point(|&(other, ..)| other == at);
        for &(_, ends, index) in &rest[..here] {
            set(state, index, !ends);
        }
        rest = &rest[here..];
        if let Some(&(next, ..)) = rest.first()
            && stretch(state, at, next - 1).is_break()
        {
            return;
        }
    }
}

/// The part of stretches, asked in ascending order, that lies within some traffic.
struct Within<'a> {
    spans: &'a [(u32, u32)],
}

impl<'a> Within<'a> {
    fn new(traffic: &'a TrafficSet) -> Self {
        Self {
            spans: traffic.spans(),
        }
    }

    fn parts(&mut self, first: u32, last: u32) -> impl Iterator<Item = (u32, u32)> + use<'a> {
        let passed = self.spans.partition_point(|&(_, end)| end < first);
        self.spans = &self.spans[passed..];
        self.spans
            .iter()
            .take_while(move |&&(start, _)| start <= last)
            .map(move |&(start, end)| (start.max(first), end.min(last)))
    }
}
