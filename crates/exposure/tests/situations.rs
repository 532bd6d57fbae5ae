//! What is told in situations that are easily told wrong.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

mod support;

use portcullis_exposure::{Comparison, ExposureReport};
use portcullis_report::Verdict;
use portcullis_secgroup::{Direction, Gap, Group, Interface, Inventory, Peer, Ports, Protocol, Rule};
use serde_json::{Value, json};
use support::{block, change, group, group_change, instance, instance_change, plan, report};

const WORLD: &str = "0.0.0.0/0";
const NULL: Value = Value::Null;

/// An ingress rule of tcp, from blocks of addresses or groups (`sg-…`).
fn tcp(from: u16, to: u16, peers: &[&str]) -> Value {
    block("tcp", i64::from(from), i64::from(to), peers)
}

fn of(changes: &[Value]) -> ExposureReport {
    report(&plan(changes))
}

#[test]
fn what_another_group_of_every_member_opens_is_no_new_exposure() {
    let base = group("base", &[tcp(22, 22, &["10.0.0.0/8"])], &[]);
    let front = instance("front", &["base", "web"]);
    let report = of(&[
        group_change("base", &base, &base),
        group_change(
            "web",
            &group("web", &[], &[]),
            &group("web", &[tcp(22, 22, &["10.1.0.0/16"])], &[]),
        ),
        instance_change("front", &front, &front),
    ]);
    insta::assert_snapshot!(
        "what-another-group-of-every-member-opens-is-no-new-exposure",
        report.to_text()
    );
    assert!(report.members.is_empty());
    assert_eq!(report.verdict, Verdict::Pass);
}

#[test]
fn what_another_group_still_opens_is_not_closed() {
    let base = group("base", &[tcp(0, 1000, &[WORLD])], &[]);
    let (front, back) = (instance("front", &["base", "web"]), instance("back", &["web"]));
    let web = |rules: &[Value]| group("web", rules, &[]);
    let report = of(&[
        group_change("base", &base, &base),
        group_change(
            "web",
            &web(&[tcp(443, 443, &[WORLD]), tcp(8080, 8080, &[WORLD])]),
            &web(&[tcp(8080, 8080, &[WORLD])]),
        ),
        instance_change("front", &front, &front),
        instance_change("back", &back, &back),
    ]);
    insta::assert_snapshot!("what-another-group-still-opens-is-not-closed", report.to_text());
    let felt: Vec<&str> = report
        .members
        .iter()
        .flat_map(|it| &it.members)
        .map(portcullis_exposure::MemberRef::label)
        .collect();
    assert_eq!(felt, ["back"]);
}

#[test]
fn joining_and_leaving_open_and_close_without_any_rule() {
    let web = group("web", &[tcp(443, 443, &[WORLD])], &[block("-1", 0, 0, &[WORLD])]);
    let admin = group("admin", &[tcp(22, 22, &[WORLD])], &[block("-1", 0, 0, &[WORLD])]);
    let report = of(&[
        group_change("web", &web, &web),
        group_change("admin", &admin, &admin),
        instance_change(
            "front",
            &instance("front", &["web"]),
            &instance("front", &["web", "admin"]),
        ),
        instance_change(
            "back",
            &instance("back", &["web", "admin"]),
            &instance("back", &["admin"]),
        ),
        instance_change(
            "side",
            &instance("side", &["admin"]),
            &instance("side", &["admin"]),
        ),
    ]);
    insta::assert_snapshot!(
        "joining-and-leaving-open-and-close-without-any-rule",
        report.to_text()
    );
    insta::assert_snapshot!(
        "joining-and-leaving-open-and-close-without-any-rule-markdown",
        report.to_markdown()
    );
}

