//! The language's hard corners, one by one: sets, families, members, waivers, unknown lists, and files that are traps.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

mod support;

use portcullis_compliance::{Policy, Subject, judge};
use portcullis_report::Verdict::{Pass, Undetermined, Violation};
use portcullis_report::{Report, Standing};
use portcullis_terraform::Plan;
use std::time::{Duration, Instant};
use support::{
    TODAY, block, complaint, group_with, judged, one_rule, plan_of, policy, repository, small_plan,
    standing_group, standing_instance, tcp, verdict,
};

fn deny(what: &str) -> String {
    format!("{{ id: r, severity: high, deny: {{ {what} }} }}")
}

#[test]
fn any_and_whole_together_mean_every_address_of_a_family() {
    let rule = deny("direction: ingress, protocol: tcp, ports: [22], peers: any, extent: whole");
    assert_eq!(verdict(&rule, &[tcp(22, "0.0.0.0/0")]), Violation);
    assert_eq!(verdict(&rule, &[tcp(22, "::/0")]), Violation);
    assert_eq!(
        verdict(&rule, &[tcp(22, "0.0.0.0/1"), tcp(22, "128.0.0.0/1")]),
        Violation
    );
    // All of the internet is not yet all addresses.
    assert_eq!(verdict(&rule, &[tcp(22, "2000::/3")]), Pass);
    assert_eq!(
        verdict(&rule, &[tcp(22, "0.0.0.0/1"), tcp(22, "128.0.0.0/2")]),
        Pass
    );
}

#[test]
fn whole_is_asked_of_each_family_alone() {
    let rule = deny("protocol: tcp, ports: [22], peers: [198.51.100.0/24, \"2001:db8::/32\"], extent: whole");
    assert_eq!(verdict(&rule, &[tcp(22, "198.51.100.0/24")]), Violation);
    assert_eq!(verdict(&rule, &[tcp(22, "2001:db8::/32")]), Violation);
    assert_eq!(
        verdict(&rule, &[tcp(22, "198.51.100.0/25"), tcp(22, "2001:db8::/33")]),
        Pass
    );
    // The internet of IPv6 lies in 2000::/3; half of it is half of it.
    let internet = deny("protocol: tcp, ports: [22], peers: internet, extent: whole");
    assert_eq!(verdict(&internet, &[tcp(22, "2000::/4")]), Pass);
    assert_eq!(
        verdict(&internet, &[tcp(22, "2000::/4"), tcp(22, "3000::/4")]),
        Violation
    );
    // One family taken out by an exception: the other is still asked.
    let v4 = deny("protocol: tcp, ports: [22], peers: internet, except: [\"::/0\"], extent: whole");
    assert_eq!(verdict(&v4, &[tcp(22, "::/0")]), Pass);
    assert_eq!(verdict(&v4, &[tcp(22, "0.0.0.0/0")]), Violation);
}

#[test]
fn a_share_is_counted_exactly_and_per_family() {
    let rule = |percent: &str, peers: &str| {
        deny(&format!(
            "protocol: tcp, ports: [22], peers: {peers}, extent: \"{percent}\""
        ))
    };
    let half = [tcp(22, "198.51.100.0/25")];
    assert_eq!(verdict(&rule("50%", "198.51.100.0/24"), &half), Violation);
    assert_eq!(verdict(&rule("50.1%", "198.51.100.0/24"), &half), Pass);
    // Half of one family is not made less by the other.
    assert_eq!(
        verdict(&rule("50%", "[198.51.100.0/24, \"2001:db8::/32\"]"), &half),
        Violation
    );
    // Two quarters of two families are no half.
    let quarters = [tcp(22, "198.51.100.0/26"), tcp(22, "2001:db8::/34")];
    assert_eq!(
        verdict(&rule("50%", "[198.51.100.0/24, \"2001:db8::/32\"]"), &quarters),
        Pass
    );
    // Exactly 11 of 1000 addresses are 1.1 percent, whatever floating-point numbers make of it.
    let thousand =
        "[198.51.0.0/23, 198.51.2.0/24, 198.51.3.0/25, 198.51.3.128/26, 198.51.3.192/27, 198.51.3.224/29]";
    let eleven = ["198.51.0.0/29", "198.51.0.8/31", "198.51.0.10/32"].map(|cidr| tcp(22, cidr));
    assert_eq!(verdict(&rule("1.1%", thousand), &eleven), Violation);
    assert_eq!(verdict(&rule("1.1001%", thousand), &eleven), Pass);
    assert_eq!(verdict(&rule("100%", thousand), &eleven), Pass);
    // The largest numbers there are: all addresses of IPv6.
    assert_eq!(verdict(&rule("50%", "any"), &[tcp(22, "8000::/1")]), Violation);
    assert_eq!(verdict(&rule("50.0001%", "any"), &[tcp(22, "8000::/1")]), Pass);
    assert_eq!(verdict(&rule("100%", "any"), &[tcp(22, "::/0")]), Violation);
}

