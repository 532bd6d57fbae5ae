//! Whom an inventory says to ask.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

use portcullis_probe::{
    Answer, Closing, Expectation, Expectations, HttpAnswer, Place, Reach, Reply, Selection, ServicesReport,
    Target, Targets, Wants, Whose, Wish, add_closed, is_met, judge, targets,
};
use portcullis_report::Verdict;
use portcullis_secgroup::{
    AddressSet, Cidr, Direction, Gap, Group, Interface, Inventory, Peer, Ports, Protocol, Rule,
};
use std::fmt::Write as _;

fn rule(protocol: Protocol, from: u16, to: u16, cidr: &str) -> Rule {
    let ports = Ports::read(protocol, Some(i64::from(from)), Some(i64::from(to))).unwrap();
    Rule::new(
        Direction::Ingress,
        protocol,
        ports,
        Peer::Cidr(cidr.parse::<Cidr>().unwrap()),
    )
}

fn group(id: &str, name: &str, rules: Vec<Rule>) -> Group {
    Group {
        id: Some(id.into()),
        name: Some(name.into()),
        rules,
        ..Group::default()
    }
}

fn member(name: &str, addresses: &[&str], groups: &[&str]) -> Interface {
    Interface {
        id: format!("eni-{name}"),
        instance_name: Some(name.into()),
        public_addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        ..Interface::default()
    }
}

/// A web group on two hosts, an administration group for an office, and what else is met in the wild.
fn inventory() -> Inventory {
    let tcp = Protocol::TCP;
    Inventory {
        groups: vec![
            group(
                "sg-web",
                "web",
                vec![
                    rule(tcp, 8000, 8000, "0.0.0.0/0"),
                    rule(tcp, 443, 443, "0.0.0.0/1"),
                    rule(tcp, 443, 443, "128.0.0.0/1"),
                ],
            ),
            group("sg-admin", "admin", vec![rule(tcp, 22, 22, "1.1.1.0/28")]),
            group("sg-six", "six", vec![rule(tcp, 8080, 8080, "::/0")]),
            group("sg-wide", "wide", vec![rule(tcp, 1024, 65535, "0.0.0.0/0")]),
            group("sg-udp", "udp", vec![rule(Protocol::UDP, 53, 53, "0.0.0.0/0")]),
            group("sg-idle", "idle", vec![rule(tcp, 80, 80, "0.0.0.0/0")]),
        ],
        interfaces: vec![
            member("front", &["52.95.110.7", "2600:1f18::7"], &["sg-web", "sg-admin"]),
            member("front-2", &["52.95.110.8"], &["sg-web"]),
            member("hidden", &[], &["sg-web"]),
            member("six", &["52.95.110.9", "2600:1f18::9"], &["sg-six"]),
            member("wide", &["52.95.110.10"], &["sg-wide"]),
            member("evil", &["169.254.169.254"], &["sg-web"]),
            member("dns", &["52.95.110.11"], &["sg-udp"]),
        ],
        ..Inventory::default()
    }
}

fn show(targets: &Targets) -> String {
    let mut out = String::new();
    for target in &targets.targets {
        let doubt = match &target.wish {
            Wish::Silence(Some(doubt)) => format!(" ({doubt})"),
            _ => String::new(),
        };
        writeln!(out, "{} {}: {}{doubt}", target.member, target.group, target.id()).unwrap();
    }
    for row in &targets.unasked {
        writeln!(
            out,
            "{} {} {}: {}, {}",
            row.member,
            row.group,
            row.what,
            row.result.words(),
            row.why
        )
        .unwrap();
    }
    for note in &targets.notes {
        writeln!(out, "note {note}").unwrap();
    }
    writeln!(out, "incomplete {}", targets.incomplete).unwrap();
    out
}

fn find(groups: &[&str], ports: &[u16]) -> Targets {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    targets(
        &inventory(),
        &Selection {
            groups,
            ports: ports.to_vec(),
            ..Selection::default()
        },
        &Expectations::default(),
    )
}

