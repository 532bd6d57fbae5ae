//! Damaged recordings: whatever the readers are given, they answer or refuse, and never panic.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

use portcullis_terraform::{Configuration, Plan, Sensitive, State, mask_plan};
use std::path::Path;

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

fn read(path: &str) -> String {
    std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../fixtures")
            .join(path),
    )
    .unwrap()
}

fn see(text: &str) {
    if let Ok(plan) = Plan::read(text) {
        let _ = (plan.before(), plan.after(), plan.counts());
        // Both readers find the same marks, whatever the text.
        if let Ok(sensitive) = Sensitive::of_plan(text) {
            assert!(plan.sensitive() == &sensitive, "{text}");
        }
    }
    if let Ok(state) = State::read(text) {
        let _ = state.view();
    }
    let _ = Sensitive::of_state(text);
    if let Ok((masked, sensitive)) = mask_plan(text) {
        assert!(
            serde_json::from_str::<serde::de::IgnoredAny>(&masked).is_ok(),
            "no JSON any more"
        );
        let _ = sensitive.mask_plan_text(text);
    }
}

#[test]
fn damaged_plans_and_states_never_panic() {
    let mut numbers = mutate::Numbers(0x5eed);
    for path in [
        "rule-styles/1-create/plan.json",
        "rule-styles/2-replace-move-remove/plan.json",
        "rule-styles/1-create/state.json",
        "estate/4-hand-made-drift/state.show.json",
    ] {
        let text = read(path);
        for _ in 0..200 {
            see(&mutate::damaged(&text, &mut numbers));
            see(&mutate::altered(&text, &mut numbers));
        }
    }
}

#[test]
fn damaged_code_never_panics() {
    let mut numbers = mutate::Numbers(0xc0de);
    let plan = Plan::read(&read("estate/1-setup/plan.json")).unwrap();
    for path in ["rule-styles/config/main.tf", "estate/config/security_groups.tf"] {
        let text = read(path);
        for _ in 0..200 {
            let damaged = mutate::damaged(&text, &mut numbers);
            if let Ok(code) = Configuration::read([("main.tf", damaged.as_str())]) {
                let _ = (code.facts(), code.declared());
                let _ = plan.clone().with_code(code).after();
            }
        }
    }
}
