//! Large files. Their bytes lie in memory of their own, which goes back to the system as soon as they are dropped; an
//! allocator would keep it, and the file may be the largest thing in memory.

use crate::files::{self, ReadError};
use memmap2::MmapMut;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::thread;

/// Smaller files are read at once.
const LARGE: usize = 1 << 20;

/// How many threads read a large file: most of the time goes into the pages that are written to for the first time.
const READERS: usize = 2;

/// A file that was read, and may be large.
#[derive(Debug)]
pub struct LargeFile {
    path: PathBuf,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    Small(Vec<u8>),
    Large(MmapMut),
}

impl LargeFile {
    /// The text in it. It is looked over each time: ask once.
    ///
    /// # Errors
    /// When it is empty, or no UTF-8 text; names the file.
    pub fn text(&self) -> Result<&str, ReadError> {
        files::as_text(&self.path, self.bytes())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Small(bytes) => bytes,
            Bytes::Large(bytes) => bytes,
        }
    }

    pub(crate) fn new(path: &Path, bytes: Vec<u8>) -> Self {
        Self {
            path: path.to_owned(),
            bytes: Bytes::Small(bytes),
        }
    }

    pub(crate) fn read(path: &Path) -> Result<Self, ReadError> {
        Ok(match large(path) {
            Some(bytes) => Self {
                path: path.to_owned(),
                bytes: Bytes::Large(bytes),
            },
            None => Self::new(path, files::read_bytes(path)?),
        })
    }
}

/// The bytes of a large file. `None` where it is small, is no ordinary file, or changes just now: then it is read in the
/// ordinary way, which also tells what is wrong with it.
fn large(path: &Path) -> Option<MmapMut> {
    let file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    let length = usize::try_from(metadata.len()).ok()?;
    if length < LARGE || !metadata.is_file() {
        return None;
    }
    let mut bytes = MmapMut::map_anon(length).ok()?;
    // Few large pages are made faster than many small ones. Not every system has them.
    #[cfg(target_os = "linux")]
    let _ = bytes.advise(memmap2::Advice::HugePage);
    let part = length.div_ceil(READERS);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..)
            .zip(bytes.chunks_mut(part))
            .map(|(number, chunk)| {
                let (file, from) = (&file, number * part as u64);
                scope.spawn(move || file.read_exact_at(chunk, from))
            })
            .collect();
        let read = |reader: thread::ScopedJoinHandle<'_, io::Result<()>>| matches!(reader.join(), Ok(Ok(())));
        readers.into_iter().all(read)
    })
    .then_some(())?;
    // Whatever was appended meanwhile belongs to it.
    let at_end = file.read_at(&mut [0], length as u64).ok()? == 0;
    at_end.then_some(bytes)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_whatever_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        for length in [1, LARGE - 1, LARGE, LARGE + 1, 3 * LARGE + 7] {
            let text: String = ('a'..='z').cycle().take(length).collect();
            std::fs::write(&path, &text).unwrap();
            let file = LargeFile::read(&path).unwrap();
            assert!(file.text().unwrap() == text, "{length}");
            assert_eq!(matches!(file.bytes, Bytes::Large(_)), length >= LARGE);
        }
    }

    #[test]
    fn what_is_no_text_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        std::fs::write(&path, vec![0xff; LARGE]).unwrap();
        let file = LargeFile::read(&path).unwrap();
        assert_eq!(file.text().unwrap_err().path(), path);
        assert!(LargeFile::read(folder.path()).is_err());
        assert!(LargeFile::read(&folder.path().join("gone")).is_err());
    }
}
