//! A long table: what matters first, the rest folded; the script makes one table of it, with filters and pages.

use crate::html::{Html, thousands};

/// One row.
pub(crate) trait Entry {
    /// The verdict in words, one of [`Listing::verdicts`].
    fn verdict(&self) -> &'static str;
    /// The class that tells its tone.
    fn class(&self) -> &'static str;
    /// Whether it must not be folded, as long as there is room.
    fn is_news(&self) -> bool;
    /// Its cells, each in its own element.
    fn cells(&self, html: &mut Html);
}

/// What stands around the rows.
pub(crate) struct Listing {
    /// What a row is called, once and many times: `rule`, `rules`.
    pub(crate) noun: [&'static str; 2],
    /// The heading.
    pub(crate) heading: &'static str,
    /// What order the rows are in.
    pub(crate) order: &'static str,
    /// What is folded when nothing stands above it.
    pub(crate) quiet: &'static str,
    /// What the field for words may find.
    pub(crate) find: &'static str,
    /// The class of the table: its columns' names on narrow screens are in the style sheet.
    pub(crate) class: &'static str,
    pub(crate) columns: Vec<&'static str>,
    /// All verdicts in the order of the filter.
    pub(crate) verdicts: &'static [&'static str],
}

/// At most this many rows stand there unfolded when no script runs.
const UNFOLDED: usize = 200;
/// A frame that scrolls where the screen is narrow, also by keyboard.
const WIDE: &str = "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"";

impl Listing {
    /// The section, with its heading.
    pub(crate) fn section<E: Entry>(&self, rows: &[E]) -> Html {
        let [one, many] = self.noun;
        let mut html = Html::default();
        html.raw("<section aria-labelledby=\"rows-h\"><h2 id=\"rows-h\">")
            .raw(self.heading)
            .raw(" <span class=\"count\">");
        html.count(rows.len()).raw("</span></h2>");
        if rows.is_empty() {
            html.raw("<p class=\"note\">There is no ")
                .raw(one)
                .raw(".</p></section>");
            return html;
        }
        self.filters(&mut html, rows);
        let news = rows.iter().filter(|row| row.is_news()).count();
        let shown = if rows.len() <= UNFOLDED {
            rows.len()
        } else {
            news.min(UNFOLDED)
        };
        let (first, rest) = rows.split_at(shown);
        html.raw(WIDE).raw(self.heading).raw("\">");
        self.head(&mut html, &[self.heading, ", ", self.order]);
        html.raw("<tbody id=\"rows\" data-one=\"")
            .raw(one)
            .raw("\" data-many=\"")
            .raw(self.heading)
            .raw("\">\n");
        Self::rows(&mut html, first);
        html.raw("</div>");
        if !rest.is_empty() {
            html.raw("<details id=\"rest\"><summary>");
            html.text(thousands(rest.len()));
            if first.is_empty() {
                html.raw(" ").raw(many).raw(self.quiet);
            } else {
                html.raw(" further ").raw(many);
            }
            html.raw("</summary>")
                .raw(WIDE)
                .raw("Further ")
                .raw(many)
                .raw("\">");
            self.head(&mut html, &["Further ", many]);
            html.raw("<tbody>\n");
            Self::rows(&mut html, rest);
            html.raw("</div></details>");
        }
        html.raw("<nav id=\"pages\" class=\"pages\" aria-label=\"Pages of the ")
            .raw(one);
        html.raw(" table\" hidden><button type=\"button\" id=\"prev\">Previous</button><span id=\"page\"></span><button type=\"button\" id=\"next\">Next</button></nav></section>");
        html
    }

    /// Shown by the script, which makes them work.
    fn filters<E: Entry>(&self, html: &mut Html, rows: &[E]) {
        html.raw("<div id=\"filters\" class=\"filters\" role=\"search\" aria-label=\"Filter the ")
            .raw(self.noun[1]);
        html.raw("\" hidden><div class=\"find\"><label for=\"find\">Find</label><input id=\"find\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\" placeholder=\"").raw(self.find);
        html.raw("\" aria-describedby=\"shown\"></div><fieldset><legend>Verdict</legend>");
        for verdict in self.verdicts {
            let mut rows = rows.iter().filter(|row| row.verdict() == *verdict).peekable();
            let Some(first) = rows.peek() else {
                continue;
            };
            html.raw("<label class=\"")
                .raw(first.class())
                .raw("\"><input type=\"checkbox\" checked value=\"");
            html.text(verdict)
                .raw("\">")
                .text(verdict)
                .raw(" <span class=\"count\">");
            html.count(rows.count()).raw("</span></label>");
        }
        html.raw("</fieldset><p id=\"shown\" role=\"status\" aria-live=\"polite\"></p></div>");
    }

    fn head(&self, html: &mut Html, caption: &[&'static str]) {
        html.raw("<table class=\"rules ")
            .raw(self.class)
            .raw("\"><caption class=\"sr\">");
        for words in caption {
            html.raw(words);
        }
        html.raw("</caption><thead><tr>");
        for name in &self.columns {
            html.raw("<th scope=\"col\">").raw(name).raw("</th>");
        }
        html.raw("</tr></thead>");
    }

    /// The rows, and the end of their table.
    fn rows<E: Entry>(html: &mut Html, rows: &[E]) {
        for row in rows {
            html.raw("<tr data-v=\"").text(row.verdict()).raw("\">");
            row.cells(html);
            html.raw("</tr>\n");
        }
        html.raw("</tbody></table>");
    }
}
