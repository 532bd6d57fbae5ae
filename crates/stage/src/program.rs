//! Starting other programs, terraform above all.

use crate::signals::{self, Cancelled, Running, Terminal};
use crate::{Environment, Redactor};
use portcullis_report::text::{clean, clean_lines};
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ScopedJoinHandle;

/// A program to start, with its arguments. Never goes through a shell, so no argument can become a command.
///
/// The program gets this process's environment, and the pairs added here. Its standard input is empty, but for
/// [`Program::run_passed`]. A SIGINT or SIGTERM that comes to this process while it runs reaches it once; after that, no
/// further program is started.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    pairs: Vec<(OsString, OsString)>,
    without: Vec<OsString>,
    folder: Option<PathBuf>,
    redactor: Arc<Redactor>,
}

/// What a program left behind.
#[derive(Clone)]
pub struct Output {
    status: ExitStatus,
    cancelled: Option<Cancelled>,
    /// Its standard output, byte for byte: may hold secrets.
    pub stdout: Vec<u8>,
    /// Its standard error, cleaned and masked.
    pub stderr: String,
    /// Both, cleaned and masked, in the order in which the lines came. After [`Program::run_captured`] standard output
    /// first, and empty when all went well.
    pub transcript: String,
    raw: String,
}

/// What is shown of a line as it comes.
type Shows<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

impl Output {
    /// The transcript as the program wrote it, neither cleaned nor masked: may hold secrets.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// Whether it ended with 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// Its exit code; 128 plus the signal's number when a signal ended it, as shells count.
    #[must_use]
    pub fn code(&self) -> i32 {
        code(self.status)
    }

    /// The signal that came to this process while the program ran, and was passed on to it.
    #[must_use]
    pub const fn cancelled(&self) -> Option<Cancelled> {
        self.cancelled
    }
}

pub(crate) fn code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
    #[cfg(not(unix))]
    let signal = None;
    status.code().or(signal).unwrap_or(1)
}

impl std::fmt::Debug for Output {
    /// Without what may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output")
            .field("code", &self.code())
            .finish_non_exhaustive()
    }
}

impl Program {
    pub(crate) fn new(path: &Path, redactor: Arc<Redactor>) -> Self {
        Self {
            path: path.to_owned(),
            arguments: Vec::new(),
            pairs: Vec::new(),
            without: Vec::new(),
            folder: None,
            redactor,
        }
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// With an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.pairs.push((name.into(), value.into()));
        self
    }

