//! Arguments that several stages share.

use crate::Artifacts;
use clap::builder::{OsStringValueParser, TypedValueParser};
use std::path::PathBuf;

/// Where artifacts are read and written. Flatten it into a stage's arguments.
#[derive(Debug, Clone, clap::Args)]
pub struct ArtifactArgs {
    /// Folder for the files that one stage leaves for the next
    #[arg(
        long = "artifacts",
        value_name = "DIR",
        env = "PORTCULLIS_ARTIFACTS",
        hide_env_values = true,
        default_value = Artifacts::DEFAULT_FOLDER,
        value_parser = OsStringValueParser::new().map(|value| PathBuf::from(
            // An empty variable counts as absent.
            if value.is_empty() { Artifacts::DEFAULT_FOLDER.into() } else { value }
        )),
    )]
    pub folder: PathBuf,
}

/// How a report is written to standard output. Flatten it into a stage's arguments.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct FormatArgs {
    /// How the report is written to standard output
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub format: Format,
}

/// A rendering of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people, in a terminal or a job log
    Text,
    /// The JSON document, for tools
    Json,
    /// For merge-request notes
    Markdown,
    /// For GitLab's unit-test report
    Junit,
    /// For GitLab's Code Quality report
    #[value(name = "codequality")]
    CodeQuality,
    /// For code-scanning tools
    Sarif,
}

impl Format {
    /// The word on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Junit => "junit",
            Self::CodeQuality => "codequality",
            Self::Sarif => "sarif",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Parser, ValueEnum};

    #[derive(Parser)]
    struct Both {
        #[command(flatten)]
        artifacts: ArtifactArgs,
        #[command(flatten)]
        format: FormatArgs,
    }

    #[test]
    fn defaults_and_choices() {
        let args = Both::try_parse_from(["x", "--artifacts", ""]).unwrap();
        assert_eq!(args.artifacts.folder, PathBuf::from("portcullis"));
        assert_eq!(args.format.format, Format::Text);
        let args = Both::try_parse_from(["x", "--artifacts", "out", "--format", "codequality"]).unwrap();
        assert_eq!(args.artifacts.folder, PathBuf::from("out"));
        assert_eq!(args.format.format, Format::CodeQuality);
        assert!(Both::try_parse_from(["x", "--format", "yaml"]).is_err());
    }

    #[test]
    fn each_format_is_called_by_its_word() {
        for format in Format::value_variants() {
            assert_eq!(Format::from_str(format.as_str(), false), Ok(*format));
        }
    }
}
