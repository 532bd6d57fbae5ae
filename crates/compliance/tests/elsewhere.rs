//! Groups that a template hands to members yet to come, and prefix lists that AWS looks after.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

mod support;

use portcullis_report::Report;
use portcullis_report::Verdict::{Pass, Undetermined, Violation};
use support::{
    SSH, created, expect, group_with, judged, member, one_rule, plan_of, standing_group, tcp, with_code,
};

const TEMPLATE: &str = "aws_launch_template.web";
const WHOLE: &str = "{ id: ssh, severity: critical, deny: { direction: ingress, protocol: tcp, ports: [22], peers: internet, extent: whole } }";

/// Two groups, each with a half of the internet.
fn halves() -> [String; 2] {
    [
        standing_group("a", "sg-1", &tcp(22, "0.0.0.0/1")),
        standing_group("b", "sg-2", &tcp(22, "128.0.0.0/1")),
    ]
}

/// The verdict on members, with both groups and this resource.
fn members(address: &str, after: &str, unknown: &str) -> Report {
    let [a, b] = halves();
    judged(
        &one_rule(&member(WHOLE)),
        &plan_of(&[a, b, created(address, after, unknown)]),
    )
}

#[test]
fn a_template_carries_groups_as_its_instances_will() {
    let both = r#""vpc_security_group_ids": ["sg-1", "sg-2"]"#;
    expect(&members(TEMPLATE, &format!("{{{both}}}"), "{}"), Violation);
    expect(
        &members(TEMPLATE, r#"{"vpc_security_group_ids": ["sg-1"]}"#, "{}"),
        Pass,
    );
    let configuration = "aws_launch_configuration.web";
    expect(
        &members(configuration, r#"{"security_groups": ["sg-1", "sg-2"]}"#, "{}"),
        Violation,
    );
    // Whoever launches from it names the groups.
    for none in [
        "{}",
        r#"{"vpc_security_group_ids": []}"#,
        r#"{"network_interfaces": [{}]}"#,
    ] {
        expect(&members(TEMPLATE, none, "{}"), Pass);
        expect(&members(configuration, none, "{}"), Pass);
    }
    expect(
        &members(TEMPLATE, "{}", r#"{"vpc_security_group_ids": true}"#),
        Undetermined,
    );
}

#[test]
fn each_interface_of_a_template_carries_its_own_groups() {
    let interfaces = |lists: &[&str]| {
        let blocks: Vec<String> = lists
            .iter()
            .map(|list| format!(r#"{{"security_groups": [{list}]}}"#))
            .collect();
        let after = format!(
            r#"{{"vpc_security_group_ids": null, "network_interfaces": [{}]}}"#,
            blocks.join(", ")
        );
        members(TEMPLATE, &after, "{}")
    };
    let one = interfaces(&[r#""sg-1", "sg-2""#]);
    expect(&one, Violation);
    assert_eq!(one.findings[0].group.address.as_deref(), Some(TEMPLATE));
    expect(&interfaces(&[r#""sg-1""#, r#""sg-2""#]), Pass);
    let second = interfaces(&[r#""sg-1""#, r#""sg-1", "sg-2""#]);
    expect(&second, Violation);
    assert_eq!(
        second.findings[0].group.address.as_deref(),
        Some("aws_launch_template.web.network_interfaces[1]")
    );
}

#[test]
fn a_templates_list_is_found_in_the_code() {
    let [a, b] = halves().map(|group| {
        let known = group
            .replace("no-op", "create")
            .replace(r#""before": {"#, r#""before": null, "was": {"#);
        known
            .replace(r#""after_unknown": {}"#, r#""after_unknown": {"id": true}"#)
            .replace(r#""id": "sg-1", "#, "")
            .replace(r#""id": "sg-2", "#, "")
    });
    let template = created(
        TEMPLATE,
        r#"{"network_interfaces": [{}]}"#,
        r#"{"network_interfaces": [{"security_groups": true}]}"#,
    );
    let configuration = r#"{"configuration": {"root_module": {"resources": [{"address": "aws_launch_template.web", "expressions":
        {"network_interfaces": [{"security_groups": {"references": ["aws_security_group.a.id", "aws_security_group.a",
        "aws_security_group.b.id", "aws_security_group.b"]}}]}}]}}, "#;
    let plan = plan_of(&[a, b, template]).replacen('{', configuration, 1);
    expect(&judged(&one_rule(&member(WHOLE)), &plan), Undetermined);
    let code = |list: &str| {
        format!(
            "resource \"aws_launch_template\" \"web\" {{\n  network_interfaces {{\n    security_groups = {list}\n  }}\n}}\n"
        )
    };
    let written = code("[aws_security_group.a.id, aws_security_group.b.id]");
    expect(&with_code(&one_rule(&member(WHOLE)), &plan, &written), Violation);
}

#[test]
fn lists_that_aws_looks_after_have_their_entries_from_a_data_source() {
    let plan = |values: &str| {
        let block = r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "prefix_list_ids": ["pl-1"]}"#;
        let prior = format!(
            r#"{{"prior_state": {{"values": {{"root_module": {{"resources": [{{"address": "data.aws_prefix_list.s3",
            "type": "aws_prefix_list", "values": {values}}}]}}}}}}, "#
        );
        plan_of(&[group_with("web", block, "", "")]).replacen('{', &prior, 1)
    };
    let told = |values: &str| judged(&one_rule(SSH), &plan(values));
    expect(
        &told(r#"{"id": "pl-1", "cidr_blocks": ["3.5.72.0/23"]}"#),
        Violation,
    );
    expect(&told(r#"{"id": "pl-1", "cidr_blocks": ["10.0.0.0/8"]}"#), Pass);
    expect(&told(r#"{"id": "pl-1"}"#), Undetermined);
    expect(
        &told(r#"{"id": "pl-2", "cidr_blocks": ["10.0.0.0/8"]}"#),
        Undetermined,
    );
}

#[test]
fn an_entry_that_is_larger_than_it_looks_is_told() {
    let list = created(
        "aws_ec2_managed_prefix_list.p",
        r#"{"id": "pl-1", "name": "p", "entry": [{"cidr": "67.221.169.243/0"}]}"#,
        "{}",
    );
    let report = judged(&one_rule(SSH), &plan_of(&[list]));
    expect(&report, Pass);
    let text = report.to_text();
    assert!(
        text.contains(
            "aws_ec2_managed_prefix_list.p: 67.221.169.243/0 has bits behind its prefix: it is 0.0.0.0/0"
        ),
        "{text}"
    );
}
