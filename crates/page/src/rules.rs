//! The table of rules: what differs first, the rest folded; the script makes one table of it, with filters and pages.

use crate::html::{Html, thousands};
use crate::status::{Status, tag};
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

/// At most this many rules stand there unfolded when no script runs.
const UNFOLDED: usize = 200;
/// A frame that scrolls where the screen is narrow, also by keyboard.
const WIDE: &str = "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"";
/// At most this many characters of a note; the documents have the whole.
const NOTE: usize = 400;

impl Table {
    /// The section, with its heading.
    pub(crate) fn section(&mut self) -> Html {
        self.rows.sort();
        let mut html = Html::default();
        html.raw("<section aria-labelledby=\"rules-h\"><h2 id=\"rules-h\">Rules <span class=\"count\">");
        html.count(self.rows.len()).raw("</span></h2>");
        if self.rows.is_empty() {
            html.raw("<p class=\"note\">There is no rule.</p></section>");
            return html;
        }
        self.filters(&mut html);
        let news = self.rows.iter().filter(|row| row.status != Status::Same).count();
        let shown = if self.rows.len() <= UNFOLDED {
            self.rows.len()
        } else {
            news.min(UNFOLDED)
        };
        let (first, rest) = self.rows.split_at(shown);
        html.raw(WIDE).raw("Rules\">");
        self.table(
            &mut html,
            " id=\"rows\"",
            "Rules, the ones that differ first",
            first,
        );
        html.raw("</div>");
        if !rest.is_empty() {
            html.raw("<details id=\"rest\"><summary>");
            html.text(thousands(rest.len())).raw(if first.is_empty() {
                " rules, none of them differs"
            } else {
                " further rules"
            });
            html.raw("</summary>").raw(WIDE).raw("Further rules\">");
            self.table(&mut html, "", "Further rules", rest);
            html.raw("</div></details>");
        }
        html.raw("<nav id=\"pages\" class=\"pages\" aria-label=\"Pages of the rule table\" hidden><button type=\"button\" id=\"prev\">Previous</button><span id=\"page\"></span><button type=\"button\" id=\"next\">Next</button></nav></section>");
        html
    }

    /// Shown by the script, which makes them work.
    fn filters(&self, html: &mut Html) {
        html.raw("<div id=\"filters\" class=\"filters\" role=\"search\" aria-label=\"Filter the rules\" hidden><div class=\"find\"><label for=\"find\">Find</label><input id=\"find\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\" placeholder=\"group, port, address, words\" aria-describedby=\"shown\"></div><fieldset><legend>Verdict</legend>");
        for verdict in self.verdicts {
            let mut rows = self.rows.iter().filter(|row| row.verdict == *verdict).peekable();
            let Some(first) = rows.peek() else {
                continue;
            };
            html.raw("<label class=\"")
                .raw(first.status.class())
                .raw("\"><input type=\"checkbox\" checked value=\"");
            html.text(verdict)
                .raw("\">")
                .text(verdict)
                .raw(" <span class=\"count\">");
            html.count(rows.count()).raw("</span></label>");
        }
        html.raw("</fieldset><p id=\"shown\" role=\"status\" aria-live=\"polite\"></p></div>");
    }

    fn table(&self, html: &mut Html, id: &'static str, caption: &'static str, rows: &[Row]) {
        html.raw("<table class=\"rules ")
            .raw(self.class)
            .raw("\"><caption class=\"sr\">");
        html.raw(caption).raw("</caption><thead><tr>");
        let fixed = ["Verdict", "Group", "Direction", "Protocol", "Ports", "Peer"];
        for name in fixed.iter().chain(self.views).chain(&["Notes"]) {
            html.raw("<th scope=\"col\">").raw(name).raw("</th>");
        }
        html.raw("</tr></thead><tbody").raw(id).raw(">\n");
        for row in rows {
            html.raw("<tr data-v=\"").text(row.verdict).raw("\"><td>");
            tag(html, row.status, row.verdict);
            html.raw("</td><th scope=\"row\">")
                .text(&row.group)
                .raw("</th><td>")
                .raw(row.direction);
            for cell in [&row.protocol, &row.ports, &row.peer] {
                html.raw("</td><td>").text(cell);
            }
            for view in &row.views {
                html.raw(match view {
                    Some(true) => "</td><td class=\"v\">yes",
                    Some(false) => "</td><td class=\"v n\">no",
                    None => "</td><td class=\"v q\">not known",
                });
            }
            html.raw("</td><td>");
            for (index, note) in row.notes.iter().enumerate() {
                html.raw(if index > 0 { "<br>" } else { "" })
                    .text(cut(note, NOTE));
            }
            html.raw("</td></tr>\n");
        }
        html.raw("</tbody></table>");
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
