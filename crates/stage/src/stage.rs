//! What a stage may do with the world.

use crate::{
    Artifacts, Environment, Failure, Program, ProgramError, ReadError, Redactor, UnsetVariable, WriteError,
    files, program,
};
use jiff::Timestamp;
use portcullis_gitlab::ci::Variables;
use portcullis_report::text::clean;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What a stage may do with the world: everything it reads and says goes through here.
#[derive(Debug)]
pub struct Stage {
    environment: Environment,
    redactor: Arc<Redactor>,
    now: Option<Timestamp>,
    retry_wait: Option<Duration>,
}

impl Stage {
    /// A stage in this environment.
    ///
    /// # Errors
    /// When `PORTCULLIS_NOW` is set to something that is no RFC 3339 time, or is set in a job of a real GitLab, or
    /// `PORTCULLIS_RETRY_WAIT` to something that is no number of seconds.
    pub fn new(environment: Environment) -> Result<Self, Failure> {
        let now = match environment.get("PORTCULLIS_NOW") {
            None => None,
            Some(text) => {
                may_stand_still(&environment)?;
                Some(text.parse().map_err(|error: jiff::Error| {
                    Failure::usage(BadNow { source: error })
                        .hint("unset PORTCULLIS_NOW, or set it to a time such as 2026-01-31T12:00:00Z")
                })?)
            }
        };
        let retry_wait = match environment.get("PORTCULLIS_RETRY_WAIT") {
            None => None,
            Some(text) => {
                let seconds = text
                    .trim()
                    .parse()
                    .ok()
                    .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                Some(seconds.ok_or_else(|| {
                    Failure::usage("the variable PORTCULLIS_RETRY_WAIT is not a number of seconds")
                        .hint("unset PORTCULLIS_RETRY_WAIT, or set it to a number such as 0.5")
                })?)
            }
        };
        let redactor = Arc::new(Redactor::of_environment(&environment));
        Ok(Self {
            environment,
            redactor,
            now,
            retry_wait,
        })
    }

