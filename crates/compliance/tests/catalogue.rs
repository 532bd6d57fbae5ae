//! The ready policies in `policies/`: each rule by itself, with what breaks it and what comes near.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

mod support;

use portcullis_compliance::Policy;
use portcullis_report::Verdict::{Pass, Undetermined, Violation};
use std::collections::{BTreeMap, BTreeSet};
use support::{block, group_with, judged, place, plan_of, repository, tcp};

/// The files of the catalogue, by name.
fn files() -> BTreeMap<String, String> {
    std::fs::read_dir(place("policies"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .map(|name| (name.clone(), repository(&format!("policies/{name}"))))
        .collect()
}

/// A group of any name with these blocks.
fn web(ingress: &[String]) -> String {
    plan_of(&[group_with("web", &ingress.join(", "), "", "")])
}

/// What goes out of it.
fn web_out(egress: &str) -> String {
    plan_of(&[group_with("web", "", egress, "")])
}

/// A VPC's default group as it stands, with these blocks.
fn default_group(ingress: &str, egress: &str) -> String {
    let values = format!(
        r#"{{"id": "sg-0de", "name": "default", "ingress": [{ingress}], "egress": [{egress}], "tags": {{}}}}"#
    );
    plan_of(&[format!(
        r#"{{"address": "aws_default_security_group.this", "mode": "managed", "type": "aws_default_security_group",
        "name": "this", "change": {{"actions": ["no-op"], "before": {values}, "after": {values}, "after_unknown": {{}}}}}}"#
    )])
}

const ITSELF: &str = r#"{"protocol": "-1", "from_port": 0, "to_port": 0, "self": true}"#;

struct Case {
    rule: &'static str,
    breaks: Vec<String>,
    near_misses: Vec<String>,
}

/// What breaks a rule on these ports for the IPv4 world, over tcp and, where `udp`, over udp as well.
fn ipv4_world(ports: &[u16], udp: bool) -> Vec<String> {
    let world = "0.0.0.0/0";
    let mut plans = vec![
        // All protocols, whatever range stands beside it.
        web(&[block("-1", 0, 0, world)]),
        web(&[block("-1", 443, 443, world)]),
    ];
    for &port in ports {
        let at = i32::from(port);
        plans.extend([
            web(&[tcp(port, world)]),
            web(&[block("6", at, at, world)]),
            // A range that holds the port, and nearly all ports.
            web(&[block("tcp", at - 1, at + 1, world)]),
            web(&[block("tcp", 0, 65_535, world)]),
            // The world in two halves; host bits that AWS masks; and one rule of several.
            web(&[tcp(port, "0.0.0.0/1"), tcp(port, "128.0.0.0/1")]),
            web(&[tcp(port, "67.221.169.243/0")]),
            web(&[tcp(1, "10.0.0.0/8"), tcp(port, "10.0.0.0/8"), tcp(port, world)]),
            // The world beside a group and itself, in one block.
            web(&[format!(
                r#"{{"protocol": "tcp", "from_port": {port}, "to_port": {port}, "cidr_blocks": ["10.0.0.0/8", "{world}"],
                "self": true, "security_groups": ["sg-01"]}}"#
            )]),
        ]);
        if udp {
            plans.push(web(&[block("udp", at, at, world)]));
            plans.push(web(&[block("17", 0, 65_535, world)]));
        }
    }
    plans
}

/// The same for IPv6.
fn ipv6_world(ports: &[u16]) -> Vec<String> {
    let mut plans = vec![web(&[block("-1", 0, 0, "::/0")])];
    for &port in ports {
        plans.extend([
            web(&[tcp(port, "::/0")]),
            // Spelled long, spelled with host bits, only what is global, and in halves.
            web(&[tcp(port, "0000:0000:0000:0000:0000:0000:0000:0000/0")]),
            web(&[tcp(port, "2001:db8::1/0")]),
            web(&[tcp(port, "2000::/3")]),
            web(&[tcp(port, "::/1"), tcp(port, "8000::/1")]),
        ]);
    }
    plans
}

