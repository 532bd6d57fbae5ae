//! What a hostile or an unlucky author could do to objects: replaced, moved, forgotten, imported, deposed, left out. After the AWS
//! provider's documentation, and what recorded plans show.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

mod support;

use portcullis_compliance::{Subject, judge};
use portcullis_report::Standing;
use portcullis_report::Verdict::{Pass, Undetermined, Violation};
use portcullis_terraform::State;
use support::{
    RULE, SSH, TODAY, block, change, created, echo, expect, group_with, judged, one_rule, open_ssh, plan_of,
    rule_on, ssh, standing_group, tcp,
};

#[test]
fn a_rule_that_moves_to_another_group_opens_that_one_only() {
    let second = standing_group("db", "sg-2", "");
    let moved = change(
        RULE,
        r#""delete", "create""#,
        &rule_on("sg-1", &open_ssh("0.0.0.0/0")),
        &rule_on("sg-2", &open_ssh("0.0.0.0/0")),
        "{}",
    );
    let report = ssh(&[echo(&[tcp(22, "0.0.0.0/0")]), second, moved]);
    expect(&report, Violation);
    let told: Vec<(Option<&str>, Standing)> = report
        .findings
        .iter()
        .map(|finding| (finding.group.id.as_deref(), finding.standing))
        .collect();
    assert_eq!(
        told,
        [(Some("sg-2"), Standing::New), (Some("sg-1"), Standing::Removed)]
    );
}

#[test]
fn a_group_that_moves_to_another_address_is_one_group() {
    let values = format!(
        r#"{{"id": "sg-1", "name": "web", "egress": [], "ingress": [{}]}}"#,
        tcp(22, "0.0.0.0/0")
    );
    let prior = format!(
        r#"{{"values": {{"root_module": {{"resources": [{{"address": "aws_security_group.old", "type": "aws_security_group",
        "values": {values}}}]}}}}}}"#
    );
    let moved = change("aws_security_group.new", r#""no-op""#, &values, &values, "{}").replacen(
        "\"mode\"",
        r#""previous_address": "aws_security_group.old", "mode""#,
        1,
    );
    let plan = plan_of(&[moved]).replacen('{', &format!(r#"{{"prior_state": {prior}, "#), 1);
    let report = judged(&one_rule(SSH), &plan);
    expect(&report, Violation);
    assert_eq!(report.findings.len(), 1, "{}", report.to_text());
    assert_eq!(report.findings[0].standing, Standing::Existing);
}

#[test]
fn a_group_that_is_forgotten_keeps_what_no_resource_takes_away() {
    let values = format!(
        r#"{{"id": "sg-1", "name": "web", "egress": [], "ingress": [{}, {}]}}"#,
        tcp(22, "0.0.0.0/0"),
        tcp(443, "0.0.0.0/0")
    );
    let forgotten = change("aws_security_group.web", r#""forget""#, &values, "null", "{}");
    expect(&ssh(std::slice::from_ref(&forgotten)), Violation);
    let deleted = change(
        RULE,
        r#""delete""#,
        &rule_on("sg-1", &open_ssh("0.0.0.0/0")),
        "null",
        "{}",
    );
    expect(&ssh(&[forgotten, deleted]), Pass);
}

#[test]
fn a_group_that_is_imported_and_changed_is_judged_as_it_will_be() {
    let live = format!(
        r#"{{"id": "sg-1", "name": "web", "egress": [], "ingress": [{}]}}"#,
        tcp(22, "0.0.0.0/0")
    );
    let wish = |cidr: &str| {
        format!(
            r#"{{"id": "sg-1", "name": "web", "egress": [], "ingress": [{}]}}"#,
            tcp(22, cidr)
        )
    };
    let imported = |after: &str, actions: &str| {
        change("aws_security_group.web", actions, &live, after, "{}").replacen(
            "\"change\": {",
            r#""change": {"importing": {"id": "sg-1"}, "#,
            1,
        )
    };
    expect(&ssh(&[imported(&wish("10.0.0.0/8"), r#""update""#)]), Pass);
    let stays = ssh(&[imported(&live, r#""no-op""#)]);
    expect(&stays, Violation);
    assert_eq!(stays.findings[0].standing, Standing::Existing);
}

#[test]
fn the_last_block_taken_out_of_the_code_leaves_its_rules_live() {
    // The plan is a no-op with the rules on both sides, and the code writes no rules any more.
    let group = echo(&[tcp(22, "0.0.0.0/0")]);
    let plan = format!(
        r#"{{"format_version": "1.2", "resource_changes": [{group}], "configuration": {{"root_module": {{"resources":
        [{{"address": "aws_security_group.web", "expressions": {{"name": {{"constant_value": "web"}}}}}}]}}}}}}"#
    );
    expect(&judged(&one_rule(SSH), &plan), Violation);
    // Written as an empty list, they go.
    let emptied = change(
        "aws_security_group.web",
        r#""update""#,
        &format!(
            r#"{{"id": "sg-1", "name": "web", "egress": [], "ingress": [{}]}}"#,
            tcp(22, "0.0.0.0/0")
        ),
        r#"{"id": "sg-1", "name": "web", "egress": [], "ingress": []}"#,
        "{}",
    );
    expect(&ssh(&[emptied]), Pass);
}

#[test]
fn awss_own_egress_of_a_new_group_is_taken_away_and_that_of_a_standing_one_is_not() {
    let egress = SSH
        .replace("ingress", "egress")
        .replace("protocol: tcp, ports: [22], ", "");
    let new = created(
        "aws_security_group.web",
        r#"{"name": "web", "ingress": []}"#,
        r#"{"id": true, "egress": true}"#,
    );
    let plan = |group: &str, expressions: &str| {
        format!(
            r#"{{"format_version": "1.2", "resource_changes": [{group}], "configuration": {{"root_module": {{"resources":
            [{{"address": "aws_security_group.web", "expressions": {{{expressions}}}}}]}}}}}}"#
        )
    };
    expect(&judged(&one_rule(&egress), &plan(&new, "")), Pass);
    expect(
        &judged(
            &one_rule(&egress),
            &plan(&new, r#""egress": {"references": ["var.egress"]}"#),
        ),
        Undetermined,
    );
    let live = format!(
        r#"{{"id": "sg-1", "name": "web", "ingress": [], "egress": [{}]}}"#,
        block("-1", 0, 0, "0.0.0.0/0")
    );
    let standing = change("aws_security_group.web", r#""no-op""#, &live, &live, "{}");
    expect(&judged(&one_rule(&egress), &plan(&standing, "")), Violation);
}

#[test]
fn inline_blocks_and_rule_resources_of_one_group_are_joined_and_not_doubled() {
    let whole = SSH.replace("peers: internet", "peers: internet, extent: whole");
    let group = group_with("web", &tcp(22, "0.0.0.0/1"), "", "");
    let group = group.replacen(r#""after": {"#, r#""after": {"id": "sg-1", "#, 1);
    let rule = created(RULE, &rule_on("sg-1", &open_ssh("128.0.0.0/1")), "{}");
    let report = judged(&one_rule(&whole), &plan_of(&[group, rule]));
    expect(&report, Violation);
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].resources, ["aws_security_group.web", RULE]);
}