#[test]
fn halves_of_two_groups_are_the_internet_to_their_member() {
    let half = group("half", &[tcp(22, 22, &["0.0.0.0/1"])], &[]);
    let other = |rules: &[Value]| group("other", rules, &[]);
    let front = instance("front", &["half", "other"]);
    let report = of(&[
        group_change("half", &group("half", &[], &[]), &half),
        group_change("other", &other(&[]), &other(&[tcp(22, 22, &["128.0.0.0/1"])])),
        instance_change("front", &front, &front),
    ]);
    assert_eq!(
        report.members[0].opens[0].sentence(),
        "tcp 22 from the whole IPv4 internet"
    );
}

#[test]
fn a_replaced_group_opens_and_closes_nothing_where_its_rules_stay() {
    let old = group("web", &[tcp(443, 443, &[WORLD]), tcp(5000, 5000, &["self"])], &[]);
    let mut new = old.clone();
    new.as_object_mut().unwrap().remove("id");
    let client = |peer: &str| group("client", &[tcp(7000, 7000, &[peer])], &[]);
    let report = of(&[
        change("aws_security_group", "web", &old, &new, &json!({ "id": true })),
        // A rule that names the group by its id stays with the old one.
        group_change("client", &client("sg-web"), &client("sg-web")),
    ]);
    insta::assert_snapshot!(
        "a-replaced-group-opens-and-closes-nothing-where-its-rules-stay",
        report.to_text()
    );
}

#[test]
fn members_of_a_replaced_group_may_lose_and_may_keep() {
    let old = group("web", &[tcp(443, 443, &[WORLD])], &[]);
    let mut new = group("web", &[tcp(443, 443, &[WORLD]), tcp(22, 22, &[WORLD])], &[]);
    new.as_object_mut().unwrap().remove("id");
    let front = instance("front", &["web"]);
    let mut after = front.clone();
    after.as_object_mut().unwrap().remove("vpc_security_group_ids");
    let report = of(&[
        change("aws_security_group", "web", &old, &new, &json!({ "id": true })),
        change(
            "aws_instance",
            "front",
            &front,
            &after,
            &json!({ "vpc_security_group_ids": true }),
        ),
    ]);
    insta::assert_snapshot!(
        "members-of-a-replaced-group-may-lose-and-may-keep",
        report.to_text()
    );
    assert_eq!(report.verdict, Verdict::Undetermined);
}

#[test]
fn a_member_that_is_made_or_goes() {
    let web = group("web", &[tcp(443, 443, &[WORLD])], &[]);
    let report = of(&[
        group_change("web", &web, &web),
        instance_change("new", &NULL, &instance("new", &["web"])),
        instance_change("old", &instance("old", &["web"]), &NULL),
    ]);
    insta::assert_snapshot!("a-member-that-is-made-or-goes", report.to_text());
}

#[test]
fn a_group_with_its_members_goes() {
    let web = group("web", &[tcp(443, 443, &[WORLD])], &[]);
    let report = of(&[
        group_change("web", &web, &NULL),
        instance_change("front", &instance("front", &["web"]), &NULL),
    ]);
    insta::assert_snapshot!("a-group-with-its-members-goes", report.to_text());
}

#[test]
fn a_group_that_no_document_tells() {
    let web = group("web", &[], &[]);
    let report = of(&[
        group_change("web", &web, &web),
        instance_change(
            "front",
            &instance("front", &["web"]),
            &instance("front", &["web", "theirs"]),
        ),
    ]);
    insta::assert_snapshot!("a-group-that-no-document-tells", report.to_text());
    assert_eq!(report.verdict, Verdict::Undetermined);
}

