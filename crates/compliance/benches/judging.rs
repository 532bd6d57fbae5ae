//! How long judging takes: `cargo bench -p portcullis-compliance`.

#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "a benchmark")]

use divan::{Bencher, black_box};
use portcullis_compliance::{Policy, Subject, judge};
use portcullis_secgroup::{Group, Inventory};

#[path = "../../../benches/estates.rs"]
mod estates;

fn main() {
    divan::main();
}

fn live(groups: Vec<Group>) -> Subject {
    Subject::live(&Inventory {
        groups,
        ..Inventory::default()
    })
}

fn measure(bencher: Bencher<'_, '_>, policy: &str, subject: &Subject) {
    let (policy, today) = (Policy::read(policy).unwrap(), "2026-11-23".parse().unwrap());
    bencher.bench(|| judge(&policy, black_box(subject), today));
}

fn one(deny: &str) -> String {
    format!("version: 1\nrules:\n  - {{ id: r, severity: high, {deny} }}\n")
}

/// Rules over a tenth as many groups, by 20 policy rules.
#[divan::bench(args = [10_000, 100_000, 1_000_000], sample_count = 5, sample_size = 1)]
fn ordinary_estate(bencher: Bencher<'_, '_>, rules: usize) {
    measure(
        bencher,
        &estates::policy(),
        &live(estates::ordinary(rules / 10, 10)),
    );
}

/// One group with this many rules.
mod one_group {
    use super::{Bencher, estates, live, measure, one};

    const SIZES: [u32; 2] = [10_000, 100_000];

    #[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
    fn flat_any(bencher: Bencher<'_, '_>, rules: u32) {
        let deny = one("deny: { direction: ingress, peers: internet }");
        measure(bencher, &deny, &live(vec![estates::flat(rules)]));
    }

    #[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
    fn nested_any(bencher: Bencher<'_, '_>, rules: u32) {
        let deny = one("deny: { direction: ingress, peers: internet }");
        measure(bencher, &deny, &live(vec![estates::nested(rules)]));
    }

    #[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
    fn nested_whole(bencher: Bencher<'_, '_>, rules: u32) {
        let deny = one("deny: { direction: ingress, peers: internet, extent: whole }");
        measure(bencher, &deny, &live(vec![estates::nested(rules)]));
    }

    #[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
    fn nested_share(bencher: Bencher<'_, '_>, rules: u32) {
        let deny = one("deny: { direction: ingress, peers: internet, extent: \"0.0001%\" }");
        measure(bencher, &deny, &live(vec![estates::nested(rules)]));
    }

    #[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
    fn nested_allow_only(bencher: Bencher<'_, '_>, rules: u32) {
        let allow =
            one("allow_only: { direction: ingress, peers: internet, protocol: tcp, ports: [80, 443] }");
        measure(bencher, &allow, &live(vec![estates::nested(rules)]));
    }

    #[divan::bench(args = [12, 16], sample_count = 3, sample_size = 1)]
    fn shards_whole(bencher: Bencher<'_, '_>, bits: u8) {
        let deny =
            one("deny: { direction: ingress, protocol: tcp, ports: [22], peers: internet, extent: whole }");
        measure(bencher, &deny, &live(vec![estates::shards(bits)]));
    }
}
