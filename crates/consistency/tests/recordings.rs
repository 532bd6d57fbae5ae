//! The three views of the recorded estate, before and after somebody changed it by hand.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_consistency::{ConsistencyReport, RuleVerdict, Views, compare};
use portcullis_report::Verdict;
use portcullis_secgroup::{Gap, Inventory, Missing};
use portcullis_terraform::{Configuration, Plan, State, View};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(path)
}

fn texts(folder: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut folders = vec![(fixture(folder), String::new())];
    while let Some((path, prefix)) = folders.pop() {
        for entry in std::fs::read_dir(path).unwrap().map(Result::unwrap) {
            let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
            if entry.path().is_dir() {
                folders.push((entry.path(), format!("{name}/")));
            } else {
                out.push((name, std::fs::read_to_string(entry.path()).unwrap()));
            }
        }
    }
    out
}

fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect()
}

fn declared(step: &str, code: Option<&str>) -> View {
    let plan = Plan::read(&std::fs::read_to_string(fixture(&format!("{step}/plan.json"))).unwrap()).unwrap();
    let plan = match code {
        Some(folder) => plan.with_code(Configuration::read(borrowed(&texts(folder))).unwrap()),
        None => plan,
    };
    plan.after().unwrap()
}

fn recorded(step: &str) -> View {
    State::read(&std::fs::read_to_string(fixture(&format!("{step}/state.json"))).unwrap())
        .unwrap()
        .view()
        .unwrap()
}

fn live(step: &str) -> Inventory {
    portcullis_live::ec2::read(borrowed(&texts(&format!("{step}/aws")))).unwrap()
}

const CODE: Option<&str> = Some("estate/config");

fn estate(plan: &str, state: &str, aws: &str, code: Option<&str>) -> ConsistencyReport {
    let [plan, state, aws] = [plan, state, aws].map(|step| format!("estate/{step}"));
    compare(
        &Views::declared(&declared(&plan, code))
            .recorded(Some(&recorded(&state)))
            .live(Some(&live(&aws))),
    )
}

#[test]
fn all_agree_after_the_correction() {
    let report = estate(
        "2-correct-web-port",
        "2-correct-web-port",
        "2-correct-web-port",
        CODE,
    );
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.to_text());
    insta::assert_snapshot!("correct-web-port", report.to_text());
    insta::assert_snapshot!("correct-web-port-json", report.to_json().unwrap());
}

#[test]
fn a_first_plan_agrees_with_what_came_of_it() {
    let report = estate("1-setup", "1-setup", "1-setup", CODE);
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.to_text());
}

#[test]
fn rules_made_by_hand_are_named_also_the_one_that_plan_cannot_see() {
    let report = estate(
        "2-correct-web-port",
        "2-correct-web-port",
        "4-hand-made-drift",
        CODE,
    );
    insta::assert_snapshot!("hand-made-drift", report.to_text());
    let report = estate(
        "4-hand-made-drift",
        "4-hand-made-drift",
        "4-hand-made-drift",
        CODE,
    );
    insta::assert_snapshot!("hand-made-drift-planned", report.to_text());
}

#[test]
fn without_the_code_an_echo_is_no_declaration_and_no_absence() {
    let report = estate(
        "4-hand-made-drift",
        "4-hand-made-drift",
        "4-hand-made-drift",
        None,
    );
    let row = report
        .rules
        .iter()
        .find(|row| row.from_port == 22 && row.peer == "0.0.0.0/0")
        .unwrap();
    assert_eq!(
        (row.declared, row.live, row.verdict),
        (None, Some(true), RuleVerdict::Undetermined)
    );
}

#[test]
fn a_rule_taken_away_by_hand_is_gone() {
    let report = estate(
        "2-correct-web-port",
        "3-nothing-to-do",
        "6-rule-removed-by-hand",
        CODE,
    );
    insta::assert_snapshot!("rule-removed-by-hand", report.to_text());
}

#[test]
fn a_repair_leaves_what_no_tool_of_terraforms_sees() {
    let report = estate("7-repair", "7-repair", "7-repair", CODE);
    insta::assert_snapshot!("repair", report.to_text());
}

