//! Terraform's saved plan: in clear in a private folder only, when there is a key to seal it with.

use crate::{Artifacts, Failure, Stage, WriteError, files};
use portcullis_evidence::{BadKey, NONCE, OpenError, SealKey, is_sealed, open_file, seal_file};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The variable that holds the key.
const KEY: &str = "PORTCULLIS_PLAN_KEY";

/// The saved plan's name among the artifacts.
const PLAN: &str = "plan.tfplan";

/// A saved plan in clear, where only this process's user can read it. Gone when this is dropped.
#[derive(Debug)]
pub struct SavedPlan {
    folder: TempDir,
}

impl SavedPlan {
    /// A place for terraform to save a plan to.
    ///
    /// # Errors
    /// When the system has no room for it.
    pub fn new() -> Result<Self, Failure> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("portcullis-");
        // Whatever the umask says.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = builder.tempdir().map_err(|source| {
            Failure::usage(NoPrivateFolder { source }).hint("point TMPDIR to a folder this user may write to")
        })?;
        Ok(Self { folder })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(PLAN)
    }

    /// Its bytes.
    ///
    /// # Errors
    /// When there is none yet.
    pub fn bytes(&self) -> Result<Vec<u8>, Failure> {
        Ok(files::read_bytes(&self.path())?)
    }
}

impl Stage {
    /// Whether plans are sealed here: the key is set.
    ///
    /// # Errors
    /// When the variable holds no key.
    pub fn seals_plans(&self) -> Result<bool, Failure> {
        Ok(self.seal_key()?.is_some())
    }

    /// Writes an artifact that holds secrets by its nature: sealed, when there is a key; else in clear, and then the
    /// caller has to say so. Tells which.
    ///
    /// # Errors
    /// When the variable holds no key, or the file cannot be written.
    pub fn write_sealed(&self, artifacts: &Artifacts, name: &str, bytes: &[u8]) -> Result<bool, Failure> {
        let Some(key) = self.seal_key()? else {
            artifacts.write_bytes(name, bytes)?;
            return Ok(false);
        };
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| Failure::internal("the system gives no random numbers"))?;
        artifacts.write_bytes(name, &seal_file(bytes, name, &key, nonce))?;
        Ok(true)
    }

    /// The saved plan in this file, sealed or not, in clear in a private folder.
    ///
    /// # Errors
    /// When it cannot be read, or is sealed and does not open.
    pub fn open_plan(&self, path: &Path) -> Result<SavedPlan, Failure> {
        let bytes = files::read_bytes(path)?;
        let bytes = if is_sealed(&bytes) {
            // The file may have been moved: what is opened here is a plan, whatever it is called.
            self.unsealed(path, PLAN, &bytes)?
        } else {
            bytes
        };
        let plan = SavedPlan::new()?;
        write_private(&plan.path(), &bytes)
            .map_err(|source| Failure::usage(WriteError::at(plan.path(), source)))?;
        Ok(plan)
    }

    /// Opens a sealed file for a person: what is in it is written beside it, with `.open` after its name, for this user
    /// alone. Gives the new file.
    ///
    /// # Errors
    /// When it does not open, or was renamed, or there is such a file already.
    pub fn unseal(&self, path: &Path) -> Result<PathBuf, Failure> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let bytes = self.unsealed(path, &name, &files::read_bytes(path)?)?;
        let mut open = path.as_os_str().to_owned();
        open.push(".open");
        let open = PathBuf::from(open);
        write_private(&open, &bytes)
            .map_err(|source| Failure::usage(WriteError::at(open.clone(), source)))?;
        Ok(open)
    }

    fn unsealed(&self, path: &Path, name: &str, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        let shown = path.display();
        let Some(key) = self.seal_key()? else {
            return Err(Failure::usage(format!(
                "{shown}: it is sealed, and the variable {KEY} is not set"
            ))
            .hint(format!("give this job the {KEY} that the plan job has")));
        };
        open_file(bytes, name, &key).map_err(|error| {
            let hint = match error {
                OpenError::Format => "let the same version of Portcullis plan and deploy",
                _ => "check that all jobs have the same PORTCULLIS_PLAN_KEY, then start a new pipeline",
            };
            Failure::unreadable_in(shown, error).hint(hint)
        })
    }

    fn seal_key(&self) -> Result<Option<SealKey>, Failure> {
        let Some(text) = self.variable(KEY) else {
            return Ok(None);
        };
        SealKey::read(text).map(Some).map_err(|source| {
            Failure::usage(BadKeyVariable { source }).hint(format!(
                "make one with `openssl rand -hex 32`, and set {KEY} to it as a masked variable"
            ))
        })
    }
}

