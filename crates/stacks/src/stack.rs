//! One stack.

use serde::{Deserialize, Serialize};

/// One managed state, or one folder of code: what gets a chain of jobs of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// Names the stack in files and variables: `0007-production`. ASCII letters, digits, `.`, `_` and `-` only; no two
    /// stacks of a run share one. Empty until [`Stack::number`] gives it.
    #[serde(default)]
    pub key: String,
    /// What people call it: the state's name or the folder. Text from outside.
    pub name: String,
    /// The managed state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The folder with its code, relative to the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Why it gets no chain, when it gets none. The report tells it as undetermined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
}

/// How much of a name goes into a key.
const NAME_IN_KEY: usize = 40;

impl Stack {
    /// A managed state.
    #[must_use]
    pub fn of_state(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            key: String::new(),
            state: Some(name.clone()),
            name,
            folder: None,
            left_out: None,
        }
    }

    /// A folder of code, and the managed state that it belongs to.
    #[must_use]
    pub fn of_folder(folder: impl Into<String>, state: impl Into<String>) -> Self {
        let folder = folder.into();
        Self {
            key: String::new(),
            name: folder.clone(),
            state: Some(state.into()),
            folder: Some(folder),
            left_out: None,
        }
    }

    /// The same without a chain, and why.
    #[must_use]
    pub fn left_out(mut self, why: impl Into<String>) -> Self {
        self.left_out = Some(why.into());
        self
    }

    /// The stacks with their keys, in this order.
    #[must_use]
    pub fn number(stacks: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut stacks: Vec<Self> = stacks.into_iter().collect();
        let width = stacks.len().to_string().len().max(3);
        for (index, stack) in stacks.iter_mut().enumerate() {
            let name: String = stack
                .name
                .chars()
                .take(NAME_IN_KEY)
                .map(|c| {
                    if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
                        c
                    } else {
                        '-'
                    }
                })
                .collect();
            // The number alone tells two keys apart.
            stack.key = format!("{:0width$}-{name}", index + 1);
        }
        stacks
    }

    /// Whether this is a key that [`Stack::number`] could have given: nothing else may name a folder.
    #[must_use]
    pub fn is_key(text: &str) -> bool {
        text.starts_with(|c: char| c.is_ascii_digit())
            && text.len() <= 100
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    }
}
