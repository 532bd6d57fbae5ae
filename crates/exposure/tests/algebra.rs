//! The differences hold point by point: before, without what closes and with what opens, is after.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

mod support;

use portcullis_exposure::{Effect, ExposureLine, ExposureReport, Fate, GroupExposure, MemberExposure};
use portcullis_secgroup::Cidr;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use support::{block, group, group_change, instance, instance_change, plan};

/// A universe small enough to be walked: five ports, four addresses, three groups.
const PORTS: std::ops::RangeInclusive<i32> = 20..=24;
const ADDRESSES: u32 = 4;
const GROUPS: [&str; 3] = ["a", "b", "c"];
const MEMBERS: [&str; 3] = ["one", "two", "three"];
const PEERS: [&str; 9] = [
    "10.0.0.0/30",
    "10.0.0.0/31",
    "10.0.0.2/31",
    "10.0.0.1/32",
    "10.0.0.3/32",
    "self",
    "sg-a",
    "sg-b",
    "sg-c",
];

type Point = (String, i32, String);
type Points = BTreeSet<Point>;

#[derive(Debug, Clone)]
struct Allow {
    egress: bool,
    from: i32,
    to: i32,
    peer: &'static str,
}

/// Groups with their rules and members with their groups; what is `None` is not there.
#[derive(Debug, Clone)]
struct Side {
    groups: [Option<Vec<Allow>>; 3],
    members: [Option<BTreeSet<usize>>; 3],
}

fn allow() -> impl Strategy<Value = Allow> {
    (
        any::<bool>(),
        PORTS,
        0..3_i32,
        proptest::sample::select(&PEERS[..]),
    )
        .prop_map(|(egress, from, more, peer)| Allow {
            egress,
            from,
            to: (from + more).min(*PORTS.end()),
            peer,
        })
}

fn side() -> impl Strategy<Value = Side> {
    let rules = || proptest::option::weighted(0.9, prop::collection::vec(allow(), 0..5));
    let carried = || proptest::option::weighted(0.9, prop::collection::btree_set(0..3_usize, 0..4));
    ([rules(), rules(), rules()], [carried(), carried(), carried()])
        .prop_map(|(groups, members)| Side { groups, members })
}

impl Side {
    fn group(&self, at: usize) -> Value {
        let Some(rules) = &self.groups[at] else {
            return Value::Null;
        };
        let blocks = |egress: bool| -> Vec<Value> {
            let rules = rules.iter().filter(|rule| rule.egress == egress);
            rules
                .map(|rule| block("tcp", rule.from.into(), rule.to.into(), &[rule.peer]))
                .collect()
        };
        group(GROUPS[at], &blocks(false), &blocks(true))
    }

    fn member(&self, at: usize) -> Value {
        let Some(carried) = &self.members[at] else {
            return Value::Null;
        };
        // A member carries only what is there.
        let carried = carried.iter().filter(|group| self.groups[**group].is_some());
        instance(
            MEMBERS[at],
            &carried.map(|group| GROUPS[*group]).collect::<Vec<_>>(),
        )
    }

    fn open_group(&self, at: usize) -> Points {
        let mut out = Points::new();
        for rule in self.groups[at].iter().flatten() {
            for port in rule.from..=rule.to {
                let direction = if rule.egress { "egress" } else { "ingress" };
                out.extend(
                    peers(at, rule.peer)
                        .into_iter()
                        .map(|peer| (direction.to_owned(), port, peer)),
                );
            }
        }
        out
    }

    fn open_member(&self, at: usize) -> Points {
        let carried = self.members[at].iter().flatten();
        carried.flat_map(|group| self.open_group(*group)).collect()
    }
}

fn peers(own: usize, peer: &str) -> Vec<String> {
    match peer {
        "self" => vec![format!("sg-{}", GROUPS[own])],
        group if group.starts_with("sg-") => vec![group.to_owned()],
        block => addresses(block),
    }
}

fn addresses(block: &str) -> Vec<String> {
    let block: Cidr = block.parse().unwrap();
    (0..ADDRESSES)
        .map(|last| Ipv4Addr::from_bits(0x0a00_0000 | last))
        .filter(|address| Cidr::new((*address).into(), block.length()) == Some(block))
        .map(|address| address.to_string())
        .collect()
}

fn compare(before: &Side, after: &Side) -> ExposureReport {
    let groups = (0..GROUPS.len()).map(|at| group_change(GROUPS[at], &before.group(at), &after.group(at)));
    let members =
        (0..MEMBERS.len()).map(|at| instance_change(MEMBERS[at], &before.member(at), &after.member(at)));
    let there =
        |change: &Value| !(change["change"]["before"].is_null() && change["change"]["after"].is_null());
    support::report(&plan(&groups.chain(members).filter(there).collect::<Vec<_>>()))
}

fn told(lines: &[ExposureLine]) -> Points {
    let mut out = Points::new();
    for line in lines {
        let exact = line.exact.as_ref().unwrap();
        assert!(!exact.cut && !exact.any_named);
        let mut peers = exact.named.clone();
        peers.extend(exact.cidrs.iter().flat_map(|block| addresses(block)));
        for span in &exact.traffic {
            assert_eq!(span.protocol, "tcp");
            for port in span.from..=span.to {
                out.extend(
                    peers
                        .iter()
                        .map(|peer| (line.direction.clone(), port, peer.clone())),
                );
            }
        }
    }
    out
}

