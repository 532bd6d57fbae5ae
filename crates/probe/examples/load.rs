//! Asks many targets on loopback, most of which behave badly, and says how long that took, how much memory, and whether each
//! verdict is right. Beside it stand the same targets for other tools: `benches/services.sh` runs all of them.
//!
//! ```sh
//! cargo run --release --package portcullis-probe --example load -- 10000
//! # Only the servers, until killed; a URL per target on standard output:
//! cargo run --release --package portcullis-probe --example load -- 10000 --serve
//! ```

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example that measures is an edge of its own"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use portcullis_probe::Target;
use portcullis_probe::client::{Settings, ask};
use std::collections::BTreeMap;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use support::{Kind, answers_at, at, settings, wants};

/// How long an attempt may take. The other tools get the same.
const ATTEMPT: Duration = Duration::from_secs(1);
/// How many are asked at the same time. The other tools get the same.
const AT_ONCE: usize = 256;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [count, how @ ..] = arguments.as_slice() else {
        return Err("usage: load NUMBER [--serve | URLS]".into());
    };
    let count: usize = count.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match how {
        [flag] if flag == "--serve" => runtime.block_on(async {
            for (_, target) in targets(count, &places()) {
                println!("{}", target.url());
            }
            std::future::pending::<()>().await;
        }),
        [urls] => runtime.block_on(measure(read(&std::fs::read_to_string(urls)?)?)),
        _ => runtime.block_on(async { measure(targets(count, &places())).await }),
    }
    Ok(())
}

/// A server of each kind at each of a few addresses.
fn places() -> Vec<(Kind, SocketAddr)> {
    let addresses = (1..=8).map(|n| IpAddr::V4(Ipv4Addr::new(127, 0, 2, n)));
    let of = |address| Kind::ALL.map(|kind| (kind, SocketAddr::new(address, answers_at(address, kind))));
    addresses.flat_map(of).collect()
}

fn targets(count: usize, places: &[(Kind, SocketAddr)]) -> Vec<(Kind, Target)> {
    let target = |n: usize| {
        let (kind, place) = places[n % places.len()];
        (
            kind,
            at(place, wants(kind.expectation(format!("/?{kind:?}-{n}")))),
        )
    };
    (0..count).map(target).collect()
}

/// The targets of servers that run elsewhere, as `--serve` printed them.
fn read(urls: &str) -> Result<Vec<(Kind, Target)>, Box<dyn Error>> {
    let target = |url: &str| {
        let (place, query) = url.strip_prefix("http://")?.split_once("/?")?;
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| query.starts_with(&format!("{kind:?}-")))?;
        let expectation = kind.expectation(format!("/?{query}"));
        Some((kind, at(place.parse().ok()?, wants(expectation))))
    };
    urls.lines()
        .map(|url| target(url).ok_or_else(|| format!("no target: {url}").into()))
        .collect()
}

async fn measure(asked: Vec<(Kind, Target)>) {
    let targets: Vec<Target> = asked.iter().map(|(_, target)| target.clone()).collect();
    let settings = Settings {
        attempt: ATTEMPT,
        at_once: AT_ONCE,
        ..settings()
    };
    let begun = Instant::now();
    let Ok(checks) = ask(&targets, &settings).await else {
        return println!("the client could not be set up");
    };
    let took = begun.elapsed();
    let mut wrong: BTreeMap<String, usize> = BTreeMap::new();
    for ((kind, _), check) in asked.iter().zip(&checks) {
        if check.outcome != kind.outcome() {
            *wrong.entry(format!("{kind:?}: {}", check.outcome)).or_default() += 1;
        }
    }
    println!(
        "{} targets in {:.1} s, {} verdicts wrong",
        checks.len(),
        took.as_secs_f64(),
        wrong.values().sum::<usize>()
    );
    for (what, times) in wrong {
        println!("  {times} times {what}");
    }
}