#[test]
fn each_open_group_by_default() {
    insta::assert_snapshot!("each-open-group", show(&find(&[], &[])));
}

#[test]
fn groups_by_name_and_by_id() {
    insta::assert_snapshot!(
        "by-name-and-by-id",
        show(&find(&["sg-six", "admin", "nobody"], &[]))
    );
}

#[test]
fn of_a_wide_range_only_what_is_named() {
    insta::assert_snapshot!(
        "named-ports-of-a-wide-range",
        show(&find(&["wide"], &[80, 8080, 9090]))
    );
}

#[test]
fn a_path_stays_a_path() {
    let expectation = Expectation::new("//elsewhere.example/x y?full=1#no", 204).unwrap();
    let found = targets(&inventory(), &of(&["six"]), &Expectations::all(expectation));
    assert_eq!(
        found.targets[0].url(),
        "http://[2600:1f18::9]:8080//elsewhere.example/x%20y?full=1%23no"
    );
    assert!(Expectation::new("elsewhere", 200).is_err() && Expectation::new("/", 99).is_err());
}

fn of(groups: &[&str]) -> Selection {
    Selection {
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        ..Selection::default()
    }
}

#[test]
fn a_partial_inventory_never_passes() {
    let gap = Gap::new("DescribeNetworkInterfaces", "access denied");
    let partial = Inventory {
        gaps: vec![gap],
        ..inventory()
    };
    let found = targets(&partial, &of(&["six"]), &Expectations::default());
    assert!(found.incomplete);
    assert_eq!(ServicesReport::new(vec![], &found).verdict, Verdict::Undetermined);
}

#[test]
fn two_views_are_asked_once() {
    let live = inventory();
    let mut both = inventory();
    both.groups.extend(live.groups);
    // The state knows a member by another name, and records an address that EC2 no longer has.
    both.interfaces
        .push(member("aws_instance.front", &["52.95.110.7"], &["sg-web"]));
    both.interfaces
        .push(member("aws_instance.gone", &["52.95.110.99"], &["sg-web"]));
    let selection = Selection {
        ports: vec![8000],
        ..of(&["web", "admin"])
    };
    insta::assert_snapshot!(
        "two-views",
        show(&targets(&both, &selection, &Expectations::default()))
    );
}

fn expecting(text: &str) -> Expectations {
    Expectations::read(text, Expectation::default()).unwrap()
}

#[test]
fn groups_by_tag_and_by_pattern() {
    let mut inventory = inventory();
    inventory.groups[0].tags = [("team".to_owned(), "shop".to_owned())].into();
    let tagged = |team: &str| Selection {
        tags: [("team".to_owned(), team.to_owned())].into(),
        ..Selection::default()
    };
    let groups = |selection: &Selection| -> Vec<String> {
        let found = targets(&inventory, selection, &Expectations::default());
        let mut groups: Vec<String> = found.targets.into_iter().map(|target| target.group).collect();
        groups.sort();
        groups.dedup();
        groups
    };
    assert_eq!(groups(&tagged("shop")), ["web"]);
    assert_eq!(groups(&of(&["w*"])), ["web"]);
    assert_eq!(groups(&of(&["s*"])), ["six"]);
    let nobody = targets(&inventory, &tagged("blog"), &Expectations::default());
    assert_eq!(
        (nobody.incomplete, nobody.notes),
        (
            true,
            vec!["no group carries the tags that are asked for".to_owned()]
        )
    );
}

