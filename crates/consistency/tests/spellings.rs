//! Random estates, written as plan, code, state and live view in every style and spelling: they agree with themselves, and one
//! rule that a view lacks gets exactly the verdict of the table, and nothing else changes.

#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

use portcullis_consistency::{ConsistencyReport, RuleVerdict, Views, compare};
use portcullis_report::Verdict;
use portcullis_secgroup::{Direction, Group, Inventory, Peer, Ports, Protocol, Rule, RuleKey};
use portcullis_terraform::{Configuration, Plan, State};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// How a group's rules are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Inline,
    /// `aws_security_group_rule`, rules of the same traffic together in one.
    Rules,
    /// `aws_vpc_security_group_ingress_rule` and its twin.
    Vpc,
}

#[derive(Debug, Clone)]
struct Made {
    style: Style,
    /// Protocols and addresses as somebody typed them, not as EC2 gives them.
    typed: bool,
    /// The sixth major version of the provider writes a region everywhere.
    with_region: bool,
    rules: BTreeSet<RuleKey>,
}

fn id(group: usize) -> String {
    format!("sg-{group}")
}

fn peer() -> impl Strategy<Value = Peer> {
    prop_oneof![
        (any::<u32>(), 0_u8..=32).prop_map(|(bits, length)| {
            let kept = bits.checked_shr(32 - u32::from(length)).unwrap_or(0);
            let network = kept.checked_shl(32 - u32::from(length)).unwrap_or(0);
            Peer::Cidr(
                format!("{}/{length}", std::net::Ipv4Addr::from(network))
                    .parse()
                    .unwrap(),
            )
        }),
        (any::<u16>(), 1_u8..4).prop_map(|(part, length)| {
            let length = u32::from(length) * 16;
            let network = (0x2001_u128 << 112) | (0xdb8 << 96) | (u128::from(part) << 80);
            let network = network >> (128 - length) << (128 - length);
            Peer::Cidr(
                format!("{}/{length}", std::net::Ipv6Addr::from(network))
                    .parse()
                    .unwrap(),
            )
        }),
        Just(Peer::SelfGroup),
        (10_usize..13).prop_map(|group| Peer::group(id(group))),
        (0_u8..2).prop_map(|list| Peer::PrefixList(format!("pl-{list}"))),
    ]
}

fn traffic() -> impl Strategy<Value = (Protocol, Ports)> {
    let range = |protocol| {
        (any::<u16>(), any::<u16>()).prop_map(move |(a, b)| {
            let ports = Ports::read(protocol, Some(a.min(b).into()), Some(a.max(b).into())).unwrap();
            (protocol, ports)
        })
    };
    let icmp = |protocol| {
        (any::<u8>(), any::<Option<u8>>())
            .prop_map(move |(kind, code)| (protocol, Ports::Icmp { kind, code }))
    };
    prop_oneof![
        range(Protocol::TCP),
        range(Protocol::UDP),
        icmp(Protocol::ICMP),
        icmp(Protocol::ICMPV6),
        Just((Protocol::ICMP, Ports::All)),
        Just((Protocol::All, Ports::All)),
        Just((Protocol::Number(47), Ports::All)),
    ]
}

fn rule() -> impl Strategy<Value = RuleKey> {
    (any::<bool>(), traffic(), peer()).prop_map(|(ingress, (protocol, ports), peer)| RuleKey {
        direction: if ingress {
            Direction::Ingress
        } else {
            Direction::Egress
        },
        protocol,
        ports,
        peer,
    })
}

fn estate() -> impl Strategy<Value = Vec<Made>> {
    let style = prop_oneof![Just(Style::Inline), Just(Style::Rules), Just(Style::Vpc)];
    let made = (
        style,
        any::<bool>(),
        any::<bool>(),
        prop::collection::btree_set(rule(), 1..7),
    );
    let made = made.prop_map(|(style, typed, with_region, rules)| Made {
        style,
        typed,
        with_region,
        rules,
    });
    prop::collection::vec(made, 1..4)
}

impl Made {
    fn protocol(&self, protocol: Protocol) -> String {
        match protocol {
            Protocol::TCP if self.typed && self.style == Style::Vpc => "6".to_owned(),
            Protocol::UDP if self.typed && self.style == Style::Vpc => "UDP".to_owned(),
            other => other.to_string(),
        }
    }

    /// Ports as each style writes them: -1 for a rule resource is null, 0 or -1, and inline it must be 0.
    fn ports(&self, key: &RuleKey) -> (Value, Value) {
        let (from, to) = key.ports.as_written(key.protocol);
        if key.protocol.has_ports() || key.protocol.has_types() {
            return (from.into(), to.into());
        }
        match (self.style, self.typed) {
            (Style::Inline, _) | (_, true) => (0.into(), 0.into()),
            (Style::Vpc, false) => (Value::Null, Value::Null),
            (Style::Rules, false) => ((-1).into(), (-1).into()),
        }
    }

