//! How long comparing takes: `cargo bench -p portcullis-consistency`.

#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "a benchmark")]

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};
use portcullis_consistency::{ConsistencyReport, Views, compare};
use portcullis_secgroup::{Group, Inventory, Rule};
use portcullis_terraform::{Inline, Origin, OwnedRule, TerraformGroup, View};
use std::collections::{BTreeMap, BTreeSet};

#[path = "../../../benches/estates.rs"]
mod estates;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// The three views of one estate.
struct Estate {
    declared: View,
    recorded: View,
    live: Inventory,
}

impl Estate {
    /// Each rule is a resource of its own; `changed` of the live rules in a thousand are not as declared.
    fn new(groups: Vec<Group>, changed: usize) -> Self {
        let view = View {
            groups: groups.iter().map(terraform).collect(),
            ..View::default()
        };
        let mut live = Inventory {
            groups,
            ..Inventory::default()
        };
        let mut number = 0;
        for group in &mut live.groups {
            group.address = None;
            for rule in &mut group.rules {
                number += 1;
                rule.id = Some(format!("sgr-{number:017x}"));
            }
            let mut at = 0;
            group.rules.retain(|_| {
                at += 1;
                at % 1000 >= changed
            });
        }
        Self {
            declared: view.clone(),
            recorded: view,
            live,
        }
    }

    fn compare(&self) -> ConsistencyReport {
        compare(
            &Views::declared(black_box(&self.declared))
                .recorded(Some(black_box(&self.recorded)))
                .live(Some(black_box(&self.live))),
        )
    }
}

fn terraform(group: &Group) -> TerraformGroup {
    let owned = |(number, rule): (usize, &Rule)| OwnedRule {
        rule: rule.clone(),
        owner: format!(
            "aws_vpc_security_group_ingress_rule.of_{}[{number}]",
            group.label()
        ),
        origin: Origin::Resource,
        forgotten: false,
        not_known: Vec::new(),
        description_unknown: false,
    };
    TerraformGroup {
        address: group.address.clone(),
        id: group.id.clone(),
        name: group.name.clone(),
        name_prefix: None,
        tags: BTreeMap::new(),
        tags_unknown: false,
        vpc_id: None,
        inline_ingress: Inline::Absent,
        inline_egress: Inline::Absent,
        account: None,
        region: None,
        untouched: false,
        forgotten: false,
        deposed: false,
        rules: group.rules.iter().enumerate().map(owned).collect(),
        echoed: BTreeSet::new(),
    }
}

/// Rules in each view, ten to a group, one in a thousand taken away by hand.
#[divan::bench(args = [1_000, 10_000, 100_000, 1_000_000], sample_count = 10)]
fn many_groups(bencher: Bencher<'_, '_>, rules: usize) {
    let estate = Estate::new(estates::ordinary(rules / 10, 10), 1);
    bencher
        .counter(ItemsCount::new(rules))
        .bench_local(|| estate.compare());
}

/// All rules in one group, one in ten of the live ones gone: what is wanted and what is found must be paired.
#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 10)]
fn one_group(bencher: Bencher<'_, '_>, rules: usize) {
    let mut estate = Estate::new(estates::ordinary(1, rules), 100);
    for rule in &mut estate.live.groups[0].rules[..rules / 20] {
        let other = estates::ordinary(1, 1).remove(0).rules.remove(0);
        rule.ports = other.ports;
    }
    bencher
        .counter(ItemsCount::new(rules))
        .bench_local(|| estate.compare());
}

/// The report as text, for a terminal of 80 columns.
#[divan::bench(args = [10_000, 100_000], sample_count = 10)]
fn text(bencher: Bencher<'_, '_>, rules: usize) {
    let report = Estate::new(estates::ordinary(rules / 10, 10), 1).compare();
    bencher
        .counter(ItemsCount::new(rules))
        .bench_local(|| black_box(&report).to_text_within(80));
}