#[test]
fn protocols_come_as_names_numbers_and_lists() {
    let open = |protocol: &str, from: i32, to: i32| [block(protocol, from, to, "9.0.0.0/8")];
    for (words, blocks, expected) in [
        ("[tcp, udp]", open("udp", 53, 53), Violation),
        ("[6, 17]", open("udp", 53, 53), Violation),
        ("[tcp, icmp]", open("udp", 53, 53), Pass),
        ("TCP", open("6", 22, 22), Violation),
        ("icmp", open("icmp", 8, 0), Violation),
        ("icmp", open("icmpv6", -1, -1), Pass),
        ("58", open("icmpv6", 128, 0), Violation),
        ("47", open("47", 0, 0), Violation),
        ("47", open("-1", 0, 0), Violation),
        ("-1", open("132", 0, 0), Violation),
        ("all", open("tcp", 1, 1), Violation),
        ("50", open("51", 0, 0), Pass),
    ] {
        let rule = deny(&format!("protocol: {words}, peers: internet"));
        assert_eq!(verdict(&rule, &blocks), expected, "{words} {blocks:?}");
    }
    // Ports beside a list: for each that has ports.
    let rule = deny("protocol: [tcp, udp], ports: [53, \"5000-5010\"], peers: internet");
    assert_eq!(verdict(&rule, &open("udp", 5010, 5010)), Violation);
    assert_eq!(verdict(&rule, &open("tcp", 53, 53)), Violation);
    assert_eq!(verdict(&rule, &open("icmp", -1, -1)), Pass);
    // A rule for protocol 50 opens all of protocol 50, and no port of tcp.
    assert_eq!(verdict(&rule, &open("50", 53, 53)), Pass);
}

#[test]
fn allow_only_has_an_extent_too() {
    let rule = "{ id: r, severity: high, allow_only: { direction: ingress, peers: internet, protocol: tcp, ports: [443], extent: whole } }";
    assert_eq!(verdict(rule, &[tcp(443, "0.0.0.0/0")]), Pass);
    assert_eq!(verdict(rule, &[tcp(8080, "0.0.0.0/0")]), Violation);
    assert_eq!(verdict(rule, &[tcp(8080, "::/0")]), Violation);
    assert_eq!(verdict(rule, &[tcp(8080, "9.0.0.0/8")]), Pass);
}

/// A plan in which nothing changes.
fn standing(parts: &[String]) -> String {
    plan_of(parts)
}

fn finding_of(report: &Report) -> &portcullis_report::Finding {
    assert_eq!(report.findings.len(), 1, "{}", report.to_text());
    &report.findings[0]
}

const SELF: &str = r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "self": true}"#;

#[test]
fn a_rule_for_the_group_itself_is_a_rule_for_its_id() {
    let plan = standing(&[standing_group("db", "sg-0d", SELF)]);
    let of = |rule: &str| judged(&one_rule(rule), &plan).verdict;
    assert_eq!(of(&deny("direction: ingress, peers: sg-0d")), Violation);
    assert_eq!(of(&deny("direction: ingress, peers: sg-0e")), Pass);
    assert_eq!(of(&deny("direction: ingress, peers: any, except: sg-0d")), Pass);
    assert_eq!(
        of(&deny("direction: ingress, peers: any, except: sg-0e")),
        Violation
    );
}

fn named_list(address: &str, id: &str, entries: &str) -> String {
    format!(
        r#"{{"address": "{address}", "mode": "managed", "type": "aws_ec2_managed_prefix_list", "name": "partners",
        "change": {{"actions": ["no-op"], "before": {{"id": "{id}", "entry": {entries}}}, "after": {{"id": "{id}", "entry": {entries}}}, "after_unknown": {{}}}}}}"#
    )
}