#[test]
fn each_group_as_the_file_says() {
    let text = "
version: 1
services:
  - groups: {name: web}
    ports: [443]
    host: shop.example.org
    dns: true
    path: /health
    certificate_days: 14
  - groups: {name: web}
    ports: [443]
    host: shop.example.org
    path: /ready
  - groups: {name: w*}
    ports: [8000]
    skip: moves next week
  - groups: {name: wide}
    ports: [3000, 80, 9000]
    protocol: tcp
  - groups: {id: sg-udp}
    ports: [53]
    skip: the resolver team checks it
  - groups: {name: nobody}
    path: /
";
    insta::assert_snapshot!(
        "as-the-file-says",
        show(&targets(&inventory(), &Selection::default(), &expecting(text)))
    );
}

#[test]
fn a_member_with_a_name_only() {
    let mut inventory = inventory();
    let balancer = |name: &str, dns: &str| Interface {
        id: format!("arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/{name}/1"),
        public_dns: Some(dns.into()),
        ..member(name, &[], &["sg-web"])
    };
    inventory.interfaces = vec![
        balancer("shop", "shop-1.eu-west-1.elb.amazonaws.com"),
        balancer("evil", "169.254.169.254"),
        balancer("odd", "a b/c@d"),
    ];
    insta::assert_snapshot!(
        "a-name-only",
        show(&targets(&inventory, &of(&["web"]), &Expectations::default()))
    );
}

fn closing(whose: Whose, tcp: &[(u16, u16)]) -> Closing {
    Closing {
        whose,
        tcp: tcp.to_vec(),
        udp: vec![],
        v4: true,
        v6: false,
        line: None,
    }
}

fn closed(inventory: &Inventory, closings: &[Closing]) -> Targets {
    let mut found = Targets::default();
    add_closed(&mut found, inventory, closings);
    found
}

#[test]
fn what_a_change_closed() {
    let group = |word: &str| Whose::Group(vec![word.into()]);
    let closings = [
        // Still open to an office, and on all members of the group.
        closing(group("sg-admin"), &[(22, 22)]),
        // Two groups of one member.
        closing(group("web"), &[(8080, 8080), (80, 80)]),
        // UDP tells nothing; a group that is in no view tells nothing either.
        Closing {
            udp: vec![(53, 53)],
            v4: false,
            v6: true,
            ..closing(group("sg-six"), &[(53, 53)])
        },
        closing(group("sg-gone"), &[(22, 22)]),
        // Nearly everything.
        closing(
            Whose::Member {
                words: vec!["eni-dns".into()],
                left: "everything".into(),
            },
            &[(0, 21), (23, 65535)],
        ),
    ];
    insta::assert_snapshot!("closed", show(&closed(&inventory(), &closings)));
}

#[test]
fn what_another_group_opens_is_not_closed() {
    let mut inventory = inventory();
    inventory.interfaces = vec![member("both", &["52.95.110.7"], &["sg-admin", "sg-web"])];
    let closings = [closing(
        Whose::Group(vec!["sg-admin".into()]),
        &[(443, 443), (444, 444)],
    )];
    insta::assert_snapshot!("covered", show(&closed(&inventory, &closings)));
}

#[test]
fn what_is_closed_is_not_expected_to_answer() {
    // EC2 was read before the change.
    let mut found = targets(&inventory(), &of(&["web"]), &Expectations::default());
    let before = found.targets.len();
    add_closed(
        &mut found,
        &inventory(),
        &[closing(Whose::Group(vec!["sg-web".into()]), &[(8000, 8000)])],
    );
    let silent = found
        .targets
        .iter()
        .filter(|target| target.wants() == Wants::Silence);
    assert_eq!(
        (silent.count(), found.targets.len()),
        (2, before),
        "{}",
        show(&found)
    );
}

