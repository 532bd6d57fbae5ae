//! Addresses, ports and protocols that look like a hole and are none, and the other way round. After the EC2 API reference and IANA's
//! registries.

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
use portcullis_terraform::Plan;
use support::{
    RULE, SSH, block, created, echo, expect, judged, one_rule, open_ssh, plan_of, rule_on, ssh, tcp,
};

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
