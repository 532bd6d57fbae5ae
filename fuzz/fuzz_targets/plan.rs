//! A plan, read, viewed and judged.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_compliance::{Policy, Subject, judge};
use portcullis_terraform::Plan;
use std::sync::LazyLock;

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    Policy::read(include_str!("../../terraform/policy.yaml")).expect("the estate's policy is valid")
});

fuzz_target!(|text: &str| {
    let Ok(plan) = Plan::read(text) else { return };
    let (Ok(after), Ok(before)) = (plan.after(), plan.before()) else {
        return;
    };
    let subject = Subject::planned(&after, &before, plan.partial());
    let today = "2026-11-23".parse().expect("a day");
    let _ = judge(&POLICY, &subject, today).to_text();
});
