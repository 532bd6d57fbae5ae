//! The estate's policy on the recorded plans, and each part of the language on small plans.

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
use portcullis_report::{Report, Verdict};
use portcullis_terraform::State;
use support::{complaint, judged, one_rule, repository, small_plan, tcp, verdict};

fn estate(step: &str) -> Report {
    let policy = Policy::read(&repository("terraform/policy.yaml")).unwrap();
    judged(&policy, &repository(&format!("fixtures/estate/{step}/plan.json")))
}

fn rule_styles(step: &str, policy: &str) -> Report {
    judged(
        &Policy::read(policy).unwrap(),
        &repository(&format!("fixtures/rule-styles/{step}/plan.json")),
    )
}

#[test]
fn the_wrong_port_is_found_when_the_estate_is_made() {
    insta::assert_snapshot!("estate-setup", estate("1-setup").to_text());
}

#[test]
fn the_correction_passes_and_closes_what_was_wrong() {
    let report = estate("2-correct-web-port");
    assert_eq!(report.verdict, Verdict::Pass);
    insta::assert_snapshot!("estate-correct-web-port", report.to_text());
    insta::assert_snapshot!("estate-correct-web-port-json", report.to_json().unwrap());
}

#[test]
fn a_door_opened_by_hand_fails_the_gate_though_the_plan_does_not_touch_it() {
    insta::assert_snapshot!("estate-hand-made-drift", estate("4-hand-made-drift").to_text());
}

#[test]
fn two_halves_are_the_internet() {
    let report = estate("10-opens-ssh-to-the-world");
    assert_eq!(report.verdict, Verdict::Violation);
    insta::assert_snapshot!("estate-opens-ssh-to-the-world", report.to_text());
}

#[test]
fn a_plan_that_does_not_show_everything_never_passes() {
    for step in ["5-drift-refresh-only", "8-targeted", "9-errored"] {
        assert_ne!(estate(step).verdict, Verdict::Pass, "{step}");
    }
    insta::assert_snapshot!("estate-errored", estate("9-errored").to_text());
    let accepting = format!("{}\npartial_plans: accept\n", repository("terraform/policy.yaml"));
    let plan = repository("fixtures/estate/3-nothing-to-do/plan.json")
        .replace("\"complete\":true", "\"complete\":false");
    assert_eq!(
        judged(&Policy::read(&accepting).unwrap(), &plan).verdict,
        Verdict::Pass
    );
    let strict = Policy::read(&repository("terraform/policy.yaml")).unwrap();
    assert_eq!(judged(&strict, &plan).verdict, Verdict::Undetermined);
}

#[test]
fn every_rule_style_is_judged() {
    let policy = "
version: 1
rules:
  - id: ssh-not-for-the-whole-internet
    severity: critical
    deny: { direction: ingress, protocol: tcp, ports: [22], peers: internet, extent: whole }
  - id: rdp-not-for-the-internet
    severity: critical
    deny: { direction: ingress, protocol: tcp, ports: [3389], peers: internet }
  - id: no-database-from-the-internet
    severity: high
    deny: { direction: ingress, protocol: tcp, ports: [3306, 5432], peers: internet }
  - id: partners-stay-out-of-8444
    severity: medium
    deny: { direction: ingress, protocol: tcp, ports: [8444], peers: 198.51.100.0/24 }
  - id: gre-is-forbidden
    severity: low
    deny: { protocol: 47 }
  - id: every-rule-says-why
    severity: low
    require: { description: true }
";
    insta::assert_snapshot!("rule-styles-create", rule_styles("1-create", policy).to_text());
    insta::assert_snapshot!(
        "rule-styles-replace",
        rule_styles("2-replace-move-remove", policy).to_text()
    );
    let destroyed = rule_styles("3-destroy", policy);
    assert_eq!(destroyed.verdict, Verdict::Pass, "{}", destroyed.to_text());
}

