//! Markdown for a merge-request note: never too long, and nothing in it acts but what is written here.

use crate::report::{causes, word};
use crate::text::{cut_middle, markdown_code};
use crate::{Finding, Report};
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

/// The longest note GitLab takes, in characters.
pub const NOTE_LIMIT: usize = 1_000_000;

/// Of one text in a note, this much is shown; the JSON document has it whole.
const CELL: usize = 400;

/// What a note must hold to.
///
/// ```
/// use portcullis_report::{Limits, Marker, Report};
/// let limits = Limits::default().marked(Marker::new("compliance production"));
/// let note = Report::new("compliance", Vec::new()).to_markdown(&limits);
/// assert!(note.starts_with("<!-- portcullis: compliance production -->\n"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    characters: usize,
    marker: Option<Marker>,
}

impl Limits {
    /// A note of at most this many characters.
    #[must_use]
    pub const fn characters(characters: usize) -> Self {
        Self {
            characters,
            marker: None,
        }
    }

    /// With a hidden marker at its start.
    #[must_use]
    pub fn marked(mut self, marker: Marker) -> Self {
        self.marker = Some(marker);
        self
    }
}

impl Default for Limits {
    /// [`NOTE_LIMIT`], no marker.
    fn default() -> Self {
        Self::characters(NOTE_LIMIT)
    }
}

/// A hidden comment by which a note is found again, to be changed in place instead of written anew.
///
/// It stands at the very start of a note, and no text from outside can forge it inside one. Anybody can write it at the
/// start of a note of their own: change a note only if it is yours. Different names give different markers.
///
/// ```
/// use portcullis_report::Marker;
/// assert_eq!(Marker::new("eu-west").to_string(), "<!-- portcullis: eu-west -->");
/// assert_eq!(Marker::new("a-->b").to_string(), "<!-- portcullis: a-%2D%3Eb -->");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker(String);

impl Marker {
    /// The marker for the note of this name, such as an environment's.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut out = String::new();
        for byte in name.bytes() {
            let plain = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'/' => true,
                // At the ends it would not be seen; two dashes end an HTML comment.
                b' ' => !out.is_empty() && !out.ends_with(' '),
                b'-' => !out.ends_with('-'),
                _ => false,
            };
            if plain {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        Self(out)
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<!-- portcullis: {} -->", self.0)
    }
}

/// A note on a merge request, in its parts. All of it is Markdown of ours: text from outside is in it only as
/// [`markdown_code`] and [`markdown_pre`](crate::text::markdown_pre) give it.
///
/// ```
/// use portcullis_report::{Limits, Note};
/// use portcullis_report::text::markdown_code;
/// let row = |n: usize| vec!["pass".to_owned(), markdown_code(&format!("stack {n}"))];
/// let note = Note {
///     headline: "**200 stacks pass**".to_owned(),
///     columns: &["verdict", "stack"],
///     rows: (0..200).map(row).collect(),
///     noun: "stacks",
///     wide: 1,
///     ..Note::default()
/// };
/// let text = note.to_markdown(&Limits::characters(1000));
/// assert!(text.chars().count() <= 1000);
/// assert!(text.contains(" stacks cut …"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// The first line.
    pub headline: String,
    /// Remarks about the whole, each an item of a list.
    pub remarks: Vec<String>,
    /// The titles of the table's columns.
    pub columns: &'static [&'static str],
    /// The table: the cells of each row.
    pub rows: Vec<Vec<String>>,
    /// What the rows are called, where some are left out.
    pub noun: &'static str,
    /// The column in which that is said, from 0.
    pub wide: usize,
    /// The title of the last part, which is folded.
    pub folded: &'static str,
    /// What stands in it, each an item of a list.
    pub advice: Vec<String>,
}

impl Note {
    /// The note. Ends with a line feed.
    ///
    /// It is never longer than the limits say. What does not fit is cut from the middle of the table, so that the worst rows
    /// and the last ones stay, and the row in their place counts what was cut.
    #[must_use]
    pub fn to_markdown(&self, limits: &Limits) -> String {
        let mut budget = Budget(limits.characters);
        let mut out = String::new();
        if let Some(marker) = &limits.marker {
            out.push_str(&budget.whole(format!("{marker}\n\n")));
        }
        out.push_str(&budget.whole(format!("{}\n", self.headline)));
        let item = |text: &String| format!("- {text}\n");
        let remarks: Vec<String> = self.remarks.iter().map(item).collect();
        // Nearly always all of it fits; when not, the table is what matters, and gets what the others leave.
        let share = budget.0 / 4;
        let remarks = section("\n", &remarks, "", share, |n| format!("- … {n} notes cut …\n"));
        out.push_str(&budget.take(remarks));
        let advice: Vec<String> = self.advice.iter().map(item).collect();
        let advice = section(
            &format!("\n<details><summary>{}</summary>\n\n", self.folded),
            &advice,
            "\n</details>\n",
            share,
            |n| format!("- … {n} more …\n"),
        );
        let advice = budget.take(advice);
        let line = |cells: &Vec<String>| format!("| {} |\n", cells.join(" | "));
        let rows: Vec<String> = self.rows.iter().map(line).collect();
        let head = format!(
            "\n| {} |\n|{}\n",
            self.columns.join(" | "),
            "---|".repeat(self.columns.len())
        );
        out.push_str(&section(&head, &rows, "", budget.0, |n| {
            let cells = (0..self.columns.len()).map(|at| match at {
                at if at == self.wide => format!("… {n} {} cut …", self.noun),
                0 => "…".to_owned(),
                _ => String::new(),
            });
            line(&cells.collect())
        }));
        out + &advice
    }
}