#[test]
fn a_prefix_list_named_by_the_policy_is_its_entries() {
    let list = named_list(
        "aws_ec2_managed_prefix_list.partners",
        "pl-01",
        r#"[{"cidr": "9.0.0.0/8", "description": ""}]"#,
    );
    let with = |rule: &str, cidr: &str, lists: &[String]| {
        let mut parts = vec![group_with("web", &tcp(22, cidr), "", "")];
        parts.extend_from_slice(lists);
        judged(&one_rule(rule), &plan_of(&parts)).verdict
    };
    let known = [list];
    let from_list = deny("direction: ingress, peers: pl-01");
    assert_eq!(with(&from_list, "9.1.0.0/16", &known), Violation);
    assert_eq!(with(&from_list, "8.1.0.0/16", &known), Pass);
    let but_list = deny("direction: ingress, peers: internet, except: pl-01");
    assert_eq!(with(&but_list, "9.1.0.0/16", &known), Pass);
    assert_eq!(with(&but_list, "8.0.0.0/7", &known), Violation);
    // Entries that are not known could be anything, as peers and as exceptions.
    assert_eq!(with(&from_list, "9.1.0.0/16", &[]), Undetermined);
    assert_eq!(with(&but_list, "9.1.0.0/16", &[]), Undetermined);
    assert_eq!(with(&but_list, "10.1.0.0/16", &[]), Pass);
    let whole = deny("direction: ingress, peers: pl-01, extent: whole");
    assert_eq!(with(&whole, "9.0.0.0/8", &known), Violation);
    assert_eq!(with(&whole, "9.0.0.0/9", &known), Pass);
    assert_eq!(with(&whole, "9.0.0.0/9", &[]), Undetermined);
    let all_but = deny("direction: ingress, peers: internet, except: pl-01, extent: whole");
    assert_eq!(with(&all_but, "9.0.0.0/9", &[]), Undetermined);
    assert_eq!(with(&all_but, "0.0.0.0/0", &known), Violation);
    let report = judged(
        &one_rule(&from_list),
        &plan_of(&[group_with("web", &tcp(22, "9.1.0.0/16"), "", "")]),
    );
    insta::assert_snapshot!("policy-names-a-list-nobody-knows", report.to_text());
}

/// A rule resource whose group is not known.
fn orphan(name: &str, cidr: &str) -> String {
    format!(
        r#"{{"address": "aws_vpc_security_group_ingress_rule.{name}", "mode": "managed",
        "type": "aws_vpc_security_group_ingress_rule", "name": "{name}",
        "change": {{"actions": ["create"], "before": null,
        "after": {{"ip_protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_ipv4": "{cidr}"}},
        "after_unknown": {{"security_group_id": true}}}}}}"#
    )
}

#[test]
fn rules_of_an_unknown_group_may_complete_a_hole() {
    let whole = one_rule(&deny(
        "direction: ingress, protocol: tcp, ports: [22], peers: internet, extent: whole",
    ));
    let half = group_with("web", &tcp(22, "0.0.0.0/1"), "", "");
    let other = orphan("loose", "128.0.0.0/1");
    assert_eq!(
        judged(&whole, &plan_of(&[half.clone(), other])).verdict,
        Undetermined
    );
    // The same half twice completes nothing.
    assert_eq!(
        judged(&whole, &plan_of(&[half, orphan("loose", "0.0.0.0/1")])).verdict,
        Pass
    );
    // Two loose halves may belong to one group.
    let loose = [orphan("low", "0.0.0.0/1"), orphan("high", "128.0.0.0/1")];
    assert_eq!(judged(&whole, &plan_of(&loose)).verdict, Undetermined);
    // What is too much by itself is told once, not for each group.
    let report = judged(
        &whole,
        &plan_of(&[
            group_with("web", &tcp(443, "0.0.0.0/0"), "", ""),
            orphan("loose", "0.0.0.0/0"),
        ]),
    );
    assert_eq!(finding_of(&report).verdict, Violation);
}

const PER_MEMBER: &str =
    "per: member, deny: { direction: ingress, protocol: tcp, ports: [22], peers: internet, extent: whole }";

fn per_member(more: &str) -> Policy {
    one_rule(&format!("{{ id: r, severity: high, {more}{PER_MEMBER} }}"))
}

#[test]
fn a_member_joins_its_groups() {
    let parts = |groups: &[&str]| {
        standing(&[
            standing_group("low", "sg-01", &tcp(22, "0.0.0.0/1")),
            standing_group("high", "sg-02", &tcp(22, "128.0.0.0/1")),
            standing_instance("web", groups),
        ])
    };
    let both = judged(&per_member(""), &parts(&["sg-01", "sg-02"]));
    assert_eq!(both.verdict, Violation);
    let finding = finding_of(&both);
    assert_eq!(
        finding.resources,
        ["aws_security_group.high", "aws_security_group.low"]
    );
    assert_eq!(
        finding.standing,
        Standing::Existing,
        "nothing changes, so it stood before"
    );
    assert_eq!(judged(&per_member(""), &parts(&["sg-01"])).verdict, Pass);
    // Which members: those that carry a group the selector speaks of, whichever of their groups it is.
    for (name, expected) in [("low", Violation), ("high", Violation), ("other", Pass)] {
        let policy = per_member(&format!("groups: {{ name: {name} }}, "));
        assert_eq!(
            judged(&policy, &parts(&["sg-01", "sg-02"])).verdict,
            expected,
            "{name}"
        );
    }
}

