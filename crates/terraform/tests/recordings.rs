//! What a reader of the recorded plans and states must see: each group with its rules, and who owns them.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_terraform::{Configuration, Inline, Plan, ReadError, Sensitive, State, View};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(fixture(path)).unwrap()
}

fn plan(step: &str) -> Plan {
    Plan::read(&read(&format!("{step}/plan.json"))).unwrap()
}

fn code(folder: &str) -> Configuration {
    let mut files = Vec::new();
    let mut folders = vec![(fixture(folder), String::new())];
    while let Some((path, prefix)) = folders.pop() {
        for entry in std::fs::read_dir(path).unwrap().map(Result::unwrap) {
            let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
            if entry.path().is_dir() {
                folders.push((entry.path(), format!("{name}/")));
            } else {
                files.push((name, std::fs::read_to_string(entry.path()).unwrap()));
            }
        }
    }
    Configuration::read(files.iter().map(|(name, text)| (name.as_str(), text.as_str()))).unwrap()
}

fn show(view: &View) -> String {
    let mut out = String::new();
    for group in &view.groups {
        let inline = |inline| match inline {
            Inline::Declared => "declared",
            Inline::Absent => "absent",
            Inline::CannotTell => "cannot tell",
        };
        writeln!(
            out,
            "{} {} inline: ingress {}, egress {}",
            group.label(),
            group.id.as_deref().unwrap_or("-"),
            inline(group.inline_ingress),
            inline(group.inline_egress)
        )
        .unwrap();
        let mut lines: Vec<String> = group.rules.iter().map(line).collect();
        lines.sort();
        out.extend(lines);
    }
    for orphan in &view.orphans {
        write!(out, "orphan {}", line(orphan)).unwrap();
    }
    for member in &view.members {
        writeln!(
            out,
            "member {} {:?} {:?}",
            member.label(),
            member.groups,
            member.public_ip
        )
        .unwrap();
    }
    for problem in &view.problems {
        writeln!(out, "problem {}: {}", problem.address, problem.what).unwrap();
    }
    out
}

fn line(owned: &portcullis_terraform::OwnedRule) -> String {
    let rule = &owned.rule;
    let (protocol, ports) = (rule.protocol.value(), rule.ports.value());
    let service = match (protocol, ports) {
        (Some(protocol), Some(ports)) => {
            let (from, to) = ports.as_written(protocol);
            format!("{protocol} {from}-{to}")
        }
        _ => "(not known)".to_owned(),
    };
    format!(
        "  {} {service} {} | {:?}{} {} | {}\n",
        rule.direction,
        rule.peer,
        owned.origin,
        if owned.forgotten { " forgotten" } else { "" },
        owned.owner,
        rule.description.as_deref().unwrap_or("-")
    )
}

#[test]
fn every_rule_style_before_it_is_made() {
    insta::assert_snapshot!(
        "rule-styles-create-after",
        show(&plan("rule-styles/1-create").after().unwrap())
    );
}

#[test]
fn every_rule_style_once_it_is_made() {
    let plan = plan("rule-styles/2-replace-move-remove").with_code(code("rule-styles/config-v2"));
    insta::assert_snapshot!(
        "rule-styles-replace-move-remove-after",
        show(&plan.after().unwrap())
    );
}

#[test]
fn destroying_leaves_the_default_group_standing() {
    insta::assert_snapshot!(
        "rule-styles-destroy-after",
        show(&plan("rule-styles/3-destroy").after().unwrap())
    );
}

#[test]
fn a_first_plan_finds_the_group_of_each_rule() {
    insta::assert_snapshot!(
        "estate-setup-after",
        show(&plan("estate/1-setup").after().unwrap())
    );
}

#[test]
fn the_old_port_is_no_echo_of_the_new_one() {
    let plan = plan("estate/2-correct-web-port");
    insta::assert_snapshot!("correct-web-port-before", show(&plan.before().unwrap()));
    insta::assert_snapshot!("correct-web-port-after", show(&plan.after().unwrap()));
}

#[test]
fn a_rule_made_by_hand_is_told_from_the_echo_of_managed_ones() {
    let plan = plan("estate/4-hand-made-drift");
    insta::assert_snapshot!("hand-made-drift-after", show(&plan.after().unwrap()));
}

#[test]
fn the_state_holds_both_the_rules_and_their_echo_once() {
    let state = State::read(&read("estate/2-correct-web-port/state.json")).unwrap();
    assert_eq!(
        (state.serial, state.output("front_public_ip")),
        (Some(3), Some("127.255.27.217"))
    );
    insta::assert_snapshot!("correct-web-port-state", show(&state.view().unwrap()));
    let shown = State::read(&read("estate/2-correct-web-port/state.show.json")).unwrap();
    assert_eq!(
        show(&shown.view().unwrap()),
        show(&state.view().unwrap()),
        "both forms say the same"
    );
}

#[test]
fn plans_that_do_not_show_everything_say_so() {
    let reasons: Vec<String> = [
        "3-nothing-to-do",
        "5-drift-refresh-only",
        "8-targeted",
        "9-errored",
    ]
    .iter()
    .map(|step| {
        let plan = plan(&format!("estate/{step}"));
        format!(
            "{step}: empty {}, partial {:?}, {:?}",
            plan.is_empty(),
            plan.partial(),
            plan.counts()
        )
    })
    .collect();
    insta::assert_snapshot!("partial-plans", reasons.join("\n"));
}

