//! Which ports a group opens to the internet.

use portcullis_secgroup::{AddressSet, Direction, Group, Inventory, OpenSet};
use std::net::IpAddr;

/// IANA's numbers of TCP and UDP.
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;

/// Ranges of ports.
pub(crate) type Ranges = Vec<(u16, u16)>;

/// The TCP ports a group opens to the whole internet, by address family, and its UDP ports.
pub(crate) struct Open {
    pub(crate) v4: Ranges,
    pub(crate) v6: Ranges,
    pub(crate) udp: Ranges,
}

impl Open {
    pub(crate) fn of(group: &Group, inventory: &Inventory, only: &[u16]) -> Self {
        let open = OpenSet::certain(&group.rules, Direction::Ingress, &inventory.prefix_lists);
        let internet = AddressSet::internet();
        let v4 = |addresses: &AddressSet| internet.v4().is_subset(addresses.v4());
        let v6 = |addresses: &AddressSet| internet.v6().is_subset(addresses.v6());
        let ports = |protocol: u8, covers: &dyn Fn(&AddressSet) -> bool| -> Ranges {
            let ranges: Ranges = open
                .pieces()
                .iter()
                .filter(|piece| covers(piece.peers.addresses()))
                .flat_map(|piece| piece.traffic().ports(protocol))
                .collect();
            if only.is_empty() {
                return ranges;
            }
            only.iter()
                .filter(|&&port| within(&ranges, port))
                .map(|&port| (port, port))
                .collect()
        };
        Self {
            v4: ports(TCP, &v4),
            v6: ports(TCP, &v6),
            udp: ports(UDP, &|addresses| v4(addresses) || v6(addresses)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty() && self.udp.is_empty()
    }

    pub(crate) fn has(&self, port: u16) -> bool {
        within(&self.v4, port) || within(&self.v6, port)
    }

    pub(crate) fn toward(&self, address: IpAddr) -> &Ranges {
        if address.is_ipv4() { &self.v4 } else { &self.v6 }
    }

    /// TCP ports of either family.
    pub(crate) fn tcp(&self) -> &Ranges {
        if self.v4.is_empty() { &self.v6 } else { &self.v4 }
    }
}

pub(crate) fn within(ranges: &Ranges, port: u16) -> bool {
    ranges.iter().any(|&(first, last)| (first..=last).contains(&port))
}

pub(crate) fn count(ranges: &Ranges) -> usize {
    ranges
        .iter()
        .map(|(first, last)| usize::from(last - first) + 1)
        .sum()
}

pub(crate) fn list(ranges: &Ranges) -> String {
    let words: Vec<String> = ranges
        .iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    words.join(", ")
}
