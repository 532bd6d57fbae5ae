//! Members and lists of a first plan, with the code and without it; groups that are not all in sight.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

mod support;

use portcullis_report::Verdict::{Pass, Undetermined, Violation};
use support::{
    RULE, SSH, created, expect, group_with, judged, member, one_rule, open_ssh, plan_of, rule_on,
    standing_group, standing_instance, tcp, with_code,
};

#[test]
fn a_group_of_which_a_data_source_tells_may_hold_any_rule() {
    let prior = r#"{"values": {"root_module": {"resources": [{"address": "data.aws_security_group.shared",
        "type": "aws_security_group", "values": {"id": "sg-9", "name": "shared", "tags": {}}}]}}}"#;
    let on_shared =
        |changes: &[String]| plan_of(changes).replacen('{', &format!(r#"{{"prior_state": {prior}, "#), 1);
    let policy = one_rule(&member(SSH));
    let carrier = standing_instance("x", &["sg-9"]);
    let report = judged(&policy, &on_shared(std::slice::from_ref(&carrier)));
    expect(&report, Undetermined);
    assert!(
        report.to_text().contains("not in sight: the rules of sg-9"),
        "{}",
        report.to_text()
    );
    // A rule resource adds to what may be there, and a hole is one for certain.
    let rule = |cidr: &str| created(RULE, &rule_on("sg-9", &open_ssh(cidr)), "{}");
    expect(
        &judged(&policy, &on_shared(&[carrier.clone(), rule("10.0.0.0/8")])),
        Undetermined,
    );
    expect(
        &judged(&policy, &on_shared(&[carrier.clone(), rule("9.0.0.0/8")])),
        Violation,
    );
    // The same of a group that only a rule resource names.
    expect(
        &judged(&policy, &plan_of(&[carrier, rule("10.0.0.0/8")])),
        Undetermined,
    );
}

#[test]
fn a_member_of_two_harmless_groups_is_a_hole() {
    let whole = member(&SSH.replace("peers: internet", "peers: internet, extent: whole"));
    let half = |name: &str, id: &str, cidr: &str| standing_group(name, id, &tcp(22, cidr));
    let halves = [
        half("left", "sg-1", "0.0.0.0/1"),
        half("right", "sg-2", "128.0.0.0/1"),
    ];
    let with = |groups: &[&str]| {
        let changes = [&halves[..], &[standing_instance("x", groups)]].concat();
        judged(&one_rule(&whole), &plan_of(&changes)).verdict
    };
    assert_eq!(with(&["sg-1", "sg-2"]), Violation);
    assert_eq!(with(&["sg-1"]), Pass);
    assert_eq!(with(&["sg-1", "sg-3"]), Undetermined);
}

#[test]
fn an_expression_that_may_choose_another_group_is_not_taken_at_its_references() {
    let group = created(
        "aws_security_group.a",
        r#"{"name": "a", "ingress": [], "egress": []}"#,
        r#"{"id": true}"#,
    );
    let rule = created(
        RULE,
        &format!("{{{}}}", open_ssh("0.0.0.0/0")),
        r#"{"id": true, "security_group_id": true}"#,
    );
    let plan = format!(
        r#"{{"format_version": "1.2", "resource_changes": [{group}, {rule}], "configuration": {{"root_module": {{"resources":
        [{{"address": "{RULE}", "expressions": {{"security_group_id": {{"references": ["aws_security_group.a.id",
        "aws_security_group.a"]}}}}}}]}}}}}}"#
    );
    // Only groups called `db` must not be open: the rule is for `a`, says its reference.
    let policy = one_rule(&SSH.replace("deny:", "groups: { name: db }, deny:"));
    let with = |expression: &str| {
        let code = format!(
            "resource \"aws_vpc_security_group_ingress_rule\" \"ssh\" {{\n  security_group_id = {expression}\n}}\n"
        );
        with_code(&policy, &plan, &code).verdict
    };
    for plain in [
        "aws_security_group.a.id",
        "\"${aws_security_group.a.id}\"",
        "join(\"\", [aws_security_group.a.id])",
        "try(aws_security_group.a.id, \"\")",
    ] {
        assert_eq!(with(plain), Pass, "{plain}");
    }
    for sly in [
        "aws_security_group.a.id == \"\" ? aws_security_group.a.id : \"sg-0db\"",
        "replace(aws_security_group.a.id, \"/.*/\", \"sg-0db\")",
        "coalesce(\"sg-0db\", aws_security_group.a.id)",
        "\"${substr(aws_security_group.a.id, 0, 0)}sg-0db\"",
        "[aws_security_group.a.id, \"sg-0db\"][1]",
    ] {
        assert_eq!(with(sly), Undetermined, "{sly}");
    }
}