#[test]
fn a_group_out_of_sight_may_complete_what_a_member_opens() {
    let low = standing_group("low", "sg-01", &tcp(22, "0.0.0.0/1"));
    let report = judged(
        &per_member(""),
        &standing(&[low.clone(), standing_instance("web", &["sg-01", "sg-0f"])]),
    );
    assert_eq!(report.verdict, Undetermined);
    insta::assert_snapshot!("member-with-a-group-out-of-sight", report.to_text());
    // What is certain stays certain.
    let all = standing_group("all", "sg-02", &tcp(22, "0.0.0.0/0"));
    let report = judged(
        &per_member(""),
        &standing(&[all, standing_instance("web", &["sg-02", "sg-0f"])]),
    );
    assert_eq!(report.verdict, Violation);
    // A member whose groups are not known may carry any of them.
    let unknown = standing_instance("web", &[]).replace(
        r#""after_unknown": {}"#,
        r#""after_unknown": {"vpc_security_group_ids": true}"#,
    );
    let unknown = unknown.replacen(
        r#""after": {"id": "i-web", "vpc_security_group_ids": []}"#,
        r#""after": {"id": "i-web"}"#,
        1,
    );
    let high = standing_group("high", "sg-02", &tcp(22, "128.0.0.0/1"));
    assert_eq!(
        judged(&per_member(""), &standing(&[low.clone(), high, unknown.clone()])).verdict,
        Undetermined
    );
    assert_eq!(judged(&per_member(""), &standing(&[low, unknown])).verdict, Pass);
}

#[test]
fn attaching_a_group_brings_what_it_opens() {
    let group = standing_group("all", "sg-01", &tcp(22, "0.0.0.0/0"));
    let attached = standing_instance("web", &["sg-01"])
        .replacen("[\"sg-01\"]", "[]", 1)
        .replace("no-op", "update");
    let report = judged(&per_member(""), &standing(&[group, attached]));
    assert_eq!(finding_of(&report).standing, Standing::New);
}

fn with_waivers(rule: &str, waivers: &[(&str, &str, &str)]) -> Policy {
    let mut text = format!("version: 1\nrules:\n  - {rule}\nwaivers:\n");
    for (resource, exposure, expires) in waivers {
        text += &format!(
            "  - {{ rule: r, resource: {resource}, exposure: {exposure}, reason: for {expires}, owner: team, expires: {expires} }}\n"
        );
    }
    policy(&text)
}

const HTTPS: &str = "{ id: r, severity: high, deny: { direction: ingress, protocol: tcp, ports: [443, 8443], peers: internet } }";

fn rule_resource(name: &str, port: u16, cidr: &str) -> String {
    let values = format!(
        r#"{{"security_group_id": "sg-01", "ip_protocol": "tcp", "from_port": {port}, "to_port": {port}, "cidr_ipv4": "{cidr}"}}"#
    );
    format!(
        r#"{{"address": "aws_vpc_security_group_ingress_rule.{name}", "mode": "managed",
        "type": "aws_vpc_security_group_ingress_rule", "name": "{name}",
        "change": {{"actions": ["create"], "before": null, "after": {values}, "after_unknown": {{}}}}}}"#
    )
}

#[test]
fn a_waiver_names_a_group_or_one_of_its_rules() {
    let plan = plan_of(&[
        standing_group("web", "sg-01", ""),
        rule_resource("one", 8443, "9.1.0.0/16"),
        rule_resource("two", 8443, "9.2.0.0/16"),
    ]);
    let exposure = "{ protocol: tcp, ports: [8443], peers: 9.0.0.0/8 }";
    let with = |resource: &str| judged(&with_waivers(HTTPS, &[(resource, exposure, "2027-01-31")]), &plan);
    for group in ["aws_security_group.web", "sg-01"] {
        let report = with(group);
        assert_eq!(report.verdict, Pass, "{}", report.to_text());
    }
    let one = with("aws_vpc_security_group_ingress_rule.one");
    assert_eq!(one.verdict, Violation);
    let finding = finding_of(&one);
    assert_eq!(finding.resources, ["aws_vpc_security_group_ingress_rule.two"]);
    assert_eq!(finding.exposure, "tcp 8443 from 9.2.0.0/16");
    // Each by its own waiver.
    let both = with_waivers(
        HTTPS,
        &[
            ("aws_vpc_security_group_ingress_rule.one", exposure, "2027-03-01"),
            ("aws_vpc_security_group_ingress_rule.two", exposure, "2027-01-31"),
        ],
    );
    let report = judged(&both, &plan);
    assert_eq!(report.verdict, Pass);
    let waived = finding_of(&report).waived.as_ref().unwrap();
    assert_eq!(
        waived.expires, "2027-01-31",
        "the day on which the first of them ends"
    );
    insta::assert_snapshot!("waived-by-two", report.to_text());
    // The same rule resource under another name is another resource.
    assert_eq!(with("aws_vpc_security_group_ingress_rule.on").verdict, Violation);
}