impl Report {
    /// For a merge request: the headline, a table of the findings, and, folded, what to change. Ends with a line feed.
    ///
    /// It is never longer than the limits say ([`Note::to_markdown`]): the worst findings and the last ones stay.
    ///
    /// Text from outside stands in `<code>` only ([`markdown_code`]), on a line that begins with ours: it can be no markup,
    /// no mention, no reference, no link and no quick action (those begin a line; GitLab,
    /// `lib/gitlab/quick_actions/extractor.rb`).
    #[must_use]
    pub fn to_markdown(&self, limits: &Limits) -> String {
        let note = Note {
            headline: format!("**{}: {}**", gate(&self.gate), self.headline()),
            remarks: self.notes.iter().map(|note| code(note)).collect(),
            columns: &[
                "verdict",
                "severity",
                "standing",
                "group",
                "what is open",
                "rule",
                "because of",
            ],
            rows: self.findings.iter().map(row).collect(),
            noun: "findings",
            wide: 4,
            folded: "What to change",
            advice: self.advice(),
        };
        note.to_markdown(limits)
    }

    /// What to change, once per rule and remedy.
    fn advice(&self) -> Vec<String> {
        let mut told = BTreeSet::new();
        let mut lines = Vec::new();
        for finding in self.findings.iter().filter(|finding| finding.is_open()) {
            let Some(remedy) = &finding.remedy else { continue };
            if !told.insert((&finding.rule, remedy)) {
                continue;
            }
            let mut line = format!("{}: {}", code(&finding.rule), code(remedy));
            if !finding.frameworks.is_empty() {
                line = format!("{line} ({})", code(&finding.frameworks.join(", ")));
            }
            lines.push(line);
        }
        lines
    }
}

fn row(finding: &Finding) -> Vec<String> {
    let mut because = code(&causes(&finding.resources));
    if let Some(location) = &finding.location {
        because = format!("{because} at {}", code(&location.to_string()));
    }
    if let Some(waived) = &finding.waived {
        because = format!("{because} waived: {}", code(&waived.sentence()));
    }
    vec![
        word(finding).to_owned(),
        finding.severity.to_string(),
        finding.standing.to_string(),
        code(&finding.group.to_string()),
        code(&finding.exposure),
        code(&finding.rule),
        because.trim_start().to_owned(),
    ]
}

fn code(text: &str) -> String {
    markdown_code(&cut_middle(text, CELL))
}

/// Our gates are called by plain words; a document read from a file may say anything.
fn gate(gate: &str) -> String {
    if gate.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ') {
        cut_middle(gate, CELL)
    } else {
        code(gate)
    }
}

/// How many characters may still be written.
struct Budget(usize);

impl Budget {
    /// The text, or nothing where it does not fit: half of a comment would hide the rest.
    fn whole(&mut self, text: String) -> String {
        if text.chars().count() > self.0 {
            return String::new();
        }
        self.take(text)
    }

    fn take(&mut self, text: String) -> String {
        self.0 = self.0.saturating_sub(text.chars().count());
        text
    }
}

/// Head, lines and tail in at most `limit` characters. When they do not fit, lines from the middle give way to one line that
/// counts them; when not even one line fits, nothing is left.
fn section(head: &str, lines: &[String], tail: &str, limit: usize, gap: impl Fn(usize) -> String) -> String {
    let length = |text: &str| text.chars().count();
    let around = length(head) + length(tail);
    let lengths: Vec<usize> = lines.iter().map(|line| length(line)).collect();
    if lines.is_empty() {
        return String::new();
    }
    if around + lengths.iter().sum::<usize>() <= limit {
        return format!("{head}{}{tail}", lines.concat());
    }
    let Some(mut room) = limit.checked_sub(around + length(&gap(lines.len()))) else {
        return String::new();
    };
    let (mut first, mut last) = (0, lines.len());
    // In turns from the start and from the end, the start first: the worst stands there.
    while first < last {
        let from_start = first <= lines.len() - last;
        let next = lengths[if from_start { first } else { last - 1 }];
        let Some(left) = room.checked_sub(next) else { break };
        room = left;
        if from_start {
            first += 1;
        } else {
            last -= 1;
        }
    }
    format!(
        "{head}{}{}{}{tail}",
        lines[..first].concat(),
        gap(last - first),
        lines[last..].concat()
    )
}
