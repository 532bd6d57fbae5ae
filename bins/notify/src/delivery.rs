//! Sends the news to wherever it is wanted, and says what could not be sent.

use crate::command::Event;
use crate::news::{Attachment, News};
use crate::slack::{self, Slack};
use crate::undelivered::Lost;
use portcullis_messages::Notice;
use portcullis_slack::client::{Error, Webhook, WebhookConfig};
use portcullis_stage::{Artifacts, Stage};
use serde_json::Value;

/// A service that takes a JSON body at a secret address.
struct Sink {
    name: &'static str,
    variable: &'static str,
    body: fn(&Notice) -> Value,
}

/// Each gets every message, beside Slack or without it.
const SINKS: [Sink; 3] = [
    Sink {
        name: "mattermost",
        variable: "PORTCULLIS_MATTERMOST_WEBHOOK",
        body: Notice::to_mattermost,
    },
    Sink {
        name: "teams",
        variable: "PORTCULLIS_TEAMS_WEBHOOK",
        body: Notice::to_teams,
    },
    Sink {
        name: "webhook",
        variable: "PORTCULLIS_JSON_WEBHOOK",
        body: Notice::to_json,
    },
];

/// Slack's own webhook, for a workspace that gives no bot, or when the bot is turned away.
const SLACK_WEBHOOK: &str = "PORTCULLIS_SLACK_WEBHOOK";

/// What is being sent, and where what is lost is said.
pub(crate) struct Delivery<'a> {
    pub(crate) event: Event,
    pub(crate) news: &'a News,
    pub(crate) stage: &'a Stage,
    pub(crate) artifacts: &'a Artifacts,
}

/// Sends the news. What could not be sent is said on standard error, one line each, and given back.
pub(crate) fn deliver(event: Event, news: &News, stage: &Stage, artifacts: &Artifacts) -> Vec<Lost> {
    if news.quiet {
        stage.say(format!(
            "{}: nothing is new since the last time, so nothing is sent",
            event.as_str()
        ));
        return Vec::new();
    }
    let delivery = Delivery {
        event,
        news,
        stage,
        artifacts,
    };
    let mut lost = Vec::new();
    let others: Vec<(&Sink, &str)> = SINKS
        .iter()
        .filter_map(|sink| Some((sink, stage.variable(sink.variable)?)))
        .collect();
    let has_slack = ["PORTCULLIS_SLACK_TOKEN", SLACK_WEBHOOK]
        .iter()
        .any(|name| stage.variable(name).is_some());
    if has_slack || others.is_empty() {
        lost.extend(delivery.to_slack());
    }
    for (sink, url) in others {
        let body = (sink.body)(news.told());
        match delivery.by_webhook(url, async |webhook| webhook.send(&body).await) {
            Ok(()) => stage.say(format!("{}: {} delivered", sink.name, event.as_str())),
            Err(reason) => {
                lost.push(delivery.lost(sink.name, event.as_str(), news.told().to_plain(), &reason));
            }
        }
    }
    lost
}

impl Delivery<'_> {
    fn to_slack(&self) -> Vec<Lost> {
        let word = self.event.as_str();
        let webhook = self.stage.variable(SLACK_WEBHOOK);
        let reason = match (self.stage.variable("PORTCULLIS_SLACK_TOKEN"), webhook) {
            // Without a bot the webhook is how it is meant, not a fallback.
            (None, Some(url)) => {
                return match self.alone(url) {
                    Ok(()) => {
                        self.stage.say(format!("slack: {word} delivered by the webhook"));
                        Vec::new()
                    }
                    Err(reason) => vec![self.lost("slack", word, self.news.told().to_plain(), &reason)],
                };
            }
            _ => match Slack::configured(self.stage) {
                Ok(slack) => match self.stage.block_on(slack.send(self)) {
                    Ok(lost) => return lost,
                    Err(stopped) => match (stopped.in_doubt, webhook) {
                        // It may stand in the thread; twice is a flood.
                        (true, _) | (false, None) => stopped.reason,
                        (false, Some(url)) => match self.alone(url) {
                            Ok(()) => {
                                self.stage.say(format!(
                                    "slack: {word} delivered by the webhook, outside the thread: {}",
                                    stopped.reason
                                ));
                                return Vec::new();
                            }
                            Err(reason) => format!("{}; by the webhook: {reason}", stopped.reason),
                        },
                    },
                },
                Err(reason) => reason,
            },
        };
        vec![self.lost("slack", word, self.news.told().to_plain(), &reason)]
    }

    /// Posts the message by Slack's webhook: no thread, so it says itself what it is about.
    fn alone(&self, url: &str) -> Result<(), String> {
        let message = self.news.told().to_slack_alone();
        self.by_webhook(url, async |webhook| webhook.post(&message).await)
    }

    fn by_webhook(
        &self,
        url: &str,
        send: impl AsyncFnOnce(Webhook) -> Result<(), Error>,
    ) -> Result<(), String> {
        let mut config = WebhookConfig::new(url);
        if let Some(wait) = self.stage.retry_wait() {
            config.retry.first_wait = wait;
        }
        let webhook = Webhook::new(config).map_err(|error| slack::reason(&error))?;
        self.stage
            .block_on(send(webhook))
            .map_err(|error| slack::reason(&error))
    }

    /// A file that could not be sent: only its name is kept, since the file itself is an artifact.
    pub(crate) fn lost_file(&self, file: &Attachment, reason: &str) -> Lost {
        let text = format!("{} ({} bytes)", file.name, file.text.len());
        self.lost("slack", &file.name, text, reason)
    }

    pub(crate) fn lost(&self, sink: &str, what: &str, text: String, reason: &str) -> Lost {
        self.stage.say(format!("{sink}: {what} not delivered: {reason}"));
        Lost {
            event: self.event.as_str().to_owned(),
            sink: sink.to_owned(),
            reason: self.stage.redact(reason),
            text,
            at: self.stage.now().to_string(),
        }
    }
}
