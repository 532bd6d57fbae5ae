//! The formats of services other than Slack.

use crate::Notice;
use portcullis_report::text::{clean, cut};
use portcullis_report::{FORMAT_VERSION, Verdict};
use portcullis_slack::{Part, RichText, Run, Style, Text};
use serde_json::{Value, json};

/// Characters of a Mattermost message. **Ours**: a server may be set to 4000, and splits what is longer.
const MATTERMOST_TEXT: usize = 4000;

/// Bytes of a card with its envelope. Documented are 28 KB, from 21 KB on people saw refusals. (Microsoft: "Limits and
/// specifications for Microsoft Teams"; the gem `msteams_hermes`.)
const TEAMS_BYTES: usize = 20_000;

const SHORTENED: &str = "Shortened; the rest is in the pipeline's artifacts.";

impl Notice {
    /// For a Mattermost incoming webhook: one text in Mattermost's Markdown, since it drops Slack's blocks.
    #[must_use]
    pub fn to_mattermost(&self) -> Value {
        let mut head = format!("**{}**", markdown(&self.title));
        if self.event != "started" {
            head = format!("{head}\n{}", markdown(&self.pipeline.about()));
        }
        let links: Vec<String> = self
            .links
            .iter()
            .map(|link| format!("[{}](<{}>)", link.label, link.url))
            .collect();
        let small: Vec<String> = self.small.iter().map(|words| markdown(words)).collect();
        let tail = [links.join(" · "), small.join(" · ")];
        let around = tail.iter().map(|line| line.chars().count() + 2).sum::<usize>()
            + head.chars().count()
            + SHORTENED.len()
            + 4;
        let mut room = MATTERMOST_TEXT.saturating_sub(around);
        let mut parts = vec![head];
        let mut is_short = false;
        for line in self.body.iter().flat_map(markdown_lines) {
            let width = line.chars().count() + 1;
            if width > room {
                is_short = true;
                break;
            }
            room -= width;
            parts.push(line);
        }
        if is_short {
            parts.push(SHORTENED.to_owned());
        }
        parts.extend(
            tail.into_iter()
                .filter(|line| !line.is_empty())
                .map(|line| format!("\n{line}")),
        );
        json!({ "text": parts.join("\n") })
    }

    /// For a Microsoft Teams channel's Workflows webhook: an Adaptive Card. Its words are `TextRun`s, which no client parses as
    /// markup. (Microsoft: "Adaptive Cards schema", version 1.4.)
    #[must_use]
    pub fn to_teams(&self) -> Value {
        let mut body = vec![json!({
            "type": "Container",
            "style": match self.verdict {
                None => "default",
                Some(Verdict::Pass) => "good",
                Some(Verdict::Undetermined) => "warning",
                Some(Verdict::Violation) => "attention",
            },
            "bleed": true,
            "items": [block(&[run(&self.title, &json!({ "weight": "bolder", "size": "large" }))])],
        })];
        if self.event != "started" {
            body.push(block(&[run(
                &self.pipeline.about(),
                &json!({ "isSubtle": true }),
            )]));
        }
        body.extend(self.body.iter().flat_map(card_lines));
        if !self.small.is_empty() {
            body.push(block(&[run(
                &self.small.join(" · "),
                &json!({ "isSubtle": true, "size": "small" }),
            )]));
        }
        let actions: Vec<Value> = self
            .links
            .iter()
            .map(|link| json!({ "type": "Action.OpenUrl", "title": link.label, "url": link.url }))
            .collect();
        let envelope = |body: &[Value]| {
            json!({
                "type": "message",
                "attachments": [{
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "contentUrl": null,
                    "content": {
                        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                        "type": "AdaptiveCard",
                        "version": "1.4",
                        "fallbackText": cut(&clean(&self.text), 1000),
                        "msteams": { "width": "Full" },
                        "body": body,
                        "actions": actions,
                    },
                }],
            })
        };
        let mut card = envelope(&body);
        while card.to_string().len() > TEAMS_BYTES && body.len() > 1 {
            body.pop();
            let mut shown = body.clone();
            shown.push(block(&[run(SHORTENED, &json!({ "isSubtle": true }))]));
            card = envelope(&shown);
        }
        card
    }

    /// For a program of yours: the notice as a JSON document, by POST. Field names are a contract.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let pipeline = &self.pipeline;
        let links: Vec<Value> = self
            .links
            .iter()
            .map(|link| json!({ "label": link.label, "url": link.url }))
            .collect();
        let lines: Vec<String> = self
            .body
            .iter()
            .flat_map(|part| part.to_plain().lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        json!({
            "format_version": FORMAT_VERSION,
            "event": self.event,
            "verdict": self.verdict.map(Verdict::as_str),
            "title": clean(&self.title),
            "text": clean(&self.text),
            "lines": lines,
            "small": self.small.iter().map(|words| clean(words)).collect::<Vec<_>>(),
            "links": links,
            "pipeline": {
                "project": clean(&pipeline.project),
                "id": pipeline.id,
                "url": pipeline.url,
                "commit": clean(&pipeline.commit),
                "commit_title": clean(&pipeline.commit_title),
                "author": clean(&pipeline.author),
                "branch": clean(&pipeline.branch),
                "state": pipeline.state.as_deref().map(clean),
            },
        })
    }
}

