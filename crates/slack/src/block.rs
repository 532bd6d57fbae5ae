//! The blocks of a message.

use crate::escape::{clean, cut};
use crate::text::usable_url;
use crate::{RichText, Text, limits};
use serde_json::{Value, json};

/// One block of a message. Each constructor takes text of any length: it is cut where Slack would refuse it, and a block
/// with nothing to show is left out of the message. (Slack: "Block Kit reference".)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Header(String),
    Section { text: Text, fields: Vec<Text> },
    Context(Vec<Text>),
    Actions(Vec<Button>),
    Divider,
    RichText(RichText),
    Table(Vec<Vec<Text>>),
}

/// A button that opens a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    label: String,
    url: Option<String>,
    primary: bool,
}

impl Button {
    /// A button that opens this link in the reader's browser. One whose link is not http(s), or too long for Slack, is left
    /// out of the message.
    #[must_use]
    pub fn link(label: impl AsRef<str>, url: impl AsRef<str>) -> Self {
        Self {
            label: cut(clean(label.as_ref()).trim(), limits::BUTTON_TEXT),
            url: usable_url(url.as_ref()),
            primary: false,
        }
    }

    /// Shown as the one thing to do next. At most one per message, as Slack's guidelines ask.
    #[must_use]
    pub fn primary(mut self) -> Self {
        self.primary = true;
        self
    }

    fn is_usable(&self) -> bool {
        self.url.is_some() && !self.label.is_empty()
    }

    fn to_json(&self, index: usize) -> Value {
        let mut button = json!({
            "type": "button",
            "text": { "type": "plain_text", "text": self.label, "emoji": false },
            "url": self.url,
            // Slack wants one per button, unique in its block, even though nothing of ours listens for the click.
            "action_id": format!("open-{index}"),
        });
        if self.primary {
            button["style"] = json!("primary");
        }
        button
    }
}

impl Block {
    /// A title in large type: plain words on one line, 150 characters.
    #[must_use]
    pub fn header(text: impl AsRef<str>) -> Self {
        Self(Kind::Header(clean(text.as_ref()).trim().to_owned()))
    }

    /// A paragraph, 3000 characters.
    #[must_use]
    pub fn section(text: impl Into<Text>) -> Self {
        Self(Kind::Section {
            text: text.into(),
            fields: Vec::new(),
        })
    }

    /// Short facts in two columns, 2000 characters each. More than ten go into further blocks.
    #[must_use]
    pub fn fields(fields: impl IntoIterator<Item = impl Into<Text>>) -> Self {
        Self(Kind::Section {
            text: Text::new(),
            fields: fields.into_iter().map(Into::into).collect(),
        })
    }

    /// Small print. More than ten pieces go into further blocks.
    #[must_use]
    pub fn context(pieces: impl IntoIterator<Item = impl Into<Text>>) -> Self {
        Self(Kind::Context(pieces.into_iter().map(Into::into).collect()))
    }

    /// Buttons in a row. More than 25 go into further blocks.
    #[must_use]
    pub fn actions(buttons: impl IntoIterator<Item = Button>) -> Self {
        Self(Kind::Actions(buttons.into_iter().collect()))
    }

    /// A line between blocks.
    #[must_use]
    pub fn divider() -> Self {
        Self(Kind::Divider)
    }

    /// Rich text: the block for text from outside.
    #[must_use]
    pub fn rich_text(text: RichText) -> Self {
        Self(Kind::RichText(text))
    }

    /// A table whose first row is its head; 100 rows, 20 columns. Where rows had to go, a last one says so. Slack takes one
    /// table in a message: each further one becomes a list. On a phone a table is scrolled sideways; for few rows, or long
    /// cells, points in a [`RichText`] read better. (Slack: "Table block".)
    #[must_use]
    pub fn table<R, C>(rows: R) -> Self
    where
        R: IntoIterator<Item = C>,
        C: IntoIterator<Item: Into<Text>>,
    {
        Self(Kind::Table(
            rows.into_iter()
                .map(|row| row.into_iter().map(|text| filled(text.into())).collect())
                .collect(),
        ))
    }

