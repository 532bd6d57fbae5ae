//! Whom to ask, and for what.

use crate::expectation::{Expectation, Scheme};
use crate::{MemberKind, Wants};
use portcullis_secgroup::AddressSet;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

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

/// Whether the address of a member may be asked. An inventory is text from outside: it must not send us to the metadata service
/// (169.254.169.254, fd00:ec2::254) or to a neighbour.
pub(crate) fn may_be_asked(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            !(v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast())
        }
        IpAddr::V6(v6) => {
            let local = v6.is_unicast_link_local() || v6.is_unique_local() || v6.to_ipv4_mapped().is_some();
            !(local || v6.is_multicast() || v6 == Ipv6Addr::UNSPECIFIED)
        }
    }
}
