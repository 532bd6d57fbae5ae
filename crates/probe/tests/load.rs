//! Many targets, most of which behave badly: the right verdict for each, whatever the others do.
#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

mod support;

use portcullis_probe::Target;
use portcullis_probe::client::{Settings, ask};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use support::{Kind, answers_at, at, settings, wants};

#[tokio::test]
async fn hundreds_of_all_kinds() {
    let mut places: Vec<(Kind, SocketAddr)> = Vec::new();
    for n in 1..=4 {
        let address = IpAddr::V4(Ipv4Addr::new(127, 0, 1, n));
        places.extend(Kind::ALL.map(|kind| (kind, SocketAddr::new(address, answers_at(address, kind)))));
    }
    // What one server does must not depend on what its neighbours do, so they take turns.
    let asked: Vec<(Kind, Target)> = (0..300)
        .map(|n| {
            let (kind, place) = places[n % places.len()];
            (kind, at(place, wants(kind.expectation(format!("/?{n}")))))
        })
        .collect();
    let targets: Vec<Target> = asked.iter().map(|(_, target)| target.clone()).collect();
    let settings = Settings {
        attempt: Duration::from_secs(3),
        at_once: 100,
        ..settings()
    };
    let checks = ask(&targets, &settings).await.unwrap();
    let mut wrong: BTreeMap<String, usize> = BTreeMap::new();
    for ((kind, target), check) in asked.iter().zip(&checks) {
        assert_eq!((&check.url, check.attempts), (&target.url(), 1));
        if check.outcome != kind.outcome() {
            *wrong.entry(format!("{kind:?}: {}", check.outcome)).or_default() += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