    pub(crate) fn is_table(&self) -> bool {
        matches!(self.0, Kind::Table(_))
    }

    /// A table as a list: one point per row.
    pub(crate) fn into_list(self) -> Self {
        match self.0 {
            Kind::Table(rows) => Self::rich_text(RichText::new().bullets(rows.iter().map(|row| joined(row)))),
            kind => Self(kind),
        }
    }

    /// The block as blocks that Slack takes one by one: nothing blank, nothing too long, not too many pieces.
    pub(crate) fn legal(self) -> Vec<Self> {
        let full = |pieces: Vec<Text>| {
            pieces
                .into_iter()
                .filter(|text| !text.is_blank())
                .collect::<Vec<_>>()
        };
        match self.0 {
            Kind::Header(text) if text.is_empty() => Vec::new(),
            Kind::Section { text, fields } => {
                let text = text.fitted(limits::SECTION_TEXT);
                let fields: Vec<Text> = full(fields)
                    .into_iter()
                    .map(|field| field.fitted(limits::FIELD_TEXT))
                    .collect();
                let mut blocks = Vec::new();
                if !text.is_blank() {
                    blocks.push(Self(Kind::Section {
                        text,
                        fields: Vec::new(),
                    }));
                }
                blocks.extend(fields.chunks(limits::FIELDS).map(|some| {
                    Self(Kind::Section {
                        text: Text::new(),
                        fields: some.to_vec(),
                    })
                }));
                blocks
            }
            Kind::Context(pieces) => {
                let pieces: Vec<Text> = full(pieces)
                    .into_iter()
                    .map(|piece| piece.fitted(limits::FIELD_TEXT))
                    .collect();
                pieces
                    .chunks(limits::CONTEXT_ELEMENTS)
                    .map(|some| Self(Kind::Context(some.to_vec())))
                    .collect()
            }
            Kind::Actions(buttons) => {
                let buttons: Vec<Button> = buttons.into_iter().filter(Button::is_usable).collect();
                buttons
                    .chunks(limits::ACTIONS)
                    .map(|some| Self(Kind::Actions(some.to_vec())))
                    .collect()
            }
            Kind::Header(text) => vec![Self(Kind::Header(cut(&text, limits::HEADER_TEXT)))],
            Kind::Table(rows) => {
                let rows: Vec<Vec<Text>> = rows
                    .into_iter()
                    .map(|row| {
                        row.into_iter()
                            .take(limits::TABLE_COLUMNS)
                            .map(|text| text.fitted(limits::FIELD_TEXT))
                            .collect()
                    })
                    .filter(|row: &Vec<Text>| !row.is_empty())
                    .collect();
                let most = rows.len().min(limits::TABLE_ROWS);
                shorter(rows, most).map(Self).into_iter().collect()
            }
            Kind::RichText(text) if text.is_blank() => Vec::new(),
            Kind::RichText(text) => vec![Self(Kind::RichText(text.fitted(limits::RICH_TEXT)))],
            Kind::Divider => vec![Self(Kind::Divider)],
        }
    }

    /// How much of the message's budget it takes.
    pub(crate) fn weight(&self) -> usize {
        match &self.0 {
            Kind::Header(text) => text.chars().count(),
            Kind::Section { text, fields } => text.weight() + fields.iter().map(Text::weight).sum::<usize>(),
            Kind::Context(pieces) => pieces.iter().map(Text::weight).sum(),
            Kind::Actions(buttons) => buttons
                .iter()
                .map(|button| {
                    button.label.chars().count() + button.url.as_deref().map_or(0, |url| url.chars().count())
                })
                .sum(),
            Kind::Divider => 0,
            Kind::RichText(text) => text.weight(),
            Kind::Table(rows) => rows.iter().flatten().map(Text::weight).sum(),
        }
    }

    /// Whether the block may be cut when the message is too big. Titles and buttons may not.
    pub(crate) fn may_be_cut(&self) -> bool {
        matches!(
            self.0,
            Kind::Section { .. } | Kind::RichText(_) | Kind::Context(_) | Kind::Table(_)
        )
    }