#[test]
fn a_targeted_plan_keeps_what_it_leaves_alone() {
    let view = plan("estate/8-targeted").after().unwrap();
    let group = view.group("aws_security_group.admin").unwrap();
    assert!(group.untouched && !group.rules.is_empty());
}

#[test]
fn code_tells_where_a_group_stands_also_in_a_module() {
    let code = code("rule-styles/config");
    let places: Vec<String> = code
        .resources()
        .filter(|block| block.address.contains("security_group."))
        .map(|b| {
            format!(
                "{}:{} {} ingress {} egress {}",
                b.path, b.line, b.address, b.inline_ingress, b.inline_egress
            )
        })
        .collect();
    insta::assert_snapshot!("code-places", places.join("\n"));
    let inside =
        portcullis_terraform::Address::parse("module.service[\"orders\"].aws_security_group.this").unwrap();
    assert_eq!(code.find(&inside).unwrap().path, "modules/service/main.tf");
}

#[test]
fn nothing_but_the_configuration_is_taken_for_it() {
    let text = read("rule-styles/1-create/plan.json");
    let shown = |text: &str| show(&Plan::read(text).unwrap().after().unwrap());
    let decoy = r#"{"configuration":{"provider_config":{},"root_module":{"resources":[]}},"note":"\"configuration\":{\"root_module\":{}}"}"#;
    let beside = text.trim_end().strip_suffix('}').unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    for other in [
        format!(r#"{beside},"of_a_later_version":{decoy}}}"#),
        text.replacen('{', &format!(r#"{{"of_a_later_version":{decoy},"#), 1),
        serde_json::to_string_pretty(&document).unwrap(),
    ] {
        assert_eq!(shown(&other), shown(&text));
    }
    let twice = format!(r#"{beside},"configuration":{{"root_module":{{"resources":[]}}}}}}"#);
    let error = Plan::read(&twice).unwrap_err();
    assert!(
        format!("{error:?}").contains("duplicate field `configuration`"),
        "{error:?}"
    );
}

#[test]
fn bad_input_is_one_clear_error() {
    let describe = |error: ReadError| {
        let cause = std::error::Error::source(&error)
            .map(|source| format!(": {source}"))
            .unwrap_or_default();
        format!("{error}{cause}\n  hint: {}", error.hint())
    };
    let rule = |attributes: &str| {
        format!(
            r#"{{"format_version": "1.2", "resource_changes": [{{"address": "aws_security_group_rule.x", "mode": "managed",
            "type": "aws_security_group_rule", "name": "x", "change": {{"actions": ["create"], "before": null,
            "after": {{"type": "ingress", "security_group_id": "sg-1", {attributes}}}, "after_unknown": {{}}}}}}]}}"#
        )
    };
    let plans = [
        String::new(),
        "<html>".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"format_version": "2.0"}"#.to_owned(),
        r#"{"format_version": "1.0"}"#.to_owned(),
        read("estate/2-correct-web-port/plan.json")[..5000].to_owned(),
        rule(r#""protocol": "tcp", "from_port": 443, "to_port": 80, "cidr_blocks": ["10.0.0.0/8"]"#),
        rule(r#""protocol": "tcpp", "from_port": 1, "to_port": 1, "cidr_blocks": ["10.0.0.0/8"]"#),
        rule(r#""protocol": "tcp", "from_port": 1, "to_port": 1, "cidr_blocks": ["10.0.0.0/40"]"#),
        rule(r#""protocol": "tcp", "from_port": 1, "to_port": 99999999999, "cidr_blocks": ["10.0.0.0/8"]"#),
        "[".repeat(10_000),
        format!(
            r#"{{"format_version": "1.2", "resource_changes": {}"#,
            "[".repeat(10_000)
        ),
    ];
    let mut told: Vec<String> = plans
        .iter()
        .map(|text| {
            describe(
                Plan::read(text)
                    .and_then(|plan| plan.after().map(|_| ()))
                    .unwrap_err(),
            )
        })
        .collect();
    for text in ["", "{}", r#"{"version": 3}"#, r#"{"version": 4, "resources": 7}"#] {
        told.push(describe(State::read(text).unwrap_err()));
    }
    insta::assert_snapshot!("bad-input", told.join("\n"));
}

#[test]
fn no_cut_of_a_plan_or_state_panics() {
    let (plan, state) = (
        read("rule-styles/1-create/plan.json"),
        read("estate/2-correct-web-port/state.json"),
    );
    for end in (0..plan.len()).step_by(997) {
        let _ = Plan::read(&plan[..end]);
    }
    for end in (0..state.len()).step_by(97) {
        let _ = State::read(&state[..end]);
    }
}

#[test]
fn hcl_that_is_none_names_file_and_line() {
    let error = Configuration::read([("main.tf", "resource \"a\" \"b\" {\n  x = = 1\n}\n")]).unwrap_err();
    assert_eq!((error.path.as_str(), error.line), ("main.tf", 2), "{error}");
}

#[test]
fn a_plan_knows_what_is_sensitive_in_it() {
    let mut marked = 0;
    for step in [
        "estate/1-setup",
        "estate/4-hand-made-drift",
        "estate/5-drift-refresh-only",
        "estate/9-errored",
        "rule-styles/1-create",
        "rule-styles/2-replace-move-remove",
        "rule-styles/3-destroy",
    ] {
        let text = read(&format!("{step}/plan.json"));
        let of_text = Sensitive::of_plan(&text).unwrap();
        marked += of_text.marked();
        assert!(Plan::read(&text).unwrap().sensitive() == &of_text, "{step}");
    }
    assert!(marked > 0, "a recording holds marks");
}
