//! Verdicts that are easily got wrong: what was not applied, what the plan leaves out, what was not read, what is somebody else's.

#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

use portcullis_consistency::{ConsistencyReport, RuleVerdict, Views, compare};
use portcullis_report::Verdict;
use portcullis_secgroup::{Gap, Inventory, Missing};
use portcullis_terraform::{Configuration, Plan, State};
use serde_json::{Value, json};

const GROUP: &str = "aws_security_group.g";
const RULE: &str = "aws_vpc_security_group_ingress_rule.r";

fn group(id: &str) -> Value {
    json!({"id": id, "name": "g", "vpc_id": "vpc-1", "owner_id": "111111111111", "ingress": [], "egress": [],
        "arn": format!("arn:aws:ec2:eu-west-1:111111111111:security-group/{id}")})
}

fn rule(group: &str) -> Value {
    json!({"id": "sgr-1", "security_group_rule_id": "sgr-1", "security_group_id": group, "ip_protocol": "tcp",
        "from_port": 443, "to_port": 443, "cidr_ipv4": "10.0.0.0/8"})
}

/// As `rule`, of a group that is yet to be made.
fn planned_rule() -> (Value, Value) {
    let mut after = rule("");
    for known_after_apply in ["id", "security_group_rule_id", "security_group_id"] {
        after.as_object_mut().unwrap().remove(known_after_apply);
    }
    (
        after,
        json!({"id": true, "security_group_rule_id": true, "security_group_id": true}),
    )
}

fn planned_group() -> (Value, Value) {
    (
        json!({"name": "g", "vpc_id": "vpc-1"}),
        json!({"id": true, "arn": true, "owner_id": true, "ingress": true, "egress": true}),
    )
}

fn kind_of(address: &str) -> (&str, &str, &str) {
    let (mode, rest) = match address.strip_prefix("data.") {
        Some(rest) => ("data", rest),
        None => ("managed", address),
    };
    let (kind, name) = rest.split_once('.').unwrap();
    (mode, kind, name)
}

fn change(address: &str, actions: &[&str], before: &Value, after: &(Value, Value)) -> Value {
    let (mode, kind, name) = kind_of(address);
    json!({"address": address, "mode": mode, "type": kind, "name": name, "change": {"actions": actions,
        "before": before, "after": after.0, "after_unknown": after.1}})
}

fn keep(address: &str, values: &Value) -> Value {
    change(address, &["no-op"], values, &(values.clone(), json!({})))
}

fn delete(address: &str, values: &Value) -> Value {
    change(address, &["delete"], values, &(Value::Null, json!({})))
}

fn forget(address: &str, values: &Value) -> Value {
    change(address, &["forget"], values, &(Value::Null, json!({})))
}

fn object(address: &str, values: &Value) -> Value {
    let (mode, kind, name) = kind_of(address);
    json!({"address": address, "mode": mode, "type": kind, "name": name, "values": values})
}

/// A plan with the configuration of a rule that is attached to the group.
fn plan(changes: &[Value], prior: &[Value]) -> Value {
    json!({"format_version": "1.2", "complete": true, "errored": false, "resource_changes": changes,
    "prior_state": {"format_version": "1.0", "values": {"root_module": {"resources": prior}}},
    "configuration": {"root_module": {"resources": [
        {"address": GROUP, "mode": "managed", "type": "aws_security_group", "name": "g",
            "expressions": {"name": {"constant_value": "g"}}},
        {"address": RULE, "mode": "managed", "type": "aws_vpc_security_group_ingress_rule", "name": "r",
            "expressions": {"security_group_id": {"references": ["aws_security_group.g.id", "aws_security_group.g"]}}},
    ]}}})
}

fn state(objects: &[(&str, Value)]) -> String {
    let resources: Vec<Value> = objects
        .iter()
        .map(|(address, values)| {
            let (mode, kind, name) = kind_of(address);
            json!({"mode": mode, "type": kind, "name": name, "instances": [{"attributes": values}]})
        })
        .collect();
    json!({"version": 4, "serial": 1, "lineage": "x", "resources": resources}).to_string()
}

