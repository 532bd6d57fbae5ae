//! Tells what a plan opens and closes, and how long that takes:
//! `cargo run --release -p portcullis-exposure --example exposure -- PLAN.json`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "an example"
)]

use portcullis_exposure::compare;
use portcullis_terraform::Plan;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: exposure PLAN.json")?;
    let text = std::fs::read_to_string(path)?;
    let start = Instant::now();
    let plan = Plan::read(&text)?;
    let (before, after) = (plan.before()?, plan.after()?);
    let read = start.elapsed();
    let report = compare(&before, &after, plan.rules_rewritten(), plan.partial());
    let compared = start.elapsed();
    let json = report.to_json()?;
    println!("{}", report.headline);
    eprintln!(
        "read {read:?}, compared {:?}, {} bytes of JSON {:?}",
        compared - read,
        json.len(),
        start.elapsed() - compared
    );
    Ok(())
}
