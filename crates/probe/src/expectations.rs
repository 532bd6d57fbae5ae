//! The file that says what the services of a group should answer.

use crate::closing::{Closing, Whose};
use crate::expectation::{BadExpectation, Expectation, MOST_REDIRECTS, Scheme};
use portcullis_secgroup::{Group, GroupSelector, Inventory};
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// What services should answer: by group and port, and for all others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectations {
    /// What is asked where no entry fits.
    pub default: Arc<Expectation>,
    pub(crate) entries: Vec<Entry>,
    closed: Vec<Closed>,
}

/// One entry of `services`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) line: u64,
    groups: Groups,
    /// None means each.
    pub(crate) ports: Vec<u16>,
    /// None where it says not to ask.
    pub(crate) expectation: Option<Arc<Expectation>>,
    pub(crate) skip: Option<String>,
    pub(crate) dns: bool,
    /// Whether it speaks of UDP only.
    pub(crate) udp: bool,
}

impl Entry {
    pub(crate) fn fits(&self, group: &Group) -> bool {
        self.groups.fits(group)
    }

    /// Whether it speaks of this TCP port.
    pub(crate) fn covers(&self, port: u16) -> bool {
        !self.udp && (self.ports.is_empty() || self.ports.contains(&port))
    }
}

/// One entry of `closed`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Closed {
    line: u64,
    groups: Groups,
    ports: Vec<u16>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Groups {
    selector: GroupSelector,
    id: Option<String>,
}

impl Groups {
    fn fits(&self, group: &Group) -> bool {
        self.selector.fits(group) && self.id.as_ref().is_none_or(|id| group.id.as_ref() == Some(id))
    }
}

impl Expectations {
    /// Nothing but this one, for all.
    #[must_use]
    pub fn all(default: Expectation) -> Self {
        Self {
            default: Arc::new(default),
            ..Self::default()
        }
    }

    /// Reads a file of expectations. What it does not speak of is asked as `default` says.
    ///
    /// ```
    /// use portcullis_probe::{Expectation, Expectations};
    /// let text = "
    /// version: 1
    /// services:
    ///   - groups: {name: web-*}
    ///     ports: [443]
    ///     host: www.example.org
    ///     path: /health
    ///     json: {/status: up}
    ///     certificate_days: 14
    /// ";
    /// Expectations::read(text, Expectation::default())?;
    /// let error = Expectations::read("version: 1\nservice: []\n", Expectation::default()).unwrap_err();
    /// assert_eq!(error.line(), Some(2));
    /// # Ok::<(), portcullis_probe::ExpectationsError>(())
    /// ```
    ///
    /// # Errors
    /// When it is no such file, has a key that is not known, or expects what no service can meet.
    pub fn read(text: &str, default: Expectation) -> Result<Self, ExpectationsError> {
        if text.trim().is_empty() {
            return Err(ExpectationsError::new(None, "the file is empty"));
        }
        let document: Document = serde_saphyr::from_str(text).map_err(|error| unreadable(&error))?;
        if document.version.value != 1 {
            let message = format!(
                "version {} is not known: this version reads 1",
                document.version.value
            );
            return Err(ExpectationsError::new(Some(line(&document.version)), message));
        }
        Ok(Self {
            default: Arc::new(default),
            entries: document
                .services
                .into_iter()
                .map(entry)
                .collect::<Result<_, _>>()?,
            closed: document
                .closed
                .into_iter()
                .map(closed)
                .collect::<Result<_, _>>()?,
        })
    }

    /// What must be closed on the members of this inventory, as the file says. An entry that fits no group is there as well, so
    /// that it can be told.
    #[must_use]
    pub fn closings(&self, inventory: &Inventory) -> Vec<Closing> {
        let mut out = Vec::new();
        for closed in &self.closed {
            let of = |words: Vec<String>| Closing {
                whose: Whose::Group(words),
                tcp: closed.ports.iter().map(|&port| (port, port)).collect(),
                udp: Vec::new(),
                v4: true,
                v6: true,
                line: Some(closed.line),
            };
            let mut fitting = inventory
                .groups
                .iter()
                .filter(|group| closed.groups.fits(group))
                .peekable();
            if fitting.peek().is_none() {
                out.push(of(Vec::new()));
            }
            out.extend(fitting.map(|group| of(group.id.iter().cloned().collect())));
        }
        out
    }

    pub(crate) fn of_group(&self, group: &Group) -> Vec<&Entry> {
        self.entries.iter().filter(|entry| entry.fits(group)).collect()
    }
}

/// Why a file of expectations could not be read: one reason, with its line where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectationsError {
    line: Option<u64>,
    message: String,
}

impl ExpectationsError {
    fn new(line: Option<u64>, message: impl Into<String>) -> Self {
        Self {
            line,
            message: portcullis_report::text::cut(&message.into(), 300),
        }
    }