    fn peer(&self, peer: &Peer, own: usize) -> String {
        match peer {
            Peer::SelfGroup => id(own),
            Peer::Cidr(cidr) if self.typed && !cidr.is_ipv4() => {
                let std::net::IpAddr::V6(network) = cidr.network() else {
                    return cidr.to_string();
                };
                let long: Vec<String> = network
                    .segments()
                    .iter()
                    .map(|part| format!("{part:04X}"))
                    .collect();
                format!("{}/{}", long.join(":"), cidr.length())
            }
            other => other.to_string(),
        }
    }

    fn sources(&self, keys: &[&RuleKey], own: usize, self_attribute: bool) -> Value {
        let of = |wanted: fn(&Peer) -> bool| -> Vec<String> {
            let peers = keys.iter().map(|key| &key.peer).filter(|peer| wanted(peer));
            peers.map(|peer| self.peer(peer, own)).collect()
        };
        let mut block = json!({
            "cidr_blocks": of(|peer| matches!(peer, Peer::Cidr(cidr) if cidr.is_ipv4())),
            "ipv6_cidr_blocks": of(|peer| matches!(peer, Peer::Cidr(cidr) if !cidr.is_ipv4())),
            "prefix_list_ids": of(|peer| matches!(peer, Peer::PrefixList(_))),
            "self": keys.iter().any(|key| key.peer == Peer::SelfGroup) && self_attribute,
            "description": "",
        });
        let (from, to) = self.ports(keys[0]);
        block["protocol"] = self.protocol(keys[0].protocol).into();
        block["from_port"] = from;
        block["to_port"] = to;
        block
    }

    /// The resources of one view: address, type, name and attributes.
    fn resources(&self, number: usize, rules: &BTreeSet<RuleKey>) -> Vec<(String, String, Value)> {
        let mut out = Vec::new();
        let mut keys: Vec<&RuleKey> = rules.iter().collect();
        if self.typed {
            keys.reverse();
        }
        let block = |key: &RuleKey| {
            let mut block = self.sources(&[key], number, true);
            let groups = match &key.peer {
                Peer::Group { id, .. } => vec![id.clone()],
                _ => Vec::new(),
            };
            block["security_groups"] = json!(groups);
            block
        };
        let blocks = |direction: Direction| -> Vec<Value> {
            let own = keys.iter().filter(|key| key.direction == direction);
            own.map(|key| block(key)).collect()
        };
        // For rules of their own it is an echo of what EC2 has.
        let mut group = json!({"id": id(number), "name": format!("g{number}"), "vpc_id": "vpc-1",
            "ingress": blocks(Direction::Ingress), "egress": blocks(Direction::Egress)});
        if self.with_region {
            group["region"] = "eu-west-1".into();
        }
        out.push(("aws_security_group".to_owned(), format!("g{number}"), group));
        match self.style {
            Style::Inline => {}
            Style::Vpc => {
                for (at, key) in self
                    .rules
                    .iter()
                    .enumerate()
                    .filter(|(_, key)| rules.contains(key))
                {
                    let (from, to) = self.ports(key);
                    let attribute = match &key.peer {
                        Peer::Cidr(cidr) if cidr.is_ipv4() => "cidr_ipv4",
                        Peer::Cidr(_) => "cidr_ipv6",
                        Peer::PrefixList(_) => "prefix_list_id",
                        _ => "referenced_security_group_id",
                    };
                    let mut values = json!({"security_group_id": id(number), "ip_protocol": self.protocol(key.protocol),
                        "from_port": from, "to_port": to, "cidr_ipv4": null, "cidr_ipv6": null, "prefix_list_id": null,
                        "referenced_security_group_id": null, "security_group_rule_id": format!("sgr-{number}-{at}")});
                    values[attribute] = self.peer(&key.peer, number).into();
                    let kind = format!("aws_vpc_security_group_{}_rule", key.direction);
                    out.push((kind, format!("g{number}_{at}"), values));
                }
            }
            Style::Rules => {
                // A group as source stands alone in its resource; the rest of the same traffic stands together.
                let mut parts: Vec<Vec<&RuleKey>> = Vec::new();
                for key in keys {
                    let alone = |key: &RuleKey| matches!(key.peer, Peer::Group { .. } | Peer::SelfGroup);
                    let same = |other: &RuleKey| {
                        (other.direction, other.protocol, other.ports)
                            == (key.direction, key.protocol, key.ports)
                    };
                    match parts
                        .iter_mut()
                        .find(|part| same(part[0]) && !alone(part[0]) && !alone(key))
                    {
                        Some(part) => part.push(key),
                        None => parts.push(vec![key]),
                    }
                }
                for part in parts {
                    let key = part[0];
                    let mut values = self.sources(&part, number, true);
                    values["security_group_id"] = id(number).into();
                    values["type"] = key.direction.as_str().into();
                    values["security_group_rule_id"] = "".into();
                    values["source_security_group_id"] = match &key.peer {
                        Peer::Group { id, .. } => id.as_str().into(),
                        _ => Value::Null,
                    };
                    let at = self.rules.iter().position(|other| other == key).unwrap();
                    out.push((
                        "aws_security_group_rule".to_owned(),
                        format!("g{number}_{at}"),
                        values,
                    ));
                }
            }
        }
        out
    }
}

