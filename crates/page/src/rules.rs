//! The table of rules: what differs first.

use crate::html::Html;
use crate::status::{Status, tag};
use crate::table::{Entry, Listing};
use portcullis_report::text::cut;

/// One rule as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    /// What became of it; for order, shape and colour.
    pub(crate) status: Status,
    /// The verdict in words, one of [`Table::verdicts`].
    pub(crate) verdict: &'static str,
    pub(crate) group: String,
    pub(crate) direction: &'static str,
    pub(crate) protocol: String,
    pub(crate) ports: String,
    pub(crate) peer: String,
    /// Whether each view has it; `None` where that is not known.
    pub(crate) views: Vec<Option<bool>>,
    pub(crate) notes: Vec<String>,
    /// Code that keeps it, whole, so that it can be copied.
    pub(crate) code: Option<String>,
}

/// The rules of a page.
pub(crate) struct Table {
    /// The class of the table: its columns' names on narrow screens are in the style sheet.
    pub(crate) class: &'static str,
    /// The names of the views.
    pub(crate) views: &'static [&'static str],
    /// All verdicts in the order of the filter.
    pub(crate) verdicts: &'static [&'static str],
    pub(crate) rows: Vec<Row>,
}

/// At most this many characters of a note; the documents have the whole.
const NOTE: usize = 400;

impl Table {
    /// The section, with its heading.
    pub(crate) fn section(&mut self) -> Html {
        self.rows.sort();
        let mut columns = vec!["Verdict", "Group", "Direction", "Protocol", "Ports", "Peer"];
        columns.extend(self.views);
        columns.push("Notes");
        let listing = Listing {
            noun: ["rule", "rules"],
            heading: "Rules",
            order: "the ones that differ first",
            quiet: ", none of them differs",
            find: "group, port, address, words",
            class: self.class,
            columns,
            verdicts: self.verdicts,
        };
        listing.section(&self.rows)
    }
}

impl Entry for Row {
    fn verdict(&self) -> &'static str {
        self.verdict
    }

    fn class(&self) -> &'static str {
        self.status.class()
    }

    fn is_news(&self) -> bool {
        self.status != Status::Same
    }

    fn cells(&self, html: &mut Html) {
        html.raw("<td>");
        tag(html, self.status, self.verdict);
        html.raw("</td><th scope=\"row\">")
            .text(&self.group)
            .raw("</th><td>")
            .raw(self.direction);
        for cell in [&self.protocol, &self.ports, &self.peer] {
            html.raw("</td><td>").text(cell);
        }
        for view in &self.views {
            html.raw(match view {
                Some(true) => "</td><td class=\"v\">yes",
                Some(false) => "</td><td class=\"v n\">no",
                None => "</td><td class=\"v q\">not known",
            });
        }
        html.raw("</td><td>");
        for (index, note) in self.notes.iter().enumerate() {
            html.raw(if index > 0 { "<br>" } else { "" })
                .text(cut(note, NOTE));
        }
        if let Some(code) = &self.code {
            html.raw("<details class=\"keep\"><summary>Or keep it</summary><pre tabindex=\"0\">")
                .lines(code.trim_end())
                .raw("</pre></details>");
        }
        html.raw("</td>");
    }
}

/// Ports for people: `8000`, `9000–9010`, `all`; type and code for icmp.
pub(crate) fn ports(protocol: &str, from: i32, to: i32) -> String {
    match (protocol, from, to) {
        ("icmp" | "icmpv6", -1, _) | (_, -1, -1) | ("tcp" | "udp", 0, 65_535) => "all".to_owned(),
        ("icmp" | "icmpv6", kind, -1) => format!("type {kind}"),
        ("icmp" | "icmpv6", kind, code) => format!("type {kind} code {code}"),
        (_, from, to) if from == to => from.to_string(),
        (_, from, to) => format!("{from}–{to}"),
    }
}

/// Protocols for people: `-1` is every one.
pub(crate) fn protocol(written: &str) -> String {
    if written == "-1" { "all" } else { written }.to_owned()
}
