//! What is another than in an earlier run.

use crate::{CheckResult, ServiceCheck, ServicesReport};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is another than in an earlier run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Checks that came out otherwise, that are new, or that are gone; sorted, the worst first.
    pub checks: Vec<CheckChange>,
    /// How many came out as before.
    pub same: usize,
}

/// One check that is another than in an earlier run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CheckChange {
    /// What came of it now; `null` when it is not checked any more.
    pub now: Option<CheckResult>,
    /// What came of it before; `null` when it is new.
    pub before: Option<CheckResult>,
    /// The question.
    pub id: String,
    /// The member, as people call it.
    pub member: String,
}

impl ServicesReport {
    /// With what is another than in an earlier run. Times are not compared: they always differ.
    #[must_use]
    pub fn compared_with(mut self, earlier: &Self) -> Self {
        let by_id = |report: &'_ Self| -> BTreeMap<String, ServiceCheck> {
            let checks = report.checks.iter().cloned();
            checks.map(|check| (key(&check), check)).collect()
        };
        let mut before = by_id(earlier);
        let mut changes = Changes::default();
        let mut change = |now: Option<&ServiceCheck>, before: Option<&ServiceCheck>| {
            let Some(check) = now.or(before) else { return };
            let result = |check: Option<&ServiceCheck>| check.map(|check| check.result);
            if result(now) == result(before) {
                changes.same += 1;
                return;
            }
            changes.checks.push(CheckChange {
                now: result(now),
                before: result(before),
                id: key(check),
                member: check.member.clone(),
            });
        };
        for (id, check) in &by_id(&self) {
            change(Some(check), before.remove(id).as_ref());
        }
        for check in before.values() {
            change(None, Some(check));
        }
        // What is gone comes last.
        changes
            .checks
            .sort_by_key(|change| (change.now.is_none(), change.clone()));
        self.changes = Some(changes);
        self
    }
}

/// The question. Documents of the first version have none, and asked for answers only, each at its URL.
fn key(check: &ServiceCheck) -> String {
    if check.id.is_empty() {
        format!("{} {}", check.wants.as_str(), check.url)
    } else {
        check.id.clone()
    }
}

impl CheckChange {
    /// `fails, before: pass`, `pass, new`, `not checked any more, before: fails`.
    #[must_use]
    pub fn words(&self) -> String {
        match (self.now, self.before) {
            (Some(now), Some(before)) => format!("{}, before: {}", now.words(), before.words()),
            (Some(now), None) => format!("{}, new", now.words()),
            (None, Some(before)) => format!("not checked any more, before: {}", before.words()),
            (None, None) => String::new(),
        }
    }
}