#[test]
fn rules_move_from_the_group_into_resources() {
    let inline = group(
        "web",
        &[tcp(443, 443, &[WORLD]), tcp(80, 80, &[WORLD, "::/0"])],
        &[],
    );
    let mut bare = group("web", &[], &[]);
    bare.as_object_mut().unwrap().insert("ingress".into(), json!([]));
    let rule = |name: &str, port: u16, cidr: &str, attribute: &str| {
        let rule = json!({ "security_group_id": "sg-web", "ip_protocol": "tcp", "from_port": port, "to_port": port, attribute: cidr });
        change(
            "aws_vpc_security_group_ingress_rule",
            name,
            &NULL,
            &rule,
            &json!({ "id": true }),
        )
    };
    let report = of(&[
        group_change("web", &inline, &bare),
        rule("https", 443, WORLD, "cidr_ipv4"),
        rule("low", 80, "0.0.0.0/1", "cidr_ipv4"),
        rule("high", 80, "128.0.0.0/1", "cidr_ipv4"),
        rule("six", 80, "::/0", "cidr_ipv6"),
    ]);
    assert!(report.groups.is_empty() && report.members.is_empty());
    insta::assert_snapshot!(
        "rules-move-from-the-group-into-resources-headline",
        report.headline
    );
}

#[test]
fn a_prefix_list_is_its_entries() {
    let list = json!({ "id": "pl-1", "entry": [{ "cidr": "10.0.0.0/8" }] });
    let web = |peer: &str| group("web", &[tcp(443, 443, &[peer])], &[]);
    let kind = "aws_ec2_managed_prefix_list";
    let written_out = of(&[
        change(kind, "one", &list, &list, &json!({})),
        group_change("web", &web("pl-1"), &web("10.0.0.0/8")),
    ]);
    assert_eq!(written_out.headline, "no exposure change (1 rule rewritten)");
    let grown = json!({ "id": "pl-1", "entry": [{ "cidr": "10.0.0.0/8" }, { "cidr": "1.0.0.0/8" }] });
    let entry_added = of(&[
        change(kind, "one", &list, &grown, &json!({})),
        group_change("web", &web("pl-1"), &web("pl-1")),
    ]);
    insta::assert_snapshot!("a-prefix-list-is-its-entries-entry-added", entry_added.headline);
    let unknown = json!({ "id": "pl-1" });
    let entries_unknown = of(&[
        change(kind, "one", &list, &unknown, &json!({ "entry": true })),
        group_change("web", &web("pl-1"), &web("pl-1")),
    ]);
    insta::assert_snapshot!(
        "a-prefix-list-is-its-entries-entries-unknown",
        entries_unknown.to_text()
    );
    let of_others = of(&[group_change(
        "web",
        &web("pl-9"),
        &group(
            "web",
            &[tcp(443, 443, &["pl-9"]), tcp(443, 443, &["1.2.3.0/24"])],
            &[],
        ),
    )]);
    insta::assert_snapshot!("a-prefix-list-is-its-entries-of-others", of_others.headline);
}

#[test]
fn a_plan_that_leaves_things_out_says_so_first() {
    let text = json!({ "format_version": "1.2", "complete": false, "resource_changes": [] }).to_string();
    let report = report(&portcullis_terraform::Plan::read(&text).unwrap());
    insta::assert_snapshot!(
        "a-plan-that-leaves-things-out-says-so-first-headline",
        report.headline
    );
    assert_eq!(report.verdict, Verdict::Undetermined);
}

fn live_rule(port: u16, cidr: &str) -> Rule {
    let port = Some(i64::from(port));
    let ports = Ports::read(Protocol::TCP, port, port).unwrap();
    Rule::new(
        Direction::Ingress,
        Protocol::TCP,
        ports,
        Peer::Cidr(cidr.parse().unwrap()),
    )
}

fn live_group(name: &str, rules: Vec<Rule>) -> Group {
    Group {
        id: Some(format!("sg-{name}")),
        name: Some(name.into()),
        rules,
        ..Group::default()
    }
}

