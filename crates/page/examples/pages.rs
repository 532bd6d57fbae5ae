//! Writes sample pages into a folder, for `.ci/run` to open in a browser.
//!
//! ```sh
//! cargo run --package portcullis-page --example pages -- target/pages
//! ```

#![expect(
    clippy::disallowed_methods,
    reason = "an example that writes files is an edge of its own"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::error::Error;
use std::path::PathBuf;
use support::{Compared, Planned, hostile, hostile_services, large, services, services_page};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: pages FOLDER")?);
    std::fs::create_dir_all(&folder)?;
    for (name, html) in [
        (
            "correct-web-port",
            Planned::recorded("estate/2-correct-web-port").html(),
        ),
        (
            "opens-ssh",
            Planned::recorded("estate/10-opens-ssh-to-the-world").html(),
        ),
        (
            "nothing-to-do",
            Planned::recorded("estate/3-nothing-to-do").html(),
        ),
        ("setup", Planned::recorded("estate/1-setup").html()),
        (
            "rule-styles",
            Planned::recorded("rule-styles/2-replace-move-remove").html(),
        ),
        (
            "hand-made-drift",
            Compared::recorded("estate/4-hand-made-drift", true).html(),
        ),
        (
            "live-not-read",
            Compared::recorded("estate/4-hand-made-drift", false).html(),
        ),
        ("hostile", hostile().html()),
        ("large", large(5_000).html()),
        (
            "services",
            services_page(&services(8).compared_with(&services(6))),
        ),
        ("services-many", services_page(&services(1_000))),
        ("services-hostile", services_page(&hostile_services())),
    ] {
        std::fs::write(folder.join(format!("{name}.html")), html)?;
    }
    Ok(())
}