fn live_group(id: &str, rules: &[Value]) -> Value {
    json!({"id": id, "name": "g", "description": "d", "vpc_id": "vpc-1", "account": "111111111111",
        "region": "eu-west-1", "rules": rules})
}

fn live_rule(port: u16, peer: &Value) -> Value {
    json!({"id": format!("sgr-{port}"), "direction": "ingress", "protocol": "tcp", "from_port": port, "to_port": port,
        "peer": peer, "description": null})
}

fn https() -> Value {
    live_rule(443, &json!({"cidr": "10.0.0.0/8"}))
}

fn live(groups: &[Value]) -> Value {
    json!({"format_version": "1.1", "account": "111111111111", "region": "eu-west-1", "groups": groups,
        "interfaces": [], "prefix_lists": {}, "gaps": []})
}

fn inventory(document: &Value) -> Inventory {
    portcullis_live::read_any(&[("live.json".to_owned(), document.to_string())]).unwrap()
}

fn verify(plan: &Value, state: &str, live: &Value) -> ConsistencyReport {
    let plan = Plan::read(&plan.to_string()).unwrap();
    let code = Configuration::read([("main.tf", "resource \"aws_security_group\" \"g\" {}\n")]).unwrap();
    let plan = plan.with_code(code);
    let (after, before) = (plan.after().unwrap(), plan.before().unwrap());
    let recorded = State::read(state).unwrap().view().unwrap();
    compare(
        &Views::declared(&after)
            .before(Some(&before))
            .partial(plan.partial())
            .recorded(Some(&recorded))
            .live(Some(&inventory(live))),
    )
}

/// A line per row: `Y-? undetermined sg-1 ingress tcp 443 from 10.0.0.0/8`.
fn rows(report: &ConsistencyReport) -> Vec<String> {
    let views = |views: [Option<bool>; 3]| -> String {
        let letter = |view: Option<bool>| view.map_or('?', |there| if there { 'Y' } else { '-' });
        views.into_iter().map(letter).collect()
    };
    let late = |in_change: bool| if in_change { " (in the change)" } else { "" };
    let rules = report.rules.iter().map(|row| {
        let group = row.group.id.as_deref().unwrap_or("new");
        let views = views([row.declared, row.recorded, row.live]);
        let late = late(row.in_change);
        format!("{views} {} {group} {}{late}", row.verdict, row.sentence())
    });
    let groups = report.groups.iter().map(|row| {
        let group = row.group.id.as_deref().unwrap_or("new");
        let views = views([row.declared, row.recorded, row.live]);
        format!("{views} {} {group} itself{}", row.verdict, late(row.in_change))
    });
    let members = report.members.iter().map(|row| {
        let views = views([row.declared, row.recorded, row.live]);
        format!(
            "{views} {} {}{}",
            row.verdict,
            row.sentence(),
            late(row.in_change)
        )
    });
    let lists = report.prefix_lists.iter().map(|row| {
        let views = views([row.declared, row.recorded, row.live]);
        format!(
            "{views} {} {}{}",
            row.verdict,
            row.sentence(),
            late(row.in_change)
        )
    });
    rules.chain(groups).chain(members).chain(lists).collect()
}

/// A plan that leaves all as it is.
fn nothing_to_do() -> Value {
    plan(
        &[keep(GROUP, &group("sg-a")), keep(RULE, &rule("sg-a"))],
        &[object(GROUP, &group("sg-a")), object(RULE, &rule("sg-a"))],
    )
}

fn as_planned() -> String {
    state(&[(GROUP, group("sg-a")), (RULE, rule("sg-a"))])
}

#[test]
fn a_plan_that_leaves_something_out_is_no_pass() {
    let mut plan = nothing_to_do();
    let live = live(&[live_group("sg-a", &[https()])]);
    assert_eq!(verify(&plan, &as_planned(), &live).verdict, Verdict::Pass);
    for (flag, value) in [("errored", true), ("complete", false)] {
        let whole = plan[flag].take();
        plan[flag] = value.into();
        let report = verify(&plan, &as_planned(), &live);
        assert_eq!(report.verdict, Verdict::Undetermined, "{flag}");
        assert_eq!(rows(&report), ["YYY agree sg-a ingress tcp 443 from 10.0.0.0/8"]);
        assert!(
            report
                .notes
                .iter()
                .any(|note| note.starts_with("the plan does not tell everything")),
            "{:?}",
            report.notes
        );
        plan[flag] = whole;
    }
}

