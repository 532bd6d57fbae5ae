//! The little web service. It is where the state says it is: on the recorded public address, on the port that
//! the web group opens to everyone.

use crate::fault::Faults;
use crate::server::{BindError, Server};
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};

/// The service, or the place where it was.
#[derive(Debug, Default)]
pub struct WebService {
    server: Option<Server>,
    stubborn: bool,
}

impl WebService {
    /// A service that follows no state any more, once it has found its first place: a host that missed its change.
    #[must_use]
    pub fn stubborn() -> Self {
        Self {
            server: None,
            stubborn: true,
        }
    }

    /// Where it listens now.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(Server::address)
    }

    /// Stops it, and waits until its port is free.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Moves to where the state puts it. A state without the address or the rule leaves it where it is.
    ///
    /// # Errors
    /// When the address is not there or the port taken.
    pub async fn follow(&mut self, state: &[u8]) -> Result<(), BindError> {
        let Some(wanted) = place(state) else { return Ok(()) };
        if self.address() == Some(wanted) || (self.stubborn && self.server.is_some()) {
            return Ok(());
        }
        self.stop().await;
        let router = Router::new()
            .route("/", get(page))
            .route("/health", get(async || "ok\n"));
        self.server = Some(Server::start(wanted.ip(), wanted.port(), router, Faults::default()).await?);
        Ok(())
    }
}

async fn page() -> Html<&'static str> {
    Html(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>The estate</title></head>\n\
         <body><h1>The estate</h1><p>The gate is open, and only where it should be.</p></body>\n</html>\n",
    )
}

/// The public address (output `front_public_ip`) and the first port that the rules of the group `web_security_group_id` open:
/// those of the estate let in whoever comes.
fn place(state: &[u8]) -> Option<SocketAddr> {
    let state: Value = serde_json::from_slice(state).ok()?;
    let output = |name: &str| state["outputs"][name]["value"].as_str();
    let ip: IpAddr = output("front_public_ip")?.parse().ok()?;
    let group = output("web_security_group_id")?;
    let port = state["resources"]
        .as_array()?
        .iter()
        .filter(|resource| resource["type"] == "aws_vpc_security_group_ingress_rule")
        .filter_map(|resource| resource["instances"].as_array())
        .flatten()
        .map(|instance| &instance["attributes"])
        .find(|rule| rule["security_group_id"] == group)
        .and_then(|rule| rule["from_port"].as_u64())?;
    Some(SocketAddr::new(ip, u16::try_from(port).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_says_where_the_service_is() {
        let before = include_bytes!("../../../fixtures/estate/1-setup/state.json");
        let after = include_bytes!("../../../fixtures/estate/2-correct-web-port/state.json");
        assert_eq!(
            place(before).map(|place| place.to_string()).as_deref(),
            Some("127.255.27.217:8080")
        );
        assert_eq!(
            place(after).map(|place| place.to_string()).as_deref(),
            Some("127.255.27.217:8000")
        );
        assert_eq!(place(b"{}"), None);
        assert_eq!(place(b"not json"), None);
    }
}
