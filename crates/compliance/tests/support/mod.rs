//! What the tests share: files of the repository, small plans, and a day to judge on.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use portcullis_compliance::{Policy, Subject, judge};
use portcullis_report::{Finding, Report, Verdict};
use portcullis_terraform::{Configuration, Plan};
use std::path::{Path, PathBuf};

/// Where a file of the repository lies.
pub fn place(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// A file of the repository.
pub fn repository(path: &str) -> String {
    std::fs::read_to_string(place(path)).unwrap()
}

/// The day on which all tests judge, unless they say another.
pub const TODAY: &str = "2026-11-23";

pub fn judged(policy: &Policy, plan: &str) -> Report {
    let plan = Plan::read(plan).unwrap();
    let (after, before) = (plan.after().unwrap(), plan.before().unwrap());
    judge(
        policy,
        &Subject::planned(&after, &before, plan.partial()),
        TODAY.parse().unwrap(),
    )
}

/// A plan that makes one group `web` with these inline ingress blocks, given as JSON objects.
pub fn small_plan(blocks: &str, unknown: &str) -> String {
    plan_of(&[group_with("web", blocks, "", unknown)])
}

/// A plan of these resource changes.
pub fn plan_of(changes: &[String]) -> String {
    format!(
        r#"{{"format_version": "1.2", "resource_changes": [{}]}}"#,
        changes.join(",\n")
    )
}

/// A change of a resource: its address, actions, and both sides as JSON (`null` where there is none).
pub fn change(address: &str, actions: &str, before: &str, after: &str, unknown: &str) -> String {
    let (kind, name) = address.rsplit_once('.').unwrap();
    let kind = kind.rsplit('.').next().unwrap();
    format!(
        r#"{{"address": "{address}", "mode": "managed", "type": "{kind}", "name": "{name}",
        "change": {{"actions": [{actions}], "before": {before}, "after": {after}, "after_unknown": {unknown}}}}}"#
    )
}

/// A new group `aws_security_group.NAME` with these inline blocks.
pub fn group_with(name: &str, ingress: &str, egress: &str, unknown: &str) -> String {
    format!(
        r#"{{"address": "aws_security_group.{name}", "mode": "managed", "type": "aws_security_group", "name": "{name}",
        "change": {{"actions": ["create"], "before": null,
        "after": {{"name": "{name}", "egress": [{egress}], "ingress": [{ingress}]}},
        "after_unknown": {{"ingress": [{unknown}]}}}}}}"#
    )
}

/// A group that is there already, with this id and these blocks, and that the plan leaves alone.
pub fn standing_group(name: &str, id: &str, ingress: &str) -> String {
    let values =
        format!(r#"{{"id": "{id}", "name": "{name}", "tags": {{}}, "egress": [], "ingress": [{ingress}]}}"#);
    format!(
        r#"{{"address": "aws_security_group.{name}", "mode": "managed", "type": "aws_security_group", "name": "{name}",
        "change": {{"actions": ["no-op"], "before": {values}, "after": {values}, "after_unknown": {{}}}}}}"#
    )
}

/// An instance that carries these groups and that the plan leaves alone.
pub fn standing_instance(name: &str, groups: &[&str]) -> String {
    let list: Vec<String> = groups.iter().map(|id| format!(r#""{id}""#)).collect();
    let values = format!(
        r#"{{"id": "i-{name}", "vpc_security_group_ids": [{}]}}"#,
        list.join(", ")
    );
    format!(
        r#"{{"address": "aws_instance.{name}", "mode": "managed", "type": "aws_instance", "name": "{name}",
        "change": {{"actions": ["no-op"], "before": {values}, "after": {values}, "after_unknown": {{}}}}}}"#
    )
}

/// One block: this protocol, from port to port, from one CIDR of either family.
pub fn block(protocol: &str, from: i32, to: i32, cidr: &str) -> String {
    let key = if cidr.contains(':') {
        "ipv6_cidr_blocks"
    } else {
        "cidr_blocks"
    };
    format!(r#"{{"protocol": "{protocol}", "from_port": {from}, "to_port": {to}, "{key}": ["{cidr}"]}}"#)
}

pub fn tcp(port: u16, cidr: &str) -> String {
    block("tcp", i32::from(port), i32::from(port), cidr)
}

/// A policy of one rule, given in YAML's flow style, beside a network `offices`.
pub fn one_rule(rule: &str) -> Policy {
    policy(&format!(
        "version: 1\nnetworks: {{ offices: [203.0.113.0/24, 8.8.8.0/24] }}\nrules:\n  - {rule}\n"
    ))
}

pub fn policy(text: &str) -> Policy {
    Policy::read(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The verdict of one rule on a new group with these blocks.
pub fn verdict(rule: &str, blocks: &[String]) -> Verdict {
    judged(&one_rule(rule), &small_plan(&blocks.join(", "), "")).verdict
}

/// What is wrong with a policy, as its author reads it.
pub fn complaint(text: &str) -> String {
    let error = Policy::read(text).expect_err(text);
    let hint = error
        .hint()
        .map(|hint| format!("\n  hint: {hint}"))
        .unwrap_or_default();
    format!("{error}{hint}")
}

/// Is SSH open to the internet?
pub const SSH: &str = "{ id: ssh, severity: critical, deny: { direction: ingress, protocol: tcp, ports: [22], peers: internet } }";
/// A rule resource.
pub const RULE: &str = "aws_vpc_security_group_ingress_rule.ssh";

pub fn ssh(changes: &[String]) -> Report {
    judged(&one_rule(SSH), &plan_of(changes))
}

pub fn member(rule: &str) -> String {
    rule.replace("deny:", "per: member, deny:")
}

/// A standing group `sg-1` with these live rules.
pub fn echo(blocks: &[String]) -> String {
    standing_group("web", "sg-1", &blocks.join(", "))
}

/// A rule resource on a group, with these attributes beside.
pub fn rule_on(group: &str, attributes: &str) -> String {
    format!(r#"{{"id": "sgr-1", "security_group_id": "{group}", {attributes}}}"#)
}

pub fn open_ssh(cidr: &str) -> String {
    format!(r#""ip_protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_ipv4": "{cidr}""#)
}

pub fn created(address: &str, after: &str, unknown: &str) -> String {
    change(address, r#""create""#, "null", after, unknown)
}

/// The verdict, or the whole report.
#[track_caller]
pub fn expect(report: &Report, verdict: Verdict) {
    assert_eq!(report.verdict, verdict, "{}", report.to_text());
}

/// The one finding of a report.
#[track_caller]
pub fn finding(report: &Report) -> &Finding {
    assert_eq!(report.findings.len(), 1, "{}", report.to_text());
    &report.findings[0]
}

/// The report on a plan whose code is at hand.
pub fn with_code(policy: &Policy, plan: &str, code: &str) -> Report {
    let code = Configuration::read([("main.tf", code)]).unwrap();
    let plan = Plan::read(plan).unwrap().with_code(code);
    let (after, before) = (plan.after().unwrap(), plan.before().unwrap());
    judge(
        policy,
        &Subject::planned(&after, &before, plan.partial()),
        TODAY.parse().unwrap(),
    )
}
