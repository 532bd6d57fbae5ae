//! `errored.tfstate`: the state that terraform could not store, in the configuration's folder.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Its name, which terraform chooses.
pub(crate) const NAME: &str = "errored.tfstate";

/// What lay there before terraform ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Before {
    path: PathBuf,
    facts: Option<(SystemTime, u64)>,
}

impl Before {
    pub(crate) fn look(folder: &Path) -> Self {
        let path = folder.join(NAME);
        Self {
            facts: facts(&path),
            path,
        }
    }

    /// Whether an earlier run left one.
    pub(crate) fn is_there(&self) -> bool {
        self.facts.is_some()
    }

    /// The file that terraform wrote since.
    pub(crate) fn new_file(&self) -> Option<&Path> {
        let now = facts(&self.path)?;
        (self.facts != Some(now)).then_some(&self.path)
    }
}

fn facts(path: &Path) -> Option<(SystemTime, u64)> {
    let facts = path.metadata().ok()?;
    Some((facts.modified().unwrap_or(SystemTime::UNIX_EPOCH), facts.len()))
}