#[test]
fn a_rule_outside_of_the_target_is_not_known_though_its_group_is_in_it() {
    let other = "aws_vpc_security_group_ingress_rule.other";
    let mut values = rule("sg-a");
    values["from_port"] = 80.into();
    values["to_port"] = 80.into();
    let mut plan = plan(
        &[keep(GROUP, &group("sg-a")), delete(RULE, &rule("sg-a"))],
        &[
            object(GROUP, &group("sg-a")),
            object(RULE, &rule("sg-a")),
            object(other, &values),
        ],
    );
    plan["complete"] = false.into();
    let state = state(&[(GROUP, group("sg-a")), (RULE, rule("sg-a")), (other, values)]);
    let rules = [80, 443, 22].map(|port| live_rule(port, &json!({"cidr": "10.0.0.0/8"})));
    let report = verify(&plan, &state, &live(&[live_group("sg-a", &rules)]));
    assert_eq!(
        rows(&report),
        [
            // The target holds its owner, and takes it away.
            "-YY not_declared sg-a ingress tcp 443 from 10.0.0.0/8",
            // A rule that the target leaves out may ask for it.
            "?-Y undetermined sg-a ingress tcp 22 from 10.0.0.0/8",
            "?YY undetermined sg-a ingress tcp 80 from 10.0.0.0/8",
        ]
    );
}

fn replacement() -> Value {
    let actions = ["delete", "create"];
    plan(
        &[
            change(GROUP, &actions, &group("sg-old"), &planned_group()),
            change(RULE, &actions, &rule("sg-old"), &planned_rule()),
        ],
        &[object(GROUP, &group("sg-old")), object(RULE, &rule("sg-old"))],
    )
}

#[test]
fn a_replacement_that_was_not_applied_is_seen() {
    let before = state(&[(GROUP, group("sg-old")), (RULE, rule("sg-old"))]);
    let report = verify(
        &replacement(),
        &before,
        &live(&[live_group("sg-old", &[https()])]),
    );
    assert_eq!(
        rows(&report),
        [
            "Y-- not_applied new ingress tcp 443 from 10.0.0.0/8",
            "-YY not_declared sg-old ingress tcp 443 from 10.0.0.0/8",
            "Y-- not_applied new itself",
            "-YY not_declared sg-old itself",
        ]
    );
    let after = state(&[(GROUP, group("sg-new")), (RULE, rule("sg-new"))]);
    let report = verify(&replacement(), &after, &live(&[live_group("sg-new", &[https()])]));
    assert_eq!(
        rows(&report),
        ["YYY agree sg-new ingress tcp 443 from 10.0.0.0/8"]
    );
    assert_eq!(report.verdict, Verdict::Pass);
}

#[test]
fn of_two_objects_at_an_address_the_one_that_stays_is_meant_whatever_their_ids() {
    for (new, old) in [("sg-1", "sg-2"), ("sg-2", "sg-1")] {
        let mut state: Value =
            serde_json::from_str(&state(&[(GROUP, group(new)), (RULE, rule(new))])).unwrap();
        let deposed = json!({"attributes": group(old), "deposed": "abcd1234"});
        state["resources"][0]["instances"]
            .as_array_mut()
            .unwrap()
            .push(deposed);
        let plan = plan(
            &[
                change(GROUP, &["create", "delete"], &group(old), &planned_group()),
                change(RULE, &["delete", "create"], &rule(old), &planned_rule()),
            ],
            &[object(GROUP, &group(old)), object(RULE, &rule(old))],
        );
        let live = live(&[live_group(new, &[https()]), live_group(old, &[])]);
        assert_eq!(
            rows(&verify(&plan, &state.to_string(), &live)),
            [
                format!("YYY agree {new} ingress tcp 443 from 10.0.0.0/8"),
                format!("-YY not_declared {old} itself"),
            ]
        );
    }
}