/// Plain words in Mattermost's Markdown: no emphasis, no links, no headings, no mentions, no emoji.
fn markdown(text: &str) -> String {
    let text = clean(text);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '!'
        ) {
            out.push('\\');
        }
        out.push(c);
        // `@all` and `:skull:` have no escape; a space that takes no room breaks them.
        let starts_word = chars
            .peek()
            .is_some_and(|next| next.is_alphanumeric() || matches!(next, '+' | '-' | '_'));
        if c == '@' || (c == ':' && starts_word) {
            out.push('\u{200b}');
        }
    }
    out
}

fn markdown_text(text: &Text) -> String {
    text.runs()
        .map(|Run { text, style, url }| match (url, style) {
            (Some(url), _) => format!("[{}](<{url}>)", markdown(text)),
            (None, Style::Plain) => markdown(text),
            (None, Style::Bold) => marked("**", text),
            (None, Style::Italic) => marked("_", text),
            (None, Style::Code) => format!("`{}`", text.replace('`', "'")),
        })
        .collect()
}

/// Emphasis with blanks inside its marks is none.
fn marked(mark: &str, text: &str) -> String {
    let inner = text.trim();
    if inner.is_empty() {
        return text.to_owned();
    }
    let end = text.trim_end().len();
    let (before, after) = (&text[..text.len() - text.trim_start().len()], &text[end..]);
    format!("{before}{mark}{}{mark}{after}", markdown(inner))
}

fn markdown_lines(part: &RichText) -> Vec<String> {
    part.parts()
        .iter()
        .flat_map(|part| match part {
            // Two blanks at the end break the line.
            Part::Line(text) => vec![format!("{}  ", markdown_text(text))],
            // A blank line ends the list; without it the next line would belong to the last point.
            Part::Bullets(points) => points
                .iter()
                .map(|point| format!("- {}", markdown_text(point)))
                .chain([String::new()])
                .collect(),
            Part::Preformatted(text) => vec![format!("```\n{}\n```", text.replace("```", "'''"))],
            _ => Vec::new(),
        })
        .collect()
}

fn run(text: &str, looks: &Value) -> Value {
    let mut run = json!({ "type": "TextRun", "text": clean(text) });
    if let (Some(run), Some(looks)) = (run.as_object_mut(), looks.as_object()) {
        run.extend(looks.clone());
    }
    run
}

fn block(inlines: &[Value]) -> Value {
    json!({ "type": "RichTextBlock", "inlines": inlines, "spacing": "small" })
}

fn card_text(text: &Text) -> Vec<Value> {
    text.runs()
        .map(|Run { text, style, url }| {
            let looks = match (url, style) {
                (Some(url), _) => json!({ "selectAction": { "type": "Action.OpenUrl", "url": url } }),
                (None, Style::Plain) => json!({}),
                (None, Style::Bold) => json!({ "weight": "bolder" }),
                (None, Style::Italic) => json!({ "italic": true }),
                (None, Style::Code) => json!({ "fontType": "monospace" }),
            };
            run(text, &looks)
        })
        .collect()
}

fn card_lines(part: &RichText) -> Vec<Value> {
    part.parts()
        .iter()
        .flat_map(|part| match part {
            Part::Line(text) => vec![block(&card_text(text))],
            Part::Bullets(points) => points
                .iter()
                .map(|point| {
                    let mut inlines = vec![run("• ", &json!({}))];
                    inlines.extend(card_text(point));
                    block(&inlines)
                })
                .collect(),
            Part::Preformatted(text) => text
                .lines()
                .filter(|line| !line.is_empty())
                .map(|line| block(&[run(line, &json!({ "fontType": "monospace" }))]))
                .collect(),
            _ => Vec::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_outside_stay_words_in_markdown() {
        insta::assert_snapshot!(
            markdown("@all **x** [Approve](https://evil.example) :skull: `y` 12:30 <b>").replace('\u{200b}', "(zwsp)"),
            @r"@(zwsp)all \*\*x\*\* \[Approve\](https://evil.example) :(zwsp)skull: \`y\` 12:(zwsp)30 \<b\>"
        );
        let text = Text::new()
            .bold(" *a* ")
            .code("`b`")
            .link("c]", "https://a.example/?x=(1)");
        insta::assert_snapshot!(markdown_text(&text), @r" **\*a\*** `'b'`[c\]](<https://a.example/?x=(1)>)");
    }
}
