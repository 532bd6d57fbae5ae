//! Certificates, and a server that shows one.

use super::LOOPBACK;
use portcullis_probe::client::Trust;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A certificate with its key.
pub(crate) struct Certified {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

/// Who signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::default().also(&self.0.pem()).unwrap()
    }

    /// For these names, valid from so many days on, for so many days from now.
    pub(crate) fn certify(&self, names: &[&str], from: i64, to: i64) -> Certified {
        let at = |days: i64| {
            let away = Duration::from_secs(days.unsigned_abs() * 24 * 60 * 60);
            // An hour more, so that the day does not end while the test runs.
            let now = SystemTime::now() + Duration::from_secs(60 * 60);
            if days < 0 { now - away } else { now + away }
        };
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = at(from).into();
        params.not_after = at(to).into();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap().der().clone();
        Certified { certificate, key }
    }

    pub(crate) fn self_signed(name: &str) -> Certified {
        signed_by_itself(&CertificateParams::new(vec![name.to_owned()]).unwrap())
    }

    /// As `openssl req -x509` makes it.
    pub(crate) fn self_signed_authority(name: &str) -> Certified {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        signed_by_itself(&params)
    }
}

fn signed_by_itself(params: &CertificateParams) -> Certified {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    Certified { certificate, key }
}

/// A server that shows this certificate and answers 200; its port.
pub(crate) async fn serves_tls(certified: Certified) -> u16 {
    let key = PrivatePkcs8KeyDer::from(certified.key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.certificate], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .await;
            let _ = stream.shutdown().await;
        }
    });
    port
}
