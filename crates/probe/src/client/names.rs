//! Names, looked up once.

use crate::{Answer, BadName, Phase};
use portcullis_secgroup::AddressSet;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};

/// At most so many addresses of a name are asked. A load balancer has one per zone.
pub(super) const MOST_ADDRESSES: usize = 8;

type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// How names are looked up: as the system does, or otherwise.
#[derive(Clone, Default)]
pub struct Lookup(Option<Arc<dyn Fn(String) -> Looking + Send + Sync>>);

impl Lookup {
    /// Another way than the system's.
    pub fn by<F>(look_up: impl Fn(String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<Vec<IpAddr>>> + Send + 'static,
    {
        Self(Some(Arc::new(move |name| Box::pin(look_up(name)))))
    }

    /// The addresses, sorted.
    pub(super) async fn addresses(&self, name: &str, limit: Duration) -> Result<Vec<IpAddr>, Answer> {
        let looking = async {
            match &self.0 {
                Some(look_up) => look_up(name.to_owned()).await,
                None => tokio::net::lookup_host((name, 0))
                    .await
                    .map(|found| found.map(|address| address.ip()).collect()),
            }
        };
        let found = timeout(limit, looking)
            .await
            .map_err(|_| Answer::TimedOut(Phase::Dns))?;
        let mut addresses = found.map_err(|_| Answer::Name(BadName::NotFound))?;
        addresses.sort_unstable();
        addresses.dedup();
        Ok(addresses)
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Lookup(own)"
        } else {
            "Lookup(system)"
        })
    }
}

/// One name; what it leads to is looked up once and then stays, whatever the name leads to later.
#[derive(Debug, Default)]
pub(super) struct Name(OnceCell<Found>);

/// What a name leads to.
#[derive(Debug)]
struct Found {
    addresses: Vec<IpAddr>,
    us: u64,
}

impl Name {
    /// Where it leads to, of the families that `within` has, and how long it took to learn that.
    ///
    /// A name that leads anywhere else is not asked at all, not even where it leads to the right place as well.
    pub(super) async fn addresses(
        &self,
        name: &str,
        within: &AddressSet,
        lookup: &Lookup,
        limit: Duration,
    ) -> Result<(Vec<IpAddr>, u64), Answer> {
        let look_up = async || {
            let start = Instant::now();
            let addresses = lookup.addresses(name, limit).await?;
            let us = super::micros(start);
            Ok(Found { addresses, us })
        };
        let found = self.0.get_or_try_init(look_up).await?;
        let of_family = |address: &&IpAddr| match address {
            IpAddr::V4(_) => !within.v4().is_empty(),
            IpAddr::V6(_) => !within.v6().is_empty(),
        };
        let addresses: Vec<IpAddr> = found.addresses.iter().filter(of_family).copied().collect();
        if let Some(elsewhere) = addresses.iter().find(|address| !within.contains(**address)) {
            return Err(Answer::Name(BadName::Elsewhere(*elsewhere)));
        }
        if addresses.is_empty() {
            return Err(Answer::Name(BadName::NotFound));
        }
        Ok((addresses.into_iter().take(MOST_ADDRESSES).collect(), found.us))
    }

    /// Whether it is known to lead to this address.
    pub(super) fn leads_to(&self, address: IpAddr) -> bool {
        self.0
            .get()
            .is_some_and(|found| found.addresses.contains(&address))
    }
}