/// What comes near a rule on these ports, and is none of its matter.
fn near(ports: &[u16]) -> Vec<String> {
    let world = "0.0.0.0/0";
    let mut plans = vec![
        plan_of(&[]),
        // Other protocols: a rule for 50 opens no port of tcp.
        web(&[block("icmp", -1, -1, world)]),
        web(&[block("50", 22, 3389, world)]),
        // Outwards.
        web_out(&block("-1", 0, 0, world)),
    ];
    for &port in ports {
        let at = i32::from(port);
        plans.extend([
            // Half of the world; the largest public blocks; private sources; a group.
            web(&[tcp(port, "0.0.0.0/1")]),
            web(&[tcp(port, "9.0.0.0/8"), tcp(port, "67.221.168.0/23")]),
            web(&[tcp(port, "10.0.0.0/8"), tcp(port, "fc00::/7")]),
            web(&[format!(
                r#"{{"protocol": "tcp", "from_port": {at}, "to_port": {at}, "security_groups": ["sg-01"], "self": true}}"#
            )]),
            // The neighbour's ports.
            web(&[block("tcp", 443, 443, world)]),
            // Two halves on two ports are no whole.
            web(&[tcp(port, "0.0.0.0/1"), tcp(443, "128.0.0.0/1")]),
        ]);
    }
    plans
}

const HIGH_RISK: [u16; 24] = [
    20, 21, 22, 23, 25, 110, 135, 143, 445, 1433, 1434, 3000, 3306, 3389, 4333, 5000, 5432, 5500, 5601, 8080,
    8088, 8888, 9200, 9300,
];

fn both(ports: &[u16], udp: bool) -> Vec<String> {
    [ipv4_world(ports, udp), ipv6_world(ports)].concat()
}

fn only_ipv4(rule: &'static str) -> Case {
    let mut near_misses = near(&[22, 3389]);
    near_misses.extend(ipv6_world(&[22, 3389]));
    Case {
        rule,
        breaks: ipv4_world(&[22, 3389], true),
        near_misses,
    }
}

fn only_ipv6(rule: &'static str) -> Case {
    let mut near_misses = near(&[22, 3389]);
    near_misses.extend(ipv4_world(&[22, 3389], true));
    near_misses.push(web(&[tcp(22, "2000::/4")]));
    Case {
        rule,
        breaks: ipv6_world(&[22, 3389]),
        near_misses,
    }
}

fn default_in(rule: &'static str) -> Case {
    Case {
        rule,
        breaks: vec![
            default_group(ITSELF, ""),
            default_group(&tcp(443, "10.0.0.1/32"), ""),
            default_group(
                r#"{"protocol": "tcp", "from_port": 1, "to_port": 1, "security_groups": ["sg-01"]}"#,
                "",
            ),
            default_group(
                r#"{"protocol": "tcp", "from_port": 1, "to_port": 1, "prefix_list_ids": ["pl-01"]}"#,
                "",
            ),
        ],
        near_misses: vec![
            default_group("", ""),
            default_group("", &block("-1", 0, 0, "0.0.0.0/0")),
            web(&[block("-1", 0, 0, "0.0.0.0/0")]),
        ],
    }
}

fn default_out(rule: &'static str) -> Case {
    Case {
        rule,
        breaks: vec![
            default_group("", &block("-1", 0, 0, "0.0.0.0/0")),
            default_group("", ITSELF),
        ],
        near_misses: vec![
            default_group("", ""),
            default_group(ITSELF, ""),
            web_out(&block("-1", 0, 0, "0.0.0.0/0")),
        ],
    }
}

