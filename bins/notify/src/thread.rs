//! The pipeline's thread, from job to job.

use portcullis_slack::client::Posted;
use portcullis_stage::{Artifacts, Stage};

/// The dotenv report that carries the thread to later jobs.
const FILE: &str = "thread.env";
const CHANNEL: &str = "PORTCULLIS_SLACK_THREAD_CHANNEL";
const TS: &str = "PORTCULLIS_SLACK_THREAD_TS";

/// The pipeline's thread: from the environment, where GitLab puts the dotenv report, else from the report itself.
pub(crate) fn known(stage: &Stage, artifacts: &Artifacts) -> Option<Posted> {
    let variable = |name: &str| stage.variable(name).map(str::to_owned);
    posted(variable).or_else(|| {
        let text = artifacts.read_text(FILE).ok()?;
        posted(|name| {
            text.lines()
                .find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.trim().to_owned()))
        })
    })
}

fn posted(lookup: impl Fn(&str) -> Option<String>) -> Option<Posted> {
    let word = |name: &str| {
        // A value of any other shape is not Slack's, and would end up in a file that GitLab reads as variables.
        lookup(name).filter(|value| {
            !value.is_empty()
                && value
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        })
    };
    Some(Posted {
        channel: word(CHANNEL)?,
        ts: word(TS)?,
    })
}

/// Writes the report. Without it later jobs start a thread of their own, so a failure is only said.
pub(crate) fn keep(thread: &Posted, stage: &Stage, artifacts: &Artifacts) {
    let values = [(CHANNEL, thread.channel.clone()), (TS, thread.ts.clone())];
    if posted(|name| {
        values
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.clone())
    })
    .is_none()
    {
        stage.say("slack: the thread is not kept for later jobs: slack's answer names it strangely");
        return;
    }
    let text: String = values
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    if let Err(error) = artifacts.write_text(FILE, &text) {
        stage.say(format!("slack: the thread is not kept for later jobs: {error}"));
    }
}