#[test]
fn several_waivers_cover_one_hole_together_or_not() {
    let plan = small_plan(&tcp(8443, "8.0.0.0/7"), "");
    let group = "aws_security_group.web";
    let eight = "{ protocol: tcp, ports: [8443], peers: 8.0.0.0/8 }";
    let nine = "{ protocol: tcp, ports: [8443], peers: 9.0.0.0/8 }";
    let both = with_waivers(
        HTTPS,
        &[(group, eight, "2027-03-01"), (group, nine, "2027-01-31")],
    );
    assert_eq!(judged(&both, &plan).verdict, Pass);
    let one_ended = with_waivers(
        HTTPS,
        &[(group, eight, "2027-03-01"), (group, nine, "2026-11-22")],
    );
    let report = judged(&one_ended, &plan);
    assert_eq!(report.verdict, Violation);
    assert_eq!(report.findings.len(), 2, "{}", report.to_text());
}

#[test]
fn a_waiver_of_a_part_does_not_break_up_a_whole() {
    let whole = "{ id: r, severity: high, deny: { direction: ingress, protocol: tcp, ports: [22], peers: internet, extent: whole } }";
    let group = "aws_security_group.web";
    let part = "{ protocol: tcp, ports: [22], peers: 9.0.0.0/8 }";
    let policy = with_waivers(whole, &[(group, part, "2027-01-31")]);
    let open = |blocks: &str| judged(&policy, &small_plan(blocks, "")).verdict;
    // All the rest is still the whole of the rest.
    assert_eq!(open(&tcp(22, "0.0.0.0/0")), Violation);
    // What was no whole without the waiver is none with it.
    let all_but_nine = [
        "0.0.0.0/5",
        "8.0.0.0/8",
        "10.0.0.0/7",
        "12.0.0.0/6",
        "16.0.0.0/4",
        "32.0.0.0/3",
        "64.0.0.0/2",
        "128.0.0.0/1",
    ]
    .map(|cidr| tcp(22, cidr))
    .join(", ");
    assert_eq!(open(&all_but_nine), Pass);
    let everything = with_waivers(
        whole,
        &[(
            group,
            "{ protocol: tcp, ports: [22], peers: internet }",
            "2027-01-31",
        )],
    );
    assert_eq!(
        judged(&everything, &small_plan(&tcp(22, "0.0.0.0/0"), "")).verdict,
        Pass
    );
}

#[test]
fn a_member_is_waived_by_the_group_that_opens_it() {
    let plan = standing(&[
        standing_group("all", "sg-01", &tcp(22, "0.0.0.0/0")),
        standing_instance("web", &["sg-01"]),
    ]);
    let rule = format!("{{ id: r, severity: high, {PER_MEMBER} }}");
    let exposure = "{ protocol: tcp, ports: [22], peers: any }";
    for resource in ["aws_security_group.all", "sg-01", "aws_instance.web"] {
        let report = judged(&with_waivers(&rule, &[(resource, exposure, "2027-01-31")]), &plan);
        assert_eq!(report.verdict, Pass, "{resource}: {}", report.to_text());
    }
}

#[test]
fn partial_plans_accept_speaks_of_nothing_found_only() {
    let partial =
        |plan: &str| plan.replacen("\"format_version\"", "\"complete\": false, \"format_version\"", 1);
    let accepting = policy(&format!(
        "version: 1\npartial_plans: accept\nrules:\n  - {}\n",
        deny("direction: ingress, protocol: tcp, ports: [22], peers: internet")
    ));
    let unknown = small_plan(
        r#"{"protocol": "tcp", "from_port": 22, "to_port": 22}"#,
        r#"{"cidr_blocks": true}"#,
    );
    assert_eq!(
        judged(&accepting, &partial(&small_plan(&tcp(443, "0.0.0.0/0"), ""))).verdict,
        Pass
    );
    assert_eq!(
        judged(&accepting, &partial(&small_plan(&tcp(22, "0.0.0.0/0"), ""))).verdict,
        Violation
    );
    assert_eq!(judged(&accepting, &partial(&unknown)).verdict, Undetermined);
}