fn cases() -> Vec<Case> {
    let authorized = |rule, allowed: &[(i32, i32)]| Case {
        rule,
        breaks: vec![
            web(&[tcp(8443, "0.0.0.0/0")]),
            web(&[tcp(22, "::/0")]),
            web(&[block("udp", 443, 443, "0.0.0.0/0")]),
            web(&[block("tcp", 442, 443, "0.0.0.0/0")]),
            web(&[block("-1", 0, 0, "0.0.0.0/0")]),
            web(&[block("icmp", 8, 0, "0.0.0.0/0")]),
            web(&[tcp(8443, "0.0.0.0/1"), tcp(8443, "128.0.0.0/1")]),
        ],
        near_misses: [
            plan_of(&[]),
            web(&[tcp(8443, "9.0.0.0/8")]),
            web(&[tcp(8443, "0.0.0.0/1")]),
            web_out(&block("-1", 0, 0, "0.0.0.0/0")),
        ]
        .into_iter()
        .chain(allowed.iter().flat_map(|&(from, to)| {
            [
                web(&[block("tcp", from, to, "0.0.0.0/0")]),
                web(&[block("tcp", from, to, "::/0")]),
            ]
        }))
        .collect(),
    };
    vec![
        only_ipv4("cis-5-3-admin-ports-ipv4"),
        only_ipv6("cis-5-4-admin-ports-ipv6"),
        default_in("cis-5-5-default-group-in"),
        default_out("cis-5-5-default-group-out"),
        Case {
            rule: "cis-5-1-2-cifs",
            breaks: [both(&[445], false), vec![web(&[tcp(445, "9.9.9.9/32")])]].concat(),
            near_misses: vec![
                web(&[tcp(445, "10.0.0.0/8")]),
                web(&[block("tcp", 443, 444, "0.0.0.0/0")]),
                web(&[block("udp", 445, 445, "0.0.0.0/0")]),
            ],
        },
        default_in("fsbp-ec2-2-default-group-in"),
        default_out("fsbp-ec2-2-default-group-out"),
        Case {
            rule: "fsbp-ec2-13-ssh",
            breaks: both(&[22], false),
            near_misses: [near(&[22]), vec![web(&[block("udp", 22, 22, "0.0.0.0/0")])]].concat(),
        },
        Case {
            rule: "fsbp-ec2-14-rdp",
            breaks: both(&[3389], false),
            near_misses: [near(&[3389]), vec![web(&[tcp(22, "0.0.0.0/0")])]].concat(),
        },
        authorized("fsbp-ec2-18-authorized-ports", &[(80, 80), (443, 443)]),
        Case {
            rule: "fsbp-ec2-19-high-risk-ports",
            breaks: both(&HIGH_RISK, true),
            near_misses: near(&HIGH_RISK),
        },
        only_ipv4("fsbp-ec2-53-admin-ports-ipv4"),
        only_ipv6("fsbp-ec2-54-admin-ports-ipv6"),
        Case {
            rule: "config-restricted-common-ports",
            breaks: both(&[20, 21, 3306, 3389, 4333], false),
            near_misses: [
                near(&[20, 21, 3306, 3389, 4333]),
                vec![
                    web(&[tcp(22, "0.0.0.0/0")]),
                    web(&[block("udp", 21, 21, "0.0.0.0/0")]),
                ],
            ]
            .concat(),
        },
        authorized(
            "config-vpc-sg-open-only-to-authorized-ports",
            &[(443, 443), (1020, 1025), (1021, 1022)],
        ),
        Case {
            rule: "config-vpc-sg-port-restriction-check",
            breaks: both(&[22, 3389], true),
            near_misses: [near(&[22, 3389]), vec![web(&[tcp(21, "0.0.0.0/0")])]].concat(),
        },
    ]
}

#[test]
fn every_file_is_valid_and_says_where_it_comes_from() {
    let files = files();
    assert_eq!(files.len(), 3, "{:?}", files.keys());
    for (name, text) in &files {
        let policy = Policy::read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(policy.rule_ids().count() > 0, "{name}");
        assert!(text.starts_with("# yaml-language-server: $schema="), "{name}");
        assert!(text.contains("\n# Source: "), "{name}");
    }
}

