//! The stand-ins alone: GitLab, Slack and the web service on loopback, for trying the binaries by hand.

use clap::{Parser, Subcommand};
use portcullis_sandbox::checkout::check_out;
use portcullis_sandbox::fault::Fault;
use portcullis_sandbox::gitlab::wire::LockedWrite;
use portcullis_sandbox::serve::{Options, Stands, start};
use portcullis_sandbox::slack::reader;
use portcullis_sandbox::terminal::Terminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Stand-ins for GitLab and Slack, on loopback
#[derive(Debug, Parser)]
#[command(name = "portcullis-sandbox", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves until Ctrl-C, and prints the variables of a running job
    ///
    /// Everything is forgotten at the end; the Slack thread is shown then.
    #[command(after_help = EXAMPLES)]
    Serve(Serve),
    /// Writes the recorded estate into a folder, as a runner would have checked it out
    #[command(after_help = CHECKOUT_EXAMPLES)]
    Checkout(Checkout),
}

#[derive(Debug, clap::Args)]
struct Checkout {
    /// Recording whose values the commit sets
    #[arg(
        long,
        value_name = "DIR",
        default_value = "fixtures/estate/2-correct-web-port"
    )]
    recording: PathBuf,
    /// Root of this repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// Folder that gets `terraform/`
    folder: PathBuf,
}

const CHECKOUT_EXAMPLES: &str = "\
Examples:
  portcullis-sandbox checkout /tmp/estate
  portcullis-sandbox checkout --recording fixtures/estate/10-opens-ssh-to-the-world /tmp/estate";

#[derive(Debug, clap::Args)]
struct Serve {
    /// GitLab's port; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    gitlab: u16,
    /// Slack's port; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    slack: u16,
    /// Raw state that GitLab holds at the start, under the name `estate`; `none` for none
    #[arg(
        long,
        value_name = "FILE",
        default_value = "fixtures/estate/1-setup/state.json"
    )]
    state: PathBuf,
    /// Recording that portcullis-replayed-terraform answers from
    #[arg(
        long,
        value_name = "DIR",
        default_value = "fixtures/estate/2-correct-web-port"
    )]
    recording: PathBuf,
    /// Make GitLab fail: refuse, unavailable, rate-limited[=SECONDS], unauthorized, slow=MILLISECONDS
    #[arg(long, value_name = "FAULT")]
    gitlab_fault: Option<Fault>,
    /// Make Slack fail, likewise
    #[arg(long, value_name = "FAULT")]
    slack_fault: Option<Fault>,
    /// A write to a state that somebody else has locked is answered with 500, not 409
    #[arg(long)]
    locked_write_is_500: bool,
}

const EXAMPLES: &str = "\
Examples:
  portcullis-sandbox serve > job.env &     # then: . ./job.env; portcullis-prepare --help
  portcullis-sandbox serve --gitlab 8090 --slack 8091
  portcullis-sandbox serve --slack-fault unavailable";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(Arguments {
            command: Command::Serve(arguments),
        }) => arguments,
        Ok(Arguments {
            command: Command::Checkout(checkout),
        }) => {
            let Checkout {
                recording,
                workspace,
                folder,
            } = checkout;
            return match check_out(&workspace, &recording, &folder) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    complain(&error, None);
                    ExitCode::from(65)
                }
            };
        }
        Err(error) => {
            let _shown = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    let options = Options {
        gitlab: arguments.gitlab,
        slack: arguments.slack,
        state: (arguments.state != Path::new("none")).then_some(arguments.state),
        recording: arguments.recording,
        gitlab_fault: arguments.gitlab_fault,
        slack_fault: arguments.slack_fault,
        locked_write: if arguments.locked_write_is_500 {
            LockedWrite::ServerError
        } else {
            LockedWrite::Conflict
        },
    };
    match start(&options).await {
        Ok(stands) => serve(stands).await,
        Err(error) => {
            complain(&error, error.hint());
            ExitCode::from(error.exit_code())
        }
    }
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the program's edge: variables out, talk beside"
)]
async fn serve(mut stands: Stands) -> ExitCode {
    print!("{}", stands.exports());
    if let Some(terraform) = beside("portcullis-replayed-terraform") {
        println!("export PORTCULLIS_TERRAFORM='{}'", terraform.display());
    }
    eprintln!(
        "GitLab on {}, Slack on {}; Ctrl-C ends them.",
        stands.gitlab.url(),
        stands.slack.url()
    );
    match (stands.web.address(), &stands.web_missing) {
        (Some(address), _) => {
            eprintln!("The web service answers on http://{address}/ and follows the state.");
        }
        (None, Some(error)) => complain(error, error.hint()),
        (None, None) => eprintln!("No state, so no web service yet."),
    }
    tokio::select! {
        () = stands.follow_pushes() => {}
        _interrupted = tokio::signal::ctrl_c() => {}
    }
    let terminal = Terminal::PLAIN;
    for line in reader::channel(&stands.slack.workspace(), terminal.width) {
        eprintln!("{}", line.render(false));
    }
    ExitCode::SUCCESS
}

/// A program in the same folder as this one.
fn beside(name: &str) -> Option<PathBuf> {
    let path = std::env::current_exe()
        .ok()?
        .with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    path.is_file().then_some(path)
}

#[expect(clippy::print_stderr, reason = "the one place where a failure is told")]
fn complain(error: &dyn std::error::Error, hint: Option<String>) {
    eprintln!("error: {error}");
    if let Some(cause) = error.source() {
        eprintln!("  because: {cause}");
    }
    if let Some(hint) = hint {
        eprintln!("hint: {hint}");
    }
}