/// Whether these bytes, or this name, are of a saved plan rather than of its JSON.
#[must_use]
pub(crate) fn is_saved_plan(path: &Path, bytes: &[u8]) -> bool {
    // A saved plan is a zip archive (hashicorp/terraform, internal/plans/planfile).
    bytes.starts_with(b"PK\x03\x04")
        || is_sealed(bytes)
        || path.extension().is_some_and(|end| end == "tfplan")
}

/// For this user alone.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

#[derive(Debug, thiserror::Error)]
#[error("the variable {KEY} holds no key")]
struct BadKeyVariable {
    source: BadKey,
}

#[derive(Debug, thiserror::Error)]
#[error("no private folder can be made for the saved plan")]
struct NoPrivateFolder {
    source: io::Error,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Environment;

    fn stage(key: &str) -> Stage {
        Stage::new(Environment::from_pairs([(KEY, key)])).unwrap()
    }

    #[test]
    fn a_sealed_plan_opens_with_its_key_into_a_private_file_that_goes_away() {
        let folder = tempfile::tempdir().unwrap();
        let stage = stage(&"0123456789abcdef".repeat(4));
        let artifacts = stage.artifacts(folder.path());
        assert!(
            stage
                .write_sealed(&artifacts, PLAN, b"PK\x03\x04 hunter2")
                .unwrap()
        );
        let kept = artifacts.read_bytes(PLAN).unwrap();
        assert!(
            kept.starts_with(b"portcullis sealed file, format 1")
                && !kept.windows(7).any(|part| part == b"hunter2")
        );
        let plan = stage.open_plan(&artifacts.path(PLAN)).unwrap();
        assert_eq!(plan.bytes().unwrap(), b"PK\x03\x04 hunter2");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&plan.path()), 0o600);
            assert_eq!(mode(plan.path().parent().unwrap()), 0o700);
        }
        let open = stage.unseal(&artifacts.path(PLAN)).unwrap();
        assert_eq!(open, folder.path().join("plan.tfplan.open"));
        assert_eq!(files::read_bytes(&open).unwrap(), b"PK\x03\x04 hunter2");
        assert!(
            stage.unseal(&artifacts.path(PLAN)).is_err(),
            "nothing is written over"
        );
        std::fs::rename(artifacts.path(PLAN), artifacts.path("errored.tfstate")).unwrap();
        assert!(
            stage.unseal(&artifacts.path("errored.tfstate")).is_err(),
            "the name is bound"
        );
        let path = plan.path();
        drop(plan);
        assert!(!path.exists());
    }

    #[test]
    fn another_key_none_and_a_bad_one_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let sealing = stage(&"0123456789abcdef".repeat(4));
        let artifacts = sealing.artifacts(folder.path());
        sealing.write_sealed(&artifacts, PLAN, b"plan").unwrap();
        let told = |key: &str| {
            let failure = stage(key).open_plan(&artifacts.path(PLAN)).unwrap_err();
            failure
                .to_text(stage("").redactor())
                .replace(&folder.path().display().to_string(), "JOB")
        };
        insta::assert_snapshot!(
            [told(&"fedcba9876543210".repeat(4)), told(""), told("password")].join("\n"),
            @r"
        error: JOB/plan.tfplan cannot be read
          caused by: the key does not open it: it was sealed with another key, or changed since, or is another file
        hint: check that all jobs have the same PORTCULLIS_PLAN_KEY, then start a new pipeline

        error: JOB/plan.tfplan: it is sealed, and the variable PORTCULLIS_PLAN_KEY is not set
        hint: give this job the PORTCULLIS_PLAN_KEY that the plan job has

        error: the variable PORTCULLIS_PLAN_KEY holds no key
          caused by: the key is not 64 hex digits
        hint: make one with `openssl rand -hex 32`, and set PORTCULLIS_PLAN_KEY to it as a masked variable
        "
        );
    }
}