    /// The block in at most this weight, or nothing.
    pub(crate) fn cut(self, limit: usize) -> Option<Self> {
        let kind = match self.0 {
            Kind::Section { text, fields } if fields.is_empty() => Kind::Section {
                text: text.fitted(limit),
                fields,
            },
            Kind::RichText(text) => Kind::RichText(text.fitted(limit)),
            Kind::Table(rows) => {
                // A last row may have to say how many are left out.
                let (mut kept, mut left) = (0, limit.saturating_sub(30));
                for row in &rows {
                    let weight: usize = row.iter().map(Text::weight).sum();
                    if weight > left {
                        break;
                    }
                    left -= weight;
                    kept += 1;
                }
                shorter(rows, kept)?
            }
            _ => return None,
        };
        Self(kind).legal().into_iter().next()
    }

    /// The words alone.
    pub(crate) fn to_plain(&self) -> String {
        match &self.0 {
            Kind::Header(text) => text.clone(),
            Kind::Section { text, fields } => std::iter::once(text)
                .chain(fields)
                .map(Text::to_plain)
                .collect::<Vec<_>>()
                .join(" ")
                .trim()
                .to_owned(),
            Kind::Context(pieces) => pieces.iter().map(Text::to_plain).collect::<Vec<_>>().join(" "),
            Kind::Actions(buttons) => {
                let spoken = buttons
                    .iter()
                    .filter(|button| button.is_usable())
                    .map(|button| format!("{}: {}", button.label, button.url.as_deref().unwrap_or("?")));
                spoken.collect::<Vec<_>>().join("\n")
            }
            Kind::Divider => String::new(),
            Kind::RichText(text) => text.to_plain(),
            Kind::Table(rows) => rows
                .iter()
                .map(|row| joined(row).to_plain())
                .collect::<Vec<_>>()
                .join("\n"),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        match &self.0 {
            Kind::Header(text) => {
                json!({ "type": "header", "text": { "type": "plain_text", "text": text, "emoji": false } })
            }
            Kind::Section { text, fields } if fields.is_empty() => {
                json!({ "type": "section", "text": text.to_object(limits::SECTION_TEXT) })
            }
            Kind::Section { fields, .. } => json!({
                "type": "section",
                "fields": fields.iter().map(|field| field.to_object(limits::FIELD_TEXT)).collect::<Vec<_>>(),
            }),
            Kind::Context(pieces) => json!({
                "type": "context",
                "elements": pieces.iter().map(|piece| piece.to_object(limits::FIELD_TEXT)).collect::<Vec<_>>(),
            }),
            Kind::Actions(buttons) => json!({
                "type": "actions",
                "elements": buttons.iter().enumerate().map(|(index, button)| button.to_json(index)).collect::<Vec<_>>(),
            }),
            Kind::Divider => json!({ "type": "divider" }),
            Kind::RichText(text) => text.to_json(),
            Kind::Table(rows) => {
                // Rich text in each cell: its words are never parsed.
                let cell = |text: &Text| RichText::new().line(text.clone()).to_json();
                json!({
                    "type": "table",
                    "rows": rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>()).collect::<Vec<_>>(),
                })
            }
        }
    }
}

/// A row in a line: `web · tcp 22 · open`.
fn joined(row: &[Text]) -> Text {
    let words: Vec<String> = row.iter().map(Text::to_plain).collect();
    Text::new().plain(words.join(" · "))
}

/// Slack takes no empty cell.
fn filled(text: Text) -> Text {
    if text.is_blank() { Text::from("–") } else { text }
}

/// The first rows; when some had to go, the last of them says how many.
fn shorter(mut rows: Vec<Vec<Text>>, most: usize) -> Option<Kind> {
    if rows.len() > most {
        let kept = most.saturating_sub(1);
        let gone = rows.len() - kept;
        rows.truncate(kept);
        // The head alone says nothing.
        if kept < 2 {
            return None;
        }
        rows.push(vec![Text::from(format!("… {gone} more"))]);
    }
    (!rows.is_empty()).then_some(Kind::Table(rows))
}
