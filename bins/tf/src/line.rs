//! Terraform's command line, as far as the wrapper must understand it. Nothing is taken away from it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// A command line for terraform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    words: Vec<OsString>,
    /// Where the subcommand stands; options before it are terraform's global ones.
    at: Option<usize>,
}

/// What a subcommand does with the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touches {
    /// Nothing: `fmt`, `validate`, `version`.
    Nothing,
    /// Prepares the folder: `init`.
    Prepares,
    /// Reads it: `plan`, `show`, `output`, and everything not known here.
    Reads,
    /// Writes it: `apply`, `import`, `state push`.
    Writes,
}

impl Line {
    pub(crate) fn new(words: Vec<OsString>) -> Self {
        let at = words.iter().position(|word| !is_option(word));
        Self { words, at }
    }

    /// `plan`; `None` for `terraform -version` and the like.
    pub(crate) fn subcommand(&self) -> Option<&str> {
        self.words.get(self.at?)?.to_str()
    }

    /// The folder of a `-chdir=DIR`, which terraform takes before the subcommand only.
    pub(crate) fn chdir(&self) -> Option<PathBuf> {
        let global = self.words.get(..self.at.unwrap_or(self.words.len()))?;
        global.iter().find_map(|word| {
            let text = word.to_str()?;
            let folder = text
                .strip_prefix("-chdir=")
                .or_else(|| text.strip_prefix("--chdir="))?;
            Some(PathBuf::from(folder))
        })
    }

    pub(crate) fn touches(&self) -> Touches {
        let second = self
            .words_after()
            .iter()
            .find(|word| !is_option(word))
            .and_then(|word| word.to_str());
        match (self.subcommand(), second) {
            (
                None
                | Some(
                    "fmt" | "get" | "help" | "login" | "logout" | "metadata" | "modules" | "providers"
                    | "validate" | "version",
                ),
                _,
            ) => Touches::Nothing,
            (Some("init"), _) if self.gives("backend", Some("false")) => Touches::Nothing,
            (Some("init"), _) => Touches::Prepares,
            (Some("apply" | "destroy" | "import" | "refresh" | "taint" | "untaint"), _)
            | (Some("state"), Some("mv" | "push" | "replace-provider" | "rm")) => Touches::Writes,
            _ => Touches::Reads,
        }
    }

    /// Whether this option is given after the subcommand, and with this value, if one is asked for.
    pub(crate) fn gives(&self, name: &str, value: Option<&str>) -> bool {
        self.words_after()
            .iter()
            .filter_map(|word| word.to_str())
            .any(|word| gives(word, name, value))
    }

    /// Whether this word is given after the subcommand.
    pub(crate) fn gives_word(&self, word: &str) -> bool {
        self.words_after().iter().any(|given| given == word)
    }

    /// Whether exit code 2 is a good end: `plan -detailed-exitcode`.
    pub(crate) fn has_detailed_exit_code(&self) -> bool {
        self.subcommand() == Some("plan") && self.gives("detailed-exitcode", None)
    }

    /// The same, with an option right after the subcommand.
    pub(crate) fn with_option(mut self, option: &str) -> Self {
        if let Some(at) = self.at {
            self.words.insert(at + 1, option.into());
        }
        self
    }

    /// The words for terraform, `-chdir` first unless the line has its own or terraform would start here anyway.
    pub(crate) fn into_words(self, folder: Option<&Path>) -> Vec<OsString> {
        let mut words = Vec::new();
        if let Some(folder) = folder {
            let mut chdir = OsString::from("-chdir=");
            chdir.push(folder);
            words.push(chdir);
        }
        words.extend(self.words);
        words
    }

    fn words_after(&self) -> &[OsString] {
        self.at
            .and_then(|at| self.words.get(at + 1..))
            .unwrap_or_default()
    }
}

/// Whether a word of a command line is this option, and with this value, if one is asked for. Go takes one dash or two.
pub(crate) fn gives(word: &str, name: &str, value: Option<&str>) -> bool {
    let Some(option) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else {
        return false;
    };
    match option.split_once('=') {
        Some((found, given)) => found == name && value.is_none_or(|value| value == given),
        None => option == name && value.is_none(),
    }
}

fn is_option(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line::new(text.split_whitespace().map(OsString::from).collect())
    }

    #[test]
    fn subcommands_and_what_they_touch() {
        let table = [
            ("", None, Touches::Nothing),
            ("-version", None, Touches::Nothing),
            ("-chdir=a fmt -check", Some("fmt"), Touches::Nothing),
            ("providers lock", Some("providers"), Touches::Nothing),
            ("init -backend=false", Some("init"), Touches::Nothing),
            ("init --backend=true", Some("init"), Touches::Prepares),
            ("init", Some("init"), Touches::Prepares),
            ("plan -out=apply", Some("plan"), Touches::Reads),
            ("state list", Some("state"), Touches::Reads),
            ("state -lock=false push x", Some("state"), Touches::Writes),
            ("force-unlock 1", Some("force-unlock"), Touches::Reads),
            ("apply x", Some("apply"), Touches::Writes),
            ("newer-than-this", Some("newer-than-this"), Touches::Reads),
        ];
        for (text, subcommand, touches) in table {
            let line = line(text);
            assert_eq!(
                (line.subcommand(), line.touches()),
                (subcommand, touches),
                "{text}"
            );
        }
    }

    #[test]
    fn options_are_known_with_one_dash_and_two() {
        for given in ["-lock=false", "--lock=true", "-lock"] {
            assert!(gives(given, "lock", None), "{given}");
        }
        for other in [
            "-lock-timeout=5s",
            "-lockfile=readonly",
            "lock",
            "lock=false",
            "-out=-lock",
        ] {
            assert!(!gives(other, "lock", None), "{other}");
        }
        assert!(line("plan -detailed-exitcode").has_detailed_exit_code());
        assert!(!line("apply -detailed-exitcode").has_detailed_exit_code());
    }

    #[test]
    fn the_folder_is_the_lines_own_or_ours() {
        assert_eq!(line("-chdir=a/b plan").chdir(), Some(PathBuf::from("a/b")));
        assert_eq!(
            line("plan -chdir=a").chdir(),
            None,
            "terraform takes it before the subcommand only"
        );
        let words = line("-no-color plan -out=x")
            .with_option("-lock=false")
            .into_words(Some(Path::new("live")));
        assert_eq!(
            words,
            ["-chdir=live", "-no-color", "plan", "-lock=false", "-out=x"]
        );
    }
}
