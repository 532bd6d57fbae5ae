//! Words in a message, some of them bold, code, or linked.

use crate::escape::{clean, cut, escape, escape_prefix};
use crate::limits;
use serde_json::{Value, json};
use url::Url;

/// Words in a message, some of them bold, code, or linked. Everything put in is plain: markup in it stays text, and
/// line breaks become spaces, so that text from outside can't forge a line. [`Text::new_line`] breaks a line.
///
/// ```
/// use portcullis_slack::Text;
/// let text = Text::new().bold("Opens").plain(" tcp 8000 from ").code("0.0.0.0/0");
/// assert_eq!(text.to_plain(), "Opens tcp 8000 from 0.0.0.0/0");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    spans: Vec<Span>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Span {
    Words { text: String, style: Style },
    Link { text: String, url: String },
    Break,
}

/// How words look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As the text around them.
    Plain,
    /// Bold.
    Bold,
    /// In italics.
    Italic,
    /// As code: names, addresses, digests.
    Code,
}

/// Words of one style, as [`Text::runs`] gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run<'a> {
    /// The words, cleaned and not escaped; a line feed alone for a line break.
    pub text: &'a str,
    /// How they look.
    pub style: Style,
    /// Where they lead.
    pub url: Option<&'a str>,
}

impl Text {
    /// No words yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With plain words.
    #[must_use]
    pub fn plain(self, text: impl AsRef<str>) -> Self {
        self.words(text.as_ref(), Style::Plain)
    }

    /// With bold words.
    #[must_use]
    pub fn bold(self, text: impl AsRef<str>) -> Self {
        self.words(text.as_ref(), Style::Bold)
    }

    /// With words in italics.
    #[must_use]
    pub fn italic(self, text: impl AsRef<str>) -> Self {
        self.words(text.as_ref(), Style::Italic)
    }

    /// With words as code: names, addresses, digests.
    #[must_use]
    pub fn code(self, text: impl AsRef<str>) -> Self {
        self.words(text.as_ref(), Style::Code)
    }

    /// With linked words. A link that is not http(s), or longer than Slack takes, leaves the words alone.
    #[must_use]
    pub fn link(mut self, text: impl AsRef<str>, url: impl AsRef<str>) -> Self {
        let Some(url) = usable_url(url.as_ref()) else {
            return self.plain(text);
        };
        let mut text = clean(text.as_ref());
        if text.trim().is_empty() {
            text.clone_from(&url);
        }
        self.spans.push(Span::Link { text, url });
        self
    }

    /// With a line break.
    #[must_use]
    pub fn new_line(mut self) -> Self {
        self.spans.push(Span::Break);
        self
    }

