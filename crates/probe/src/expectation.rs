//! What a service should answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use url::{Position, Url};

/// How a service is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// A GET in clear.
    Http,
    /// A GET under TLS, the certificate checked.
    Https,
    /// A connection is made and closed; nothing is said.
    Tcp,
}

impl Scheme {
    /// The word in a URL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Tcp => "tcp",
        }
    }

    /// What usually listens there (IANA, "Service Name and Transport Protocol Port Number Registry"): HTTPS on 443 and
    /// 8443, other protocols where one is at home, HTTP on all the rest.
    #[must_use]
    pub const fn of_port(port: u16) -> Self {
        match port {
            443 | 8443 => Self::Https,
            // ftp, ssh, telnet, smtp, dns, pop3, nfs and portmapper, smb, imap, ldap, submission, ldaps, dns over TLS, imaps,
            // pop3s, mssql, oracle, mqtt, mysql, rdp, postgresql, amqp, vnc, redis, mqtts, kafka, memcached, mongodb
            21 | 22 | 23 | 25 | 53 | 110 | 111 | 139 | 143 | 389 | 445 | 465 | 587 | 636 | 853 | 993
            | 995 | 1433 | 1521 | 1883 | 2049 | 3306 | 3389 | 5432 | 5671 | 5672 | 5900 | 6379 | 8883
            | 9092 | 11211 | 27017 => Self::Tcp,
            _ => Self::Http,
        }
    }
}

/// What a service should answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    pub(crate) scheme: Option<Scheme>,
    /// Whether only HTTP, in clear or not, can meet it.
    pub(crate) web: bool,
    pub(crate) host: Option<String>,
    pub(crate) path: String,
    pub(crate) statuses: Vec<u16>,
    pub(crate) text: Option<String>,
    pub(crate) json: BTreeMap<String, Value>,
    pub(crate) redirects: u8,
    pub(crate) certificate_days: u16,
}

/// An expectation that no service can meet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadExpectation {
    /// The path does not begin with `/`.
    #[error("the path {0:?} does not begin with \"/\"")]
    Path(String),
    /// No HTTP status.
    #[error("{0} is no final HTTP status: 200 to 599")]
    Status(u16),
    /// No host name.
    #[error("{0:?} is no host name, such as www.example.org")]
    Host(String),
    /// No JSON pointer.
    #[error("{0:?} is no JSON pointer: one begins with \"/\" (RFC 6901)")]
    Pointer(String),
    /// Too many redirects.
    #[error("{0} redirects are too many: at most {MOST_REDIRECTS}")]
    Redirects(u8),
}

/// Redirects that are followed when nobody says otherwise.
pub const REDIRECTS: u8 = 5;

/// No more redirects than this are ever followed: browsers give up at 20 (Fetch Standard, "HTTP-redirect fetch").
pub const MOST_REDIRECTS: u8 = 20;

impl Expectation {
    /// This path, with its query if it has one, and this status.
    ///
    /// # Errors
    /// When the path does not begin with `/`, or the status is no final HTTP status (RFC 9110, section 15).
    pub fn new(path: impl Into<String>, status: u16) -> Result<Self, BadExpectation> {
        Self::default().at(path)?.answering([status])
    }

    /// With this path, and its query if it has one.
    ///
    /// # Errors
    /// When it does not begin with `/`.
    pub fn at(mut self, path: impl Into<String>) -> Result<Self, BadExpectation> {
        let path = path.into();
        self.path = request_target(&path).ok_or(BadExpectation::Path(path))?;
        Ok(self)
    }

    /// With one of these statuses.
    ///
    /// # Errors
    /// When one is no final HTTP status (RFC 9110, section 15).
    pub fn answering(mut self, statuses: impl IntoIterator<Item = u16>) -> Result<Self, BadExpectation> {
        self.statuses = statuses.into_iter().collect();
        match self.statuses.iter().find(|status| !(200..600).contains(*status)) {
            Some(&status) => Err(BadExpectation::Status(status)),
            None => Ok(self),
        }
    }

    /// Asked in this way, whatever the port.
    #[must_use]
    pub const fn by(mut self, scheme: Scheme) -> Self {
        self.scheme = Some(scheme);
        self
    }

    /// Asked under this name: in the `Host` header, and the certificate must be for it.
    ///
    /// # Errors
    /// When it is no host name (RFC 1123, section 2.1), or an address.
    pub fn named(mut self, host: impl Into<String>) -> Result<Self, BadExpectation> {
        let host = host.into();
        if !is_host_name(&host) {
            return Err(BadExpectation::Host(host));
        }
        self.host = Some(host.to_ascii_lowercase());
        Ok(self)
    }

