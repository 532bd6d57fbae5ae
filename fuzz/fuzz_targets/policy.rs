//! A policy, read, explained, and held against a plan of all rule styles.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_compliance::{Policy, Subject, judge};
use portcullis_terraform::Plan;
use std::sync::LazyLock;

static SUBJECT: LazyLock<Subject> = LazyLock::new(|| {
    let plan = Plan::read(include_str!("../../fixtures/rule-styles/1-create/plan.json"))
        .expect("a recording is a plan");
    let (after, before) = (
        plan.after().expect("its rules"),
        plan.before().expect("its rules"),
    );
    Subject::planned(&after, &before, plan.partial())
});

fuzz_target!(|text: &str| {
    let Ok(policy) = Policy::read(text) else { return };
    let today = "2026-11-23".parse().expect("a day");
    for rule in policy.rule_ids() {
        let _ = policy.explain(rule, today);
    }
    let _ = judge(&policy, &SUBJECT, today).to_text();
});
