//! The algebra against a brute-force model: sets small enough to be listed, operations done member by member.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_secgroup::{
    AddressSet, Cidr, Direction, Group, Interface, IntervalSet, Inventory, Known, OpenSet, Peer, PeerSet,
    Ports, PortsError, PrefixLists, Protocol, Rule, Token, TokenSet, TrafficSet,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// Sets over 0..64 near both ends of `u32`, so that the borders are met.
fn interval_set() -> impl Strategy<Value = (IntervalSet<u32>, BTreeSet<u32>)> {
    let point = prop_oneof![0u32..32, (u32::MAX - 31)..=u32::MAX];
    prop::collection::vec((point, 0u32..6), 0..8).prop_map(|pairs| {
        let ranges: Vec<(u32, u32)> = pairs
            .into_iter()
            .map(|(a, len)| (a, a.saturating_add(len)))
            .collect();
        let model = ranges.iter().flat_map(|&(a, b)| a..=b).collect();
        (ranges.into_iter().collect(), model)
    })
}

fn universe() -> impl Iterator<Item = u32> {
    (0..40).chain(u32::MAX - 40..=u32::MAX)
}

proptest! {
    #[test]
    fn intervals_agree_with_listed_members((a, ma) in interval_set(), (b, mb) in interval_set()) {
        for x in universe() {
            prop_assert_eq!(a.contains(x), ma.contains(&x));
            prop_assert_eq!(a.union(&b).contains(x), ma.contains(&x) || mb.contains(&x));
            prop_assert_eq!(a.intersection(&b).contains(x), ma.contains(&x) && mb.contains(&x));
            prop_assert_eq!(a.difference(&b).contains(x), ma.contains(&x) && !mb.contains(&x));
            prop_assert_eq!(a.complement().contains(x), !ma.contains(&x));
        }
        prop_assert_eq!(a.size(), ma.len() as u128);
        prop_assert_eq!(a.is_subset(&b), ma.is_subset(&mb));
        prop_assert_eq!(a.complement().complement(), a.clone());
        prop_assert_eq!(a.first(), ma.first().copied());
    }

    #[test]
    fn equal_sets_are_equal_values((a, _) in interval_set(), (b, _) in interval_set()) {
        prop_assert_eq!(a.union(&b), b.union(&a));
        prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a);
    }

    #[test]
    fn blocks_make_up_the_set_again(pairs in prop::collection::vec((any::<u32>(), any::<u32>()), 0..6),
                                    wide in prop::collection::vec((any::<u128>(), any::<u128>()), 0..3)) {
        let v4 = pairs.iter().flat_map(|&(a, b)| cidrs4(a.min(b), a.max(b)));
        let v6 = wide.iter().flat_map(|&(a, b)| cidrs6(a.min(b), a.max(b)));
        let set: AddressSet = v4.chain(v6).collect();
        let again: AddressSet = set.cidrs().into_iter().collect();
        prop_assert_eq!(&again, &set);
        for cidr in set.cidrs() {
            prop_assert_eq!(cidr.to_string().parse::<Cidr>().unwrap(), cidr);
        }
    }

    #[test]
    fn open_sets_agree_with_asking_rule_by_rule(
        left in prop::collection::vec(rule(), 0..7),
        right in prop::collection::vec(rule(), 0..7),
    ) {
        let lists = PrefixLists::default();
        let a = OpenSet::certain(&left, Direction::Ingress, &lists);
        let b = OpenSet::certain(&right, Direction::Ingress, &lists);
        for slot in slots() {
            for peer in peers() {
                let (in_a, in_b) = (asks(&left, slot, &peer), asks(&right, slot, &peer));
                prop_assert_eq!(holds(&a, slot, &peer), in_a);
                prop_assert_eq!(holds(&a.union(&b), slot, &peer), in_a || in_b);
                prop_assert_eq!(holds(&a.intersection(&b), slot, &peer), in_a && in_b);
                prop_assert_eq!(holds(&a.difference(&b), slot, &peer), in_a && !in_b);
                prop_assert_eq!(holds(&a.complement(), slot, &peer), !in_a);
            }
        }
        let mut shuffled = left.clone();
        shuffled.reverse();
        prop_assert_eq!(&OpenSet::certain(&shuffled, Direction::Ingress, &lists), &a, "order does not matter");
        prop_assert_eq!(&a.complement().complement(), &a);
        prop_assert!(a.is_subset(&a.union(&b)));
        prop_assert!(a.intersection(&b).is_subset(&b));
        let lines = a.lines();
        let again = lines.iter().fold(OpenSet::empty(), |sum, (t, p)| sum.union(&OpenSet::of(t, p)));
        prop_assert_eq!(again, a);
    }

    #[test]
    fn what_is_certain_is_possible(rules in prop::collection::vec(rule(), 0..7)) {
        let lists = PrefixLists::default();
        let certain = OpenSet::certain(&rules, Direction::Ingress, &lists);
        prop_assert!(certain.is_subset(&OpenSet::possible(&rules, Direction::Ingress, &lists)));
    }
}

