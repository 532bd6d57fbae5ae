//! One check's answer, and how all of them read.

use portcullis_report::text::clean;
use portcullis_stage::{Exit, Failure, Stage};
use std::fmt::Write as _;

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    name: &'static str,
    status: Status,
    found: String,
    mend: Option<String>,
}

/// How one check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// As it should be.
    Ok,
    /// Later stages work without it, or worse than they could.
    Warn,
    /// A later stage cannot work; the exit code says who has to mend it.
    Missing(Exit),
}

impl Check {
    pub(crate) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            status: Status::Ok,
            found: found.into(),
            mend: None,
        }
    }

    pub(crate) fn warn(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            status: Status::Warn,
            found: found.into(),
            mend: None,
        }
    }

    pub(crate) fn missing(name: &'static str, exit: Exit, found: impl Into<String>) -> Self {
        Self {
            name,
            status: Status::Missing(exit),
            found: found.into(),
            mend: None,
        }
    }

    /// From a failure, with its causes and its hint.
    pub(crate) fn failed(name: &'static str, failure: &Failure, stage: &Stage) -> Self {
        let (mut found, mut mend) = (Vec::new(), None);
        for line in failure.to_text(stage.redactor()).lines() {
            if let Some(hint) = line.strip_prefix("hint: ") {
                mend = Some(hint.to_owned());
            } else {
                found.push(
                    line.trim_start()
                        .trim_start_matches("error: ")
                        .trim_start_matches("caused by: ")
                        .to_owned(),
                );
            }
        }
        Self {
            name,
            status: Status::Missing(failure.exit()),
            found: found.join(": "),
            mend,
        }
    }

    /// As a warning, for what the pipeline goes on without.
    pub(crate) fn softened(mut self) -> Self {
        self.status = Status::Warn;
        self
    }

    /// With what the reader can do.
    pub(crate) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    /// With what the reader can do, if anything.
    pub(crate) fn maybe_mend(mut self, mend: Option<impl Into<String>>) -> Self {
        self.mend = mend.map(Into::into);
        self
    }
}

/// One line per check, then the sum of it. Ends with a line feed.
pub(crate) fn to_text(checks: &[Check]) -> String {
    let width = checks
        .iter()
        .map(|check| check.name.len())
        .max()
        .unwrap_or_default();
    let mut out = String::new();
    for Check {
        name,
        status,
        found,
        mend,
    } in checks
    {
        let word = match status {
            Status::Ok => "ok",
            Status::Warn => "warn",
            Status::Missing(_) => "missing",
        };
        let _ = write!(out, "{word:<7}  {name:<width$}  {}", clean(found));
        if let Some(mend) = mend {
            let _ = write!(out, "; to mend it: {}", clean(mend));
        }
        out.push('\n');
    }
    let count = |wanted: fn(Status) -> bool| checks.iter().filter(|check| wanted(check.status)).count();
    let missing = count(|status| matches!(status, Status::Missing(_)));
    let warnings = count(|status| status == Status::Warn);
    let _ = match (missing, warnings) {
        (0, 0) => writeln!(out, "\nall that later stages need is there"),
        (0, _) => writeln!(
            out,
            "\nall that later stages need is there, with {}",
            counted(warnings, "warning")
        ),
        _ => writeln!(
            out,
            "\n{} missing that later stages need",
            if missing == 1 {
                "1 thing is".to_owned()
            } else {
                format!("{missing} things are")
            }
        ),
    };
    out
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// 64 before 69: what only a person can mend comes first, since running the job again does not help.
pub(crate) fn exit(checks: &[Check]) -> Exit {
    let missing = |wanted: fn(Exit) -> bool| {
        checks.iter().find_map(|check| match check.status {
            Status::Missing(exit) if wanted(exit) => Some(exit),
            _ => None,
        })
    };
    missing(|exit| exit != Exit::Unavailable)
        .or_else(|| missing(|_| true))
        .unwrap_or(Exit::Pass)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_the_one_a_person_must_act_on() {
        let (ok, warn) = (Check::ok("a", ""), Check::warn("b", ""));
        let (usage, away) = (
            Check::missing("c", Exit::Usage, ""),
            Check::missing("d", Exit::Unavailable, ""),
        );
        assert_eq!(exit(&[]), Exit::Pass);
        assert_eq!(exit(&[ok.clone(), warn.clone()]), Exit::Pass);
        assert_eq!(exit(&[ok.clone(), away.clone()]), Exit::Unavailable);
        assert_eq!(exit(&[away, warn, usage, ok]), Exit::Usage);
    }

    #[test]
    fn text_from_outside_stays_on_its_line() {
        let text = to_text(&[Check::warn("slack", "team \u{1b}[31m\nok  fake").mend("x\ny")]);
        insta::assert_snapshot!(text, @r"
        warn     slack  team ␛[31m ok  fake; to mend it: x y

        all that later stages need is there, with 1 warning
        ");
    }
}