/// Each view of each group: its rules there.
type Shown = Vec<[BTreeSet<RuleKey>; 3]>;

fn report(estate: &[Made], shown: &Shown) -> ConsistencyReport {
    let mut changes = Vec::new();
    let mut recorded = Vec::new();
    let mut code = String::new();
    let mut groups = Vec::new();
    for (number, (made, [declared, state, live])) in estate.iter().zip(shown).enumerate() {
        for (kind, name, values) in made.resources(number, declared) {
            changes.push(
                json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "name": name,
                "change": {"actions": ["no-op"], "before": values, "after": values, "after_unknown": {}}}),
            );
        }
        for (kind, name, values) in made.resources(number, state) {
            recorded.push(
                json!({"mode": "managed", "type": kind, "name": name, "provider": "aws",
                "instances": [{"attributes": values}]}),
            );
        }
        let inside = if made.style == Style::Inline {
            "ingress = []\n  egress = []"
        } else {
            ""
        };
        writeln!(
            code,
            "resource \"aws_security_group\" \"g{number}\" {{\n  {inside}\n}}"
        )
        .unwrap();
        groups.push(Group {
            id: Some(id(number)),
            name: Some(format!("g{number}")),
            rules: live
                .iter()
                .map(|key| Rule::new(key.direction, key.protocol, key.ports, key.peer.clone()))
                .collect(),
            ..Group::default()
        });
    }
    groups.reverse();
    let plan = json!({"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": changes});
    let state = json!({"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "resources": recorded});
    let plan = Plan::read(&plan.to_string()).unwrap();
    let plan = plan.with_code(Configuration::read([("main.tf", code)]).unwrap());
    let live = Inventory {
        groups,
        ..Inventory::default()
    };
    compare(
        &Views::declared(&plan.after().unwrap())
            .before(Some(&plan.before().unwrap()))
            .recorded(Some(&State::read(&state.to_string()).unwrap().view().unwrap()))
            .live(Some(&live)),
    )
}

fn everywhere(estate: &[Made]) -> Shown {
    let same = |made: &Made| [made.rules.clone(), made.rules.clone(), made.rules.clone()];
    estate.iter().map(same).collect()
}

proptest! {
    #[test]
    fn an_estate_agrees_with_itself_in_every_spelling(estate in estate()) {
        let report = report(&estate, &everywhere(&estate));
        prop_assert_eq!(report.verdict, Verdict::Pass, "{}", report.to_text());
        let rules: usize = estate.iter().map(|made| made.rules.len()).sum();
        prop_assert_eq!(report.rules.len(), rules, "{}", report.to_text());
    }

    #[test]
    fn one_rule_that_a_view_lacks_gets_its_verdict_and_nothing_else_changes(
        estate in estate(),
        at in any::<prop::sample::Index>(),
        which in any::<prop::sample::Index>(),
        there in any::<[bool; 3]>(),
    ) {
        let group = at.index(estate.len());
        let key = which.get(&estate[group].rules.iter().cloned().collect::<Vec<_>>()).clone();
        let mut shown = everywhere(&estate);
        for (view, there) in shown[group].iter_mut().zip(there) {
            if !there {
                view.remove(&key);
            }
        }
        let report = report(&estate, &shown);
        let expected = (there != [false; 3])
            .then(|| RuleVerdict::of(Some(there[0]), Some(there[1]), Some(there[2])));
        let off: Vec<RuleVerdict> = report
            .rules
            .iter()
            .map(|row| row.verdict)
            .filter(|verdict| *verdict != RuleVerdict::Agree)
            .collect();
        let wanted: Vec<RuleVerdict> = expected.into_iter().filter(|verdict| *verdict != RuleVerdict::Agree).collect();
        prop_assert_eq!(off, wanted, "{}", report.to_text());
        let rules: usize = estate.iter().map(|made| made.rules.len()).sum();
        prop_assert_eq!(report.rules.len(), rules - usize::from(expected.is_none()));
    }
}