fn cidrs4(first: u32, last: u32) -> Vec<Cidr> {
    // Brute force: single hosts at both ends and the widest block around the first.
    let host = |bits: u32| Cidr::new(Ipv4Addr::from_bits(bits).into(), 32).unwrap();
    let wide = Cidr::new(Ipv4Addr::from_bits(first).into(), (first % 33) as u8).unwrap();
    vec![host(first), host(last), wide]
}

fn cidrs6(first: u128, last: u128) -> Vec<Cidr> {
    let block = |bits: u128| Cidr::new(IpAddr::V6(bits.into()), (bits % 129) as u8).unwrap();
    vec![block(first), block(last)]
}

fn rule() -> impl Strategy<Value = Rule> {
    let service = prop_oneof![
        (20i64..26, 0i64..4).prop_map(|(from, len)| (Protocol::TCP, Some(from), Some(from + len))),
        Just((Protocol::All, None, None)),
        Just((Protocol::Number(47), Some(1), Some(2))),
        Just((Protocol::ICMP, Some(8), Some(-1))),
        Just((Protocol::ICMP, Some(8), Some(0))),
        Just((Protocol::TCP, Some(0), Some(65_535))),
    ];
    let peer = prop_oneof![
        Just("0.0.0.0/1".to_owned()),
        Just("128.0.0.0/1".to_owned()),
        Just("10.0.0.0/8".to_owned()),
        Just("::/0".to_owned()),
    ]
    .prop_map(|text| Peer::Cidr(text.parse().unwrap()));
    let peer = prop_oneof![3 => peer, 1 => Just(Peer::SelfGroup), 1 => Just(Peer::group("sg-1"))];
    (service, peer).prop_map(|((protocol, from, to), peer)| {
        Rule::new(
            Direction::Ingress,
            protocol,
            Ports::read(protocol, from, to).unwrap(),
            peer,
        )
    })
}

#[derive(Debug, Clone)]
enum Asker {
    Address(IpAddr),
    Token(Token),
}

fn slots() -> Vec<(u8, u16)> {
    let mut out: Vec<(u8, u16)> = (19..31).map(|port| (6, port)).collect();
    out.extend([
        (6, 0),
        (6, 65_535),
        (17, 22),
        (47, 0),
        (47, 9),
        (1, 8 << 8),
        (1, (8 << 8) | 3),
        (1, 0),
    ]);
    out
}

fn peers() -> Vec<Asker> {
    let address = |text: &str| Asker::Address(text.parse().unwrap());
    vec![
        address("8.8.8.8"),
        address("10.1.2.3"),
        address("200.1.1.1"),
        address("2001:db8::1"),
        Asker::Token(Token::SelfGroup),
        Asker::Token(Token::Group("sg-1".into())),
        Asker::Token(Token::Group("sg-2".into())),
    ]
}

/// The model: does any single rule let this one packet pass?
fn asks(rules: &[Rule], (protocol, slot): (u8, u16), asker: &Asker) -> bool {
    rules.iter().any(|rule| {
        let service = match rule.protocol.value().unwrap() {
            Protocol::All => true,
            Protocol::Number(number) if number != protocol => false,
            Protocol::Number(_) => match rule.ports.value().unwrap() {
                Ports::All => true,
                Ports::Range { from, to } => (from..=to).contains(&slot),
                Ports::Icmp { kind, code } => {
                    slot >> 8 == u16::from(kind) && code.is_none_or(|code| slot & 0xff == u16::from(code))
                }
            },
        };
        service
            && match (&rule.peer, asker) {
                (Peer::Cidr(cidr), Asker::Address(address)) => cidr_holds(*cidr, *address),
                (Peer::SelfGroup, Asker::Token(Token::SelfGroup)) => true,
                (Peer::Group { id, .. }, Asker::Token(Token::Group(other))) => id == other,
                _ => false,
            }
    })
}

