//! Prefix lists: entries in the list, entries that are resources, entries that are not known.

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
use support::{RULE, SSH, change, created, echo, expect, judged, one_rule, plan_of, policy, rule_on, ssh};

#[test]
fn a_list_of_which_some_entries_are_not_known_opens_what_is_known_of_it() {
    let list = |entries: &str, unknown: &str| {
        change(
            "aws_ec2_managed_prefix_list.partners",
            r#""update""#,
            r#"{"id": "pl-1", "entry": []}"#,
            &format!(r#"{{"id": "pl-1", "entry": [{entries}]}}"#),
            unknown,
        )
    };
    let by_list = created(
        RULE,
        &rule_on(
            "sg-1",
            r#""ip_protocol": "tcp", "from_port": 22, "to_port": 22, "prefix_list_id": "pl-1""#,
        ),
        "{}",
    );
    let judge = |list: String| ssh(&[list, echo(&[]), by_list.clone()]);
    let unknown = r#"{"entry": [{}, {"cidr": true}]}"#;
    expect(&judge(list(r#"{"cidr": "9.0.0.0/8"}, {}"#, unknown)), Violation);
    expect(
        &judge(list(r#"{"cidr": "10.0.0.0/8"}, {}"#, unknown)),
        Undetermined,
    );
    expect(&judge(list(r#"{"cidr": "10.0.0.0/8"}"#, "{}")), Pass);
}

#[test]
fn entries_that_are_resources_belong_to_their_list() {
    let standing = r#"{"id": "pl-1", "entry": [{"cidr": "10.0.0.0/8"}]}"#;
    let list = change(
        "aws_ec2_managed_prefix_list.partners",
        r#""no-op""#,
        standing,
        standing,
        "{}",
    );
    let entry = |actions: &str, before: &str, after: &str, unknown: &str| {
        change(
            "aws_ec2_managed_prefix_list_entry.one",
            actions,
            before,
            after,
            unknown,
        )
    };
    let by_list = created(
        RULE,
        &rule_on(
            "sg-1",
            r#""ip_protocol": "tcp", "from_port": 22, "to_port": 22, "prefix_list_id": "pl-1""#,
        ),
        "{}",
    );
    let judge = |entry: String| ssh(&[list.clone(), entry, echo(&[]), by_list.clone()]);
    let of = |cidr: &str| format!(r#"{{"prefix_list_id": "pl-1", "cidr": "{cidr}"}}"#);
    expect(
        &judge(entry(r#""create""#, "null", &of("9.0.0.0/8"), "{}")),
        Violation,
    );
    expect(
        &judge(entry(r#""create""#, "null", &of("192.168.0.0/16"), "{}")),
        Pass,
    );
    expect(
        &judge(entry(
            r#""create""#,
            "null",
            r#"{"prefix_list_id": "pl-1"}"#,
            r#"{"cidr": true}"#,
        )),
        Undetermined,
    );
    // The list's own attribute still shows an entry that goes.
    let open = r#"{"id": "pl-1", "entry": [{"cidr": "9.0.0.0/8"}]}"#;
    let list = change(
        "aws_ec2_managed_prefix_list.partners",
        r#""no-op""#,
        open,
        open,
        "{}",
    );
    let gone = entry(r#""delete""#, &of("9.0.0.0/8"), "null", "{}");
    expect(&ssh(&[list, gone, echo(&[]), by_list.clone()]), Pass);
    // An entry of a list that is looked after elsewhere.
    let elsewhere = entry(r#""create""#, "null", &of("192.168.0.0/16"), "{}");
    expect(&ssh(&[elsewhere, echo(&[]), by_list]), Undetermined);
}

#[test]
fn a_new_list_is_the_entries_that_are_made_for_it() {
    let list = created(
        "aws_ec2_managed_prefix_list.partners",
        r#"{"name": "partners"}"#,
        r#"{"id": true, "entry": true}"#,
    );
    let plan = |cidr: &str, refers: &str| {
        let entry = created(
            "aws_ec2_managed_prefix_list_entry.one",
            &format!(r#"{{"cidr": "{cidr}"}}"#),
            r#"{"prefix_list_id": true}"#,
        );
        let rule = created(
            RULE,
            &rule_on("sg-1", r#""ip_protocol": "tcp", "from_port": 22, "to_port": 22"#),
            r#"{"prefix_list_id": true}"#,
        );
        let references = |of: &str| format!(r#"{{"references": [{of}]}}"#);
        let to_list = r#""aws_ec2_managed_prefix_list.partners.id", "aws_ec2_managed_prefix_list.partners""#;
        format!(
            r#"{{"format_version": "1.2", "resource_changes": [{list}, {entry}, {}, {rule}], "configuration": {{"root_module":
            {{"resources": [{{"address": "aws_ec2_managed_prefix_list.partners", "expressions": {{}}}},
            {{"address": "aws_ec2_managed_prefix_list_entry.one", "expressions": {{"prefix_list_id": {}}}}},
            {{"address": "{RULE}", "expressions": {{"prefix_list_id": {}}}}}]}}}}}}"#,
            echo(&[]),
            references(refers),
            references(to_list),
        )
    };
    let same = r#""aws_ec2_managed_prefix_list.partners.id", "aws_ec2_managed_prefix_list.partners""#;
    let policy = one_rule(SSH);
    expect(&judged(&policy, &plan("10.0.0.0/8", same)), Pass);
    expect(&judged(&policy, &plan("9.0.0.0/8", same)), Violation);
    expect(
        &judged(&policy, &plan("9.0.0.0/8", r#""local.list""#)),
        Undetermined,
    );
}

#[test]
fn what_a_data_source_read_of_a_list_is_older_than_the_plan() {
    let prior = r#"{"values": {"root_module": {"resources": [{"address": "data.aws_ec2_managed_prefix_list.same",
        "type": "aws_ec2_managed_prefix_list", "values": {"id": "pl-1", "entries": [{"cidr": "10.0.0.0/8"}]}}]}}}"#;
    let list = change(
        "aws_ec2_managed_prefix_list.partners",
        r#""update""#,
        r#"{"id": "pl-1", "entry": [{"cidr": "10.0.0.0/8"}]}"#,
        r#"{"id": "pl-1", "entry": [{"cidr": "9.0.0.0/8"}]}"#,
        "{}",
    );
    let by_list = created(
        RULE,
        &rule_on(
            "sg-1",
            r#""ip_protocol": "tcp", "from_port": 22, "to_port": 22, "prefix_list_id": "pl-1""#,
        ),
        "{}",
    );
    let plan =
        plan_of(&[list, echo(&[]), by_list]).replacen('{', &format!(r#"{{"prior_state": {prior}, "#), 1);
    expect(&judged(&one_rule(SSH), &plan), Violation);
}

#[test]
fn a_list_that_aws_keeps_may_hold_anybody() {
    let by_list = created(
        RULE,
        &rule_on(
            "sg-1",
            r#""ip_protocol": "tcp", "from_port": 22, "to_port": 22, "prefix_list_id": "pl-63a5400a""#,
        ),
        "{}",
    );
    expect(&ssh(&[echo(&[]), by_list]), Undetermined);
}

/// A group that opens SSH to `pl-1`, which has these entries; `None` where nobody has read them.
fn open_to_list(entries: Option<&str>) -> String {
    let list = entries.map(|entries| {
        let values = format!(r#"{{"id": "pl-1", "entry": [{entries}]}}"#);
        change(
            "aws_ec2_managed_prefix_list.partners",
            r#""no-op""#,
            &values,
            &values,
            "{}",
        )
    });
    let by_list = created(
        RULE,
        &rule_on(
            "sg-1",
            r#""ip_protocol": "tcp", "from_port": 22, "to_port": 22, "prefix_list_id": "pl-1""#,
        ),
        "{}",
    );
    plan_of(&list.into_iter().chain([echo(&[]), by_list]).collect::<Vec<_>>())
}

#[test]
fn a_list_is_nobody_beside_its_entries() {
    let private = open_to_list(Some(r#"{"cidr": "10.0.0.0/8"}"#));
    let public = open_to_list(Some(r#"{"cidr": "10.0.0.0/8"}, {"cidr": "9.0.0.0/8"}"#));
    let unknown = open_to_list(None);
    let on = |peers: &str, plan: &str| {
        let rule = format!(
            "{{ id: r, severity: high, deny: {{ direction: ingress, protocol: tcp, ports: [22], {peers} }} }}"
        );
        judged(&one_rule(&rule), plan)
    };
    let except = "peers: any, except: [private]";
    expect(&on(except, &private), Pass);
    expect(&on(except, &public), Violation);
    assert_eq!(
        on(except, &public).findings[0].witness.as_deref(),
        Some("tcp 22 from 9.0.0.0")
    );
    // Its entries may all be among the exceptions.
    expect(&on(except, &unknown), Undetermined);
    // Without exceptions any list is too much, and so is the one that is named.
    expect(&on("peers: any", &unknown), Violation);
    expect(&on("peers: pl-1", &unknown), Violation);
    expect(&on("peers: pl-1", &private), Violation);
    // The list that is excepted, whatever its entries.
    expect(&on("peers: any, except: [pl-1]", &unknown), Pass);
    expect(&on("peers: any, except: [pl-1]", &public), Pass);
    expect(&on("peers: any, except: [pl-2]", &unknown), Undetermined);
    // A list that is empty lets nobody in.
    expect(&on("peers: any", &open_to_list(Some(""))), Pass);
}

#[test]
fn a_list_is_waived_by_its_entries_or_by_its_name() {
    let waived = |peers: &str, plan: &str| {
        let text = format!(
            "version: 1\nrules:\n  - {SSH}\n  - {}\nwaivers:\n{}{}",
            SSH.replace("id: ssh", "id: any").replace("internet", "any"),
            waiver("ssh", peers),
            waiver("any", peers),
        );
        judged(&policy(&text), plan)
    };
    let known = open_to_list(Some(r#"{"cidr": "9.0.0.0/8"}"#));
    for peers in ["9.0.0.0/8", "pl-1"] {
        let report = waived(peers, &known);
        expect(&report, Pass);
        assert!(
            report.findings.iter().all(|found| found.waived.is_some()),
            "{}",
            report.to_text()
        );
    }
    // Its name is enough where nobody has read its entries, and the waiver is in use.
    let report = waived("pl-1", &open_to_list(None));
    expect(&report, Pass);
    assert!(
        report.findings.iter().all(|found| found.waived.is_some()),
        "{}",
        report.to_text()
    );
    expect(&waived("pl-2", &open_to_list(None)), Violation);
}

fn waiver(rule: &str, peers: &str) -> String {
    format!(
        "  - {{ rule: {rule}, resource: {RULE}, exposure: {{ protocol: tcp, ports: [22], peers: [{peers}] }}, \
         reason: moving, owner: team, expires: 2027-12-31 }}\n"
    )
}
