//! The pipeline, and the thread's first message that always says how far it is.

use crate::Notice;
use portcullis_report::Verdict;
use portcullis_report::text::{clean, cut};
use portcullis_slack::{RichText, Text, escape};
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
    /// What it is about.
    pub topic: Topic,
}

/// What a pipeline is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Topic {
    /// A change, which is checked, planned, approved and applied.
    #[default]
    Change,
    /// Whether the services answer: it changes nothing.
    Services,
    /// Whether code, state and cloud agree: it changes nothing.
    Comparison,
}

impl Topic {
    const fn title(self) -> &'static str {
        match self {
            Self::Change => "Security group change",
            Self::Services => "Services check",
            Self::Comparison => "Code, state and cloud",
        }
    }

    const fn at_work(self) -> &'static str {
        match self {
            Self::Change => "checking and planning",
            Self::Services => "asking the services",
            Self::Comparison => "comparing code, state and cloud",
        }
    }
}

/// How far the pipeline is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// The change is being checked and planned, or whatever else the pipeline is about is done.
    Running,
    /// The change is planned and somebody has to let it through.
    WaitingForApproval,
    /// The change is applied; whether all is well is being looked at.
    Deployed {
        /// Who let it through.
        approved_by: String,
    },
    /// The three views of the rules were compared.
    Compared {
        /// Whether they agree.
        verdict: Verdict,
        /// Whether this pipeline has applied a change before.
        deployed: bool,
    },
    /// The services were asked.
    Checked {
        /// Whether they answer.
        verdict: Verdict,
        /// Whether this pipeline has applied a change before.
        deployed: bool,
    },
    /// Many states were looked at.
    Stacks {
        /// The worst of their verdicts.
        verdict: Verdict,
        /// How many ended how.
        counts: String,
    },
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
            Self::Compared { verdict, .. }
            | Self::Checked { verdict, .. }
            | Self::Stacks { verdict, .. }
            | Self::Finished { verdict, .. } => Some(*verdict),
            Self::Failed { .. } => Some(Verdict::Violation),
        }
    }

    fn words(&self, topic: Topic) -> String {
        // A pipeline that only looks has deployed nothing.
        let after = |deployed: bool, words: &str| match deployed {
            true => format!("deployed; {words}"),
            false => words.to_owned(),
        };
        match self {
            Self::Running => topic.at_work().to_owned(),
            Self::WaitingForApproval => "waiting for approval".to_owned(),
            Self::Deployed { approved_by } => format!("deployed, approved by {}", short(approved_by)),
            Self::Compared { verdict, deployed } => after(*deployed, agreement(*verdict)),
            Self::Checked { verdict, deployed } => after(*deployed, services(*verdict)),
            Self::Stacks { counts, .. } => short(counts),
            Self::Failed { what } => format!("failed: {}", short(what)),
            Self::Finished { outcome, .. } => format!("finished: {}", short(outcome)),
        }
    }
}

/// The thread's first message, for this status. Post it once, then update it in place.
#[must_use]
pub fn started(pipeline: &Pipeline, status: &Status) -> Notice {
    let symbol = status.verdict().map_or("⏳", symbol);
    let status_words = status.words(pipeline.topic);
    let mut facts = Text::new();
    for (before, fact) in pipeline.facts() {
        facts = facts.plain(before).code(short(fact));
    }
    let mut words = RichText::new()
        .line(
            Text::new()
                .plain(symbol)
                .plain(" ")
                .bold(upper_first(&status_words)),
        )
        .line(cut(&clean(&pipeline.commit_title), 300))
        .line(facts);
    if let Some(state) = &pipeline.state {
        words = words.line(Text::new().plain("State ").code(short(state)));
    }
    let mut text = format!("{}: {status_words}", short(&pipeline.project));
    if !pipeline.commit_title.is_empty() {
        text = format!("{text}. {}", cut(&pipeline.commit_title, 300));
    }
    if let Some(facts) = pipeline.facts_in_words() {
        text = format!("{text} ({facts})");
    }
    let title = format!("{}: {}", pipeline.topic.title(), short(&pipeline.project));
    Notice::new(pipeline, "started", status.verdict(), title, text)
        .part(words)
        .pipeline_link()
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

    fn facts_in_words(&self) -> Option<String> {
        let facts: String = self
            .facts()
            .map(|(before, fact)| format!("{before}{}", short(fact)))
            .collect();
        (!facts.is_empty()).then_some(facts)
    }

    /// Which change it is, on one line: for a message that stands alone.
    pub(crate) fn about(&self) -> String {
        let title = cut(&clean(&self.commit_title), 150);
        let parts = [Some(short(&self.project)), Some(title), self.facts_in_words()];
        let parts: Vec<String> = parts
            .into_iter()
            .flatten()
            .filter(|part| !part.trim().is_empty())
            .collect();
        parts.join(" · ")
    }

    /// The notice about this event: its text begins with what it is about.
    pub(crate) fn notice(
        &self,
        event: &'static str,
        verdict: Option<Verdict>,
        title: &str,
        text: &str,
    ) -> Notice {
        Notice::new(self, event, verdict, title, format!("{}: {text}", self.name()))
    }

    /// What a program may read from the message.
    pub(crate) fn payload(&self, event: &str) -> serde_json::Value {
        let mut payload = json!({ "event": event, "project": short(&self.project) });
        // Metadata knows no null (Slack: `MessageMetadataEventPayloadObject` of `@slack/types`).
        if let Some(id) = self.id {
            payload["pipeline"] = json!(id);
        }
        payload
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

/// `2026-01-31 12:30 UTC`, of a time as the documents write it; anything else as it is.
pub(crate) fn time(text: &str) -> String {
    let shown = text
        .strip_suffix('Z')
        .and_then(|text| text.split_once('T'))
        .and_then(|(day, time)| Some((day, time.get(..5)?)))
        .filter(|(day, time)| {
            day.len() == 10
                && [*day, *time]
                    .iter()
                    .all(|part| part.bytes().all(|b| b.is_ascii_digit() || b"-:".contains(&b)))
        });
    match shown {
        Some((day, time)) => format!("{day} {time} UTC"),
        None => short(text),
    }
}

/// The first `most` of the points, fewer when they are long. When some are left out, a last one says how many and in which
/// document they are.
pub(crate) fn at_most(
    most: usize,
    points: impl ExactSizeIterator<Item = Text>,
    document: &'static str,
) -> (Vec<Text>, Option<&'static str>) {
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
    if left_out == 0 {
        return (shown, None);
    }
    shown.push(Text::new().italic(format!(
        "and {left_out} more in {document}, an artifact of the pipeline"
    )));
    (shown, Some(document))
}
