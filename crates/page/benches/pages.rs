//! How long pages take, and how large they are.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::allow_attributes,
    reason = "benchmarks"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use portcullis_consistency::{ConsistencyReport, RuleRow, RuleVerdict};
use portcullis_page::{Context, VerifyPage};
use portcullis_report::{GroupRef, Verdict};

const RULES: [usize; 3] = [500, 5_000, 50_000];

fn main() {
    for rules in RULES {
        let (plan, verify) = (support::large(rules).html(), verify_page(&report(rules)));
        eprintln!(
            "{rules} rules: plan page {} kB, verify page {} kB",
            plan.len() / 1000,
            verify.len() / 1000
        );
    }
    divan::main();
}

#[divan::bench(args = RULES)]
fn plan(bencher: divan::Bencher<'_, '_>, rules: usize) {
    let planned = support::large(rules);
    bencher.bench_local(|| planned.html());
}

#[divan::bench(args = RULES)]
fn verify(bencher: divan::Bencher<'_, '_>, rules: usize) {
    let report = report(rules);
    bencher.bench_local(|| verify_page(&report));
}

/// One rule in a hundred was made by hand.
fn report(rules: usize) -> ConsistencyReport {
    let row = |n: usize| {
        let by_hand = n.is_multiple_of(100);
        let port = i32::try_from(n % 50).unwrap() + 8000;
        RuleRow {
            group: GroupRef {
                address: Some(format!("aws_security_group.partner[{}]", n / 50)),
                id: Some(format!("sg-{:017x}", n / 50)),
            },
            direction: "ingress".to_owned(),
            protocol: "tcp".to_owned(),
            from_port: port,
            to_port: port,
            peer: format!("10.{}.{}.0/24", n / 256 % 256, n % 256),
            declared: Some(!by_hand),
            recorded: Some(!by_hand),
            live: Some(true),
            verdict: if by_hand {
                RuleVerdict::Unmanaged
            } else {
                RuleVerdict::Agree
            },
            notes: vec![format!("aws_vpc_security_group_ingress_rule.partner[\"{n}\"]")],
            ..RuleRow::default()
        }
    };
    ConsistencyReport::new(Verdict::Violation, (0..rules).map(row).collect())
}

fn verify_page(report: &ConsistencyReport) -> String {
    VerifyPage {
        context: &Context::default(),
        consistency: report,
        declared: None,
        live: None,
        reports: &[],
    }
    .to_html()
}
