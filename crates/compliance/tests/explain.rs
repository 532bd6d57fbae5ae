//! What a rule means, as its reader sees it.

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
use support::{TODAY, policy, repository};

/// All rules of a policy, explained one after the other.
fn all(policy: &Policy) -> String {
    let pages: Vec<String> = policy
        .rule_ids()
        .map(|id| policy.explain(id, TODAY.parse().unwrap()).unwrap())
        .collect();
    pages.join("\n")
}

#[test]
fn the_estates_policy() {
    insta::assert_snapshot!("estate", all(&policy(&repository("terraform/policy.yaml"))));
}

#[test]
fn the_catalogue() {
    for name in ["cis-aws-5.0", "fsbp-ec2", "aws-config"] {
        let text = repository(&format!("policies/{name}.yaml"));
        insta::assert_snapshot!(format!("catalogue-{name}"), all(&policy(&text)));
    }
}

const EVERYTHING: &str = "
version: 1
networks:
  many: [11.0.0.0/24, 11.0.2.0/24, 11.0.4.0/24, 11.0.6.0/24, 11.0.8.0/24, 11.0.10.0/24, 11.0.12.0/24, 11.0.14.0/24, 11.0.16.0/24, 11.0.18.0/24]
rules:
  - id: no-title
    severity: info
    deny: {}
  - id: half-of-them
    title: Not half of our partners' addresses
    severity: medium
    groups: { name: \"web-*\", tags: { exposure: public, team: shop } }
    per: member
    deny: { direction: egress, protocol: [tcp, 50, icmp], peers: [many, pl-01], extent: \"12.5%\" }
  - id: not-from-these-groups
    title: \"Not \\e[31mred\"
    severity: low
    deny: { protocol: udp, ports: \"1-1024\", peers: [sg-01, sg-02] }
  - id: every-rule-says-why
    severity: low
    require: { description: true }
waivers:
  - { rule: half-of-them, resource: aws_security_group.legacy, exposure: { direction: egress, protocol: tcp, ports: [8443], peers: [11.0.0.0/24] }, reason: partner migration, owner: network team, expires: 2027-01-31 }
  - { rule: half-of-them, resource: sg-0a, exposure: { peers: any, except: private }, reason: old, owner: nobody, expires: 2026-11-22 }
  - { rule: every-rule-says-why, resource: aws_security_group.old, reason: to be removed, owner: network team, expires: 2026-11-23 }
";

#[test]
fn every_part_of_the_language() {
    insta::assert_snapshot!("everything", all(&policy(EVERYTHING)));
}

#[test]
fn the_internet_of_one_family_is_told_by_what_is_left_of_it() {
    let told = |peers: &str, except: &str| {
        let text = format!(
            "version: 1\nrules:\n  - {{ id: r, title: R, severity: low, deny: {{ peers: {peers}, except: {except} }} }}\n"
        );
        let page = policy(&text).explain("r", TODAY.parse().unwrap()).unwrap();
        let line = page.lines().find(|line| line.starts_with("forbids")).unwrap();
        line.trim_start_matches("forbids").trim().to_owned()
    };
    insta::assert_snapshot!(
        [
            told("internet", "'::/0'"),
            told("internet", "'2000::/3'"),
            told("internet", "['0.0.0.0/1', '128.0.0.0/1']"),
            told("internet", "['0.0.0.0/0', '2001:db8::/32']"),
            told("internet", "'8.0.0.0/8'"),
            told("[internet, sg-01]", "'::/0'"),
            told("internet", "['::/0', pl-01]"),
        ]
        .join("\n"),
        @r"
        all incoming and outgoing traffic from or to the IPv4 internet
        all incoming and outgoing traffic from or to the IPv4 internet
        all incoming and outgoing traffic from or to the IPv6 internet
        all incoming and outgoing traffic from or to the IPv6 internet
        all incoming and outgoing traffic from or to the internet, except 8.0.0.0/8
        all incoming and outgoing traffic from or to the internet, sg-01, except ::/0
        all incoming and outgoing traffic from or to the internet, except ::/0, pl-01
        "
    );
}

#[test]
fn an_unknown_rule_has_no_meaning() {
    assert_eq!(
        policy(EVERYTHING).explain("no-titel", TODAY.parse().unwrap()),
        None
    );
}
