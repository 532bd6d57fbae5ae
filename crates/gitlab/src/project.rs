//! Which project.

use std::fmt;

/// A project, by number or by full path, as the API's `:id` accepts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Project {
    /// The number, such as `CI_PROJECT_ID`.
    Id(u64),
    /// The path with its groups, such as `platform/network`; sent percent-encoded.
    Path(String),
}

impl Project {
    /// The value as one URL path segment, not yet percent-encoded.
    #[expect(dead_code, reason = "the state address uses it, next")]
    pub(crate) fn segment(&self) -> String {
        match self {
            Self::Id(id) => id.to_string(),
            Self::Path(path) => path.clone(),
        }
    }
}

impl fmt::Display for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Path(path) => f.write_str(path),
        }
    }
}
