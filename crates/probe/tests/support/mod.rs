//! Servers on loopback that behave badly, each in its own way, and certificates.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "shared by tests and an example, each of which uses a part"
)]

pub(crate) mod tls;

use portcullis_probe::client::Settings;
use portcullis_probe::{Expectation, MemberKind, Place, Target, Wish};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Once, without waiting.
pub(crate) fn settings() -> Settings {
    Settings {
        patience: Duration::ZERO,
        wait: Duration::ZERO,
        loopback: true,
        ..Settings::default()
    }
}

pub(crate) fn wants(expectation: Expectation) -> Wish {
    Wish::Answer(Arc::new(expectation))
}

pub(crate) fn target(port: u16, wish: Wish) -> Target {
    at(SocketAddr::new(LOOPBACK, port), wish)
}

pub(crate) fn at(address: SocketAddr, wish: Wish) -> Target {
    Target {
        member: "front".into(),
        kind: MemberKind::Instance,
        group: "web".into(),
        place: Place::Address(address.ip()),
        port: address.port(),
        wish,
    }
}

/// How a server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Answers at once.
    Fast,
    /// Answers after a while.
    Slow,
    /// Nobody listens.
    Refusing,
    /// Takes the connection and resets it.
    Resetting,
    /// Takes the connection and closes it.
    Closing,
    /// Takes the connection and never says a word.
    HalfOpen,
    /// Says its head in small pieces, and never ends it.
    SlowHead,
    /// Says more and more headers.
    EndlessHead,
    /// Says more and more body.
    EndlessBody,
    /// Begins a body and goes silent.
    SilentBody,
    /// Ends before its body does.
    CutBody,
    /// Leads on and on.
    Redirecting,
    /// Leads to the metadata service.
    Metadata,
    /// Speaks another protocol.
    Ssh,
    /// Answers that it fails.
    Failing,
    /// Answers at length, with what is looked for at the end.
    Long,
}

/// What ends the answer of [`Kind::Long`], which is as long as is read.
pub(crate) const END: &str = "the end\n";
const LONG: usize = 256 * 1024;

impl Kind {
    pub(crate) const ALL: [Self; 16] = [
        Self::Fast,
        Self::Slow,
        Self::Refusing,
        Self::Resetting,
        Self::Closing,
        Self::HalfOpen,
        Self::SlowHead,
        Self::EndlessHead,
        Self::EndlessBody,
        Self::SilentBody,
        Self::CutBody,
        Self::Redirecting,
        Self::Metadata,
        Self::Ssh,
        Self::Failing,
        Self::Long,
    ];

    /// What is expected of it: 200 at this path, and in a long body its end.
    pub(crate) fn expectation(self, path: String) -> Expectation {
        let expectation = Expectation::new(path, 200).unwrap();
        if self == Self::Long {
            expectation.saying(END)
        } else {
            expectation
        }
    }

    /// What must be said of it, when an attempt may take as long as a slow answer does, and not much longer.
    pub(crate) fn outcome(self) -> &'static str {
        match self {
            Self::Fast | Self::Slow | Self::EndlessBody | Self::Long => "200 OK",
            Self::Refusing => "connection refused",
            Self::Resetting | Self::Closing | Self::CutBody => {
                "the connection broke before the answer was complete"
            }
            Self::HalfOpen | Self::SlowHead => "no answer in time: the connection was made, and nothing came",
            Self::EndlessHead => "the answer's head is larger than is read",
            Self::SilentBody => "no answer in time: it began and did not end",
            Self::Redirecting => "status 302 Found, expected 200, after 5 redirects",
            Self::Metadata => {
                "status 302 Found, expected 200; it leads to http://169.254.169.254, which is not asked"
            }
            Self::Ssh => "somebody answered, but not in HTTP",
            Self::Failing => "status 503 Service Unavailable, expected 200",
        }
    }
}

/// A server of this kind on loopback; its port.
pub(crate) fn answers(kind: Kind) -> u16 {
    answers_at(LOOPBACK, kind)
}

pub(crate) fn answers_at(address: IpAddr, kind: Kind) -> u16 {
    let listener = std::net::TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    if kind == Kind::Refusing {
        return port;
    }
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            tokio::spawn(async move {
                // The other side goes when it has seen enough.
                let _ = behave(kind, stream).await;
            });
        }
    });
    port
}

async fn behave(kind: Kind, mut stream: TcpStream) -> std::io::Result<()> {
    const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n";
    match kind {
        Kind::Resetting => {
            // Closing with the request unread makes the system send a reset.
            stream.readable().await?;
            return Ok(());
        }
        Kind::Closing => {
            let _ = stream.read(&mut [0; 4096]).await?;
            return stream.shutdown().await;
        }
        _ => {}
    }
    // One read is enough: the request is small.
    let _ = stream.read(&mut [0; 4096]).await?;
    let pause = || tokio::time::sleep(Duration::from_millis(20));
    match kind {
        Kind::Fast => stream.write_all(OK).await,
        Kind::Ssh => stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").await,
        Kind::Slow => {
            pause().await;
            stream.write_all(OK).await
        }
        Kind::HalfOpen => std::future::pending().await,
        Kind::SlowHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx-").await?;
            loop {
                stream.write_all(b"x").await?;
                pause().await;
            }
        }
        Kind::EndlessHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            loop {
                stream
                    .write_all(&b"x-more: more and more and more\r\n".repeat(100))
                    .await?;
            }
        }
        Kind::EndlessBody => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            loop {
                stream.write_all(&[b'x'; 16 * 1024]).await?;
            }
        }
        Kind::SilentBody => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
                .await?;
            std::future::pending().await
        }
        Kind::CutBody => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
                .await
        }
        Kind::Redirecting => {
            stream
                .write_all(b"HTTP/1.1 302 Found\r\nlocation: ?again\r\ncontent-length: 0\r\n\r\n")
                .await
        }
        Kind::Metadata => {
            let there: &[u8] = b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest/?token=secret\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(there).await
        }
        Kind::Failing => {
            stream
                .write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
                .await
        }
        Kind::Long => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {LONG}\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&vec![b'x'; LONG - END.len()]).await?;
            stream.write_all(END.as_bytes()).await
        }
        Kind::Refusing | Kind::Resetting | Kind::Closing => Ok(()),
    }
}

/// A port on which nobody listens.
pub(crate) fn closed() -> u16 {
    answers(Kind::Refusing)
}

/// A port on which connections are taken and nothing is said.
pub(crate) fn silent() -> u16 {
    answers(Kind::HalfOpen)
}

/// A port on which these bytes are said to whoever comes.
pub(crate) fn says(bytes: &'static [u8]) -> u16 {
    let listener = std::net::TcpListener::bind((LOOPBACK, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(bytes).await;
        }
    });
    port
}
