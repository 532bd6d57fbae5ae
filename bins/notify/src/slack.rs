//! The pipeline's thread in Slack: its first message kept up to date, the rest as answers.

use crate::command::Event;
use crate::delivery::Delivery;
use crate::news::Attachment;
use crate::thread::Thread;
use crate::undelivered::Lost;
use portcullis_messages::Notice;
use portcullis_slack::client::{Client, Config, Error, Token};
use portcullis_slack::{Block, Message};
use portcullis_stage::Stage;

/// A connection, and the channel to begin a thread in.
pub(crate) struct Slack {
    client: Client,
    channel: String,
}

/// Why the message was not sent at all.
pub(crate) struct Stopped {
    pub(crate) reason: String,
    /// Whether it may stand there all the same.
    pub(crate) in_doubt: bool,
}

impl Slack {
    pub(crate) fn configured(stage: &Stage) -> Result<Self, String> {
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
        if let Some(wait) = stage.retry_wait() {
            config.retry.first_wait = wait;
        }
        let client = Client::new(config).map_err(|error| reason(&error))?;
        Ok(Self { client, channel })
    }

    /// Sends the message with its files, and brings the thread's first message and the approval request up to date. Gives what
    /// was lost on the way; an error when the message itself was.
    pub(crate) async fn send(&self, delivery: &Delivery<'_>) -> Result<Vec<Lost>, Stopped> {
        let (news, stage) = (delivery.news, delivery.stage);
        let word = delivery.event.as_str();
        let mut thread = self
            .thread(delivery)
            .await
            .map_err(|error| stopped(&error, false))?;
        if let Some(decided) = &news.decided {
            self.decide(decided, &mut thread, delivery).await;
        }
        let mut lost = Vec::new();
        if let Some(notice) = &news.message {
            let message = notice.to_slack();
            let posted = self
                .client
                .post_once(
                    &thread.first.channel,
                    Some(&thread.first.ts),
                    &message,
                    &key(delivery, word),
                )
                .await
                .map_err(|error| stopped(&error, true))?;
            if delivery.event == Event::Requested {
                thread.request = Some(posted.ts);
                thread.keep(stage, delivery.artifacts);
            }
            let whole = message.whole().map(|text| Attachment {
                name: format!("{word}.txt"),
                title: "The whole message".to_owned(),
                text: text.to_owned(),
            });
            for file in whole.iter().chain(&news.files) {
                if let Err(error) = self.upload(file, &thread).await {
                    lost.push(delivery.lost_file(file, &reason(&error)));
                    if !only_this_call(&error) {
                        break;
                    }
                }
            }
        }
        if lost.is_empty() {
            stage.say(format!("slack: {word} delivered"));
        }
        Ok(lost)
    }

    /// The link to the thread, if Slack gives it.
    pub(crate) async fn permalink(&self, thread: &Thread) -> Option<String> {
        let first = &thread.first;
        self.client.permalink(&first.channel, &first.ts).await.ok()
    }

    async fn upload(&self, file: &Attachment, thread: &Thread) -> Result<(), Error> {
        let bytes = file.text.clone().into_bytes();
        // Slack takes no empty file, and there is nothing to read in one.
        if bytes.is_empty() {
            return Ok(());
        }
        self.client
            .upload_file(
                &thread.first.channel,
                Some(&thread.first.ts),
                &file.name,
                &file.title,
                bytes,
            )
            .await
            .map(drop)
    }

    /// The pipeline's thread, its first message up to date.
    async fn thread(&self, delivery: &Delivery<'_>) -> Result<Thread, Error> {
        let (stage, artifacts) = (delivery.stage, delivery.artifacts);
        let parent = delivery.news.parent.to_slack();
        // A watch without a pipeline around it begins with its own news.
        let mut was_lost = delivery.event != Event::Started && !delivery.news.begins;
        if let Some(thread) = Thread::known(stage, artifacts) {
            let first = &thread.first;
            match self.client.update(&first.channel, &first.ts, &parent).await {
                Ok(()) => return Ok(thread),
                Err(error) if is_gone(&error) => {
                    stage.say("slack: the thread's first message is gone; starting a new thread");
                    was_lost = true;
                }
                Err(error) if only_this_call(&error) => {
                    stage.say(format!(
                        "slack: the status line is not updated: {}",
                        reason(&error)
                    ));
                    return Ok(thread);
                }
                Err(error) => return Err(error),
            }
        } else if was_lost {
            stage.say(
                "slack: this pipeline's thread is not known (PORTCULLIS_SLACK_THREAD_TS, thread.env); starting a new one",
            );
        }
        let first = self
            .client
            .post_once(&self.channel, None, &parent, &key(delivery, "thread"))
            .await?;
        let thread = Thread { first, request: None };
        thread.keep(stage, artifacts);
        if was_lost {
            self.say_so(&thread, stage).await;
        }
        Ok(thread)
    }

    /// Readers of the new thread learn that there was more.
    async fn say_so(&self, thread: &Thread, stage: &Stage) {
        const WORDS: &str = "The first thread of this pipeline is gone, or was never begun. What it said is in the pipeline's artifacts; this thread goes on from here.";
        let message = Message::new(WORDS, [Block::context([WORDS])]);
        let first = &thread.first;
        if let Err(error) = self.client.post(&first.channel, Some(&first.ts), &message).await {
            stage.say(format!(
                "slack: that the thread is a new one is not said in it: {}",
                reason(&error)
            ));
        }
    }

    /// Puts the decided request in the open one's place: its button would lead to a job that nobody can play any more.
    async fn decide(&self, decided: &Notice, thread: &mut Thread, delivery: &Delivery<'_>) {
        let Some(ts) = &thread.request else {
            return;
        };
        match self
            .client
            .update(&thread.first.channel, ts, &decided.to_slack())
            .await
        {
            Ok(()) => {}
            Err(error) if is_gone(&error) => {}
            // A later job tries again.
            Err(error) => {
                delivery.stage.say(format!(
                    "slack: the approval request still shows its button: {}",
                    reason(&error)
                ));
                return;
            }
        }
        thread.request = None;
        thread.keep(delivery.stage, delivery.artifacts);
    }
}

/// What a message is recognised by, when it is not certain whether it was posted: one per job and message.
fn key(delivery: &Delivery<'_>, what: &str) -> String {
    let job = delivery.stage.ci();
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let project = job.project_path.as_deref().unwrap_or("-");
    delivery.stage.redact(&format!(
        "{project}/{}/{}/{what}",
        number(job.pipeline_id),
        number(job.job_id)
    ))
}

fn stopped(error: &Error, was_the_message: bool) -> Stopped {
    Stopped {
        reason: reason(error),
        in_doubt: was_the_message && error.may_have_happened(),
    }
}

/// The error in one line: what happened, what the network said, what to do.
pub(crate) fn reason(error: &Error) -> String {
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