    /// With environment variables.
    #[must_use]
    pub fn envs(
        mut self,
        pairs: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
    ) -> Self {
        self.pairs
            .extend(pairs.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Without an environment variable that this process has.
    #[must_use]
    pub fn without_env(mut self, name: impl Into<OsString>) -> Self {
        self.without.push(name.into());
        self
    }

    /// Started in this folder.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// The program's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The program and its first argument, for progress lines: `terraform plan`.
    #[must_use]
    pub fn title(&self) -> String {
        let name = self
            .path
            .file_stem()
            .unwrap_or(self.path.as_os_str())
            .to_string_lossy();
        match self
            .arguments
            .iter()
            .map(|argument| argument.to_string_lossy())
            .find(|word| !word.starts_with('-'))
        {
            Some(word) => clean(&self.redactor.redact(&format!("{name} {word}"))),
            None => clean(&name),
        }
    }

    /// Runs it to its end, showing nothing.
    ///
    /// # Errors
    /// When it cannot be started. A program that ends with a code other than 0 is no error here; see
    /// [`Output::code`].
    pub fn run_captured(&self) -> Result<Output, ProgramError> {
        let (mut child, running) = self.start(Streams::Ours)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr) = std::thread::scope(|scope| {
            let errors = scope.spawn(|| whole(stderr));
            (whole(stdout), joined(errors))
        });
        let (status, cancelled) = running.wait(&mut child).map_err(|source| self.lost(source))?;
        let (stdout, stderr) = (
            stdout.map_err(|e| self.lost(e))?,
            stderr.map_err(|e| self.lost(e))?,
        );
        let shown = self.shown(&stderr);
        // What a program says that did as it was told is a document, and may be large.
        let (transcript, raw) = if status.success() {
            Default::default()
        } else {
            let raw = [&stdout[..], &stderr[..]].concat();
            (self.shown(&stdout) + &shown, raw)
        };
        Ok(Output {
            raw: String::from_utf8_lossy(&raw).into_owned(),
            status,
            cancelled,
            stdout,
            stderr: shown,
            transcript,
        })
    }

    /// Runs it to its end, and shows each line on standard error as it comes, masked and cleaned.
    ///
    /// # Errors
    /// When it cannot be started; as [`Program::run_captured`].
    pub fn run_teed(&self) -> Result<Output, ProgramError> {
        self.run(&|line| Some(line.to_owned()))
    }

    /// Runs it to its end; `shows` says what is shown of each line as it comes.
    fn run(&self, shows: Shows<'_>) -> Result<Output, ProgramError> {
        let (mut child, running) = self.start(Streams::Ours)?;
        let transcript = Mutex::new(String::new());
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr) = std::thread::scope(|scope| {
            let errors = scope.spawn(|| self.tee(stderr, &transcript, shows, &running));
            (self.tee(stdout, &transcript, shows, &running), joined(errors))
        });
        let (status, cancelled) = running.wait(&mut child).map_err(|source| self.lost(source))?;
        let (stdout, stderr) = (
            stdout.map_err(|e| self.lost(e))?,
            stderr.map_err(|e| self.lost(e))?,
        );
        let raw = transcript.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Output {
            status,
            cancelled,
            stdout,
            stderr: self.shown(&stderr),
            transcript: self.shown(raw.as_bytes()),
            raw,
        })
    }

    /// Runs it to its end, and shows of its output only the lines that `shows` gives; see [`Output::raw`] for the rest.
    ///
    /// # Errors
    /// When it cannot be started; as [`Program::run_captured`].
    pub fn run_held(&self, shows: impl Fn(&str) -> Option<String> + Sync) -> Result<Output, ProgramError> {
        self.run(&|line| shows(line))
    }

    fn tee(
        &self,
        stream: Option<impl Read>,
        transcript: &Mutex<String>,
        shows: Shows<'_>,
        running: &Running,
    ) -> io::Result<Vec<u8>> {
        let mut whole = Vec::new();
        let Some(stream) = stream else { return Ok(whole) };
        let mut reader = BufReader::new(stream);
        loop {
            let start = whole.len();
            if reader.read_until(b'\n', &mut whole)? == 0 {
                return Ok(whole);
            }
            let line = whole.get(start..).unwrap_or_default();
            let line = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line)).into_owned();
            let line = line.strip_suffix('\r').unwrap_or(&line);
            running.hear(line);
            let shown = shows(line).map(|line| clean(&self.redactor.redact(&line)));
            let mut transcript = transcript.lock().unwrap_or_else(PoisonError::into_inner);
            transcript.push_str(line);
            transcript.push('\n');
            // Held together with the lock, so that the screen and the transcript agree. A closed screen is no
            // reason to stop an apply.
            if let Some(line) = shown {
                let _ = writeln!(io::stderr(), "{line}");
            }
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the edge where processes are started"
    )]
    pub(crate) fn start(&self, streams: Streams) -> Result<(Child, Arc<Running>), ProgramError> {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).stderr(Stdio::piped());
        match streams {
            Streams::Ours => command.stdin(Stdio::null()).stdout(Stdio::piped()),
            Streams::Callers(Terminal::None) => command.stdin(Stdio::inherit()).stdout(Stdio::piped()),
            Streams::Callers(Terminal::Own) => command.stdin(Stdio::inherit()).stdout(Stdio::inherit()),
        };
        // The key to the plan is nobody's but ours: providers and data sources run below terraform.
        command.env_remove("PORTCULLIS_PLAN_KEY");
        for name in &self.without {
            command.env_remove(name);
        }
        command.envs(self.pairs.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            if !folder.is_dir() {
                return Err(self.error(ProgramErrorKind::NoFolder(folder.clone()), None));
            }
            command.current_dir(folder);
        }
        let terminal = match streams {
            Streams::Ours => Terminal::None,
            Streams::Callers(terminal) => terminal,
        };
        signals::start(self.title(), terminal, || command.spawn())
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => self.error(ProgramErrorKind::NotFound, None),
                io::ErrorKind::PermissionDenied => self.error(ProgramErrorKind::NotExecutable, None),
                _ => self.error(ProgramErrorKind::NotStarted, Some(source)),
            })?
            .map_err(|cancelled| self.error(ProgramErrorKind::Cancelled(cancelled), None))
    }

    fn shown(&self, bytes: &[u8]) -> String {
        clean_lines(
            &self
                .redactor
                .redact(&String::from_utf8_lossy(bytes).replace("\r\n", "\n")),
        )
    }

    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    pub(crate) fn lost(&self, source: io::Error) -> ProgramError {
        self.error(ProgramErrorKind::Lost, Some(source))
    }

    fn error(&self, kind: ProgramErrorKind, source: Option<io::Error>) -> ProgramError {
        ProgramError {
            program: self.path.display().to_string(),
            kind,
            source,
        }
    }
}

/// Whose streams a program gets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Streams {
    /// No input, and we read what it says.
    Ours,
    /// The caller's input and output; only its talk goes through us, and its output where that is no terminal.
    Callers(Terminal),
}

fn whole(stream: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut whole = Vec::new();
    if let Some(mut stream) = stream {
        stream.read_to_end(&mut whole)?;
    }
    Ok(whole)
}

pub(crate) fn joined<T>(reader: ScopedJoinHandle<'_, io::Result<T>>) -> io::Result<T> {
    reader
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("the reader of standard error stopped")))
}

/// A program that could not be run.
#[derive(Debug, thiserror::Error)]
#[error("{program}: {}", kind.phrase())]
pub struct ProgramError {
    program: String,
    kind: ProgramErrorKind,
    source: Option<io::Error>,
}

