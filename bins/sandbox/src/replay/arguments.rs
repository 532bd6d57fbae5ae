//! terraform's command line, as far as a pipeline uses it.

use std::path::PathBuf;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// `-chdir=DIR`.
    pub chdir: Option<PathBuf>,
    /// The command.
    pub command: Command,
}

/// A command of terraform's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `version`
    Version {
        /// `-json`
        json: bool,
    },
    /// `init`
    Init {
        /// Not `-backend=false`.
        backend: bool,
    },
    /// `validate`
    Validate {
        /// `-json`
        json: bool,
    },
    /// `plan`
    Plan {
        /// `-out=FILE`
        out: Option<PathBuf>,
        /// `-detailed-exitcode`
        detailed_exit: bool,
        /// Not `-lock=false`.
        lock: bool,
    },
    /// `show`
    Show {
        /// `-json`
        json: bool,
        /// The plan to show; without one, the state.
        plan: Option<PathBuf>,
    },
    /// `apply`
    Apply {
        /// The saved plan.
        plan: PathBuf,
        /// Not `-lock=false`.
        lock: bool,
    },
}

/// A command line that terraform would not take, or that needs more than a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// No command.
    #[error("usage: terraform [-chdir=DIR] version|init|validate|plan|show|apply [options]")]
    NoCommand,
    /// A command that is not replayed.
    #[error(
        "the replayed terraform knows no command {0}: only version, init, validate, plan, show and apply"
    )]
    UnknownCommand(String),
    /// terraform's own words.
    #[error("flag provided but not defined: {0}")]
    UnknownFlag(String),
    /// A flag without its value.
    #[error("flag needs an argument: {0}")]
    NoValue(String),
    /// `apply` without a saved plan would have to plan.
    #[error("the replayed terraform applies a saved plan only: name the plan file")]
    NoPlan,
    /// More than terraform takes.
    #[error("too many command line arguments: {0}")]
    TooMany(String),
}

/// Flags of all commands that stand alone or carry `=true` or `=false`.
const SWITCHES: [&str; 17] = [
    "auto-approve",
    "backend",
    "compact-warnings",
    "destroy",
    "detailed-exitcode",
    "force-copy",
    "get",
    "input",
    "json",
    "lock",
    "migrate-state",
    "no-color",
    "no-tests",
    "reconfigure",
    "refresh",
    "refresh-only",
    "upgrade",
];

/// Flags of all commands that carry a value.
const VALUES: [&str; 14] = [
    "backend-config",
    "from-module",
    "generate-config-out",
    "lock-timeout",
    "lockfile",
    "out",
    "parallelism",
    "plugin-dir",
    "replace",
    "state",
    "target",
    "test-directory",
    "var",
    "var-file",
];

/// Reads the command line (without the program's name).
///
/// # Errors
/// When terraform would not take it, or a recording cannot answer it.
pub fn parse<I: IntoIterator<Item = String>>(arguments: I) -> Result<Arguments, UsageError> {
    let mut arguments = arguments.into_iter();
    let mut chdir = None;
    let command = loop {
        let argument = arguments.next().ok_or(UsageError::NoCommand)?;
        match argument.strip_prefix("-chdir=") {
            Some(folder) => chdir = Some(PathBuf::from(folder)),
            None if argument == "-version" || argument == "--version" || argument == "-v" => {
                break "version".to_owned();
            }
            None => break argument,
        }
    };
    let mut given = Given::default();
    while let Some(argument) = arguments.next() {
        given.take(argument, &mut arguments)?;
    }
    let command = match command.as_str() {
        "version" => Command::Version {
            json: given.on("json", false),
        },
        "init" => Command::Init {
            backend: given.on("backend", true),
        },
        "validate" => Command::Validate {
            json: given.on("json", false),
        },
        "plan" => Command::Plan {
            out: given.out.take(),
            detailed_exit: given.on("detailed-exitcode", false),
            lock: given.on("lock", true),
        },
        "show" => Command::Show {
            json: given.on("json", false),
            plan: given.path.take(),
        },
        "apply" => Command::Apply {
            plan: given.path.take().ok_or(UsageError::NoPlan)?,
            lock: given.on("lock", true),
        },
        _ => return Err(UsageError::UnknownCommand(command)),
    };
    match given.path {
        Some(extra) => Err(UsageError::TooMany(extra.display().to_string())),
        None => Ok(Arguments { chdir, command }),
    }
}

