//! One message, whatever service shows it.

use crate::Pipeline;
use portcullis_report::Verdict;
use portcullis_slack::{Block, Button, Message, RichText, Text};

/// What an event says, before any service's format: written once, shown by Slack, Mattermost, Teams, or a program of yours.
///
/// Words from outside are plain words in it, whatever marks they hold; each format escapes them in its own way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub(crate) event: &'static str,
    pub(crate) pipeline: Pipeline,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) body: Vec<RichText>,
    pub(crate) links: Vec<Link>,
    pub(crate) small: Vec<String>,
    documents: Vec<&'static str>,
}

/// Where a reader can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) label: &'static str,
    pub(crate) url: String,
    /// The one thing to do next.
    pub(crate) primary: bool,
}

/// A part of a notice, and the document that says the rest when not all of it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) text: RichText,
    pub(crate) document: Option<&'static str>,
}

impl Notice {
    /// A notice that says this text alone so far.
    pub(crate) fn new(
        pipeline: &Pipeline,
        event: &'static str,
        verdict: Option<Verdict>,
        title: impl Into<String>,
        text: String,
    ) -> Self {
        Self {
            event,
            pipeline: pipeline.clone(),
            verdict,
            title: title.into(),
            text,
            body: Vec::new(),
            links: Vec::new(),
            small: Vec::new(),
            documents: Vec::new(),
        }
    }

    pub(crate) fn part(mut self, part: RichText) -> Self {
        if !part.is_blank() {
            self.body.push(part);
        }
        self
    }

    pub(crate) fn section(mut self, section: Section) -> Self {
        self.documents.extend(section.document);
        self.part(section.text)
    }

    /// With a link, if there is one that a browser opens.
    pub(crate) fn link(mut self, label: &'static str, url: Option<&str>, primary: bool) -> Self {
        // The wire crate knows which links are usable, and writes them so that no mark ends them early.
        let usable = url.and_then(|url| {
            let text = Text::new().link(label, url);
            text.runs().find_map(|run| run.url.map(str::to_owned))
        });
        self.links.extend(usable.map(|url| Link { label, url, primary }));
        self
    }

    pub(crate) fn pipeline_link(self) -> Self {
        let url = self.pipeline.url.clone();
        self.link("Open the pipeline", url.as_deref(), false)
    }

    pub(crate) fn small(mut self, words: impl Into<String>) -> Self {
        self.small.push(words.into());
        self
    }

    /// The event it tells: `requested`, `deployed`, ….
    #[must_use]
    pub fn event(&self) -> &'static str {
        self.event
    }

    /// What stands for the whole notice where nothing else is shown: a notification, a watch, a screen reader.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The documents in the artifact folder that say what the notice leaves out.
    #[must_use]
    pub fn documents(&self) -> &[&'static str] {
        &self.documents
    }

    /// For Slack, in the pipeline's thread.
    #[must_use]
    pub fn to_slack(&self) -> Message {
        self.slack(None)
    }

    /// For Slack without a thread, as an incoming webhook posts it: it says itself which change it is about.
    #[must_use]
    pub fn to_slack_alone(&self) -> Message {
        let about = Block::context([Text::new().plain(self.pipeline.about())]);
        self.slack((self.event != "started").then_some(about))
    }

    fn slack(&self, about: Option<Block>) -> Message {
        let button = |link: &Link| {
            let button = Button::link(link.label, &link.url);
            if link.primary { button.primary() } else { button }
        };
        let mut blocks = vec![Block::header(&self.title)];
        blocks.extend(about);
        blocks.extend(self.body.iter().cloned().map(Block::rich_text));
        blocks.push(Block::actions(self.links.iter().map(button)));
        blocks.push(Block::context(
            self.small.iter().map(|words| Text::new().plain(words)),
        ));
        let kind = if self.event == "started" {
            "portcullis_pipeline"
        } else {
            "portcullis_event"
        };
        Message::new(&self.text, blocks).metadata(kind, self.pipeline.payload(self.event))
    }

    /// The words alone: for a log, or a list of what was not delivered.
    #[must_use]
    pub fn to_plain(&self) -> String {
        self.to_slack()
            .whole()
            .map_or_else(|| self.to_slack().to_plain(), str::to_owned)
    }
}
