//! A whole message, fitted to what Slack takes.

use crate::escape::escape_cut;
use crate::{Block, limits};
use serde::Serialize;
use serde_json::{Value, json};

/// A whole message, fitted to what Slack takes: the limits hold from the moment it is built.
///
/// The text stands for the whole message where blocks are not shown: in notifications, on a watch, in a screen reader,
/// in a sink that drops blocks. Say there what happened, not "see below".
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    text: String,
    blocks: Vec<Block>,
    shortened: bool,
    metadata: Option<Metadata>,
}

/// What a program may read from a message later. Every member of the workspace can read it too.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metadata {
    /// What kind of event the message tells, such as `deploy_finished`.
    pub event_type: String,
    /// Flat facts about it.
    pub event_payload: Value,
}

const NOTE: &str = "Shortened to fit Slack.";

impl Message {
    /// A message with this text for notifications and screen readers, and these blocks. The text is taken as plain words
    /// and escaped. Blocks beyond Slack's limits are cut or left out from the end, except titles and buttons; a line at the end
    /// says so.
    #[must_use]
    pub fn new(text: impl AsRef<str>, blocks: impl IntoIterator<Item = Block>) -> Self {
        let blocks: Vec<Block> = blocks.into_iter().flat_map(Block::legal).collect();
        let mut text = escape_cut(text.as_ref().trim(), limits::TEXT);
        if text.is_empty() {
            let spoken = blocks.iter().map(Block::to_plain).find(|words| !words.is_empty());
            text = escape_cut(spoken.as_deref().unwrap_or("(empty message)"), limits::TEXT);
        }
        let (blocks, shortened) = fit(blocks);
        Self {
            text,
            blocks,
            shortened,
            metadata: None,
        }
    }

    /// With facts for programs. (Slack: "Message metadata".)
    #[must_use]
    pub fn metadata(mut self, event_type: impl Into<String>, event_payload: Value) -> Self {
        self.metadata = Some(Metadata {
            event_type: event_type.into(),
            event_payload,
        });
        self
    }

    /// The top-level text, escaped.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether something had to be cut or left out of the blocks as a whole.
    #[must_use]
    pub fn is_shortened(&self) -> bool {
        self.shortened
    }

    /// The arguments of `chat.postMessage` and `chat.update` that the message brings: `text`, `blocks`, `metadata`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut message = json!({ "text": self.text });
        // Sent even when there are none, so that an update takes the old ones away.
        message["blocks"] = self.blocks.iter().map(Block::to_json).collect();
        if let Some(metadata) = &self.metadata {
            message["metadata"] =
                json!({ "event_type": metadata.event_type, "event_payload": metadata.event_payload });
        }
        message
    }

    /// The whole message as plain text, as a log or another sink shows it.
    #[must_use]
    pub fn to_plain(&self) -> String {
        let blocks: Vec<String> = self
            .blocks
            .iter()
            .map(Block::to_plain)
            .filter(|text| !text.is_empty())
            .collect();
        blocks.join("\n")
    }
}

/// Fits the blocks into the number and the budget of a message. Titles and buttons are kept before all else: a
/// message may lose its details, never the way to act on them.
fn fit(blocks: Vec<Block>) -> (Vec<Block>, bool) {
    let weight: usize = blocks.iter().map(Block::weight).sum();
    if blocks.len() <= limits::BLOCKS && weight <= limits::BUDGET {
        return (blocks, false);
    }
    let note = Block::context([NOTE]);
    let (mut count, mut budget) = (limits::BLOCKS - 1, limits::BUDGET - note.weight());
    let mut kept: Vec<Option<Block>> = vec![None; blocks.len()];
    let (flexible, rigid): (Vec<_>, Vec<_>) = blocks
        .into_iter()
        .enumerate()
        .partition(|(_, block)| block.may_be_cut());
    for (place, block) in rigid.into_iter().chain(flexible) {
        if count == 0 {
            break;
        }
        let weight = block.weight();
        let block = if weight <= budget {
            Some(block)
        } else {
            block.cut(budget)
        };
        if let Some(block) = block {
            budget -= block.weight();
            count -= 1;
            kept[place] = Some(block);
        }
    }
    let mut kept: Vec<Block> = kept.into_iter().flatten().collect();
    kept.push(note);
    (kept, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Button, RichText, Text};
    use proptest::prelude::*;

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z<>&*_`!@ \n]{0,40}",
            "\\PC{0,20}",
            (
                1_usize..5000,
                prop_oneof![Just("&"), Just("x"), Just("é<"), Just("\u{202e}")]
            )
                .prop_map(|(n, s)| s.repeat(n)),
        ]
    }

    fn any_block() -> impl Strategy<Value = Block> {
        prop_oneof![
            any_text().prop_map(Block::header),
            any_text().prop_map(|text| Block::section(Text::new().bold("a").plain(text))),
            any_text().prop_map(Block::section),
            prop::collection::vec(any_text(), 0..13).prop_map(Block::fields),
            prop::collection::vec(any_text(), 0..13).prop_map(Block::context),
            prop::collection::vec(any_text(), 0..30).prop_map(|labels| Block::actions(
                labels.iter().map(|l| Button::link(l, "https://a.example/"))
            )),
            Just(Block::divider()),
            (any_text(), prop::collection::vec(any_text(), 0..5), any_text()).prop_map(
                |(line, points, pre)| {
                    Block::rich_text(
                        RichText::new()
                            .line(Text::new().code(line))
                            .bullets(points)
                            .preformatted(pre),
                    )
                }
            ),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
        #[test]
        fn whatever_is_put_in_slack_would_take(text in any_text(), blocks in prop::collection::vec(any_block(), 0..60)) {
            let message = Message::new(&text, blocks);
            let problems = limits::check(&message.to_json());
            prop_assert!(problems.is_empty(), "{:?}", problems);
        }
    }

    #[test]
    fn a_message_too_big_keeps_its_title_and_its_button_and_says_so() {
        let long = |n: usize| Block::section(format!("{n} ").repeat(1500));
        let message = Message::new(
            "Plan",
            [
                Block::header("Plan"),
                long(1),
                long(2),
                long(3),
                long(4),
                Block::actions([Button::link("Open", "https://a.example")]),
            ],
        );
        assert!(message.is_shortened());
        let kinds: Vec<String> = message.to_json()["blocks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|b| b["type"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            kinds,
            ["header", "section", "section", "section", "actions", "context"]
        );
        assert!(
            message
                .to_plain()
                .ends_with("Open: https://a.example/\nShortened to fit Slack.")
        );
    }

    #[test]
    fn a_message_always_has_a_text() {
        assert_eq!(Message::new(" ", [Block::header("Deployed")]).text(), "Deployed");
        assert_eq!(Message::new("", []).text(), "(empty message)");
    }
}
