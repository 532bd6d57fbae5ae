//! Runs one scenario from start to end.

use super::build::{self, Binaries, BuildError, Progress};
use super::pipeline::BINARIES;
use super::scenario::Scenario;
use super::screen::{Screen, meaning};
use super::theatre::{self, Theatre};
use crate::checkout::CheckoutError;
use crate::files::{self, FileError};
use crate::recording::RecordingError;
use crate::server::BindError;
use crate::terminal::{Style, Styled, Terminal};
use std::io::{self, Write};
use std::path::PathBuf;

/// What the demo needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// The story.
    pub scenario: Scenario,
    /// Folder to work in and leave behind, in the place of `target/demo/<scenario>`. It must be empty, or not there.
    pub keep: Option<PathBuf>,
    /// The root of this repository.
    pub workspace: PathBuf,
    /// cargo.
    pub cargo: PathBuf,
    /// Variables of ours that the jobs need from the outside: `PATH`, `HOME`, and what the system cannot do without.
    pub inherited: Vec<(String, String)>,
    /// What the output goes to.
    pub terminal: Terminal,
}

/// The demo itself could not run. What the pipeline says is no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The binaries.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A stand-in or the web service.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A recording.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The project's files.
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
    /// The recorded state.
    #[error("the recorded state is none")]
    State(#[source] serde_json::Error),
    /// A folder of somebody else's.
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// A stage binary did not start, or was killed.
    #[error("cannot run {program}")]
    Program {
        /// Which.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl DemoError {
    /// What the reader can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Bind(error) => error.hint(),
            Self::NotEmpty(_) => Some("name a folder that is empty, or not there yet".to_owned()),
            Self::Recording(_) => {
                Some("run the demo from a whole checkout: it needs fixtures/estate".to_owned())
            }
            _ => None,
        }
    }

    /// The demo's own exit code for it: 64 for what the caller asked, 69 for what is not there.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::NotEmpty(_) => 64,
            Self::Recording(_) | Self::State(_) => 65,
            _ => 69,
        }
    }
}

/// Runs the scenario, shows it on `out`, and gives the pipeline's own exit code: that of the first failed job's
/// command, else 0.
///
/// # Errors
/// When the demo itself cannot run.
pub async fn run(options: &Options, out: &mut (dyn Write + Send)) -> Result<u8, DemoError> {
    let mut screen = Screen::new(out, options.terminal);
    let scenario = options.scenario;
    // Before anything is shown or built: a folder of somebody else's is left alone.
    theatre::check_keep(options)?;
    introduce(&mut screen, scenario);

    let binaries = build_binaries(options, &mut screen).await?;
    let _turn = wait_for_turn(options, &mut screen).await?;
    let mut theatre = Theatre::set_up(options, binaries).await?;
    let result = theatre.play(&mut screen).await;
    // The address is free again before the next demo's turn.
    theatre.web.stop().await;
    let exit = result?;
    conclude(&mut screen, exit);
    Ok(exit)
}

fn introduce(screen: &mut Screen<'_>, scenario: Scenario) {
    let mut title = Styled::new("Portcullis demo", Style::Bold);
    title.push(&format!(" · {}", scenario.name()), Style::Plain);
    screen.line(&title);
    screen.blank();
    screen.paragraph(scenario.story(), Style::Plain);
    screen.blank();
    screen.paragraph(
        "The stage binaries are the real ones, each run as GitLab runs a job. GitLab, Slack, terraform and the web \
         service are stand-ins on this machine; plan, state and EC2's answers are recordings of real ones.",
        Style::Dim,
    );
    screen.blank();
}

fn conclude(screen: &mut Screen<'_>, exit: u8) {
    screen.blank();
    if exit == 0 {
        screen.line(&Styled::new("The pipeline passed.", Style::Good));
        screen.paragraph("Other stories: cargo demo -- --list", Style::Dim);
    } else {
        let text = format!("The pipeline failed with exit code {exit}: {}.", meaning(exit));
        screen.line(&Styled::new(&text, Style::Bad));
    }
}

async fn build_binaries(options: &Options, screen: &mut Screen<'_>) -> Result<Binaries, DemoError> {
    let mut count = 0;
    let result = build::build(
        &options.cargo,
        &options.workspace,
        &BINARIES,
        |progress| match progress {
            Progress::Slow => {
                screen.paragraph(
                    "Building the stage binaries; the first time takes a minute or two.",
                    Style::Plain,
                );
            }
            Progress::Built(name) => {
                count += 1;
                screen.working(&format!("{count} built: {name}"));
            }
            Progress::Done(took) => {
                screen.settled();
                screen.line(&Styled::new(
                    &format!("Built in {:.0} s.", took.as_secs_f64()),
                    Style::Plain,
                ));
                screen.blank();
            }
        },
    )
    .await;
    screen.settled();
    Ok(result?)
}

/// One demo at a time: the web service has one address. The turn ends when the file is closed.
async fn wait_for_turn(options: &Options, screen: &mut Screen<'_>) -> Result<std::fs::File, DemoError> {
    let folder = options.workspace.join("target/demo");
    files::create_folder(&folder)?;
    let path = folder.join(".turn");
    let file = files::open_for_locking(&path)?;
    if file.try_lock().is_ok() {
        return Ok(file);
    }
    screen.paragraph("Another demo is running; this one waits for its end.", Style::Dim);
    screen.blank();
    let waiting = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
    match waiting {
        Ok(Ok(file)) => Ok(file),
        // Without locks on this file system, the address itself will say whether it is free.
        Ok(Err(_)) | Err(_) => Ok(files::open_for_locking(&path)?),
    }
}
