//! What a finding tells: the hole that is left, the rules that make it, and who made them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

mod support;

use portcullis_report::Standing;
use portcullis_report::Verdict::{Pass, Undetermined, Violation};
use support::{
    RULE, SSH, change, created, echo, expect, finding, group_with, judged, member, one_rule, open_ssh,
    plan_of, policy, rule_on, small_plan, ssh, standing_group, tcp, with_code,
};

fn deny(more: &str) -> String {
    format!("{{ id: r, severity: high, deny: {{ direction: ingress, protocol: tcp, ports: [22], {more} }} }}")
}

fn waiving(rule: &str, resource: &str, exposure: &str) -> portcullis_compliance::Policy {
    policy(&format!(
        "version: 1\nrules:\n  - {rule}\nwaivers:\n  - {{ rule: r, resource: {resource}, exposure: {exposure}, \
         reason: moving, owner: team, expires: 2027-12-31 }}\n"
    ))
}

const WEB: &str = "aws_security_group.web";

#[test]
fn the_line_is_of_the_hole_that_is_left() {
    let world = small_plan(&tcp(22, "0.0.0.0/0"), "");
    let told = |policy: &portcullis_compliance::Policy, plan: &str| {
        let report = judged(policy, plan);
        let found = finding(&report);
        (found.exposure.clone(), found.witness.clone().unwrap())
    };
    let internet = deny("peers: internet");
    let part = waiving(
        &internet,
        WEB,
        "{ protocol: tcp, ports: [22], peers: [8.0.0.0/8] }",
    );
    assert_eq!(
        told(&part, &world),
        (
            "tcp 22 from the whole IPv4 internet except 8.0.0.0/8".to_owned(),
            "tcp 22 from 149.112.112.112".to_owned()
        )
    );
    let whole = deny("peers: internet, extent: whole");
    let half = waiving(&whole, WEB, "{ protocol: tcp, ports: [22], peers: [0.0.0.0/1] }");
    let (line, witness) = told(&half, &world);
    assert!(
        line.starts_with("tcp 22 from 128.0.0.0/3, 160.0.0.0/5,"),
        "{line}"
    );
    assert_eq!(witness, "tcp 22 from 149.112.112.112");
    let special = one_rule(&deny("peers: any, except: [internet]"));
    let (line, witness) = told(&special, &world);
    assert!(
        line.starts_with("tcp 22 from 0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10 and "),
        "{line}"
    );
    assert_eq!(witness, "tcp 22 from 0.0.0.0");
    // What the internet spares by itself is no news.
    let plain = one_rule(&internet);
    assert_eq!(
        told(&plain, &small_plan(&tcp(22, "0.0.0.0/1"), "")).0,
        "tcp 22 from 0.0.0.0/1"
    );
}

#[test]
fn a_family_that_is_not_too_much_is_no_part_of_it() {
    let six = r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "ipv6_cidr_blocks": ["2600::/32"]}"#;
    let other = created(
        RULE,
        &rule_on(
            "sg-1",
            r#""ip_protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_ipv6": "2600::/32""#,
        ),
        "{}",
    );
    let plan = plan_of(&[
        standing_group("web", "sg-1", ""),
        created(
            "aws_vpc_security_group_ingress_rule.all",
            &rule_on("sg-1", &open_ssh("0.0.0.0/0")),
            "{}",
        ),
        other,
    ]);
    let report = judged(&one_rule(&deny("peers: internet, extent: whole")), &plan);
    let found = finding(&report);
    assert_eq!(found.exposure, "tcp 22 from the whole IPv4 internet");
    assert_eq!(found.resources, ["aws_vpc_security_group_ingress_rule.all"]);
    // Where any of it is too much, both are.
    let plan = small_plan(&[tcp(22, "0.0.0.0/0"), six.to_owned()].join(", "), "");
    let report = judged(&one_rule(&deny("peers: internet")), &plan);
    assert_eq!(
        finding(&report).exposure,
        "tcp 22 from the whole IPv4 internet and 2600::/32"
    );
}

