//! Reading files, with errors that name them.

use std::io;
use std::path::{Path, PathBuf};

/// The largest file of Terraform's code, in bytes: one beyond is refused before it is read.
pub const LARGEST_CODE: u64 = 16 << 20;

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", path.display(), kind.phrase())]
pub struct ReadError {
    path: PathBuf,
    kind: ReadErrorKind,
    source: Option<io::Error>,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// There is nothing under that name.
    Missing,
    /// It is a folder.
    Folder,
    /// It is empty, or holds only white space.
    Empty,
    /// It is a folder without the files looked for.
    NothingInFolder,
    /// It is not UTF-8 text.
    NotText,
    /// It is larger than such a file can sensibly be.
    TooLarge,
    /// Reading failed; the cause says why.
    Unreadable,
}

impl ReadErrorKind {
    const fn phrase(self) -> &'static str {
        match self {
            Self::Missing => "no such file",
            Self::Folder => "is a folder, not a file",
            Self::Empty => "the file is empty",
            Self::NothingInFolder => "the folder holds none of the files looked for",
            Self::NotText => "the file is not UTF-8 text",
            Self::TooLarge => "the file is too large",
            Self::Unreadable => "the file cannot be read",
        }
    }
}

impl ReadError {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why it cannot be read.
    #[must_use]
    pub const fn kind(&self) -> ReadErrorKind {
        self.kind
    }

    /// What the reader can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self.kind {
            ReadErrorKind::Missing => {
                "check the path; in a pipeline, check that the job `needs` the one that writes it"
            }
            ReadErrorKind::Folder => "name the file itself",
            ReadErrorKind::Empty => "the step that writes it may have failed; look at its log",
            ReadErrorKind::NothingInFolder => "check the path, and the names of the files in it",
            ReadErrorKind::NotText => {
                "a saved plan is binary: use `terraform show -json`; PowerShell's `>` writes UTF-16: use \
                 `| Out-File -Encoding utf8`"
            }
            ReadErrorKind::TooLarge => "no one writes such a file by hand: look at how it came there",
            ReadErrorKind::Unreadable => "check the file's permissions",
        };
        Some(hint.to_owned())
    }

    fn new(path: &Path, kind: ReadErrorKind) -> Self {
        Self {
            path: path.to_owned(),
            kind,
            source: None,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the edge where files are read")]
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            ReadError::new(path, ReadErrorKind::Missing)
        }
        _ if path.is_dir() => ReadError::new(path, ReadErrorKind::Folder),
        _ => ReadError {
            path: path.to_owned(),
            kind: ReadErrorKind::Unreadable,
            source: Some(error),
        },
    })?;
    if bytes.is_empty() {
        return Err(ReadError::new(path, ReadErrorKind::Empty));
    }
    Ok(bytes)
}

pub(crate) fn read_text(path: &Path) -> Result<String, ReadError> {
    let bytes = read_bytes(path)?;
    let mark = bytes.len() - as_text(path, &bytes)?.len();
    let mut text = String::from_utf8(bytes).map_err(|_| ReadError::new(path, ReadErrorKind::NotText))?;
    text.drain(..mark);
    Ok(text)
}

/// The text of a file that was read.
pub(crate) fn as_text<'b>(path: &Path, bytes: &'b [u8]) -> Result<&'b str, ReadError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ReadError::new(path, ReadErrorKind::NotText))?;
    // Windows PowerShell writes a mark before the text, which no reader of JSON expects.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(ReadError::new(path, ReadErrorKind::Empty));
    }
    Ok(text)
}

pub(crate) fn read_texts(path: &Path, extension: &str) -> Result<Vec<(String, String)>, ReadError> {
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned()
    };
    if !path.is_dir() {
        return Ok(vec![(name(path), read_text(path)?)]);
    }
    let unreadable = |source| ReadError {
        path: path.to_owned(),
        kind: ReadErrorKind::Unreadable,
        source: Some(source),
    };
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.is_file() && file.extension().is_some_and(|found| found == extension) {
            texts.push((name(&file), read_text(&file)?));
        }
    }
    if texts.is_empty() {
        return Err(ReadError::new(path, ReadErrorKind::NothingInFolder));
    }
    texts.sort();
    Ok(texts)
}

