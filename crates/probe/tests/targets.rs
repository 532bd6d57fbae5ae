//! Whom an inventory says to ask.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

use portcullis_probe::{Expectation, Selection, ServicesReport, Targets, targets};
use portcullis_report::Verdict;
use portcullis_secgroup::{Cidr, Direction, Gap, Group, Interface, Inventory, Peer, Ports, Protocol, Rule};
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
            group("sg-admin", "admin", vec![rule(tcp, 22, 22, "203.0.113.0/28")]),
            group("sg-six", "six", vec![rule(tcp, 8080, 8080, "::/0")]),
            group("sg-wide", "wide", vec![rule(tcp, 1024, 65535, "0.0.0.0/0")]),
            group("sg-udp", "udp", vec![rule(Protocol::UDP, 53, 53, "0.0.0.0/0")]),
            group("sg-idle", "idle", vec![rule(tcp, 80, 80, "0.0.0.0/0")]),
        ],
        interfaces: vec![
            member("front", &["198.51.100.7", "2001:db8::7"], &["sg-web", "sg-admin"]),
            member("front-2", &["198.51.100.8"], &["sg-web"]),
            member("hidden", &[], &["sg-web"]),
            member("six", &["198.51.100.9", "2600:1f18::9"], &["sg-six"]),
            member("wide", &["198.51.100.10"], &["sg-wide"]),
            member("evil", &["169.254.169.254"], &["sg-web"]),
            member("dns", &["198.51.100.11"], &["sg-udp"]),
        ],
        ..Inventory::default()
    }
}

fn show(targets: &Targets) -> String {
    let mut out = String::new();
    for target in &targets.targets {
        writeln!(out, "ask {} {} {}", target.member, target.group, target.url).unwrap();
    }
    for untestable in &targets.untestable {
        writeln!(
            out,
            "cannot ask {} {} {}: {}",
            untestable.member, untestable.group, untestable.what, untestable.why
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
        },
        &Expectation::default(),
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
    let expectation = Expectation::new("//elsewhere.example/x?full=1#no", 204).unwrap();
    let selection = Selection {
        groups: vec!["six".into()],
        ports: vec![],
    };
    let found = targets(&inventory(), &selection, &expectation);
    assert_eq!(
        found.targets[0].url.as_str(),
        "http://[2600:1f18::9]:8080//elsewhere.example/x?full=1%23no"
    );
    assert_eq!(found.targets[0].url.host_str(), Some("[2600:1f18::9]"));
    assert!(Expectation::new("elsewhere", 200).is_err() && Expectation::new("/", 99).is_err());
}

#[test]
fn a_partial_inventory_never_passes() {
    let gap = Gap::new("DescribeNetworkInterfaces", "access denied");
    let partial = Inventory {
        gaps: vec![gap],
        ..inventory()
    };
    let selection = Selection {
        groups: vec!["six".into()],
        ports: vec![],
    };
    let found = targets(&partial, &selection, &Expectation::default());
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
        .push(member("aws_instance.front", &["198.51.100.7"], &["sg-web"]));
    both.interfaces
        .push(member("aws_instance.gone", &["198.51.100.99"], &["sg-web"]));
    let selection = Selection {
        groups: vec!["web".into(), "admin".into()],
        ports: vec![8000],
    };
    insta::assert_snapshot!(
        "two-views",
        show(&targets(&both, &selection, &Expectation::default()))
    );
}