#[test]
fn a_group_that_the_plan_takes_away_is_looked_for() {
    let plan = plan(
        &[delete(GROUP, &group("sg-a")), delete(RULE, &rule("sg-a"))],
        &[object(GROUP, &group("sg-a")), object(RULE, &rule("sg-a"))],
    );
    let report = verify(&plan, &state(&[]), &live(&[live_group("sg-a", &[https()])]));
    assert_eq!(
        rows(&report),
        [
            "--Y unmanaged sg-a ingress tcp 443 from 10.0.0.0/8 (in the change)",
            "--Y unmanaged sg-a itself (in the change)",
        ]
    );
    assert_eq!(verify(&plan, &state(&[]), &live(&[])).verdict, Verdict::Pass);
}

#[test]
fn what_the_plan_forgets_is_not_declared() {
    let plan = plan(
        &[forget(GROUP, &group("sg-a")), forget(RULE, &rule("sg-a"))],
        &[object(GROUP, &group("sg-a")), object(RULE, &rule("sg-a"))],
    );
    let there = live(&[live_group("sg-a", &[https()])]);
    assert_eq!(
        rows(&verify(&plan, &as_planned(), &there)),
        [
            "-YY not_declared sg-a ingress tcp 443 from 10.0.0.0/8",
            "-YY not_declared sg-a itself",
        ]
    );
    // Then it is somebody else's, and nothing is waited for.
    let report = verify(&plan, &state(&[]), &there);
    assert_eq!((report.verdict, rows(&report).len()), (Verdict::Pass, 0));
    assert!(
        report.notes.iter().any(|note| note.contains("given up")),
        "{:?}",
        report.notes
    );
}

#[test]
fn rules_in_somebody_elses_group_are_compared_and_its_others_are_not() {
    let rules = [https(), live_rule(80, &json!({"cidr": "0.0.0.0/0"}))];
    let there = live(&[live_group("sg-a", &rules)]);
    let data = "data.aws_security_group.shared";
    let only_a_rule = plan(&[keep(RULE, &rule("sg-a"))], &[object(RULE, &rule("sg-a"))]);
    let with_data = plan(
        &[keep(RULE, &rule("sg-a"))],
        &[object(data, &group("sg-a")), object(RULE, &rule("sg-a"))],
    );
    for (plan, state) in [
        (&only_a_rule, state(&[(RULE, rule("sg-a"))])),
        (&with_data, state(&[(data, group("sg-a")), (RULE, rule("sg-a"))])),
    ] {
        let report = verify(plan, &state, &there);
        assert_eq!(rows(&report), ["YYY agree sg-a ingress tcp 443 from 10.0.0.0/8"]);
        assert_eq!(report.verdict, Verdict::Pass);
        assert!(
            report.notes.iter().any(|note| note.contains("another owner")),
            "{:?}",
            report.notes
        );
        // A rule that should have gone is ours all the same.
        let mut taken = plan.clone();
        taken["resource_changes"] = json!([delete(RULE, &rule("sg-a"))]);
        let report = verify(&taken, &self::state(&[]), &there);
        assert_eq!(
            rows(&report),
            ["--Y unmanaged sg-a ingress tcp 443 from 10.0.0.0/8 (in the change)"]
        );
    }
    // A group that is only read is nobody's to compare.
    let only_read = plan(&[], &[object(data, &group("sg-a"))]);
    let report = verify(&only_read, &state(&[(data, group("sg-a"))]), &there);
    assert_eq!(
        (report.verdict, rows(&report).len(), report.notes.len()),
        (Verdict::Pass, 0, 0)
    );
}

#[test]
fn what_is_where_nothing_was_read_is_not_gone() {
    for (place, value) in [("region", "us-east-1"), ("account", "222222222222")] {
        let mut elsewhere = live(&[]);
        elsewhere[place] = value.into();
        let report = verify(&nothing_to_do(), &as_planned(), &elsewhere);
        assert_eq!(
            rows(&report),
            ["YY? undetermined sg-a ingress tcp 443 from 10.0.0.0/8"]
        );
        let missing = if place == "region" {
            "region eu-west-1"
        } else {
            "account 111111111111"
        };
        assert!(
            report.notes.iter().any(|note| note.contains(missing)),
            "{:?}",
            report.notes
        );
    }
    let report = verify(&nothing_to_do(), &as_planned(), &live(&[]));
    assert_eq!(report.verdict, Verdict::Violation);
}

