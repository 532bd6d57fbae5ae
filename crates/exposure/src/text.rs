//! The report for people: as text and as Markdown.

use crate::document::{
    ComparedWith, ExposureReport, Fate, GroupExposure, MemberExposure, MemberRef, NamedGroup,
};
use crate::line::{Cause, Effect, ExposureLine};
use crate::rank;
use portcullis_report::text::{clean, cut_middle, fold, markdown_code};
use std::fmt::Write as _;

/// At most this many names are told in one place.
const NAMES: usize = 8;

/// At most this many rows stand in a Markdown table; a merge request's note is no place for more.
const ROWS: usize = 100;

const KINDS: [(char, &str); 4] = [
    ('+', "opens"),
    ('?', "may open"),
    ('-', "closes"),
    ('?', "may close"),
];

impl ExposureReport {
    /// For people: the headline, then each group with what it opens (`+`), closes (`-`) and may open or close (`?`), then
    /// the members that feel more than their groups' rules. Ends with a line feed.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.to_text_within(usize::MAX)
    }

    /// [`ExposureReport::to_text`] for a terminal of this many columns: longer lines are folded between words and go on
    /// under their own text.
    #[must_use]
    pub fn to_text_within(&self, columns: usize) -> String {
        let mut out = String::new();
        fold(&mut out, "exposure: ", &clean(&self.headline), columns);
        for note in &self.notes {
            fold(&mut out, "  note: ", &clean(note), columns);
        }
        for group in &self.groups {
            out.push('\n');
            fold(&mut out, "", &clean(&title(group)), columns);
            if let Some(remark) = self.behind(group) {
                fold(&mut out, "    ", &remark, columns);
            }
            for (kind, line) in group_lines(group) {
                write_line(&mut out, kind, line, columns);
            }
        }
        for member in &self.members {
            let lines: Vec<_> = own_lines(member).collect();
            if lines.is_empty() {
                continue;
            }
            out.push('\n');
            fold(&mut out, "", &clean(&member_title(member)), columns);
            for (kind, line) in lines {
                write_line(&mut out, kind, line, columns);
            }
            if member.more > 0 {
                let _ = writeln!(out, "    {} more lines", member.more);
            }
        }
        for group in &self.drift {
            out.push('\n');
            let name = clean(&called(&group.group.to_string(), group.name.as_deref()));
            fold(&mut out, "", &format!("changed by hand before: {name}"), columns);
            let all = group.opened.iter().map(|line| ("opened", line));
            for (verb, line) in all.chain(group.closed.iter().map(|line| ("closed", line))) {
                let head = format!("  ! {verb:<9} {:<7} ", line.direction);
                fold(&mut out, &head, &clean(&line.sentence()), columns);
            }
        }
        out
    }

    /// For a merge request: the headline, and a table of what opens and closes. Text from outside can't become markup. Ends
    /// with a line feed.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut out = format!("**exposure:** {}\n", code(&self.headline));
        for (at, note) in self.notes.iter().enumerate() {
            let _ = writeln!(out, "{}- {}", if at == 0 { "\n" } else { "" }, code(note));
        }
        let of_groups = self.groups.iter().flat_map(|group| {
            group_lines(group).map(|(kind, line)| {
                let members: Vec<&str> = group.members.iter().map(String::as_str).collect();
                let felt = remark(kind, line).unwrap_or_default();
                (
                    kind,
                    line,
                    group.label().to_owned(),
                    format!("{}{felt}", some(&members)),
                )
            })
        });
        let of_members = self.members.iter().flat_map(|member| {
            own_lines(member).map(|(kind, line)| {
                let groups = if kind < 2 { &member.joined } else { &member.left };
                let groups: Vec<&str> = groups.iter().map(NamedGroup::label).collect();
                (kind, line, some(&groups), member_title(member))
            })
        });
        let mut rows: Vec<_> = of_groups.chain(of_members).collect();
        if rows.is_empty() {
            return out;
        }
        // Stable: within a group the lines stand in order already.
        rows.sort_by_cached_key(|(kind, line, ..)| (*kind, rank::of_line(line)));
        out.push_str("\n| | direction | what | from or to | group | members |\n|---|---|---|---|---|---|\n");
        for (kind, line, group, members) in rows.iter().take(ROWS) {
            let cells = [&line.direction, &line.traffic, &line.peers, group, members].map(|cell| code(cell));
            let _ = writeln!(out, "| {} | {} |", KINDS[*kind].1, cells.join(" | "));
        }
        if rows.len() > ROWS {
            let _ = write!(
                out,
                "\n… {} more lines are in `exposure.json`.\n",
                rows.len() - ROWS
            );
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

    /// What is to be said where nobody is known to be behind a group.
    fn behind(&self, group: &GroupExposure) -> Option<String> {
        if !group.members.is_empty() {
            return None;
        }
        let effect = group_lines(group).find_map(|(_, line)| line.effect);
        let said = match (effect?, self.compared_with) {
            (Effect::Nobody, ComparedWith::Live) if group.fate == Fate::Destroyed => "nobody is behind it",
            (Effect::Nobody, ComparedWith::Live) => "nobody is behind it yet",
            (Effect::Nobody, _) => "nobody is behind it, as far as this plan tells",
            (Effect::Unknown, _) => "who is behind it is not known yet",
            (Effect::Felt | Effect::Covered, _) => return None,
        };
        Some(said.to_owned())
    }
}