#[test]
fn the_state_and_its_stale_echo() {
    let state = State::read(&repository("fixtures/estate/2-correct-web-port/state.json")).unwrap();
    let policy = Policy::read(&repository("terraform/policy.yaml")).unwrap();
    let report = judge(
        &policy,
        &Subject::recorded(&state.view().unwrap()),
        "2026-11-23".parse().unwrap(),
    );
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.to_text());
}

#[test]
fn the_language_means_what_it_says() {
    let halves = [tcp(22, "0.0.0.0/1"), tcp(22, "128.0.0.0/1")];
    let ssh = |extent: &str| {
        format!(
            "{{ id: r, severity: high, deny: {{ protocol: tcp, ports: [22], peers: internet, extent: {extent} }} }}"
        )
    };
    use Verdict::{Pass, Violation};
    assert_eq!(verdict(&ssh("whole"), &halves), Violation);
    assert_eq!(verdict(&ssh("whole"), &halves[..1]), Pass);
    assert_eq!(verdict(&ssh("any"), &halves[..1]), Violation);
    assert_eq!(verdict(&ssh("\"40%\""), &halves[..1]), Violation);
    assert_eq!(verdict(&ssh("\"90%\""), &halves[..1]), Pass);
    // Two halves on two ports are no whole.
    assert_eq!(
        verdict(&ssh("whole"), &[tcp(22, "0.0.0.0/1"), tcp(23, "128.0.0.0/1")]),
        Pass
    );
    // The private parts are no part of the internet: leaving them out hides nothing.
    let without_ten = [
        "0.0.0.0/5",
        "8.0.0.0/7",
        "11.0.0.0/8",
        "12.0.0.0/6",
        "16.0.0.0/4",
        "32.0.0.0/3",
        "64.0.0.0/2",
        "128.0.0.0/1",
    ];
    assert_eq!(
        verdict(&ssh("whole"), &without_ten.map(|cidr| tcp(22, cidr))),
        Violation
    );
    assert_eq!(
        verdict(
            &ssh("whole"),
            &without_ten[..7].iter().map(|c| tcp(22, c)).collect::<Vec<_>>()
        ),
        Pass
    );
    // Private sources are none of the internet's.
    assert_eq!(verdict(&ssh("any"), &[tcp(22, "10.0.0.0/8")]), Pass);
    // Exceptions are taken out of the peers, also for `whole`.
    let except =
        "{ id: r, severity: high, deny: { protocol: tcp, ports: [22], peers: internet, except: [offices] } }";
    assert_eq!(verdict(except, &[tcp(22, "8.8.8.0/25")]), Pass);
    assert_eq!(verdict(except, &[tcp(22, "8.8.8.0/23")]), Violation);
    // Protocol -1 opens port 22, whatever range stands beside it.
    let all =
        r#"{"protocol": "-1", "from_port": 443, "to_port": 443, "cidr_blocks": ["0.0.0.0/0"]}"#.to_owned();
    assert_eq!(verdict(&ssh("any"), &[all]), Violation);
    // A range counts, and so does a number for a name.
    let range =
        r#"{"protocol": "6", "from_port": 0, "to_port": 1024, "cidr_blocks": ["0.0.0.0/0"]}"#.to_owned();
    assert_eq!(verdict(&ssh("any"), &[range]), Violation);
    let six =
        r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "ipv6_cidr_blocks": ["2000::/3"]}"#.to_owned();
    assert_eq!(verdict(&ssh("whole"), &[six]), Violation);
    let inside =
        r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "self": true, "security_groups": ["sg-1"]}"#
            .to_owned();
    assert_eq!(verdict(&ssh("any"), std::slice::from_ref(&inside)), Pass);
    assert_eq!(
        verdict(
            "{ id: r, severity: low, deny: { peers: sg-1 } }",
            std::slice::from_ref(&inside)
        ),
        Violation
    );
    assert_eq!(
        verdict("{ id: r, severity: low, deny: { peers: any } }", &[inside]),
        Violation
    );
    // allow_only
    let web = "{ id: r, severity: high, allow_only: { direction: ingress, peers: internet, protocol: tcp, ports: [80, 443, \"8000-8010\"] } }";
    assert_eq!(
        verdict(web, &[tcp(443, "0.0.0.0/0"), tcp(8005, "0.0.0.0/0")]),
        Pass
    );
    assert_eq!(verdict(web, &[tcp(8011, "9.0.0.0/8")]), Violation);
    assert_eq!(verdict(web, &[tcp(8011, "10.0.0.0/8")]), Pass);
    let icmp =
        r#"{"protocol": "icmp", "from_port": 8, "to_port": -1, "cidr_blocks": ["0.0.0.0/0"]}"#.to_owned();
    assert_eq!(verdict(web, &[icmp]), Violation);
    // Which groups it speaks of.
    let named = |name: &str| {
        format!("{{ id: r, severity: high, groups: {{ name: \"{name}\" }}, deny: {{ peers: internet }} }}")
    };
    assert_eq!(verdict(&named("we*"), &[tcp(1, "9.0.0.0/8")]), Violation);
    assert_eq!(verdict(&named("db-*"), &[tcp(1, "9.0.0.0/8")]), Pass);
}