/// One line per rule: what each view has, and what they say together.
fn table(report: &ConsistencyReport) -> String {
    let mut out = format!("{}\n", report.headline());
    for row in &report.rules {
        let view = |view: Option<bool>| view.map_or("?", |there| if there { "yes" } else { "-" });
        let name = row.group.address.as_deref().unwrap_or_default();
        writeln!(
            out,
            "{:<13} {:<3} {:<3} {:<3}  {name}: {}",
            row.verdict.words(),
            view(row.declared),
            view(row.recorded),
            view(row.live),
            row.sentence()
        )
        .unwrap();
    }
    out
}

/// The code as it was when the step was recorded; by itself, since a plan of `-refresh-only` declares nothing.
fn by_code(step: &str) -> ConsistencyReport {
    let mut code = Configuration::read(borrowed(&texts("estate/config"))).unwrap();
    code.add_values("the-change.tfvars", "web_port = 8000").unwrap();
    let declared = code.declared().unwrap();
    compare(
        &Views::declared(&declared.view)
            .missing(&declared.missing)
            .recorded(Some(&recorded(&format!("estate/{step}"))))
            .live(Some(&live(&format!("estate/{step}")))),
    )
}

#[test]
fn each_rule_of_the_recordings_has_its_verdict() {
    let mut told = String::new();
    for step in [
        "4-hand-made-drift",
        "5-drift-refresh-only",
        "6-rule-removed-by-hand",
        "7-repair",
    ] {
        let by_plan = table(&estate(step, step, step, CODE));
        writeln!(told, "== {step}, by its plan\n{by_plan}").unwrap();
        writeln!(told, "== {step}, by the code\n{}", table(&by_code(step))).unwrap();
    }
    insta::assert_snapshot!("each-rule-of-the-recordings", told);
}

#[test]
fn a_change_that_is_not_applied_yet() {
    let report = estate("2-correct-web-port", "1-setup", "1-setup", CODE);
    insta::assert_snapshot!("not-applied", report.to_text());
}

#[test]
fn outside_of_the_target_nothing_is_said_to_be_declared() {
    let report = estate("8-targeted", "8-targeted", "8-targeted", CODE);
    let admin: Vec<_> = report
        .rules
        .iter()
        .filter(|r| r.group.address.as_deref() == Some("aws_security_group.admin"))
        .collect();
    assert!(!admin.is_empty());
    assert!(
        admin
            .iter()
            .all(|row| row.declared.is_none() && row.verdict == RuleVerdict::Undetermined)
    );
}

#[test]
fn every_rule_style_agrees_with_itself() {
    let code = Some("rule-styles/config");
    let report = compare(
        &Views::declared(&declared("rule-styles/1-create", code))
            .recorded(Some(&recorded("rule-styles/1-create")))
            .live(Some(&live("rule-styles/1-create"))),
    );
    insta::assert_snapshot!("rule-styles-create", report.to_text());
}

#[test]
fn a_group_made_anew_agrees_once_it_is_applied() {
    let step = "rule-styles/2-replace-move-remove";
    let text = std::fs::read_to_string(fixture(&format!("{step}/plan.json"))).unwrap();
    let code = Configuration::read(borrowed(&texts("rule-styles/config-v2"))).unwrap();
    let plan = Plan::read(&text).unwrap().with_code(code);
    let (after, before) = (plan.after().unwrap(), plan.before().unwrap());
    let mut told = String::new();
    for applied in [step, "rule-styles/4-apply-replace"] {
        let report = compare(
            &Views::declared(&after)
                .before(Some(&before))
                .recorded(Some(&recorded(applied)))
                .live(Some(&live(applied))),
        );
        writeln!(told, "== {applied}").unwrap();
        for row in report
            .rules
            .iter()
            .filter(|row| row.verdict != RuleVerdict::Agree)
        {
            writeln!(told, "{}: {} {}", row.group, row.verdict, row.sentence()).unwrap();
        }
        for row in &report.groups {
            writeln!(told, "{}: {} itself", row.group, row.verdict).unwrap();
        }
    }
    insta::assert_snapshot!("replaced-and-then-applied", told);
}

