//! A gate's whole answer.

use crate::text::{clean, fold};
use crate::{Finding, Format, GroupRef, Limits, Rule, Severity, Tool, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The version of the JSON documents. A reader accepts any `1.x`.
pub const FORMAT_VERSION: &str = "1.0";

/// A gate's whole answer: the verdict, what was found, and remarks that belong to no single finding.
///
/// The order of findings is fixed: worst first, then by group, rule and exposure, so that two runs over the same
/// input give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT_VERSION`] when written by this version.
    pub format_version: String,
    /// Which gate speaks: `compliance`, for instance.
    pub gate: String,
    /// The worst verdict of all findings, or worse when the input itself was incomplete.
    pub verdict: Verdict,
    /// What was found.
    pub findings: Vec<Finding>,
    /// The rules that were held against the input, so that one can see what passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Remarks about the whole, such as "the plan is partial".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Report {
    /// A report over these findings; its verdict is the worst among them that no waiver covers.
    #[must_use]
    pub fn new(gate: impl Into<String>, mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            gate: gate.into(),
            verdict: Self::worst(&findings),
            findings,
            rules: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The worst verdict among those that no waiver covers.
    pub(crate) fn worst(findings: &[Finding]) -> Verdict {
        let open = findings.iter().filter(|finding| finding.waived.is_none());
        open.map(|finding| finding.verdict)
            .fold(Verdict::Pass, Verdict::worst)
    }

    /// With the rules that were held against the input.
    #[must_use]
    pub fn rules(mut self, rules: impl IntoIterator<Item = Rule>) -> Self {
        self.rules = rules.into_iter().collect();
        self
    }

    /// With a remark about the whole.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// With a verdict at least this bad: for input that was itself incomplete.
    #[must_use]
    pub fn at_least(mut self, verdict: Verdict) -> Self {
        self.verdict = self.verdict.worst(verdict);
        self
    }

    /// One line: `violation: 2 findings (1 critical, 1 low), 1 waived`.
    #[must_use]
    pub fn headline(&self) -> String {
        let told = |wanted: fn(&Finding) -> bool| self.findings.iter().filter(move |finding| wanted(finding));
        let open = || told(Finding::is_open);
        let waived = told(|finding| finding.waived.is_some()).count();
        let notes = told(|finding| finding.waived.is_none() && finding.verdict == Verdict::Pass).count();
        let mut line = match open().count() {
            0 => format!("{}: no finding", self.verdict),
            1 => format!("{}: 1 finding", self.verdict),
            n => format!("{}: {n} findings", self.verdict),
        };
        let counts: Vec<String> = [
            Severity::Critical,
            Severity::High,
            Severity::Medium,
            Severity::Low,
            Severity::Info,
        ]
        .into_iter()
        .filter_map(|severity| {
            let n = open().filter(|finding| finding.severity == severity).count();
            (n > 0).then(|| format!("{n} {severity}"))
        })
        .collect();
        if !counts.is_empty() {
            let _ = write!(line, " ({})", counts.join(", "));
        }
        if waived > 0 {
            let _ = write!(line, ", {waived} waived");
        }
        match notes {
            0 => {}
            1 => line.push_str(", 1 note"),
            n => {
                let _ = write!(line, ", {n} notes");
            }
        }
        line
    }

    /// For people: the headline, then each group, the one with the worst finding first, with its findings. Ends with a line feed.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.to_text_within(usize::MAX)
    }

    /// [`Report::to_text`] for a terminal of this many columns: longer lines are folded between words and go on under
    /// their own text. A word that is longer than the terminal is left whole, so that it can be copied.
    #[must_use]
    pub fn to_text_within(&self, columns: usize) -> String {
        let mut out = format!("{}: {}\n", clean(&self.gate), self.headline());
        for note in &self.notes {
            fold(&mut out, "  note: ", &clean(note), columns);
        }
        let mut groups: Vec<(&GroupRef, Vec<&Finding>)> = Vec::new();
        let mut places: BTreeMap<&GroupRef, usize> = BTreeMap::new();
        for finding in &self.findings {
            let at = *places.entry(&finding.group).or_insert_with(|| {
                groups.push((&finding.group, Vec::new()));
                groups.len() - 1
            });
            groups[at].1.push(finding);
        }
        for (group, findings) in groups {
            let _ = writeln!(out, "\n{}", clean(&group.to_string()));
            for finding in findings {
                write_finding(&mut out, finding, columns);
            }
        }
        out
    }

    /// For tools: the JSON document, indented. Ends with a line feed.
    ///
    /// # Errors
    /// None in practice: the document holds only strings, numbers and lists. `serde_json`'s error is passed on.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        pretty(self)
    }

    /// The report in this format, with what fits most readers: text is not folded, Markdown is cut to GitLab's limit.
    ///
    /// # Errors
    /// None in practice. `serde_json`'s error is passed on.
    pub fn render(&self, format: Format, tool: &Tool) -> Result<String, serde_json::Error> {
        match format {
            Format::Text => Ok(self.to_text()),
            Format::Json => self.to_json(),
            Format::Markdown => Ok(self.to_markdown(&Limits::default())),
            Format::Junit => Ok(self.to_junit(tool)),
            Format::CodeQuality => self.to_code_quality(tool),
            Format::Sarif => self.to_sarif(tool),
        }
    }
}

