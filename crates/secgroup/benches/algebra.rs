//! How long the algebra takes: `cargo bench -p portcullis-secgroup`.

use divan::{Bencher, black_box};
use portcullis_secgroup::{Direction, Group, Interface, Inventory, OpenSet, PrefixLists};

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

/// The members of each group of an inventory with as many groups as interfaces, four groups on each.
#[divan::bench(args = [1_000, 10_000, 100_000])]
fn members_of_each_group(bencher: Bencher<'_, '_>, groups: usize) {
    let id = |n: usize| format!("sg-{:08}", n % groups);
    let inventory = Inventory {
        groups: (0..groups)
            .map(|n| Group {
                id: Some(id(n)),
                ..Group::default()
            })
            .collect(),
        interfaces: (0..groups)
            .map(|n| Interface {
                id: format!("eni-{n:08}"),
                groups: [1, 3, 7, 11].iter().map(|stride| id(n * stride)).collect(),
                ..Interface::default()
            })
            .collect(),
        ..Inventory::default()
    };
    bencher.bench(|| {
        let index = black_box(&inventory).index();
        let ids = inventory.groups.iter().filter_map(|group| group.id.as_deref());
        ids.map(|id| index.members(id).len()).sum::<usize>()
    });
}
