//! How long reading takes, and how much of it is JSON: `cargo bench -p portcullis-terraform`.
//!
//! `skipping` is the yardstick: `serde_json` passing over the same text without keeping anything.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use portcullis_terraform::{Plan, State};
use serde::de::IgnoredAny;

#[path = "../../../benches/estates.rs"]
mod estates;

const SIZES: [usize; 2] = [100, 2_000];

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn state_skipping(bencher: Bencher<'_, '_>, groups: usize) {
    let text = estates::state_json(&estates::ordinary(groups, 10));
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| serde_json::from_str::<IgnoredAny>(black_box(&text)).is_ok());
}

#[divan::bench(args = SIZES)]
fn state_reading(bencher: Bencher<'_, '_>, groups: usize) {
    let text = estates::state_json(&estates::ordinary(groups, 10));
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| State::read(black_box(&text)).ok());
}

#[divan::bench(args = SIZES)]
fn state_reading_and_view(bencher: Bencher<'_, '_>, groups: usize) {
    let text = estates::state_json(&estates::ordinary(groups, 10));
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        State::read(black_box(&text))
            .ok()
            .and_then(|state| state.view().ok())
    });
}

#[divan::bench(args = SIZES)]
fn plan_skipping(bencher: Bencher<'_, '_>, groups: usize) {
    let text = estates::plan_json(&estates::ordinary(groups, 10));
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| serde_json::from_str::<IgnoredAny>(black_box(&text)).is_ok());
}

#[divan::bench(args = SIZES)]
fn plan_reading(bencher: Bencher<'_, '_>, groups: usize) {
    let text = estates::plan_json(&estates::ordinary(groups, 10));
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| Plan::read(black_box(&text)).ok());
}

#[divan::bench(args = SIZES)]
fn plan_reading_and_views(bencher: Bencher<'_, '_>, groups: usize) {
    let text = estates::plan_json(&estates::ordinary(groups, 10));
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let plan = Plan::read(black_box(&text)).ok()?;
        Some((plan.after().ok()?, plan.before().ok()?))
    });
}
