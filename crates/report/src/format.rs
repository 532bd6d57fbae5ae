//! The ways a report can be written, by name.

use std::fmt;
use std::str::FromStr;

/// A rendering of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people, in a terminal or a job log.
    Text,
    /// The JSON document, for tools.
    Json,
    /// For merge-request notes.
    Markdown,
    /// For GitLab's unit-test report.
    Junit,
    /// For GitLab's Code Quality report.
    CodeQuality,
    /// For code-scanning tools.
    Sarif,
}

impl Format {
    /// Every format, in the order in which they are told to people.
    pub const ALL: [Self; 6] = [
        Self::Text,
        Self::Json,
        Self::Markdown,
        Self::Junit,
        Self::CodeQuality,
        Self::Sarif,
    ];

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

    /// What it is for, in a few words.
    #[must_use]
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Text => "For people, in a terminal or a job log",
            Self::Json => "The JSON document, for tools",
            Self::Markdown => "For merge-request notes",
            Self::Junit => "For GitLab's unit-test report",
            Self::CodeQuality => "For GitLab's Code Quality report",
            Self::Sarif => "For code-scanning tools",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == s)
            .ok_or(UnknownFormat)
    }
}

/// A word that is no format's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a format is one of text, json, markdown, junit, codequality, sarif")]
pub struct UnknownFormat;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_reads_back_from_its_word_and_the_error_names_them_all() {
        for format in Format::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
            assert!(UnknownFormat.to_string().contains(format.as_str()), "{format}");
        }
        assert_eq!("yaml".parse::<Format>(), Err(UnknownFormat));
    }
}
