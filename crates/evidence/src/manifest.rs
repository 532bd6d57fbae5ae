//! All files of a run, with their digests.

use crate::digest::digest;
use portcullis_report::FORMAT_VERSION;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// All files of a run, with their digests (`portcullis/evidence.json`). Field names are the JSON contract.
///
/// ```
/// use portcullis_evidence::Manifest;
/// let manifest = Manifest::of([("plan.json", b"{}".as_slice())]);
/// assert!(manifest.check([("plan.json", b"{}".as_slice())]).is_empty());
/// let mismatch = &manifest.check([("plan.json", b"{ }".as_slice())])[0];
/// assert_eq!(mismatch.to_string(), "plan.json: changed (3 bytes instead of 2)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The documents' format version.
    pub format_version: String,
    /// One entry per file, sorted by name.
    pub files: Vec<Entry>,
}

/// One file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name within the artifact folder.
    pub name: String,
    /// SHA-256, 64 lower-case hex digits.
    pub sha256: String,
    /// Its length in bytes.
    pub size: u64,
}

/// A file that is not as the manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// The manifest lists it; it is not there.
    Missing {
        /// The file.
        name: String,
    },
    /// It is there with other content.
    Changed {
        /// The file.
        name: String,
        /// The length the manifest says.
        listed: u64,
        /// The length it has.
        found: u64,
    },
    /// It is there; the manifest doesn't list it.
    Unlisted {
        /// The file.
        name: String,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name } => write!(f, "{name}: missing"),
            Self::Changed { name, listed, found } if listed == found => {
                write!(f, "{name}: changed (same length, other content)")
            }
            Self::Changed { name, listed, found } => {
                write!(f, "{name}: changed ({found} bytes instead of {listed})")
            }
            Self::Unlisted { name } => write!(f, "{name}: not in the manifest"),
        }
    }
}

/// A text that is no manifest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The text is not the document.
    #[error("this is no manifest of a run")]
    Document(#[source] serde_json::Error),
    /// It was written in a format this version doesn't know.
    #[error("the manifest has format version {0}; this version reads {FORMAT_VERSION}")]
    Version(String),
}

impl Manifest {
    /// The manifest of these files, each given by name and content.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        // The last of two entries with one name counts, as it does in a folder.
        let files: BTreeMap<&str, &[u8]> = files.into_iter().collect();
        let files = files
            .into_iter()
            .map(|(name, bytes)| Entry {
                name: name.to_owned(),
                sha256: digest(bytes).to_string(),
                size: bytes.len() as u64,
            })
            .collect();
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            files,
        }
    }

    /// Reads the document.
    ///
    /// # Errors
    /// When the text is not a manifest of a known version.
    pub fn read(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_str(text).map_err(ManifestError::Document)?;
        if manifest.format_version.split('.').next() != FORMAT_VERSION.split('.').next() {
            return Err(ManifestError::Version(manifest.format_version));
        }
        Ok(manifest)
    }

    /// The document, indented. Ends with a line feed.
    ///
    /// # Errors
    /// None in practice; `serde_json`'s error is passed on.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    /// What is not as the manifest says, sorted by name. Empty when all files are there, unchanged, and no others.
    pub fn check<'a>(&self, files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<Mismatch> {
        let mut found: BTreeMap<&str, &[u8]> = files.into_iter().collect();
        let mut mismatches = Vec::new();
        for entry in &self.files {
            let name = entry.name.clone();
            match found.remove(entry.name.as_str()) {
                None => mismatches.push(Mismatch::Missing { name }),
                Some(bytes)
                    if bytes.len() as u64 != entry.size || digest(bytes).to_string() != entry.sha256 =>
                {
                    mismatches.push(Mismatch::Changed {
                        name,
                        listed: entry.size,
                        found: bytes.len() as u64,
                    });
                }
                Some(_) => {}
            }
        }
        mismatches.extend(found.into_keys().map(|name| Mismatch::Unlisted {
            name: name.to_owned(),
        }));
        mismatches.sort_by(|a, b| a.name().cmp(b.name()));
        mismatches
    }
}

impl Mismatch {
    /// The file.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Missing { name } | Self::Changed { name, .. } | Self::Unlisted { name } => name,
        }
    }
}