#[test]
fn what_is_written_out_beside_an_unknown_source_is_open_where_the_code_shows_it() {
    let plan = |address: &str, attribute: &str, after: &str, unknown: &str| {
        format!(
            r#"{{"format_version": "1.2", "resource_changes": [{}, {}], "configuration": {{"root_module": {{"resources":
            [{{"address": "{address}", "expressions": {{"{attribute}": {{"references": ["aws_eip.nat.public_ip",
            "aws_eip.nat"]}}}}}}]}}}}}}"#,
            standing_group("other", "sg-1", ""),
            created(address, after, unknown)
        )
    };
    let resource = plan(
        "aws_security_group_rule.ssh",
        "cidr_blocks",
        r#"{"type": "ingress", "security_group_id": "sg-1", "protocol": "tcp", "from_port": 22, "to_port": 22}"#,
        r#"{"cidr_blocks": true}"#,
    );
    let block = plan(
        "aws_security_group.web",
        "ingress",
        r#"{"name": "web", "egress": [], "ingress": [{"protocol": "tcp", "from_port": 22, "to_port": 22}]}"#,
        r#"{"id": true, "ingress": [{"cidr_blocks": true}]}"#,
    );
    let list = |written: &str| format!("cidr_blocks = [{written}\"${{aws_eip.nat.public_ip}}/32\"]");
    let policy = one_rule(SSH);
    for (plan, head, tail) in [
        (
            &resource,
            "resource \"aws_security_group_rule\" \"ssh\" {\n",
            "\n}\n",
        ),
        (
            &block,
            "resource \"aws_security_group\" \"web\" {\n  ingress {\n",
            "\n  }\n}\n",
        ),
    ] {
        expect(&judged(&policy, plan), Undetermined);
        let code = |written: &str| format!("{head}{}{tail}", list(written));
        expect(&with_code(&policy, plan, &code("\"0.0.0.0/0\", ")), Violation);
        expect(&with_code(&policy, plan, &code("\"10.0.0.0/8\", ")), Undetermined);
        expect(&with_code(&policy, plan, &code("")), Undetermined);
    }
}

#[test]
fn a_first_plans_member_is_in_what_its_code_writes_out() {
    let half = |name: &str, cidr: &str| group_with(name, &tcp(22, cidr), "", "");
    let plan = |address: &str, attribute: &str| {
        let groups = [half("left", "0.0.0.0/1"), half("right", "128.0.0.0/1")]
            .map(|group| group.replacen(r#""after_unknown": {"#, r#""after_unknown": {"id": true, "#, 1));
        format!(
            r#"{{"format_version": "1.2", "resource_changes": [{}, {}, {}], "configuration": {{"root_module": {{"resources":
            [{{"address": "{address}", "expressions": {{"{attribute}": {{"references": ["aws_security_group.left.id",
            "aws_security_group.left", "aws_security_group.right.id", "aws_security_group.right"]}}}}}}]}}}}}}"#,
            groups[0],
            groups[1],
            created(address, "{}", &format!(r#"{{"{attribute}": true}}"#)),
        )
    };
    let whole = one_rule(&member(
        &SSH.replace("peers: internet", "peers: internet, extent: whole"),
    ));
    let both = "aws_security_group.left.id, aws_security_group.right.id";
    for (kind, attribute) in [
        ("aws_instance", "vpc_security_group_ids"),
        ("aws_lb", "security_groups"),
        ("aws_db_instance", "vpc_security_group_ids"),
    ] {
        let address = format!("{kind}.x");
        let plan = plan(&address, attribute);
        let code = |list: &str| format!("resource \"{kind}\" \"x\" {{\n  {attribute} = {list}\n}}\n");
        expect(&judged(&whole, &plan), Undetermined);
        let report = with_code(&whole, &plan, &code(&format!("[{both}]")));
        expect(&report, Violation);
        assert_eq!(
            report.findings[0].group.address.as_deref(),
            Some(address.as_str())
        );
        // Harmless by itself, and nobody can tell of the third.
        expect(
            &with_code(&whole, &plan, &code(&format!("concat([{both}], var.more)"))),
            Undetermined,
        );
        expect(
            &with_code(&whole, &plan, &code(&format!("[{both}, var.more]"))),
            Violation,
        );
    }
}

#[test]
fn a_group_that_is_attached_later_completes_a_hole() {
    let halves = [
        standing_group("left", "sg-1", &tcp(22, "0.0.0.0/1")),
        standing_group("right", "sg-2", &tcp(22, "128.0.0.0/1")),
    ];
    let instance = standing_instance("x", &["sg-1"]).replace(
        r#"{"id": "i-x","#,
        r#"{"id": "i-x", "primary_network_interface_id": "eni-1","#,
    );
    let attach = |interface: &str| {
        created(
            "aws_network_interface_sg_attachment.more",
            &format!(r#"{{"security_group_id": "sg-2", "network_interface_id": "{interface}"}}"#),
            "{}",
        )
    };
    let whole = one_rule(&member(
        &SSH.replace("peers: internet", "peers: internet, extent: whole"),
    ));
    let judge = |interface: &str| {
        let changes = [&halves[..], &[instance.clone(), attach(interface)]].concat();
        judged(&whole, &plan_of(&changes))
    };
    expect(&judge("eni-1"), Violation);
    expect(&judge("eni-9"), Pass);
}
