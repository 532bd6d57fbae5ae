//! Several objects of a plan may be one group: a data source that reads a group of the same code, an address that Terraform
//! forgets and another that takes the group over. Its rules count once, and together.

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
use portcullis_report::Report;
use portcullis_report::Verdict::{Pass, Undetermined, Violation};
use portcullis_terraform::State;
use support::{
    RULE, SSH, TODAY, change, created, echo, expect, judged, one_rule, open_ssh, plan_of, rule_on, ssh, tcp,
};

const WEB: &str = "aws_security_group.web";
const READ: &str = "data.aws_security_group.web";
const WHOLE: &str = "{ id: ssh, severity: critical, deny: { direction: ingress, protocol: tcp, ports: [22], peers: internet, extent: whole } }";

const PUBLIC: &str = r#", "tags": {"exposure": "public"}, "tags_all": {"exposure": "public"}"#;

fn of_public() -> String {
    SSH.replace("deny:", "groups: { tags: { exposure: public } }, deny:")
}

/// A resource as a state shows it.
fn shown(address: &str, values: &str) -> String {
    let kind = address.trim_start_matches("data.").split('.').next().unwrap();
    format!(r#"{{"address": "{address}", "type": "{kind}", "name": "x", "values": {values}}}"#)
}

/// The same plan, with what was there before.
fn with_prior(plan: &str, resources: &[String]) -> String {
    let prior = format!(
        r#"{{"prior_state": {{"values": {{"root_module": {{"resources": [{}]}}}}}}, "#,
        resources.join(", ")
    );
    plan.replacen('{', &prior, 1)
}

/// The group `sg-1` with these live rules, and what else there is to say of it.
fn web(blocks: &[String], more: &str) -> String {
    format!(
        r#"{{"id": "sg-1", "name": "web", "egress": [], "ingress": [{}]{more}}}"#,
        blocks.join(", ")
    )
}

/// What a data source reads of it.
fn read() -> String {
    shown(
        READ,
        r#"{"id": "sg-1", "name": "web", "vpc_id": "vpc-1", "tags": {}}"#,
    )
}

fn groups_of(report: &Report) -> Vec<Option<&str>> {
    let groups = report.findings.iter().map(|finding| &finding.group);
    groups.map(|group| group.address.as_deref()).collect()
}

/// A plan that leaves the group alone, and opens SSH in a rule of its own.
fn opened(blocks: &[String], more: &str, cidr: &str) -> String {
    let values = web(blocks, more);
    let stays = change(WEB, r#""no-op""#, &values, &values, "{}");
    let plan = plan_of(&[stays, created(RULE, &rule_on("sg-1", &open_ssh(cidr)), "{}")]);
    // Data sources come last, and first: no order decides.
    with_prior(&plan, &[read(), shown(WEB, &values), read()])
}

#[test]
fn rules_stay_with_the_group_that_a_data_source_reads_too() {
    let plan = opened(&[tcp(22, "0.0.0.0/1")], "", "128.0.0.0/1");
    let report = judged(&one_rule(WHOLE), &plan);
    expect(&report, Violation);
    assert_eq!(groups_of(&report), [Some(WEB)], "{}", report.to_text());
}

#[test]
fn tags_and_name_are_those_of_the_resource() {
    let report = judged(&one_rule(&of_public()), &opened(&[], PUBLIC, "0.0.0.0/0"));
    expect(&report, Violation);
    assert_eq!(groups_of(&report), [Some(WEB)], "{}", report.to_text());
}

#[test]
fn what_stands_is_told_once_and_by_no_hand_made_rule() {
    let values = web(&[tcp(22, "0.0.0.0/0")], "");
    let rule = rule_on("sg-1", &open_ssh("0.0.0.0/0"));
    let stays = |address: &str, values: &str| change(address, r#""no-op""#, values, values, "{}");
    let plan = with_prior(
        &plan_of(&[stays(WEB, &values), stays(RULE, &rule)]),
        &[shown(WEB, &values), shown(RULE, &rule), read()],
    );
    for policy in [one_rule(SSH), one_rule(WHOLE)] {
        let report = judged(&policy, &plan);
        expect(&report, Violation);
        assert_eq!(groups_of(&report), [Some(WEB)], "{}", report.to_text());
        assert!(!report.to_text().contains("made by hand"), "{}", report.to_text());
    }
}

#[test]
fn a_state_with_such_a_data_source_is_judged_the_same() {
    let state = format!(
        r#"{{"version": 4, "resources": [
        {{"mode": "managed", "type": "aws_security_group", "name": "web", "instances": [{{"attributes": {}}}]}},
        {{"mode": "data", "type": "aws_security_group", "name": "web", "instances": [{{"attributes": {{"id": "sg-1"}}}}]}},
        {{"mode": "managed", "type": "aws_vpc_security_group_ingress_rule", "name": "ssh",
          "instances": [{{"attributes": {}}}]}}]}}"#,
        web(&[], PUBLIC),
        rule_on("sg-1", &open_ssh("0.0.0.0/0")),
    );
    let view = State::read(&state).unwrap().view().unwrap();
    let report = judge(
        &one_rule(&of_public()),
        &Subject::recorded(&view),
        TODAY.parse().unwrap(),
    );
    expect(&report, Violation);
    assert_eq!(groups_of(&report), [Some(WEB)], "{}", report.to_text());
}

