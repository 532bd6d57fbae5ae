//! What is new since the last comparison: for a watch that speaks only when there is something to say.

use crate::document::{ConsistencyReport, RuleVerdict};
use portcullis_report::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is new since the last comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// Differences that were not there the last time, or were others.
    pub new: Vec<String>,
    /// Differences that are no more.
    pub settled: Vec<String>,
    /// How many differences are as they were.
    pub unchanged: usize,
    /// The last comparison's verdict, when it is another one. None when there was no comparison before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict_was: Option<Verdict>,
}

impl Since {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.new.is_empty() && self.settled.is_empty() && self.verdict_was.is_none()
    }

    /// `2 new, 1 settled, 3 as before`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let counts = [
            (self.new.len(), "new"),
            (self.settled.len(), "settled"),
            (self.unchanged, "as before"),
        ];
        let parts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        if parts.is_empty() {
            "nothing differs, as before".to_owned()
        } else {
            parts.join(", ")
        }
    }
}

impl ConsistencyReport {
    /// The same report, as the first one: all that differs is new.
    #[must_use]
    pub fn since_nothing(mut self) -> Self {
        let mut new: Vec<String> = self
            .differences()
            .into_iter()
            .map(|(name, what)| format!("{what}: {name}"))
            .collect();
        // A doubt about the whole has no row, and is no silence.
        if new.is_empty() && self.verdict != Verdict::Pass {
            new.push(format!("{}: the comparison as a whole", self.verdict));
        }
        self.since = Some(Since {
            new,
            ..Since::default()
        });
        self
    }

    /// The same report, held against the one before it.
    #[must_use]
    pub fn since(mut self, last: &Self) -> Self {
        let (now, before) = (self.differences(), last.differences());
        let new = now.iter().filter(|(name, what)| before.get(*name) != Some(what));
        let settled = before.iter().filter(|(name, _)| !now.contains_key(*name));
        let new: Vec<String> = new.map(|(name, what)| format!("{what}: {name}")).collect();
        let settled: Vec<String> = settled.map(|(name, what)| format!("{what}: {name}")).collect();
        self.since = Some(Since {
            unchanged: now.len() - new.len(),
            new,
            settled,
            verdict_was: (last.verdict != self.verdict).then_some(last.verdict),
        });
        self
    }

    /// Everything that does not agree, and how, by a name that stays the same from run to run.
    fn differences(&self) -> BTreeMap<String, String> {
        let mut out = BTreeMap::new();
        let mut add = |verdict: RuleVerdict, name: String| {
            if verdict != RuleVerdict::Agree {
                out.insert(name, verdict.words().to_owned());
            }
        };
        for row in &self.rules {
            add(row.verdict, format!("{} {}", row.group, row.sentence()));
        }
        for row in &self.groups {
            add(row.verdict, format!("{} itself", row.group));
        }
        for row in &self.members {
            add(row.verdict, row.sentence());
        }
        for row in &self.prefix_lists {
            add(row.verdict, row.sentence());
        }
        for found in &self.policy {
            let finding = &found.finding;
            if finding.is_open() {
                out.insert(
                    format!("{} {}, {}", finding.group, finding.exposure, finding.rule),
                    format!("policy {}", finding.verdict),
                );
            }
        }
        if let Some(state) = self.state.as_ref().filter(|state| state.is_odd()) {
            out.insert(
                format!("serial {}", state.serial.unwrap_or_default()),
                "state written from elsewhere".to_owned(),
            );
        }
        out
    }
}
