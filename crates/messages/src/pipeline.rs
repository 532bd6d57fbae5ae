//! The pipeline, and the thread's first message that always says how far it is.

use portcullis_report::Verdict;
use portcullis_report::text::{clean, cut};
use portcullis_slack::{Block, Button, Message, RichText, Text, escape};
use serde_json::json;

/// The pipeline a message is about. All text in it may come from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pipeline {
    /// The project's path: `infra/estate`.
    pub project: String,
    /// The pipeline's number.
    pub id: Option<u64>,
    /// The pipeline's page.
    pub url: Option<String>,
    /// The commit, shortened.
    pub commit: String,
    /// The first line of the commit message.
    pub commit_title: String,
    /// Who wrote the commit.
    pub author: String,
    /// The branch or tag.
    pub branch: String,
    /// The managed state that the pipeline changes.
    pub state: Option<String>,
}

/// How far the pipeline is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// The change is being checked and planned.
    Running,
    /// The change is planned and somebody has to let it through.
    WaitingForApproval,
    /// The change is applied; whether all is well is being looked at.
    Deployed {
        /// Who let it through.
        approved_by: String,
    },
    /// The three views of the rules were compared.
    Compared(Verdict),
    /// The services were asked.
    Checked(Verdict),
    /// A job failed.
    Failed {
        /// What failed, in a few words.
        what: String,
    },
    /// The pipeline is over.
    Finished {
        /// Whether all went well, in the verdicts' sense.
        verdict: Verdict,
        /// What came of it, in a few words.
        outcome: String,
    },
}

impl Status {
    fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::Running | Self::WaitingForApproval => None,
            Self::Deployed { .. } => Some(Verdict::Pass),
            Self::Compared(verdict) | Self::Checked(verdict) | Self::Finished { verdict, .. } => {
                Some(*verdict)
            }
            Self::Failed { .. } => Some(Verdict::Violation),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Running => "checking and planning".to_owned(),
            Self::WaitingForApproval => "waiting for approval".to_owned(),
            Self::Deployed { approved_by } => format!("deployed, approved by {}", short(approved_by)),
            Self::Compared(verdict) => format!("deployed; {}", agreement(*verdict)),
            Self::Checked(verdict) => format!("deployed; {}", services(*verdict)),
            Self::Failed { what } => format!("failed: {}", short(what)),
            Self::Finished { outcome, .. } => format!("finished: {}", short(outcome)),
        }
    }
}

/// The thread's first message, for this status. Post it once, then update it in place.
#[must_use]
pub fn started(pipeline: &Pipeline, status: &Status) -> Message {
    let symbol = status.verdict().map_or("⏳", symbol);
    let mut facts = Text::new();
    for (before, fact) in pipeline.facts() {
        facts = facts.plain(before).code(short(fact));
    }
    let mut words = RichText::new()
        .line(
            Text::new()
                .plain(symbol)
                .plain(" ")
                .bold(upper_first(&status.words())),
        )
        .line(cut(&clean(&pipeline.commit_title), 300))
        .line(facts);
    if let Some(state) = &pipeline.state {
        words = words.line(Text::new().plain("State ").code(short(state)));
    }
    let mut text = format!("{}: {}", short(&pipeline.project), status.words());
    if !pipeline.commit_title.is_empty() {
        text = format!("{text}. {}", cut(&pipeline.commit_title, 300));
    }
    let facts: Vec<String> = pipeline
        .facts()
        .map(|(before, fact)| format!("{before}{}", short(fact)))
        .collect();
    if !facts.is_empty() {
        text = format!("{text} ({})", facts.concat());
    }
    let blocks = [
        Block::header(format!("Security group change: {}", short(&pipeline.project))),
        Block::rich_text(words),
        Block::actions(pipeline.button()),
    ];
    Message::new(text, blocks).metadata("portcullis_pipeline", pipeline.payload("started"))
}

impl Pipeline {
    /// `infra/estate 3f2a1b0c`, to begin a message's text with.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", short(&self.project), short(&self.commit))
            .trim()
            .to_owned()
    }

    /// What is known of the commit, each with the word before it: `3f2a1b0c`, ` by Ada`, ` on main`.
    fn facts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [("", &self.commit), (" by ", &self.author), (" on ", &self.branch)]
            .into_iter()
            .filter(|(_, fact)| !fact.is_empty())
            .map(|(before, fact)| (before, fact.as_str()))
    }

    pub(crate) fn button(&self) -> Option<Button> {
        self.url
            .as_deref()
            .map(|url| Button::link("Open the pipeline", url))
    }

    /// The message about this event: the text begins with what it is about, programs can tell the event.
    pub(crate) fn message(&self, event: &str, text: &str, blocks: Vec<Block>) -> Message {
        let text = format!("{}: {text}", self.name());
        Message::new(text, blocks).metadata("portcullis_event", self.payload(event))
    }

    fn payload(&self, event: &str) -> serde_json::Value {
        json!({ "event": event, "project": short(&self.project), "pipeline": self.id })
    }
}

/// The symbol that goes before a verdict's words; never instead of them.
pub(crate) const fn symbol(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✅",
        Verdict::Undetermined => "❔",
        Verdict::Violation => "⛔",
    }
}

pub(crate) const fn agreement(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "code, state and cloud agree",
        Verdict::Undetermined => "cannot tell whether code, state and cloud agree",
        Verdict::Violation => "code, state and cloud do not agree",
    }
}

pub(crate) const fn services(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "the services answer",
        Verdict::Undetermined => "cannot tell whether the services answer",
        Verdict::Violation => "a service does not answer as expected",
    }
}

/// A name from outside, in a length that leaves room for others.
pub(crate) fn short(text: &str) -> String {
    cut(&clean(text), 100)
}

pub(crate) fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// `1 rule`, `2 rules`.
pub(crate) fn count(n: usize, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {one}s")
    }
}

/// The first `most` of the points, fewer when they are long, and a last one that says how many are left out and where
/// they are.
pub(crate) fn at_most(most: usize, points: impl ExactSizeIterator<Item = Text>, place: &str) -> Vec<Text> {
    // Of the 3000 characters of a block of rich text; the rest is for what stands around the points.
    let (all, mut room) = (points.len(), 1800_usize);
    let mut shown: Vec<Text> = Vec::new();
    for point in points.take(most) {
        let width = escape(&point.to_plain()).chars().count();
        if width > room {
            break;
        }
        room -= width;
        shown.push(point);
    }
    let left_out = all - shown.len();
    if left_out > 0 {
        shown.push(Text::new().italic(format!("and {left_out} more in {place}")));
    }
    shown
}