const HEAD: &str = "version: 1\nrules:\n  - id: r\n    severity: high\n";

#[test]
fn words_that_could_only_be_a_mistake_are_errors() {
    let waiver = |more: &str| {
        format!(
            "{HEAD}    deny: {{ peers: internet }}\nwaivers:\n  - rule: r\n    resource: aws_security_group.a\n    reason: x\n    owner: y\n{more}"
        )
    };
    let cases = [
        // A name that would be read as an id, and never as the network.
        format!("{HEAD}    deny: {{}}\nnetworks: {{ sg-office: [10.0.0.0/8] }}\n"),
        format!("{HEAD}    deny: {{}}\nnetworks: {{ \"\": [10.0.0.0/8] }}\n"),
        // Ids that can't be ids match nothing, for ever.
        format!("{HEAD}    deny: {{ peers: sg-web }}\n"),
        format!("{HEAD}    deny: {{ peers: pl- }}\n"),
        // Host bits: the author meant an address, or another length.
        format!("{HEAD}    deny: {{ peers: internet, except: 203.0.113.5/16 }}\n"),
        format!("{HEAD}    deny: {{}}\nnetworks: {{ offices: [203.0.113.5/28] }}\n"),
        // No address to count.
        format!("{HEAD}    deny: {{ peers: [sg-01, sg-02], extent: whole }}\n"),
        format!("{HEAD}    deny: {{ extent: \"0%\" }}\n"),
        format!("{HEAD}    deny: {{ extent: \"101%\" }}\n"),
        format!("{HEAD}    deny: {{ extent: \"1e1%\" }}\n"),
        format!("{HEAD}    deny: {{ extent: \"0.00001%\" }}\n"),
        format!("{HEAD}    deny: {{ extent: NaN% }}\n"),
        format!("{HEAD}    deny: {{ ports: [\"+22\"] }}\n"),
        format!("{HEAD}    deny: {{ ports: [\"22-\"] }}\n"),
        format!("{HEAD}    deny: {{ ports: [[22]] }}\n"),
        format!("{HEAD}    deny: {{ ports: [] }}\n"),
        format!("{HEAD}    deny: {{ ports: [-1] }}\n"),
        format!("{HEAD}    deny: {{ ports: 22.5 }}\n"),
        format!("{HEAD}    deny: {{ ports: yes }}\n"),
        format!("{HEAD}    deny: {{ protocol: [] }}\n"),
        format!("{HEAD}    deny: {{ protocol: 256 }}\n"),
        format!("{HEAD}    deny: {{ peers: [] }}\n"),
        format!("{HEAD}    deny: {{ peers: {{}} }}\n"),
        format!("{HEAD}    deny: {{ direction: inbound }}\n"),
        format!("{HEAD}    groups: {{ name: \"\" }}\n    deny: {{}}\n"),
        format!("{HEAD}    groups: {{}}\n    deny: {{}}\n"),
        format!("{HEAD}    per: instance\n    deny: {{}}\n"),
        format!("{HEAD}    require: {{ description: false }}\n"),
        format!("{HEAD}    require: {{}}\n"),
        HEAD.replace("severity: high", "severity: grave"),
        "version: 1\nrules:\n  - id: r\n    deny: {}\n".to_owned(),
        "version: 1\nrules:\n  - severity: high\n    deny: {}\n".to_owned(),
        "version: 1\nrules: nothing\n".to_owned(),
        "rules: []\n".to_owned(),
        "version: one\nrules: []\n".to_owned(),
        format!("{HEAD}    deny: {{}}\npartial_plans: maybe\n"),
        // Waivers.
        waiver("    exposure: { ports: [22], extent: whole }\n    expires: 2027-01-31\n"),
        waiver("    exposure: {}\n    expires: 2027-01-31\n"),
        waiver("    expires: 2027-01-31\n"),
        waiver("    exposure: { ports: [22] }\n    expires: 2027-01-31T12:00\n"),
        waiver("    exposure: { ports: [22] }\n    expires: 20270131\n"),
        waiver("    exposure: { ports: [22] }\n    expires: 2027-02-29\n"),
        waiver("    exposure: { ports: [22] }\n"),
        format!(
            "{HEAD}    require: {{ description: true }}\nwaivers:\n  - {{ rule: r, resource: a.b, exposure: {{ ports: [22] }}, reason: x, owner: y, expires: 2027-01-31 }}\n"
        ),
    ];
    let told: Vec<String> = cases.iter().map(|text| complaint(text)).collect();
    insta::assert_snapshot!("mistakes", told.join("\n"));
}