fn cidr_holds(cidr: Cidr, address: IpAddr) -> bool {
    Cidr::new(address, cidr.length()).is_some_and(|block| block.network() == cidr.network())
}

fn holds(open: &OpenSet, (protocol, slot): (u8, u16), asker: &Asker) -> bool {
    open.pieces().iter().any(|piece| {
        piece.traffic().contains(protocol, slot)
            && match asker {
                Asker::Address(address) => piece.peers.addresses().contains(*address),
                Asker::Token(token) => piece.peers.tokens().contains(token),
            }
    })
}

#[test]
fn halves_make_the_whole_internet() {
    let halves: AddressSet = ["0.0.0.0/1", "128.0.0.0/1"]
        .iter()
        .map(|text| text.parse::<Cidr>().unwrap())
        .collect();
    assert_eq!(halves, AddressSet::all_v4());
    assert_eq!(halves.describe(), "the whole IPv4 internet");
}

#[test]
fn the_internet_has_no_private_address_and_is_covered_without_them() {
    let internet = AddressSet::internet();
    assert!(internet.intersection(&AddressSet::private()).is_empty());
    for special in [
        "127.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "203.0.113.5",
        "fe80::1",
        "2001:db8::1",
    ] {
        assert!(!internet.contains(special.parse().unwrap()), "{special}");
    }
    let without_private = AddressSet::all().difference(&AddressSet::private());
    assert_eq!(without_private.describe(), "the whole internet");
    let six: AddressSet = AddressSet::from("2000::/3".parse::<Cidr>().unwrap());
    assert!(internet.v6().is_subset(six.v6()));
}

#[test]
fn rules_open_what_aws_says_they_open() {
    let read = |protocol: &str, from, to| {
        let protocol: Protocol = protocol.parse().unwrap();
        TrafficSet::of(protocol, Ports::read(protocol, from, to).unwrap()).describe()
    };
    assert_eq!(read("-1", Some(443), Some(443)), "all traffic");
    assert_eq!(read("47", Some(0), Some(0)), "protocol 47");
    assert_eq!(read("6", Some(22), Some(23)), "tcp 22-23");
    assert_eq!(read("tcp", Some(0), Some(65_535)), "tcp on every port");
    assert_eq!(read("tcp", None, None), "tcp on every port");
    assert_eq!(read("icmp", Some(8), Some(0)), "icmp type 8 code 0");
    assert_eq!(read("icmp", Some(8), Some(-1)), "icmp type 8");
    assert_eq!(read("icmp", Some(-1), Some(-1)), "all icmp");
    assert_eq!(read("icmpv6", None, None), "all icmpv6");
}

#[test]
fn nonsense_is_an_error() {
    assert!(Ports::read(Protocol::TCP, Some(443), Some(80)).is_err());
    assert!(Ports::read(Protocol::TCP, Some(1), Some(70_000)).is_err());
    assert!(Ports::read(Protocol::ICMP, Some(300), Some(0)).is_err());
    assert!("tcpp".parse::<Protocol>().is_err());
    assert!("256".parse::<Protocol>().is_err());
    for text in [
        "10.0.0.0",
        "10.0.0.0/33",
        "10.0.0/8",
        "10.0.0.0/8/8",
        "::/129",
        "",
        "/",
        "10.0.0.0/+8",
    ] {
        assert!(text.parse::<Cidr>().is_err(), "{text}");
    }
}

#[test]
fn host_bits_are_masked_and_noted() {
    let (cidr, noted) = Cidr::parse_noting_host_bits("67.221.169.243/0").unwrap();
    assert_eq!((cidr.to_string().as_str(), noted), ("0.0.0.0/0", true));
    let (cidr, noted) = Cidr::parse_noting_host_bits("2001:0DB8:0:0::/32").unwrap();
    assert_eq!((cidr.to_string().as_str(), noted), ("2001:db8::/32", false));
}

#[test]
fn a_missing_prefix_list_may_open_anything_and_opens_nothing_for_certain() {
    let lists = PrefixLists::default();
    let peer = Peer::PrefixList("pl-1".into());
    assert!(PeerSet::certain(&peer, &lists).addresses().is_empty());
    assert_eq!(PeerSet::possible(&peer, &lists).addresses(), &AddressSet::all());
    assert!(!TokenSet::all().is_empty());
}

