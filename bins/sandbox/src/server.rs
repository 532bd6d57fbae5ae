//! A web server on loopback that ends with its owner.

use crate::fault::{Fault, Faults};
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The address could not be taken.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    address: SocketAddr,
    #[source]
    source: io::Error,
}

impl BindError {
    /// What the reader can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self.source.kind() {
            io::ErrorKind::AddrNotAvailable if self.address.ip().is_loopback() => Some(format!(
                "this system has only 127.0.0.1; add the address with `sudo ifconfig lo0 alias {}`",
                self.address.ip()
            )),
            io::ErrorKind::AddrInUse => Some(format!(
                "another program listens on port {}; end it (another demo, perhaps) and try again",
                self.address.port()
            )),
            _ => None,
        }
    }

    /// True when another program has the port.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.source.kind() == io::ErrorKind::AddrInUse
    }
}

/// A running server. It stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves `router` on `ip` and `port` (0 for any free one).
    ///
    /// # Errors
    /// When the address is not there, or taken.
    pub async fn start(ip: IpAddr, port: u16, router: Router, faults: Faults) -> Result<Self, BindError> {
        let wanted = SocketAddr::new(ip, port);
        let listener = TcpListener::bind(wanted).await.map_err(|source| BindError {
            address: wanted,
            source,
        })?;
        let address = listener.local_addr().map_err(|source| BindError {
            address: wanted,
            source,
        })?;
        let task = tokio::spawn(async move {
            // Only ends with an error when accepting fails for good; a caller then sees refused connections.
            let _ended = axum::serve(Door { listener, faults }, router).await;
        });
        Ok(Self { address, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it and waits until the port is free again.
    pub async fn stop(mut self) {
        self.task.abort();
        let _aborted = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A listener that shuts the door on callers while [`Fault::Refuse`] is on.
struct Door {
    listener: TcpListener,
    faults: Faults,
}

impl axum::serve::Listener for Door {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, caller) = axum::serve::Listener::accept(&mut self.listener).await;
            if !self.faults.refuses() {
                return (stream, caller);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// What a proxy in front of a service says while the service is away.
pub(crate) fn unavailable_page() -> Response {
    let page = "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n\
                <center><h1>503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>\r\n";
    (StatusCode::SERVICE_UNAVAILABLE, Html(page)).into_response()
}

/// Applies the faults both stand-ins share; `own` answers for the two whose bodies differ.
pub(crate) async fn with_faults(
    faults: Faults,
    request: Request,
    next: Next,
    own: fn(Fault) -> Response,
) -> Response {
    match faults.take() {
        None | Some(Fault::Refuse) => next.run(request).await,
        Some(Fault::Slow(wait)) => {
            tokio::time::sleep(wait).await;
            next.run(request).await
        }
        Some(Fault::Unavailable) => unavailable_page(),
        Some(fault @ Fault::RateLimited { retry_after }) => {
            let mut response = own(fault);
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
            response
        }
        Some(fault @ Fault::Unauthorized) => own(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_not_there_has_a_hint() {
        let error = BindError {
            address: SocketAddr::from(([127, 255, 27, 217], 8080)),
            source: io::ErrorKind::AddrNotAvailable.into(),
        };
        insta::assert_snapshot!(error, @"cannot listen on 127.255.27.217:8080");
        insta::assert_snapshot!(
            error.hint().unwrap(),
            @"this system has only 127.0.0.1; add the address with `sudo ifconfig lo0 alias 127.255.27.217`"
        );
    }
}
