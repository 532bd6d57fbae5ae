//! What this machine can reach: silence means something only where an answer would have come through.

use crate::Reply;
use std::net::IpAddr;

/// A place that always answers, asked to learn whether this machine's way out is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// A host name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// A text that is no control target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not HOST:PORT, such as example.org:443 or [2001:db8::1]:443")]
pub struct BadControl(String);

impl std::str::FromStr for Control {
    type Err = BadControl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadControl(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
        let port = port.parse().ok().filter(|&port| port != 0).ok_or_else(bad)?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let known = host.parse::<IpAddr>().is_ok() || crate::expectation::is_host_name(host);
        known
            .then(|| Self {
                host: host.to_owned(),
                port,
            })
            .ok_or_else(bad)
    }
}

impl std::fmt::Display for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Whether a control target took a connection, by address family; `None` where it has no address of the family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controlled {
    /// The control target.
    pub control: Control,
    /// Over IPv4.
    pub v4: Option<bool>,
    /// Over IPv6.
    pub v6: Option<bool>,
}

/// What this machine can reach, as far as one run tells.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    controls: Vec<Controlled>,
    /// Whether anybody answered, over IPv4 and over IPv6.
    contact: [bool; 2],
}

impl Reach {
    /// After these replies, and those of the control targets.
    #[must_use]
    pub fn of<'a>(replies: impl IntoIterator<Item = &'a Reply>, controls: Vec<Controlled>) -> Self {
        let mut out = Self {
            controls,
            ..Self::default()
        };
        for reply in replies {
            if let Some(address) = reply.address.filter(|_| reply.answer.is_contact()) {
                out.contact[usize::from(address.is_ipv6())] = true;
            }
        }
        out
    }

    /// Why silence from this address and port says nothing of the service; `None` where it does.
    ///
    /// A control target on the same port speaks for that port, others for all the rest. Without any, whoever answered from the
    /// same address family tells that the way out is open.
    pub(crate) fn silence_says_nothing(&self, address: Option<IpAddr>, port: u16) -> Option<String> {
        let six = address.is_some_and(|address| address.is_ipv6());
        match self.controlled(six, port) {
            Some(Ok(())) => None,
            Some(Err(why)) => Some(why),
            None if self.contact[usize::from(six)] => None,
            None => Some(format!(
                "nobody answered over {}, so the way out of this machine may be closed; `--control HOST:PORT` tells",
                if six { "IPv6" } else { "IPv4" }
            )),
        }
    }

    /// Why a refusal says nothing of the service: a control target that speaks for the port failed, so something in between may
    /// refuse.
    pub(crate) fn refusal_says_nothing(&self, address: Option<IpAddr>, port: u16) -> Option<String> {
        self.controlled(address.is_some_and(|address| address.is_ipv6()), port)?
            .err()
    }

    /// Whether the control targets that speak for this port were reached; `None` where there is none.
    fn controlled(&self, six: bool, port: u16) -> Option<Result<(), String>> {
        let of_family = |controlled: &Controlled| if six { controlled.v6 } else { controlled.v4 };
        let asked = || {
            self.controls
                .iter()
                .filter_map(|controlled| Some((&controlled.control, of_family(controlled)?)))
        };
        let same_port = asked().any(|(control, _)| control.port == port);
        let mut fitting = asked()
            .filter(|(control, _)| !same_port || control.port == port)
            .peekable();
        let (control, _) = fitting.peek()?;
        let why = format!(
            "the control target {control} cannot be reached either, so the way out of this machine is not open"
        );
        Some(if fitting.any(|(_, reached)| reached) {
            Ok(())
        } else {
            Err(why)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn controlled(text: &str, v4: Option<bool>, v6: Option<bool>) -> Controlled {
        Controlled {
            control: text.parse().unwrap(),
            v4,
            v6,
        }
    }

    #[test]
    fn a_control_target_is_host_and_port() {
        for good in ["example.org:443", "127.0.0.1:80", "[2001:db8::1]:443"] {
            assert_eq!(good.parse::<Control>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "example.org",
            ":443",
            "example.org:0",
            "example.org:x",
            "http://example.org:80",
            "1.2.3:80",
        ] {
            assert!(bad.parse::<Control>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_control_target_of_the_port_speaks_for_it() {
        let reach = Reach {
            controls: vec![
                controlled("example.org:443", Some(true), None),
                controlled("example.org:22", Some(false), None),
            ],
            contact: [true, false],
        };
        let (four, six) = (
            Some("192.0.2.1".parse().unwrap()),
            Some("2001:db8::1".parse().unwrap()),
        );
        assert_eq!(reach.silence_says_nothing(four, 443), None);
        assert!(
            reach.silence_says_nothing(four, 22).is_some() && reach.refusal_says_nothing(four, 22).is_some()
        );
        // Another port: one of them was reached.
        assert_eq!(reach.silence_says_nothing(four, 8000), None);
        // Nobody tells of IPv6.
        assert!(reach.silence_says_nothing(six, 443).is_some());
        assert_eq!(reach.refusal_says_nothing(six, 443), None);
    }
}
