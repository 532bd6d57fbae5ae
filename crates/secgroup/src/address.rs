//! Addresses: one CIDR block, and exact sets of IPv4 and IPv6 addresses.

use crate::interval::IntervalSet;
use crate::registry;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A CIDR block in its canonical form: the host bits are zero.
///
/// EC2 stores the canonical network whatever was typed (EC2 API reference, `IpRange`), so the parser masks host bits
/// as AWS does; [`Cidr::parse_noting_host_bits`] tells when it did.
///
/// ```
/// use portcullis_secgroup::Cidr;
/// let cidr: Cidr = "10.1.2.3/8".parse()?;
/// assert_eq!(cidr.to_string(), "10.0.0.0/8");
/// # Ok::<(), portcullis_secgroup::CidrError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    network: IpAddr,
    length: u8,
}

/// Text that is no CIDR block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CidrError {
    /// No slash, or more than one.
    #[error("`{0}` is not written as ADDRESS/LENGTH")]
    Shape(String),
    /// The part before the slash is no IPv4 or IPv6 address.
    #[error("`{0}` holds no IPv4 or IPv6 address before the slash")]
    Address(String),
    /// The part after the slash is no number, or too large for the family.
    #[error("`{0}` holds no prefix length from 0 to {1} after the slash")]
    Length(String, u8),
}

impl Cidr {
    /// The block of `length` leading bits around `address`; `None` when the length is too large for the family.
    #[must_use]
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        let network = match address {
            IpAddr::V4(v4) if length <= 32 => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask32(length))),
            IpAddr::V6(v6) if length <= 128 => {
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask128(length)))
            }
            _ => return None,
        };
        Some(Self { network, length })
    }

    /// Reads a block; the flag tells that host bits were set, and masked as AWS masks them.
    ///
    /// # Errors
    /// [`CidrError`] when the text is no block of either family.
    pub fn parse_noting_host_bits(text: &str) -> Result<(Self, bool), CidrError> {
        let (address, length) = text
            .split_once('/')
            .ok_or_else(|| CidrError::Shape(text.to_owned()))?;
        let address: IpAddr = address.parse().map_err(|_| CidrError::Address(text.to_owned()))?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bad_length = || CidrError::Length(text.to_owned(), most);
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad_length());
        }
        let length: u8 = length.parse().map_err(|_| bad_length())?;
        let cidr = Self::new(address, length).ok_or_else(bad_length)?;
        Ok((cidr, cidr.network != address))
    }

    /// The block of one single address.
    #[must_use]
    pub fn host(address: IpAddr) -> Self {
        Self {
            network: address,
            length: if address.is_ipv4() { 32 } else { 128 },
        }
    }

    /// The first address of the block.
    #[must_use]
    pub fn network(&self) -> IpAddr {
        self.network
    }

    /// How many leading bits are fixed.
    #[must_use]
    pub fn length(&self) -> u8 {
        self.length
    }

    /// Whether the block is of IPv4.
    #[must_use]
    pub fn is_ipv4(&self) -> bool {
        self.network.is_ipv4()
    }
}

const fn mask32(length: u8) -> u32 {
    if length == 0 { 0 } else { u32::MAX << (32 - length) }
}

const fn mask128(length: u8) -> u128 {
    if length == 0 {
        0
    } else {
        u128::MAX << (128 - length)
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        Self::parse_noting_host_bits(text).map(|(cidr, _)| cidr)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.length)
    }
}

/// A set of addresses of both families.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressSet {
    v4: IntervalSet<u32>,
    v6: IntervalSet<u128>,
}

impl AddressSet {
    pub(crate) fn new(v4: IntervalSet<u32>, v6: IntervalSet<u128>) -> Self {
        Self { v4, v6 }
    }

    /// The addresses of the block that are in it. Costs no more than what is found.
    #[must_use]
    pub fn clip(&self, block: Cidr) -> Self {
        match block.network {
            IpAddr::V4(v4) => {
                let first = v4.to_bits();
                Self {
                    v4: self.v4.clip(first, first | !mask32(block.length)),
                    v6: IntervalSet::empty(),
                }
            }
            IpAddr::V6(v6) => {
                let first = v6.to_bits();
                Self {
                    v4: IntervalSet::empty(),
                    v6: self.v6.clip(first, first | !mask128(block.length)),
                }
            }
        }
    }

    /// No address.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Every IPv4 and every IPv6 address.
    #[must_use]
    pub fn all() -> Self {
        Self {
            v4: IntervalSet::full(),
            v6: IntervalSet::full(),
        }
    }

    /// Every IPv4 address and no other.
    #[must_use]
    pub fn all_v4() -> Self {
        Self {
            v4: IntervalSet::full(),
            v6: IntervalSet::empty(),
        }
    }

    /// Every IPv6 address and no other.
    #[must_use]
    pub fn all_v6() -> Self {
        Self {
            v4: IntervalSet::empty(),
            v6: IntervalSet::full(),
        }
    }

    /// The globally reachable unicast addresses: everything but IANA's special-purpose registries (IPv4 and IPv6) and
    /// multicast; of IPv6, `2000::/3` without its special-purpose blocks.
    #[must_use]
    pub fn internet() -> Self {
        registry::INTERNET.clone()
    }

    /// The private addresses: RFC 1918 and `fc00::/7` (RFC 4193).
    #[must_use]
    pub fn private() -> Self {
        registry::PRIVATE.iter().copied().collect()
    }

    /// The IPv4 part.
    #[must_use]
    pub fn v4(&self) -> &IntervalSet<u32> {
        &self.v4
    }