#[test]
fn a_group_of_the_own_account_is_the_same_with_and_without_it() {
    for (written, peer) in [
        (
            "111111111111/sg-b",
            json!({"group": {"id": "sg-b", "account": null}}),
        ),
        (
            "sg-b",
            json!({"group": {"id": "sg-b", "account": "111111111111"}}),
        ),
        ("111111111111/sg-a", json!("self_group")),
        ("sg-a", json!({"group": {"id": "sg-a", "account": null}})),
        (
            "222222222222/sg-b",
            json!({"group": {"id": "sg-b", "account": "222222222222"}}),
        ),
    ] {
        let mut values = rule("sg-a");
        values.as_object_mut().unwrap().remove("cidr_ipv4");
        values["referenced_security_group_id"] = written.into();
        let plan = plan(
            &[keep(GROUP, &group("sg-a")), keep(RULE, &values)],
            &[object(GROUP, &group("sg-a")), object(RULE, &values)],
        );
        let state = state(&[(GROUP, group("sg-a")), (RULE, values)]);
        // A document may name a group twice.
        let live = live(&[
            live_group("sg-a", &[live_rule(443, &peer)]),
            live_group("sg-a", &[]),
        ]);
        let report = verify(&plan, &state, &live);
        assert_eq!(report.verdict, Verdict::Pass, "{written}: {:?}", rows(&report));
    }
}

#[test]
fn entries_of_a_prefix_list_that_were_not_read_are_not_known() {
    let list = "aws_ec2_managed_prefix_list.p";
    let entries = json!({"id": "pl-1", "name": "p", "entry": [{"cidr": "192.0.2.0/24"}]});
    let mut values = rule("sg-a");
    values.as_object_mut().unwrap().remove("cidr_ipv4");
    values["prefix_list_id"] = "pl-1".into();
    let plan = plan(
        &[
            keep(GROUP, &group("sg-a")),
            keep(RULE, &values),
            keep(list, &entries),
        ],
        &[
            object(GROUP, &group("sg-a")),
            object(RULE, &values),
            object(list, &entries),
        ],
    );
    let state = state(&[(GROUP, group("sg-a")), (RULE, values), (list, entries)]);
    let mut there = live(&[live_group(
        "sg-a",
        &[live_rule(443, &json!({"prefix_list": "pl-1"}))],
    )]);
    for lists in [json!({}), json!({"pl-1": null})] {
        there["prefix_lists"] = lists;
        let report = verify(&plan, &state, &there);
        assert_eq!(report.verdict, Verdict::Undetermined);
        assert_eq!(
            rows(&report)[1..],
            ["YY? undetermined aws_ec2_managed_prefix_list.p (pl-1) holds 192.0.2.0/24"]
        );
    }
    there["prefix_lists"] = json!({"pl-1": ["192.0.2.0/24"]});
    assert_eq!(verify(&plan, &state, &there).verdict, Verdict::Pass);
}

#[test]
fn a_member_without_any_interface_carries_nothing_unless_interfaces_were_not_read() {
    let member = "aws_instance.m";
    let carried = json!({"id": "i-1", "vpc_security_group_ids": ["sg-a"]});
    let with = |changes: &[Value], prior: &[Value]| {
        let mut plan = nothing_to_do();
        plan["resource_changes"]
            .as_array_mut()
            .unwrap()
            .extend_from_slice(changes);
        plan["prior_state"]["values"]["root_module"]["resources"]
            .as_array_mut()
            .unwrap()
            .extend_from_slice(prior);
        plan
    };
    let plan = with(&[keep(member, &carried)], &[object(member, &carried)]);
    let recorded = state(&[
        (GROUP, group("sg-a")),
        (RULE, rule("sg-a")),
        (member, carried.clone()),
    ]);
    let mut there = live(&[live_group("sg-a", &[https()])]);
    let gone = "YY- gone aws_instance.m (i-1) carries aws_security_group.g (sg-a)";
    assert_eq!(rows(&verify(&plan, &recorded, &there))[1..], [gone]);
    // Outside of the target.
    let mut targeted = with(&[], &[object(member, &carried)]);
    targeted["complete"] = false.into();
    assert_eq!(
        rows(&verify(&targeted, &recorded, &there))[1..],
        ["?Y- undetermined aws_instance.m (i-1) carries aws_security_group.g (sg-a)"]
    );
    there["gaps"] = json!([{"what": "interfaces", "why": "denied", "missing": "members"}]);
    let report = verify(&plan, &recorded, &there);
    assert_eq!((report.verdict, rows(&report).len()), (Verdict::Undetermined, 1));
    // Where there are no members, none are missing.
    assert_eq!(
        verify(&nothing_to_do(), &as_planned(), &there).verdict,
        Verdict::Pass
    );
}

