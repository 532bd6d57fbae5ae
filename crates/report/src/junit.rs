//! JUnit's XML, for GitLab's unit-test report and every other reader of it.

use crate::report::details;
use crate::text::clean;
use crate::{Finding, Report, Tool, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// How a test case ended. GitLab counts an error as failed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Passed,
    Failed,
    Unknown,
    Waived,
}

struct Case {
    class: String,
    name: String,
    file: Option<String>,
    outcome: Outcome,
    message: String,
    body: String,
}

impl Report {
    /// For `artifacts:reports:junit`: a suite with a test case per finding, and one per rule that found nothing, so that the
    /// report is never empty. Ends with a line feed.
    ///
    /// | | in JUnit's words |
    /// |---|---|
    /// | violation | `failure` |
    /// | undetermined | `error`: GitLab shows it as failed, too |
    /// | waived | `skipped`, with the waiver's reason |
    /// | merely informs, or a rule without finding | a test case that passed |
    ///
    /// GitLab tells test cases apart by suite, class and name: the class is the rule, and the name holds the group and what
    /// is open, so a finding keeps its name from run to run. Its reader also takes the attribute `type` of an element for a
    /// data type, and refuses `yaml` and `symbol` (Rails, `Hash.from_xml`): here it is always `violation`, `undetermined` or
    /// `waived`.
    #[must_use]
    pub fn to_junit(&self, tool: &Tool) -> String {
        let cases = self.cases(tool);
        let count = |wanted: Outcome| cases.iter().filter(|case| case.outcome == wanted).count();
        let counts = format!(
            r#"tests="{}" failures="{}" errors="{}""#,
            cases.len(),
            count(Outcome::Failed),
            count(Outcome::Unknown)
        );
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{}\" {counts}>\n",
            xml(&tool.name)
        );
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" {counts} skipped=\"{}\">",
            xml(&self.gate),
            count(Outcome::Waived)
        );
        for case in &cases {
            write_case(&mut out, case);
        }
        let _ = write!(out, "    <system-out>{}", xml(&self.headline()));
        for note in &self.notes {
            let _ = write!(out, "\nnote: {}", xml(note));
        }
        out.push_str("</system-out>\n  </testsuite>\n</testsuites>\n");
        out
    }

    fn cases(&self, tool: &Tool) -> Vec<Case> {
        let mut cases: Vec<Case> = self
            .findings
            .iter()
            .map(|finding| of_finding(finding, tool))
            .collect();
        let spoke: BTreeSet<&str> = self
            .findings
            .iter()
            .map(|finding| finding.rule.as_str())
            .collect();
        for rule in self.rules.iter().filter(|rule| !spoke.contains(rule.id.as_str())) {
            let name = if rule.title.is_empty() {
                &rule.id
            } else {
                &rule.title
            };
            cases.push(Case::passed(&rule.id, name));
        }
        // A plan that is partial, say: no finding is to blame, and still the gate is closed.
        if self.verdict > Self::worst(&self.findings) {
            cases.push(Case {
                outcome: outcome(self.verdict),
                message: self.verdict.to_string(),
                body: self
                    .notes
                    .iter()
                    .fold(self.headline(), |text, note| text + "\nnote: " + note),
                ..Case::passed(&self.gate, "the input as a whole")
            });
        }
        if cases.is_empty() {
            cases.push(Case::passed(&self.gate, "nothing was found"));
        }
        let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
        for case in &mut cases {
            let count = seen.entry((case.class.clone(), case.name.clone())).or_default();
            *count += 1;
            if *count > 1 {
                let _ = write!(case.name, " (no. {count})");
            }
        }
        cases
    }
}

impl Case {
    fn passed(class: &str, name: &str) -> Self {
        Self {
            class: class.to_owned(),
            name: name.to_owned(),
            file: None,
            outcome: Outcome::Passed,
            message: String::new(),
            body: String::new(),
        }
    }
}

fn outcome(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Pass => Outcome::Passed,
        Verdict::Undetermined => Outcome::Unknown,
        Verdict::Violation => Outcome::Failed,
    }
}

fn of_finding(finding: &Finding, tool: &Tool) -> Case {
    let body: Vec<String> = details(finding)
        .into_iter()
        .map(|(label, text)| format!("{label}: {}", clean(&text)))
        .collect();
    Case {
        class: finding.rule.clone(),
        name: finding.sentence(),
        file: finding
            .location
            .as_ref()
            .map(|location| tool.path(&location.path)),
        outcome: match &finding.waived {
            Some(_) => Outcome::Waived,
            None => outcome(finding.verdict),
        },
        message: match &finding.waived {
            Some(waived) => waived.sentence(),
            None => format!("{} {}, {}", finding.severity, finding.verdict, finding.standing),
        },
        body: body.join("\n"),
    }
}

fn write_case(out: &mut String, case: &Case) {
    let _ = write!(
        out,
        "    <testcase name=\"{}\" classname=\"{}\"",
        xml(&case.name),
        xml(&case.class)
    );
    if let Some(file) = &case.file {
        let _ = write!(out, " file=\"{}\"", xml(file));
    }
    let (element, kind) = match case.outcome {
        Outcome::Passed => {
            out.push_str("/>\n");
            return;
        }
        Outcome::Failed => ("failure", "violation"),
        Outcome::Unknown => ("error", "undetermined"),
        Outcome::Waived => ("skipped", "waived"),
    };
    // GitLab shows the element's text, other readers its message.
    let body: Vec<String> = case.body.split('\n').map(xml).collect();
    let _ = writeln!(
        out,
        ">\n      <{element} type=\"{kind}\" message=\"{}\">{}</{element}>\n    </testcase>",
        xml(&case.message),
        body.join("\n")
    );
}

/// The text cleaned, and escaped for XML 1.0, inside elements and attributes alike.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            // `]]>` must not stand in text (XML 1.0, 2.4).
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // No XML 1.0 character, as are the control characters that `clean` shows (XML 1.0, 2.2).
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
