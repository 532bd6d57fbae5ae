//! One attempt: connection, TLS, request, answer.

use super::names::{Lookup, Name};
use super::tls::Tls;
use super::{Settings, SetupError, micros};
use crate::redirect::Hop;
use crate::{
    Answer, Certificate, Expectation, HttpAnswer, Phase, Phases, Place, Reply, Scheme, Target, Wants, Wish,
    is_met,
};
use http::header::{self, HeaderValue};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// No answer's head is read beyond this.
const LARGEST_HEAD: usize = 64 * 1024;

/// Asks targets, and nobody else.
pub(super) struct Dialler {
    attempt: Duration,
    body: usize,
    user_agent: HeaderValue,
    /// None where nobody is asked over HTTP.
    tls: Option<Tls>,
    lookup: Lookup,
    /// Where a redirect may lead: whatever should answer.
    places: BTreeSet<(IpAddr, u16)>,
    /// The same for names, with what each leads to.
    names: BTreeMap<String, (Name, BTreeSet<u16>)>,
}

/// What is known of an attempt when its time runs out.
struct Track {
    phase: Phase,
    phases: Phases,
    certificate: Option<Certificate>,
    redirects: u8,
}

impl Dialler {
    pub(super) fn new(settings: &Settings, targets: &[Target]) -> Result<Self, SetupError> {
        let user_agent = HeaderValue::from_str(&settings.user_agent)
            .map_err(|_| SetupError::UserAgent(settings.user_agent.clone()))?;
        let web = targets.iter().any(|target| target.scheme() != Scheme::Tcp);
        let mut out = Self {
            attempt: settings.attempt,
            body: settings.body,
            user_agent,
            tls: web
                .then(|| Tls::new(&settings.trust))
                .transpose()
                .map_err(SetupError::Tls)?,
            lookup: settings.lookup.clone(),
            places: BTreeSet::new(),
            names: BTreeMap::new(),
        };
        for target in targets {
            // A redirect may lead only to what should answer.
            let answers = target.wants() == Wants::Answer;
            match &target.place {
                Place::Address(address) if answers => {
                    out.places.insert((*address, target.port));
                }
                Place::Address(_) => {}
                Place::Name { name, .. } => {
                    let (_, ports) = out.names.entry(name.clone()).or_default();
                    if answers {
                        ports.insert(target.port);
                    }
                }
            }
        }
        Ok(out)
    }

    /// Asks once: the address, or each address of the name until one does not answer as wanted.
    pub(super) async fn ask(&self, target: &Target) -> Reply {
        let (name, within) = match &target.place {
            Place::Address(address) => return self.ask_at(*address, target).await,
            Place::Name { name, within } => (name, within),
        };
        let Some((known, _)) = self.names.get(name) else {
            return Reply::default();
        };
        let found = known.addresses(name, within, &self.lookup, self.attempt).await;
        let (addresses, us) = match found {
            Ok(found) => found,
            Err(answer) => {
                return Reply {
                    answer,
                    ..Reply::default()
                };
            }
        };
        let mut least: Option<Reply> = None;
        for address in addresses {
            let mut reply = self.ask_at(address, target).await;
            reply.phases.dns_us = Some(us);
            let met = is_met(target, &reply);
            // Each address must be as wanted: the one that proves least of it speaks for all.
            if !met || least.as_ref().is_none_or(|least| doubt(&reply) >= doubt(least)) {
                least = Some(reply);
            }
            if !met {
                break;
            }
        }
        least.unwrap_or_default()
    }

    async fn ask_at(&self, address: IpAddr, target: &Target) -> Reply {
        let start = Instant::now();
        let mut track = Track {
            phase: Phase::Connect,
            phases: Phases::default(),
            certificate: None,
            redirects: 0,
        };
        let answer = match timeout(self.attempt, self.talk(address, target, &mut track)).await {
            Ok(Ok(answer) | Err(answer)) => answer,
            Err(_) => Answer::TimedOut(track.phase),
        };
        let answered = matches!(answer, Answer::Http(_) | Answer::Connected);
        Reply {
            answer,
            address: Some(address),
            phases: track.phases,
            milliseconds: answered.then(|| micros(start).saturating_add(500) / 1000),
            certificate: track.certificate,
            redirects: track.redirects,
        }
    }

    /// An answer, or what came instead of one.
    async fn talk(&self, address: IpAddr, target: &Target, track: &mut Track) -> Result<Answer, Answer> {
        let expectation = match &target.wish {
            Wish::Answer(expectation) if target.scheme() != Scheme::Tcp => expectation,
            _ => {
                connect(address, target.port, track).await?;
                return Ok(Answer::Connected);
            }
        };
        let host = expectation
            .host()
            .map_or_else(|| target.place.to_string(), str::to_owned);
        let mut hop = Hop {
            scheme: target.scheme(),
            host,
            port: target.port,
            path: expectation.path().to_owned(),
        };
        loop {
            let (response, connection) = self.request(address, &hop, track).await?;
            let status = response.status();
            let wanted = expectation.statuses().contains(&status.as_u16());
            let location = response
                .headers()
                .get(header::LOCATION)
                .filter(|_| status.is_redirection());
            let leads_to = match location {
                None => None,
                Some(location) => {
                    // What is no text is no URL, and `next` says so.
                    let location = location.to_str().unwrap_or("http://");
                    match hop.next(location, address, |address, port| {
                        self.may_ask(target, address, port)
                    }) {
                        Ok(next) if !wanted && track.redirects < expectation.redirects() => {
                            track.redirects += 1;
                            hop = next;
                            continue;
                        }
                        Ok(next) => Some(format!("{}://{}", next.scheme.as_str(), next.authority())),
                        Err(away) => Some(away),
                    }
                }
            };
            track.phase = Phase::Body;
            let http = self.read(response, leads_to, expectation).await;
            drop(connection);
            return http.map(|http| Answer::Http(Box::new(http)));
        }
    }

