//! The plan in GitLab's merge-request widget (`artifacts:reports:terraform`).

use portcullis_terraform::ActionCounts;
use serde::Serialize;

/// The report's three numbers. A missing one makes GitLab show an error card (GitLab,
/// `lib/gitlab/ci/parsers/terraform/tfplan.rb`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct PlanReport {
    create: usize,
    update: usize,
    delete: usize,
}

/// GitLab takes no larger number.
const LARGEST: usize = 999_999;

impl PlanReport {
    /// Counted as GitLab's own converter does: a replacement is one creation and one deletion.
    pub(crate) fn new(counts: ActionCounts) -> Self {
        Self {
            create: (counts.create + counts.replace).min(LARGEST),
            update: counts.update.min(LARGEST),
            delete: (counts.delete + counts.replace).min(LARGEST),
        }
    }

    /// The document. Ends with a line feed.
    pub(crate) fn to_json(self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(&self)?;
        text.push('\n');
        Ok(text)
    }

    /// `1 to create, 2 to update, 0 to delete`.
    pub(crate) fn sentence(self) -> String {
        format!(
            "{} to create, {} to update, {} to delete",
            self.create, self.update, self.delete
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_counts_twice_and_imports_not_at_all() {
        let counts = ActionCounts {
            create: 1,
            update: 2,
            delete: 3,
            replace: 4,
            import: 5,
            forget: 6,
            moved: 7,
        };
        let report = PlanReport::new(counts);
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"create":5,"update":2,"delete":7}"#
        );
        assert_eq!(report.sentence(), "5 to create, 2 to update, 7 to delete");
    }
}
