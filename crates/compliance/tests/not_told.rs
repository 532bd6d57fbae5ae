//! What a plan does not tell, or tells in a way that is not understood, is never counted as harmless.

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
use portcullis_report::Verdict::{Pass, Undetermined, Violation};
use portcullis_terraform::State;
use support::{
    RULE, SSH, TODAY, change, created, expect, group_with, judged, one_rule, open_ssh, plan_of, rule_on, ssh,
    tcp, with_code,
};

const WEB: &str = "aws_security_group.web";
const WHY: &str = "{ id: why, severity: low, require: { description: true } }";

/// The same plan, with the expressions of one resource.
fn with_configuration(plan: &str, address: &str, expressions: &str) -> String {
    let configuration = format!(
        r#"{{"configuration": {{"root_module": {{"resources": [{{"address": "{address}", "expressions": {{{expressions}}}}}]}}}}, "#
    );
    plan.replacen('{', &configuration, 1)
}

#[track_caller]
fn not_understood(changes: &[String]) {
    let report = ssh(changes);
    expect(&report, Undetermined);
    assert!(
        report.to_text().contains("not-understood"),
        "{}",
        report.to_text()
    );
}

#[test]
fn a_block_without_a_source_that_is_understood() {
    let block = |source: &str| {
        let block = format!(r#"{{"protocol": "tcp", "from_port": 22, "to_port": 22, {source}}}"#);
        group_with("web", &block, "", "")
    };
    not_understood(&[block(r#""cidr_blocks": [], "cidr_ipv4": "0.0.0.0/0""#)]);
    // The provider writes all of them: then it is for nobody.
    let nobody = r#""cidr_blocks": [], "ipv6_cidr_blocks": [], "prefix_list_ids": [], "security_groups": [], "self": false"#;
    expect(&ssh(&[block(nobody)]), Pass);
}

#[test]
fn a_change_that_does_not_show_its_values() {
    let values = r#"{"id": "sg-1", "name": "web", "ingress": [], "egress": []}"#;
    for (action, before, after, unknown) in [
        (r#""create""#, "null", "null", "true"),
        (r#""create""#, "null", r#""(hidden)""#, "{}"),
        (r#""update""#, values, "null", "{}"),
        (r#""delete", "create""#, values, "null", "true"),
        (r#""no-op""#, values, "null", "{}"),
        (r#""forget""#, "null", "null", "{}"),
    ] {
        not_understood(&[change(WEB, action, before, after, unknown)]);
        not_understood(&[change(RULE, action, before, after, unknown)]);
    }
    not_understood(&[
        r#"{"address": "aws_security_group.web", "type": "aws_security_group", "change": {"actions": ["update"]}}"#
            .to_owned(),
    ]);
    expect(&ssh(&[change(WEB, r#""delete""#, "null", "null", "{}")]), Pass);
    let prior = r#"{"prior_state": {"values": {"root_module": {"resources": [
        {"address": "aws_security_group.web", "type": "aws_security_group", "values": null}]}}}, "#;
    let report = judged(&one_rule(SSH), &plan_of(&[]).replacen('{', prior, 1));
    expect(&report, Undetermined);
}

#[test]
fn a_list_that_is_unknown_and_of_which_no_configuration_tells() {
    let plan = plan_of(&[created(
        WEB,
        r#"{"name": "web", "tags": null}"#,
        r#"{"id": true, "ingress": true, "egress": true}"#,
    )]);
    let report = judged(&one_rule(SSH), &plan);
    expect(&report, Undetermined);
    assert!(
        report.to_text().contains("not known before apply: ingress of"),
        "{}",
        report.to_text()
    );
    // The provider plans it so where nothing is written, too; and then the configuration, or the code, tells.
    expect(&judged(&one_rule(SSH), &with_configuration(&plan, WEB, "")), Pass);
    let code = |inside: &str| format!("resource \"aws_security_group\" \"web\" {{\n{inside}}}\n");
    expect(&with_code(&one_rule(SSH), &plan, &code("")), Pass);
    let written = code("  ingress = var.rules\n");
    expect(&with_code(&one_rule(SSH), &plan, &written), Undetermined);
}

#[test]
fn types_that_are_not_read_and_hold_rules() {
    for kind in ["", "_ingress", "_egress"] {
        let address = format!("awscc_ec2_security_group{kind}.w");
        let values = r#"{"id": "x", "group_name": "w"}"#;
        not_understood(&[created(&address, values, "{}")]);
        not_understood(&[change(&address, r#""no-op""#, values, values, "{}")]);
        expect(
            &ssh(&[change(&address, r#""delete""#, values, "null", "{}")]),
            Pass,
        );
        let recorded = |mode: &str| {
            let state = format!(
                r#"{{"version": 4, "resources": [{{"mode": "{mode}", "type": "awscc_ec2_security_group{kind}", "name": "w",
                "instances": [{{"attributes": {values}}}]}}]}}"#
            );
            let view = State::read(&state).unwrap().view().unwrap();
            judge(&one_rule(SSH), &Subject::recorded(&view), TODAY.parse().unwrap())
        };
        expect(&recorded("managed"), Undetermined);
        // A group that is looked after elsewhere.
        expect(&recorded("data"), Pass);
    }
}

#[test]
fn a_description_that_is_not_known_yet_may_be_none() {
    let why = one_rule(WHY);
    let rule = |attributes: &str, unknown: &str| {
        let attributes = format!("{}{attributes}", open_ssh("10.0.0.0/8"));
        plan_of(&[created(RULE, &rule_on("sg-1", &attributes), unknown)])
    };
    let open = judged(&why, &rule("", r#"{"description": true}"#));
    expect(&open, Undetermined);
    assert_eq!(open.findings[0].exposure, "perhaps rules without description");
    expect(&judged(&why, &rule(r#", "description": "why""#, "{}")), Pass);
    expect(&judged(&why, &rule("", "{}")), Violation);

    let group =
        |blocks: &str, unknown: &str| judged(&why, &plan_of(&[group_with("web", blocks, "", unknown)]));
    expect(&group("null", "true"), Undetermined);
    expect(
        &group(&tcp(22, "10.0.0.0/8"), r#"{"description": true}"#),
        Undetermined,
    );
    // What is certain comes first, and is counted alone.
    let both = group(
        &format!("{}, {}", tcp(22, "10.0.0.0/8"), tcp(23, "10.0.0.0/8")),
        r#"{"description": true}, {}"#,
    );
    expect(&both, Violation);
    assert_eq!(both.findings[0].exposure, "1 rule without description");

    let unknown = plan_of(&[created(
        WEB,
        r#"{"name": "web"}"#,
        r#"{"ingress": true, "egress": true}"#,
    )]);
    let written = r#""ingress": {"references": ["var.rules"]}"#;
    expect(
        &judged(&why, &with_configuration(&unknown, WEB, written)),
        Undetermined,
    );
}

#[test]
fn default_tags_that_stand_nowhere_may_pick_a_group() {
    let public = one_rule(&SSH.replace("deny:", "groups: { tags: { exposure: public } }, deny:"));
    let group = |tags: &str, unknown: &str| {
        let values = format!(
            r#"{{"name": "web", "egress": [], "ingress": [{}]{tags}}}"#,
            tcp(22, "0.0.0.0/0")
        );
        judged(&public, &plan_of(&[created(WEB, &values, unknown)]))
    };
    let unknown = r#"{"id": true, "tags_all": true}"#;
    expect(&group(r#", "tags": {"note": ""}"#, unknown), Undetermined);
    // A tag of the group's own stands before one of the provider's.
    expect(
        &group(r#", "tags": {"exposure": "public", "note": ""}"#, unknown),
        Violation,
    );
    expect(
        &group(r#", "tags": {"exposure": "none", "note": ""}"#, unknown),
        Pass,
    );
    // Without tags it is unknown where there are no default tags.
    expect(&group(r#", "tags": null"#, unknown), Pass);
    expect(
        &group(r#", "tags": {"note": "x"}, "tags_all": {"note": "x"}"#, "{}"),
        Pass,
    );
}

#[test]
fn a_plan_of_nothing_leaves_nothing_out() {
    let plan = |rest: &str| judged(&one_rule(SSH), &format!(r#"{{"format_version": "1.2"{rest}}}"#));
    let code =
        |resources: &str| format!(r#", "configuration": {{"root_module": {{"resources": [{resources}]}}}}"#);
    let state = |address: &str| {
        format!(
            r#", "prior_state": {{"values": {{"root_module": {{"resources": [{{"address": "{address}",
            "type": "aws_security_group", "values": {{"id": "sg-1"}}}}]}}}}}}"#
        )
    };
    let data = r#"{"address": "data.aws_security_group.a", "expressions": {}}"#;
    let group = r#"{"address": "aws_security_group.a", "expressions": {}}"#;
    let other = r#"{"address": "aws_s3_bucket.a", "expressions": {}}"#;
    expect(&plan(&code("")), Pass);
    expect(&plan(r#", "configuration": {}"#), Undetermined);
    expect(&plan(&code(&format!("{data}, {other}"))), Pass);
    expect(&plan(&(code(data) + &state("data.aws_security_group.a"))), Pass);
    expect(&plan(&code(group)), Undetermined);
    expect(&plan(&(code("") + &state(WEB))), Undetermined);
    expect(&plan(&state("data.aws_security_group.a")), Undetermined);
    let in_a_module = format!(
        r#", "configuration": {{"root_module": {{"module_calls": {{"m": {{"module": {{"resources": [{group}]}}}}}}}}}}"#
    );
    expect(&plan(&in_a_module), Undetermined);
}

#[test]
fn a_port_range_of_which_one_end_is_known() {
    let rule = |known: &str, unknown: &str| {
        let values = format!(
            r#"{{"security_group_id": "sg-1", "ip_protocol": "tcp", "cidr_ipv4": "0.0.0.0/0", {known}}}"#
        );
        ssh(&[created(RULE, &values, &format!(r#"{{"id": true, {unknown}}}"#))])
    };
    // Wherever the other end will be, 22 is not in it.
    expect(&rule(r#""to_port": 21"#, r#""from_port": true"#), Pass);
    expect(&rule(r#""from_port": 23"#, r#""to_port": true"#), Pass);
    for (known, unknown, name, may_open) in [
        (r#""to_port": 22"#, r#""from_port": true"#, "from_port", "tcp 22"),
        (r#""from_port": 22"#, r#""to_port": true"#, "to_port", "tcp 22"),
        // All ports, if the other end is -1, too.
        (r#""from_port": -1"#, r#""to_port": true"#, "to_port", "tcp 22"),
        (
            r#""to_port": null"#,
            r#""from_port": true"#,
            "from_port",
            "tcp 22",
        ),
    ] {
        let report = rule(known, unknown);
        expect(&report, Undetermined);
        let finding = support::finding(&report);
        assert_eq!(
            finding.exposure,
            format!("may open {may_open} from the whole IPv4 internet")
        );
        let note = format!("not known before apply: {name} of {RULE}");
        assert!(finding.notes.contains(&note), "{}", report.to_text());
    }
}
