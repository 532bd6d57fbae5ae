//! Slack's limits as numbers, and a check of a finished message against them.
//!
//! The numbers are those of Slack's "Block Kit reference" pages and of the official `@slack/types`. They count Unicode
//! code points. Two are our own, and say so.

use serde_json::Value;
use std::fmt;

/// Blocks in a message.
pub const BLOCKS: usize = 50;
/// Characters of all blocks together. **Ours**: Slack documents no total, but answers `msg_blocks_too_long` somewhere
/// between 9 600 and 13 200 characters although each block is legal (slackapi/bolt-js issues 2509 and 2867).
pub const BUDGET: usize = 9000;
/// Characters of the top-level text. **Ours**: Slack takes 40 000, but a text over 4 000 can't be edited later.
pub const TEXT: usize = 4000;
/// Characters of a header.
pub const HEADER_TEXT: usize = 150;
/// Characters of a section's text.
pub const SECTION_TEXT: usize = 3000;
/// Fields of a section.
pub const FIELDS: usize = 10;
/// Characters of a field, or of one piece of small print.
pub const FIELD_TEXT: usize = 2000;
/// Pieces of small print in a context block.
pub const CONTEXT_ELEMENTS: usize = 10;
/// Buttons in an actions block.
pub const ACTIONS: usize = 25;
/// Characters of a button's label.
pub const BUTTON_TEXT: usize = 75;
/// Characters of a link.
pub const URL: usize = 3000;
/// Characters of an `action_id` or `block_id`.
pub const ID: usize = 255;
/// Rows of a table, its head included.
pub const TABLE_ROWS: usize = 100;
/// Columns of a table.
pub const TABLE_COLUMNS: usize = 20;
/// Characters of one rich text block. **Ours**: Slack documents none; a section's is known to be safe.
pub const RICH_TEXT: usize = 3000;

/// One thing that Slack would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, as a JSON pointer: `/blocks/3/text/text`.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.message)
    }
}

/// What Slack would refuse in these arguments of `chat.postMessage`. Empty for every message built with this crate;
/// for tests of messages from elsewhere as well. A block type that this crate does not write is a problem, since
/// nothing is known of it here.
#[must_use]
pub fn check(message: &Value) -> Vec<Problem> {
    let mut check = Check::default();
    check.string(&message["text"], "/text", 1, TEXT);
    match message.get("blocks") {
        None => {}
        Some(Value::Array(blocks)) => {
            if blocks.len() > BLOCKS {
                check.say("/blocks", format!("{} blocks, at most {BLOCKS}", blocks.len()));
            }
            for (index, block) in blocks.iter().enumerate() {
                check.block(block, &format!("/blocks/{index}"));
            }
            if blocks.iter().filter(|block| block["type"] == "table").count() > 1 {
                check.say("/blocks", "more than one table".to_owned());
            }
        }
        Some(_) => check.say("/blocks", "not a list".to_owned()),
    }
    if check.total > BUDGET {
        check.say(
            "/blocks",
            format!("{} characters in all, at most {BUDGET}", check.total),
        );
    }
    check.problems
}

#[derive(Default)]
struct Check {
    problems: Vec<Problem>,
    total: usize,
}

impl Check {
    fn say(&mut self, pointer: &str, message: String) {
        self.problems.push(Problem {
            pointer: pointer.to_owned(),
            message,
        });
    }

    /// Checks a string's length and gives it.
    fn string(&mut self, value: &Value, pointer: &str, least: usize, most: usize) -> usize {
        let Some(text) = value.as_str() else {
            self.say(pointer, "not a string".to_owned());
            return 0;
        };
        let length = text.chars().count();
        if length < least {
            self.say(pointer, "empty".to_owned());
        }
        if length > most {
            self.say(pointer, format!("{length} characters, at most {most}"));
        }
        length
    }

