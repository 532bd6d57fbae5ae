//! Which changes of a policy count as loosened.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

use portcullis_compliance::{Policy, loosened, loosened_files};

const BEFORE: &str = r#"
version: 1
networks: { offices: ["8.8.8.0/28"] }
rules:
  - id: admin
    severity: high
    groups: { name: "web-*" }
    deny: { direction: ingress, protocol: tcp, ports: [22, 3389], peers: internet, except: [offices] }
  - id: public
    severity: medium
    allow_only: { peers: internet, protocol: tcp, ports: [80, 443] }
  - id: wide
    severity: low
    deny: { peers: internet, extent: "50%" }
  - id: listed
    severity: low
    deny: { peers: [pl-1] }
  - id: described
    severity: info
    require: { description: true }
waivers:
  - rule: admin
    resource: aws_security_group.a
    exposure: { protocol: tcp, ports: [22] }
    reason: r
    owner: o
    expires: 2027-01-31
configuration:
  providers: ["hashicorp/*"]
  modules: ["./*"]
  forbid_data: [external, http]
  backends: [http]
  pinned_modules: true
"#;

/// The policy with one piece of its text exchanged.
fn with(old: &str, new: &str) -> Policy {
    assert!(BEFORE.contains(old), "{old}");
    Policy::read(&BEFORE.replacen(old, new, 1)).unwrap()
}

#[test]
fn what_lets_more_pass_is_named() {
    let before = Policy::read(BEFORE).unwrap();
    let described = "  - id: described\n    severity: info\n    require: { description: true }\n";
    let mut all = String::new();
    for (what, old, new) in [
        ("rule removed", described, ""),
        ("rule renamed", "id: described", "id: descriptions"),
        ("severity lowered", "severity: high", "severity: medium"),
        ("other groups", "web-*", "web-1-*"),
        (
            "by member",
            "    severity: low\n    deny: { peers: internet",
            "    severity: low\n    per: member\n    deny: { peers: internet",
        ),
        ("a port less", "[22, 3389]", "[22]"),
        (
            "one direction",
            "allow_only: { peers",
            "allow_only: { direction: ingress, peers",
        ),
        ("allow_only widened", "[80, 443]", "[80, 443, 8080]"),
        (
            "an exception more",
            "except: [offices]",
            "except: [offices, private, 9.9.9.0/24]",
        ),
        ("a network grows", "8.8.8.0/28", "8.8.8.0/24"),
        (
            "fewer peers",
            "ports: [22, 3389], peers: internet",
            "ports: [22, 3389], peers: 0.0.0.0/1",
        ),
        ("extent raised", "50%", "60%"),
        (
            "extent of other peers",
            "deny: { peers: internet, extent",
            "deny: { peers: any, extent",
        ),
        ("another prefix list", "pl-1", "pl-2"),
        (
            "an exception of a prefix list",
            "peers: [pl-1]",
            "peers: [pl-1], except: [offices]",
        ),
        (
            "another check",
            "require: { description: true }",
            "require: { exists: true }\n    groups: { name: x }",
        ),
        ("waiver longer", "2027-01-31", "2027-02-01"),
        (
            "waiver wider",
            "{ protocol: tcp, ports: [22] }",
            "{ protocol: tcp, ports: [22, 23] }",
        ),
        (
            "waiver of another",
            "aws_security_group.a",
            "aws_security_group.b",
        ),
        (
            "partial plans",
            "version: 1\n",
            "version: 1\npartial_plans: accept\n",
        ),
        ("provider", r#"["hashicorp/*"]"#, r#"["hashicorp/*", "evil/*"]"#),
        ("any module", "  modules: [\"./*\"]\n", ""),
        ("data source", "[external, http]", "[external]"),
        (
            "provisioner",
            "  pinned",
            "  provisioners: [local-exec]\n  pinned",
        ),
        ("backend", "backends: [http]", "backends: [http, local]"),
        ("pins", "pinned_modules: true", "pinned_modules: false"),
    ] {
        let found = loosened(&before, &with(old, new));
        assert!(!found.is_empty(), "{what}");
        all.push_str(&format!("{what}\n  {}\n", found.join("\n  ")));
    }
    insta::assert_snapshot!("loosened", all);
}

#[test]
fn what_is_as_strict_or_stricter_is_not_named() {
    let before = Policy::read(BEFORE).unwrap();
    for (old, new) in [
        ("version: 1", "version: 1 # a remark"),
        (
            "    severity: high\n",
            "    title: Another title\n    severity: critical\n",
        ),
        ("    groups: { name: \"web-*\" }\n", ""),
        ("[22, 3389]", "[3389, 22, 5900]"),
        (
            "direction: ingress, protocol: tcp, ports: [22, 3389]",
            "protocol: tcp, ports: [22, 3389]",
        ),
        ("[80, 443]", "[443]"),
        ("8.8.8.0/28", "8.8.8.0/29"),
        ("50%", "40%"),
        ("peers: internet, extent: \"50%\"", "peers: internet"),
        ("peers: [pl-1]", "peers: [pl-1, 192.0.2.0/24]"),
        ("2027-01-31", "2027-01-30"),
        (
            "ports: [22] }\n    reason: r",
            "ports: [22], peers: 192.0.2.0/24 }\n    reason: other words",
        ),
        ("[external, http]", "[external, http, local_command]"),
        ("backends: [http]", "backends: []"),
        (
            "rules:\n",
            "rules:\n  - id: more\n    severity: low\n    deny: { peers: any }\n",
        ),
    ] {
        let found = loosened(&before, &with(old, new));
        assert_eq!(found, [""; 0], "{new}");
    }
    // Rules in another order are the same rules.
    let moved = BEFORE.replace(
        "  - id: described\n    severity: info\n    require: { description: true }\n",
        "",
    );
    let moved = moved.replace(
        "rules:\n",
        "rules:\n  - id: described\n    severity: info\n    require: { description: true }\n",
    );
    assert_eq!(loosened(&before, &Policy::read(&moved).unwrap()), [""; 0]);
    // Whoever takes it back loosens nothing either way round.
    assert_eq!(loosened(&before, &before), [""; 0]);
}

#[test]
fn files_are_compared_as_the_one_policy_they_make() {
    let files = |texts: &[&str]| -> Vec<(String, String)> {
        let named = texts.iter().enumerate();
        named
            .map(|(n, text)| (format!("{n}.yaml"), (*text).to_owned()))
            .collect()
    };
    // What held before cannot be told from text that is no policy.
    assert_eq!(loosened_files(&files(&["{}"]), &files(&[BEFORE])), None);
    let told =
        |before: &[(String, String)], after: &[(String, String)]| loosened_files(before, after).unwrap();
    assert_eq!(told(&[], &files(&[BEFORE])), [""; 0]);
    assert_eq!(
        told(&files(&[BEFORE]), &files(&["{}"])),
        ["it is no policy any more"]
    );
    // A rule that moves from one file to another is the same rule; a waiver in a file of its own is a waiver.
    let rule =
        |id: &str| format!("{{version: 1, rules: [{{id: {id}, severity: low, deny: {{peers: any}}}}]}}");
    let both = "{version: 1, rules: [{id: a, severity: low, deny: {peers: any}}, {id: b, severity: low, deny: {peers: any}}]}";
    let (apart, joined) = (files(&[&rule("a"), &rule("b")]), files(&[both]));
    assert_eq!(told(&apart, &joined), [""; 0]);
    assert_eq!(told(&joined, &apart), [""; 0]);
    assert_eq!(told(&joined, &files(&[&rule("a")])), ["the rule b is gone"]);
}
