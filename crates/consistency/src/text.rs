//! The comparison for people: a table of the three views per group, and what to do.

use crate::document::{ConsistencyReport, GroupRow, MemberRow, PrefixListRow, RuleRow, RuleVerdict};
use crate::hand::Tie;
use portcullis_report::text::{clean, clean_lines, fold};
use portcullis_report::{GroupRef, Verdict};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// With more rules than this, those that agree are counted instead of listed.
const LISTED: usize = 60;

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

    /// Weaker remarks without those about who owns the rule, which are no news where all agree, or where a pair's title has
    /// said it.
    pub fn news(&self) -> impl Iterator<Item = &str> {
        let in_pair = self
            .relation
            .as_ref()
            .is_some_and(|relation| relation.tie != Tie::Beside);
        let agrees = self.verdict == RuleVerdict::Agree || in_pair;
        let owners = |note: &str| note.starts_with("declared by ") || note.starts_with("recorded for ");
        self.notes
            .iter()
            .map(String::as_str)
            .filter(move |note| !agrees || !owners(note))
    }

    /// How the rule is tied to another one, and who may have done it; in a line each.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        let mut out = Vec::new();
        if let Some(relation) = self
            .relation
            .as_ref()
            .filter(|relation| relation.tie == Tie::Beside)
        {
            let by = relation.resources.join(", ");
            out.push(format!("added beside {}, which {by} declares", relation.rule));
        }
        if let Some(by) = &self.done_by {
            out.push(by.sentence());
        }
        out
    }

    /// What a pair of rules is, of which this one is wanted and the next one found: `changed by hand`.
    #[must_use]
    pub fn pair_title(&self) -> Option<String> {
        let relation = self
            .relation
            .as_ref()
            .filter(|relation| relation.tie == Tie::ReplacedBy)?;
        let what = match self.verdict {
            RuleVerdict::Gone => "changed by hand",
            _ => "a change that is not applied",
        };
        let by = relation.resources.join(", ");
        let sure = if relation.certain { "" } else { ", as it seems" };
        Some(format!(
            "{what}{sure} ({by}): the code has the first, EC2 the second"
        ))
    }
}

impl crate::document::DoneBy {
    /// `AuthorizeSecurityGroupIngress by arn:… at 2026-11-24T03:12:00Z from 203.0.113.9 (CloudTrail)`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let source = self
            .source
            .as_deref()
            .map(|source| format!(" from {source}"))
            .unwrap_or_default();
        let sure = if self.by_id { "" } else { "perhaps " };
        format!(
            "{sure}{} by {} at {}{source} (CloudTrail)",
            self.event, self.principal, self.at
        )
    }
}

impl ConsistencyReport {
    /// One line: `violation: 2 of 8 rules disagree (2 unmanaged)`.
    #[must_use]
    pub fn headline(&self) -> String {
        let total = self.rules.len();
        let rules = if total == 1 { "rule" } else { "rules" };
        let count = |verdict| self.rules.iter().filter(|row| row.verdict == verdict).count();
        let mut off = 0;
        let mut kinds = Vec::new();
        for verdict in RuleVerdict::ALL {
            let rows = count(verdict);
            if verdict.verdict() == Verdict::Violation && rows > 0 {
                off += rows;
                kinds.push(format!("{rows} {}", verdict.words()));
            }
        }
        let open = count(RuleVerdict::Undetermined);
        let mut parts = Vec::new();
        if off > 0 {
            parts.push(format!(
                "{off} of {total} {rules} disagree ({})",
                kinds.join(", ")
            ));
        }
        match (off, open) {
            (0, 0) => parts.push(format!("all {total} {rules} agree")),
            (_, 0) => {}
            (0, open) => parts.push(format!("{open} of {total} {rules} cannot be told")),
            (_, open) => parts.push(format!("{open} cannot be told")),
        }
        let policy = self.policy.iter().filter(|found| found.finding.is_open()).count();
        let of = |wanted: Verdict, verdicts: &[RuleVerdict]| {
            let verdicts = verdicts.iter().filter(|verdict| verdict.verdict() == wanted);
            verdicts.count()
        };
        let members: Vec<RuleVerdict> = self.members.iter().map(|row| row.verdict).collect();
        let lists: Vec<RuleVerdict> = self.prefix_lists.iter().map(|row| row.verdict).collect();
        for (rows, one, many) in [
            (self.groups.len(), "group disagrees", "groups disagree"),
            (
                of(Verdict::Violation, &members),
                "group of a member disagrees",
                "groups of members disagree",
            ),
            (
                of(Verdict::Undetermined, &members),
                "group of a member cannot be told",
                "groups of members cannot be told",
            ),
            (
                of(Verdict::Violation, &lists),
                "part of a prefix list disagrees",
                "parts of prefix lists disagree",
            ),
            (
                of(Verdict::Undetermined, &lists),
                "part of a prefix list cannot be told",
                "parts of prefix lists cannot be told",
            ),
            (policy, "policy finding", "policy findings"),
        ] {
            if rows > 0 {
                parts.push(format!("{rows} {}", if rows == 1 { one } else { many }));
            }
        }
        format!("{}: {}", self.verdict, parts.join(", "))
    }

