//! Lists from outside: a file with one name per line, or standard input.

use portcullis_stage::{Failure, Stage};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

/// The largest list that is read from standard input, in bytes.
const LARGEST: u64 = 16 << 20;

/// The text of a file, or of standard input for `-`.
pub(crate) fn text(path: &Path, stage: &Stage) -> Result<String, Failure> {
    if path != Path::new("-") {
        return Ok(stage.read_text(path)?);
    }
    let mut text = String::new();
    std::io::stdin()
        .take(LARGEST)
        .read_to_string(&mut text)
        .map_err(|error| Failure::unreadable_in("standard input", error))?;
    Ok(text)
}

/// The entries of a list: one per line, or, where there is a NUL, between NULs, as `git diff -z` writes them. Empty ones don't
/// count.
pub(crate) fn entries(text: &str) -> Vec<String> {
    let separator = if text.contains('\0') { '\0' } else { '\n' };
    text.split(separator)
        .map(|entry| entry.strip_suffix('\r').unwrap_or(entry))
        .filter(|entry| !entry.trim().is_empty())
        .map(str::to_owned)
        .collect()
}

/// The entries without those that were there before, and those, each once.
pub(crate) fn distinct(entries: Vec<String>) -> (Vec<String>, BTreeSet<String>) {
    let (mut seen, mut twice) = (BTreeSet::new(), BTreeSet::new());
    let mut kept = Vec::new();
    for entry in entries {
        if seen.insert(entry.clone()) {
            kept.push(entry);
        } else {
            twice.insert(entry);
        }
    }
    (kept, twice)
}
