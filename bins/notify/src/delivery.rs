//! Sends the news, and says what could not be sent.

use crate::command::Event;
use crate::news::News;
use crate::thread;
use crate::undelivered::Lost;
use portcullis_slack::client::{Client, Config, Error, Posted, Token};
use portcullis_stage::{Artifacts, Stage};

/// Sends the news. What could not be sent is said on standard error, one line each, and given back.
pub(crate) fn deliver(event: Event, news: &News, stage: &Stage, artifacts: &Artifacts) -> Vec<Lost> {
    let delivery = Delivery {
        event,
        news,
        stage,
        artifacts,
    };
    match configured(stage) {
        Ok((slack, channel)) => stage.block_on(delivery.send(&slack, &channel)),
        Err(reason) => vec![delivery.lost(event.as_str(), news.told().to_plain(), &reason)],
    }
}

fn configured(stage: &Stage) -> Result<(Client, String), String> {
    let variable = |name: &str| {
        stage
            .variable(name)
            .ok_or_else(|| format!("the variable {name} is not set"))
    };
    let mut config = Config::new(Token::new(variable("PORTCULLIS_SLACK_TOKEN")?));
    let channel = variable("PORTCULLIS_SLACK_CHANNEL")?.trim().to_owned();
    if let Some(url) = stage.variable("PORTCULLIS_SLACK_URL") {
        config.base_url = url.trim().to_owned();
    }
    Ok((Client::new(config).map_err(|error| reason(&error))?, channel))
}

struct Delivery<'a> {
    event: Event,
    news: &'a News,
    stage: &'a Stage,
    artifacts: &'a Artifacts,
}

impl Delivery<'_> {
    async fn send(&self, slack: &Client, channel: &str) -> Vec<Lost> {
        let word = self.event.as_str();
        let thread = match self.thread(slack, channel).await {
            Ok(thread) => thread,
            Err(error) => return vec![self.lost(word, self.news.told().to_plain(), &reason(&error))],
        };
        let mut lost = Vec::new();
        if let Some(message) = &self.news.message
            && let Err(error) = slack.post(&thread.channel, Some(&thread.ts), message).await
        {
            lost.push(self.lost(word, message.to_plain(), &reason(&error)));
            if !only_this_call(&error) {
                return lost;
            }
        }
        if let Some(file) = &self.news.file {
            let bytes = file.text.clone().into_bytes();
            let text = format!("{} ({} bytes)", file.name, bytes.len());
            let sent = slack
                .upload_file(&thread.channel, Some(&thread.ts), file.name, file.title, bytes)
                .await;
            if let Err(error) = sent {
                lost.push(self.lost(file.name, text, &reason(&error)));
            }
        }
        if lost.is_empty() {
            self.stage.say(format!("slack: {word} delivered"));
        }
        lost
    }

    /// The pipeline's thread, its first message up to date.
    async fn thread(&self, slack: &Client, channel: &str) -> Result<Posted, Error> {
        if let Some(thread) = thread::known(self.stage, self.artifacts) {
            match slack.update(&thread.channel, &thread.ts, &self.news.parent).await {
                Ok(()) => return Ok(thread),
                Err(error) if is_gone(&error) => {
                    self.stage
                        .say("slack: the thread's first message is gone; starting a new thread");
                }
                Err(error) if only_this_call(&error) => {
                    self.stage.say(format!(
                        "slack: the status line is not updated: {}",
                        reason(&error)
                    ));
                    return Ok(thread);
                }
                Err(error) => return Err(error),
            }
        } else if self.event != Event::Started {
            self.stage.say(
                "slack: this pipeline's thread is not known (PORTCULLIS_SLACK_THREAD_TS, thread.env); starting a new one",
            );
        }
        let thread = slack.post(channel, None, &self.news.parent).await?;
        thread::keep(&thread, self.stage, self.artifacts);
        Ok(thread)
    }

    fn lost(&self, what: &str, text: String, reason: &str) -> Lost {
        self.stage.say(format!("slack: {what} not delivered: {reason}"));
        Lost {
            event: self.event.as_str().to_owned(),
            reason: self.stage.redact(reason),
            text,
            at: self.stage.now().to_string(),
        }
    }
}

/// The error in one line: what happened, what the network said, what to do.
fn reason(error: &Error) -> String {
    let mut line = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    if let Some(cause) = cause {
        line = format!("{line}: {cause}");
    }
    match error.hint() {
        Some(hint) => format!("{line}; {hint}"),
        None => line,
    }
}

fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Refused { code, .. } if code == "message_not_found")
}

/// Whether the next call may go better: Slack answered, and did not turn the token away.
fn only_this_call(error: &Error) -> bool {
    const TOKEN: [&str; 5] = [
        "invalid_auth",
        "not_authed",
        "token_revoked",
        "token_expired",
        "account_inactive",
    ];
    matches!(error, Error::Refused { code, .. } if !TOKEN.contains(&code.as_str()))
}
