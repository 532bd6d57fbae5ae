//! Where a redirect leads, and whether it may be followed.

use crate::Scheme;
use std::net::IpAddr;
use url::{Host, Position, Url};

/// One request of a chain of redirects. All go to the same address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) scheme: Scheme,
    /// As in the URL: a name, an IPv4 address, or an IPv6 address in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The path with its query.
    pub(crate) path: String,
}

impl Hop {
    /// The host as the header `Host` has it (RFC 9110, section 7.2).
    pub(crate) fn authority(&self) -> String {
        match (self.scheme, self.port) {
            (Scheme::Http, 80) | (Scheme::Https, 443) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// Where a redirect leads: to the next request, or to a place that is not asked (scheme, host and port of it).
    ///
    /// It is followed only where it stays with the same host at the same address, on a port that is a target itself, and never
    /// from HTTPS to HTTP. Names are never looked up for a redirect.
    pub(crate) fn next(
        &self,
        location: &str,
        address: IpAddr,
        may_be_asked: impl Fn(IpAddr, u16) -> bool,
    ) -> Result<Self, String> {
        let here = format!("{}://{}{}", self.scheme.as_str(), self.authority(), self.path);
        let Ok(there) = Url::parse(&here).and_then(|here| here.join(location)) else {
            return Err("a place that is no URL".to_owned());
        };
        // The rest may be secret.
        let away = || Err(there[..Position::BeforePath].to_owned());
        let scheme = match there.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(format!("a URL of the scheme {other}")),
        };
        if !there.username().is_empty() || there.password().is_some() {
            return Err("a URL with credentials".to_owned());
        }
        let (Some(host), Some(port)) = (there.host(), there.port_or_known_default()) else {
            return away();
        };
        let same = match &host {
            Host::Domain(name) => *name == self.host,
            Host::Ipv4(v4) => IpAddr::V4(*v4) == address,
            Host::Ipv6(v6) => IpAddr::V6(*v6) == address,
        };
        let downgrade = self.scheme == Scheme::Https && scheme == Scheme::Http;
        if !same || downgrade || !may_be_asked(address, port) {
            return away();
        }
        Ok(Self {
            scheme,
            host: host.to_string(),
            port,
            path: there[Position::BeforePath..Position::AfterQuery].to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `http://shop.example.org:8000/a/b` at 198.51.100.7, where 8000, 80 and 443 are targets.
    fn follow(location: &str) -> Result<Hop, String> {
        let here = Hop {
            scheme: Scheme::Http,
            host: "shop.example.org".into(),
            port: 8000,
            path: "/a/b?c".into(),
        };
        let address = "198.51.100.7".parse().unwrap();
        here.next(location, address, |asked, port| {
            asked == address && [8000, 80, 443].contains(&port)
        })
    }

    #[test]
    fn a_redirect_stays_where_it_is() {
        for (location, authority, path) in [
            ("/", "shop.example.org:8000", "/"),
            ("c", "shop.example.org:8000", "/a/c"),
            ("?d", "shop.example.org:8000", "/a/b?d"),
            ("#top", "shop.example.org:8000", "/a/b?c"),
            ("https://shop.example.org/x#y", "shop.example.org", "/x"),
            ("//shop.example.org/x", "shop.example.org", "/x"),
            ("https://SHOP.example.org:8000/", "shop.example.org:8000", "/"),
            ("http://198.51.100.7/", "198.51.100.7", "/"),
            ("http://0xc6336407/", "198.51.100.7", "/"),
        ] {
            let next = follow(location).unwrap();
            assert_eq!(
                (next.authority().as_str(), next.path.as_str()),
                (authority, path),
                "{location}"
            );
        }
    }

    #[test]
    fn it_leads_nowhere_else() {
        let mut shown = String::new();
        for location in [
            "http://169.254.169.254/latest/meta-data/iam?token=secret",
            "http://2852039166/latest/",
            "http://[fd00:ec2::254]/",
            "http://[::ffff:198.51.100.7]:8000/",
            "http://127.0.0.1:8000/",
            "https://shop.example.org:8443/admin",
            "http://other.example.org/",
            "//other.example.org/",
            "http://shop.example.org.evil.example/",
            "http://shop.example.org@evil.example/",
            "http://user:secret@shop.example.org:8000/",
            "\\\\evil.example\\x",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "http://",
            "http://a b/",
        ] {
            shown += &format!("{location} → {}\n", follow(location).unwrap_err());
        }
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn nothing_that_was_hidden_is_said_in_clear() {
        let here = Hop {
            scheme: Scheme::Https,
            host: "shop.example.org".into(),
            port: 443,
            path: "/".into(),
        };
        let next = here.next(
            "http://shop.example.org/",
            "198.51.100.7".parse().unwrap(),
            |_, _| true,
        );
        assert_eq!(next.unwrap_err(), "http://shop.example.org");
    }
}
