//! A recorded state judged: what its groups' computed attributes show beside rule resources may be live, or be gone.

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
use portcullis_report::{Report, Standing};
use portcullis_terraform::State;
use support::{SSH, TODAY, expect, finding, member, one_rule, repository};

/// A state of one group `sg-1` with this attribute, and of rule resources on it, each with its attributes.
fn state(ingress: &str, rules: &[&str]) -> String {
    let resource = |kind: &str, name: &str, attributes: &str| {
        format!(
            r#"{{"mode": "managed", "type": "{kind}", "name": "{name}", "instances": [{{"attributes": {attributes}}}]}}"#
        )
    };
    let group = format!(r#"{{"id": "sg-1", "name": "web", "egress": [], "ingress": [{ingress}]}}"#);
    let mut all = vec![resource("aws_security_group", "web", &group)];
    for (at, rule) in rules.iter().enumerate() {
        let rule =
            format!(r#"{{"id": "sgr-{at}", "security_group_id": "sg-1", "ip_protocol": "tcp", {rule}}}"#);
        all.push(resource(
            "aws_vpc_security_group_ingress_rule",
            &format!("r{at}"),
            &rule,
        ));
    }
    let instance = r#"{"id": "i-1", "vpc_security_group_ids": ["sg-1"]}"#;
    all.push(resource("aws_instance", "web", instance));
    format!(
        r#"{{"version": 4, "serial": 1, "lineage": "l", "resources": [{}]}}"#,
        all.join(", ")
    )
}

fn block(port: u16, cidr: &str, description: &str) -> String {
    format!(
        r#"{{"protocol": "tcp", "from_port": {port}, "to_port": {port}, "cidr_blocks": ["{cidr}"], "description": "{description}"}}"#
    )
}

fn rule(port: u16, cidr: &str, description: &str) -> String {
    format!(
        r#""from_port": {port}, "to_port": {port}, "cidr_ipv4": "{cidr}", "description": "{description}""#
    )
}

fn recorded(policy: &str, state: &str) -> Report {
    let view = State::read(state).unwrap().view().unwrap();
    judge(
        &one_rule(policy),
        &Subject::recorded(&view),
        TODAY.parse().unwrap(),
    )
}

#[test]
fn what_only_an_echo_shows_is_undetermined() {
    let web = rule(443, "0.0.0.0/0", "web");
    let both = [
        block(443, "0.0.0.0/0", "web"),
        block(22, "0.0.0.0/0", "temp debug"),
    ]
    .join(", ");
    let text = state(&both, &[&web]);
    let report = recorded(SSH, &text);
    expect(&report, Undetermined);
    let found = finding(&report);
    assert_eq!(found.standing, Standing::Existing);
    insta::assert_snapshot!("echo", report.to_text());
    // Of a member, too.
    expect(&recorded(&member(SSH), &text), Undetermined);
    // Where it can't matter, nothing is said.
    let closed = [
        block(443, "0.0.0.0/0", "web"),
        block(22, "10.0.0.0/8", "temp debug"),
    ]
    .join(", ");
    expect(&recorded(SSH, &state(&closed, &[&web])), Pass);
    // Where the live view is judged beside it, that one tells.
    let view = State::read(&text).unwrap().view().unwrap();
    let beside = judge(
        &one_rule(SSH),
        &Subject::recorded_beside_live(&view),
        TODAY.parse().unwrap(),
    );
    expect(&beside, Pass);
}

#[test]
fn the_hand_made_rule_of_the_estate_is_not_passed_over() {
    let text = repository("fixtures/estate/7-repair/state.json");
    expect(&recorded(SSH, &text), Undetermined);
}

#[test]
fn the_former_self_of_a_rule_is_no_hole() {
    let former = block(22, "0.0.0.0/0", "web");
    // The rule had port 22 when the group was read, and has 443 since.
    expect(
        &recorded(SSH, &state(&former, &[&rule(443, "0.0.0.0/0", "web")])),
        Pass,
    );
    // The rule had another source.
    expect(
        &recorded(SSH, &state(&former, &[&rule(22, "10.0.0.0/8", "web")])),
        Pass,
    );
    // One rule has one former self.
    let two = [&*former, &block(22, "9.0.0.0/8", "web")].join(", ");
    expect(
        &recorded(SSH, &state(&two, &[&rule(443, "0.0.0.0/0", "web")])),
        Undetermined,
    );
    // The group was read with the rule as it is: what stands beside it is another one.
    let beside = [&*former, &block(443, "0.0.0.0/0", "web")].join(", ");
    expect(
        &recorded(SSH, &state(&beside, &[&rule(443, "0.0.0.0/0", "web")])),
        Undetermined,
    );
    // Nothing but the description, or not even that.
    for other in [rule(443, "10.0.0.0/8", "web"), rule(443, "0.0.0.0/0", "")] {
        expect(&recorded(SSH, &state(&former, &[&other])), Undetermined);
    }
}

#[test]
fn a_group_without_rule_resources_has_what_its_attribute_shows() {
    let report = recorded(SSH, &state(&block(22, "0.0.0.0/0", "web"), &[]));
    expect(&report, Violation);
    insta::assert_snapshot!("inline-or-by-hand", report.to_text());
}

#[test]
fn an_echo_may_lack_its_description() {
    let says_why = "{ id: r, severity: low, require: { description: true } }";
    let web = rule(443, "0.0.0.0/0", "web");
    let silent = [block(443, "0.0.0.0/0", "web"), block(8080, "10.0.0.0/8", "")].join(", ");
    expect(&recorded(says_why, &state(&silent, &[&web])), Undetermined);
    expect(
        &recorded(says_why, &state(&block(443, "0.0.0.0/0", "web"), &[&web])),
        Pass,
    );
}