#[test]
fn made_by_hand_is_said_where_it_is_certain() {
    let hand = "made by hand: no resource";
    let notes = |changes: &[String]| {
        let report = ssh(changes);
        expect(&report, Violation);
        finding(&report).notes.join("; ")
    };
    // A plan shows no `dynamic` block; nor would the rules of resources beside it tell.
    let alone = notes(&[echo(&[tcp(22, "0.0.0.0/0")])]);
    assert!(
        !alone.contains(hand) && alone.contains("or by a `dynamic` block"),
        "{alone}"
    );
    // The code has no block.
    let plan = plan_of(&[echo(&[tcp(22, "0.0.0.0/0")])]);
    let report = with_code(
        &one_rule(SSH),
        &plan,
        "resource \"aws_security_group\" \"web\" {\n}\n",
    );
    assert!(
        finding(&report).notes.join("; ").contains(hand),
        "{}",
        report.to_text()
    );
    // Forgotten, or never deleted: nobody can tell who made it, and nobody need.
    let values = |name: &str| {
        format!(
            r#"{{"id": "sg-1", "name": "{name}", "egress": [], "ingress": [{}]}}"#,
            tcp(22, "0.0.0.0/0")
        )
    };
    for (address, actions) in [
        (WEB, r#""forget""#),
        ("aws_default_security_group.web", r#""delete""#),
    ] {
        let left = notes(&[change(address, actions, &values("web"), "null", "{}")]);
        assert_eq!(left, "the change only forgets it: it stays open", "{address}");
    }
}

#[test]
fn what_stood_before_is_told_where_a_part_is_new() {
    let values = |blocks: &[String]| {
        format!(
            r#"{{"id": "sg-1", "name": "web", "egress": [], "ingress": [{}]}}"#,
            blocks.join(", ")
        )
    };
    let (ssh, rdp) = (tcp(22, "0.0.0.0/0"), tcp(3389, "0.0.0.0/0"));
    let plan = plan_of(&[change(
        WEB,
        r#""update""#,
        &values(std::slice::from_ref(&ssh)),
        &values(&[ssh.clone(), rdp]),
        "{}",
    )]);
    let both = deny("peers: internet").replace("[22]", "[22, 3389]");
    let report = judged(&one_rule(&both), &plan);
    let found = finding(&report);
    assert_eq!(found.standing, Standing::New);
    assert_eq!(
        found.notes,
        ["new in it: tcp 3389 from the whole IPv4 internet; the rest stood before"]
    );
    // All of it is new: nothing to add.
    let report = judged(&one_rule(&both), &small_plan(&ssh, ""));
    assert!(finding(&report).notes.is_empty());
}

#[test]
fn a_group_that_goes_takes_its_hole_along() {
    let values = format!(
        r#"{{"id": "sg-1", "name": "web", "egress": [], "ingress": [{}]}}"#,
        tcp(22, "0.0.0.0/0")
    );
    let gone = [change(WEB, r#""delete""#, &values, "null", "{}")];
    let report = ssh(&gone);
    expect(&report, Pass);
    insta::assert_snapshot!("group-goes", report.to_text());
    // A rule that speaks of other groups has nothing to say of it.
    let others = SSH.replace("deny:", "groups: { name: db }, deny:");
    assert!(judged(&one_rule(&others), &plan_of(&gone)).findings.is_empty());
}

#[test]
fn a_hole_that_stood_at_the_address_of_a_replaced_group_is_no_news() {
    let values = |id: &str| {
        format!(
            r#"{{{id}"name": "web", "egress": [], "ingress": [{}]}}"#,
            tcp(22, "0.0.0.0/0")
        )
    };
    let report = ssh(&[change(
        WEB,
        r#""delete", "create""#,
        &values(r#""id": "sg-1", "#),
        &values(""),
        r#"{"id": true}"#,
    )]);
    expect(&report, Violation);
    assert_eq!(finding(&report).standing, Standing::Existing);
}

#[test]
fn an_unknown_that_is_waived_is_listed() {
    let rule = rule_on("sg-1", r#""ip_protocol": "tcp", "from_port": 22, "to_port": 22"#);
    let plan = plan_of(&[echo(&[]), created(RULE, &rule, r#"{"cidr_ipv4": true}"#)]);
    let ssh = deny("peers: internet");
    expect(&judged(&one_rule(&ssh), &plan), Undetermined);
    let report = judged(&waiving(&ssh, RULE, "{ protocol: tcp, ports: [22] }"), &plan);
    expect(&report, Pass);
    insta::assert_snapshot!("waived-unknown", report.to_text());
}

#[test]
fn a_group_of_another_account_keeps_its_account() {
    let block =
        r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "security_groups": ["123456789012/sg-9"]}"#;
    let report = judged(
        &one_rule("{ id: r, severity: low, deny: { peers: sg-9 } }"),
        &small_plan(block, ""),
    );
    let found = finding(&report);
    assert_eq!(found.exposure, "tcp 22 from 123456789012/sg-9");
    assert_eq!(found.witness.as_deref(), Some("tcp 22 from 123456789012/sg-9"));
}

#[test]
fn a_group_that_is_not_in_the_plan_is_not_said_to_be_known_later() {
    let named = SSH.replace("deny:", "groups: { name: \"web-*\" }, deny:");
    let plan = plan_of(&[created(RULE, &rule_on("sg-404", &open_ssh("0.0.0.0/0")), "{}")]);
    let report = judged(&one_rule(&named), &plan);
    expect(&report, Undetermined);
    let notes = finding(&report).notes.join("; ");
    assert!(
        notes.starts_with("the group is not in sight") && !notes.contains("apply"),
        "{notes}"
    );
}

/// A rule resource whose group is not known.
fn orphan(name: &str, cidr: &str) -> String {
    let attributes = format!("{{{}}}", open_ssh(cidr));
    created(
        &format!("aws_vpc_security_group_ingress_rule.{name}"),
        &attributes,
        r#"{"security_group_id": true}"#,
    )
}

#[test]
fn rules_of_unknown_groups_make_one_finding_however_many_groups_there_are() {
    let whole = one_rule(&deny("peers: internet, extent: whole"));
    let groups = |block: &str| {
        (0..30)
            .map(|at| group_with(&format!("g{at:02}"), block, "", ""))
            .collect::<Vec<_>>()
    };
    let halves = [orphan("low", "0.0.0.0/1"), orphan("high", "128.0.0.0/1")];
    // Two halves that may belong to one group.
    let report = judged(&whole, &plan_of(&[groups(""), halves.to_vec()].concat()));
    expect(&report, Undetermined);
    insta::assert_snapshot!("two-halves-of-any-group", report.to_text());
    finding(&report);
    // One half, and the other in thirty groups.
    let report = judged(
        &whole,
        &plan_of(&[groups(&tcp(22, "0.0.0.0/1")), halves[1..].to_vec()].concat()),
    );
    expect(&report, Undetermined);
    insta::assert_snapshot!("half-in-any-group", report.to_text());
    finding(&report);
    // A half that the groups have, too, completes nothing.
    let report = judged(
        &whole,
        &plan_of(&[groups(&tcp(22, "0.0.0.0/1")), halves[..1].to_vec()].concat()),
    );
    expect(&report, Pass);
}

#[test]
fn the_rules_of_one_resource_belong_to_one_group() {
    let both = created(
        "aws_security_group_rule.both",
        r#"{"type": "ingress", "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/1", "128.0.0.0/1"]}"#,
        r#"{"security_group_id": true}"#,
    );
    let report = judged(
        &one_rule(&deny("peers: internet, extent: whole")),
        &plan_of(&[both]),
    );
    expect(&report, Violation);
    finding(&report);
}

#[test]
fn members_of_which_nothing_is_known_are_told_together() {
    let new = |at: usize| {
        created(
            &format!("aws_instance.i{at:02}"),
            "{}",
            r#"{"vpc_security_group_ids": true}"#,
        )
    };
    let group = group_with("web", &tcp(22, "0.0.0.0/0"), "", "");
    let plan = plan_of(&[vec![group.clone()], (0..30).map(new).collect()].concat());
    let report = judged(&one_rule(&member(SSH)), &plan);
    expect(&report, Undetermined);
    let found = finding(&report);
    assert_eq!(found.group.address.as_deref(), Some("aws_instance.i00"));
    let notes = found.notes.join("; ");
    assert!(
        notes.contains("aws_instance.i01, aws_instance.i02") && notes.contains("and 9 more"),
        "{notes}"
    );
    // One alone is told alone.
    let report = judged(&one_rule(&member(SSH)), &plan_of(&[group, new(0)]));
    assert!(!finding(&report).notes.join("; ").contains("each other member"));
}