/// The plan moves a port; live, somebody opened SSH and closed HTTPS, and another group covers what opens.
fn live_report(gaps: Vec<Gap>) -> ExposureReport {
    let web = |port| group("web", &[tcp(443, 443, &[WORLD]), tcp(port, port, &[WORLD])], &[]);
    let front = instance("front", &["web"]);
    let plan = plan(&[
        group_change("web", &web(8080), &web(8000)),
        instance_change("front", &front, &front),
    ]);
    let eni = |id: &str, instance: Option<&str>, groups: &[&str]| Interface {
        id: id.into(),
        instance_id: instance.map(Into::into),
        groups: groups.iter().map(|group| format!("sg-{group}")).collect(),
        ..Interface::default()
    };
    let live = Inventory {
        groups: vec![
            live_group("web", vec![live_rule(8080, WORLD), live_rule(22, "9.9.9.9/32")]),
            live_group("theirs", vec![live_rule(8000, WORLD)]),
        ],
        interfaces: vec![
            eni("eni-1", Some("i-front"), &["web", "theirs"]),
            eni("eni-2", None, &["theirs"]),
        ],
        gaps,
        ..Inventory::default()
    };
    Comparison::new(&plan.before().unwrap(), &plan.after().unwrap())
        .live(&live)
        .rules_rewritten(plan.rules_rewritten())
        .report()
}

#[test]
fn live_stands_for_before_and_drift_is_told_apart() {
    insta::assert_snapshot!(
        "live-stands-for-before-and-drift-is-told-apart",
        live_report(Vec::new()).to_text()
    );
}

#[test]
fn what_was_not_read_of_live_is_said() {
    let gap = Gap::new("DescribeSecurityGroups", "access denied");
    let report = live_report(vec![gap]);
    assert_eq!(report.verdict, Verdict::Undetermined);
    insta::assert_snapshot!("what-was-not-read-of-live-is-said-notes", report.notes.join("\n"));
}

#[test]
fn a_terminal_folds_and_hostile_names_stay_text() {
    let hostile = "web\u{1b}[31m<script>|@all";
    let named = |rules: &[Value]| {
        let mut group = group("web", rules, &[]);
        group["name"] = json!(hostile);
        group
    };
    let mut front = instance("front", &["web"]);
    front["tags"]["Name"] = json!(format!("</details>{}", "long ".repeat(60)));
    let report = of(&[
        group_change(
            "web",
            &named(&[]),
            &named(&[tcp(
                22,
                22,
                &["1.2.3.0/24", "5.6.0.0/16", "2600::/16", "10.0.0.0/8", "sg-x"],
            )]),
        ),
        instance_change("front", &front, &front),
    ]);
    insta::assert_snapshot!(
        "a-terminal-folds-and-hostile-names-stay-text",
        report.to_text_within(60)
    );
    insta::assert_snapshot!(
        "a-terminal-folds-and-hostile-names-stay-text-markdown",
        report.to_markdown()
    );
    assert!(report.headline.chars().count() <= 80, "{}", report.headline);
}

#[test]
fn the_worst_opening_is_told_first() {
    let changes = [
        ("a", tcp(443, 443, &[WORLD])),
        ("b", tcp(22, 22, &["10.0.0.0/8"])),
        ("c", tcp(22, 22, &[WORLD])),
        ("d", tcp(3000, 3000, &[WORLD])),
        ("e", tcp(22, 22, &["sg-a"])),
        ("f", tcp(22, 22, &["8.8.8.0/24"])),
        ("g", tcp(0, 65535, &[WORLD])),
        ("h", block("-1", 0, 0, &[WORLD])),
        ("i", block("icmp", 8, 0, &[WORLD])),
        ("j", tcp(22, 22, &["pl-theirs"])),
        ("k", tcp(22, 22, &["10.0.0.0/9"])),
    ]
    .map(|(name, rule)| group_change(name, &group(name, &[], &[]), &group(name, &[rule], &[])));
    let report = of(&changes);
    insta::assert_snapshot!("the-worst-opening-is-told-first", report.to_markdown());
    assert_eq!(
        report.headline,
        "opens all traffic from the whole IPv4 internet on h; also opens 10, may open 1"
    );
}
