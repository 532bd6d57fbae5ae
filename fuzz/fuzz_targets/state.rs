//! A state of either form, read, viewed and judged.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_compliance::{Policy, Subject, judge};
use portcullis_terraform::State;
use std::sync::LazyLock;

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    Policy::read(include_str!("../../terraform/policy.yaml")).expect("the estate's policy is valid")
});

fuzz_target!(|text: &str| {
    let Ok(state) = State::read(text) else { return };
    let Ok(view) = state.view() else { return };
    let today = "2026-11-23".parse().expect("a day");
    let _ = judge(&POLICY, &Subject::recorded(&view), today).to_text();
});
