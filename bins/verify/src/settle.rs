//! EC2's answers lag behind a change: it is asked again while only that can explain what differs.
//!
//! The EC2 API follows an eventual consistency model, for which the EC2 API reference ("Eventual consistency") advises to
//! repeat a describe call with waits that grow.

use portcullis_consistency::ConsistencyReport;
use portcullis_report::text::clean;
use portcullis_stage::{Failure, ProgramErrorKind, Stage};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Reads a time: `90s`, `2m`, or a number of seconds.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix('m') {
        Some(number) => (number, 60),
        None => (text.strip_suffix('s').unwrap_or(text), 1),
    };
    let seconds = number
        .parse::<u32>()
        .map_err(|_| "write a time such as 90s or 2m")?;
    Ok(Duration::from_secs(u64::from(seconds) * unit))
}

/// Asks again until the change is seen, or the time is up. What was made by hand is not waited for.
pub(crate) fn settle(
    time: Duration,
    command: &[OsString],
    mut report: ConsistencyReport,
    stage: &Stage,
    mut again: impl FnMut() -> Result<ConsistencyReport, Failure>,
) -> Result<ConsistencyReport, Failure> {
    let Some((program, arguments)) = command.split_first() else {
        return Ok(report);
    };
    let program = stage.program(Path::new(program)).args(arguments);
    let mut waited = Duration::ZERO;
    let mut next = FIRST_WAIT;
    let mut times = 1_usize;
    while late(&report) > 0 && waited < time {
        let wait = next.min(time.saturating_sub(waited));
        stage.say(format!(
            "{} not as the change made them yet: reading EC2 once more in {} s",
            rules(late(&report)),
            wait.as_secs()
        ));
        // Tests don't wait; the count of tries is the same.
        std::thread::sleep(stage.retry_wait().unwrap_or(wait).min(wait));
        waited += wait;
        next = (next * 2).min(LONGEST_WAIT);
        let output = program.run_captured().map_err(|error| {
            let hint = match error.kind() {
                ProgramErrorKind::NotFound => Some(
                    "behind `--` stands the command that writes --live anew, such as portcullis-inspect"
                        .to_owned(),
                ),
                _ => error.hint(),
            };
            Failure::usage(error).maybe_hint(hint)
        })?;
        if !output.success() {
            let title = program.title();
            let last = output.transcript.lines().last().unwrap_or_default();
            report.notes.push(format!(
                "EC2 could not be read again: {title} ended with {}: {}",
                output.code(),
                clean(last)
            ));
            return Ok(report);
        }
        report = again()?;
        times += 1;
    }
    if times > 1 {
        let late = late(&report);
        report.notes.push(if late == 0 {
            format!("EC2's answers lagged behind the change: they were read {times} times")
        } else {
            format!(
                "EC2 was read {times} times over {} s, and {} still not as the change made them",
                waited.as_secs(),
                rules(late)
            )
        });
    }
    Ok(report)
}

/// How many rules, groups, members and prefix lists differ that the change adds or takes away.
fn late(report: &ConsistencyReport) -> usize {
    let rules = report.rules.iter().map(|row| row.in_change);
    let groups = report.groups.iter().map(|row| row.in_change);
    let members = report.members.iter().map(|row| row.in_change);
    let lists = report.prefix_lists.iter().map(|row| row.in_change);
    let all = rules.chain(groups).chain(members).chain(lists);
    all.filter(|in_change| *in_change).count()
}

fn rules(count: usize) -> String {
    if count == 1 {
        "1 rule is".to_owned()
    } else {
        format!("{count} rules are")
    }
}

#[cfg(test)]
mod tests {
    use super::time;
    use std::time::Duration;

    #[test]
    fn a_time_has_a_unit_or_is_in_seconds() {
        for (text, seconds) in [("90s", 90), ("2m", 120), ("45", 45), ("0", 0)] {
            assert_eq!(time(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "-1s", "1.5m", "90 s", "1h", "99999999999s"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
