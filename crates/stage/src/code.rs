//! Reading Terraform's code: a folder, and the local modules that it calls.

use crate::{Failure, LARGEST_CODE, ReadErrorKind, Stage};
use portcullis_terraform::{ConfigError, Configuration};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// By so many names one folder may be called; a link in a circle gives it ever more.
const NAMES: usize = 4;

impl Stage {
    /// The code in the folder, and the local modules that it calls, as long as they stand in the same repository; with the
    /// values that `TF_VAR_…` and these files give the root's variables, the last file the strongest.
    ///
    /// # Errors
    /// When a file can't be read, or is no code; names it. A module that is not there, or stands elsewhere, is left out:
    /// see [`Configuration::missing`].
    pub fn read_code(&self, folder: &Path, values: &[PathBuf]) -> Result<Configuration, Failure> {
        let bad = |error: ConfigError| {
            Failure::unreadable_in(folder.display(), error)
                .hint("mend the file; `terraform fmt` shows the place, too")
        };
        let mut code =
            Configuration::read(self.read_named(folder, Configuration::reads, LARGEST_CODE)?).map_err(bad)?;
        let repository = repository(folder);
        let mut asked = BTreeSet::new();
        let mut names: BTreeMap<PathBuf, usize> = BTreeMap::new();
        loop {
            let missing: Vec<String> = code.missing().difference(&asked).cloned().collect();
            if missing.is_empty() {
                break;
            }
            for module in missing {
                let path = folder.join(&module);
                let inside = match (path.canonicalize(), &repository) {
                    (Ok(path), Some(repository)) if path.starts_with(repository) => {
                        let seen = names.entry(path).or_default();
                        *seen += 1;
                        *seen <= NAMES
                    }
                    _ => false,
                };
                if inside {
                    match self.read_named(&path, Configuration::reads, LARGEST_CODE) {
                        Ok(files) => {
                            let named = files
                                .into_iter()
                                .map(|(name, text)| (format!("{module}/{name}"), text));
                            code.add(named).map_err(bad)?;
                        }
                        Err(error) if matches!(error.kind(), ReadErrorKind::NothingInFolder) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                asked.insert(module);
            }
        }
        let names: Vec<String> = code.variables().map(str::to_owned).collect();
        for name in names {
            let variable = format!("TF_VAR_{name}");
            if let Some(text) = self.variable(&variable) {
                code.add_environment(&name, text).map_err(|error| {
                    Failure::unreadable_in(variable, error).hint("mend the variable's value")
                })?;
            }
        }
        for file in values {
            let text = self.read_text(file)?;
            code.add_values(&file.to_string_lossy(), &text)
                .map_err(|error| Failure::unreadable_in("--var-file", error).hint("mend the file"))?;
        }
        Ok(code)
    }
}

/// The folder that code must not reach out of: the repository's, else the working folder, else its own.
fn repository(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let with_git = folder.ancestors().find(|folder| folder.join(".git").exists());
    let here = Path::new(".")
        .canonicalize()
        .ok()
        .filter(|here| folder.starts_with(here));
    with_git.map(Path::to_owned).or(here).or(Some(folder))
}

/// A file of the code as a reader finds it: of the folder `terraform`, `../modules/web/main.tf` is `modules/web/main.tf`.
#[must_use]
pub fn code_place(folder: &Path, file: &str) -> String {
    let (mut folder, mut file) = (folder, file);
    while let (Some(rest), Some(_), Some(parent)) =
        (file.strip_prefix("../"), folder.file_name(), folder.parent())
    {
        (folder, file) = (parent, rest);
    }
    let path = folder.join(file);
    path.strip_prefix(".")
        .unwrap_or(&path)
        .to_string_lossy()
        .into_owned()
}