#[derive(Default)]
struct Given {
    switches: Vec<(String, bool)>,
    out: Option<PathBuf>,
    path: Option<PathBuf>,
}

impl Given {
    fn take(&mut self, argument: String, more: &mut impl Iterator<Item = String>) -> Result<(), UsageError> {
        let Some(flag) = argument.strip_prefix("--").or_else(|| argument.strip_prefix('-')) else {
            if self.path.is_some() {
                return Err(UsageError::TooMany(argument));
            }
            self.path = Some(PathBuf::from(argument));
            return Ok(());
        };
        let (name, value) = flag
            .split_once('=')
            .map_or((flag, None), |(n, v)| (n, Some(v.to_owned())));
        if SWITCHES.contains(&name) {
            self.switches
                .push((name.to_owned(), value.as_deref() != Some("false")));
        } else if VALUES.contains(&name) {
            let value = value
                .or_else(|| more.next())
                .ok_or_else(|| UsageError::NoValue(format!("-{name}")))?;
            if name == "out" {
                self.out = Some(PathBuf::from(value));
            }
        } else {
            return Err(UsageError::UnknownFlag(format!("-{name}")));
        }
        Ok(())
    }

    /// The last word counts, as in terraform.
    fn on(&self, name: &str, default: bool) -> bool {
        self.switches
            .iter()
            .rev()
            .find(|(given, _)| given == name)
            .map_or(default, |(_, on)| *on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Arguments, UsageError> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_pipelines_usual_lines_are_read() {
        let plan = read(
            "-chdir=terraform plan -input=false -no-color -lock=false -out=../p.tfplan -detailed-exitcode",
        );
        assert_eq!(
            plan,
            Ok(Arguments {
                chdir: Some("terraform".into()),
                command: Command::Plan {
                    out: Some("../p.tfplan".into()),
                    detailed_exit: true,
                    lock: false
                },
            })
        );
        assert_eq!(
            read("apply -input=false -lock-timeout=30s -auto-approve p.tfplan")
                .unwrap()
                .command,
            Command::Apply {
                plan: "p.tfplan".into(),
                lock: true
            }
        );
        assert_eq!(
            read("show -json -no-color p.tfplan").unwrap().command,
            Command::Show {
                json: true,
                plan: Some("p.tfplan".into())
            }
        );
        assert_eq!(
            read("init -backend=false").unwrap().command,
            Command::Init { backend: false }
        );
        assert_eq!(
            read("--version").unwrap().command,
            Command::Version { json: false }
        );
    }

    #[test]
    fn a_value_may_stand_beside_its_flag() {
        let plan = read("plan -var web_port=8000 -out p").unwrap().command;
        assert_eq!(
            plan,
            Command::Plan {
                out: Some("p".into()),
                detailed_exit: false,
                lock: true
            }
        );
    }

    #[test]
    fn what_terraform_would_not_take_is_refused() {
        for (line, message) in [
            (
                "",
                "usage: terraform [-chdir=DIR] version|init|validate|plan|show|apply [options]",
            ),
            ("plan -yes", "flag provided but not defined: -yes"),
            ("plan -out", "flag needs an argument: -out"),
            ("show a b", "too many command line arguments: b"),
            (
                "apply",
                "the replayed terraform applies a saved plan only: name the plan file",
            ),
        ] {
            assert_eq!(read(line).unwrap_err().to_string(), message, "{line}");
        }
        assert_eq!(
            read("destroy"),
            Err(UsageError::UnknownCommand("destroy".to_owned()))
        );
    }
}
