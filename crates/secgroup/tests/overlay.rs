//! The sweep against the plain operations: many areas asked without writing out their union, and the union asked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_secgroup::{
    AddressSet, Area, Cidr, Direction, Known, OpenSet, Overlay, Peer, PeerSet, Ports, PrefixLists, Protocol,
    Reading, Rule, Token, TokenSet, TrafficSet, UnknownPeer,
};
use proptest::prelude::*;

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn lists() -> PrefixLists {
    let mut lists = PrefixLists::default();
    lists.insert(
        "pl-known",
        [cidr("10.0.0.0/9"), cidr("9.9.9.9/32"), cidr("2600::/12")]
            .into_iter()
            .collect(),
    );
    lists.insert_unknown("pl-unknown");
    lists
}

fn peer() -> impl Strategy<Value = Peer> {
    let blocks = [
        "0.0.0.0/0",
        "0.0.0.0/1",
        "128.0.0.0/1",
        "10.0.0.0/8",
        "10.128.0.0/9",
        "255.255.255.255/32",
        "0.0.0.0/32",
        "9.9.9.9/32",
        "::/0",
        "::/1",
        "8000::/1",
        "2600::/12",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
    ];
    prop_oneof![
        6 => prop::sample::select(blocks.to_vec()).prop_map(|text| Peer::Cidr(cidr(text))),
        1 => Just(Peer::SelfGroup),
        1 => prop::sample::select(vec!["sg-1", "sg-2"]).prop_map(Peer::group),
        1 => prop::sample::select(vec!["pl-known", "pl-unknown"]).prop_map(|id| Peer::PrefixList(id.into())),
        1 => prop::sample::select(vec![
            UnknownPeer::Ipv4, UnknownPeer::Ipv6, UnknownPeer::Group, UnknownPeer::Any
        ]).prop_map(Peer::Unknown),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    let service = prop_oneof![
        4 => (0i64..12, 0i64..8).prop_map(|(from, len)| (Protocol::TCP, Some(from), Some(from + len))),
        1 => (65_530i64..=65_535).prop_map(|from| (Protocol::TCP, Some(from), Some(65_535))),
        1 => Just((Protocol::UDP, Some(0), Some(3))),
        1 => Just((Protocol::All, None, None)),
        1 => Just((Protocol::Number(255), None, None)),
    ];
    (service, peer(), 0..8).prop_map(|((protocol, from, to), peer, unknown)| {
        let ports = Ports::read(protocol, from, to).unwrap();
        let mut rule = Rule::new(Direction::Ingress, protocol, ports, peer);
        match unknown {
            0 => rule.ports = Known::NotYet,
            1 => (rule.protocol, rule.ports) = (Known::NotYet, Known::NotYet),
            2 => rule.ports = Known::Within(ports),
            _ => {}
        }
        rule
    })
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    prop::collection::vec(rule(), 0..9)
}

fn traffic() -> impl Strategy<Value = TrafficSet> {
    let tcp = 6 << 16;
    prop_oneof![
        2 => Just(TrafficSet::all()),
        3 => prop::collection::vec((0u32..14, 0u32..5), 0..5)
            .prop_map(move |spans| TrafficSet::from_spans(spans.iter().map(|(a, len)| (tcp + a, tcp + a + len)))),
        1 => Just(TrafficSet::all().difference(&TrafficSet::from_spans([(tcp + 3, tcp + 4)]))),
    ]
}

fn named() -> impl Strategy<Value = PeerSet> {
    let token = Token::Group("sg-1".into());
    prop::sample::select(vec![
        PeerSet::any(),
        PeerSet::new(AddressSet::internet(), TokenSet::default()),
        PeerSet::new(AddressSet::private(), TokenSet::from_iter([token.clone()])),
        PeerSet::new(cidr("::/0").into(), TokenSet::from_iter([token]).complement()),
        PeerSet::new(AddressSet::all_v4(), TokenSet::default()),
    ])
}

fn areas(rules: &[Rule], reading: Reading) -> Vec<Area> {
    let lists = lists();
    rules
        .iter()
        .filter_map(|rule| Area::of(rule, reading, &lists))
        .collect()
}

/// The plain way: one area after the other.
fn joined(areas: &[Area]) -> OpenSet {
    areas.iter().fold(OpenSet::empty(), |sum, area| {
        sum.union(&OpenSet::of(&area.traffic, &area.peers))
    })
}

fn cut(open: &OpenSet, traffic: &TrafficSet) -> OpenSet {
    open.intersection(&OpenSet::of(traffic, &PeerSet::any()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn written_out_it_is_the_union(rules in rules(), within in traffic()) {
        let lists = lists();
        for (reading, open) in [
            (Reading::Certain, OpenSet::certain(&rules, Direction::Ingress, &lists)),
            (Reading::Possible, OpenSet::possible(&rules, Direction::Ingress, &lists)),
        ] {
            let areas = areas(&rules, reading);
            let union = joined(&areas);
            prop_assert_eq!(&open, &union);
            let overlay: Overlay<'_> = areas.iter().collect();
            let part = cut(&union, &within);
            prop_assert_eq!(overlay.written_out(&within, usize::MAX), Some(part.clone()));
            prop_assert_eq!(overlay.first(&within), part.pieces().first().cloned());
            prop_assert_eq!(overlay.written_out(&within, 0).is_some(), part.is_empty());
            let everybody = union.pieces().iter().map(|piece| &piece.peers).collect::<PeerSet>();
            prop_assert_eq!(overlay.peers(), everybody);
            prop_assert_eq!(
                overlay.traffic(),
                union.pieces().iter().fold(TrafficSet::empty(), |sum, piece| sum.union(&piece.traffic()))
            );
        }
    }

    #[test]
    fn a_clipped_rule_is_its_intersection(rule in rule(), traffic in traffic(), peers in named()) {
        let lists = lists();
        let window = Area { traffic, peers };
        for reading in [Reading::Certain, Reading::Possible] {
            let whole = joined(&areas(std::slice::from_ref(&rule), reading));
            let expected = whole.intersection(&OpenSet::of(&window.traffic, &window.peers));
            let clipped = window.clip(&rule, reading, &lists);
            prop_assert!(clipped.as_ref().is_none_or(|area| !area.traffic.is_empty() && !area.peers.is_empty()));
            prop_assert_eq!(joined(clipped.as_slice()), expected);
        }
    }

    #[test]
    fn enough_is_enough_at_one_and_the_same_slot(rules in rules(), named in named()) {
        let areas = areas(&rules, Reading::Possible);
        let overlay: Overlay<'_> = areas.iter().collect();
        let among = named.addresses();
        let union = joined(&areas);
        let plain = |enough: &dyn Fn(&AddressSet) -> bool| {
            let pieces = union.pieces().iter().filter(|piece| enough(piece.peers.addresses()));
            pieces.fold(TrafficSet::empty(), |sum, piece| sum.union(&piece.traffic()))
        };
        prop_assert_eq!(
            overlay.traffic_where(among, |covered| [covered.whole_v4]),
            [plain(&|open| !among.v4().is_empty() && among.v4().is_subset(open.v4()))]
        );
        prop_assert_eq!(
            overlay.traffic_where(among, |covered| [covered.whole_v6]),
            [plain(&|open| !among.v6().is_empty() && among.v6().is_subset(open.v6()))]
        );
        for least in [1, 1 << 24, 1 << 31] {
            prop_assert_eq!(
                overlay.traffic_where(among, |covered| [covered.v4 >= least]),
                [plain(&|open| open.v4().intersection(among.v4()).size() >= least)]
            );
            prop_assert_eq!(
                overlay.traffic_where(among, |covered| [covered.v6 >= least << 64]),
                [plain(&|open| open.v6().intersection(among.v6()).size() >= least << 64)]
            );
        }
    }

    #[test]
    fn two_overlays_are_held_side_by_side(left in rules(), right in rules(), named in named()) {
        let (left, right) = (areas(&left, Reading::Possible), areas(&right, Reading::Possible));
        let (a, b): (Overlay<'_>, Overlay<'_>) = (left.iter().collect(), right.iter().collect());
        let among = named.addresses();
        let alone = |overlay: &Overlay<'_>| overlay.traffic_where(among, |covered| [covered.v4 >= 1 << 31]);
        let [both, here] = a.traffic_where_both(&b, among, |a, b| [a.v4 >= 1 << 31 && b.v4 >= 1 << 31, a.v4 >= 1 << 31]);
        let ([of_a], [of_b]) = (alone(&a), alone(&b));
        prop_assert_eq!(both, of_a.intersection(&of_b));
        prop_assert_eq!(here, of_a);
    }

    #[test]
    fn what_sticks_out_is_the_difference(left in rules(), right in rules(), within in traffic()) {
        let (left, right) = (areas(&left, Reading::Possible), areas(&right, Reading::Possible));
        let (a, b): (Overlay<'_>, Overlay<'_>) = (left.iter().collect(), right.iter().collect());
        let plain = cut(&joined(&left), &within).is_subset(&joined(&right));
        prop_assert_eq!(a.is_subset(&within, &b), plain);
        let difference = joined(&left).difference(&joined(&right));
        let traffic = difference.pieces().iter().fold(TrafficSet::empty(), |sum, piece| sum.union(&piece.traffic()));
        prop_assert_eq!(a.traffic_beyond(&b), traffic);
        prop_assert_eq!(a.beyond(&b, 0).is_some(), difference.is_empty());
        prop_assert_eq!(a.beyond(&b, usize::MAX), Some(difference));
    }
}

#[test]
fn a_set_too_large_to_write_out_is_still_asked() {
    let rules: Vec<Rule> = (0..2_000u16)
        .map(|n| {
            let ports = Ports::Range {
                from: n,
                to: u16::MAX - n,
            };
            let host = std::net::Ipv4Addr::from_bits(0x0800_0000 + u32::from(n) * 2);
            Rule::new(
                Direction::Ingress,
                Protocol::TCP,
                ports,
                Peer::Cidr(Cidr::host(host.into())),
            )
        })
        .collect();
    let areas = areas(&rules, Reading::Certain);
    let overlay: Overlay<'_> = areas.iter().collect();
    assert_eq!(overlay.written_out(&TrafficSet::all(), 10_000), None);
    let first = overlay.first(&TrafficSet::all()).unwrap();
    assert_eq!(first.describe(Direction::Ingress), "tcp 0 from 8.0.0.0/32");
    let [crowded] = overlay.traffic_where(&AddressSet::all(), |covered| [covered.v4 >= 1_999]);
    assert_eq!(crowded.describe(), "tcp 1998-63537");
    let all_but_one: Overlay<'_> = areas.iter().skip(1).collect();
    assert!(all_but_one.is_subset(&TrafficSet::all(), &overlay));
    assert!(!overlay.is_subset(&TrafficSet::all(), &all_but_one));
}