    /// The line in the file, from 1.
    #[must_use]
    pub const fn line(&self) -> Option<u64> {
        self.line
    }

    /// What the author of the file can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        "docs/check-services.md lists the keys; policies/services.schema.json tells them to an editor"
    }
}

impl fmt::Display for ExpectationsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for ExpectationsError {}

/// The file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: Spanned<u64>,
    #[serde(default)]
    services: Vec<Spanned<EntryDocument>>,
    #[serde(default)]
    closed: Vec<Spanned<ClosedDocument>>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupsDocument {
    name: Option<String>,
    id: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryDocument {
    #[serde(default)]
    groups: GroupsDocument,
    #[serde(default)]
    ports: Vec<Spanned<i64>>,
    protocol: Option<Spanned<Protocol>>,
    host: Option<Spanned<String>>,
    dns: Option<Spanned<bool>>,
    path: Option<Spanned<String>>,
    status: Option<Spanned<Statuses>>,
    text: Option<Spanned<String>>,
    json: Option<Spanned<BTreeMap<String, Value>>>,
    redirects: Option<Spanned<i64>>,
    certificate_days: Option<Spanned<i64>>,
    skip: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Protocol {
    Http,
    Https,
    Tcp,
    Udp,
}

impl Protocol {
    const fn scheme(self) -> Option<Scheme> {
        match self {
            Self::Http => Some(Scheme::Http),
            Self::Https => Some(Scheme::Https),
            Self::Tcp => Some(Scheme::Tcp),
            Self::Udp => None,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "expected a status, or a list of them")]
enum Statuses {
    One(u16),
    Several(Vec<u16>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClosedDocument {
    #[serde(default)]
    groups: GroupsDocument,
    ports: Vec<Spanned<i64>>,
}

fn entry(spanned: Spanned<EntryDocument>) -> Result<Entry, ExpectationsError> {
    let at = line(&spanned);
    let document = spanned.value;
    if let Some(reason) = &document.skip {
        alone(&document, reason)?;
    }
    let expectation = match document.skip {
        Some(_) => None,
        None => Some(Arc::new(expectation(&document)?)),
    };
    Ok(Entry {
        line: at,
        udp: document.is_udp(),
        groups: groups(document.groups),
        ports: ports(&document.ports)?,
        expectation,
        skip: document.skip.map(|reason| reason.value),
        dns: document.dns.is_some_and(|dns| dns.value),
    })
}

impl EntryDocument {
    fn is_udp(&self) -> bool {
        matches!(&self.protocol, Some(protocol) if protocol.value == Protocol::Udp)
    }
}

/// An entry that says not to ask says nothing of the answer. That it speaks of UDP it may say: TCP may serve on the same port.
fn alone(document: &EntryDocument, reason: &Spanned<String>) -> Result<(), ExpectationsError> {
    let protocol = document.protocol.as_ref().filter(|_| !document.is_udp());
    let of_http = http_key(document).or(protocol.map(|protocol| ("protocol", line(protocol))));
    match of_http {
        _ if reason.value.trim().is_empty() => Err(ExpectationsError::new(
            Some(line(reason)),
            "`skip` needs a reason",
        )),
        Some((key, at)) => Err(ExpectationsError::new(
            Some(at),
            format!("`{key}` beside `skip`: what is skipped is not asked"),
        )),
        None => Ok(()),
    }
}

/// The first key that only an answer in HTTP can meet.
fn http_key(document: &EntryDocument) -> Option<(&'static str, u64)> {
    fn at<T>(key: &'static str, spanned: Option<&Spanned<T>>) -> Option<(&'static str, u64)> {
        spanned.map(|spanned| (key, line(spanned)))
    }
    let keys = [
        at("host", document.host.as_ref()),
        at("dns", document.dns.as_ref()),
        at("path", document.path.as_ref()),
        at("status", document.status.as_ref()),
        at("text", document.text.as_ref()),
        at("json", document.json.as_ref()),
        at("redirects", document.redirects.as_ref()),
        at("certificate_days", document.certificate_days.as_ref()),
    ];
    keys.into_iter().flatten().next()
}

fn expectation(document: &EntryDocument) -> Result<Expectation, ExpectationsError> {
    if let Some(udp) = document.protocol.as_ref().filter(|_| document.is_udp()) {
        return Err(ExpectationsError::new(
            Some(line(udp)),
            "`protocol: udp` without `skip`: UDP gives no sign of being open",
        ));
    }
    let scheme = document
        .protocol
        .as_ref()
        .and_then(|protocol| protocol.value.scheme());
    let mut out = Expectation {
        scheme,
        // Keys of HTTP mean HTTP also on a port where another protocol is at home.
        web: http_key(document).is_some(),
        ..Expectation::default()
    };
    if let (Some(Scheme::Tcp), Some((key, at))) = (scheme, http_key(document)) {
        let message = format!("`{key}` beside `protocol: tcp`: a connection has none");
        return Err(ExpectationsError::new(Some(at), message));
    }
    if let (Some(Scheme::Http), Some(days)) = (scheme, &document.certificate_days) {
        return Err(ExpectationsError::new(
            Some(line(days)),
            "`certificate_days` beside `protocol: http`: there is no certificate",
        ));
    }
    if let (None, Some(_)) = (scheme, &document.certificate_days) {
        out = out.by(Scheme::Https);
    }
    if let Some(host) = &document.host {
        out = out.named(host.value.as_str()).map_err(bad(host))?;
    }
    if let Some(dns) = document
        .dns
        .as_ref()
        .filter(|dns| dns.value && document.host.is_none())
    {
        return Err(ExpectationsError::new(
            Some(line(dns)),
            "`dns` without `host`: there is no name to look up",
        ));
    }
    if let Some(path) = &document.path {
        out = out.at(path.value.as_str()).map_err(bad(path))?;
    }
    if let Some(status) = &document.status {
        let statuses = match &status.value {
            Statuses::One(one) => vec![*one],
            Statuses::Several(several) => several.clone(),
        };
        if statuses.is_empty() {
            return Err(ExpectationsError::new(Some(line(status)), "`status` names none"));
        }
        out = out.answering(statuses).map_err(bad(status))?;
    }
    if let Some(text) = &document.text {
        if text.value.is_empty() {
            return Err(ExpectationsError::new(
                Some(line(text)),
                "`text` is empty: it stands in every answer",
            ));
        }
        out = out.saying(text.value.as_str());
    }
    if let Some(json) = &document.json {
        for (pointer, value) in &json.value {
            out = out
                .with_json(pointer.as_str(), value.clone())
                .map_err(bad(json))?;
        }
    }
    if let Some(redirects) = &document.redirects {
        let number = number(redirects, "redirects", 0..=i64::from(MOST_REDIRECTS))?;
        out = out.following(number).map_err(bad(redirects))?;
    }
    if let Some(days) = &document.certificate_days {
        out = out.certified_for(number(days, "days", 0..=i64::from(u16::MAX))?);
    }
    Ok(out)
}

fn closed(spanned: Spanned<ClosedDocument>) -> Result<Closed, ExpectationsError> {
    let at = line(&spanned);
    let ports = ports(&spanned.value.ports)?;
    if ports.is_empty() {
        return Err(ExpectationsError::new(Some(at), "`closed` names no port"));
    }
    Ok(Closed {
        line: at,
        groups: groups(spanned.value.groups),
        ports,
    })
}

fn groups(document: GroupsDocument) -> Groups {
    Groups {
        selector: GroupSelector {
            name: document.name,
            tags: document.tags,
        },
        id: document.id,
    }
}

fn ports(ports: &[Spanned<i64>]) -> Result<Vec<u16>, ExpectationsError> {
    ports
        .iter()
        .map(|port| {
            let asked = u16::try_from(port.value).ok().filter(|&port| port != 0);
            asked.ok_or_else(|| {
                let message = format!("{} is no port that can be asked: 1 to 65535", port.value);
                ExpectationsError::new(Some(line(port)), message)
            })
        })
        .collect()
}

/// A number in this range.
fn number<T: TryFrom<i64>>(
    spanned: &Spanned<i64>,
    what: &str,
    range: RangeInclusive<i64>,
) -> Result<T, ExpectationsError> {
    let value = Some(spanned.value).filter(|value| range.contains(value));
    value.and_then(|value| T::try_from(value).ok()).ok_or_else(|| {
        let message = format!(
            "{} {what} are out of range: {} to {}",
            spanned.value,
            range.start(),
            range.end()
        );
        ExpectationsError::new(Some(line(spanned)), message)
    })
}

fn bad<T>(spanned: &Spanned<T>) -> impl Fn(BadExpectation) -> ExpectationsError {
    let at = line(spanned);
    move |error| ExpectationsError::new(Some(at), error.to_string())
}

fn line<T>(spanned: &Spanned<T>) -> u64 {
    spanned.defined.line()
}

/// The parser's error in one line, without the excerpt that it draws.
fn unreadable(error: &serde_saphyr::Error) -> ExpectationsError {
    let at = error.location().map(|location| location.line());
    let words = error.without_snippet().to_string();
    let first = words.lines().next().unwrap_or_default();
    let what = first.rsplit_once(" at line ").map_or(first, |(what, _)| what);
    let what = match what {
        "expected sequence start" => "expected a list",
        "expected mapping start" => "expected keys with values",
        what if what.starts_with("duplicate mapping key") => "a key stands twice",
        what if what.starts_with("multiple YAML documents") => "a second YAML document: the file is one",
        what => what,
    };
    ExpectationsError::new(at, what)
}
