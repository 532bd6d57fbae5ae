//! The job's environment, read once.

use std::collections::BTreeMap;

/// The job's environment, read once at the start.
///
/// GitLab hands a variable that is not defined to a job as an empty one, or as the literal `$NAME`, depending on
/// how it was passed on; the first is taken for absent here.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The process's own environment.
    #[must_use]
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .map(|(name, value)| {
                (
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                )
            })
            .collect();
        Self { variables }
    }

    /// An environment of these variables: for tests.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        Self {
            variables: pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        }
    }

    /// The variable's value; an empty one counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// All variables, sorted by name, empty ones included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl std::fmt::Debug for Environment {
    /// Names only: values may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// A variable that must be set and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the variable {name} is not set, or empty")]
pub struct UnsetVariable {
    name: String,
    what: String,
}

impl UnsetVariable {
    pub(crate) fn new(name: &str, what: &str) -> Self {
        Self {
            name: name.to_owned(),
            what: what.to_owned(),
        }
    }

    /// The variable's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What to set it to.
    #[must_use]
    pub fn hint(&self) -> String {
        format!("set {} to {}", self.name, self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_absent() {
        let environment = Environment::from_pairs([("SET", "x"), ("EMPTY", "")]);
        assert_eq!(environment.get("SET"), Some("x"));
        assert_eq!(environment.get("EMPTY"), None);
        assert_eq!(environment.get("OTHER"), None);
    }

    #[test]
    fn debug_shows_no_value() {
        let shown = format!("{:?}", Environment::from_pairs([("NAME", "hush-hush")]));
        assert_eq!(shown, r#"{"NAME"}"#);
    }
}