#[test]
fn a_killed_apply_leaves_groups_that_are_found_by_their_names() {
    let plan = |group: (Value, Value)| {
        let changes = [
            change(GROUP, &["create"], &Value::Null, &group),
            change(RULE, &["create"], &Value::Null, &planned_rule()),
        ];
        plan(&changes, &[])
    };
    let there = live(&[live_group("sg-made", &[https()])]);
    assert_eq!(
        rows(&verify(&plan(planned_group()), &state(&[]), &there)),
        [
            "Y-Y state_behind sg-made ingress tcp 443 from 10.0.0.0/8",
            "Y-Y state_behind sg-made itself",
        ]
    );
    // In which VPC is known only after apply: a group of that name may be another one.
    let (mut after, mut unknown) = planned_group();
    after.as_object_mut().unwrap().remove("vpc_id");
    unknown["vpc_id"] = true.into();
    let report = verify(&plan((after, unknown)), &state(&[]), &there);
    assert_eq!(
        rows(&report),
        ["Y-? undetermined new ingress tcp 443 from 10.0.0.0/8"]
    );
    assert_eq!(
        rows(&verify(&plan(planned_group()), &state(&[]), &live(&[]))),
        [
            "Y-- not_applied new ingress tcp 443 from 10.0.0.0/8",
            "Y-- not_applied new itself",
        ]
    );
}

#[test]
fn a_rule_of_which_the_two_calls_disagree_may_lag() {
    let plan = plan(
        &[
            keep(GROUP, &group("sg-a")),
            change(RULE, &["create"], &Value::Null, &(rule("sg-a"), json!({}))),
        ],
        &[object(GROUP, &group("sg-a"))],
    );
    let mut there = live(&[live_group("sg-a", &[])]);
    there["gaps"] = json!([{"what": "group g", "why": "the calls differ", "missing": "rules", "of": "sg-a"}]);
    assert_eq!(
        rows(&verify(&plan, &as_planned(), &there)),
        ["YY? undetermined sg-a ingress tcp 443 from 10.0.0.0/8 (in the change)"]
    );
}

#[test]
fn what_the_code_describes_no_more_and_what_is_stale_is_remarked() {
    let mut described = rule("sg-a");
    described["description"] = "old".into();
    let plan = plan(
        &[
            keep(GROUP, &group("sg-a")),
            change(RULE, &["update"], &described, &(rule("sg-a"), json!({}))),
        ],
        &[object(GROUP, &group("sg-a")), object(RULE, &described)],
    );
    let state = state(&[(GROUP, group("sg-a")), (RULE, described)]);
    let mut live_rule = https();
    live_rule["description"] = "old".into();
    let report = verify(&plan, &state, &live(&[live_group("sg-a", &[live_rule])]));
    let notes = &report.rules[0].notes;
    assert!(
        notes.contains(&"description: live \"old\", code none".to_owned()),
        "{notes:?}"
    );
    let peer = json!({"group": {"id": "sg-b", "account": null}});
    let mut there = live(&[live_group("sg-a", &[https(), self::live_rule(80, &peer)])]);
    there["stale_references"] = json!([{"group": "sg-a", "direction": "ingress", "protocol": "tcp", "from_port": 80,
        "to_port": 80, "peer": peer, "peer_vpc_id": null, "peering": null}]);
    let report = verify(&nothing_to_do(), &as_planned(), &there);
    let row = report
        .rules
        .iter()
        .find(|row| row.verdict == RuleVerdict::Unmanaged)
        .unwrap();
    assert!(
        row.notes.iter().any(|note| note.starts_with("stale: ")),
        "{:?}",
        row.notes
    );
}

