//! Arguments that several stages share.

use crate::{Artifacts, Failure, Stage};
use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use portcullis_report::{Format, UnknownFormat};
use std::path::{Path, PathBuf};
use std::str::FromStr;

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

/// Which of a project's managed states is meant, flattened into a stage's own arguments.
#[derive(Debug, Clone, clap::Args)]
pub struct StateArgs {
    /// Name of the state that GitLab manages
    #[arg(
        long,
        value_name = "NAME",
        env = "PORTCULLIS_STATE_NAME",
        hide_env_values = true,
        default_value = "default"
    )]
    pub state_name: String,
}

/// How a report is written. Flatten it into a stage's arguments.
#[derive(Debug, Clone, clap::Args)]
pub struct FormatArgs {
    /// How the report is written to standard output
    #[arg(long, value_name = "FORMAT", default_value_t = Format::Text, value_parser = format_parser())]
    pub format: Format,
    /// Also write the report to a file, such as junit=compliance.junit.xml; may be given again
    #[arg(long, value_name = "FORMAT=FILE")]
    pub write: Vec<WriteTo>,
}

fn format_parser() -> impl TypedValueParser<Value = Format> {
    let words = Format::ALL.map(|format| PossibleValue::new(format.as_str()).help(format.purpose()));
    PossibleValuesParser::new(words).try_map(|word| word.parse::<Format>())
}

impl FormatArgs {
    /// Takes away what an earlier run wrote: it must not be taken for this one's.
    ///
    /// # Errors
    /// When a file is there and stays.
    pub fn clear(&self, stage: &Stage) -> Result<(), Failure> {
        for (folder, name, _) in self.files() {
            stage.artifacts(folder).remove(name)?;
        }
        Ok(())
    }

    /// Writes the report into every file that was asked for, whole or not at all, masked.
    ///
    /// # Errors
    /// When it cannot be rendered, or a file cannot be written.
    pub fn write<E: std::error::Error + Send + Sync + 'static>(
        &self,
        stage: &Stage,
        render: impl Fn(Format) -> Result<String, E>,
    ) -> Result<(), Failure> {
        for (folder, name, format) in self.files() {
            let text = render(format).map_err(Failure::internal)?;
            stage.artifacts(folder).write_text(name, &text)?;
        }
        Ok(())
    }

    fn files(&self) -> impl Iterator<Item = (&Path, &str, Format)> {
        self.write.iter().map(|to| {
            let folder = to.folder.as_deref().unwrap_or(Path::new("."));
            (folder, to.name.as_str(), to.format)
        })
    }
}

/// A file to write a report to, as `FORMAT=FILE` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteTo {
    format: Format,
    folder: Option<PathBuf>,
    name: String,
}

impl FromStr for WriteTo {
    type Err = NoFormatAndFile;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let (format, path) = s.split_once('=').ok_or(NoFormatAndFile::Form)?;
        let format = format.parse().map_err(NoFormatAndFile::Format)?;
        let path = Path::new(path);
        let name = path.file_name().and_then(|name| name.to_str());
        Ok(Self {
            format,
            folder: path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
                .map(Path::to_owned),
            name: name.ok_or(NoFormatAndFile::Form)?.to_owned(),
        })
    }
}

/// A text that is not `FORMAT=FILE`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoFormatAndFile {
    /// Not of that form, or no file is named.
    #[error("write FORMAT=FILE, such as junit=portcullis/compliance.junit.xml")]
    Form,
    /// No format is called so.
    #[error(transparent)]
    Format(UnknownFormat),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

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
    fn a_file_is_named_with_its_format() {
        let to = |text: &str| text.parse::<WriteTo>();
        let written = to("junit=out/a=b.xml").unwrap();
        assert_eq!(written.format, Format::Junit);
        assert_eq!(written.folder.as_deref(), Some(Path::new("out")));
        assert_eq!(written.name, "a=b.xml");
        assert_eq!(to("sarif=a.sarif").unwrap().folder, None);
        for wrong in ["junit", "junit=", "junit=..", "=a.xml", "yaml=a.yaml", ""] {
            assert!(to(wrong).is_err(), "{wrong}");
        }
    }
}
