//! A whole message, fitted to what Slack takes.

use crate::escape::{clean, escape_cut};
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
    whole: Option<String>,
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

/// Where the metadata's payload holds the sender's key.
pub(crate) const KEY: &str = "key";

impl Message {
    /// A message with this text for notifications and screen readers, and these blocks. The text is taken as plain words
    /// and escaped. Blocks beyond Slack's limits are cut or left out from the end, except titles and buttons; a line at the end
    /// says so.
    #[must_use]
    pub fn new(text: impl AsRef<str>, blocks: impl IntoIterator<Item = Block>) -> Self {
        let given: Vec<Block> = one_table(blocks).collect();
        let whole = plain(&given);
        let blocks: Vec<Block> = given.into_iter().flat_map(Block::legal).collect();
        let mut text = escape_cut(text.as_ref().trim(), limits::TEXT);
        if text.is_empty() {
            let spoken = blocks.iter().map(Block::to_plain).find(|words| !words.is_empty());
            text = escape_cut(spoken.as_deref().unwrap_or("(empty message)"), limits::TEXT);
        }
        let (blocks, shortened) = fit(blocks, &whole);
        Self {
            text,
            blocks,
            whole: shortened.then_some(whole),
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

    /// With a key of the sender's own in the metadata, by which [`post_once`](crate::client::Client::post_once) recognises the
    /// message. Every member of the workspace can read it.
    #[must_use]
    pub fn key(mut self, key: impl AsRef<str>) -> Self {
        let metadata = self.metadata.get_or_insert_with(|| Metadata {
            event_type: "keyed_message".to_owned(),
            event_payload: json!({}),
        });
        if !metadata.event_payload.is_object() {
            metadata.event_payload = json!({ "value": metadata.event_payload });
        }
        metadata.event_payload[KEY] = json!(clean(key.as_ref()));
        self
    }

    /// The top-level text, escaped.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole of the message as plain text, when the blocks had to be cut: what to add as a file or in the thread.
    #[must_use]
    pub fn whole(&self) -> Option<&str> {
        self.whole.as_deref()
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
        plain(&self.blocks)
    }
}

fn plain(blocks: &[Block]) -> String {
    let blocks: Vec<String> = blocks
        .iter()
        .map(Block::to_plain)
        .filter(|text| !text.is_empty())
        .collect();
    blocks.join("\n")
}

/// Slack takes one table in a message.
fn one_table(blocks: impl IntoIterator<Item = Block>) -> impl Iterator<Item = Block> {
    let mut tables = 0;
    blocks.into_iter().map(move |block| {
        tables += usize::from(block.is_table());
        if tables > 1 { block.into_list() } else { block }
    })
}

/// Fits the blocks into the number and the budget of a message, and says whether anything of the whole is missing. Titles and
/// buttons are kept before all else: a message may lose its details, never the way to act on them.
fn fit(blocks: Vec<Block>, whole: &str) -> (Vec<Block>, bool) {
    let weight: usize = blocks.iter().map(Block::weight).sum();
    let shown = plain(&blocks);
    let cut = !shown.split_whitespace().eq(whole.split_whitespace());
    if !cut && blocks.len() <= limits::BLOCKS && weight <= limits::BUDGET {
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
            prop::collection::vec(prop::collection::vec(any_text(), 0..4), 0..6).prop_map(Block::table),
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
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
        #[test]
        fn whatever_is_put_in_slack_would_take(text in any_text(), blocks in prop::collection::vec(any_block(), 0..60)) {
            let message = Message::new(&text, blocks);
            let problems = limits::check(&message.to_json());
            prop_assert!(problems.is_empty(), "{:?}", problems);
        }

        #[test]
        fn what_is_not_shown_is_in_the_whole(blocks in prop::collection::vec(any_block(), 0..30)) {
            let given = plain(&one_table(blocks.clone()).collect::<Vec<_>>());
            let message = Message::new("x", blocks);
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            match message.whole() {
                Some(whole) => {
                    prop_assert_eq!(words(whole), words(&given));
                    prop_assert!(message.to_plain().ends_with(NOTE));
                }
                None => prop_assert_eq!(words(&message.to_plain()), words(&given)),
            }
        }
    }

    #[test]
    fn a_second_table_becomes_a_list_and_a_long_one_says_how_much_is_missing() {
        let rows = |n: usize| (0..n).map(|row| [format!("row {row}"), String::new()]);
        let message = Message::new("Tables", [Block::table(rows(3)), Block::table(rows(2))]);
        assert_eq!(
            message.to_plain(),
            "row 0 · –\nrow 1 · –\nrow 2 · –\n• row 0 · –\n• row 1 · –"
        );
        let long = Message::new("Table", [Block::table(rows(300))]);
        assert!(
            long.to_plain().contains("row 98 · –\n… 201 more"),
            "{}",
            long.to_plain()
        );
        assert!(long.whole().is_some_and(|whole| whole.contains("row 299")));
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
        let whole = message.whole().unwrap();
        assert!(whole.contains("4 4 4") && whole.ends_with("Open: https://a.example/"));
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
