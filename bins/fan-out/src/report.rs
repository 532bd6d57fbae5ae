//! One report over all stacks.

use crate::each::{self, OUTCOME};
use portcullis_report::{Format, Limits, Tool, Verdict};
use portcullis_stacks::{Left, Stack, StacksReport};
use portcullis_stage::{ArtifactArgs, Artifacts, Exit, Failure, FormatArgs, ReadErrorKind, Stage};
use serde::Deserialize;
use std::path::Path;

/// Joins what the chains left behind into one report
///
/// For the last job of the child pipeline, which has all jobs' artifacts. A stack that left nothing, or not all, is
/// undetermined. Writes stacks.json and stacks.txt.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    artifacts: ArtifactArgs,
}

pub(crate) const JSON: &str = "stacks.json";
pub(crate) const TEXT: &str = "stacks.txt";

/// The largest document that is read, in bytes.
const LARGEST: u64 = 256 << 20;

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    let folder = &args.artifacts.folder;
    let artifacts = cleared(&args.format, folder, stage)?;
    let list = each::list(folder, stage)?;
    let report = StacksReport::new(&list, |stack| left(folder, stack, stage));
    show(&report, &args.format, &artifacts, stage)
}

/// The artifact folder, without an earlier report: it must not be taken for this one.
pub(crate) fn cleared(format: &FormatArgs, folder: &Path, stage: &Stage) -> Result<Artifacts, Failure> {
    format.clear(stage)?;
    let artifacts = stage.artifacts(folder);
    artifacts.remove(JSON)?;
    artifacts.remove(TEXT)?;
    Ok(artifacts)
}

/// Writes the report down, prints it, and ends as it says.
pub(crate) fn show(
    report: &StacksReport,
    format: &FormatArgs,
    artifacts: &Artifacts,
    stage: &Stage,
) -> Result<Exit, Failure> {
    artifacts.write_text(JSON, &report.to_json().map_err(Failure::internal)?)?;
    artifacts.write_text(TEXT, &report.to_text())?;
    let place = artifacts.path(JSON).to_string_lossy().into_owned();
    let findings = report.to_report();
    let tool = Tool::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), place);
    let render = |format| match format {
        Format::Text => Ok(report.to_text()),
        Format::Json => report.to_json(),
        Format::Markdown => Ok(report.to_markdown(&Limits::default())),
        other => findings.render(other, &tool),
    };
    format.write(stage, render)?;
    stage.out(render(format.format).map_err(Failure::internal)?)?;
    Ok(report.verdict.into())
}

/// What stands in the stack's folder: how its steps ended, and each document with a verdict.
fn left(folder: &Path, stack: &Stack, stage: &Stage) -> Left {
    let folder = each::place(folder, stack);
    let artifacts = stage.artifacts(&folder);
    let mut left = Left::default();
    match each::read_outcome(&artifacts) {
        Ok(outcome) => left.outcome = outcome,
        Err(_) => left.unreadable.push(OUTCOME.to_owned()),
    }
    let is_document = |name: &str| name.ends_with(".json") && name != OUTCOME;
    let documents = match stage.read_named(&folder, is_document, LARGEST) {
        Ok(documents) => documents,
        Err(error)
            if matches!(
                error.kind(),
                ReadErrorKind::Missing | ReadErrorKind::NothingInFolder
            ) =>
        {
            Vec::new()
        }
        Err(error) => {
            left.unreadable.push(error.to_string());
            Vec::new()
        }
    };
    for (name, text) in documents {
        match serde_json::from_str::<Document>(&text) {
            Ok(Document { verdict: Some(word) }) => match word.parse::<Verdict>() {
                Ok(verdict) => {
                    let words = first_line(&artifacts, &name).unwrap_or_else(|| format!("{name}: {verdict}"));
                    left.documents.push((verdict, words));
                }
                Err(_) => left.unreadable.push(format!("the verdict of {name}")),
            },
            Ok(Document { verdict: None }) => {}
            Err(_) => left.unreadable.push(name),
        }
    }
    left
}

/// As much of a document as all reports share (docs/documents.md).
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    verdict: Option<String>,
}

/// What the document says of itself: the first line of the text beside it.
fn first_line(artifacts: &Artifacts, name: &str) -> Option<String> {
    let text = artifacts
        .read_text(&format!("{}.txt", name.strip_suffix(".json")?))
        .ok()?;
    text.lines().next().map(str::to_owned)
}
