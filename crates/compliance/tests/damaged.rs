//! Damaged policies and plans: a clear error or a report, never a panic.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

use portcullis_compliance::{Policy, Subject, judge};
use portcullis_terraform::Plan;
use std::path::Path;

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

#[test]
fn damaged_policies_never_panic() {
    let mut numbers = mutate::Numbers(0x90);
    for path in ["terraform/policy.yaml", "policies/fsbp-ec2.yaml"] {
        let text = read(path);
        for _ in 0..500 {
            let _ = Policy::read(&mutate::damaged(&text, &mut numbers)).map_err(|error| error.to_string());
        }
    }
}

#[test]
fn damaged_plans_are_judged_or_refused() {
    let mut numbers = mutate::Numbers(0x91);
    let policy = Policy::read(&read("terraform/policy.yaml")).unwrap();
    for path in [
        "fixtures/rule-styles/1-create/plan.json",
        "fixtures/estate/4-hand-made-drift/plan.json",
    ] {
        let text = read(path);
        for _ in 0..300 {
            let Ok(plan) = Plan::read(&mutate::altered(&text, &mut numbers)) else {
                continue;
            };
            let (Ok(after), Ok(before)) = (plan.after(), plan.before()) else {
                continue;
            };
            let subject = Subject::planned(&after, &before, plan.partial());
            let report = judge(&policy, &subject, "2026-11-23".parse().unwrap());
            assert!(report.to_text().ends_with('\n'));
        }
    }
}