#[test]
fn groups_whose_rules_are_not_known() {
    let mut inventory = inventory();
    inventory.interfaces = vec![member("front", &["52.95.110.7"], &["sg-web", "sg-elsewhere"])];
    let closings = [closing(Whose::Group(vec!["sg-web".into()]), &[(22, 22)])];
    insta::assert_snapshot!(show(&closed(&inventory, &closings)), @"
    front web: silence tcp://52.95.110.7:22 (it carries sg-elsewhere, whose rules are not known)
    incomplete false
    ");
}

#[test]
fn what_must_be_closed_whatever_the_change() {
    let expectations = expecting(
        "
version: 1
closed:
  - ports: [22, 3389]
  - groups: {name: web}
    ports: [8000]
",
    );
    let mut found = targets(&inventory(), &of(&["web"]), &expectations);
    add_closed(&mut found, &inventory(), &expectations.closings(&inventory()));
    insta::assert_snapshot!("stated", show(&found));
}

#[test]
fn keys_mean_the_protocol_they_need() {
    let mut inventory = inventory();
    inventory.groups[0]
        .rules
        .push(rule(Protocol::TCP, 5432, 5432, "0.0.0.0/0"));
    inventory.interfaces = vec![member("front", &["52.95.110.7"], &["sg-web"])];
    let mut shown = String::new();
    for entry in [
        "{}",
        "certificate_days: 3",
        "protocol: tcp",
        "{ports: [443, 5432], path: /health}",
        "{host: a.example, protocol: http}",
    ] {
        let expectations = expecting(&format!("version: 1\nservices:\n  - {entry}\n"));
        writeln!(
            shown,
            "{entry}\n{}",
            show(&targets(&inventory, &of(&["web"]), &expectations))
        )
        .unwrap();
    }
    insta::assert_snapshot!("protocols", shown);
}

/// An inventory of these groups, and of members that carry them.
fn of_groups(groups: Vec<Group>, interfaces: Vec<Interface>) -> Inventory {
    Inventory {
        groups,
        interfaces,
        ..Inventory::default()
    }
}

fn opens(name: &str, ports: &[u16]) -> Group {
    let rules = ports
        .iter()
        .map(|&port| rule(Protocol::TCP, port, port, "0.0.0.0/0"));
    group(&format!("sg-{name}"), name, rules.collect())
}

#[test]
fn no_expectation_displaces_another() {
    // The first group has no entry: what the command line says must not stand in for what the other group's entries say.
    let inventory = of_groups(
        vec![opens("alpha", &[8000]), opens("web", &[8000])],
        vec![member("front", &["52.95.110.7"], &["sg-alpha", "sg-web"])],
    );
    let text = "
version: 1
services:
  - {groups: {name: web}, text: hello}
  - {groups: {name: web}, ports: [8000], text: goodbye}
";
    let found = targets(&inventory, &Selection::default(), &expecting(text));
    let met_by = |body: &str| {
        let http = HttpAnswer {
            status: 200,
            body: body.into(),
            ..HttpAnswer::default()
        };
        let reply = Reply {
            answer: Answer::Http(Box::new(http)),
            ..Reply::default()
        };
        found
            .targets
            .iter()
            .filter(|target| is_met(target, &reply))
            .count()
    };
    assert_eq!(found.targets.len(), 2, "{}", show(&found));
    assert_eq!(
        [
            met_by("hello, goodbye"),
            met_by("hello"),
            met_by("goodbye"),
            met_by("")
        ],
        [2, 1, 1, 0]
    );
    // Each row is told apart, whatever came.
    let checks = found
        .targets
        .iter()
        .map(|target| judge(target, &Reply::default(), 1, &Reach::default()));
    let report = ServicesReport::new(checks.collect(), &found);
    let ids: Vec<&str> = report.checks.iter().map(|check| check.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "answer http://52.95.110.7:8000/",
            "answer http://52.95.110.7:8000/ (2)"
        ]
    );
}

