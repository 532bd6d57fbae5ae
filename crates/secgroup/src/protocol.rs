//! IP protocols as EC2 names them.

use std::fmt;
use std::str::FromStr;

/// An IP protocol as a security-group rule names it: all of them, or one number.
///
/// EC2 knows `tcp`, `udp`, `icmp` and `icmpv6` by name, `-1` as "all", and every protocol by its IANA number (EC2 API
/// reference, `IpPermission`).
///
/// ```
/// use portcullis_secgroup::Protocol;
/// assert_eq!("6".parse::<Protocol>()?, "TCP".parse::<Protocol>()?);
/// assert_eq!("all".parse::<Protocol>()?.to_string(), "-1");
/// # Ok::<(), portcullis_secgroup::ProtocolError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Every protocol: `-1`.
    All,
    /// One protocol, by IANA's number.
    Number(u8),
}

impl Protocol {
    /// ICMP for IPv4, number 1.
    pub const ICMP: Self = Self::Number(1);
    /// TCP, number 6.
    pub const TCP: Self = Self::Number(6);
    /// UDP, number 17.
    pub const UDP: Self = Self::Number(17);
    /// ICMP for IPv6, number 58.
    pub const ICMPV6: Self = Self::Number(58);

    /// Whether EC2 reads the ports of a rule for this protocol: only tcp and udp.
    #[must_use]
    pub fn has_ports(self) -> bool {
        matches!(self, Self::TCP | Self::UDP)
    }

    /// Whether a rule's ports are ICMP type and code.
    #[must_use]
    pub fn has_types(self) -> bool {
        matches!(self, Self::ICMP | Self::ICMPV6)
    }
}

/// A protocol that no one knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no protocol: tcp, udp, icmp, icmpv6, all, -1 or a number from 0 to 255")]
pub struct ProtocolError(String);

impl FromStr for Protocol {
    type Err = ProtocolError;

    fn from_str(text: &str) -> Result<Self, ProtocolError> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "-1" | "all" => Self::All,
            "tcp" => Self::TCP,
            "udp" => Self::UDP,
            "icmp" => Self::ICMP,
            "icmpv6" => Self::ICMPV6,
            number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                Self::Number(number.parse().map_err(|_| ProtocolError(text.to_owned()))?)
            }
            _ => return Err(ProtocolError(text.to_owned())),
        })
    }
}

impl fmt::Display for Protocol {
    /// As EC2 writes it: a name where EC2 has one, `-1` for all, else the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::All => f.pad("-1"),
            Self::TCP => f.pad("tcp"),
            Self::UDP => f.pad("udp"),
            Self::ICMP => f.pad("icmp"),
            Self::ICMPV6 => f.pad("icmpv6"),
            Self::Number(number) => fmt::Display::fmt(&number, f),
        }
    }
}