    /// The words piece by piece, for whoever writes them in another service's format.
    pub fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        self.spans.iter().map(|span| {
            let (text, style, url) = match span {
                Span::Words { text, style } => (text.as_str(), *style, None),
                Span::Link { text, url } => (text.as_str(), Style::Plain, Some(url.as_str())),
                Span::Break => ("\n", Style::Plain, None),
            };
            Run { text, style, url }
        })
    }

    /// The words alone.
    #[must_use]
    pub fn to_plain(&self) -> String {
        self.runs().map(|run| run.text).collect()
    }

    /// Whether there is nothing to read.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.to_plain().trim().is_empty()
    }

    fn words(mut self, text: &str, style: Style) -> Self {
        let words = clean(text);
        match self.spans.last_mut() {
            _ if words.is_empty() => {}
            Some(Span::Words { text, style: last }) if *last == style => text.push_str(&words),
            _ => self.spans.push(Span::Words { text: words, style }),
        }
        self
    }

    /// How much of the budget it takes: characters as sent, links counted whole.
    pub(crate) fn weight(&self) -> usize {
        self.mrkdwn_prefix(usize::MAX).0.chars().count()
    }

    /// At most this weight, with an ellipsis at the cut.
    pub(crate) fn fitted(mut self, limit: usize) -> Self {
        if self.weight() <= limit {
            return self;
        }
        let mut left = limit.saturating_sub(1);
        let mut kept = Vec::new();
        for span in std::mem::take(&mut self.spans) {
            let alone = Self {
                spans: vec![span.clone()],
            };
            let weight = alone.weight();
            if weight <= left {
                left -= weight;
                kept.push(span);
                continue;
            }
            if let Span::Words { text, style } = span {
                let room = left.saturating_sub(style.marks().chars().count() * 2);
                // Counted as escaped: the words may go into a mrkdwn text.
                let mut used = 0;
                let text: String = text
                    .chars()
                    .take_while(|c| {
                        used += escape(c.encode_utf8(&mut [0; 4])).chars().count();
                        used <= room
                    })
                    .collect();
                if !text.is_empty() {
                    kept.push(Span::Words { text, style });
                }
            }
            break;
        }
        if limit > 0 {
            kept.push(Span::Words {
                text: "…".to_owned(),
                style: Style::Plain,
            });
        }
        Self { spans: kept }
    }

    /// A `plain_text` object when nothing is styled, else a `mrkdwn` object with all words escaped.
    pub(crate) fn to_object(&self, limit: usize) -> Value {
        let unstyled = self.spans.iter().all(|span| match span {
            Span::Words { style, .. } => *style == Style::Plain,
            Span::Break => true,
            Span::Link { .. } => false,
        });
        if unstyled {
            return json!({ "type": "plain_text", "text": cut(self.to_plain().trim(), limit), "emoji": false });
        }
        // `verbatim`: Slack makes no links or mentions of its own from the words.
        json!({ "type": "mrkdwn", "text": self.to_mrkdwn(limit), "verbatim": true })
    }

    fn to_mrkdwn(&self, limit: usize) -> String {
        let (whole, _) = self.mrkdwn_prefix(usize::MAX);
        if whole.chars().count() <= limit {
            return whole;
        }
        let (mut text, _) = self.mrkdwn_prefix(limit.saturating_sub(1));
        if limit > 0 {
            text.push('…');
        }
        text
    }

    /// As much markup as `limit` characters hold, every span closed; and whether that was all.
    fn mrkdwn_prefix(&self, limit: usize) -> (String, bool) {
        let (mut out, mut used) = (String::new(), 0_usize);
        for span in &self.spans {
            let (before, text, after) = match span {
                Span::Break => ("\n".to_owned(), String::new(), String::new()),
                Span::Words { text, style } => (
                    style.marks().to_owned(),
                    style.without_marks(text),
                    style.marks().to_owned(),
                ),
                Span::Link { text, url } => (format!("<{}|", escape(url)), text.clone(), ">".to_owned()),
            };
            let around = before.chars().count() + after.chars().count();
            // An opened span must hold at least one character.
            if used + around + usize::from(!text.is_empty()) > limit {
                return (out, false);
            }
            let (inner, all) = escape_prefix(&text, limit - used - around);
            if !text.is_empty() && inner.is_empty() {
                return (out, false);
            }
            used += around + inner.chars().count();
            out.push_str(&before);
            out.push_str(&inner);
            out.push_str(&after);
            if !all {
                return (out, false);
            }
        }
        (out, true)
    }

    /// The elements of a `rich_text_section`. Their text is never parsed as markup.
    pub(crate) fn to_rich_elements(&self) -> Vec<Value> {
        self.spans
            .iter()
            .map(|span| match span {
                Span::Break => json!({ "type": "text", "text": "\n" }),
                Span::Link { text, url } => json!({ "type": "link", "url": url, "text": text }),
                Span::Words { text, style } => match style.name() {
                    None => json!({ "type": "text", "text": text }),
                    Some(name) => json!({ "type": "text", "text": text, "style": { name: true } }),
                },
            })
            .collect()
    }
}

impl Style {
    const fn marks(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "*",
            Self::Italic => "_",
            Self::Code => "`",
        }
    }

    const fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Bold => Some("bold"),
            Self::Italic => Some("italic"),
            Self::Code => Some("code"),
        }
    }

    /// The words without the mark that would end the span early; Slack has no escape for it.
    fn without_marks(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Bold => text.replace('*', "∗"),
            Self::Italic => text.replace('_', "‗"),
            Self::Code => text.replace('`', "'"),
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new().plain(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::new().plain(text)
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Self::new().plain(text)
    }
}

/// The link as Slack takes it: http or https, not too long, nothing in it that ends a markup link.
pub(crate) fn usable_url(url: &str) -> Option<String> {
    let parsed = Url::parse(url).ok()?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return None;
    }
    let text = String::from(parsed)
        .replace('|', "%7C")
        .replace('<', "%3C")
        .replace('>', "%3E");
    (text.chars().count() <= limits::URL).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hostile() -> Text {
        Text::new()
            .bold("*a & b*")
            .plain(" <!channel>\nsecond ")
            .code("`x`")
            .link("go|<b>", "https://a.example/?q=<x>|y")
    }

    #[test]
    fn as_markup() {
        insta::assert_snapshot!(
            hostile().to_mrkdwn(3000),
            @"*∗a &amp; b∗* &lt;!channel&gt; second `'x'`<https://a.example/?q=%3Cx%3E%7Cy|go|&lt;b&gt;>"
        );
    }

    #[test]
    fn a_link_that_is_no_web_page_is_no_link() {
        let text = Text::new()
            .link("Approve", "javascript:alert(1)")
            .link("there", "not a url");
        assert_eq!(text, Text::new().plain("Approve").plain("there"));
    }

    proptest! {
        #[test]
        fn a_cut_closes_what_it_opened(limit in 0_usize..120) {
            let shown = hostile().to_mrkdwn(limit);
            prop_assert!(shown.chars().count() <= limit);
            prop_assert_eq!(shown.matches('*').count() % 2, 0, "{}", shown);
            prop_assert_eq!(shown.matches('`').count() % 2, 0, "{}", shown);
            prop_assert_eq!(shown.matches('<').count(), shown.matches('>').count(), "{}", shown);
        }

        #[test]
        fn fitting_holds_the_limit(limit in 0_usize..120) {
            prop_assert!(hostile().fitted(limit).weight() <= limit);
        }
    }
}