    /// The IPv6 part.
    #[must_use]
    pub fn v6(&self) -> &IntervalSet<u128> {
        &self.v6
    }

    /// Whether there is no address in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether `address` is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => self.v4.contains(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.contains(v6.to_bits()),
        }
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            v4: self.v4.union(&other.v4),
            v6: self.v6.union(&other.v6),
        }
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            v4: self.v4.intersection(&other.v4),
            v6: self.v6.intersection(&other.v6),
        }
    }

    /// What is in this one and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self {
            v4: self.v4.difference(&other.v4),
            v6: self.v6.difference(&other.v6),
        }
    }

    /// What is not in it.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self {
            v4: self.v4.complement(),
            v6: self.v6.complement(),
        }
    }

    /// Whether each address in it is in `other`, too.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.v4.is_subset(&other.v4) && self.v6.is_subset(&other.v6)
    }

    /// One address of the set: a well-known public one where the set holds it, else the first usable of its first
    /// interval. A reader should be able to try it.
    #[must_use]
    pub fn witness(&self) -> Option<IpAddr> {
        registry::FAMILIAR
            .into_iter()
            .find(|address| self.contains(*address))
            .or_else(|| self.v4.first().map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))))
            .or_else(|| self.v6.first().map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))))
    }

    /// The fewest CIDR blocks that make up the set, IPv4 first, in ascending order.
    #[must_use]
    pub fn cidrs(&self) -> Vec<Cidr> {
        let mut out = Vec::new();
        for &(first, last) in self.v4.intervals() {
            let to_block = |bits, length| Cidr {
                network: IpAddr::V4(Ipv4Addr::from_bits(bits)),
                length,
            };
            blocks(u128::from(first), u128::from(last), 32, |bits, length| {
                // The bits came from a u32 and only grew inside its interval.
                out.push(to_block(u32::try_from(bits).unwrap_or(u32::MAX), length));
            });
        }
        for &(first, last) in self.v6.intervals() {
            blocks(first, last, 128, |bits, length| {
                out.push(Cidr {
                    network: IpAddr::V6(Ipv6Addr::from_bits(bits)),
                    length,
                });
            });
        }
        out
    }

    /// The set in few words: `the whole internet`, `the whole IPv4 internet`, or its blocks, at most three of them.
    #[must_use]
    pub fn describe(&self) -> String {
        let internet = Self::internet();
        let (whole_v4, whole_v6) = (internet.v4.is_subset(&self.v4), internet.v6.is_subset(&self.v6));
        let mut parts = Vec::new();
        let mut rest = self.clone();
        match (whole_v4, whole_v6) {
            (true, true) => parts.push("the whole internet".to_owned()),
            (true, false) => parts.push("the whole IPv4 internet".to_owned()),
            (false, true) => parts.push("the whole IPv6 internet".to_owned()),
            (false, false) => {}
        }
        if whole_v4 {
            rest.v4 = IntervalSet::empty();
        }
        if whole_v6 {
            rest.v6 = IntervalSet::empty();
        }
        let blocks = rest.cidrs();
        parts.extend(blocks.iter().take(3).map(Cidr::to_string));
        if blocks.len() > 3 {
            parts.push(format!("{} more blocks", blocks.len() - 3));
        }
        list(&parts)
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Cuts `first..=last` into the fewest aligned blocks of a family of `bits` bits.
fn blocks(first: u128, last: u128, bits: u32, mut emit: impl FnMut(u128, u8)) {
    let mut at = first;
    loop {
        // The largest block that starts here is bounded by alignment and by what is left.
        let aligned = at.trailing_zeros().min(bits);
        let left = last - at;
        let fits = left.checked_add(1).map_or(128, u128::ilog2);
        let free = aligned.min(fits).min(bits);
        emit(at, u8::try_from(bits - free).unwrap_or(u8::MAX));
        let size_less_one = if free == 128 { u128::MAX } else { (1 << free) - 1 };
        match at
            .checked_add(size_less_one)
            .and_then(|end| if end >= last { None } else { end.checked_add(1) })
        {
            Some(next) => at = next,
            None => break,
        }
    }
}

impl From<Cidr> for AddressSet {
    fn from(cidr: Cidr) -> Self {
        match cidr.network {
            IpAddr::V4(v4) => {
                let first = v4.to_bits();
                Self {
                    v4: IntervalSet::range(first, first | !mask32(cidr.length)),
                    v6: IntervalSet::empty(),
                }
            }
            IpAddr::V6(v6) => {
                let first = v6.to_bits();
                Self {
                    v4: IntervalSet::empty(),
                    v6: IntervalSet::range(first, first | !mask128(cidr.length)),
                }
            }
        }
    }
}

impl<'a> FromIterator<&'a AddressSet> for AddressSet {
    /// The union of many sets, for the cost of a sort.
    fn from_iter<I: IntoIterator<Item = &'a AddressSet>>(iter: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for set in iter {
            v4.extend_from_slice(set.v4.intervals());
            v6.extend_from_slice(set.v6.intervals());
        }
        Self {
            v4: v4.into_iter().collect(),
            v6: v6.into_iter().collect(),
        }
    }
}

impl FromIterator<Cidr> for AddressSet {
    fn from_iter<I: IntoIterator<Item = Cidr>>(iter: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for cidr in iter {
            let block = Self::from(cidr);
            v4.extend_from_slice(block.v4.intervals());
            v6.extend_from_slice(block.v6.intervals());
        }
        Self {
            v4: v4.into_iter().collect(),
            v6: v6.into_iter().collect(),
        }
    }
}
