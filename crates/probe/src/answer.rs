//! What a service answered.

use crate::{Certificate, Phases};
use std::net::IpAddr;

/// What came of asking one target once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// What came.
    pub answer: Answer,
    /// The address that was asked, where one was.
    pub address: Option<IpAddr>,
    /// Where the time went.
    pub phases: Phases,
    /// From the first byte sent to the last read.
    pub milliseconds: Option<u64>,
    /// The certificate, where one was accepted.
    pub certificate: Option<Certificate>,
    /// How many redirects were followed.
    pub redirects: u8,
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// It answered in HTTP.
    Http(Box<HttpAnswer>),
    /// It took the connection, and nothing else was asked.
    Connected,
    /// The machine is there, nobody listens on the port.
    Refused,
    /// No answer in time.
    TimedOut(Phase),
    /// The connection broke before the answer was complete.
    Broken,
    /// Somebody answered, but not in HTTP.
    NotHttp,
    /// Somebody answered, but not in TLS.
    NotTls,
    /// The other side ended the TLS handshake.
    TlsRefused,
    /// The answer's head is larger than is read.
    HeadTooLarge,
    /// The machine that asks has no way there.
    NoRoute,
    /// The certificate is not accepted.
    Certificate(BadCertificate),
    /// The name leads nowhere that may be asked.
    Name(BadName),
    /// Something else, in one line.
    Other(String),
}

impl Default for Answer {
    fn default() -> Self {
        Self::Other("it was not asked".to_owned())
    }
}

/// An answer in HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// What was read of the body; empty where nobody wanted it.
    pub body: Vec<u8>,
    /// Whether there was more than is read.
    pub cut: bool,
    /// Whether the body is compressed, although nobody asked for that.
    pub encoded: bool,
    /// Where a redirect leads that was not followed, as scheme, host and port: the rest may be secret.
    pub leads_to: Option<String>,
}

/// What time ran out in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Looking up the name.
    Dns,
    /// Making the connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Between the request and the end of the answer's head.
    Head,
    /// Reading the body.
    Body,
}

/// Why a certificate is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadCertificate {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is for another name.
    WrongName,
    /// It is self-signed, or its issuer is not trusted here.
    UnknownIssuer,
    /// This machine trusts nobody at all.
    NoAuthorities,
    /// Something else is wrong with it.
    Other,
}

/// Why a name was not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadName {
    /// It is not known, or nobody told.
    NotFound,
    /// It leads to this address, which is none of the members' or not of the internet.
    Elsewhere(IpAddr),
}

impl Answer {
    /// Whether it proves that packets get there and back.
    #[must_use]
    pub(crate) const fn is_contact(&self) -> bool {
        !matches!(
            self,
            Self::TimedOut(Phase::Dns | Phase::Connect) | Self::NoRoute | Self::Name(_) | Self::Other(_)
        )
    }
}
