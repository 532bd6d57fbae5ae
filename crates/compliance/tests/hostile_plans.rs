//! What a hostile or an unlucky author could write, holes and harmless things that look like holes. After the facts of the EC2
//! API reference and of the AWS provider's documentation, and what recorded plans show.

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
use portcullis_report::Verdict::{self, Pass, Undetermined, Violation};
use portcullis_report::{Report, Standing};
use portcullis_terraform::{Configuration, Plan, State};
use support::{
    TODAY, block, change, group_with, judged, one_rule, plan_of, standing_group, standing_instance, tcp,
};

const SSH: &str = "{ id: ssh, severity: critical, deny: { direction: ingress, protocol: tcp, ports: [22], peers: internet } }";
const RULE: &str = "aws_vpc_security_group_ingress_rule.ssh";

fn ssh(changes: &[String]) -> Report {
    judged(&one_rule(SSH), &plan_of(changes))
}

fn member(rule: &str) -> String {
    rule.replace("deny:", "per: member, deny:")
}

/// A standing group `sg-1` with these live rules.
fn echo(blocks: &[String]) -> String {
    standing_group("web", "sg-1", &blocks.join(", "))
}

/// A rule resource on a group, with these attributes beside.
fn rule_on(group: &str, attributes: &str) -> String {
    format!(r#"{{"id": "sgr-1", "security_group_id": "{group}", {attributes}}}"#)
}

fn open_ssh(cidr: &str) -> String {
    format!(r#""ip_protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_ipv4": "{cidr}""#)
}

fn created(address: &str, after: &str, unknown: &str) -> String {
    change(address, r#""create""#, "null", after, unknown)
}

#[track_caller]
fn expect(report: &Report, verdict: Verdict) {
    assert_eq!(report.verdict, verdict, "{}", report.to_text());
}

#[test]
fn addresses_that_look_like_the_internet_and_are_not() {
    for (cidr, verdict) in [
        // Mapped, translated, tunnelled and documentation addresses are no sources that the internet has.
        ("::ffff:0:0/96", Pass),
        ("::ffff:0.0.0.0/96", Pass),
        ("64:ff9b::/96", Pass),
        ("2002::/16", Pass),
        ("2001:db8::/32", Pass),
        ("fc00::/7", Pass),
        ("ff00::/8", Pass),
        ("100.64.0.0/10", Pass),
        ("192.0.2.0/24", Pass),
        ("224.0.0.0/3", Pass),
        // And some that look harmless.
        ("::/1", Violation),
        ("2000::/4", Violation),
        ("100.0.0.0/8", Violation),
        ("192.0.0.0/16", Violation),
        ("172.0.0.0/8", Violation),
        ("192.88.99.0/23", Violation),
    ] {
        expect(&ssh(&[echo(&[tcp(22, cidr)])]), verdict);
    }
}

#[test]
fn bits_behind_a_prefix_are_said() {
    let report = ssh(&[echo(&[tcp(22, "67.221.169.243/0")])]);
    expect(&report, Violation);
    assert_eq!(
        report.notes,
        [
            "aws_security_group.web: 67.221.169.243/0 has bits behind its prefix: it is 0.0.0.0/0, as EC2 reads it"
        ]
    );
}

#[test]
fn all_but_the_private_blocks_is_the_whole_internet() {
    let whole = SSH.replace("peers: internet", "peers: internet, extent: whole");
    let public = [
        "0.0.0.0/5",
        "8.0.0.0/7",
        "11.0.0.0/8",
        "12.0.0.0/6",
        "16.0.0.0/4",
        "32.0.0.0/3",
        "64.0.0.0/2",
        "128.0.0.0/3",
        "160.0.0.0/5",
        "168.0.0.0/6",
        "172.0.0.0/12",
        "172.32.0.0/11",
        "172.64.0.0/10",
        "172.128.0.0/9",
        "173.0.0.0/8",
        "174.0.0.0/7",
        "176.0.0.0/4",
        "192.0.0.0/9",
        "192.128.0.0/11",
        "192.160.0.0/13",
        "192.169.0.0/16",
        "192.170.0.0/15",
        "192.172.0.0/14",
        "192.176.0.0/12",
        "192.192.0.0/10",
        "193.0.0.0/8",
        "194.0.0.0/7",
        "196.0.0.0/6",
        "200.0.0.0/5",
        "208.0.0.0/4",
    ];
    let blocks: Vec<String> = public.iter().map(|cidr| tcp(22, cidr)).collect();
    expect(&judged(&one_rule(&whole), &plan_of(&[echo(&blocks)])), Violation);
    expect(&judged(&one_rule(&whole), &plan_of(&[echo(&blocks[1..])])), Pass);
}

#[test]
fn port_zero_is_one_port_and_minus_one_is_all() {
    for (what, inline, verdict) in [
        ("tcp port 0", block("tcp", 0, 0, "0.0.0.0/0"), Pass),
        ("tcp, no port named", block("tcp", -1, -1, "0.0.0.0/0"), Violation),
        ("tcp, to the end", block("tcp", 22, -1, "0.0.0.0/0"), Violation),
        ("all, with ports 0", block("-1", 0, 0, "0.0.0.0/0"), Violation),
        ("protocol 0 is HOPOPT", block("0", 0, 0, "0.0.0.0/0"), Pass),
        ("ESP with a range", block("50", 0, 65535, "0.0.0.0/0"), Pass),
        ("icmp, all", block("icmp", -1, -1, "0.0.0.0/0"), Pass),
        ("icmpv6 as 58, all", block("58", -1, -1, "::/0"), Pass),
    ] {
        let report = ssh(&[echo(&[inline])]);
        assert_eq!(report.verdict, verdict, "{what}: {}", report.to_text());
    }
    for (attributes, verdict) in [
        (
            r#""ip_protocol": "-1", "from_port": 443, "to_port": 443, "cidr_ipv4": "0.0.0.0/0""#,
            Violation,
        ),
        (r#""ip_protocol": "ALL", "cidr_ipv4": "0.0.0.0/0""#, Violation),
        (
            r#""ip_protocol": "Tcp", "from_port": 0, "to_port": 1024, "cidr_ipv6": "::/0""#,
            Violation,
        ),
        (
            r#""ip_protocol": "6", "from_port": 22, "to_port": 22, "cidr_ipv6": "2600::/12""#,
            Violation,
        ),
        (
            r#""ip_protocol": "17", "from_port": 22, "to_port": 22, "cidr_ipv4": "0.0.0.0/0""#,
            Pass,
        ),
        (
            r#""ip_protocol": "ICMPv6", "from_port": null, "to_port": null, "cidr_ipv6": "::/0""#,
            Pass,
        ),
    ] {
        expect(
            &ssh(&[echo(&[]), created(RULE, &rule_on("sg-1", attributes), "{}")]),
            verdict,
        );
    }
}

#[test]
fn ping_is_a_type_and_a_code() {
    let rule = |protocol: &str, open: String| {
        let text = format!(
            "{{ id: ping, severity: low, deny: {{ direction: ingress, protocol: {protocol}, peers: internet }} }}"
        );
        judged(&one_rule(&text), &plan_of(&[echo(&[open])])).verdict
    };
    assert_eq!(rule("icmp", block("icmp", 8, 0, "0.0.0.0/0")), Violation);
    assert_eq!(rule("icmp", block("1", -1, -1, "0.0.0.0/0")), Violation);
    assert_eq!(rule("icmp", block("-1", 0, 0, "0.0.0.0/0")), Violation);
    assert_eq!(rule("icmp", block("icmpv6", 128, 0, "::/0")), Pass);
    assert_eq!(rule("icmpv6", block("58", 128, 0, "::/0")), Violation);
    assert_eq!(rule("icmp", block("tcp", 8, 8, "0.0.0.0/0")), Pass);
}

#[test]
fn a_protocol_that_no_one_reads_is_no_pass() {
    for odd in [
        "tcp ", " 6", "6.0", "0x6", "+6", "tcp,udp", "256", "tcp/22", "ТСР",
    ] {
        let attributes =
            format!(r#""ip_protocol": "{odd}", "from_port": 22, "to_port": 22, "cidr_ipv4": "0.0.0.0/0""#);
        let plan = plan_of(&[echo(&[]), created(RULE, &rule_on("sg-1", &attributes), "{}")]);
        assert!(Plan::read(&plan).unwrap().after().is_err(), "{odd:?}");
    }
    for odd in [
        "0.0.0.0/33",
        " 0.0.0.0/0",
        "0.0.0.0",
        "0/0",
        "any",
        "0.0.0.0/0,10.0.0.0/8",
        "::/129",
        "010.0.0.0/8",
    ] {
        let plan = plan_of(&[echo(&[]), created(RULE, &rule_on("sg-1", &open_ssh(odd)), "{}")]);
        assert!(Plan::read(&plan).unwrap().after().is_err(), "{odd:?}");
    }
    for (from, to) in [(23, 22), (-2, 22), (22, 65536), (70000, 70001)] {
        let attributes = format!(
            r#""ip_protocol": "tcp", "from_port": {from}, "to_port": {to}, "cidr_ipv4": "0.0.0.0/0""#
        );
        let plan = plan_of(&[echo(&[]), created(RULE, &rule_on("sg-1", &attributes), "{}")]);
        assert!(Plan::read(&plan).unwrap().after().is_err(), "{from} to {to}");
    }
}

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
fn a_reference_across_accounts_is_a_group_and_no_address() {
    let attributes = r#""ip_protocol": "tcp", "from_port": 22, "to_port": 22, "referenced_security_group_id": "123456789012/sg-9""#;
    let changes = [echo(&[]), created(RULE, &rule_on("sg-1", attributes), "{}")];
    expect(&ssh(&changes), Pass);
    let to_group = |peers: &str| {
        let rule = SSH.replace("peers: internet", &format!("peers: {peers}"));
        judged(&one_rule(&rule), &plan_of(&changes)).verdict
    };
    assert_eq!(to_group("any"), Violation);
    assert_eq!(
        to_group("private"),
        Pass,
        "a group opens nothing toward addresses"
    );
}

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
        let code = Configuration::read([("main.tf", code)]).unwrap();
        let plan = Plan::read(&plan).unwrap().with_code(code);
        let (after, before) = (plan.after().unwrap(), plan.before().unwrap());
        judge(
            &policy,
            &Subject::planned(&after, &before, plan.partial()),
            TODAY.parse().unwrap(),
        )
        .verdict
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
fn one_bound_that_is_not_known_may_be_any() {
    let after = r#"{"id": "sgr-1", "security_group_id": "sg-1", "ip_protocol": "tcp", "from_port": 20, "cidr_ipv4": "0.0.0.0/0"}"#;
    expect(
        &ssh(&[echo(&[]), created(RULE, after, r#"{"to_port": true}"#)]),
        Undetermined,
    );
    let unknown = r#"{"id": "sgr-1", "security_group_id": "sg-1", "from_port": 443, "to_port": 443, "cidr_ipv4": "0.0.0.0/0"}"#;
    expect(
        &ssh(&[echo(&[]), created(RULE, unknown, r#"{"ip_protocol": true}"#)]),
        Undetermined,
    );
    let inside = after.replace("0.0.0.0/0", "10.0.0.0/8");
    expect(
        &ssh(&[echo(&[]), created(RULE, &inside, r#"{"to_port": true}"#)]),
        Pass,
    );
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
