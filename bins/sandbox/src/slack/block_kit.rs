//! Block Kit's limits, checked on the JSON as it arrives.
//!
//! Nothing here is shared with the crate that writes the messages: an error in one must not hide in the other.
//! Lengths are Unicode code points, of the text as sent (entities count as written).
//!
//! Source: "Reference: blocks", "Reference: block elements" and "Reference: composition objects" in Slack's
//! documentation; the total of all texts is undocumented (slackapi/bolt-js issue 2509).

use serde_json::Value;
use std::collections::HashSet;

/// Something Slack would refuse, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer into the message, such as `/blocks/0/text/text`.
    pub pointer: String,
    /// What is wrong, in Slack's words where known.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} [json-pointer:{}]", self.message, self.pointer)
    }
}

/// Blocks in one message.
pub const MAX_BLOCKS: usize = 50;

/// The sum of all texts in one message from which Slack may answer `msg_blocks_too_long`. Undocumented; the lowest
/// sum reported as refused is 11 341.
pub const MAX_TOTAL_TEXT: usize = 11_340;

/// Checks the `blocks` of a message. Nothing found means that Slack would take them.
#[must_use]
pub fn check(blocks: &Value) -> Vec<Problem> {
    let mut checker = Checker::default();
    let Some(list) = blocks.as_array() else {
        checker.problem("/blocks", "must be an array");
        return checker.problems;
    };
    if list.len() > MAX_BLOCKS {
        checker.problem("/blocks", &format!("no more than {MAX_BLOCKS} items allowed"));
    }
    let mut ids = HashSet::new();
    for (index, block) in list.iter().enumerate() {
        let at = format!("/blocks/{index}");
        checker.block(block, &at);
        if let Some(id) = block.get("block_id").and_then(Value::as_str)
            && !ids.insert(id)
        {
            checker.problem(
                &format!("{at}/block_id"),
                "block_id must be unique in the message",
            );
        }
    }
    if list.iter().filter(|block| block["type"] == "table").count() > 1 {
        checker.problem("/blocks", "only_one_table_allowed");
    }
    if checker.markdown_total > 12_000 {
        checker.problem(
            "/blocks",
            "markdown blocks together must be less than 12001 characters",
        );
    }
    checker.problems
}

/// All visible text of the blocks, in code points.
#[must_use]
pub fn total_text(blocks: &Value) -> usize {
    match blocks {
        Value::Array(items) => items.iter().map(total_text).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| match (name.as_str(), value) {
                ("text" | "alt_text" | "title", Value::String(text)) => text.chars().count(),
                _ => total_text(value),
            })
            .sum(),
        _ => 0,
    }
}

#[derive(Default)]
struct Checker {
    problems: Vec<Problem>,
    markdown_total: usize,
}

impl Checker {
    fn problem(&mut self, pointer: &str, message: &str) {
        self.problems.push(Problem {
            pointer: pointer.to_owned(),
            message: message.to_owned(),
        });
    }

