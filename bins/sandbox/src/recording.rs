//! A recorded step of real terraform: what it printed, planned and stored.

use crate::files::{self, FileError};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The folder of one step, such as `fixtures/estate/2-correct-web-port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    folder: PathBuf,
}

/// The folder is not a recording, or a file in it is not what it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// A file is missing or unreadable.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not a recording at all.
    #[error("{} is no recording: it has no plan.json", .0.display())]
    NotOne(PathBuf),
    /// Not JSON.
    #[error("{} is not JSON", .path.display())]
    Json {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl Recording {
    /// Opens the folder.
    ///
    /// # Errors
    /// When it has no `plan.json`.
    pub fn open(folder: &Path) -> Result<Self, RecordingError> {
        if !folder.join("plan.json").is_file() {
            return Err(RecordingError::NotOne(folder.to_owned()));
        }
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// `terraform show -json` of the plan.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn plan_json(&self) -> Result<Vec<u8>, RecordingError> {
        Ok(files::read(&self.folder.join("plan.json"))?)
    }

    /// The version of the terraform that was recorded.
    ///
    /// # Errors
    /// When the plan cannot be read.
    pub fn terraform_version(&self) -> Result<String, RecordingError> {
        let path = self.folder.join("plan.json");
        let plan: Value = serde_json::from_slice(&files::read(&path)?)
            .map_err(|source| RecordingError::Json { path, source })?;
        Ok(plan["terraform_version"].as_str().unwrap_or("1.11.4").to_owned())
    }

    /// The saved plan file. Where its bytes were not recorded, bytes made from `plan.json`: as opaque to everyone
    /// as the real ones, and different for each plan.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn plan_file(&self) -> Result<Vec<u8>, RecordingError> {
        match files::read(&self.folder.join("plan.tfplan")) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.is_missing() => {
                let mut bytes = b"replayed plan file, format 1\n".to_vec();
                bytes.extend(self.plan_json()?);
                Ok(bytes)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What `terraform plan -no-color` printed.
    ///
    /// # Errors
    /// When it cannot be read. A recording without the text has none to show: empty.
    pub fn plan_text(&self) -> Result<String, RecordingError> {
        self.optional_text("plan.txt").map(Option::unwrap_or_default)
    }

    /// The exit code of `terraform plan -detailed-exitcode`: 0 nothing to do, 2 changes, 1 failed.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn plan_exit(&self) -> Result<u8, RecordingError> {
        if let Some(text) = self.optional_text("plan.exitcode")? {
            return Ok(text.trim().parse().unwrap_or(1));
        }
        let plan: Value =
            serde_json::from_slice(&self.plan_json()?).map_err(|source| RecordingError::Json {
                path: self.folder.join("plan.json"),
                source,
            })?;
        Ok(if plan["errored"] == true {
            1
        } else if plan["applyable"] == true {
            2
        } else {
            0
        })
    }

    /// What `terraform apply` printed, where the step was applied.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn apply_text(&self) -> Result<Option<String>, RecordingError> {
        self.optional_text("apply.txt")
    }

    /// The exit code of the apply; 0 where none was recorded.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn apply_exit(&self) -> Result<u8, RecordingError> {
        let text = self.optional_text("apply.exitcode")?;
        Ok(text.map_or(0, |text| text.trim().parse().unwrap_or(1)))
    }

    /// The raw state after the step.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn state(&self) -> Result<Vec<u8>, RecordingError> {
        Ok(files::read(&self.folder.join("state.json"))?)
    }

    /// `terraform show -json` of the state after the step.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn state_show(&self) -> Result<Vec<u8>, RecordingError> {
        Ok(files::read(&self.folder.join("state.show.json"))?)
    }

    /// The folder with EC2's answers after the step.
    #[must_use]
    pub fn ec2_answers(&self) -> PathBuf {
        self.folder.join("aws")
    }

    fn optional_text(&self, name: &str) -> Result<Option<String>, RecordingError> {
        match files::read_text(&self.folder.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// What identifies a raw state, and what orders it among its like.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct StateHead {
    /// Grows with every write.
    pub serial: u64,
    /// The same for all states of one origin.
    pub lineage: String,
}

impl StateHead {
    /// Reads it from a raw state.
    ///
    /// # Errors
    /// When the bytes are no state.
    pub fn read(state: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(state)
    }
}
