//! A terraform that answers from a recording (`PORTCULLIS_REPLAY` names its folder) and keeps the state over the
//! `http` backend as the real one does.

use portcullis_sandbox::recording::Recording;
use portcullis_sandbox::replay::backend::Backend;
use portcullis_sandbox::replay::{arguments, run};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "the program's edge")]
async fn main() -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    let arguments = match arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => return say("", &format!("Error: {error}\n"), 1),
    };
    let Some(folder) = variable("PORTCULLIS_REPLAY").map(PathBuf::from) else {
        let hint = "Error: PORTCULLIS_REPLAY is not set\nhint: name the folder of a recording, such as fixtures/estate/2-correct-web-port\n";
        return say("", hint, 1);
    };
    let who = variable("USER").map_or_else(|| "runner@replay".to_owned(), |user| format!("{user}@replay"));
    let data_dir = variable("TF_DATA_DIR").map(PathBuf::from);
    let result = match Recording::open(&folder) {
        Ok(recording) => {
            run(
                &arguments,
                &recording,
                Backend::read(variable),
                data_dir.as_deref(),
                &who,
            )
            .await
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(outcome) => say(&outcome.stdout, &outcome.stderr, outcome.code),
        Err(error) => {
            let cause = std::error::Error::source(&error)
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default();
            say("", &format!("Error: {error}{cause}\n"), 1)
        }
    }
}

/// Prints both texts. A reader that has gone away is no reason to fail.
fn say(stdout: &str, stderr: &str, code: u8) -> ExitCode {
    let _shown = std::io::stdout().write_all(stdout.as_bytes());
    let _shown = std::io::stderr().write_all(stderr.as_bytes());
    ExitCode::from(code)
}