/// JSON, indented, with a line feed at the end.
pub(crate) fn pretty(document: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(document)?;
    text.push('\n');
    Ok(text)
}

fn sort_key(finding: &Finding) -> impl Ord + '_ {
    (
        finding.waived.is_some(),
        std::cmp::Reverse(finding.verdict),
        std::cmp::Reverse(finding.severity),
        &finding.group,
        &finding.rule,
        &finding.exposure,
    )
}

/// The finding's verdict in one word, for people.
pub(crate) fn word(finding: &Finding) -> &'static str {
    match (&finding.waived, finding.verdict) {
        (Some(_), _) => "waived",
        (None, Verdict::Pass) => "note",
        (None, verdict) => verdict.as_str(),
    }
}

/// At most this many causes are told to people; the JSON document has all of them.
const CAUSES: usize = 20;

pub(crate) fn causes(resources: &[String]) -> String {
    match resources.get(..CAUSES) {
        Some(first) if resources.len() > CAUSES => {
            format!("{} and {} more", first.join(", "), resources.len() - CAUSES)
        }
        _ => resources.join(", "),
    }
}

fn write_finding(out: &mut String, finding: &Finding, columns: usize) {
    let (severity, standing) = (finding.severity, finding.standing);
    let head = format!("  {:<12} {severity:<8} {standing:<8} ", word(finding));
    fold(out, &head, &clean(&finding.exposure), columns);
    for (label, text) in details(finding) {
        fold(out, &format!("    {label:<9} "), &clean(&text), columns);
    }
}

/// What else there is to say of a finding, each part under its word. Not cleaned.
pub(crate) fn details(finding: &Finding) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let mut part = |label, text: String| out.push((label, text));
    if finding.title.is_empty() {
        part("rule", finding.rule.clone());
    } else {
        part("rule", format!("{}: {}", finding.rule, finding.title));
    }
    if !finding.frameworks.is_empty() {
        part("also", finding.frameworks.join(", "));
    }
    if let Some(witness) = &finding.witness {
        part("for one", witness.clone());
    }
    if !finding.resources.is_empty() {
        part("because", causes(&finding.resources));
    }
    if let Some(location) = &finding.location {
        part("at", location.to_string());
    }
    if let Some(remedy) = &finding.remedy {
        part("mend", remedy.clone());
    }
    if let Some(waived) = &finding.waived {
        part("waiver", waived.sentence());
    }
    for note in &finding.notes {
        part("note", note.clone());
    }
    out
}
