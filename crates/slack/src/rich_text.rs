//! Rich text: lines, bullets and preformatted text whose words are never parsed as markup.

use crate::Text;
use crate::escape::{clean_lines, cut};
use serde_json::{Value, json};

/// Lines, bullets and preformatted text. The safe choice for text from outside: Slack never parses it as markup.
/// (Slack: "Rich text block".)
///
/// ```
/// use portcullis_slack::{RichText, Text};
/// let text = RichText::new()
///     .line(Text::new().bold("Opens"))
///     .bullets(["tcp 8000 from the internet", "tcp 443 from the internet"])
///     .preformatted("+ ingress { … }");
/// assert_eq!(text.to_plain(), "Opens\n• tcp 8000 from the internet\n• tcp 443 from the internet\n+ ingress { … }");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RichText {
    parts: Vec<Part>,
}

/// A part of a rich text, as [`RichText::parts`] gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// A line.
    Line(Text),
    /// Points of a list.
    Bullets(Vec<Text>),
    /// Text whose lines and spaces stay as they are.
    Preformatted(String),
}

impl RichText {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a line. A blank one is left out.
    #[must_use]
    pub fn line(mut self, text: impl Into<Text>) -> Self {
        let text = text.into();
        if !text.is_blank() {
            self.parts.push(Part::Line(text));
        }
        self
    }

    /// With a list of points. Blank ones are left out.
    #[must_use]
    pub fn bullets(mut self, points: impl IntoIterator<Item = impl Into<Text>>) -> Self {
        let points: Vec<Text> = points
            .into_iter()
            .map(Into::into)
            .filter(|text: &Text| !text.is_blank())
            .collect();
        if !points.is_empty() {
            self.parts.push(Part::Bullets(points));
        }
        self
    }

    /// With text whose lines and spaces stay as they are.
    #[must_use]
    pub fn preformatted(mut self, text: impl AsRef<str>) -> Self {
        let text = clean_lines(text.as_ref());
        if !text.trim().is_empty() {
            self.parts.push(Part::Preformatted(text));
        }
        self
    }

    /// The words alone.
    #[must_use]
    pub fn to_plain(&self) -> String {
        let lines: Vec<String> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Line(text) => text.to_plain(),
                Part::Bullets(points) => points
                    .iter()
                    .map(|point| format!("• {}", point.to_plain()))
                    .collect::<Vec<_>>()
                    .join("\n"),
                Part::Preformatted(text) => text.clone(),
            })
            .collect();
        lines.join("\n")
    }

    /// The parts in order, for whoever writes them in another service's format.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether there is nothing to read.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.parts.is_empty()
    }

    pub(crate) fn weight(&self) -> usize {
        self.parts.iter().map(Part::weight).sum()
    }

    /// At most this weight: parts and points are kept from the front, the first that does not fit is cut.
    pub(crate) fn fitted(self, limit: usize) -> Self {
        let (mut kept, mut left) = (Vec::new(), limit);
        for part in self.parts {
            let weight = part.weight();
            if weight <= left {
                left -= weight;
                kept.push(part);
                continue;
            }
            kept.extend(part.cut(left));
            break;
        }
        Self { parts: kept }
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut elements: Vec<Value> = Vec::new();
        // Lines that follow each other share one section, with a line feed between them, as Slack's own editor writes it.
        let mut lines: Vec<Value> = Vec::new();
        for part in &self.parts {
            if let Part::Line(text) = part {
                if !lines.is_empty() {
                    lines.push(json!({ "type": "text", "text": "\n" }));
                }
                lines.extend(text.to_rich_elements());
                continue;
            }
            flush(&mut lines, &mut elements);
            match part {
                Part::Line(_) => {}
                Part::Bullets(points) => elements.push(json!({
                    "type": "rich_text_list",
                    "style": "bullet",
                    "elements": points
                        .iter()
                        .map(|point| json!({ "type": "rich_text_section", "elements": point.to_rich_elements() }))
                        .collect::<Vec<_>>(),
                })),
                Part::Preformatted(text) => elements.push(json!({
                    "type": "rich_text_preformatted",
                    "elements": [{ "type": "text", "text": text }],
                })),
            }
        }
        flush(&mut lines, &mut elements);
        json!({ "type": "rich_text", "elements": elements })
    }
}

fn flush(lines: &mut Vec<Value>, elements: &mut Vec<Value>) {
    if !lines.is_empty() {
        elements.push(json!({ "type": "rich_text_section", "elements": std::mem::take(lines) }));
    }
}

impl Part {
    fn weight(&self) -> usize {
        // One more per line or point, for the line feed.
        match self {
            Self::Line(text) => text.weight() + 1,
            Self::Bullets(points) => points.iter().map(|point| point.weight() + 1).sum(),
            Self::Preformatted(text) => text.chars().count() + 1,
        }
    }

    fn cut(self, limit: usize) -> Option<Self> {
        if limit < 2 {
            return None;
        }
        match self {
            Self::Line(text) => Some(Self::Line(text.fitted(limit - 1))),
            Self::Bullets(points) => {
                // Two kept for a last point that says that something is missing.
                let (mut kept, mut left) = (Vec::new(), limit - 2);
                for point in points {
                    let weight = point.weight() + 1;
                    if weight > left {
                        break;
                    }
                    left -= weight;
                    kept.push(point);
                }
                kept.push(Text::from("…"));
                Some(Self::Bullets(kept))
            }
            Self::Preformatted(text) => Some(Self::Preformatted(cut_at_line(&text, limit - 1))),
        }
    }
}

/// Cut after a whole line where that loses little, else anywhere.
fn cut_at_line(text: &str, limit: usize) -> String {
    let short: String = text.chars().take(limit.saturating_sub(1)).collect();
    match short.rfind('\n') {
        Some(end) if end > short.len() / 2 => format!("{}…", &short[..=end]),
        _ => cut(text, limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn long() -> RichText {
        RichText::new()
            .line(Text::new().bold("Findings").plain(" of <!here>"))
            .bullets((0..20).map(|n| format!("finding {n}")))
            .preformatted("a plan\nof three\nlines")
    }

    #[test]
    fn lines_are_joined_and_words_stay_words() {
        let text = RichText::new()
            .line("one <!channel>")
            .line(Text::new().code("two"))
            .preformatted("x\n  y");
        insta::assert_snapshot!(text.to_json().to_string(), @r#"{"elements":[{"elements":[{"text":"one <!channel>","type":"text"},{"text":"\n","type":"text"},{"style":{"code":true},"text":"two","type":"text"}],"type":"rich_text_section"},{"elements":[{"text":"x\n  y","type":"text"}],"type":"rich_text_preformatted"}],"type":"rich_text"}"#);
    }

    #[test]
    fn a_cut_list_says_so() {
        insta::assert_snapshot!(long().fitted(60).to_plain(), @"
        Findings of <!here>
        • finding 0
        • finding 1
        • finding 2
        • …
        ");
    }

    proptest! {
        #[test]
        fn fitting_holds_the_limit(limit in 0_usize..300) {
            prop_assert!(long().fitted(limit).weight() <= limit);
        }
    }
}