#[test]
fn ids_are_unique_over_all_files() {
    let mut seen = BTreeSet::new();
    for (name, text) in files() {
        for id in Policy::read(&text).unwrap().rule_ids() {
            assert!(seen.insert(id.to_owned()), "{id} of {name} stands elsewhere, too");
        }
    }
    let tested: BTreeSet<String> = cases().iter().map(|case| case.rule.to_owned()).collect();
    assert_eq!(seen, tested, "each rule is tested, and each test has its rule");
}

/// The policy of one rule alone, cut out of its file.
fn alone(rule: &str) -> Policy {
    let text = files()
        .into_values()
        .find(|text| text.contains(&format!("id: {rule}\n")))
        .unwrap_or_else(|| panic!("no file has {rule}"));
    let start = text.find(&format!("  - id: {rule}\n")).unwrap();
    let rest = &text[start + 4..];
    let end = rest.find("\n  - id: ").map_or(text.len(), |at| start + 4 + at);
    Policy::read(&format!("version: 1\nrules:\n{}\n", &text[start..end])).unwrap()
}

#[test]
fn each_rule_finds_what_it_is_for_and_nothing_else() {
    for case in cases() {
        let policy = alone(case.rule);
        assert_eq!(policy.rule_ids().collect::<Vec<_>>(), [case.rule]);
        assert!(!case.breaks.is_empty() && !case.near_misses.is_empty());
        for plan in &case.breaks {
            let report = judged(&policy, plan);
            assert_eq!(
                report.verdict,
                Violation,
                "{} on\n{plan}\n{}",
                case.rule,
                report.to_text()
            );
            for finding in &report.findings {
                assert!(
                    !finding.title.is_empty() && !finding.frameworks.is_empty(),
                    "{}",
                    case.rule
                );
                assert!(finding.witness.is_some(), "{}", case.rule);
            }
        }
        for plan in &case.near_misses {
            let report = judged(&policy, plan);
            assert_eq!(
                report.verdict,
                Pass,
                "{} on\n{plan}\n{}",
                case.rule,
                report.to_text()
            );
        }
    }
}

#[test]
fn what_is_not_known_is_never_a_pass_where_it_matters() {
    let unknown = |from: i32, to: i32, protocol: &str| {
        plan_of(&[group_with(
            "web",
            &format!(r#"{{"protocol": "{protocol}", "from_port": {from}, "to_port": {to}}}"#),
            "",
            r#"{"cidr_blocks": true}"#,
        )])
    };
    for (rule, matters, cannot) in [
        (
            "cis-5-3-admin-ports-ipv4",
            unknown(22, 22, "tcp"),
            unknown(23, 23, "tcp"),
        ),
        (
            "fsbp-ec2-18-authorized-ports",
            unknown(8080, 8080, "tcp"),
            unknown(443, 443, "tcp"),
        ),
        (
            "config-restricted-common-ports",
            unknown(0, 3306, "tcp"),
            unknown(3306, 3306, "udp"),
        ),
    ] {
        assert_eq!(judged(&alone(rule), &matters).verdict, Undetermined, "{rule}");
        assert_eq!(judged(&alone(rule), &cannot).verdict, Pass, "{rule}");
    }
}

#[test]
fn a_group_whose_name_is_not_known_yet_is_no_default_group() {
    // It creates a default group, and one with a name_prefix.
    let plan = repository("fixtures/rule-styles/1-create/plan.json");
    for rule in ["cis-5-5-default-group-in", "cis-5-5-default-group-out"] {
        let report = judged(&alone(rule), &plan);
        assert_eq!(report.verdict, Pass, "{}", report.to_text());
    }
}

#[test]
fn the_catalogue_on_a_recorded_plan() {
    let plan = repository("fixtures/estate/10-opens-ssh-to-the-world/plan.json");
    let told: Vec<String> = files()
        .iter()
        .map(|(name, text)| {
            format!(
                "{name}\n{}",
                judged(&Policy::read(text).unwrap(), &plan).to_text()
            )
        })
        .collect();
    insta::assert_snapshot!("recorded-plan-opens-ssh", told.join("\n"));
}