#[test]
fn an_object_that_is_deposed_is_live_until_it_is_deleted() {
    let instance = |deposed: &str, id: &str, cidr: &str| {
        format!(
            r#"{{{deposed}"attributes": {{"id": "{id}", "name": "web", "egress": [], "ingress": [{}]}}}}"#,
            tcp(22, cidr)
        )
    };
    let state = format!(
        r#"{{"version": 4, "terraform_version": "1.11.4", "serial": 7, "lineage": "x", "resources": [{{"mode": "managed",
        "type": "aws_security_group", "name": "web", "instances": [{}, {}]}}]}}"#,
        instance("", "sg-2", "10.0.0.0/8"),
        instance(r#""deposed": "4f9a1b2c", "#, "sg-1", "0.0.0.0/0"),
    );
    let view = State::read(&state).unwrap().view().unwrap();
    let report = judge(&one_rule(SSH), &Subject::recorded(&view), TODAY.parse().unwrap());
    expect(&report, Violation);
    assert_eq!(report.findings[0].group.id.as_deref(), Some("sg-1"));
}

#[test]
fn nothing_of_a_count_of_zero_and_all_of_what_is_deferred() {
    let gone = change(
        "aws_vpc_security_group_ingress_rule.ssh[0]",
        r#""delete""#,
        &rule_on("sg-1", &open_ssh("0.0.0.0/0")),
        "null",
        "{}",
    );
    expect(&ssh(&[echo(&[tcp(22, "0.0.0.0/0")]), gone]), Pass);
    let deferred = plan_of(&[echo(&[])]).replacen(
        '{',
        r#"{"complete": false, "deferred_changes": [{"reason": "instance_count_unknown", "resource_change": {}}], "#,
        1,
    );
    expect(&judged(&one_rule(SSH), &deferred), Undetermined);
    let open = plan_of(&[echo(&[tcp(22, "0.0.0.0/0")])]).replacen('{', r#"{"errored": true, "#, 1);
    expect(&judged(&one_rule(SSH), &open), Violation);
}

#[test]
fn a_group_that_is_replaced_is_its_new_self_and_its_rules_follow() {
    let old = format!(
        r#"{{"id": "sg-1", "name": "web-old", "egress": [], "ingress": [{}]}}"#,
        tcp(22, "0.0.0.0/0")
    );
    for actions in [r#""delete", "create""#, r#""create", "delete""#] {
        let group = change(
            "aws_security_group.web",
            actions,
            &old,
            r#"{"name": "web-new", "egress": []}"#,
            r#"{"id": true, "ingress": true}"#,
        );
        let rule = |cidr: &str| {
            change(
                RULE,
                r#""delete", "create""#,
                &rule_on("sg-1", &open_ssh("0.0.0.0/0")),
                &format!("{{{}}}", open_ssh(cidr)),
                r#"{"id": true, "security_group_id": true}"#,
            )
        };
        let judge = |cidr: &str| {
            let plan = format!(
                r#"{{"format_version": "1.2", "resource_changes": [{group}, {}], "configuration": {{"root_module": {{"resources":
                [{{"address": "aws_security_group.web", "expressions": {{}}}}, {{"address": "{RULE}", "expressions":
                {{"security_group_id": {{"references": ["aws_security_group.web.id", "aws_security_group.web"]}}}}}}]}}}}}}"#,
                rule(cidr)
            );
            judged(&one_rule(SSH), &plan)
        };
        expect(&judge("10.0.0.0/8"), Pass);
        let open = judge("0.0.0.0/0");
        expect(&open, Violation);
        assert_eq!(open.findings.len(), 1, "{}", open.to_text());
    }
}

#[test]
fn a_region_of_its_own_does_not_hide_a_group() {
    let values = |region: &str| {
        format!(
            r#"{{"id": "sg-1", "region": "{region}", "name": "web", "egress": [], "ingress": [{}]}}"#,
            tcp(22, "0.0.0.0/0")
        )
    };
    let moved = change(
        "aws_security_group.web",
        r#""delete", "create""#,
        &values("eu-west-1"),
        &values("us-east-1").replace(r#""id": "sg-1", "#, ""),
        r#"{"id": true}"#,
    );
    expect(&ssh(&[moved]), Violation);
}
