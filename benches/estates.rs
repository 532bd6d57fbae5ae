//! Made-up estates for the benchmarks: the same numbers in every run, and in every package that measures.
//!
//! Included by `#[path]` where a benchmark needs it; each one uses a part.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "shared by several benchmarks, each of which uses a part; made-up values are right by construction"
)]

use portcullis_secgroup::{Cidr, Direction, Group, Peer, Ports, Protocol, Rule};
use std::fmt::Write as _;
use std::net::Ipv4Addr;

/// Numbers that look random and are always the same (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 33).unwrap() % below
    }
}

fn block(address: Ipv4Addr, length: u8) -> Peer {
    Peer::Cidr(Cidr::new(address.into(), length).unwrap())
}

fn tcp(from: u16, to: u16, peer: Peer) -> Rule {
    let ports = Ports::read(Protocol::TCP, Some(from.into()), Some(to.into())).unwrap();
    Rule {
        description: Some("made for the benchmark".to_owned()),
        ..Rule::new(Direction::Ingress, Protocol::TCP, ports, peer)
    }
}

fn group(number: usize, rules: Vec<Rule>) -> Group {
    Group {
        id: Some(format!("sg-{number:017x}")),
        address: Some(format!("aws_security_group.team[{number}]")),
        name: Some(format!("team-{number}")),
        rules,
        ..Group::default()
    }
}

/// An ordinary estate: most rules are of private networks and of other groups, some of the internet, few are wrong.
pub(crate) fn ordinary(groups: usize, rules_each: usize) -> Vec<Group> {
    const SERVICES: [u16; 8] = [80, 443, 5432, 6379, 8080, 8443, 9090, 9100];
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let number_of_groups = u32::try_from(groups).unwrap();
    let mut rule = move || {
        let service = SERVICES[numbers.next(8) as usize];
        match numbers.next(1000) {
            0..550 => {
                let network = Ipv4Addr::from_bits(0x0a00_0000 | (numbers.next(0x1_0000) << 8));
                tcp(service, service, block(network, 24))
            }
            550..700 => tcp(
                service,
                service,
                Peer::group(format!("sg-{:017x}", numbers.next(number_of_groups))),
            ),
            700..750 => tcp(0, 65_535, Peer::SelfGroup),
            750..850 => tcp(443, 443, block(Ipv4Addr::UNSPECIFIED, 0)),
            850..990 => Rule {
                direction: Direction::Egress,
                ..Rule::new(
                    Direction::Egress,
                    Protocol::All,
                    Ports::All,
                    block(Ipv4Addr::UNSPECIFIED, 0),
                )
            },
            990..998 => {
                let network = Ipv4Addr::from_bits(0x0800_0000 | (numbers.next(0x1_0000) << 8));
                tcp(8000, 8100, block(network, 24))
            }
            _ => {
                let network = Ipv4Addr::from_bits(0x0900_0000 | (numbers.next(0x1_0000) << 8));
                tcp(22, 22, block(network, 24))
            }
        }
    };
    (0..groups)
        .map(|number| group(number, (0..rules_each).map(|_| rule()).collect()))
        .collect()
}

/// One group whose rules have one port each, and a source of its own each.
pub(crate) fn flat(rules: u32) -> Group {
    let rule = |n: u32| {
        let port = u16::try_from(n % 60_000 + 1024).unwrap();
        tcp(port, port, block(Ipv4Addr::from_bits(0x0800_0000 + 3 * n), 32))
    };
    group(0, (0..rules).map(rule).collect())
}

/// One group of the worst shape: port ranges inside of one another, each with a source of its own. The set they open has
/// about as many steps as rules, and each step as many sources.
pub(crate) fn nested(rules: u32) -> Group {
    let rule = |n: u32| {
        let inset = u16::try_from(n % 30_000).unwrap();
        tcp(
            inset,
            u16::MAX - inset,
            block(Ipv4Addr::from_bits(0x0800_0000 + 3 * n), 32),
        )
    };
    group(0, (0..rules).map(rule).collect())
}

/// One group that opens port 22 to the whole internet by many small blocks.
pub(crate) fn shards(bits: u8) -> Group {
    let block = |n: u32| tcp(22, 22, block(Ipv4Addr::from_bits(n << (32 - bits)), bits));
    group(0, (0..1 << bits).map(block).collect())
}

