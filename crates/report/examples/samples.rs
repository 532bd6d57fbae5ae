//! Writes sample reports in every format into a folder, for `.ci/run` to hold against the formats' schemas.
//!
//! ```sh
//! cargo run --package portcullis-report --example samples -- target/samples
//! ```

#![expect(
    clippy::disallowed_methods,
    reason = "an example that writes files is an edge of its own"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use portcullis_report::{Format, PlannedChanges, Report};
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: samples FOLDER")?;
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    let reports = [
        ("estate", support::estate()),
        ("hostile", support::hostile(support::HOSTILE)),
        ("empty", Report::new("compliance", Vec::new())),
    ];
    for (name, report) in reports {
        for format in Format::ALL {
            let text = report.render(format, &support::tool())?;
            std::fs::write(folder.join(format!("{name}.{format}")), text)?;
        }
    }
    let changes = PlannedChanges {
        create: usize::MAX,
        replace: 1,
        import: 2,
        ..PlannedChanges::default()
    };
    std::fs::write(folder.join("changes.terraform"), changes.to_gitlab()?)?;
    Ok(())
}
