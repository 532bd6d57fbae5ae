//! TLS: whom to trust, and what a certificate says.

use crate::{Answer, BadCertificate, Certificate};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Whose certificates are trusted: the authorities of this machine, and others beside them.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    also: Vec<CertificateDer<'static>>,
}

/// A file that holds no certificate.
#[derive(Debug, thiserror::Error)]
#[error("there is no certificate in PEM form")]
pub struct BadAuthority(#[source] Option<rustls::pki_types::pem::Error>);

impl Trust {
    /// Trusts these authorities as well, given in PEM.
    ///
    /// # Errors
    /// When there is none in the text.
    pub fn also(mut self, pem: &str) -> Result<Self, BadAuthority> {
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            self.also
                .push(certificate.map_err(|error| BadAuthority(Some(error)))?);
        }
        if self.also.is_empty() {
            return Err(BadAuthority(None));
        }
        Ok(self)
    }
}

/// Makes TLS connections.
pub(super) struct Tls {
    connector: TlsConnector,
    /// Whether this machine trusts anybody.
    trusts: bool,
}

impl Tls {
    pub(super) fn new(trust: &Trust) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs().certs;
        roots.add_parsable_certificates(system.into_iter().chain(trust.also.iter().cloned()));
        let trusts = !roots.is_empty();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            trusts,
        })
    }

    /// Agrees on TLS; the certificate must be for this host, a name or an address (in brackets where it is IPv6).
    pub(super) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, Option<Certificate>), Answer> {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(|_| Answer::Certificate(BadCertificate::WrongName))?;
        let stream = self
            .connector
            .connect(name, stream)
            .await
            .map_err(|error| self.why(&error))?;
        let shown = stream.get_ref().1.peer_certificates();
        let certificate = shown.and_then(<[_]>::first).and_then(read);
        Ok((stream, certificate))
    }

    /// What the error says of the other side.
    fn why(&self, error: &io::Error) -> Answer {
        let inner = error.get_ref().map(|inner| inner as &(dyn Error + 'static));
        let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
            return Answer::Broken;
        };
        match error {
            rustls::Error::InvalidCertificate(error) => Answer::Certificate(match bad(error) {
                BadCertificate::UnknownIssuer if !self.trusts => BadCertificate::NoAuthorities,
                other => other,
            }),
            rustls::Error::InvalidMessage(_) => Answer::NotTls,
            _ => Answer::TlsRefused,
        }
    }
}

fn bad(error: &CertificateError) -> BadCertificate {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => BadCertificate::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            BadCertificate::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            BadCertificate::WrongName
        }
        CertificateError::UnknownIssuer => BadCertificate::UnknownIssuer,
        // So webpki calls what `openssl req -x509` makes: a certificate that is its own authority.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            BadCertificate::UnknownIssuer
        }
        _ => BadCertificate::Other,
    }
}

/// How long a certificate is valid.
fn read(der: &CertificateDer<'_>) -> Option<Certificate> {
    /// Seconds of a day.
    const DAY: i64 = 24 * 60 * 60;
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let not_after = certificate.validity().not_after;
    let at = not_after.to_datetime();
    Some(Certificate {
        not_after: format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        ),
        days_left: not_after.timestamp().saturating_sub(now()).div_euclid(DAY),
    })
}

/// Seconds since 1970. The same clock that rustls holds certificates against.
#[expect(
    clippy::disallowed_methods,
    reason = "a certificate is valid now or not; the client is an edge"
)]
fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or(0)
}
