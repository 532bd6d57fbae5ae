//! How long the algebra takes: `cargo bench -p portcullis-secgroup`.

use divan::{Bencher, black_box};
use portcullis_secgroup::{Direction, OpenSet, PrefixLists};

#[path = "../../../benches/estates.rs"]
mod estates;

fn main() {
    divan::main();
}

/// The open set of one group whose rules do not overlap.
#[divan::bench(args = [1_000, 10_000, 100_000])]
fn open_set_of_flat_rules(bencher: Bencher<'_, '_>, rules: u32) {
    let (group, lists) = (estates::flat(rules), PrefixLists::default());
    bencher.bench(|| OpenSet::certain(black_box(&group.rules), Direction::Ingress, &lists));
}

/// The open set of one group that puts the internet together from blocks.
#[divan::bench(args = [8, 12, 16])]
fn open_set_of_shards(bencher: Bencher<'_, '_>, bits: u8) {
    let (group, lists) = (estates::shards(bits), PrefixLists::default());
    bencher.bench(|| OpenSet::certain(black_box(&group.rules), Direction::Ingress, &lists));
}
