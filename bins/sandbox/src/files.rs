//! Files, with their name in every error.

use std::io;
use std::path::{Path, PathBuf};

/// A file or folder could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {path}", path = .path.display())]
pub struct FileError {
    what: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl FileError {
    /// True when there is nothing of that name.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

fn named<T>(what: &'static str, path: &Path, result: io::Result<T>) -> Result<T, FileError> {
    result.map_err(|source| FileError {
        what,
        path: path.to_owned(),
        source,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the stand-ins read files"
)]
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    named("read", path, std::fs::read(path))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the stand-ins read files"
)]
pub(crate) fn read_text(path: &Path) -> Result<String, FileError> {
    named("read", path, std::fs::read_to_string(path))
}

/// Writes under another name first, then renames: nobody sees half a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    use std::io::Write as _;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)
    });
    named("write", path, written).map(|_| ())
}

pub(crate) fn create_folder(path: &Path) -> Result<(), FileError> {
    named("create the folder", path, std::fs::create_dir_all(path))
}

/// Removes a folder with all it holds; none there is fine.
pub(crate) fn remove_folder(path: &Path) -> Result<(), FileError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => named("remove the folder", path, result),
    }
}

/// The names in a folder, sorted; none when there is no such folder.
pub(crate) fn list(path: &Path) -> Result<Vec<String>, FileError> {
    let entries = match std::fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        result => named("list", path, result)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(
            named("list", path, entry)?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    names.sort();
    Ok(names)
}

/// Copies the files of a folder, not those of folders in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<(), FileError> {
    create_folder(to)?;
    for name in list(from)? {
        let source = from.join(&name);
        if source.is_file() {
            named("copy", &source, std::fs::copy(&source, to.join(&name)))?;
        }
    }
    Ok(())
}

/// Opens a file that is locked and never written; makes it when it is not there.
pub(crate) fn open_for_locking(path: &Path) -> Result<std::fs::File, FileError> {
    open_for_appending(path)
}

pub(crate) fn open_for_appending(path: &Path) -> Result<std::fs::File, FileError> {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    named("open", path, file)
}

pub(crate) fn append(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    use std::io::Write as _;
    named("write", path, open_for_appending(path)?.write_all(bytes))
}

pub(crate) fn size(path: &Path) -> Result<u64, FileError> {
    named("read", path, std::fs::metadata(path)).map(|data| data.len())
}

pub(crate) fn absolute(path: &Path) -> Result<PathBuf, FileError> {
    named("find", path, std::fs::canonicalize(path))
}
