//! The whole, as a document and as text.

use crate::{ServiceCheck, ServicesReport, Targets};
use portcullis_report::text::{clean, markdown_code};
use portcullis_report::{FORMAT_VERSION, Verdict};
use std::fmt::Write as _;

impl ServicesReport {
    /// The report over these checks, and over what of `targets` could not be asked.
    ///
    /// With nothing to check, or with somebody missing, it is never a pass.
    #[must_use]
    pub fn new(mut checks: Vec<ServiceCheck>, targets: &Targets) -> Self {
        checks.extend(targets.untestable.iter().map(|untestable| ServiceCheck {
            member: untestable.member.clone(),
            group: untestable.group.clone(),
            url: untestable.what.clone(),
            verdict: Verdict::Undetermined,
            status: None,
            milliseconds: None,
            attempts: 0,
            outcome: format!("cannot be tested from here: {}", untestable.why),
        }));
        checks.sort_by(|a, b| (&a.member, &a.url, &a.group).cmp(&(&b.member, &b.url, &b.group)));
        let mut notes = targets.notes.clone();
        if checks.is_empty() {
            notes.push("there is nothing to check".to_owned());
        }
        let unknown = if checks.is_empty() || targets.incomplete {
            Verdict::Undetermined
        } else {
            Verdict::Pass
        };
        let verdict = checks
            .iter()
            .map(|check| check.verdict)
            .fold(unknown, Verdict::worst);
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            verdict,
            checks,
            notes,
        }
    }

    /// One line: `violation: 1 of 2 services answers as expected`.
    #[must_use]
    pub fn headline(&self) -> String {
        let good = self
            .checks
            .iter()
            .filter(|check| check.verdict == Verdict::Pass)
            .count();
        match (good, self.checks.len()) {
            (_, 0) => format!("{}: nothing to check", self.verdict),
            (1, 1) => format!("{}: the service answers as expected", self.verdict),
            (0, 1) => format!("{}: the service does not answer as expected", self.verdict),
            (good, all) => {
                let verb = if good == 1 { "answers" } else { "answer" };
                format!("{}: {good} of {all} services {verb} as expected", self.verdict)
            }
        }
    }

    /// For people. Ends with a line feed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("services: {}\n", self.headline());
        for note in &self.notes {
            let _ = writeln!(out, "  note: {}", clean(note));
        }
        let mut member = None;
        for check in &self.checks {
            if member != Some(&check.member) {
                let _ = writeln!(out, "\n{}", clean(&check.member));
                member = Some(&check.member);
            }
            let word = check.verdict.as_str();
            let _ = writeln!(
                out,
                "  {word:<12} {} ({})",
                clean(&check.url),
                clean(&check.group)
            );
            let _ = writeln!(out, "    {}{}", clean(&check.outcome), effort(check));
        }
        out
    }

    /// For a merge-request note. Ends with a line feed.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut out = format!("### Services: {}\n", self.headline());
        for note in &self.notes {
            let _ = write!(out, "\n- {}", markdown_code(note));
        }
        if !self.notes.is_empty() {
            out.push('\n');
        }
        if !self.checks.is_empty() {
            out.push_str("\n| verdict | member | asked | group | answer |\n|---|---|---|---|---|\n");
        }
        for check in &self.checks {
            let answer = format!("{}{}", check.outcome, effort(check));
            let cells = [&check.member, &check.url, &check.group, &answer].map(|text| markdown_code(text));
            let _ = writeln!(out, "| {} | {} |", check.verdict, cells.join(" | "));
        }
        out
    }

    /// For tools: the JSON document, indented. Ends with a line feed.
    ///
    /// # Errors
    /// None in practice; `serde_json`'s error is passed on.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}

/// ` after 3 attempts, 12 ms`.
fn effort(check: &ServiceCheck) -> String {
    let mut out = String::new();
    if check.attempts > 1 {
        let _ = write!(out, " after {} attempts", check.attempts);
    }
    if let Some(milliseconds) = check.milliseconds {
        let _ = write!(out, ", {milliseconds} ms");
    }
    out
}