#[test]
fn a_destroyed_estate_is_looked_for() {
    let plan = std::fs::read_to_string(fixture("rule-styles/3-destroy/plan.json")).unwrap();
    let plan = Plan::read(&plan).unwrap();
    let (after, before) = (plan.after().unwrap(), plan.before().unwrap());
    let nothing = View::default();
    let found = |inventory: &Inventory| {
        compare(
            &Views::declared(&after)
                .before(Some(&before))
                .recorded(Some(&nothing))
                .live(Some(inventory)),
        )
    };
    let there = live("rule-styles/3-destroy");
    let left = found(&there);
    assert!(!left.rules.is_empty() && !left.groups.is_empty());
    assert!(
        left.rules
            .iter()
            .all(|row| row.verdict == RuleVerdict::Unmanaged && row.in_change)
    );
    assert!(
        left.groups
            .iter()
            .all(|row| row.verdict == RuleVerdict::Unmanaged && row.in_change)
    );
    // The default group can't be deleted, and is Terraform's no longer.
    let mut gone = there;
    gone.groups
        .retain(|group| group.name.as_deref() == Some("default"));
    assert_eq!(found(&gone).verdict, Verdict::Pass, "{}", found(&gone).to_text());
}

#[test]
fn a_view_that_could_not_be_read_is_never_agreement() {
    let plan = declared("estate/2-correct-web-port", CODE);
    let state = recorded("estate/2-correct-web-port");
    let report = compare(&Views::declared(&plan).recorded(Some(&state)));
    assert_eq!(report.verdict, Verdict::Undetermined);
    assert!(
        report
            .rules
            .iter()
            .all(|row| row.live.is_none() && row.verdict == RuleVerdict::Undetermined)
    );
    let mut partial = live("estate/2-correct-web-port");
    partial
        .groups
        .retain(|group| group.name.as_deref() != Some("web"));
    partial
        .gaps
        .push(Gap::new("DescribeSecurityGroups", "access denied"));
    let report = compare(&Views::declared(&plan).recorded(Some(&state)).live(Some(&partial)));
    assert_eq!(report.verdict, Verdict::Undetermined, "{}", report.to_text());
}

#[test]
fn a_gap_elsewhere_leaves_nothing_open_here() {
    let plan = declared("estate/2-correct-web-port", CODE);
    let state = recorded("estate/2-correct-web-port");
    let whole = live("estate/2-correct-web-port");
    let id = |name: &str| {
        let group = whole
            .groups
            .iter()
            .find(|group| group.name.as_deref() == Some(name));
        group.unwrap().id.clone()
    };
    let verdict = |missing: Missing, without: Option<&str>| {
        let mut partial = whole.clone();
        partial.groups.retain(|group| group.name.as_deref() != without);
        partial.gaps.push(Gap::new("a call", "denied").missing(missing));
        compare(&Views::declared(&plan).recorded(Some(&state)).live(Some(&partial))).verdict
    };
    let others = || Missing::Groups {
        except: BTreeSet::new(),
    };
    assert_eq!(verdict(others(), None), Verdict::Pass);
    assert_eq!(verdict(others(), Some("web")), Verdict::Undetermined);
    // A group that was asked for and is not there is gone.
    let asked = Missing::Groups {
        except: id("web").into_iter().collect(),
    };
    assert_eq!(verdict(asked, Some("web")), Verdict::Violation);
    let rules_of = |of: Option<String>| Missing::Rules { of };
    assert_eq!(verdict(rules_of(id("default")), None), Verdict::Pass);
    assert_eq!(verdict(rules_of(id("web")), None), Verdict::Undetermined);
    assert_eq!(verdict(rules_of(None), None), Verdict::Undetermined);
    assert_eq!(verdict(Missing::Details, None), Verdict::Pass);
    assert_eq!(verdict(Missing::Anything, None), Verdict::Undetermined);
}
