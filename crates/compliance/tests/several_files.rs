//! Several files that make one policy: a catalogue beside one's own rules, waivers in a file of their own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::allow_attributes,
    reason = "tests"
)]

mod support;

use portcullis_compliance::Policy;
use portcullis_report::Verdict;
use support::{judged, repository, small_plan, tcp};

const OWN: &str = "version: 1
networks: { offices: [203.0.113.0/24] }
rules:
  - { id: ssh, severity: high, deny: { protocol: tcp, ports: [22], peers: any, except: offices } }
";
const WAIVERS: &str = "version: 1
waivers:
  - rule: ssh
    resource: aws_security_group.web
    exposure: { protocol: tcp, ports: [22], peers: 198.51.100.0/24 }
    reason: partner
    owner: network team
    expires: 2027-01-31
";

/// What is wrong with the files, as their author reads it.
fn complaint(files: &[(&str, &str)]) -> String {
    let error = Policy::read_all(files.iter().copied()).unwrap_err();
    let hint = error
        .hint()
        .map(|hint| format!("\n  hint: {hint}"))
        .unwrap_or_default();
    format!("{}: {}{hint}", error.file(), error.reason())
}

#[test]
fn rules_of_all_files_count_and_waivers_speak_of_the_rules_of_any() {
    let catalogue = repository("policies/cis-aws-5.0.yaml");
    let plan = small_plan(&tcp(22, "198.51.100.0/24"), "");
    let read = |files: &[(&str, &str)]| Policy::read_all(files.iter().copied()).unwrap();
    let alone = judged(&read(&[("own.yaml", OWN), ("cis.yaml", &catalogue)]), &plan);
    assert_eq!(alone.verdict, Verdict::Violation);
    for files in [
        [
            ("own.yaml", OWN),
            ("cis.yaml", &catalogue),
            ("waivers.yaml", WAIVERS),
        ],
        [
            ("waivers.yaml", WAIVERS),
            ("own.yaml", OWN),
            ("cis.yaml", &catalogue),
        ],
    ] {
        let policy = read(&files);
        assert!(policy.rule_ids().any(|id| id == "ssh"));
        assert!(policy.rule_ids().any(|id| id.starts_with("cis-5-3")));
        let report = judged(&policy, &plan);
        assert_eq!(report.verdict, Verdict::Pass, "{}", report.to_text());
    }
}

#[test]
fn the_three_catalogues_fit_into_one_policy() {
    let files = ["cis-aws-5.0", "fsbp-ec2", "aws-config"]
        .map(|name| (name, repository(&format!("policies/{name}.yaml"))));
    let policy = Policy::read_all(files.iter().map(|(name, text)| (*name, text.as_str()))).unwrap();
    let each: usize = files
        .iter()
        .map(|(_, text)| Policy::read(text).unwrap().rule_ids().count())
        .sum();
    assert_eq!(policy.rule_ids().count(), each);
}

#[test]
fn a_network_may_stand_in_one_file_and_be_used_in_another() {
    let networks = "version: 1\nnetworks: { offices: [203.0.113.0/24] }\n";
    let rules = OWN.replace("networks: { offices: [203.0.113.0/24] }\n", "");
    assert!(Policy::read_all([("rules.yaml", rules.as_str()), ("networks.yaml", networks)]).is_ok());
    // The same in both is no trouble.
    assert!(Policy::read_all([("own.yaml", OWN), ("networks.yaml", networks)]).is_ok());
}

#[test]
fn what_does_not_fit_together_names_both_files() {
    let other = OWN
        .replace("203.0.113.0/24", "192.0.2.0/24")
        .replace("id: ssh", "id: telnet");
    let partial =
        |word: &str| format!("{OWN}partial_plans: {word}\n").replace("id: ssh", &format!("id: {word}"));
    let gate = |id: &str| {
        format!("{OWN}configuration: {{ provisioners: [] }}\n").replace("id: ssh", &format!("id: {id}"))
    };
    let cases: [&[(&str, &str)]; 8] = [
        &[("own.yaml", OWN), ("copy.yaml", OWN)],
        &[("own.yaml", OWN), ("other.yaml", &other)],
        &[
            ("a.yaml", &partial("accept")),
            ("b.yaml", &partial("undetermined")),
        ],
        &[("a.yaml", &gate("a")), ("b.yaml", &gate("b"))],
        &[("waivers.yaml", WAIVERS)],
        &[("own.yaml", &other), ("waivers.yaml", WAIVERS)],
        &[("own.yaml", OWN), ("empty.yaml", "")],
        &[
            ("own.yaml", OWN),
            ("bad.yaml", "version: 1\nrules: [{ id: x, sevrity: low }]\n"),
        ],
    ];
    let told: Vec<String> = cases.iter().map(|files| complaint(files)).collect();
    insta::assert_snapshot!("files-at-odds", told.join("\n"));
}