#[test]
fn what_is_about_nothing_is_missed() {
    let inventory = of_groups(
        vec![opens("web", &[8000]), opens("idle", &[80])],
        vec![member("front", &["52.95.110.7"], &["sg-web"])],
    );
    let text = "
version: 1
services:
  - {groups: {name: web}, ports: [8000, 443]}
closed:
  - {groups: {name: no-such-group}, ports: [22]}
  - {groups: {name: idle}, ports: [22]}
  - {groups: {name: web}, ports: [22]}
";
    let expectations = expecting(text);
    let mut found = targets(&inventory, &of(&["web", "idle"]), &expectations);
    let closings = [
        expectations.closings(&inventory),
        vec![
            closing(Whose::Group(vec!["sg-idle".into()]), &[(22, 22)]),
            closing(
                Whose::Member {
                    words: vec!["i-0ffff".into(), "aws_instance.x".into()],
                    left: "old".into(),
                },
                &[(22, 22)],
            ),
        ],
    ];
    add_closed(&mut found, &inventory, &closings.concat());
    insta::assert_snapshot!("about-nothing", show(&found));
    // A port that nobody selected is not missed.
    let selection = Selection {
        ports: vec![8000],
        ..of(&["web"])
    };
    let found = targets(
        &inventory,
        &selection,
        &expecting("version: 1\nservices: [{ports: [8000, 443]}]"),
    );
    assert!(!found.incomplete, "{}", show(&found));
}

#[test]
fn closed_on_members_that_have_no_public_address() {
    let mut balancer = member("shop", &[], &["sg-web"]);
    balancer.public_dns = Some("Shop-1.eu-west-1.elb.amazonaws.com".into());
    let inventory = of_groups(
        vec![opens("web", &[443])],
        vec![
            balancer,
            member("hidden", &[], &["sg-web"]),
            member("ten", &["10.0.0.7"], &["sg-web"]),
            member("six", &["2600:1f18::9"], &["sg-web"]),
        ],
    );
    // 443 stays open in the group itself, as an older view still says.
    let closings = [closing(Whose::Group(vec!["sg-web".into()]), &[(22, 22)])];
    insta::assert_snapshot!("closed-without-an-address", show(&closed(&inventory, &closings)));
    let found = targets(&inventory, &Selection::default(), &Expectations::default());
    let urls: Vec<String> = found.targets.iter().map(Target::url).collect();
    assert_eq!(
        urls,
        ["https://shop-1.eu-west-1.elb.amazonaws.com/"],
        "names have no case"
    );
}

#[test]
fn of_many_ports_the_rest_is_told() {
    let all: Vec<u16> = (8001..=8017).collect();
    let inventory = of_groups(
        vec![opens("web", &all)],
        vec![member("front", &["52.95.110.7"], &["sg-web"])],
    );
    let mut shown = String::new();
    for text in [
        "[{ports: [8001]}]",
        "[{ports: [8001]}, {skip: 'they come and go'}]",
        "[{ports: [8001], skip: 'moves'}, {ports: [8002]}]",
    ] {
        let expectations = expecting(&format!("version: 1\nservices: {text}\n"));
        let found = targets(&inventory, &Selection::default(), &expectations);
        writeln!(shown, "{text}\n{}", show(&found)).unwrap();
    }
    let closings = [closing(Whose::Group(vec!["sg-web".into()]), &[(9000, 9100)])];
    let found = closed(&inventory, &closings);
    writeln!(shown, "closed by a change\n{}", show(&found)).unwrap();
    let checks = found.targets.iter().map(|target| {
        let reply = Reply {
            answer: Answer::Refused,
            address: Some("52.95.110.7".parse().unwrap()),
            ..Reply::default()
        };
        judge(target, &reply, 1, &Reach::default())
    });
    shown += &ServicesReport::new(checks.collect(), &found).headline();
    insta::assert_snapshot!("the-rest", shown);
    // Who lists each port wants each.
    let expectations = expecting(&format!("version: 1\nclosed: [{{ports: {all:?}}}]\n"));
    let found = closed(&inventory, &expectations.closings(&inventory));
    assert_eq!(
        (found.targets.len(), found.unasked.len()),
        (17, 0),
        "{}",
        show(&found)
    );
}

