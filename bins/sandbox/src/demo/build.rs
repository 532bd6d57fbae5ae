//! Builds the stage binaries with cargo, and learns from it where they are.

use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

/// The replayed terraform, built together with the stages.
pub const REPLAYED_TERRAFORM: &str = "portcullis-replayed-terraform";

/// Where each binary is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Binaries(BTreeMap<String, PathBuf>);

impl Binaries {
    /// The binary of this name.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<&Path> {
        self.0.get(name).map(PathBuf::as_path)
    }
}

/// The binaries could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// cargo itself did not start.
    #[error("cannot start {}", .0.display())]
    NoCargo(PathBuf, #[source] io::Error),
    /// cargo said no.
    #[error("the stage binaries do not build; cargo says:\n\n{0}")]
    Failed(String),
    /// cargo built them and named no file.
    #[error("cargo did not say where it put {0}")]
    Missing(String),
}

/// After this long a build is worth a line.
const QUIET: Duration = Duration::from_millis(800);

/// Builds the packages (each with a binary of its own name), and the replayed terraform. `slow` is called once when it
/// takes time, and `built` for each package that was not fresh.
///
/// # Errors
/// When cargo is not there, or the code does not compile.
pub async fn build(
    cargo: &Path,
    workspace: &Path,
    packages: &[&str],
    mut progress: impl FnMut(Progress<'_>),
) -> Result<Binaries, BuildError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo is started with an argument vector, at the demo's edge"
    )]
    let mut command = tokio::process::Command::new(cargo);
    command.args(["build", "--quiet", "--message-format=json-render-diagnostics"]);
    // Built together, all share one choice of features, so that no dependency is built twice.
    command.args(["--package", "portcullis-sandbox", "--bin", REPLAYED_TERRAFORM]);
    for package in packages {
        command.args(["--package", package, "--bin", package]);
    }
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    command
        .current_dir(workspace)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| BuildError::NoCargo(cargo.to_owned(), error))?;
    let (Some(stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(BuildError::Failed(String::new()));
    };
    let complaints = tokio::spawn(async move {
        let mut text = String::new();
        let _read = stderr.read_to_string(&mut text).await;
        text
    });
    let started = now();
    let mut lines = BufReader::new(stdout).lines();
    let mut binaries = Binaries::default();
    let mut told = false;
    loop {
        let line = tokio::select! {
            line = lines.next_line() => line,
            () = tokio::time::sleep(QUIET.saturating_sub(started.elapsed())), if !told => {
                told = true;
                progress(Progress::Slow);
                continue;
            }
        };
        let Ok(Some(line)) = line else { break };
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        if message["reason"] != "compiler-artifact" {
            continue;
        }
        let name = message["target"]["name"].as_str().unwrap_or_default();
        if let Some(executable) = message["executable"].as_str() {
            binaries.0.insert(name.to_owned(), PathBuf::from(executable));
        }
        if message["fresh"] == false && told {
            progress(Progress::Built(name));
        }
    }
    let status = child
        .wait()
        .await
        .map_err(|error| BuildError::NoCargo(cargo.to_owned(), error))?;
    let complaints = complaints.await.unwrap_or_default();
    if !status.success() {
        return Err(BuildError::Failed(complaints.trim_end().to_owned()));
    }
    if told {
        progress(Progress::Done(started.elapsed()));
    }
    for name in packages.iter().chain(&[REPLAYED_TERRAFORM]) {
        if binaries.path(name).is_none() {
            return Err(BuildError::Missing((*name).to_owned()));
        }
    }
    Ok(binaries)
}

/// What a build has to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// It takes time.
    Slow,
    /// This was built.
    Built(&'a str),
    /// It took so long.
    Done(Duration),
}

#[expect(clippy::disallowed_methods, reason = "the demo shows how long things take")]
pub(super) fn now() -> Instant {
    Instant::now()
}