    /// With this text in the body.
    #[must_use]
    pub fn saying(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// With JSON as its body, in which this value stands at this pointer (RFC 6901).
    ///
    /// # Errors
    /// When the pointer is none.
    pub fn with_json(mut self, pointer: impl Into<String>, value: Value) -> Result<Self, BadExpectation> {
        let pointer = pointer.into();
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(BadExpectation::Pointer(pointer));
        }
        self.json.insert(pointer, value);
        Ok(self)
    }

    /// Following at most so many redirects.
    ///
    /// # Errors
    /// When they are more than [`MOST_REDIRECTS`].
    pub fn following(mut self, redirects: u8) -> Result<Self, BadExpectation> {
        if redirects > MOST_REDIRECTS {
            return Err(BadExpectation::Redirects(redirects));
        }
        self.redirects = redirects;
        Ok(self)
    }

    /// With a certificate that stays valid for at least so many days.
    #[must_use]
    pub const fn certified_for(mut self, days: u16) -> Self {
        self.certificate_days = days;
        self
    }

    /// How a service on this port is asked.
    #[must_use]
    pub fn scheme(&self, port: u16) -> Scheme {
        match (self.scheme, Scheme::of_port(port)) {
            (Some(scheme), _) => scheme,
            (None, Scheme::Tcp) if self.web => Scheme::Http,
            (None, usual) => usual,
        }
    }

    /// The name it is asked under; the address itself when there is none.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The path, with its query if it has one.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The statuses of which one must be answered.
    #[must_use]
    pub fn statuses(&self) -> &[u16] {
        &self.statuses
    }

    /// How many redirects are followed.
    #[must_use]
    pub const fn redirects(&self) -> u8 {
        self.redirects
    }

    /// Whether the body has to be kept for a look.
    #[must_use]
    pub fn wants_body(&self) -> bool {
        self.text.is_some() || !self.json.is_empty()
    }
}

impl Default for Expectation {
    /// `/` answers 200, or the port takes a connection where something other than HTTP is at home.
    fn default() -> Self {
        Self {
            scheme: None,
            web: false,
            host: None,
            path: "/".to_owned(),
            statuses: vec![200],
            text: None,
            json: BTreeMap::new(),
            redirects: REDIRECTS,
            certificate_days: 0,
        }
    }
}

/// The path as it is sent, with what a request line cannot hold percent-encoded.
fn request_target(path: &str) -> Option<String> {
    if !path.starts_with('/') {
        return None;
    }
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    // The path is set, not joined: `//elsewhere` must stay a path.
    let mut url = Url::parse("http://host").ok()?;
    url.set_path(path);
    url.set_query(query);
    Some(url[Position::BeforePath..].to_owned())
}

/// Letters, digits and hyphens between dots, at least one letter in the last part, so that no address is taken for a name.
pub(crate) fn is_host_name(text: &str) -> bool {
    let part = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.split('.').all(part) && last.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name() {
        for good in ["www.example.org", "localhost", "a-1.b", "xn--bcher-kva.example"] {
            assert!(is_host_name(good), "{good}");
        }
        for bad in [
            "",
            ".",
            "a..b",
            "-a.org",
            "a-.org",
            "169.254.169.254",
            "0x7f.1",
            "::1",
            "a b",
            "a/b",
            "a:80",
            "user@a",
            "a\r\nb",
            "bücher.example",
        ] {
            assert!(!is_host_name(bad), "{bad}");
        }
        assert!(!is_host_name(&"a.".repeat(127)) && !is_host_name(&"a".repeat(64)));
    }

    #[test]
    fn what_nobody_can_meet_is_refused() {
        let default = Expectation::default;
        insta::assert_snapshot!(default().at("health").unwrap_err(), @r#"the path "health" does not begin with "/""#);
        insta::assert_snapshot!(default().answering([200, 99]).unwrap_err(), @"99 is no final HTTP status: 200 to 599");
        insta::assert_snapshot!(default().named("10.0.0.1").unwrap_err(), @r#""10.0.0.1" is no host name, such as www.example.org"#);
        insta::assert_snapshot!(default().with_json("a", Value::Null).unwrap_err(), @r#""a" is no JSON pointer: one begins with "/" (RFC 6901)"#);
        insta::assert_snapshot!(default().following(100).unwrap_err(), @"100 redirects are too many: at most 20");
    }
}
