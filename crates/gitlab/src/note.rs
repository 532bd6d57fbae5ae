//! Comments on a merge request, which GitLab calls notes.

use crate::{job::User, null};
use serde::{Deserialize, Serialize};

/// The longest body GitLab takes, in characters.
pub const BODY_LIMIT: usize = 1_000_000;

/// A note on a merge request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Note {
    /// Number, unique on the instance.
    pub id: u64,
    /// Markdown. Text from outside.
    #[serde(default, deserialize_with = "null::is_default")]
    pub body: String,
    /// Whether GitLab wrote it itself ("added 1 commit").
    #[serde(default, deserialize_with = "null::is_default")]
    pub system: bool,
    /// Who wrote it.
    #[serde(default)]
    pub author: Option<User>,
}

impl Note {
    /// Whether `user` wrote this note and it begins with `marker`, a hidden comment such as
    /// `<!-- portcullis: production -->`. A marker further down may be text from outside, and one in somebody else's
    /// note is theirs.
    #[must_use]
    pub fn is_own(&self, user: &User, marker: &str) -> bool {
        !self.system
            && !marker.is_empty()
            && self.body.trim_start().starts_with(marker)
            && self.author.as_ref().is_some_and(|author| author.is(user))
    }
}

/// A note that is now as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoteWritten {
    /// The note's number; its address is the merge request's with `#note_ID`.
    pub id: u64,
    /// What had to be done for it.
    pub how: Written,
}

/// How a note came to be as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// There was none.
    Created,
    /// It said something else.
    Updated,
    /// It said so already.
    Unchanged,
}

/// What is sent to create or change a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoteBody<'a> {
    /// Markdown, at most [`BODY_LIMIT`] characters.
    pub body: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_note_with_the_marker_at_its_start_counts() {
        let me = User {
            id: Some(3),
            username: "project_42_bot".to_owned(),
            name: None,
        };
        let marker = "<!-- portcullis: production -->";
        let note = |author: &str, system: bool, body: &str| Note {
            id: 1,
            body: body.to_owned(),
            system,
            author: Some(User {
                id: (author == "project_42_bot").then_some(3),
                username: author.to_owned(),
                name: None,
            }),
        };
        let marked = format!("{marker}\n\nhello");
        assert!(note("project_42_bot", false, &marked).is_own(&me, marker));
        let others = [
            note("mallory", false, &marked),
            note("project_42_bot", true, &marked),
            note(
                "project_42_bot",
                false,
                &format!("<!-- portcullis: staging -->\n{marker}"),
            ),
            note("project_42_bot", false, "hello"),
        ];
        for other in others {
            assert!(!other.is_own(&me, marker), "{other:?}");
        }
    }
}
