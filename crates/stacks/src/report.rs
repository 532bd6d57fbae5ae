//! One report over all stacks.

use crate::{FanOut, Kind, Outcome, Stack};
use portcullis_report::text::{clean, cut_middle, markdown_code};
use portcullis_report::{FORMAT_VERSION, Finding, GroupRef, Limits, Note, Report, Rule, Severity, Verdict};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// All stacks of a run (`portcullis/stacks.json`). Field names are the JSON contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StacksReport {
    /// The documents' format version.
    pub format_version: String,
    /// What the stacks are.
    pub kind: Kind,
    /// The worst of all stacks' verdicts.
    pub verdict: Verdict,
    /// One entry per stack, the worst first.
    pub stacks: Vec<StackRow>,
    /// Remarks about the whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One stack's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackRow {
    /// Its key: where its documents are, below `portcullis/stacks/`.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Pass, violation, or undetermined when something is missing.
    pub verdict: Verdict,
    /// What happened, one line each.
    pub said: Vec<String>,
}

/// What the chain of one stack left behind, as far as it could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// How its jobs ended; `None` when there is no such document.
    pub outcome: Option<Outcome>,
    /// The verdicts of the documents, and what each says of itself in one line.
    pub documents: Vec<(Verdict, String)>,
    /// What could not be read.
    pub unreadable: Vec<String>,
}

impl StacksReport {
    /// The report over a run, from what each stack left behind.
    ///
    /// A stack without outcome, one whose chain did not get to its end, and one with a document that can't be read are
    /// undetermined at best. Without any stack a run over states is undetermined: nothing asked is nothing proved. A change that
    /// touches no folder passes.
    pub fn new(fan_out: &FanOut, mut left: impl FnMut(&Stack) -> Left) -> Self {
        let mut stacks: Vec<StackRow> = fan_out
            .stacks
            .iter()
            .map(|stack| row(stack, &fan_out.steps, left(stack)))
            .collect();
        stacks.sort_by(|a, b| (b.verdict, &a.key).cmp(&(a.verdict, &b.key)));
        let unknown = match fan_out.kind {
            Kind::States if stacks.is_empty() => Verdict::Undetermined,
            _ => Verdict::Pass,
        };
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            kind: fan_out.kind,
            verdict: stacks.iter().map(|row| row.verdict).fold(unknown, Verdict::worst),
            stacks,
            notes: fan_out.notes.clone(),
        }
    }

    /// One line: `violation: 20 managed states: 18 pass, 1 undetermined, 1 violation`.
    #[must_use]
    pub fn headline(&self) -> String {
        format!("{}: {}", self.verdict, self.counts())
    }

    /// `20 managed states: 18 pass, 1 undetermined, 1 violation`.
    #[must_use]
    pub fn counts(&self) -> String {
        let mut out = self.kind.count(self.stacks.len());
        for (index, verdict) in [Verdict::Violation, Verdict::Undetermined, Verdict::Pass]
            .into_iter()
            .filter(|verdict| self.stacks.iter().any(|row| row.verdict == *verdict))
            .enumerate()
        {
            let n = self.stacks.iter().filter(|row| row.verdict == verdict).count();
            let _ = write!(out, "{} {n} {verdict}", if index == 0 { ":" } else { "," });
        }
        out
    }

    /// For people. Ends with a line feed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("stacks: {}\n", self.headline());
        for note in &self.notes {
            let _ = writeln!(out, "  note: {}", clean(note));
        }
        let mut before = None;
        for row in &self.stacks {
            // Those that pass have nothing to say, and stand close together.
            let passes = row.verdict == Verdict::Pass;
            if !passes || before != Some(Verdict::Pass) {
                out.push('\n');
            }
            before = Some(row.verdict);
            let _ = writeln!(
                out,
                "{:<12} {} ({})",
                row.verdict,
                clean(&row.name),
                clean(&row.key)
            );
            for said in row.said.iter().filter(|_| !passes) {
                let _ = writeln!(out, "  {}", clean(said));
            }
        }
        out
    }

    /// For a merge-request note, within these limits: the worst stacks stay, and what is cut is counted. Ends with a line feed.
    #[must_use]
    pub fn to_markdown(&self, limits: &Limits) -> String {
        /// Of one text this much is shown; the JSON document has it whole.
        const CELL: usize = 400;
        let code = |text: &String| markdown_code(&cut_middle(text, CELL));
        let cells = |row: &StackRow| {
            let said: Vec<String> = row.said.iter().map(code).collect();
            vec![row.verdict.to_string(), code(&row.name), said.join("<br>")]
        };
        let note = Note {
            headline: format!("### Stacks: {}", self.headline()),
            remarks: self.notes.iter().map(code).collect(),
            columns: &["verdict", "stack", "what happened"],
            rows: self.stacks.iter().map(cells).collect(),
            noun: "stacks",
            wide: 2,
            ..Note::default()
        };
        note.to_markdown(limits)
    }

    /// For tools: the JSON document, indented. Ends with a line feed.
    ///
    /// # Errors
    /// None in practice; `serde_json`'s error is passed on.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Every stack as a finding, those that pass as well, for the formats that know only findings.
    #[must_use]
    pub fn to_report(&self) -> Report {
        const RULE: (&str, &str) = ("stack", "Each stack passes");
        let findings = self.stacks.iter().map(|row| {
            let finding = Finding::new(RULE.0, Severity::High, row.verdict)
                .title(RULE.1)
                .group(GroupRef::address(&row.name))
                .exposure("all steps of its chain");
            row.said.iter().fold(finding, Finding::note)
        });
        let mut report = Report::new("stacks", findings.collect())
            .rules([Rule {
                id: RULE.0.to_owned(),
                title: RULE.1.to_owned(),
                severity: Severity::High,
                frameworks: Vec::new(),
            }])
            .at_least(self.verdict);
        report.notes.clone_from(&self.notes);
        report
    }
}

fn row(stack: &Stack, steps: &[String], left: Left) -> StackRow {
    let mut verdict = Verdict::Pass;
    let mut said = Vec::new();
    let mut tell = |worst: Verdict, line: String| {
        verdict = verdict.worst(worst);
        said.push(line);
    };
    match (&stack.left_out, &left.outcome) {
        (Some(why), _) => tell(Verdict::Undetermined, why.clone()),
        (None, None) => tell(
            Verdict::Undetermined,
            "nothing was left behind: its job did not run, was cancelled, or its artifacts are gone"
                .to_owned(),
        ),
        (None, Some(outcome)) => {
            for step in &outcome.steps {
                if step.exit_code != 0 {
                    let why = step.error.iter().map(|error| format!(": {error}"));
                    let head = format!("{} ended with {} ({})", step.step, step.exit_code, step.program);
                    tell(step.verdict(), head + &why.collect::<String>());
                }
            }
            let ran = |name: &String| outcome.steps.iter().any(|step| step.step == *name);
            let missing: Vec<&str> = steps
                .iter()
                .filter(|name| !ran(name))
                .map(String::as_str)
                .collect();
            // After a failure the rest of a chain does not run; that is said already.
            if !missing.is_empty() && outcome.failed().is_none() {
                tell(
                    Verdict::Undetermined,
                    format!("not run, or not to its end: {}", missing.join(", ")),
                );
            }
        }
    }
    for (document, line) in left.documents {
        tell(document, line);
    }
    for what in left.unreadable {
        tell(Verdict::Undetermined, format!("cannot be read: {what}"));
    }
    StackRow {
        key: stack.key.clone(),
        name: stack.name.clone(),
        verdict,
        said,
    }
}
