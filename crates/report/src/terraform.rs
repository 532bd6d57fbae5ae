//! GitLab's terraform report: the plan's counts in the merge-request widget.

use serde::Serialize;
use std::fmt::Write as _;

/// What a plan is going to do, counted by resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlannedChanges {
    /// Made anew.
    pub create: usize,
    /// Changed in place.
    pub update: usize,
    /// Taken away.
    pub delete: usize,
    /// Taken away and made anew, in either order.
    pub replace: usize,
    /// Taken into the state from what exists.
    pub import: usize,
    /// Dropped from the state; the thing itself stays.
    pub forget: usize,
    /// Only called otherwise from now on.
    pub moved: usize,
}

/// The report's three numbers. A missing one makes GitLab show an error card (GitLab,
/// `lib/gitlab/ci/parsers/terraform/tfplan.rb`).
#[derive(Serialize)]
struct Widget {
    create: usize,
    update: usize,
    delete: usize,
}

/// GitLab takes no larger number (as above).
const LARGEST: usize = 999_999;

impl PlannedChanges {
    /// For `artifacts:reports:terraform`. Counted as GitLab's own converter does: a replacement is one creation and one
    /// deletion. The widget has no place for imports and for what is forgotten: [`PlannedChanges::sentence`] tells them.
    /// Ends with a line feed.
    ///
    /// # Errors
    /// None in practice: the document holds three numbers. `serde_json`'s error is passed on.
    pub fn to_gitlab(self) -> Result<String, serde_json::Error> {
        let (create, update, delete) = self.told();
        crate::report::pretty(&Widget {
            create: create.min(LARGEST),
            update: update.min(LARGEST),
            delete: delete.min(LARGEST),
        })
    }

    fn told(self) -> (usize, usize, usize) {
        (
            self.create.saturating_add(self.replace),
            self.update,
            self.delete.saturating_add(self.replace),
        )
    }

    /// One line, with the same numbers as the widget and what it cannot show: `2 to create, 1 to update, 1 to delete (1 of
    /// them replaced), 3 to import`.
    #[must_use]
    pub fn sentence(self) -> String {
        let (create, update, delete) = self.told();
        let mut line = format!("{create} to create, {update} to update, {delete} to delete");
        if self.replace > 0 {
            let _ = write!(line, " ({} of them replaced)", self.replace);
        }
        for (count, what) in [
            (self.import, "import"),
            (self.forget, "forget"),
            (self.moved, "rename"),
        ] {
            if count > 0 {
                let _ = write!(line, ", {count} to {what}");
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_counts_twice_and_what_the_widget_cannot_show_is_said() {
        let changes = PlannedChanges {
            create: 1,
            update: 2,
            delete: 3,
            replace: 4,
            import: 5,
            forget: 6,
            moved: 7,
        };
        insta::assert_snapshot!(changes.to_gitlab().unwrap(), @r#"
        {
          "create": 5,
          "update": 2,
          "delete": 7
        }
        "#);
        insta::assert_snapshot!(
            changes.sentence(),
            @"5 to create, 2 to update, 7 to delete (4 of them replaced), 5 to import, 6 to forget, 7 to rename"
        );
        insta::assert_snapshot!(
            PlannedChanges { create: 1, ..PlannedChanges::default() }.sentence(),
            @"1 to create, 0 to update, 0 to delete"
        );
    }

    #[test]
    fn no_number_is_too_large_for_gitlab() {
        let changes = PlannedChanges {
            create: usize::MAX,
            replace: 1,
            ..PlannedChanges::default()
        };
        let text = changes.to_gitlab().unwrap();
        assert!(text.contains(r#""create": 999999"#), "{text}");
    }
}