pub(crate) fn read_named(
    folder: &Path,
    wanted: impl Fn(&str) -> bool,
    largest: u64,
) -> Result<Vec<(String, String)>, ReadError> {
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            ReadError::new(folder, ReadErrorKind::Missing)
        }
        _ => ReadError {
            path: folder.to_owned(),
            kind: ReadErrorKind::Unreadable,
            source: Some(source),
        },
    };
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (file, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if !wanted(&name) || !file.is_file() {
            continue;
        }
        if file.metadata().is_ok_and(|metadata| metadata.len() > largest) {
            return Err(ReadError::new(&file, ReadErrorKind::TooLarge));
        }
        // An empty file is ordinary among sources.
        let text = match read_text(&file) {
            Err(error) if error.kind == ReadErrorKind::Empty => String::new(),
            read => read?,
        };
        texts.push((name, text));
    }
    if texts.is_empty() {
        return Err(ReadError::new(folder, ReadErrorKind::NothingInFolder));
    }
    texts.sort();
    Ok(texts)
}

/// How deep [`read_tree`] goes; a link in a circle must not hold a job for ever.
const DEEPEST: usize = 16;

pub(crate) fn read_tree(path: &Path, wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    let mut folders = vec![(path.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (file, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if file.is_dir() {
                // Hidden folders hold downloads and caches, such as `.terraform`.
                if !name.starts_with('.') && depth < DEEPEST {
                    folders.push((file, format!("{prefix}{name}/"), depth + 1));
                }
            } else if wanted(&name)
                && let Ok(text) = read_text(&file)
            {
                texts.push((format!("{prefix}{name}"), text));
            }
        }
    }
    texts.sort();
    texts
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_its_files_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let read = |path: &Path| read_texts(path, "json");
        let error = read(folder.path()).unwrap_err();
        assert_eq!(
            (error.kind(), error.path()),
            (ReadErrorKind::NothingInFolder, folder.path())
        );
        write("b.json", "B");
        write("a.json", "A");
        write("note.txt", "not asked for");
        std::fs::create_dir(folder.path().join("c.json")).unwrap();
        let of = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        assert_eq!(
            read(folder.path()).unwrap(),
            [of("a.json", "A"), of("b.json", "B")]
        );
        assert_eq!(read(&folder.path().join("b.json")).unwrap(), [of("b.json", "B")]);
        write("0.json", "");
        let error = read(folder.path()).unwrap_err();
        assert_eq!(
            (error.kind(), error.path()),
            (ReadErrorKind::Empty, folder.path().join("0.json").as_path())
        );
        assert_eq!(
            read(&folder.path().join("gone")).unwrap_err().kind(),
            ReadErrorKind::Missing
        );
    }

    #[test]
    fn the_mark_that_windows_writes_before_a_text_is_no_part_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        std::fs::write(&path, "\u{feff}{}").unwrap();
        assert_eq!(read_text(&path).unwrap(), "{}");
        std::fs::write(&path, "\u{feff}\n").unwrap();
        assert_eq!(read_text(&path).unwrap_err().kind(), ReadErrorKind::Empty);
    }

    #[test]
    fn a_tree_gives_the_files_that_can_be_read_by_path_without_hidden_folders() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("main.tf", "a");
        write("empty.tf", "");
        write("modules/web/main.tf", "b");
        write(".terraform/modules/x/main.tf", "c");
        write("notes.md", "d");
        std::fs::write(folder.path().join("binary.tf"), [0xff]).unwrap();
        let names: Vec<String> = read_tree(folder.path(), |name| name.ends_with(".tf"))
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["main.tf", "modules/web/main.tf"]);
        assert_eq!(read_tree(&folder.path().join("gone"), |_| true), []);
    }
}