    fn block(&mut self, block: &Value, at: &str) {
        let Some(members) = block.as_object() else {
            return self.problem(at, "must be an object");
        };
        if let Some(id) = members.get("block_id") {
            self.length(Some(id), &format!("{at}/block_id"), 255);
        }
        let kind = members.get("type").and_then(Value::as_str).unwrap_or_default();
        let known: &[&str] = match kind {
            "header" => &["text"],
            "section" => &["text", "fields", "accessory", "expand"],
            "context" | "actions" | "rich_text" => &["elements"],
            "divider" => &[],
            "image" => &["image_url", "alt_text", "title", "slack_file"],
            "markdown" => &["text"],
            "table" => &["rows", "column_settings"],
            _ => return self.problem(&format!("{at}/type"), &format!("unsupported type: {kind}")),
        };
        for name in members.keys() {
            if name != "type" && name != "block_id" && !known.contains(&name.as_str()) {
                self.problem(
                    &format!("{at}/{name}"),
                    &format!("no such member in a {kind} block"),
                );
            }
        }
        match kind {
            "header" => self.plain_text(block.get("text"), &format!("{at}/text"), 150),
            "section" => self.section(block, at),
            "context" => {
                for (element, at) in self.list(block.get("elements"), &format!("{at}/elements"), 1, 10) {
                    match element.get("type").and_then(Value::as_str) {
                        Some("image") => self.image(&element, &at),
                        _ => self.text_object(Some(&element), &at, 3000),
                    }
                }
            }
            "actions" => {
                let mut ids = HashSet::new();
                for (element, at) in self.list(block.get("elements"), &format!("{at}/elements"), 1, 25) {
                    self.element(&element, &at);
                    if let Some(id) = element.get("action_id").and_then(Value::as_str)
                        && !ids.insert(id.to_owned())
                    {
                        self.problem(
                            &format!("{at}/action_id"),
                            "action_id must be unique in its block",
                        );
                    }
                }
            }
            "image" => {
                self.image(block, at);
                if block.get("title").is_some() {
                    self.plain_text(block.get("title"), &format!("{at}/title"), 2000);
                }
            }
            "markdown" => {
                self.length(block.get("text"), &format!("{at}/text"), 12_000);
                self.markdown_total += block["text"].as_str().map_or(0, |text| text.chars().count());
            }
            "table" => self.table(block, at),
            "rich_text" => {
                for (element, at) in
                    self.list(block.get("elements"), &format!("{at}/elements"), 1, usize::MAX)
                {
                    self.rich_container(&element, &at);
                }
            }
            _ => {}
        }
    }

    fn section(&mut self, block: &Value, at: &str) {
        if block.get("text").is_none() && block.get("fields").is_none() {
            self.problem(at, "missing required field: text or fields");
        }
        if block.get("text").is_some() {
            self.text_object(block.get("text"), &format!("{at}/text"), 3000);
        }
        if block.get("fields").is_some() {
            for (field, at) in self.list(block.get("fields"), &format!("{at}/fields"), 1, 10) {
                self.text_object(Some(&field), &at, 2000);
            }
        }
        if let Some(accessory) = block.get("accessory") {
            self.element(accessory, &format!("{at}/accessory"));
        }
    }

