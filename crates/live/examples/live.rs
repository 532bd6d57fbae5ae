//! Turns EC2's answers, as the AWS CLI prints them, into `live.json`:
//! `cargo run --package portcullis-live --example live -- fixtures/estate/1-setup/aws > live.json`.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example is its own edge"
)]

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(
        std::env::args()
            .nth(1)
            .ok_or("name the folder with EC2's answers")?,
    );
    let mut files = Vec::new();
    for name in portcullis_live::ec2::FILES {
        // What was not asked is a gap in the view, and told as one.
        if let Ok(text) = std::fs::read_to_string(folder.join(name)) {
            files.push((name, text));
        }
    }
    println!("{}", portcullis_live::write(&portcullis_live::read_any(&files)?));
    Ok(())
}