fn group_lines(group: &GroupExposure) -> impl Iterator<Item = (usize, &ExposureLine)> {
    kinds([&group.opens, &group.may_open, &group.closes, &group.may_close])
}

/// The lines that no group tells: what comes from joining and leaving.
fn own_lines(member: &MemberExposure) -> impl Iterator<Item = (usize, &ExposureLine)> {
    kinds([&member.opens, &member.may_open, &member.closes, &member.may_close])
        .filter(|(_, line)| line.cause == Some(Cause::Membership))
}

fn kinds(lists: [&[ExposureLine]; 4]) -> impl Iterator<Item = (usize, &ExposureLine)> {
    lists
        .into_iter()
        .enumerate()
        .flat_map(|(kind, lines)| lines.iter().map(move |line| (kind, line)))
}

fn write_line(out: &mut String, kind: usize, line: &ExposureLine, columns: usize) {
    let (sign, verb) = KINDS[kind];
    let head = format!("  {sign} {verb:<9} {:<7} ", line.direction);
    let text = format!("{}{}", line.sentence(), remark(kind, line).unwrap_or_default());
    fold(out, &head, &clean(&text), columns);
}

/// Of one text in a table, this much is shown; the JSON document has it whole.
const CELL: usize = 400;

fn code(text: &str) -> String {
    markdown_code(&cut_middle(text, CELL))
}

/// What a member has of a line that is no news to it.
fn remark(kind: usize, line: &ExposureLine) -> Option<&'static str> {
    if !line.is_covered() {
        return None;
    }
    Some(if kind < 2 {
        " (no new exposure: other groups of all its members have it open)"
    } else {
        " (stays open: other groups of all its members have it open)"
    })
}

fn title(group: &GroupExposure) -> String {
    let mut out = called(&group.group.to_string(), group.name.as_deref());
    if let Some(fate) = fate(group.fate) {
        let _ = write!(out, ", {fate}");
    }
    if !group.members.is_empty() {
        let members: Vec<&str> = group.members.iter().map(String::as_str).collect();
        let _ = write!(out, ", on {}", some(&members));
    }
    out
}

/// An address with the name people know, where the address does not hold it.
fn called(place: &str, name: Option<&str>) -> String {
    match name {
        Some(name) if !place.contains(name) => format!("{place} \"{name}\""),
        _ => place.to_owned(),
    }
}

fn member_title(member: &MemberExposure) -> String {
    let names: Vec<&str> = member.members.iter().map(MemberRef::label).collect();
    let mut out = some(&names);
    if let Some(fate) = fate(member.fate) {
        let _ = write!(out, ", {fate}");
    }
    for (word, groups) in [("joins", &member.joined), ("leaves", &member.left)] {
        if !groups.is_empty() {
            let groups: Vec<&str> = groups.iter().map(NamedGroup::label).collect();
            let _ = write!(out, ", {word} {}", some(&groups));
        }
    }
    if member.groups_unknown {
        out.push_str(", some groups not known yet");
    }
    out
}

fn fate(fate: Fate) -> Option<&'static str> {
    match fate {
        Fate::Kept => None,
        Fate::Created => Some("created"),
        Fate::Replaced => Some("replaced"),
        Fate::Destroyed => Some("destroyed"),
    }
}

fn some(names: &[&str]) -> String {
    match names.get(..NAMES) {
        Some(first) if names.len() > NAMES => {
            format!("{} and {} more", first.join(", "), names.len() - NAMES)
        }
        _ => names.join(", "),
    }
}
