//! The order in which people should read what opens. An order and no judgement: what is allowed is `compliance`'s matter.

use crate::line::{ExposureLine, Reach};
use portcullis_secgroup::{AddressSet, Area, Direction, PeerSet, Protocol, Token, TrafficSet};
use std::cmp::Reverse;
use std::sync::LazyLock;

/// Where a line stands among others: the smaller, the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    direction: Direction,
    pub(crate) reach: Reach,
    traffic: Kind,
    /// The prefix length of a block about as large as all its addresses; of IPv6 as if it were of IPv4.
    narrow: u32,
    slots: Reverse<u128>,
}

/// What kind of traffic it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    All,
    /// Very many ports.
    Wide,
    /// Ports by which a machine is administered.
    Admin,
    Other,
    /// Only ports at which the web is served.
    Web,
    /// Only ICMP.
    Icmp,
}

/// So many ports are a wide range.
const MANY_PORTS: u128 = 1024;

/// SSH, telnet, RPC, SMB, Docker, RDP, VNC, `WinRM`, Kubernetes (IANA Service Name and Transport Protocol Port Number
/// Registry; Docker and Kubernetes documentation).
const ADMIN: [u16; 11] = [22, 23, 135, 445, 2375, 2376, 3389, 5900, 5985, 5986, 6443];

/// HTTP and HTTPS with their usual alternatives.
const WEB: [u16; 4] = [80, 443, 8080, 8443];

const TCP: u8 = 6;
const UDP: u8 = 17;

static INTERNET: LazyLock<AddressSet> = LazyLock::new(AddressSet::internet);

impl Rank {
    pub(crate) fn of(area: &Area, direction: Direction) -> Self {
        Self {
            direction,
            reach: reach(&area.peers),
            traffic: kind(&area.traffic),
            narrow: narrow(area.peers.addresses()),
            slots: Reverse(area.traffic.size()),
        }
    }
}

/// The same order for lines of a document, as far as it tells.
pub(crate) fn of_line(line: &ExposureLine) -> impl Ord + use<> {
    let traffic = line.exact.as_ref().map(|exact| {
        let spans = exact.traffic.iter().filter_map(|span| {
            let protocol: Protocol = span.protocol.parse().ok()?;
            let part = |slot: i32| u32::try_from(slot).ok();
            Some(match (protocol, part(span.from), part(span.to)) {
                (Protocol::Number(number), Some(from), Some(to)) => {
                    (slot(number) + from.min(0xffff), slot(number) + to.min(0xffff))
                }
                (Protocol::Number(number), ..) => (slot(number), slot(number) + 0xffff),
                (Protocol::All, ..) => (0, u32::MAX),
            })
        });
        kind(&TrafficSet::from_spans(spans))
    });
    (line.direction == Direction::Egress.as_str(), line.reach, traffic)
}

/// The first slot of a protocol.
fn slot(protocol: u8) -> u32 {
    u32::from(protocol) << 16
}

fn reach(peers: &PeerSet) -> Reach {
    let addresses = peers.addresses();
    if INTERNET.v4().is_subset(addresses.v4()) || INTERNET.v6().is_subset(addresses.v6()) {
        return Reach::Internet;
    }
    if !addresses.intersection(&INTERNET).is_empty() {
        return Reach::Public;
    }
    let list = |token: &Token| matches!(token, Token::PrefixList(_));
    match peers.tokens().listed() {
        Some(named) if !named.iter().any(list) => {}
        _ => return Reach::Unknown,
    }
    if addresses.is_empty() {
        Reach::Groups
    } else {
        Reach::Private
    }
}

fn kind(traffic: &TrafficSet) -> Kind {
    static ALL: LazyLock<TrafficSet> = LazyLock::new(TrafficSet::all);
    if *traffic == *ALL {
        return Kind::All;
    }
    let ports = |protocol| -> u128 {
        let spans = traffic.ports(protocol).into_iter();
        spans.map(|(first, last)| u128::from(last - first) + 1).sum()
    };
    let (tcp, udp) = (ports(TCP), ports(UDP));
    if tcp + udp >= MANY_PORTS {
        return Kind::Wide;
    }
    if ADMIN.iter().any(|&port| traffic.contains(TCP, port)) {
        return Kind::Admin;
    }
    let web = WEB.iter().filter(|&&port| traffic.contains(TCP, port)).count();
    let http3 = u128::from(traffic.contains(UDP, 443));
    if traffic.size() == web as u128 + http3 {
        return Kind::Web;
    }
    let icmp = |&(first, last): &(u32, u32)| matches!((first >> 16, last >> 16), (1, 1) | (58, 58));
    if traffic.spans().iter().all(icmp) {
        return Kind::Icmp;
    }
    Kind::Other
}

fn narrow(addresses: &AddressSet) -> u32 {
    let bits = |size: u128| size.checked_ilog2();
    let v4 = bits(addresses.v4().size()).map(|bits| 32_u32.saturating_sub(bits));
    let v6 = bits(addresses.v6().size()).map(|bits| (128 - bits) / 4);
    [v4, v6].into_iter().flatten().min().unwrap_or(u32::MAX)
}
