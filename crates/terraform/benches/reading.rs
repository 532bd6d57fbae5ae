//! How long reading takes, and how much of it is JSON: `cargo bench -p portcullis-terraform`.
//!
//! `skipping` is the yardstick: `serde_json` passing over the same text without keeping anything.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use portcullis_terraform::{Configuration, Plan, State};
use serde::de::IgnoredAny;
use serde_json::Value;
use std::fmt::Write as _;

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

/// The recorded estate's state again and again, each time in a module of its own: most of it is no group and no rule.
fn recorded(times: usize) -> Option<String> {
    let text = include_str!("../../../fixtures/estate/7-repair/state.json");
    let mut state: Value = serde_json::from_str(text).ok()?;
    let resources = state.get_mut("resources")?.as_array_mut()?;
    let once = resources.clone();
    for number in 1..times {
        resources.extend(once.iter().cloned().map(|mut resource| {
            resource["module"] = format!("module.copy_{number:05}").into();
            resource
        }));
    }
    Some(state.to_string())
}

#[divan::bench(args = SIZES)]
fn state_recorded_skipping(bencher: Bencher<'_, '_>, times: usize) {
    let text = recorded(times).unwrap_or_default();
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| serde_json::from_str::<IgnoredAny>(black_box(&text)).is_ok());
}

#[divan::bench(args = SIZES)]
fn state_recorded_reading(bencher: Bencher<'_, '_>, times: usize) {
    let text = recorded(times).unwrap_or_default();
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| State::read(black_box(&text)).ok());
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

/// Code of so many groups, each with a rule resource, a `dynamic` block and a reference to the one before.
fn code(groups: usize) -> String {
    let mut text = String::from(
        "variable \"ports\" {\n  type    = list(number)\n  default = [80, 443]\n}\nlocals {\n  network = \"10.0.0.0/8\"\n}\n",
    );
    for n in 0..groups {
        let _ = write!(
            text,
            r#"
resource "aws_security_group" "g{n}" {{
  name = "group-{n}"
  dynamic "ingress" {{
    for_each = toset(var.ports)
    content {{
      protocol    = "tcp"
      from_port   = ingress.value
      to_port     = ingress.value
      cidr_blocks = [cidrsubnet(local.network, 16, {n})]
    }}
  }}
}}
resource "aws_vpc_security_group_ingress_rule" "r{n}" {{
  security_group_id            = aws_security_group.g{n}.id
  referenced_security_group_id = aws_security_group.g{before}.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}}
"#,
            before = n.saturating_sub(1)
        );
    }
    text
}

#[divan::bench(args = SIZES)]
fn code_reading(bencher: Bencher<'_, '_>, groups: usize) {
    let text = code(groups);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| Configuration::read([("main.tf", black_box(text.as_str()))]).ok());
}

#[divan::bench(args = SIZES)]
fn code_facts_and_declared(bencher: Bencher<'_, '_>, groups: usize) {
    let text = code(groups);
    let code = Configuration::read([("main.tf", text.as_str())]).ok();
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let code = black_box(&code).as_ref()?;
        Some((code.facts(), code.declared().ok()?))
    });
}
