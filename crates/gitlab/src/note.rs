//! Comments on a merge request, which GitLab calls notes.

use crate::job::User;
use serde::{Deserialize, Serialize};

/// The longest body GitLab takes, in characters.
pub const BODY_LIMIT: usize = 1_000_000;

/// A note on a merge request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Note {
    /// Number, unique on the instance.
    pub id: u64,
    /// Markdown. Text from outside.
    #[serde(default)]
    pub body: String,
    /// Whether GitLab wrote it itself ("added 1 commit").
    #[serde(default)]
    pub system: bool,
    /// Who wrote it.
    #[serde(default)]
    pub author: Option<User>,
}

impl Note {
    /// Whether this is the note that carries `marker`, a hidden comment such as `<!-- portcullis: production -->`.
    /// Notes that GitLab wrote itself never count.
    #[must_use]
    pub fn is_marked(&self, marker: &str) -> bool {
        !self.system && self.body.contains(marker)
    }
}

/// What is sent to create or change a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoteBody<'a> {
    /// Markdown, at most [`BODY_LIMIT`] characters.
    pub body: &'a str,
}
