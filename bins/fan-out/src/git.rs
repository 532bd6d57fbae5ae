//! What git knows of a change.

use portcullis_stage::{Failure, Output, Program, Stage};
use std::path::Path;

/// The change since a commit or a branch.
pub(crate) struct Change<'a> {
    stage: &'a Stage,
    /// Where both histories meet.
    base: String,
}

/// What GitLab gives as the commit before a branch's first one.
fn is_nothing(commit: &str) -> bool {
    !commit.is_empty() && commit.bytes().all(|b| b == b'0')
}

impl<'a> Change<'a> {
    /// The change from there to the present commit; `None` when there is no "before".
    pub(crate) fn since(before: &str, stage: &'a Stage) -> Result<Option<Self>, Failure> {
        if is_nothing(before) {
            return Ok(None);
        }
        if before.is_empty() {
            return Err(Failure::usage("`--since` names no commit").hint(
                "the variable that it comes from is not set in this pipeline: CI_MERGE_REQUEST_DIFF_BASE_SHA is for merge \
                 requests, CI_COMMIT_BEFORE_SHA for branches",
            ));
        }
        let found = run(stage, &["merge-base", "--", before, "HEAD"])?;
        let base = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        if !found.success() || base.is_empty() {
            return Err(Failure::usage(NoBase {
                before: before.to_owned(),
                git: found.stderr.trim().to_owned(),
            })
            .hint("a job's clone is shallow: set the variable GIT_DEPTH to 0 for this job"));
        }
        Ok(Some(Self { stage, base }))
    }

    /// The changed files, relative to the repository. A renamed one is there by both names.
    pub(crate) fn files(&self) -> Result<Vec<String>, Failure> {
        let arguments = [
            "diff",
            "--name-only",
            "--no-renames",
            "-z",
            &self.base,
            "HEAD",
            "--",
        ];
        let output = run(self.stage, &arguments)?;
        if !output.success() {
            return Err(Failure::unreadable_in(
                "what git says of the change",
                output.stderr.trim().to_owned(),
            ));
        }
        let paths = output
            .stdout
            .split(|byte| *byte == 0)
            .filter(|path| !path.is_empty());
        paths
            .map(|path| {
                String::from_utf8(path.to_vec())
                    .map_err(|error| Failure::unreadable_in("the name of a changed file", error))
            })
            .collect()
    }

    /// A file as it was before; `None` when it was not there, or is no text.
    pub(crate) fn before(&self, path: &str) -> Result<Option<String>, Failure> {
        let output = run(self.stage, &["show", &format!("{}:{path}", self.base)])?;
        Ok(output
            .success()
            .then(|| String::from_utf8(output.stdout).ok())
            .flatten())
    }
}

fn run(stage: &Stage, arguments: &[&str]) -> Result<Output, Failure> {
    let git: Program = stage.program(Path::new("git"));
    // No setting of the checkout may start a program here.
    Ok(git
        .args(["-c", "core.fsmonitor=false", "--no-pager"])
        .args(arguments)
        .run_captured()?)
}

#[derive(Debug, thiserror::Error)]
#[error("git finds no way from {before} to the present commit: {git}")]
struct NoBase {
    before: String,
    git: String,
}
