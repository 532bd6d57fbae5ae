//! Groups with very many rules: what is said of them stays short, and complete where it counts.

#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

use portcullis_compliance::{Policy, Subject, judge};
use portcullis_report::Report;
use portcullis_secgroup::{Group, Inventory};

#[path = "../../../benches/estates.rs"]
mod estates;

fn judged(group: Group, check: &str) -> Report {
    let policy = format!("version: 1\nrules:\n  - {{ id: r, severity: high, {check} }}\n");
    let subject = Subject::live(&Inventory {
        groups: vec![group],
        ..Inventory::default()
    });
    judge(
        &Policy::read(&policy).unwrap(),
        &subject,
        "2026-11-23".parse().unwrap(),
    )
}

#[test]
fn nested_ranges_with_a_source_each_are_told_by_their_outline() {
    let report = judged(
        estates::nested(2_000),
        "deny: { direction: ingress, peers: internet }",
    );
    insta::assert_snapshot!("nested", report.to_text());
    let share = judged(
        estates::nested(2_000),
        "deny: { direction: ingress, peers: internet, extent: \"0.0001%\" }",
    );
    assert!(
        share.findings.is_empty(),
        "2,000 addresses are less than that of 3.7 billion"
    );
}

#[test]
fn many_ports_with_a_source_each_are_counted() {
    let report = judged(
        estates::flat(60),
        "allow_only: { direction: ingress, peers: internet, protocol: tcp, ports: [80, 443] }",
    );
    insta::assert_snapshot!("flat", report.to_text());
}

#[test]
fn the_internet_in_small_pieces_is_the_internet() {
    let ssh = "deny: { direction: ingress, protocol: tcp, ports: [22], peers: internet, extent: whole }";
    let report = judged(estates::shards(10), ssh);
    assert_eq!(report.findings[0].exposure, "tcp 22 from the whole IPv4 internet");
    assert_eq!(report.findings[0].resources.len(), 1, "EC2's id of the group");
    let mut incomplete = estates::shards(10);
    incomplete.rules.remove(500);
    assert!(judged(incomplete, ssh).findings.is_empty());
}
