//! The guard's own rules: who may approve, how long a request lasts, which concerns close the gate.

use crate::concern::{Concern, Weight};
use crate::people::{Approvers, FourEyes, GroupApprovers, Hand, Role};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::fmt;

/// The guard's own rules. What the approval is bound to holds whatever they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardRules {
    /// Who may let changes through; everybody whom GitLab lets play the job when `None`.
    pub approvers: Option<Approvers>,
    /// Whose hands the deploy must not be in.
    pub four_eyes: FourEyes,
    /// How old a request may be.
    pub max_age: SignedDuration,
    /// How many people other than the one who opened it must have approved the merge request.
    pub approvals: u64,
    refuse: Vec<Concern>,
    say: Vec<Concern>,
}

/// A plan of last week is made anew: the cloud has moved on, whatever the state's serial says.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Default for GuardRules {
    fn default() -> Self {
        Self {
            approvers: None,
            four_eyes: FourEyes::default(),
            max_age: MAX_AGE,
            approvals: 0,
            refuse: Vec::new(),
            say: Vec::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: Spanned<u64>,
    approvers: Option<Spanned<ApproversDocument>>,
    four_eyes: Option<Vec<Hand>>,
    max_age: Option<Spanned<String>>,
    approvals: Option<u64>,
    #[serde(default)]
    refuse: Vec<Spanned<Concern>>,
    #[serde(default)]
    say: Vec<Concern>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApproversDocument {
    #[serde(default)]
    users: Vec<Spanned<String>>,
    #[serde(default)]
    groups: Vec<GroupDocument>,
    project_role: Option<Role>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupDocument {
    path: Spanned<String>,
    role: Option<Role>,
}

impl GuardRules {
    /// Reads a guard file, format 1 (docs/guard.md).
    ///
    /// ```
    /// use portcullis_evidence::GuardRules;
    ///
    /// let rules = GuardRules::read("
    /// version: 1
    /// approvers:
    ///   users: [grace, tomas]
    /// max_age: 24h
    /// refuse: [pipeline-changed]
    /// ")?;
    /// assert_eq!(rules.approvers.map(|approvers| approvers.users.len()), Some(2));
    /// # Ok::<(), portcullis_evidence::GuardRulesError>(())
    /// ```
    ///
    /// # Errors
    /// [`GuardRulesError`] with the line: text that is no YAML, unknown keys or words, another version, a list of approvers
    /// that lets nobody in, a time that is none.
    pub fn read(text: &str) -> Result<Self, GuardRulesError> {
        let document: Document = serde_saphyr::from_str(text).map_err(|error| unreadable(&error))?;
        if document.version.value != 1 {
            return Err(GuardRulesError::at(
                document.version.defined.line(),
                format!(
                    "version {} is not known; this one reads 1",
                    document.version.value
                ),
            ));
        }
        let mut rules = Self {
            approvers: document.approvers.map(approvers).transpose()?,
            approvals: document.approvals.unwrap_or_default(),
            ..Self::default()
        };
        if let Some(known) = document.four_eyes {
            rules.four_eyes = FourEyes {
                known,
                as_far_as_known: Vec::new(),
            };
        }
        if let Some(text) = document.max_age {
            let age: Option<SignedDuration> = text.value.trim().parse().ok();
            rules.max_age = age.filter(SignedDuration::is_positive).ok_or_else(|| {
                GuardRulesError::at(
                    text.defined.line(),
                    "max_age is not a time such as 90m, 24h or 168h".to_owned(),
                )
            })?;
        }
        if let Some(twice) = document
            .refuse
            .iter()
            .find(|concern| document.say.contains(&concern.value))
        {
            return Err(GuardRulesError::at(
                twice.defined.line(),
                format!("{} stands in refuse and in say", twice.value),
            ));
        }
        rules.refuse = document.refuse.into_iter().map(|concern| concern.value).collect();
        rules.say = document.say;
        Ok(rules)
    }

    /// What a concern does by these rules.
    #[must_use]
    pub fn weight(&self, concern: Concern) -> Weight {
        if self.refuse.contains(&concern) {
            Weight::Refuse
        } else if self.say.contains(&concern) {
            Weight::Say
        } else if concern == Concern::EnvironmentNotKnown
            && self.refuse.contains(&Concern::EnvironmentNotProtected)
        {
            // Whoever asks for protection does not get it by a token that may not look.
            Weight::Refuse
        } else {
            concern.weight()
        }
    }
}

fn approvers(document: Spanned<ApproversDocument>) -> Result<Approvers, GuardRulesError> {
    let line = document.defined.line();
    let ApproversDocument {
        users,
        groups,
        project_role,
    } = document.value;
    if users.is_empty() && groups.is_empty() && project_role.is_none() {
        let message = "approvers names nobody: nothing could ever be deployed".to_owned();
        return Err(GuardRulesError::at(line, message));
    }
    let word = |word: Spanned<String>| {
        let text = word.value.trim().trim_start_matches('@').to_owned();
        if text.is_empty() {
            let message = "an empty name among the approvers".to_owned();
            return Err(GuardRulesError::at(word.defined.line(), message));
        }
        Ok(text)
    };
    let group = |group: GroupDocument| {
        Ok(GroupApprovers {
            path: word(group.path)?,
            role: group.role.unwrap_or(Role::Guest),
        })
    };
    Ok(Approvers {
        users: users.into_iter().map(word).collect::<Result<_, _>>()?,
        groups: groups.into_iter().map(group).collect::<Result<_, _>>()?,
        project_role,
    })
}

/// The parser's error on one line; its own place is shown in ours.
fn unreadable(error: &serde_saphyr::Error) -> GuardRulesError {
    let said = error.without_snippet().to_string();
    let first = said.lines().next().unwrap_or_default();
    let what = first.rsplit_once(" at line ").map_or(first, |(what, _)| what);
    GuardRulesError {
        line: error.location().map(|location| location.line()),
        message: what.to_owned(),
    }
}

/// A guard file that does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", Line(*line))]
pub struct GuardRulesError {
    line: Option<u64>,
    message: String,
}

impl GuardRulesError {
    fn at(line: u64, message: String) -> Self {
        Self {
            line: Some(line),
            message,
        }
    }

    /// What the reader can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        "docs/guard.md lists every key of a guard file"
    }
}

/// `line 3: `, when it is known.
struct Line(Option<u64>);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(line) => write!(f, "line {line}: "),
            None => Ok(()),
        }
    }
}