fn entry_of_group(report: &ExposureReport, at: usize) -> Option<&GroupExposure> {
    let id = format!("sg-{}", GROUPS[at]);
    report
        .groups
        .iter()
        .find(|entry| entry.group.id.as_ref() == Some(&id))
}

fn entry_of_member(report: &ExposureReport, at: usize) -> Option<&MemberExposure> {
    let id = format!("i-{}", MEMBERS[at]);
    let is_it = |entry: &&MemberExposure| entry.members.iter().any(|member| member.id.as_ref() == Some(&id));
    report.members.iter().find(is_it)
}

fn check(before: &Points, after: &Points, opens: &[ExposureLine], closes: &[ExposureLine]) {
    assert_eq!(told(opens), after.difference(before).cloned().collect());
    assert_eq!(told(closes), before.difference(after).cloned().collect());
    let closed = told(closes);
    let applied: Points = before.difference(&closed).cloned().chain(told(opens)).collect();
    assert_eq!(applied, *after);
}

/// What a line says, without whether and why somebody feels it.
fn words(lines: &[ExposureLine]) -> Vec<String> {
    lines.iter().map(ExposureLine::sentence).collect()
}

proptest! {
    #[test]
    fn applied_to_before_the_differences_give_after(before in side(), after in side()) {
        let report = compare(&before, &after);
        for at in 0..GROUPS.len() {
            let entry = entry_of_group(&report, at).cloned().unwrap_or_default();
            prop_assert!(entry.may_open.is_empty() && entry.may_close.is_empty());
            check(&before.open_group(at), &after.open_group(at), &entry.opens, &entry.closes);
        }
        for at in 0..MEMBERS.len() {
            let entry = entry_of_member(&report, at).cloned().unwrap_or_default();
            prop_assert!(entry.may_open.is_empty() && entry.may_close.is_empty() && entry.more == 0);
            check(&before.open_member(at), &after.open_member(at), &entry.opens, &entry.closes);
        }
    }

    #[test]
    fn equal_sides_differ_in_nothing(side in side()) {
        let report = compare(&side, &side);
        prop_assert!(report.groups.is_empty() && report.members.is_empty());
        prop_assert_eq!(report.headline, "no exposure change (nothing rewritten)");
    }

    #[test]
    fn what_opens_one_way_closes_the_other_way(before in side(), after in side()) {
        let (there, back) = (compare(&before, &after), compare(&after, &before));
        for at in 0..GROUPS.len() {
            let [there, back] = [&there, &back].map(|it| entry_of_group(it, at).cloned().unwrap_or_default());
            prop_assert_eq!(words(&there.opens), words(&back.closes));
            prop_assert_eq!(words(&there.closes), words(&back.opens));
            let turned = match there.fate {
                Fate::Created => Fate::Destroyed,
                Fate::Destroyed => Fate::Created,
                same => same,
            };
            prop_assert_eq!(turned, back.fate);
        }
        for at in 0..MEMBERS.len() {
            let [there, back] = [&there, &back].map(|it| entry_of_member(it, at).cloned().unwrap_or_default());
            prop_assert_eq!(words(&there.opens), words(&back.closes));
        }
    }

    #[test]
    fn a_line_is_felt_when_a_member_feels_it(before in side(), after in side()) {
        let report = compare(&before, &after);
        for at in 0..GROUPS.len() {
            let Some(entry) = entry_of_group(&report, at) else { continue };
            for (lines, there, other) in [(&entry.opens, &after, &before), (&entry.closes, &before, &after)] {
                let carriers: Vec<usize> = (0..MEMBERS.len())
                    .filter(|member| there.members[*member].as_ref().is_some_and(|groups| groups.contains(&at)))
                    .collect();
                for line in lines {
                    let felt = carriers.iter().any(|&member| {
                        let news: Points = there.open_member(member)
                            .difference(&other.open_member(member)).cloned().collect();
                        !news.is_disjoint(&told(std::slice::from_ref(line)))
                    });
                    let expected = match (carriers.is_empty(), felt) {
                        (true, _) => Effect::Nobody,
                        (false, true) => Effect::Felt,
                        (false, false) => Effect::Covered,
                    };
                    prop_assert_eq!(line.effect, Some(expected), "{:?}", line);
                }
            }
        }
    }

    #[test]
    fn a_headline_fits_a_phone_and_the_text_a_terminal(before in side(), after in side(), columns in 60..120_usize) {
        let report = compare(&before, &after);
        prop_assert!(report.headline.chars().count() <= 80, "{}", report.headline);
        let text = report.to_text_within(columns);
        prop_assert!(text.lines().all(|line| line.chars().count() <= columns), "{}", text);
        let read: ExposureReport = serde_json::from_str(&report.to_json().unwrap()).unwrap();
        prop_assert_eq!(read, report);
    }
}