    /// For people: the headline, the notes, a table per group, and what to do. Ends with a line feed.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.to_text_within(usize::MAX)
    }

    /// [`ConsistencyReport::to_text`] for a terminal of this many columns. Addresses and commands are left whole, so that they
    /// can be copied.
    #[must_use]
    pub fn to_text_within(&self, columns: usize) -> String {
        let mut page = Page {
            out: format!("consistency: {}\n", self.headline()),
            columns,
            all: self.rules.len() <= LISTED,
        };
        if let Some(state) = &self.state {
            let mark = if state.is_odd() { "! state: " } else { "  state: " };
            page.fold(mark, &state.sentence());
        }
        if let Some(since) = &self.since {
            page.fold("  since the last time: ", &since.sentence());
            for (word, lines) in [("  + new: ", &since.new), ("  - settled: ", &since.settled)] {
                for line in lines {
                    page.fold(word, line);
                }
            }
        }
        for note in &self.notes {
            page.fold("  note: ", note);
        }
        page.policy(self);
        page.groups(self);
        page.others("members whose groups differ", &self.members);
        page.others("prefix lists whose entries differ", &self.prefix_lists);
        page.what_to_do(&self.rules);
        page.out
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

/// What the three views say of a thing, in words.
trait Told {
    fn views(&self) -> [Option<bool>; 3];
    fn verdict(&self) -> RuleVerdict;
    fn what(&self) -> String;
}

macro_rules! told {
    ($row:ty, $what:expr) => {
        impl Told for $row {
            fn views(&self) -> [Option<bool>; 3] {
                [self.declared, self.recorded, self.live]
            }
            fn verdict(&self) -> RuleVerdict {
                self.verdict
            }
            fn what(&self) -> String {
                $what(self)
            }
        }
    };
}

told!(RuleRow, Self::sentence);
told!(GroupRow, |_: &Self| "the group itself".to_owned());
told!(MemberRow, Self::sentence);
told!(PrefixListRow, Self::sentence);

struct Page {
    out: String,
    columns: usize,
    all: bool,
}

/// The rows of one group, and of the group itself.
#[derive(Default)]
struct Section<'a> {
    itself: Option<&'a GroupRow>,
    rows: Vec<&'a RuleRow>,
}

impl Page {
    fn fold(&mut self, head: &str, text: &str) {
        fold(&mut self.out, head, &clean(text), self.columns);
    }