#[test]
fn udp_beside_tcp_may_be_skipped_alone() {
    let mut web = opens("web", &[443]);
    web.rules.push(rule(Protocol::UDP, 443, 443, "0.0.0.0/0"));
    let inventory = of_groups(vec![web], vec![member("front", &["52.95.110.7"], &["sg-web"])]);
    let text = "
version: 1
services:
  - {ports: [443], protocol: udp, skip: the load test asks QUIC}
  - {ports: [443], path: /health}
";
    insta::assert_snapshot!(show(&targets(&inventory, &Selection::default(), &expecting(text))), @"
    front web: answer https://52.95.110.7/health
    front web udp 443: skipped, the load test asks QUIC
    incomplete false
    ");
}

#[test]
fn a_prefix_list_that_was_not_read_leaves_a_doubt() {
    let mut edge = opens("edge", &[]);
    edge.rules.push(Rule::new(
        Direction::Ingress,
        Protocol::TCP,
        Ports::Range { from: 9000, to: 9000 },
        Peer::PrefixList("pl-1".into()),
    ));
    let inventory = of_groups(
        vec![opens("web", &[8000]), edge],
        vec![member("front", &["52.95.110.7"], &["sg-web", "sg-edge"])],
    );
    let closings = [closing(Whose::Group(vec!["sg-web".into()]), &[(9000, 9001)])];
    insta::assert_snapshot!(show(&closed(&inventory, &closings)), @"
    front web: silence tcp://52.95.110.7:9000 (who else may still come in is not known, and this machine may be among them)
    front web: silence tcp://52.95.110.7:9001
    incomplete false
    ");
}

#[test]
fn a_name_may_stand_for_several_groups() {
    let inventory = of_groups(
        vec![opens("web-a", &[443]), opens("web-b", &[443])],
        vec![
            member("a", &["52.95.110.7"], &["sg-web-a"]),
            member("b", &["52.95.110.8", "10.0.0.8"], &["sg-web-b"]),
        ],
    );
    let text = "version: 1\nservices: [{groups: {name: web-*}, host: shop.example.org, dns: true}]";
    for selection in [Selection::default(), of(&["web-a"])] {
        let found = targets(&inventory, &selection, &expecting(text));
        let names: Vec<&Target> = found
            .targets
            .iter()
            .filter(|target| matches!(target.place, Place::Name { .. }))
            .collect();
        assert_eq!(names.len(), 1, "{}", show(&found));
        let within = match &names[0].place {
            Place::Name { within, .. } => within.clone(),
            Place::Address(_) => AddressSet::empty(),
        };
        let expected: AddressSet = ["52.95.110.7", "52.95.110.8"]
            .map(|address| Cidr::host(address.parse().unwrap()))
            .into_iter()
            .collect();
        assert_eq!(within, expected);
    }
}

#[test]
fn only_public_addresses_are_asked() {
    let mut web = opens("web", &[80]);
    web.rules.push(rule(Protocol::TCP, 80, 80, "::/0"));
    let addresses = [
        "127.0.0.1",
        "::1",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::a9fe:a9fe",
        "fd00:ec2::254",
    ];
    let inventory = of_groups(vec![web], vec![member("front", &addresses, &["sg-web"])]);
    let asked = |loopback: bool| {
        let selection = Selection {
            loopback,
            ..Selection::default()
        };
        let mut found = targets(&inventory, &selection, &Expectations::default());
        add_closed(
            &mut found,
            &inventory,
            &expecting("version: 1\nclosed: [{ports: [22]}]").closings(&inventory),
        );
        let urls: Vec<String> = found.targets.iter().map(Target::url).collect();
        (urls.join(" "), found.unasked.len())
    };
    assert_eq!(asked(false), (String::new(), 18));
    let here = "http://127.0.0.1/ http://[::1]/ tcp://127.0.0.1:22 tcp://[::1]:22".to_owned();
    assert_eq!(asked(true), (here, 14));
}