/// Why a program could not be run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgramErrorKind {
    /// There is no such program.
    NotFound,
    /// The file is not executable.
    NotExecutable,
    /// The folder to start it in is not there.
    NoFolder(PathBuf),
    /// The job was cancelled before.
    Cancelled(Cancelled),
    /// The system did not start it; the cause says why.
    NotStarted,
    /// It was started, but its output or its end could not be read.
    Lost,
}

impl ProgramErrorKind {
    fn phrase(&self) -> String {
        match self {
            Self::NotFound => "no such program".to_owned(),
            Self::NotExecutable => "the file is not executable".to_owned(),
            Self::NoFolder(folder) => format!("cannot start in {}: no such folder", folder.display()),
            Self::Cancelled(by) => format!("not started, since the job was cancelled ({})", by.name()),
            Self::NotStarted => "the program could not be started".to_owned(),
            Self::Lost => "the program's output was lost".to_owned(),
        }
    }
}

impl ProgramError {
    /// Why.
    #[must_use]
    pub const fn kind(&self) -> &ProgramErrorKind {
        &self.kind
    }

    /// What the reader can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self.kind {
            ProgramErrorKind::NotFound => Some(
                "install terraform or tofu so that it is on the PATH, or point to it with `--terraform PATH` or \
                 PORTCULLIS_TERRAFORM"
                    .to_owned(),
            ),
            ProgramErrorKind::NotExecutable => Some(format!("make it executable: chmod +x {}", self.program)),
            ProgramErrorKind::NoFolder(_) => Some("check the path of the configuration".to_owned()),
            ProgramErrorKind::Cancelled(_) | ProgramErrorKind::NotStarted | ProgramErrorKind::Lost => None,
        }
    }

    /// Whether it was started at all.
    #[must_use]
    pub fn started(&self) -> bool {
        self.kind == ProgramErrorKind::Lost
    }
}

/// Finds terraform: the explicit one, else `PORTCULLIS_TERRAFORM`, else `terraform`, else `tofu` on the PATH.
pub(crate) fn terraform(explicit: Option<&Path>, environment: &Environment) -> Result<PathBuf, ProgramError> {
    let chosen = explicit.or_else(|| environment.get("PORTCULLIS_TERRAFORM").map(Path::new));
    let found = match chosen {
        // Made absolute, because terraform is started in another folder.
        Some(path) if path.components().count() > 1 || path.is_file() => {
            std::path::absolute(path).ok().filter(|path| path.is_file())
        }
        Some(name) => on_path(name.as_os_str(), environment),
        None => ["terraform", "tofu"]
            .iter()
            .find_map(|name| on_path(OsStr::new(name), environment)),
    };
    found.ok_or_else(|| ProgramError {
        program: chosen.map_or_else(
            || "terraform or tofu".to_owned(),
            |path| path.display().to_string(),
        ),
        kind: ProgramErrorKind::NotFound,
        source: None,
    })
}

fn on_path(name: &OsStr, environment: &Environment) -> Option<PathBuf> {
    let mut file = name.to_owned();
    file.push(std::env::consts::EXE_SUFFIX);
    std::env::split_paths(environment.get("PATH")?)
        .map(|folder| folder.join(&file))
        .find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        let redactor = Redactor::default();
        redactor.add("hunter2-hunter2");
        Program::new(Path::new("/bin/sh"), Arc::new(redactor))
            .arg("-c")
            .arg(script)
    }

    #[test]
    fn captured_data_is_left_alone_and_talk_is_masked_and_cleaned() {
        let output = shell(
            r"printf 'raw \033[31m hunter2-hunter2'; printf 'talk \033[31m hunter2-hunter2\r\n' >&2; exit 3",
        )
        .run_captured()
        .unwrap();
        assert_eq!(output.stdout, b"raw \x1b[31m hunter2-hunter2");
        assert_eq!(output.stderr, "talk ␛[31m [masked]\n");
        assert_eq!(output.transcript, "raw ␛[31m [masked]talk ␛[31m [masked]\n");
        assert!(!output.success() && output.code() == 3);
    }

    #[test]
    fn environment_and_folder_are_as_told() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let script = "printf '%s|%s|%s' \"$ADDED\" \"${HOME-none}\" \"$(pwd -P)\"";
        let program = shell(script)
            .env("ADDED", "a b; exit 1")
            .without_env("HOME")
            .folder(&folder);
        let output = program.run_captured().unwrap();
        let expected = format!("a b; exit 1|none|{}", folder.display());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
        let error = program.folder(&folder.join("gone")).run_captured().unwrap_err();
        assert_eq!(*error.kind(), ProgramErrorKind::NoFolder(folder.join("gone")));
        assert!(!error.started());
    }

    #[test]
    fn a_signal_counts_as_shells_count_it() {
        assert_eq!(shell("kill -TERM $$").run_captured().unwrap().code(), 143);
    }

    #[test]
    fn both_streams_are_teed_whole_however_much_comes() {
        let script = "i=0; while [ $i -lt 5000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done; printf 'no line end'";
        let output = shell(script).run_teed().unwrap();
        assert!(output.stdout.ends_with(b"out 4999\nno line end"));
        assert!(output.stderr.ends_with("err 4999\n"));
        assert_eq!(output.transcript.lines().count(), 10_001);
    }
}
