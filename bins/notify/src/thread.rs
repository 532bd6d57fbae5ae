//! The pipeline's thread, from job to job.

use portcullis_slack::client::Posted;
use portcullis_stage::{Artifacts, Stage};

/// The dotenv report that carries the thread to later jobs.
const FILE: &str = "thread.env";
const CHANNEL: &str = "PORTCULLIS_SLACK_THREAD_CHANNEL";
const TS: &str = "PORTCULLIS_SLACK_THREAD_TS";
const REQUEST: &str = "PORTCULLIS_SLACK_REQUEST_TS";

/// The pipeline's thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thread {
    /// Its first message.
    pub(crate) first: Posted,
    /// The approval request in it, as long as it is not decided.
    pub(crate) request: Option<String>,
}

impl Thread {
    /// The pipeline's thread: from the report in the artifact folder, which the last job wrote; else from the environment, where GitLab
    /// puts what the first job reported.
    pub(crate) fn known(stage: &Stage, artifacts: &Artifacts) -> Option<Self> {
        let in_file = artifacts
            .exists(FILE)
            .then(|| artifacts.read_text(FILE).ok())
            .flatten()
            .and_then(|text| {
                Self::read(|name| {
                    text.lines()
                        .find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.trim().to_owned()))
                })
            });
        in_file.or_else(|| Self::read(|name| stage.variable(name).map(str::to_owned)))
    }

    fn read(lookup: impl Fn(&str) -> Option<String>) -> Option<Self> {
        // A value of any other shape is not Slack's, and would end up in a file that GitLab reads as variables.
        let word = |name: &str| lookup(name).filter(|value| is_word(value));
        Some(Self {
            first: Posted {
                channel: word(CHANNEL)?,
                ts: word(TS)?,
            },
            request: word(REQUEST),
        })
    }

    /// Writes the report. Without it later jobs start a thread of their own, so a failure is only said.
    pub(crate) fn keep(&self, stage: &Stage, artifacts: &Artifacts) {
        let Posted { channel, ts } = &self.first;
        if !is_word(channel) || !is_word(ts) || self.request.as_ref().is_some_and(|ts| !is_word(ts)) {
            stage.say("slack: the thread is not kept for later jobs: slack's answer names it strangely");
            return;
        }
        let mut text = format!("{CHANNEL}={channel}\n{TS}={ts}\n");
        if let Some(ts) = &self.request {
            text = format!("{text}{REQUEST}={ts}\n");
        }
        if let Err(error) = artifacts.write_text(FILE, &text) {
            stage.say(format!("slack: the thread is not kept for later jobs: {error}"));
        }
    }
}

fn is_word(value: &str) -> bool {
    !value.is_empty()
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}