#[test]
fn a_data_source_alone_tells_of_a_group_that_is_not_wholly_in_sight() {
    let member = format!(
        r#"{{"address": "aws_instance.a", "mode": "managed", "type": "aws_instance", "name": "a", "change":
        {{"actions": ["no-op"], "before": {values}, "after": {values}, "after_unknown": {{}}}}}}"#,
        values = r#"{"id": "i-1", "vpc_security_group_ids": ["sg-1"]}"#
    );
    let plan = with_prior(&plan_of(std::slice::from_ref(&member)), &[read(), read()]);
    let per_member = one_rule(&SSH.replace("deny:", "per: member, deny:"));
    expect(&judged(&per_member, &plan), Undetermined);
    // Beside the resource it hides nothing.
    let values = web(&[tcp(22, "10.0.0.0/8")], "");
    let stays = change(WEB, r#""no-op""#, &values, &values, "{}");
    let plan = with_prior(&plan_of(&[member, stays]), &[read(), shown(WEB, &values)]);
    expect(&judged(&per_member, &plan), Pass);
}

#[test]
fn a_group_that_another_address_takes_over_is_judged_there() {
    let before = web(&[tcp(22, "0.0.0.0/0")], "");
    let forgotten = change(WEB, r#""forget""#, &before, "null", "{}");
    let taken = |after: &str, action: &str| {
        change("aws_security_group.new", action, &before, after, "{}").replacen(
            "\"change\": {",
            r#""change": {"importing": {"id": "sg-1"}, "#,
            1,
        )
    };
    let closed = ssh(&[forgotten.clone(), taken(&web(&[], ""), r#""update""#)]);
    expect(&closed, Pass);
    let stays = ssh(&[forgotten.clone(), taken(&before, r#""no-op""#)]);
    expect(&stays, Violation);
    assert_eq!(groups_of(&stays), [Some("aws_security_group.new")]);
    // Left alone it stays open.
    expect(&ssh(&[forgotten]), Violation);
}

/// A rule resource for SSH from everywhere that is forgotten.
fn forgotten() -> String {
    change(
        "aws_security_group_rule.old",
        r#""forget""#,
        r#"{"security_group_id": "sg-1", "type": "ingress", "protocol": "tcp", "from_port": 22, "to_port": 22,
            "cidr_blocks": ["0.0.0.0/0"]}"#,
        "null",
        "{}",
    )
}

#[test]
fn a_forgotten_rule_goes_where_the_same_plan_takes_it_away() {
    let open = [tcp(22, "0.0.0.0/0")];
    expect(&ssh(&[echo(&open), forgotten()]), Violation);
    // The group's own list is a wish, and leaves it out.
    let listed = change(
        WEB,
        r#""update""#,
        &web(&open, ""),
        &web(&[tcp(443, "0.0.0.0/0")], ""),
        "{}",
    );
    expect(&ssh(&[listed, forgotten()]), Pass);
    let group_goes = |actions: &str, after: &str, unknown: &str| {
        let values = web(&open, "");
        ssh(&[change(WEB, actions, &values, after, unknown), forgotten()])
    };
    expect(&group_goes(r#""delete""#, "null", "{}"), Pass);
    let anew = r#"{"name": "web", "ingress": [], "egress": []}"#;
    expect(
        &group_goes(r#""delete", "create""#, anew, r#"{"id": true}"#),
        Pass,
    );
    expect(
        &group_goes(r#""create", "forget""#, anew, r#"{"id": true}"#),
        Violation,
    );
}

#[test]
fn a_forgotten_rule_that_another_address_takes_over_is_judged_there() {
    let open = [tcp(22, "0.0.0.0/0")];
    let before = rule_on("sg-1", &open_ssh("0.0.0.0/0"));
    let taken = |action: &str, cidr: &str| {
        let after = rule_on("sg-1", &open_ssh(cidr));
        ssh(&[
            echo(&open),
            forgotten(),
            change(RULE, action, &before, &after, "{}"),
        ])
    };
    expect(&taken(r#""update""#, "10.0.0.0/8"), Pass);
    let stays = taken(r#""no-op""#, "0.0.0.0/0");
    expect(&stays, Violation);
    assert_eq!(stays.findings[0].resources, [RULE]);
}

#[test]
fn a_deposed_object_that_goes_hides_no_current_one() {
    let report = |current: &[String], deposed: &[String]| {
        let old = web(deposed, "").replace("sg-1", "sg-0");
        let gone = change(WEB, r#""delete""#, &old, "null", "{}").replacen(
            "\"mode\"",
            r#""deposed": "12345678", "mode""#,
            1,
        );
        let old = shown(WEB, &old).replacen("\"type\"", r#""deposed_key": "12345678", "type""#, 1);
        // The plan was made for this alone.
        let plan = with_prior(&plan_of(&[gone]), &[shown(WEB, &web(current, "")), old]);
        judged(&one_rule(SSH), &plan)
    };
    expect(&report(&[tcp(22, "0.0.0.0/0")], &[]), Violation);
    expect(&report(&[], &[tcp(22, "0.0.0.0/0")]), Pass);
}

#[test]
fn by_an_address_its_current_object_is_meant_not_one_that_is_deposed() {
    let of_internal = one_rule(&SSH.replace("deny:", "groups: { tags: { exposure: internal } }, deny:"));
    let rule = change(
        RULE,
        r#""create""#,
        "null",
        &format!("{{{}}}", open_ssh("0.0.0.0/0")),
        r#"{"security_group_id": true}"#,
    );
    let report = |current: &str, deposed: &str| {
        let values = |id: &str, more: &str| web(&[], more).replace("sg-1", id);
        let new = values(current, r#", "tags": {"exposure": "internal"}"#);
        let old = values(deposed, "");
        let forgotten = change(WEB, r#""forget""#, &old, "null", "{}").replacen(
            "\"mode\"",
            r#""deposed": "12345678", "mode""#,
            1,
        );
        let plan = plan_of(&[
            change(WEB, r#""no-op""#, &new, &new, "{}"),
            forgotten,
            rule.clone(),
        ]);
        let configuration = format!(
            r#"{{"configuration": {{"root_module": {{"resources": [{{"address": "{RULE}", "expressions":
            {{"security_group_id": {{"references": ["{WEB}.id", "{WEB}"]}}}}}}]}}}}, "#
        );
        judged(&of_internal, &plan.replacen('{', &configuration, 1))
    };
    // Whichever id sorts first.
    expect(&report("sg-a", "sg-b"), Violation);
    expect(&report("sg-b", "sg-a"), Violation);
}

#[test]
fn the_group_that_a_vpc_calls_its_default_one_has_that_name() {
    let named = |name: &str| one_rule(&SSH.replace("deny:", &format!("groups: {{ name: {name} }}, deny:")));
    let plan = |vpc: &str| {
        let rule = created(RULE, &rule_on("sg-9", &open_ssh("0.0.0.0/0")), "{}");
        with_prior(&plan_of(&[rule]), &[shown("aws_vpc.main", vpc)])
    };
    let of_vpc = plan(r#"{"id": "vpc-1", "default_security_group_id": "sg-9"}"#);
    expect(&judged(&named("default"), &of_vpc), Violation);
    expect(&judged(&named("web"), &of_vpc), Pass);
    let another = plan(r#"{"id": "vpc-1", "default_security_group_id": "sg-8"}"#);
    expect(&judged(&named("default"), &another), Undetermined);
}
