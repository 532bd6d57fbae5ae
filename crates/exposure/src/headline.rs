//! One line for a phone.

use crate::document::{ExposureReport, GroupExposure, MemberExposure, NamedGroup};
use crate::line::{Cause, ExposureLine};
use crate::rank;
use portcullis_report::text::{clean, cut};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A phone's notification shows about this much.
const COLUMNS: usize = 80;

/// What a difference does, in the order in which it is told.
const VERBS: [&str; 4] = ["opens", "may open", "closes", "may close"];

/// At most this many statements can fit.
const STATEMENTS: usize = 8;

/// What several lines say of the same peers at the same place.
struct Statement<'a> {
    /// The traffic, by verb.
    traffic: [Vec<&'a str>; 4],
    line: &'a ExposureLine,
    place: Place<'a>,
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Group(&'a GroupExposure),
    /// Members that join groups, or leave some.
    Member(&'a MemberExposure, bool),
}

/// `opens tcp 8000, closes tcp 8080 from … on front (web)`, the worst first, with counts for the rest; or
/// `no exposure change (12 rules rewritten)`.
pub(crate) fn headline(report: &ExposureReport) -> String {
    let partial = report.notes.iter().any(|note| note.starts_with("partial: "));
    let prefix = if partial { "partial plan: " } else { "" };
    let statements = statements(report);
    let said = match statements.as_slice() {
        [] => nothing(report),
        all => told(all, COLUMNS - prefix.len()),
    };
    clean(&format!("{prefix}{said}"))
}

fn nothing(report: &ExposureReport) -> String {
    let rules = match report.rules_rewritten {
        0 => "nothing rewritten".to_owned(),
        1 => "1 rule rewritten".to_owned(),
        n => format!("{n} rules rewritten"),
    };
    if report.groups.is_empty() && report.members.is_empty() {
        return format!("no exposure change ({rules})");
    }
    format!("no new exposure: other groups of all members have it open ({rules})")
}

/// As many statements as fit; the others are counted.
fn told(statements: &[Statement<'_>], columns: usize) -> String {
    let texts: Vec<String> = statements.iter().take(STATEMENTS).map(Statement::text).collect();
    for first in (1..=texts.len()).rev() {
        let line = format!("{}{}", texts[..first].join("; "), rest(&statements[first..]));
        if line.chars().count() <= columns {
            return line;
        }
    }
    // Not even the first with all counts. What it opens stays readable, if need be the place is cut.
    let more: usize = statements[1..]
        .iter()
        .flat_map(|it| &it.traffic)
        .map(Vec::len)
        .sum();
    let rest = if more > 0 {
        format!("; {more} more")
    } else {
        String::new()
    };
    format!("{}{rest}", cut(&texts[0], columns - rest.len()))
}

fn rest(statements: &[Statement<'_>]) -> String {
    let counts: Vec<String> = (0..VERBS.len())
        .filter_map(|verb| {
            let n: usize = statements.iter().map(|it| it.traffic[verb].len()).sum();
            (n > 0).then(|| format!("{} {n}", VERBS[verb]))
        })
        .collect();
    if counts.is_empty() {
        return String::new();
    }
    format!("; also {}", counts.join(", "))
}

impl Statement<'_> {
    fn text(&self) -> String {
        let mut out = String::new();
        for (verb, traffic) in VERBS.iter().zip(&self.traffic) {
            if !traffic.is_empty() {
                let comma = if out.is_empty() { "" } else { ", " };
                let _ = write!(out, "{comma}{verb} {}", traffic.join(", "));
            }
        }
        let place = match self.place {
            Place::Group(group) => place(group),
            Place::Member(member, joins) => joining(member, joins),
        };
        let _ = write!(out, " {} {} {place}", self.line.preposition(), self.line.peers);
        out
    }
}

/// All that is news, the worst first. What every member has already, and what comes with the rules of a group that is
/// told itself, is left out.
fn statements(report: &ExposureReport) -> Vec<Statement<'_>> {
    // Verb, line, where it is said, and the number of that entry.
    let mut lines: Vec<(usize, &ExposureLine, Place<'_>, usize)> = Vec::new();
    for (at, group) in report.groups.iter().enumerate() {
        let all = [&group.opens, &group.may_open, &group.closes, &group.may_close];
        for (verb, of_verb) in all.into_iter().enumerate() {
            let news = of_verb.iter().filter(|line| !line.is_covered());
            lines.extend(news.map(|line| (verb, line, Place::Group(group), at)));
        }
    }
    let any = !lines.is_empty();
    for (at, member) in report.members.iter().enumerate() {
        let all = [&member.opens, &member.may_open, &member.closes, &member.may_close];
        for (verb, of_verb) in all.into_iter().enumerate() {
            // Where groups are not known yet, members may get what their groups tell already.
            if any && member.groups_unknown && verb % 2 == 1 {
                continue;
            }
            let place = Place::Member(member, verb < 2);
            let news = of_verb
                .iter()
                .filter(|line| line.cause == Some(Cause::Membership));
            lines.extend(news.map(|line| (verb, line, place, report.groups.len() + at)));
        }
    }
    // Stable: within one entry the lines stand in order already.
    lines.sort_by_cached_key(|(verb, line, ..)| (*verb, rank::of_line(line)));
    let mut out: Vec<Statement<'_>> = Vec::new();
    let mut places = BTreeMap::new();
    for (verb, line, place, entry) in lines {
        let joins = matches!(place, Place::Member(_, true));
        let key = (entry, joins, &line.direction, &line.peers);
        let at = *places.entry(key).or_insert_with(|| {
            out.push(Statement {
                traffic: Default::default(),
                line,
                place,
            });
            out.len() - 1
        });
        out[at].traffic[verb].push(&line.traffic);
    }
    out
}

/// The members that feel it, with the group in brackets; the group alone when nobody is known to be behind it.
fn place(group: &GroupExposure) -> String {
    let name = group.label();
    match group.members.as_slice() {
        [] => format!("on {name}"),
        members => format!("on {} ({name})", some(members)),
    }
}

fn joining(member: &MemberExposure, joins: bool) -> String {
    let names: Vec<&str> = member.members.iter().map(crate::MemberRef::label).collect();
    let groups = if joins { &member.joined } else { &member.left };
    let names = some(&names);
    let word = if joins { "joins" } else { "leaves" };
    match groups.as_slice() {
        [] => format!("on {names}"),
        groups => {
            let groups: Vec<&str> = groups.iter().map(NamedGroup::label).collect();
            format!("on {names} ({word} {})", some(&groups))
        }
    }
}

fn some(names: &[impl AsRef<str>]) -> String {
    match names {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first, rest @ ..] => format!("{} and {} more", first.as_ref(), rest.len()),
    }
}
