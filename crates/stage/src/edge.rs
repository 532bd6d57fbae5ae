//! From `main` to the exit code.

use crate::{Environment, Exit, Failure, Redactor, Stage};
use clap::Parser;
use portcullis_report::text::{clean, clean_lines};
use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

/// A stage's whole `main`: parses the arguments, runs, prints the error chain once, gives the exit code.
///
/// A wrong command line ends with 64 (clap's own code is 2, which means "cannot tell" here), `--help` and
/// `--version` with 0, and a panic anywhere with 70 and one line that asks for a report.
pub fn main<Args: Parser>(run: impl FnOnce(&Args, &Stage) -> Result<Exit, Failure>) -> ExitCode {
    let environment = Environment::of_process();
    let redactor = Redactor::of_environment(&environment);
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) if error.use_stderr() => {
            speak(&clean_lines(&redactor.redact(&error.render().to_string())));
            return Exit::Usage.into();
        }
        Err(help) => {
            // `--help | head` closes the pipe early; there is nobody left to tell.
            let _ = help.print();
            return Exit::Pass.into();
        }
    };
    let panicked = listen_for_panics();
    let ended = panic::catch_unwind(AssertUnwindSafe(|| {
        let stage = Stage::new(environment).map_err(|failure| Failed::new(&failure, &redactor))?;
        run(&args, &stage).map_err(|failure| Failed::new(&failure, stage.redactor()))
    }));
    match ended {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(failed)) => {
            speak(&failed.text);
            failed.exit.into()
        }
        Err(_) => {
            let what = panicked
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take()
                .unwrap_or_default();
            let command = Args::command();
            let (name, version) = (
                command.get_name(),
                command.get_version().unwrap_or("of unknown version"),
            );
            let what = clean(&redactor.redact(&what));
            speak(&format!(
                "error: this is a bug in {name} {version}: {what}; please report it with this line\n"
            ));
            Exit::Internal.into()
        }
    }
}

/// A failure in words, masked with all the secrets its stage knew.
struct Failed {
    text: String,
    exit: Exit,
}

impl Failed {
    fn new(failure: &Failure, redactor: &Redactor) -> Self {
        Self {
            text: failure.to_text(redactor),
            exit: failure.exit(),
        }
    }
}

/// Keeps the first panic's words instead of printing them with a backtrace notice.
fn listen_for_panics() -> Arc<Mutex<Option<String>>> {
    let heard = Arc::new(Mutex::new(None));
    let ear = Arc::clone(&heard);
    panic::set_hook(Box::new(move |info| {
        let message = info
            .payload()
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| info.payload().downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without words".to_owned());
        let place = info
            .location()
            .map(|at| format!(" at {}:{}", at.file(), at.line()))
            .unwrap_or_default();
        let mut heard = ear.lock().unwrap_or_else(PoisonError::into_inner);
        heard.get_or_insert(format!("{message}{place}"));
    }));
    heard
}

fn speak(text: &str) {
    // When standard error is closed there is nobody to tell; the exit code still speaks.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
