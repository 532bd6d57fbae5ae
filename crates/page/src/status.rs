//! What became of something, told by word, shape and colour at once.

use crate::html::Html;
use portcullis_report::Verdict;

/// What became of a way through, from the news to the old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Status {
    /// It was closed and will be open; or it is open and nobody declared it.
    Opens,
    /// It may be open: something is not known.
    MayOpen,
    /// It was open and will be closed; or it is declared and not open.
    Closes,
    /// It may be closed: something is not known.
    MayClose,
    /// As before; as declared.
    Same,
}

impl Status {
    pub(crate) const ALL: [Self; 5] = [
        Self::Opens,
        Self::MayOpen,
        Self::Closes,
        Self::MayClose,
        Self::Same,
    ];

    /// The class of what is drawn or written so.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Opens => "o",
            Self::MayOpen | Self::MayClose => "u",
            Self::Closes => "c",
            Self::Same => "s",
        }
    }
}

/// The words of the states on one page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    pub(crate) opens: &'static str,
    pub(crate) may_open: &'static str,
    pub(crate) closes: &'static str,
    pub(crate) may_close: &'static str,
    pub(crate) same: &'static str,
}

impl Words {
    /// A change: before against after.
    pub(crate) const CHANGE: Self = Self {
        opens: "opens",
        may_open: "may open",
        closes: "closes",
        may_close: "may close",
        same: "stays open",
    };
    /// A comparison: declared against live.
    pub(crate) const COMPARISON: Self = Self {
        opens: "open, not declared",
        may_open: "cannot tell",
        closes: "declared, not open",
        may_close: "cannot tell",
        same: "open as declared",
    };

    pub(crate) const fn of(self, status: Status) -> &'static str {
        match status {
            Status::Opens => self.opens,
            Status::MayOpen => self.may_open,
            Status::Closes => self.closes,
            Status::MayClose => self.may_close,
            Status::Same => self.same,
        }
    }
}

/// The state's word with its shape before it.
pub(crate) fn tag(html: &mut Html, status: Status, word: &str) {
    html.raw("<span class=\"tag ").raw(status.class()).raw("\">");
    icon(html, status.class());
    html.text(word).raw("</span>");
}

/// The verdict's word with its shape before it: a ring with a tick, a diamond with a question mark, an octagon with a cross.
pub(crate) fn verdict(html: &mut Html, verdict: Verdict) {
    let class = verdict.as_str();
    html.raw("<span class=\"verdict ").raw(class).raw("\">");
    icon(html, class);
    html.text(class).raw("</span>");
}

/// A shape of [`SHAPES`].
pub(crate) fn icon(html: &mut Html, name: &'static str) {
    html.raw(
        "<svg class=\"icon\" aria-hidden=\"true\" focusable=\"false\" viewBox=\"0 0 16 16\"><use href=\"#i-",
    );
    html.raw(name).raw("\"/></svg>");
}

/// The shapes, drawn once.
pub(crate) const SHAPES: &str = r##"<svg class="shapes" aria-hidden="true" focusable="false" width="0" height="0"><defs>
<symbol id="i-o" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="currentColor"/><path class="cut" d="M8 4v8M4 8h8"/></symbol>
<symbol id="i-c" viewBox="0 0 16 16"><rect class="line" x="1.75" y="1.75" width="12.5" height="12.5" rx="2" stroke-dasharray="3 2"/><path class="line" d="M5 5l6 6M11 5l-6 6"/></symbol>
<symbol id="i-u" viewBox="0 0 16 16"><path class="line" d="M8 1.2 14.8 8 8 14.8 1.2 8z"/><path class="line" d="M6.3 6.6c0-2.2 3.4-2.2 3.4 0 0 1.3-1.7 1.3-1.7 2.6M8 11v.6"/></symbol>
<symbol id="i-s" viewBox="0 0 16 16"><path class="line" d="M3 6h10M3 10h10"/></symbol>
<symbol id="i-pass" viewBox="0 0 16 16"><circle class="line" cx="8" cy="8" r="6.8"/><path class="line" d="m4.8 8.2 2.2 2.2 4.2-4.6"/></symbol>
<symbol id="i-undetermined" viewBox="0 0 16 16"><path class="line" d="M8 1.2 14.8 8 8 14.8 1.2 8z"/><path class="line" d="M6.3 6.6c0-2.2 3.4-2.2 3.4 0 0 1.3-1.7 1.3-1.7 2.6M8 11v.6"/></symbol>
<symbol id="i-violation" viewBox="0 0 16 16"><path fill="currentColor" d="M5 1h6l4 4v6l-4 4H5l-4-4V5z"/><path class="cut" d="m5.3 5.3 5.4 5.4m0-5.4-5.4 5.4"/></symbol>
</defs></svg>
"##;