    /// An interactive element, or an image beside a section.
    fn element(&mut self, element: &Value, at: &str) {
        match element.get("type").and_then(Value::as_str) {
            Some("button") => {
                self.plain_text(element.get("text"), &format!("{at}/text"), 75);
                for (member, limit) in [
                    ("url", 3000),
                    ("value", 2000),
                    ("action_id", 255),
                    ("accessibility_label", 75),
                ] {
                    if let Some(value) = element.get(member) {
                        self.length(Some(value), &format!("{at}/{member}"), limit);
                    }
                }
                if let Some(url) = element.get("url").and_then(Value::as_str)
                    && !(url.starts_with("https://") || url.starts_with("http://"))
                {
                    self.problem(&format!("{at}/url"), "must be a valid URL");
                }
                if let Some(style) = element.get("style")
                    && !matches!(style.as_str(), Some("primary" | "danger"))
                {
                    self.problem(&format!("{at}/style"), "must be one of primary, danger");
                }
                if let Some(confirm) = element.get("confirm") {
                    for (member, limit) in [("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)] {
                        self.plain_text(confirm.get(member), &format!("{at}/confirm/{member}"), limit);
                    }
                }
            }
            Some("image") => self.image(element, at),
            Some("overflow") => {
                for (option, at) in self.list(element.get("options"), &format!("{at}/options"), 1, 5) {
                    self.plain_text(option.get("text"), &format!("{at}/text"), 75);
                    if option.get("value").is_some() {
                        self.length(option.get("value"), &format!("{at}/value"), 150);
                    }
                }
            }
            other => {
                let kind = other.unwrap_or_default();
                self.problem(&format!("{at}/type"), &format!("unsupported type: {kind}"));
            }
        }
    }

    fn image(&mut self, image: &Value, at: &str) {
        if image.get("slack_file").is_none() {
            self.length(image.get("image_url"), &format!("{at}/image_url"), 3000);
        }
        self.length(image.get("alt_text"), &format!("{at}/alt_text"), 2000);
    }

    fn table(&mut self, block: &Value, at: &str) {
        for (row, at) in self.list(block.get("rows"), &format!("{at}/rows"), 1, 100) {
            for (cell, at) in self.list(Some(&row), &at, 1, 20) {
                match cell.get("type").and_then(Value::as_str) {
                    Some("raw_text") => self.length(cell.get("text"), &format!("{at}/text"), usize::MAX - 1),
                    Some("rich_text") => self.block(&cell, &at),
                    _ => self.problem(&format!("{at}/type"), "must be one of raw_text, rich_text"),
                }
            }
        }
    }

    fn rich_container(&mut self, element: &Value, at: &str) {
        let kind = element.get("type").and_then(Value::as_str).unwrap_or_default();
        let inner = format!("{at}/elements");
        match kind {
            "rich_text_section" | "rich_text_preformatted" | "rich_text_quote" => {
                for (piece, at) in self.list(element.get("elements"), &inner, 0, usize::MAX) {
                    self.rich_piece(&piece, &at, kind);
                }
            }
            "rich_text_list" => {
                if !matches!(
                    element.get("style").and_then(Value::as_str),
                    Some("bullet" | "ordered")
                ) {
                    self.problem(&format!("{at}/style"), "must be one of bullet, ordered");
                }
                for (item, at) in self.list(element.get("elements"), &inner, 0, usize::MAX) {
                    if item.get("type").and_then(Value::as_str) == Some("rich_text_section") {
                        self.rich_container(&item, &at);
                    } else {
                        self.problem(&format!("{at}/type"), "must be rich_text_section");
                    }
                }
            }
            _ => self.problem(&format!("{at}/type"), &format!("unsupported type: {kind}")),
        }
    }

    fn rich_piece(&mut self, piece: &Value, at: &str, inside: &str) {
        let kind = piece.get("type").and_then(Value::as_str).unwrap_or_default();
        let required: &[&str] = match kind {
            "text" => &["text"],
            "link" => &["url"],
            "emoji" => &["name"],
            "user" => &["user_id"],
            "usergroup" => &["usergroup_id"],
            "channel" => &["channel_id"],
            "broadcast" => &["range"],
            "color" => &["value"],
            "date" => return,
            _ => return self.problem(&format!("{at}/type"), &format!("unsupported type: {kind}")),
        };
        for member in required {
            self.length(piece.get(*member), &format!("{at}/{member}"), usize::MAX - 1);
        }
        if inside == "rich_text_preformatted" && !matches!(kind, "text" | "link") {
            self.problem(
                &format!("{at}/type"),
                "only text and link are allowed in preformatted text",
            );
        }
        if let Some(style) = piece.get("style") {
            let known = [
                "bold",
                "italic",
                "strike",
                "code",
                "underline",
                "highlight",
                "client_highlight",
                "unlink",
            ];
            match style.as_object() {
                None => self.problem(&format!("{at}/style"), "must be an object"),
                Some(members) => {
                    for (name, value) in members {
                        if !known.contains(&name.as_str()) || !value.is_boolean() {
                            self.problem(&format!("{at}/style/{name}"), "no such style");
                        }
                    }
                }
            }
        }
    }

    /// `plain_text` or `mrkdwn`.
    fn text_object(&mut self, text: Option<&Value>, at: &str, limit: usize) {
        let Some(object) = text else {
            return self.problem(at, "missing required field");
        };
        let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
        match kind {
            "plain_text" => {
                if object.get("verbatim").is_some() {
                    self.problem(&format!("{at}/verbatim"), "only for mrkdwn");
                }
            }
            "mrkdwn" => {
                if object.get("emoji").is_some() {
                    self.problem(&format!("{at}/emoji"), "only for plain_text");
                }
            }
            _ => return self.problem(&format!("{at}/type"), "must be one of plain_text, mrkdwn"),
        }
        self.length(object.get("text"), &format!("{at}/text"), limit);
    }

    fn plain_text(&mut self, text: Option<&Value>, at: &str, limit: usize) {
        if text.and_then(|object| object.get("type")).and_then(Value::as_str) == Some("mrkdwn") {
            return self.problem(&format!("{at}/type"), "must be plain_text");
        }
        self.text_object(text, at, limit);
    }

    /// A text of 1 to `limit` characters.
    fn length(&mut self, text: Option<&Value>, at: &str, limit: usize) {
        match text {
            None => self.problem(at, "missing required field"),
            Some(Value::String(text)) if text.is_empty() => {
                self.problem(at, "must be more than 0 characters");
            }
            Some(Value::String(text)) if text.chars().count() > limit => {
                self.problem(
                    at,
                    &format!("must be less than {} characters", limit.saturating_add(1)),
                );
            }
            Some(Value::String(_)) => {}
            Some(_) => self.problem(at, "must be a string"),
        }
    }

    /// The items of a list with where they are; complains about its length.
    fn list(&mut self, value: Option<&Value>, at: &str, min: usize, max: usize) -> Vec<(Value, String)> {
        let Some(items) = value.and_then(Value::as_array) else {
            self.problem(at, "missing required field");
            return Vec::new();
        };
        if items.len() < min {
            self.problem(at, &format!("no less than {min} items allowed"));
        }
        if items.len() > max {
            self.problem(at, &format!("no more than {max} items allowed"));
        }
        items
            .iter()
            .enumerate()
            .map(|(index, item)| (item.clone(), format!("{at}/{index}")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The problems of one block, one per line.
    #[track_caller]
    fn problems(block: &Value) -> String {
        check(&json!([block]))
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn text(of: usize) -> Value {
        json!({"type": "mrkdwn", "text": "ü".repeat(of)})
    }

    fn plain(of: usize) -> Value {
        json!({"type": "plain_text", "text": "ü".repeat(of), "emoji": false})
    }

    /// Each limit is tried on its last good and its first bad value.
    #[test]
    fn each_length_is_taken_up_to_its_limit() {
        let button = |member: &str, value: Value| {
            let mut button = json!({"type": "button", "text": plain(1), "url": "https://a.example"});
            button[member] = value;
            json!({"type": "actions", "elements": [button]})
        };
        type Make = Box<dyn Fn(usize) -> Value>;
        let cases: Vec<(&str, usize, Make)> = vec![
            (
                "header",
                150,
                Box::new(|n| json!({"type": "header", "text": plain(n)})),
            ),
            (
                "section text",
                3000,
                Box::new(|n| json!({"type": "section", "text": text(n)})),
            ),
            (
                "section field",
                2000,
                Box::new(|n| json!({"type": "section", "fields": [text(n)]})),
            ),
            (
                "section fields",
                10,
                Box::new(|n| json!({"type": "section", "fields": vec![text(1); n]})),
            ),
            (
                "context elements",
                10,
                Box::new(|n| json!({"type": "context", "elements": vec![text(1); n]})),
            ),
            ("button text", 75, Box::new(move |n| button("text", plain(n)))),
            (
                "button value",
                2000,
                Box::new(move |n| button("value", json!("v".repeat(n)))),
            ),
            (
                "button url",
                3000,
                Box::new(move |n| button("url", json!(format!("https://{}", "u".repeat(n - 8))))),
            ),
            (
                "action id",
                255,
                Box::new(move |n| button("action_id", json!("i".repeat(n)))),
            ),
            (
                "block id",
                255,
                Box::new(|n| json!({"type": "divider", "block_id": "i".repeat(n)})),
            ),
            (
                "markdown",
                12_000,
                Box::new(|n| json!({"type": "markdown", "text": "m".repeat(n)})),
            ),
            (
                "actions elements",
                25,
                Box::new(|n| {
                    let button = json!({"type": "button", "text": plain(1)});
                    json!({"type": "actions", "elements": vec![button; n]})
                }),
            ),
        ];
        for (name, limit, make) in cases {
            assert_eq!(problems(&make(limit)), "", "{name} at {limit}");
            assert_ne!(problems(&make(limit + 1)), "", "{name} at {}", limit + 1);
        }
    }

    #[test]
    fn a_message_has_at_most_fifty_blocks() {
        let divider = json!({"type": "divider"});
        assert_eq!(check(&json!(vec![divider.clone(); 50])), []);
        assert_eq!(check(&json!(vec![divider; 51])).len(), 1);
    }

    #[test]
    fn a_problem_says_where_it_is() {
        insta::assert_snapshot!(
            problems(&json!({"type": "header", "text": {"type": "mrkdwn", "text": "x"}})),
            @"must be plain_text [json-pointer:/blocks/0/text/type]"
        );
        insta::assert_snapshot!(
            problems(&json!({"type": "section", "text": {"type": "mrkdwn", "text": ""}})),
            @"must be more than 0 characters [json-pointer:/blocks/0/text/text]"
        );
        insta::assert_snapshot!(
            problems(&json!({"type": "section"})),
            @"missing required field: text or fields [json-pointer:/blocks/0]"
        );
        insta::assert_snapshot!(
            problems(&json!({"type": "actions", "elements": [
                {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "url": "javascript:alert(1)",
                 "style": "green"}]})),
            @r"
        must be a valid URL [json-pointer:/blocks/0/elements/0/url]
        must be one of primary, danger [json-pointer:/blocks/0/elements/0/style]
        "
        );
        insta::assert_snapshot!(
            problems(&json!({"type": "marquee"})),
            @"unsupported type: marquee [json-pointer:/blocks/0/type]"
        );
    }

    #[test]
    fn rich_text_is_checked_to_its_leaves() {
        let good = json!({"type": "rich_text", "elements": [
            {"type": "rich_text_section", "elements": [
                {"type": "text", "text": "rule ", "style": {"bold": true}},
                {"type": "link", "url": "https://a.example", "text": "job"}]},
            {"type": "rich_text_list", "style": "bullet", "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]}]},
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "tcp 22"}]}]});
        assert_eq!(problems(&good), "");
        insta::assert_snapshot!(
            problems(&json!({"type": "rich_text", "elements": [
                {"type": "rich_text_section", "elements": [
                    {"type": "text", "text": ""}, {"type": "text", "text": "a", "style": {"blink": true}}]},
                {"type": "rich_text_list", "elements": [{"type": "text", "text": "bare"}]}]})),
            @r"
        must be more than 0 characters [json-pointer:/blocks/0/elements/0/elements/0/text]
        no such style [json-pointer:/blocks/0/elements/0/elements/1/style/blink]
        must be one of bullet, ordered [json-pointer:/blocks/0/elements/1/style]
        must be rich_text_section [json-pointer:/blocks/0/elements/1/elements/0/type]
        "
        );
    }

    #[test]
    fn ids_are_unique() {
        let twice = json!([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}]);
        assert_eq!(check(&twice)[0].pointer, "/blocks/1/block_id");
    }

    #[test]
    fn the_total_counts_every_visible_text_once() {
        let blocks = json!([
            {"type": "section", "text": {"type": "mrkdwn", "text": "12345"}},
            {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "ab"},
                                              "url": "https://not.counted.example"}]}]);
        assert_eq!(total_text(&blocks), 7);
    }
}
