//! The report for people.

use crate::document::{ExposureReport, GroupExposure};
use portcullis_report::text::{clean, cut};
use std::fmt::Write as _;

/// At most this many statements stand in the headline; it must fit a phone.
const HEADLINE_STATEMENTS: usize = 3;

/// One line: `opens tcp 8000 from … on front (web); closes …`, or `no exposure change (12 rules rewritten)`.
pub(crate) fn headline(report: &ExposureReport) -> String {
    let mut statements = Vec::new();
    for (verb, pick) in [("opens", 0), ("may open", 1), ("closes", 2)] {
        for group in &report.groups {
            let lines = [&group.opens, &group.may_open, &group.closes][pick];
            statements.extend(
                lines
                    .iter()
                    .map(|line| format!("{verb} {} on {}", line.sentence(), place(group))),
            );
        }
    }
    if statements.is_empty() {
        let rules = match report.rules_rewritten {
            0 => "nothing rewritten".to_owned(),
            1 => "1 rule rewritten".to_owned(),
            n => format!("{n} rules rewritten"),
        };
        return format!("no exposure change ({rules})");
    }
    let more = statements.len().saturating_sub(HEADLINE_STATEMENTS);
    statements.truncate(HEADLINE_STATEMENTS);
    let mut line = statements.join("; ");
    if more > 0 {
        let _ = write!(line, "; and {more} more");
    }
    clean(&line)
}

/// The members that feel it, with the group in brackets; the group alone when no member is known.
fn place(group: &GroupExposure) -> String {
    let name = group
        .name
        .as_deref()
        .or(group.group.address.as_deref())
        .or(group.group.id.as_deref());
    let name = name.unwrap_or("a group not known yet");
    match group.members.as_slice() {
        [] => name.to_owned(),
        [one] => format!("{one} ({name})"),
        [first, rest @ ..] => format!("{first} and {} more ({name})", rest.len()),
    }
}

impl ExposureReport {
    /// For people: the headline, then each group with what it opens (`+`), may open (`?`) and closes (`-`). Ends with a
    /// line feed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("exposure: {}\n", clean(&self.headline));
        for note in &self.notes {
            let _ = writeln!(out, "  note: {}", clean(note));
        }
        for group in &self.groups {
            let _ = write!(out, "\n{}", clean(&group.group.to_string()));
            if !group.members.is_empty() {
                let _ = write!(out, " on {}", clean(&cut(&group.members.join(", "), 60)));
            }
            out.push('\n');
            for (sign, verb, lines) in [
                ('+', "opens", &group.opens),
                ('?', "may open", &group.may_open),
                ('-', "closes", &group.closes),
            ] {
                for line in lines {
                    let _ = writeln!(
                        out,
                        "  {sign} {verb:<8} {:<7} {}",
                        line.direction,
                        clean(&line.sentence())
                    );
                }
            }
        }
        out
    }

    /// For tools: the JSON document, indented. Ends with a line feed.
    ///
    /// # Errors
    /// None in practice: the document holds only strings, numbers and lists. `serde_json`'s error is passed on.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}
