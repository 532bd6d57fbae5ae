//! Whom to ask, and for what.

use crate::expectation::{Expectation, Scheme};
use crate::{MemberKind, Wants};
use portcullis_secgroup::AddressSet;
use std::fmt;
use std::net::IpAddr;
#[cfg(any(feature = "client", test))]
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, LazyLock};

/// One question to one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The member, as people call it.
    pub member: String,
    /// What kind of thing it is.
    pub kind: MemberKind,
    /// The group whose rule opens the port, or whose change closed it.
    pub group: String,
    /// Where it is.
    pub place: Place,
    /// The port.
    pub port: u16,
    /// What should come of it.
    pub wish: Wish,
}

/// Where a target is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// At this address.
    Address(IpAddr),
    /// Where this name leads to, looked up once.
    Name {
        /// The name.
        name: String,
        /// The addresses it may lead to.
        within: AddressSet,
    },
}

/// What should come of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// An answer.
    Answer(Arc<Expectation>),
    /// No connection. With a reason where an answer proves nothing, such as that a part of the internet may still come in.
    Silence(Option<String>),
}

impl Target {
    /// How it is asked.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match &self.wish {
            Wish::Answer(expectation) => expectation.scheme(self.port),
            Wish::Silence(_) => Scheme::Tcp,
        }
    }

    /// What is wanted of it, in a word.
    #[must_use]
    pub const fn wants(&self) -> Wants {
        match self.wish {
            Wish::Answer(_) => Wants::Answer,
            Wish::Silence(_) => Wants::Silence,
        }
    }

    /// What is asked: `http://198.51.100.7:8000/`, `tcp://198.51.100.7:22`.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = self.scheme();
        let host = self.named().map_or_else(|| self.place.to_string(), str::to_owned);
        let (word, path) = match &self.wish {
            Wish::Answer(expectation) if scheme != Scheme::Tcp => (scheme.as_str(), expectation.path()),
            _ => (scheme.as_str(), ""),
        };
        match (scheme, self.port) {
            (Scheme::Http, 80) | (Scheme::Https, 443) => format!("{word}://{host}{path}"),
            (_, port) => format!("{word}://{host}:{port}{path}"),
        }
    }

    /// The name it is asked under, where that is another than the place's.
    fn named(&self) -> Option<&str> {
        match &self.wish {
            Wish::Answer(expectation) if self.scheme() != Scheme::Tcp => expectation.host(),
            _ => None,
        }
    }

    /// A name for the question that stays the same from run to run: what is wanted, what is asked, and where that is when the
    /// URL does not tell.
    #[must_use]
    pub fn id(&self) -> String {
        let (wants, url) = (self.wants().as_str(), self.url());
        match (self.named(), &self.place) {
            (Some(_), Place::Address(address)) => format!("{wants} {url} at {address}"),
            _ => format!("{wants} {url}"),
        }
    }
}

impl fmt::Display for Place {
    /// As the host of a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V4(v4)) => v4.fmt(f),
            Self::Address(IpAddr::V6(v6)) => write!(f, "[{v6}]"),
            Self::Name { name, .. } => f.write_str(name),
        }
    }
}

static INTERNET: LazyLock<AddressSet> = LazyLock::new(AddressSet::internet);

/// Whether the address of a member may be asked. An inventory is text from outside: it must not send us to the metadata service
/// (169.254.169.254, fd00:ec2::254, or either in another form), into a private network, or to a neighbour. This machine is asked
/// only where somebody allowed that by hand.
pub(crate) fn may_be_asked(address: IpAddr, loopback: bool) -> bool {
    INTERNET.contains(address) || (loopback && address.is_loopback())
}

/// Whether a control target may be asked there. Somebody named it by hand, so it may be private; but its name may lead anywhere.
#[cfg(any(feature = "client", test))]
pub(crate) fn may_control(address: IpAddr, loopback: bool) -> bool {
    let v4 = match address {
        IpAddr::V4(v4) => v4,
        IpAddr::V6(v6) => {
            // What AWS keeps for its own services on an instance: fd00:ec2::254 is the metadata service ("Instance metadata
            // service IPv6 endpoint", EC2 user guide).
            let of_the_instance = v6.segments()[..2] == [0xfd00, 0xec2];
            if v6.is_unicast_link_local() || v6.is_multicast() || v6.is_unspecified() || of_the_instance {
                return false;
            }
            match within_v6(v6) {
                _ if v6.is_loopback() => return loopback,
                Some(v4) => v4,
                None => return true,
            }
        }
    };
    let local = v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast();
    !local && (loopback || !v4.is_loopback())
}

/// The IPv4 address that an IPv6 address stands for: mapped or compatible (RFC 4291, section 2.5.5), behind NAT64 (RFC 6052), or
/// by 6to4 (RFC 3056).
#[cfg(any(feature = "client", test))]
fn within_v6(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = address.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: [&str; 12] = [
        "169.254.169.254",
        "169.254.170.2",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "::",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::a9fe:a9fe",
        "fd00:ec2::254",
        "fe80::1",
    ];

    #[test]
    fn only_the_internet_is_asked() {
        let private = [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "fd12::1",
            "64:ff9b::808:808",
        ];
        for text in NEVER.into_iter().chain(private) {
            let address = text.parse().unwrap();
            assert!(
                !may_be_asked(address, false) && !may_be_asked(address, true),
                "{text}"
            );
        }
        for text in ["127.0.0.1", "127.255.27.217", "::1"] {
            let address = text.parse().unwrap();
            assert!(
                !may_be_asked(address, false) && may_be_asked(address, true),
                "{text}"
            );
        }
        for text in ["52.95.110.7", "2600:1f18::7"] {
            assert!(may_be_asked(text.parse().unwrap(), false), "{text}");
        }
    }

    #[test]
    fn a_control_target_may_be_private_and_is_no_metadata_service() {
        for text in NEVER {
            let address = text.parse().unwrap();
            assert!(
                !may_control(address, false) && !may_control(address, true),
                "{text}"
            );
        }
        for text in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            let address = text.parse().unwrap();
            assert!(
                !may_control(address, false) && may_control(address, true),
                "{text}"
            );
        }
        for text in [
            "10.0.0.1",
            "52.95.110.7",
            "fd12::1",
            "2600:1f18::7",
            "64:ff9b::808:808",
        ] {
            assert!(may_control(text.parse().unwrap(), false), "{text}");
        }
    }
}
