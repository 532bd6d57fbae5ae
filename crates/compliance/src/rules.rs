//! The policy's rules, for a report that says what was judged.

use crate::Policy;
use portcullis_report::Rule;

impl Policy {
    /// Its rules as a report tells them, in the order of the file.
    pub fn rules(&self) -> impl Iterator<Item = Rule> {
        self.rules.iter().map(|rule| Rule {
            id: rule.id.clone(),
            title: rule.title.clone(),
            severity: rule.severity,
            frameworks: rule.frameworks.clone(),
        })
    }
}