    /// Whether a redirect may lead there: to a target with this address, or one with the name that was asked.
    fn may_ask(&self, target: &Target, address: IpAddr, port: u16) -> bool {
        let by_name = match &target.place {
            Place::Address(_) => None,
            Place::Name { name, .. } => self.names.get(name),
        };
        self.places.contains(&(address, port))
            || by_name.is_some_and(|(name, ports)| name.leads_to(address) && ports.contains(&port))
    }

    /// Sends the request, and gives the answer's head. The connection lives as long as the set.
    async fn request(
        &self,
        address: IpAddr,
        hop: &Hop,
        track: &mut Track,
    ) -> Result<(Response<Incoming>, JoinSet<()>), Answer> {
        track.phase = Phase::Connect;
        let stream = connect(address, hop.port, track).await?;
        match (hop.scheme, &self.tls) {
            (Scheme::Https, Some(tls)) => {
                track.phase = Phase::Tls;
                let start = Instant::now();
                let (stream, certificate) = tls.connect(&hop.host, stream).await?;
                track.phases.tls_us = Some(micros(start));
                track.certificate = certificate;
                self.send(stream, hop, track).await
            }
            _ => self.send(stream, hop, track).await,
        }
    }

    async fn send(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        hop: &Hop,
        track: &mut Track,
    ) -> Result<(Response<Incoming>, JoinSet<()>), Answer> {
        track.phase = Phase::Head;
        let odd = |_| Answer::Other("no request could be made of it".to_owned());
        let request = Request::get(&hop.path)
            .header(header::HOST, hop.authority())
            .header(header::USER_AGENT, &self.user_agent)
            .header(header::ACCEPT, "*/*")
            // What is compressed would have to be unpacked, and a small answer can unpack to a large one.
            .header(header::ACCEPT_ENCODING, "identity")
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(odd)?;
        let start = Instant::now();
        let mut builder = http1::Builder::new();
        builder.max_buf_size(LARGEST_HEAD);
        let (mut sender, connection) = builder
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| why(&error))?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // Its errors come out of the request, too.
            let _ = connection.await;
        });
        let response = sender.send_request(request).await.map_err(|error| why(&error))?;
        track.phases.first_byte_us = Some(micros(start));
        Ok((response, driver))
    }

    /// The body is read, so that a service that dies half-way through its answer does not pass.
    async fn read(
        &self,
        response: Response<Incoming>,
        leads_to: Option<String>,
        expectation: &Expectation,
    ) -> Result<HttpAnswer, Answer> {
        let encoding = response.headers().get(header::CONTENT_ENCODING);
        let mut out = HttpAnswer {
            status: response.status().as_u16(),
            encoded: encoding.is_some_and(|encoding| encoding != "identity"),
            leads_to,
            ..HttpAnswer::default()
        };
        let mut body = response.into_body();
        let mut left = self.body;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| why(&error))?;
            let Some(data) = frame.data_ref() else { continue };
            if expectation.wants_body() {
                out.body.extend(data.iter().take(left));
            }
            if data.len() > left {
                out.cut = true;
                break;
            }
            left -= data.len();
        }
        Ok(out)
    }
}

/// How little a reply proves of a port's being closed: a refusal came from somebody, silence may be this machine's own, and without
/// a way there nothing was asked. IPv6 is what a machine lacks more often.
fn doubt(reply: &Reply) -> u8 {
    match &reply.answer {
        Answer::NoRoute => 3,
        Answer::TimedOut(_) if reply.address.is_some_and(|address| address.is_ipv6()) => 2,
        Answer::TimedOut(_) => 1,
        _ => 0,
    }
}

async fn connect(address: IpAddr, port: u16, track: &mut Track) -> Result<TcpStream, Answer> {
    let start = Instant::now();
    let stream = TcpStream::connect(SocketAddr::new(address, port))
        .await
        .map_err(|error| unconnected(&error))?;
    track.phases.connect_us = Some(micros(start));
    Ok(stream)
}

/// `EMFILE` and `ENFILE`, as Linux and macOS have them (errno(3), <sys/errno.h>).
const TOO_MANY_FILES: [i32; 2] = [24, 23];

fn unconnected(error: &io::Error) -> Answer {
    if error
        .raw_os_error()
        .is_some_and(|code| TOO_MANY_FILES.contains(&code))
    {
        return Answer::Other(
            "this machine has too many open files; ask fewer at the same time (`--at-once`), or raise `ulimit -n`".to_owned(),
        );
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Answer::Refused,
        io::ErrorKind::TimedOut => Answer::TimedOut(Phase::Connect),
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::PermissionDenied => Answer::NoRoute,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Answer::Broken,
        // This machine's own trouble.
        kind => Answer::Other(kind.to_string()),
    }
}

/// What the error says of the other side. Its own text is not shown: it may quote what the service sent.
fn why(error: &hyper::Error) -> Answer {
    if error.is_parse_too_large() {
        Answer::HeadTooLarge
    } else if error.is_parse() {
        Answer::NotHttp
    } else {
        Answer::Broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_open_files_are_called_so() {
        for code in TOO_MANY_FILES {
            let why = match unconnected(&io::Error::from_raw_os_error(code)) {
                Answer::Other(why) => why,
                other => format!("{other:?}"),
            };
            assert!(
                why.contains("too many open files") && why.contains("--at-once"),
                "{why}"
            );
        }
    }
}
