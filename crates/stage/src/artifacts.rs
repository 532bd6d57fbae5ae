//! The artifact folder: every file in it is whole, or not there.

use crate::{ReadError, Redactor, files};
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The folder in which one stage leaves files for the next.
///
/// A file is written under a temporary name in the same folder and then renamed, so that a job killed half-way
/// leaves the old file or the new one, never a part of it.
#[derive(Debug, Clone)]
pub struct Artifacts {
    folder: PathBuf,
    redactor: Arc<Redactor>,
}

impl Artifacts {
    /// The folder's name when nobody says otherwise.
    pub const DEFAULT_FOLDER: &str = "portcullis";

    pub(crate) fn new(folder: &Path, redactor: Arc<Redactor>) -> Self {
        Self {
            folder: folder.to_owned(),
            redactor,
        }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the artifact of that name lies, or would lie.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Whether there is a file of that name.
    #[must_use]
    pub fn exists(&self, name: &str) -> bool {
        self.path(name).is_file()
    }

    /// Writes text, with secrets masked.
    ///
    /// # Errors
    /// When the folder cannot be made or written to; names the file.
    pub fn write_text(&self, name: &str, text: &str) -> Result<(), WriteError> {
        self.write_bytes(name, self.redactor.redact(text).as_bytes())
    }

    /// Writes bytes as they are: for terraform's saved plan. Nothing is masked.
    ///
    /// # Errors
    /// When the folder cannot be made or written to; names the file.
    pub fn write_bytes(&self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let path = self.path(name);
        let mut parts = Path::new(name).components();
        if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
            let source = io::Error::new(
                io::ErrorKind::InvalidInput,
                "an artifact's name is one plain file name",
            );
            return Err(WriteError { path, source });
        }
        replace(&self.folder, &path, bytes).map_err(|source| WriteError { path, source })
    }

    /// Takes an artifact away, if there is one: an earlier run's must not be taken for this one's.
    ///
    /// # Errors
    /// When it is there and stays; names the file.
    pub fn remove(&self, name: &str) -> Result<(), WriteError> {
        let path = self.path(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(WriteError { path, source }),
            _ => Ok(()),
        }
    }

    /// The artifact's text.
    ///
    /// # Errors
    /// When it is missing, empty or not text; names the file.
    pub fn read_text(&self, name: &str) -> Result<String, ReadError> {
        files::read_text(&self.path(name))
    }

    /// The artifact's bytes.
    ///
    /// # Errors
    /// When it is missing or empty; names the file.
    pub fn read_bytes(&self, name: &str) -> Result<Vec<u8>, ReadError> {
        files::read_bytes(&self.path(name))
    }
}

fn replace(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".portcullis-").suffix(".part");
    // A temporary file is private by default; the next job may run as another user.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A file, or standard output, that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be written", path.display())]
pub struct WriteError {
    path: PathBuf,
    source: io::Error,
}

impl WriteError {
    pub(crate) fn at(path: PathBuf, source: io::Error) -> Self {
        Self { path, source }
    }

    pub(crate) fn stdout(source: io::Error) -> Self {
        Self {
            path: PathBuf::from("standard output"),
            source,
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the reader can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self.source.kind() {
            io::ErrorKind::InvalidInput => None,
            io::ErrorKind::StorageFull => Some("make room on the disk".to_owned()),
            _ => Some(
                "choose a folder this user may write to with `--artifacts DIR` or PORTCULLIS_ARTIFACTS"
                    .to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifacts(folder: &Path) -> Artifacts {
        let redactor = Redactor::default();
        redactor.add("hunter2-hunter2");
        Artifacts::new(folder, Arc::new(redactor))
    }

    #[test]
    fn a_written_text_reads_back_masked_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = artifacts(&folder.path().join("new").join("portcullis"));
        artifacts.write_text("a.txt", "one").unwrap();
        artifacts
            .write_text("a.txt", "the password is hunter2-hunter2\n")
            .unwrap();
        assert_eq!(
            artifacts.read_text("a.txt").unwrap(),
            "the password is [masked]\n"
        );
        assert!(artifacts.exists("a.txt") && !artifacts.exists("b.txt"));
        let names: Vec<_> = std::fs::read_dir(artifacts.folder())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["a.txt"], "no temporary file may stay behind");
    }

    #[test]
    fn bytes_are_written_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = artifacts(folder.path());
        artifacts
            .write_bytes("plan.tfplan", b"PK\x03\x04hunter2-hunter2\xff")
            .unwrap();
        assert_eq!(
            artifacts.read_bytes("plan.tfplan").unwrap(),
            b"PK\x03\x04hunter2-hunter2\xff"
        );
    }

    #[test]
    fn a_removed_artifact_is_gone_and_removing_it_again_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = artifacts(folder.path());
        artifacts.write_text("a.txt", "x").unwrap();
        artifacts.remove("a.txt").unwrap();
        assert!(!artifacts.exists("a.txt"));
        artifacts.remove("a.txt").unwrap();
    }

    #[test]
    fn a_file_in_the_folders_place_is_named_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("portcullis");
        artifacts(folder.path())
            .write_text("portcullis", "a file")
            .unwrap();
        let error = artifacts(&blocked).write_text("a.txt", "x").unwrap_err();
        assert_eq!(error.path(), blocked.join("a.txt"));
        assert!(error.hint().unwrap().contains("PORTCULLIS_ARTIFACTS"));
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("portcullis");
        for name in ["../a.txt", "/tmp/a.txt", "a/b.txt", "", ".", ".."] {
            assert!(artifacts(&inside).write_text(name, "x").is_err(), "{name:?}");
        }
        assert!(!folder.path().join("a.txt").exists());
    }
}