#[test]
fn yaml_that_says_a_thing_twice_or_in_two_documents_is_an_error() {
    let cases = [
        "version: 1\nversion: 1\nrules: []\n".to_owned(),
        format!("{HEAD}    severity: low\n    deny: {{}}\n"),
        format!("{HEAD}    deny: {{ ports: [22], ports: [23] }}\n"),
        format!("{HEAD}    groups: {{ tags: {{ a: x, a: y }} }}\n    deny: {{}}\n"),
        "version: 1\nnetworks: { o: [10.0.0.0/8], o: [11.0.0.0/8] }\nrules: []\n".to_owned(),
        format!("{HEAD}    deny: {{}}\n---\n{HEAD}    deny: {{}}\n"),
    ];
    let told: Vec<String> = cases.iter().map(|text| complaint(text)).collect();
    insta::assert_snapshot!("said-twice", told.join("\n"));
}

#[test]
fn anchors_and_merge_keys_mean_what_yaml_says() {
    let rules = "
version: 1
rules:
  - id: ssh
    severity: high
    deny: &admin { direction: ingress, protocol: tcp, ports: &ports [22, 3389], peers: internet }
  - id: udp-too
    severity: high
    deny: { <<: *admin, protocol: udp }
  - id: same-ports
    severity: high
    deny: { direction: ingress, protocol: tcp, ports: *ports, peers: private }
";
    let policy = policy(rules);
    let found = |blocks: &str| -> Vec<String> {
        let report = judged(&policy, &small_plan(blocks, ""));
        report.findings.into_iter().map(|finding| finding.rule).collect()
    };
    assert_eq!(found(&tcp(3389, "9.0.0.0/8")), ["ssh"]);
    assert_eq!(found(&block("udp", 22, 22, "9.0.0.0/8")), ["udp-too"]);
    assert_eq!(found(&tcp(22, "10.0.0.0/8")), ["same-ports"]);
}

/// However a policy blows up, it is refused, and soon.
#[test]
fn a_bomb_is_refused_in_no_time() {
    let mut laughs = String::from("version: 1\nnetworks:\n  a0: &a0 [10.0.0.0/8, 11.0.0.0/8]\n");
    for level in 1..40 {
        let before = format!("*a{}", level - 1);
        laughs += &format!("  a{level}: &a{level} [{}]\n", vec![before; 9].join(", "));
    }
    laughs += "rules: []\n";
    let mut merges = String::from("version: 1\nx0: &x0 { a: 1 }\n");
    for level in 1..30 {
        merges += &format!(
            "x{level}: &x{level} {{ <<: [*x{0}, *x{0}], b{level}: 1 }}\n",
            level - 1
        );
    }
    let deep = format!("version: 1\nrules: {}", "[".repeat(100_000));
    let deep_maps = format!("version: 1\nrules: {}", "{a: ".repeat(100_000));
    let itself = "version: 1\nnetworks: &n { a: *n }\nrules: []\n".to_owned();
    let many_keys = (0..300_000).map(|n| format!("k{n}: 1\n")).collect::<String>();
    for text in [laughs, merges, deep, deep_maps, itself, many_keys] {
        let start = Instant::now();
        let error = Policy::read(&text).unwrap_err().to_string();
        assert!(start.elapsed() < Duration::from_secs(5), "{error}");
        assert!(error.len() < 400, "{error}");
    }
}

#[test]
fn a_long_policy_is_read() {
    // As many rules as a large company might have, and a network of many blocks.
    let blocks: Vec<String> = (0..5_000u32)
        .map(|n| format!("11.{}.{}.0/24", n / 256, n % 256))
        .collect();
    let mut text = format!("version: 1\nnetworks:\n  many: [{}]\nrules:\n", blocks.join(", "));
    for number in 0..2_000 {
        text += &format!(
            "  - {{ id: rule-{number}, severity: low, deny: {{ direction: ingress, protocol: tcp, ports: [{}], peers: many }} }}\n",
            number % 65_536
        );
    }
    let policy = policy(&text);
    assert_eq!(policy.rule_ids().count(), 2_000);
    let long_name = "x".repeat(1_000_000);
    let error = complaint(&format!("{HEAD}    deny: {{ peers: {long_name} }}\n"));
    assert!(
        error.len() < 1_000,
        "an error is for people: {} bytes",
        error.len()
    );
}