#[test]
fn the_unknown_is_tried_both_ways() {
    let unknown_source = |port: u16| {
        small_plan(
            &format!(r#"{{"protocol": "tcp", "from_port": {port}, "to_port": {port}}}"#),
            r#"{"cidr_blocks": true}"#,
        )
    };
    let ssh = one_rule("{ id: r, severity: high, deny: { protocol: tcp, ports: [22], peers: internet } }");
    let report = judged(&ssh, &unknown_source(22));
    assert_eq!(report.verdict, Verdict::Undetermined);
    insta::assert_snapshot!("unknown-source", report.to_text());
    // Where it cannot make the difference, the verdict stands.
    assert_eq!(judged(&ssh, &unknown_source(443)).verdict, Verdict::Pass);
    // A known violation beside an unknown stays a violation.
    let both = small_plan(
        &format!(
            r#"{{"protocol": "tcp", "from_port": 22, "to_port": 22}}, {}"#,
            tcp(22, "0.0.0.0/0")
        ),
        r#"{"cidr_blocks": true}, {}"#,
    );
    assert_eq!(judged(&ssh, &both).verdict, Verdict::Violation);
    // All of it unknown.
    let nothing_known = small_plan(
        "",
        r#"{"cidr_blocks": true, "from_port": true, "protocol": true}"#,
    );
    assert_eq!(judged(&ssh, &nothing_known).verdict, Verdict::Undetermined);
}

const WAIVED: &str = "
version: 1
rules:
  - id: no-https
    severity: high
    deny: { direction: ingress, protocol: tcp, ports: [443, 8443], peers: internet }
waivers:
  - rule: no-https
    resource: aws_security_group.web
    exposure: { protocol: tcp, ports: [8443], peers: [\"9.0.0.0/8\"] }
    reason: partner migration
    owner: network team
    expires: DAY
";

#[test]
fn a_waiver_lets_stand_what_it_names_and_nothing_wider() {
    let on = |day: &str, blocks: &[String]| {
        judged(
            &Policy::read(&WAIVED.replace("DAY", day)).unwrap(),
            &small_plan(&blocks.join(", "), ""),
        )
    };
    let report = on("2026-11-23", &[tcp(8443, "9.1.0.0/16")]);
    assert_eq!(report.verdict, Verdict::Pass, "the last day holds");
    insta::assert_snapshot!("waived", report.to_text());
    let wider = on("2027-01-31", &[tcp(8443, "8.0.0.0/7")]);
    assert_eq!(
        wider.verdict,
        Verdict::Violation,
        "the half that is not named stays"
    );
    insta::assert_snapshot!("waived-in-part", wider.to_text());
    let expired = on("2026-11-22", &[tcp(8443, "9.1.0.0/16")]);
    assert_eq!(expired.verdict, Verdict::Violation);
    insta::assert_snapshot!("waiver-expired", expired.to_text());
    let stale = on("2027-01-31", &[tcp(22, "9.1.0.0/16")]);
    assert_eq!(stale.verdict, Verdict::Pass, "a stale waiver leaves the verdict");
    insta::assert_snapshot!("waiver-stale", stale.to_text());
}

#[test]
fn a_bad_policy_is_one_clear_error_with_its_line() {
    let rule = "version: 1\nrules:\n  - id: r\n    severity: high\n";
    let cases = [
        String::new(),
        "version: 1\n".to_owned(),
        "version: 1\nrules: []\n".to_owned(),
        "version: 2\nrules: []\n".to_owned(),
        "{".to_owned(),
        "# nothing yet\n".to_owned(),
        "rules: []\n".to_owned(),
        "- a\n- b\n".to_owned(),
        "version: 1\nrules:\n  - id: null\n    severity: high\n    deny: {}\n".to_owned(),
        format!("{rule}    deny: {{ ports: [22.5] }}\n"),
        format!("{rule}    deny: {{ ports: [-1] }}\n"),
        "version: 1\nrules:\n  - id: r\n    sevrity: high\n".to_owned(),
        format!("{rule}    deny: {{ prots: [22] }}\n"),
        rule.to_owned(),
        format!("{rule}    deny: {{}}\n    require: {{ description: true }}\n"),
        format!("{rule}    deny: {{ protocol: tpc }}\n"),
        format!("{rule}    deny: {{ protocol: icmp, ports: [22] }}\n"),
        format!("{rule}    deny: {{ protocol: tcp, traffic: [{{ protocol: udp }}] }}\n"),
        format!("{rule}    deny: {{ traffic: [] }}\n"),
        format!("{rule}    deny: {{ traffic: [{{ ports: [22] }}] }}\n"),
        format!("{rule}    deny: {{ ports: [\"90-80\"] }}\n"),
        format!("{rule}    deny: {{ ports: [70000] }}\n"),
        format!("{rule}    deny: {{ ports: [99999999999999999999] }}\n"),
        format!("{rule}    deny: {{ peers: intranet }}\n"),
        format!("{rule}    deny: {{ peers: 10.0.0.0/33 }}\n"),
        format!("{rule}    deny: {{ peers: 10.0.0.0/8, except: 10.0.0.0/7 }}\n"),
        format!("{rule}    deny: {{ extent: most }}\n"),
        format!("{rule}    allow_only: {{ peers: internet }}\n"),
        "version: 1\nrules:\n  - id: Not_Kebab\n    severity: high\n    deny: {}\n".to_owned(),
        format!("{rule}    deny: {{}}\n  - id: r\n    severity: low\n    deny: {{}}\n"),
        "version: 1\nnetworks: { internet: [10.0.0.0/8] }\nrules: []\n".to_owned(),
        format!(
            "version: 1\nnetworks: {{ o: [10.0.0/8] }}\n{}    deny: {{}}\n",
            &rule[11..]
        ),
        WAIVED.replace("DAY", "tomorrow"),
        WAIVED
            .replace("DAY", "2027-01-01")
            .replace("rule: no-https", "rule: no-http"),
        WAIVED.replace("DAY", "2027-01-01").replace(
            "resource: aws_security_group.web",
            "resource: aws_security_group.*",
        ),
        format!("a: {}", "[".repeat(5_000)),
    ];
    let told: Vec<String> = cases.iter().map(|text| complaint(text)).collect();
    insta::assert_snapshot!("bad-policies", told.join("\n"));
}

#[test]
fn no_cut_of_a_policy_panics() {
    let policy = repository("terraform/policy.yaml");
    for end in (0..policy.len()).filter(|end| policy.is_char_boundary(*end)) {
        let _ = Policy::read(&policy[..end]);
    }
}