#[test]
fn each_rule_made_by_hand_is_revoked_where_it_is_and_kept_under_a_name_of_its_own() {
    let objects = [("a", "eu-west-1"), ("b", "us-east-1")].map(|(module, region)| {
        let address = format!("module.{module}.aws_security_group.this");
        let mut values = group(&format!("sg-{module}"));
        values["arn"] = format!("arn:aws:ec2:{region}:111111111111:security-group/sg-{module}").into();
        (address, values)
    });
    let changes = objects.iter().map(|(address, values)| {
        let mut change = keep(GROUP, values);
        change["address"] = address.as_str().into();
        change["name"] = "this".into();
        change
    });
    let resources: Vec<Value> = objects
        .iter()
        .map(|(address, values)| {
            json!({"module": address.split(".aws").next(), "mode": "managed", "type": "aws_security_group",
                "name": "this", "instances": [{"attributes": values}]})
        })
        .collect();
    let state = json!({"version": 4, "serial": 1, "lineage": "x", "resources": resources}).to_string();
    let groups = [("sg-a", "eu-west-1"), ("sg-b", "us-east-1")].map(|(id, region)| {
        let mut group = live_group(id, &[https()]);
        group["region"] = region.into();
        group
    });
    let mut there = live(&groups);
    there["region"] = Value::Null;
    let plan = json!({"format_version": "1.2", "resource_changes": changes.collect::<Vec<_>>()});
    let plan = Plan::read(&plan.to_string()).unwrap();
    let code = "module \"a\" {\n  source = \"./m\"\n}\nmodule \"b\" {\n  source = \"./m\"\n}\n";
    let code = Configuration::read([
        ("main.tf", code),
        ("m/main.tf", "resource \"aws_security_group\" \"this\" {}\n"),
    ])
    .unwrap();
    let after = plan.with_code(code).after().unwrap();
    let recorded = State::read(&state).unwrap().view().unwrap();
    let report = compare(
        &Views::declared(&after)
            .recorded(Some(&recorded))
            .live(Some(&inventory(&there))),
    );
    let repairs: Vec<String> = report
        .rules
        .iter()
        .filter_map(|row| row.repair.as_ref())
        .map(|repair| {
            let code = repair.code.as_deref().unwrap_or_default();
            let to = code.lines().find(|line| line.trim().starts_with("to "));
            let command = repair.command.as_deref().unwrap_or_default();
            let region = command.split(' ').skip_while(|word| *word != "--region").nth(1);
            format!("{} {}", region.unwrap_or_default(), to.unwrap_or_default().trim())
        })
        .collect();
    assert_eq!(
        repairs,
        [
            "eu-west-1 to = aws_vpc_security_group_ingress_rule.a_this_tcp_443_from_10_0_0_0_8",
            "us-east-1 to = aws_vpc_security_group_ingress_rule.b_this_tcp_443_from_10_0_0_0_8",
        ]
    );
}

#[test]
fn the_first_comparison_is_held_against_none() {
    let there = live(&[live_group("sg-a", &[https()])]);
    let first = verify(&nothing_to_do(), &as_planned(), &there).since_nothing();
    assert!(first.since.unwrap().is_quiet());
    let inventory = {
        let mut inventory = inventory(&there);
        inventory
            .gaps
            .push(Gap::new("a call", "denied").missing(Missing::Anything));
        inventory
    };
    let plan = Plan::read(&nothing_to_do().to_string()).unwrap();
    let after = plan.after().unwrap();
    let recorded = State::read(&as_planned()).unwrap().view().unwrap();
    let report = compare(
        &Views::declared(&after)
            .recorded(Some(&recorded))
            .live(Some(&inventory)),
    );
    let since = report.since_nothing().since.unwrap();
    assert_eq!(since.verdict_was, None);
    assert!(!since.is_quiet());
}