/// Twenty rules of every kind.
pub(crate) fn policy() -> String {
    let mut text = "version: 1\nnetworks: { offices: [203.0.113.0/28] }\nrules:\n".to_owned();
    let mut rule = |id: &str, what: &str| {
        let _ = writeln!(text, "  - id: {id}\n    severity: high\n    {what}");
    };
    for port in [22, 3389, 3306, 5432, 6379, 9200, 11211, 27017, 445] {
        rule(
            &format!("port-{port}-closed-to-the-internet"),
            &format!(
                "deny: {{ direction: ingress, protocol: tcp, ports: [{port}], peers: internet, except: [offices] }}"
            ),
        );
    }
    for port in [21, 23, 25, 135, 1433] {
        rule(
            &format!("port-{port}-not-for-everybody"),
            &format!(
                "deny: {{ direction: ingress, protocol: tcp, ports: [{port}], peers: internet, extent: whole }}"
            ),
        );
    }
    for share in [1, 50] {
        rule(
            &format!("at-most-{share}-percent"),
            &format!(
                "deny: {{ direction: ingress, ports: [\"8000-8999\"], peers: internet, extent: \"{share}%\" }}"
            ),
        );
    }
    rule(
        "only-the-web",
        "allow_only: { direction: ingress, peers: internet, protocol: tcp, ports: [80, 443] }",
    );
    rule("no-gre", "deny: { protocol: 47, extent: any }");
    rule(
        "default-lets-nothing-in",
        "groups: { name: default }\n    deny: { direction: ingress, peers: any }",
    );
    rule(
        "each-rule-says-why",
        "groups: { name: \"team-1*\" }\n    require: { description: true }",
    );
    text
}

/// The plan that would make these groups, each rule a resource of its own.
pub(crate) fn plan_json(groups: &[Group]) -> String {
    let mut out = r#"{"format_version":"1.2","terraform_version":"1.11.4","resource_changes":["#.to_owned();
    let mut first = true;
    for (kind, address, attributes) in resources(groups) {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        let name = address.split(['.', '[']).nth(1).unwrap_or_default();
        let _ = write!(
            out,
            r#"{{"address":"{address}","mode":"managed","type":"{kind}","name":"{name}","provider_name":"registry.terraform.io/hashicorp/aws","change":{{"actions":["no-op"],"before":{attributes},"after":{attributes},"after_unknown":{{}},"before_sensitive":{{"tags_all":{{}}}},"after_sensitive":{{"tags_all":{{}}}}}}}}"#
        );
    }
    out.push_str("]}");
    out
}

/// The state that records these groups, each rule a resource of its own.
pub(crate) fn state_json(groups: &[Group]) -> String {
    let mut out =
        r#"{"version":4,"terraform_version":"1.11.4","serial":7,"lineage":"made","outputs":{},"resources":["#
            .to_owned();
    let mut first = true;
    for (kind, address, attributes) in resources(groups) {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        let name = address.replace(['.', '[', ']'], "_");
        let _ = write!(
            out,
            r#"{{"mode":"managed","type":"{kind}","name":"{name}","provider":"provider[\"registry.terraform.io/hashicorp/aws\"]","instances":[{{"schema_version":1,"attributes":{attributes},"sensitive_attributes":[],"private":"bnVsbA==","dependencies":["aws_vpc.main"]}}]}}"#
        );
    }
    out.push_str("]}");
    out
}

/// Type, address and attributes of each resource.
fn resources(groups: &[Group]) -> impl Iterator<Item = (&'static str, String, String)> {
    groups.iter().enumerate().flat_map(|(number, group)| {
        let id = group.id.as_deref().unwrap_or_default();
        let own = (
            "aws_security_group",
            format!("aws_security_group.team[{number}]"),
            format!(
                r#"{{"arn":"arn:aws:ec2:eu-central-1:123456789012:security-group/{id}","description":"Managed by Terraform","id":"{id}","name":"team-{number}","name_prefix":"","owner_id":"123456789012","revoke_rules_on_delete":false,"tags":{{"Name":"team-{number}"}},"tags_all":{{"Name":"team-{number}"}},"timeouts":null,"vpc_id":"vpc-0123456789abcdef0","ingress":[],"egress":[]}}"#
            ),
        );
        let rules = group.rules.iter().enumerate().map(move |(index, rule)| {
            let kind = match rule.direction {
                Direction::Ingress => "aws_vpc_security_group_ingress_rule",
                Direction::Egress => "aws_vpc_security_group_egress_rule",
            };
            let protocol = rule.protocol.value().unwrap();
            let (from, to) = rule.ports.value().unwrap().as_written(protocol);
            let peer = match &rule.peer {
                Peer::Cidr(cidr) => format!(r#""cidr_ipv4":"{cidr}","referenced_security_group_id":null"#),
                Peer::SelfGroup => format!(r#""cidr_ipv4":null,"referenced_security_group_id":"{id}""#),
                other => format!(r#""cidr_ipv4":null,"referenced_security_group_id":"{other}""#),
            };
            (
                kind,
                format!("{kind}.team_{number}[{index}]"),
                format!(
                    r#"{{"arn":"arn:aws:ec2:eu-central-1:123456789012:security-group-rule/sgr-{index:017x}","cidr_ipv6":null,{peer},"description":"made for the benchmark","from_port":{from},"id":"sgr-{index:017x}","ip_protocol":"{protocol}","prefix_list_id":null,"security_group_id":"{id}","security_group_rule_id":"sgr-{number:08x}{index:09x}","tags":{{}},"tags_all":{{}},"to_port":{to}}}"#
                ),
            )
        });
        std::iter::once(own).chain(rules)
    })
}