    fn groups(&mut self, report: &ConsistencyReport) {
        let mut order: Vec<(&GroupRef, Section<'_>)> = Vec::new();
        let mut places: BTreeMap<&GroupRef, usize> = BTreeMap::new();
        let mut at = |order: &mut Vec<(_, Section<'_>)>, group| {
            *places.entry(group).or_insert_with(|| {
                order.push((group, Section::default()));
                order.len() - 1
            })
        };
        for row in &report.groups {
            let at = at(&mut order, &row.group);
            order[at].1.itself = Some(row);
        }
        for row in &report.rules {
            let at = at(&mut order, &row.group);
            order[at].1.rows.push(row);
        }
        let (mut quiet, mut quiet_rules) = (0_usize, 0_usize);
        for (group, section) in order {
            let shown: Vec<&RuleRow> = section
                .rows
                .iter()
                .copied()
                .filter(|row| self.all || row.verdict != RuleVerdict::Agree || row.news().next().is_some())
                .collect();
            if shown.is_empty() && section.itself.is_none() {
                quiet += 1;
                quiet_rules += section.rows.len();
                continue;
            }
            let _ = writeln!(self.out, "\n{}", clean(&group.to_string()));
            self.head("rule");
            if let Some(row) = section.itself {
                self.row(row);
            }
            for row in &shown {
                if let Some(title) = row.pair_title() {
                    self.fold("! ", &title);
                }
                self.row(*row);
                for line in row.told() {
                    self.fold("    ", &line);
                }
                for note in row.news() {
                    self.fold("    ", note);
                }
            }
            match section.rows.len() - shown.len() {
                0 => {}
                1 => self.out.push_str("  1 more rule agrees\n"),
                more => {
                    let _ = writeln!(self.out, "  {more} more rules agree");
                }
            }
        }
        if quiet > 0 {
            let groups = if quiet == 1 { "group" } else { "groups" };
            let _ = writeln!(
                self.out,
                "\n{quiet} {groups} with {quiet_rules} rules agree in everything"
            );
        }
    }

    fn others<T: Told>(&mut self, title: &str, rows: &[T]) {
        if rows.is_empty() {
            return;
        }
        let _ = writeln!(self.out, "\n{title}");
        self.head("what");
        for row in rows {
            self.row(row);
        }
    }

    fn head(&mut self, what: &str) {
        let _ = writeln!(
            self.out,
            "  {:<14}{:<10}{:<10}{:<6}{what}",
            "verdict", "declared", "recorded", "live"
        );
    }

    fn row(&mut self, row: &impl Told) {
        let answer = |view: Option<bool>| match view {
            Some(true) => "yes",
            Some(false) => "-",
            None => "?",
        };
        let mark = match row.verdict().verdict() {
            Verdict::Violation => '!',
            Verdict::Undetermined => '?',
            Verdict::Pass => ' ',
        };
        let [declared, recorded, live] = row.views().map(answer);
        let head = format!(
            "{mark} {:<14}{declared:<10}{recorded:<10}{live:<6}",
            row.verdict().words()
        );
        self.fold(&head, &row.what());
    }

    fn policy(&mut self, report: &ConsistencyReport) {
        if report.policy.is_empty() {
            return;
        }
        self.out.push_str("\nthe policy, on what is there\n");
        for found in &report.policy {
            let finding = &found.finding;
            let mark = match finding.verdict {
                _ if !finding.is_open() => ' ',
                Verdict::Violation => '!',
                _ => '?',
            };
            let head = format!("{mark} {}: ", found.views.join(" and "));
            let waived = if finding.waived.is_some() { ", waived" } else { "" };
            self.fold(
                &head,
                &format!(
                    "{} ({}{waived}): {}: {}",
                    finding.rule, finding.severity, finding.group, finding.exposure
                ),
            );
        }
    }

    fn what_to_do(&mut self, rows: &[RuleRow]) {
        let mut rows = rows
            .iter()
            .filter_map(|row| Some((row, row.repair.as_ref()?)))
            .peekable();
        if rows.peek().is_none() {
            return;
        }
        self.out.push_str("\nwhat to do\n");
        for (row, repair) in rows {
            self.fold("* ", &format!("{}: {}", row.group, row.sentence()));
            self.fold("  ", &repair.advice);
            if let Some(command) = &repair.command {
                let _ = writeln!(self.out, "\n    {}\n", clean(command));
            }
            if let Some(code) = &repair.code {
                self.out.push_str(if repair.command.is_some() {
                    "  or keep it:\n\n"
                } else {
                    "\n"
                });
                for line in clean_lines(code).lines() {
                    let _ = writeln!(self.out, "{}{line}", if line.is_empty() { "" } else { "    " });
                }
                self.out.push('\n');
            }
        }
    }
}