    /// The environment variable's value; an empty one counts as absent.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name)
    }

    /// The environment variable's value. `what` completes the hint "set NAME to …".
    ///
    /// # Errors
    /// When it is absent or empty; names the variable.
    pub fn require(&self, name: &str, what: &str) -> Result<&str, UnsetVariable> {
        self.variable(name).ok_or_else(|| UnsetVariable::new(name, what))
    }

    /// [`Stage::variable`] as a function, for parsers of an environment.
    pub fn lookup(&self) -> impl Fn(&str) -> Option<String> + '_ {
        |name| self.variable(name).map(str::to_owned)
    }

    /// What GitLab tells this job about itself.
    #[must_use]
    pub fn ci(&self) -> Variables {
        Variables::from_lookup(self.lookup())
    }

    /// The time. `PORTCULLIS_NOW`, an RFC 3339 time, stands in for the clock when it is set, so that a demo or a
    /// test gives the same bytes each time. In a job of a real GitLab it is refused: waivers and requests end by this clock.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the edge where the clock is read"
    )]
    pub fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }

    /// The first wait before a request is sent again, when `PORTCULLIS_RETRY_WAIT` (seconds) says so: for tests, and
    /// for a network that needs longer. Clients have their own otherwise.
    #[must_use]
    pub const fn retry_wait(&self) -> Option<Duration> {
        self.retry_wait
    }

    /// One line of talk on standard error, masked and cleaned.
    pub fn say(&self, text: impl AsRef<str>) {
        let line = clean(&self.redactor.redact(text.as_ref()));
        // Talk that nobody hears is no reason to stop.
        let _ = writeln!(io::stderr(), "{line}");
    }

    /// A line of talk that the next one takes the place of: progress, for whoever watches a terminal. Nothing is written where
    /// standard error is none; an empty text takes the line away.
    pub fn status(&self, text: impl AsRef<str>) {
        if self.stderr_is_terminal() {
            let line = clean(&self.redactor.redact(text.as_ref()));
            let columns =
                terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0));
            let line: String = line.chars().take(columns.saturating_sub(1)).collect();
            let mut stderr = io::stderr().lock();
            let _ = write!(stderr, "\r\u{1b}[K{line}").and_then(|()| stderr.flush());
        }
    }

    /// Data on standard output, masked. A reader that went away (`| head`) is no error.
    ///
    /// The text is not cleaned, since it may be a document: clean what came from outside before.
    ///
    /// # Errors
    /// When standard output cannot be written, such as a full disk.
    pub fn out(&self, text: impl AsRef<str>) -> Result<(), WriteError> {
        let mut stdout = io::stdout().lock();
        let text = self.redactor.redact(text.as_ref());
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(WriteError::stdout(error)),
            _ => Ok(()),
        }
    }

    /// The file's text.
    ///
    /// # Errors
    /// When it is missing, a folder, empty, not UTF-8 or unreadable; names the file.
    pub fn read_text(&self, path: &Path) -> Result<String, ReadError> {
        files::read_text(path)
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// When it is missing, a folder, empty or unreadable; names the file.
    pub fn read_bytes(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        files::read_bytes(path)
    }

    /// The texts of a file, or of every file in a folder whose name has this extension, with their file names, sorted
    /// by name. Empty files of a folder are errors, too: a step that failed may have left them.
    ///
    /// # Errors
    /// As [`Stage::read_text`]; also when a folder holds no such file.
    pub fn read_texts(&self, path: &Path, extension: &str) -> Result<Vec<(String, String)>, ReadError> {
        files::read_texts(path, extension)
    }

    /// The texts of all files below a folder whose names are wanted, by their paths relative to it, with `/`, sorted. Hidden
    /// folders are left out, and so is what is empty or cannot be read: one such file must not hide the others.
    #[must_use]
    pub fn read_tree(&self, path: &Path, wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
        files::read_tree(path, wanted)
    }

    /// The texts of the files in this folder whose names are wanted, by name, sorted; an empty file is an empty text.
    ///
    /// # Errors
    /// As [`Stage::read_text`]; also when there is no such file, or one with more bytes than `largest`.
    pub fn read_named(
        &self,
        folder: &Path,
        wanted: impl Fn(&str) -> bool,
        largest: u64,
    ) -> Result<Vec<(String, String)>, ReadError> {
        files::read_named(folder, wanted, largest)
    }

    /// The artifact folder.
    #[must_use]
    pub fn artifacts(&self, folder: &Path) -> Artifacts {
        Artifacts::new(folder, Arc::clone(&self.redactor))
    }

    /// From now on, this value is masked in everything that leaves the process.
    pub fn mask(&self, secret: &str) {
        self.redactor.add(secret);
    }

    /// From now on, these values are masked, such as the sensitive ones of a plan.
    pub fn mask_all<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        for secret in secrets {
            self.redactor.add(secret);
        }
    }

    /// The text with secrets masked: for sinks of your own, such as a Slack message.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    /// The masking layer itself.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// A program to start.
    #[must_use]
    pub fn program(&self, path: &Path) -> Program {
        Program::new(path, Arc::clone(&self.redactor))
    }

    /// Terraform or OpenTofu: the explicit one, else `PORTCULLIS_TERRAFORM`, else `terraform`, else `tofu` on the
    /// `PATH`. A bare name is looked for on the `PATH`.
    ///
    /// # Errors
    /// When there is none; says how to get or name one.
    pub fn terraform(&self, explicit: Option<&Path>) -> Result<Program, ProgramError> {
        program::terraform(explicit, &self.environment).map(|path| self.program(&path))
    }

    /// Runs a future to its end on this thread.
    #[expect(
        clippy::expect_used,
        reason = "without a runtime there is nothing to do; `main` makes it exit 70"
    )]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("the system refused what an asynchronous runtime needs")
            .block_on(future)
    }

    /// Whether standard output is a terminal.
    #[must_use]
    pub fn stdout_is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// How many columns standard output has, when it is a terminal.
    #[must_use]
    pub fn columns(&self) -> Option<usize> {
        let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
        Some(usize::from(width.0))
    }

    /// Whether standard input is a terminal, so that somebody can be asked.
    #[must_use]
    pub fn stdin_is_terminal(&self) -> bool {
        io::stdin().is_terminal()
    }

    /// Whether standard error is a terminal.
    #[must_use]
    pub fn stderr_is_terminal(&self) -> bool {
        io::stderr().is_terminal()
    }

    /// Whether colour is welcome on standard output: it is a terminal, and `NO_COLOR` is not set (no-color.org).
    #[must_use]
    pub fn colour_on_stdout(&self) -> bool {
        self.variable("NO_COLOR").is_none() && self.stdout_is_terminal()
    }

    /// Whether colour is welcome on standard error; as [`Stage::colour_on_stdout`].
    #[must_use]
    pub fn colour_on_stderr(&self) -> bool {
        self.variable("NO_COLOR").is_none() && self.stderr_is_terminal()
    }
}

/// Whether this may run by another clock. Waivers and requests end by the clock, and a job's variables can be set by
/// whoever plays it: so in a job of a GitLab that is not on this very machine, it may not.
fn may_stand_still(environment: &Environment) -> Result<(), Failure> {
    let Some(address) = environment.get("CI_API_V4_URL") else {
        return Ok(());
    };
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    // What stands before an @ is a user's name, not the host.
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let here = host
        .parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    if here {
        return Ok(());
    }
    let message =
        "the variable PORTCULLIS_NOW is set, and this is a job of a real GitLab: here the clock counts";
    Err(Failure::usage(message)
        .hint("take PORTCULLIS_NOW out of the job's variables; it is for demos and tests"))
}

#[derive(Debug, thiserror::Error)]
#[error("the variable PORTCULLIS_NOW is not a time")]
struct BadNow {
    source: jiff::Error,
}
