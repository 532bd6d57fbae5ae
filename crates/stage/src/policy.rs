//! Reading the policy. With the feature `policy` only.

use crate::{Failure, Stage};
use portcullis_compliance::Policy;
use std::path::PathBuf;

impl Stage {
    /// The policy that these files make together.
    ///
    /// # Errors
    /// When a file can't be read, or the policy is not valid; names the file.
    pub fn policy(&self, paths: &[PathBuf]) -> Result<Policy, Failure> {
        let mut files = Vec::new();
        for path in paths {
            let text = self.read_text(path).map_err(Failure::policy)?;
            files.push((path.display().to_string(), text));
        }
        let named = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        Policy::read_all(named).map_err(|error| {
            let hint = error.hint();
            Failure::policy(error).maybe_hint(hint)
        })
    }
}
