//! Which addresses are special, after IANA.
//!
//! Sources: IANA IPv4 Special-Purpose Address Registry and IANA IPv6 Special-Purpose Address Registry (RFC 6890 and its
//! updates), IPv4 Multicast Address Space Registry (RFC 5771), IPv6 unicast space `2000::/3` (RFC 4291).

use crate::address::{AddressSet, Cidr};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> (Ipv4Addr, u8) {
    (Ipv4Addr::new(a, b, c, d), length)
}

const SPECIAL_V4: [(Ipv4Addr, u8); 18] = [
    v4(0, 0, 0, 0, 8),       // this network
    v4(10, 0, 0, 0, 8),      // private use
    v4(100, 64, 0, 0, 10),   // shared address space
    v4(127, 0, 0, 0, 8),     // loopback
    v4(169, 254, 0, 0, 16),  // link local
    v4(172, 16, 0, 0, 12),   // private use
    v4(192, 0, 0, 0, 24),    // IETF protocol assignments
    v4(192, 0, 2, 0, 24),    // documentation (TEST-NET-1)
    v4(192, 31, 196, 0, 24), // AS112-v4
    v4(192, 52, 193, 0, 24), // AMT
    v4(192, 88, 99, 0, 24),  // deprecated 6to4 relay anycast
    v4(192, 168, 0, 0, 16),  // private use
    v4(192, 175, 48, 0, 24), // direct delegation AS112
    v4(198, 18, 0, 0, 15),   // benchmarking
    v4(198, 51, 100, 0, 24), // documentation (TEST-NET-2)
    v4(203, 0, 113, 0, 24),  // documentation (TEST-NET-3)
    v4(224, 0, 0, 0, 4),     // multicast: not unicast
    v4(240, 0, 0, 0, 4),     // reserved, and limited broadcast
];

const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

const SPECIAL_V6: [(Ipv6Addr, u8); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // IETF protocol assignments, Teredo among them
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48), // direct delegation AS112
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// RFC 1918 and RFC 4193.
pub(crate) static PRIVATE: LazyLock<[Cidr; 4]> = LazyLock::new(|| {
    let block = |address: IpAddr, length| Cidr::new(address, length).unwrap_or_else(|| Cidr::host(address));
    [
        block(Ipv4Addr::new(10, 0, 0, 0).into(), 8),
        block(Ipv4Addr::new(172, 16, 0, 0).into(), 12),
        block(Ipv4Addr::new(192, 168, 0, 0).into(), 16),
        block(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0).into(), 7),
    ]
});

/// Public addresses people know, best for a witness: Google's and Quad9's resolvers.
pub(crate) const FAMILIAR: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)),
    IpAddr::V4(Ipv4Addr::new(149, 112, 112, 112)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888)),
];

fn set(blocks: &[(impl Into<IpAddr> + Copy, u8)]) -> AddressSet {
    blocks
        .iter()
        .filter_map(|&(address, length)| Cidr::new(address.into(), length))
        .collect()
}

/// What is asked for again and again, so it is made once.
pub(crate) static INTERNET: LazyLock<AddressSet> = LazyLock::new(|| {
    AddressSet::new(
        set(&SPECIAL_V4).v4().complement(),
        set(&[GLOBAL_V6]).v6().difference(set(&SPECIAL_V6).v6()),
    )
});