#[test]
fn an_open_set_is_told_in_few_lines() {
    let rule = |from: i64, to: i64, cidr: &str| {
        let ports = Ports::read(Protocol::TCP, Some(from), Some(to)).unwrap();
        Rule::new(
            Direction::Ingress,
            Protocol::TCP,
            ports,
            Peer::Cidr(cidr.parse().unwrap()),
        )
    };
    let rules = [
        rule(80, 80, "0.0.0.0/0"),
        rule(443, 443, "0.0.0.0/0"),
        rule(443, 443, "::/0"),
        rule(20, 21, "10.0.0.0/8"),
        rule(22, 23, "10.0.0.0/8"),
    ];
    let open = OpenSet::certain(&rules, Direction::Ingress, &PrefixLists::default());
    let lines: Vec<String> = open
        .lines()
        .iter()
        .map(|(t, p)| format!("{} from {}", t.describe(), p.describe()))
        .collect();
    assert_eq!(
        lines,
        [
            "tcp 20-23 from 10.0.0.0/8",
            "tcp 80 from the whole IPv4 internet",
            "tcp 443 from the whole internet"
        ]
    );
    assert_eq!(open.witness(Direction::Ingress).unwrap(), "tcp 22 from 10.0.0.0");
}

#[test]
fn the_groups_of_an_interface_are_joined() {
    let group = |id: &str, cidr: &str| {
        let ports = Ports::read(Protocol::TCP, Some(22), Some(22)).unwrap();
        let rule = Rule::new(
            Direction::Ingress,
            Protocol::TCP,
            ports,
            Peer::Cidr(cidr.parse().unwrap()),
        );
        Group {
            id: Some(id.to_owned()),
            rules: vec![rule],
            ..Group::default()
        }
    };
    let inventory = Inventory {
        groups: vec![
            group("sg-1", "0.0.0.0/1"),
            group("sg-2", "128.0.0.0/1"),
            group("sg-3", "::/0"),
        ],
        interfaces: vec![Interface {
            id: "eni-1".to_owned(),
            groups: vec!["sg-1".to_owned(), "sg-2".to_owned(), "sg-gone".to_owned()],
            ..Interface::default()
        }],
        ..Inventory::default()
    };
    let open = inventory.open(&inventory.interfaces[0], Direction::Ingress);
    assert_eq!(
        open.pieces()[0].describe(Direction::Ingress),
        "tcp 22 from the whole IPv4 internet"
    );
    assert!(
        inventory
            .open(&inventory.interfaces[0], Direction::Egress)
            .is_empty()
    );
}

#[test]
fn half_a_range_is_within_what_its_known_end_leaves() {
    let range = |from, to| Known::Within(Ports::Range { from, to });
    let icmp = |kind| Known::Within(Ports::Icmp { kind, code: None });
    for (protocol, from, to, known) in [
        (Protocol::TCP, None, Some(21), range(0, 21)),
        (Protocol::UDP, Some(23), None, range(23, u16::MAX)),
        (Protocol::TCP, None, Some(65_535), Known::Within(Ports::All)),
        (Protocol::TCP, Some(-1), None, Known::NotYet),
        (Protocol::TCP, None, None, Known::NotYet),
        (Protocol::ICMP, Some(8), None, icmp(8)),
        // The code alone.
        (Protocol::ICMP, None, Some(0), Known::NotYet),
        (Protocol::ICMPV6, Some(-1), None, Known::NotYet),
    ] {
        assert_eq!(
            Known::half(protocol, from, to),
            Ok(known),
            "{protocol} {from:?} {to:?}"
        );
    }
    assert_eq!(
        Known::half(Protocol::TCP, Some(65_536), None),
        Err(PortsError::Port(65_536))
    );
    // Whatever the other end turns out to be, the rule is within.
    let ends = [-1, 0, 1, 20, 21, 22, 255, 65_535];
    for protocol in [Protocol::TCP, Protocol::UDP, Protocol::ICMP, Protocol::ICMPV6] {
        for (one, other) in ends.iter().flat_map(|one| ends.map(|other| (*one, other))) {
            let Ok(real) = Ports::read(protocol, Some(one), Some(other)) else {
                continue;
            };
            for half in [
                Known::half(protocol, Some(one), None),
                Known::half(protocol, None, Some(other)),
            ] {
                match half {
                    Ok(Known::Within(within)) => assert!(within.contains(real), "{protocol} {one} {other}"),
                    half => assert_eq!(half, Ok(Known::NotYet)),
                }
            }
        }
    }
}