#[test]
fn no_cut_or_flip_of_a_policy_panics() {
    let policy = repository("terraform/policy.yaml");
    for at in 0..policy.len() {
        let mut bytes = policy.clone().into_bytes();
        bytes[at] = bytes[at].wrapping_add(1);
        if let Ok(text) = String::from_utf8(bytes) {
            let _ = Policy::read(&text);
        }
    }
}

#[test]
fn what_the_change_closes_is_told_for_members_too() {
    let closed = standing_group("all", "sg-01", &tcp(22, "0.0.0.0/0")).replacen("no-op", "update", 1);
    let at = closed.find("\"after\"").unwrap();
    let closed = format!(
        "{}{}",
        &closed[..at],
        closed[at..].replace(&tcp(22, "0.0.0.0/0"), "")
    );
    let plan = Plan::read(&standing(&[closed, standing_instance("web", &["sg-01"])])).unwrap();
    let (after, before) = (plan.after().unwrap(), plan.before().unwrap());
    let report = judge(
        &per_member(""),
        &Subject::planned(&after, &before, plan.partial()),
        TODAY.parse().unwrap(),
    );
    assert_eq!(report.verdict, Pass);
    assert_eq!(finding_of(&report).standing, Standing::Removed);
}

#[test]
fn each_protocol_may_have_its_own_ports() {
    let rule = "{ id: public, severity: high, allow_only: { direction: ingress, peers: internet, traffic: \
         [{ protocol: tcp, ports: [80, 443] }, { protocol: udp, ports: [443] }, { protocol: icmp }] } }";
    let open = |protocol: &str, port: i32| verdict(rule, &[block(protocol, port, port, "0.0.0.0/0")]);
    for (protocol, port, expected) in [
        ("tcp", 80, Pass),
        ("tcp", 443, Pass),
        ("udp", 443, Pass),
        ("icmp", 8, Pass),
        ("udp", 80, Violation),
        ("tcp", 22, Violation),
        ("icmpv6", 128, Violation),
        ("-1", 0, Violation),
    ] {
        assert_eq!(open(protocol, port), expected, "{protocol} {port}");
    }
    let page = one_rule(rule).explain("public", TODAY.parse().unwrap()).unwrap();
    insta::assert_snapshot!("traffic-explained", page);
}

#[test]
fn two_rules_that_allow_nothing_together_are_named() {
    let allow = |id: &str, what: &str| {
        format!(
            "{{ id: {id}, severity: high, allow_only: {{ direction: ingress, peers: internet, {what} }} }}"
        )
    };
    let told = |rules: &[String]| {
        let text = format!("version: 1\nrules:\n  - {}\n", rules.join("\n  - "));
        judged(&policy(&text), &small_plan("", "")).notes
    };
    assert_eq!(
        told(&[
            allow("a", "protocol: tcp, ports: [443]"),
            allow("b", "protocol: udp, ports: [443]")
        ]),
        [
            "a and b together allow nothing, since each forbids what the other allows: one rule with `traffic` allows both"
        ]
    );
    for harmless in [
        [
            allow("a", "protocol: tcp, ports: [443]"),
            allow("b", "protocol: [tcp, udp], ports: [443]"),
        ],
        [
            allow("a", "protocol: tcp"),
            allow("b", "protocol: udp").replace("ingress", "egress"),
        ],
        [
            allow("a", "protocol: tcp"),
            allow("b", "protocol: udp").replace("internet", "private"),
        ],
        [
            allow("a", "protocol: tcp"),
            allow("b", "protocol: udp").replace("allow_only", "deny"),
        ],
    ] {
        assert!(told(&harmless).is_empty(), "{harmless:?}");
    }
}

#[test]
fn a_key_that_is_written_has_a_value() {
    let rule = |lines: &str| {
        format!(
            "version: 1\nrules:\n  - id: r\n    severity: high\n    allow_only:\n      protocol: tcp\n{lines}"
        )
    };
    // All of its lines are commented out, so it would mean every port.
    assert_eq!(
        complaint(&rule("      ports:\n        # - 443\n")),
        "line 7: `ports` is empty: leave it out for every port, or name some"
    );
    assert_eq!(
        complaint(&rule("      ports: [443]\n      except:\n")),
        "line 8: `except` is empty: leave it out for no exception, or name some"
    );
    assert_eq!(
        complaint(&format!("{}networks:\n", rule("      ports: [443]\n"))),
        "line 8: `networks` is empty: leave it out, or name some"
    );
}