    fn list<'v>(&mut self, value: &'v Value, pointer: &str, most: usize) -> &'v [Value] {
        let list = value.as_array().map_or(&[][..], Vec::as_slice);
        if list.is_empty() || list.len() > most {
            self.say(
                pointer,
                format!("{} elements, at least 1 and at most {most}", list.len()),
            );
        }
        list
    }

    fn block(&mut self, block: &Value, at: &str) {
        match block["type"].as_str() {
            Some("divider") => {}
            Some("header") => self.text_object(&block["text"], &format!("{at}/text"), HEADER_TEXT, true),
            Some("section") => {
                if block.get("text").is_none() && block.get("fields").is_none() {
                    self.say(at, "neither text nor fields".to_owned());
                }
                if let Some(text) = block.get("text") {
                    self.text_object(text, &format!("{at}/text"), SECTION_TEXT, false);
                }
                if let Some(fields) = block.get("fields") {
                    for (index, field) in self
                        .list(fields, &format!("{at}/fields"), FIELDS)
                        .iter()
                        .enumerate()
                    {
                        self.text_object(field, &format!("{at}/fields/{index}"), FIELD_TEXT, false);
                    }
                }
            }
            Some("context") => {
                let pieces = self.list(&block["elements"], &format!("{at}/elements"), CONTEXT_ELEMENTS);
                for (index, piece) in pieces.iter().enumerate() {
                    self.text_object(piece, &format!("{at}/elements/{index}"), FIELD_TEXT, false);
                }
            }
            Some("actions") => {
                let buttons = self.list(&block["elements"], &format!("{at}/elements"), ACTIONS);
                for (index, button) in buttons.iter().enumerate() {
                    self.button(button, &format!("{at}/elements/{index}"));
                }
                let mut ids: Vec<&str> = buttons
                    .iter()
                    .filter_map(|button| button["action_id"].as_str())
                    .collect();
                ids.sort_unstable();
                if ids.windows(2).any(|pair| pair[0] == pair[1]) {
                    self.say(at, "two buttons with one action_id".to_owned());
                }
            }
            Some("rich_text") => {
                let before = self.total;
                for (index, part) in self
                    .list(&block["elements"], &format!("{at}/elements"), usize::MAX)
                    .iter()
                    .enumerate()
                {
                    self.rich_part(part, &format!("{at}/elements/{index}"));
                }
                if self.total - before > RICH_TEXT {
                    self.say(
                        at,
                        format!("{} characters, at most {RICH_TEXT}", self.total - before),
                    );
                }
            }
            Some("table") => {
                for (row, cells) in self
                    .list(&block["rows"], &format!("{at}/rows"), TABLE_ROWS)
                    .iter()
                    .enumerate()
                {
                    let at = format!("{at}/rows/{row}");
                    for (column, cell) in self.list(cells, &at, TABLE_COLUMNS).iter().enumerate() {
                        match cell["type"].as_str() {
                            Some("rich_text") => self.block(cell, &format!("{at}/{column}")),
                            other => self.say(&at, format!("a cell of type {}", other.unwrap_or("?"))),
                        }
                    }
                }
            }
            other => self.say(at, format!("a block of type {}", other.unwrap_or("?"))),
        }
    }

    fn text_object(&mut self, text: &Value, at: &str, most: usize, plain_only: bool) {
        match text["type"].as_str() {
            Some("plain_text") => {}
            Some("mrkdwn") if !plain_only => {}
            other => self.say(at, format!("a text of type {}", other.unwrap_or("?"))),
        }
        self.total += self.string(&text["text"], &format!("{at}/text"), 1, most);
    }

    fn button(&mut self, button: &Value, at: &str) {
        if button["type"] != "button" {
            self.say(at, "not a button".to_owned());
        }
        self.text_object(&button["text"], &format!("{at}/text"), BUTTON_TEXT, true);
        self.total += self.string(&button["url"], &format!("{at}/url"), 1, URL);
        self.string(&button["action_id"], &format!("{at}/action_id"), 1, ID);
    }

    fn rich_part(&mut self, part: &Value, at: &str) {
        for (index, element) in self
            .list(&part["elements"], &format!("{at}/elements"), usize::MAX)
            .iter()
            .enumerate()
        {
            let at = format!("{at}/elements/{index}");
            match (part["type"].as_str(), element["type"].as_str()) {
                (Some("rich_text_list"), Some("rich_text_section")) => self.rich_part(element, &at),
                (Some("rich_text_section" | "rich_text_preformatted"), Some("text")) => {
                    self.total += self.string(&element["text"], &format!("{at}/text"), 1, RICH_TEXT);
                }
                (Some("rich_text_section"), Some("link")) => {
                    self.total += self.string(&element["url"], &format!("{at}/url"), 1, URL);
                    self.total += self.string(&element["text"], &format!("{at}/text"), 1, RICH_TEXT);
                }
                (part, element) => {
                    self.say(
                        &at,
                        format!("a {} in a {}", element.unwrap_or("?"), part.unwrap_or("?")),
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_slack_would_refuse() {
        let message = json!({
            "text": "",
            "blocks": [
                { "type": "header", "text": { "type": "mrkdwn", "text": "x".repeat(151) } },
                { "type": "section" },
                { "type": "section", "text": { "type": "mrkdwn", "text": "" } },
                { "type": "section", "fields": vec![json!({ "type": "mrkdwn", "text": "x" }); 11] },
                { "type": "context", "elements": [] },
                { "type": "actions", "elements": vec![
                    json!({ "type": "button", "text": { "type": "plain_text", "text": "x".repeat(76) }, "url": "https://a.example", "action_id": "same" }); 2
                ] },
                { "type": "rich_text", "elements": [{ "type": "rich_text_preformatted", "elements": [{ "type": "link" }] }] },
                { "type": "carousel" },
            ],
        });
        let told: Vec<String> = check(&message).iter().map(ToString::to_string).collect();
        insta::assert_snapshot!("refused-by-slack", told.join("\n"));
        assert_eq!(
            check(&json!({ "text": "x", "blocks": vec![json!({ "type": "divider" }); 51] })).len(),
            1
        );
    }
}
