//! The comparison for people: a table of the three views, and a diff of what the code wants against what EC2 has.

use crate::compare::verdict_of;
use crate::document::{ConsistencyReport, RuleRow, RuleVerdict};
use portcullis_report::text::clean;
use portcullis_report::{GroupRef, Verdict};
use similar::TextDiff;
use std::collections::BTreeMap;
use std::fmt::Write as _;

impl RuleRow {
    /// The rule as a line: `ingress tcp 22 from 0.0.0.0/0`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let towards = if self.direction == "egress" { "to" } else { "from" };
        let ports = match (self.protocol.as_str(), self.from_port, self.to_port) {
            ("-1", ..) => "all traffic".to_owned(),
            ("tcp" | "udp", 0, 65_535) => format!("{}, every port", self.protocol),
            ("tcp" | "udp", from, to) if from == to => format!("{} {from}", self.protocol),
            ("tcp" | "udp", from, to) => format!("{} {from}-{to}", self.protocol),
            ("icmp" | "icmpv6", -1, _) => format!("all {}", self.protocol),
            ("icmp" | "icmpv6", kind, -1) => format!("{} type {kind}", self.protocol),
            ("icmp" | "icmpv6", kind, code) => format!("{} type {kind} code {code}", self.protocol),
            (number, ..) => format!("protocol {number}"),
        };
        format!("{} {ports} {towards} {}", self.direction, self.peer)
    }
}

impl ConsistencyReport {
    /// One line: `violation: 2 of 8 rules disagree (2 unmanaged)`.
    #[must_use]
    pub fn headline(&self) -> String {
        let total = self.rules.len();
        let rules = if total == 1 { "rule" } else { "rules" };
        let mut counts: Vec<(RuleVerdict, usize)> = Vec::new();
        for row in self
            .rules
            .iter()
            .filter(|row| verdict_of(row.verdict) == Verdict::Violation)
        {
            match counts.iter_mut().find(|(verdict, _)| *verdict == row.verdict) {
                Some((_, count)) => *count += 1,
                None => counts.push((row.verdict, 1)),
            }
        }
        let off: usize = counts.iter().map(|(_, count)| count).sum();
        let open = self
            .rules
            .iter()
            .filter(|row| row.verdict == RuleVerdict::Undetermined)
            .count();
        let parts: Vec<String> = counts
            .iter()
            .map(|(verdict, count)| format!("{count} {}", words(*verdict)))
            .collect();
        match (off, open) {
            (0, 0) => format!("{}: all {total} {rules} agree", self.verdict),
            (0, open) => format!("{}: {open} of {total} {rules} cannot be told", self.verdict),
            (off, 0) => format!(
                "{}: {off} of {total} {rules} disagree ({})",
                self.verdict,
                parts.join(", ")
            ),
            (off, open) => {
                let parts = parts.join(", ");
                format!(
                    "{}: {off} of {total} {rules} disagree ({parts}), {open} cannot be told",
                    self.verdict
                )
            }
        }
    }

    /// For people: the headline, the notes, a table per group, and, where the code and EC2 differ, the difference. Ends with a
    /// line feed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("consistency: {}\n", self.headline());
        for note in &self.notes {
            let _ = writeln!(out, "  note: {}", clean(note));
        }
        let mut groups: Vec<(&GroupRef, Vec<&RuleRow>)> = Vec::new();
        let mut places: BTreeMap<&GroupRef, usize> = BTreeMap::new();
        for row in &self.rules {
            let at = *places.entry(&row.group).or_insert_with(|| {
                groups.push((&row.group, Vec::new()));
                groups.len() - 1
            });
            groups[at].1.push(row);
        }
        for (group, rows) in groups {
            let _ = writeln!(out, "\n{}", clean(&group.to_string()));
            let _ = writeln!(
                out,
                "  {:<14} {:<8} {:<8} {:<8} rule",
                "verdict", "declared", "recorded", "live"
            );
            for row in rows {
                write_row(&mut out, row);
            }
        }
        out.push_str(&self.difference());
        out
    }

    /// What the code wants against what EC2 has, as a unified diff; empty where they agree or one could not be read.
    #[must_use]
    pub fn difference(&self) -> String {
        let lines = |pick: fn(&RuleRow) -> Option<bool>| {
            let mut lines: Vec<String> = self
                .rules
                .iter()
                .filter(|row| pick(row) == Some(true) && row.declared.is_some() && row.live.is_some())
                .map(|row| clean(&format!("{} {}", row.group, row.sentence())))
                .collect();
            lines.sort();
            lines.iter().fold(String::new(), |text, line| text + line + "\n")
        };
        let (declared, live) = (lines(|row| row.declared), lines(|row| row.live));
        if declared == live {
            return String::new();
        }
        let diff = TextDiff::from_lines(&declared, &live);
        format!(
            "\n{}",
            diff.unified_diff().context_radius(0).header("declared", "live")
        )
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

fn write_row(out: &mut String, row: &RuleRow) {
    let _ = writeln!(
        out,
        "  {:<14} {:<8} {:<8} {:<8} {}",
        words(row.verdict),
        answer(row.declared),
        answer(row.recorded),
        answer(row.live),
        clean(&row.sentence())
    );
    // Where all agree, who owns the rule is no news; a weaker difference still is.
    let owners = |note: &&String| note.starts_with("declared by ") || note.starts_with("recorded for ");
    for note in row
        .notes
        .iter()
        .filter(|note| row.verdict != RuleVerdict::Agree || !owners(note))
    {
        let _ = writeln!(out, "    {}", clean(note));
    }
}

fn answer(view: Option<bool>) -> &'static str {
    match view {
        Some(true) => "yes",
        Some(false) => "no",
        None => "?",
    }
}

fn words(verdict: RuleVerdict) -> &'static str {
    match verdict {
        RuleVerdict::NotApplied => "not applied",
        RuleVerdict::StateBehind => "state behind",
        RuleVerdict::NotDeclared => "not declared",
        RuleVerdict::StateStale => "state stale",
        other => other.as_str(),
    }
}
