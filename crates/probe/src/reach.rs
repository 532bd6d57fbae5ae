//! What this machine can reach: silence means something only where an answer would have come through.

use crate::Reply;
use std::collections::BTreeSet;
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

impl Controlled {
    const fn of_family(&self, six: bool) -> Option<bool> {
        if six { self.v6 } else { self.v4 }
    }
}

fn nobody(six: bool) -> String {
    format!(
        "nobody answered over {}, so the way out of this machine may be closed; `--control HOST:PORT` tells",
        if six { "IPv6" } else { "IPv4" }
    )
}

/// What this machine can reach, as far as one run tells.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    controls: Vec<Controlled>,
    /// The ports on which anybody answered, over IPv4 and over IPv6.
    contact: [BTreeSet<u16>; 2],
}

/// The ports that nearly every filter lets out: that they were reached says nothing of others.
const WEB: [u16; 2] = [80, 443];

/// What the silence of a closed port proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// From here others were reached on this very port.
    OfThePort,
    /// The way out is open, and no narrow one; whether it is on this port is not known.
    OfTheWay,
    /// Nothing, for this reason.
    Nothing(String),
}

impl Reach {
    /// After these replies, each with the port that was asked, and those of the control targets.
    #[must_use]
    pub fn of<'a>(replies: impl IntoIterator<Item = (u16, &'a Reply)>, controls: Vec<Controlled>) -> Self {
        let mut out = Self {
            controls,
            ..Self::default()
        };
        for (port, reply) in replies {
            if let Some(address) = reply.address.filter(|_| reply.answer.is_contact()) {
                out.contact[usize::from(address.is_ipv6())].insert(port);
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
            None if !self.contact[usize::from(six)].is_empty() => None,
            None => Some(nobody(six)),
        }
    }

    /// What silence from a port that should be closed proves: more is asked of it than of a service's, since silence is what
    /// passes.
    ///
    /// A control target on the same port, or whoever answered on it, proves it. Otherwise somebody must have been reached on a port
    /// that a filter for the web alone would not let out.
    pub(crate) fn silence_proves(&self, address: Option<IpAddr>, port: u16) -> Proof {
        let six = address.is_some_and(|address| address.is_ipv6());
        let contact = &self.contact[usize::from(six)];
        let controlled = self.controlled(six, port);
        let mut reached: BTreeSet<u16> = contact.clone();
        reached.extend(
            self.controls
                .iter()
                .filter(|controlled| controlled.of_family(six) == Some(true))
                .map(|controlled| controlled.control.port),
        );
        match controlled {
            Some(Err(why)) => Proof::Nothing(why),
            _ if reached.contains(&port) => Proof::OfThePort,
            _ if reached.is_empty() => Proof::Nothing(nobody(six)),
            _ if WEB.contains(&port) || reached.iter().any(|port| !WEB.contains(port)) => Proof::OfTheWay,
            _ => Proof::Nothing(format!(
                "only ports of the web were reached from this machine, so its way out may be closed on {port}; \
                 `--control HOST:{port}` tells"
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
        let asked = || {
            self.controls
                .iter()
                .filter_map(|controlled| Some((&controlled.control, controlled.of_family(six)?)))
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
            contact: [[443].into(), [].into()],
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

    #[test]
    fn what_silence_of_a_closed_port_proves() {
        let four: Option<IpAddr> = Some("192.0.2.1".parse().unwrap());
        let proves = |contact: &[u16], controls: Vec<Controlled>, port| {
            let contact = [contact.iter().copied().collect(), [].into()];
            Reach { controls, contact }.silence_proves(four, port)
        };
        let control = |text, reached| vec![controlled(text, Some(reached), None)];
        assert_eq!(proves(&[22, 443], vec![], 22), Proof::OfThePort);
        assert_eq!(
            proves(&[443], control("example.org:22", true), 22),
            Proof::OfThePort
        );
        assert_eq!(proves(&[8000], vec![], 8080), Proof::OfTheWay);
        assert_eq!(proves(&[443], vec![], 80), Proof::OfTheWay);
        let nothing = |proof| matches!(proof, Proof::Nothing(_));
        // A proxy lets the web out, and nothing else.
        assert!(nothing(proves(&[80, 443], vec![], 22)));
        assert!(nothing(proves(&[443], control("example.org:443", true), 22)));
        assert!(nothing(proves(&[8000], control("example.org:22", false), 22)));
        assert!(nothing(proves(&[], vec![], 22)));
    }
}
