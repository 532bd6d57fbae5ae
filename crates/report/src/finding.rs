//! One thing a gate found.

use crate::{Severity, Verdict};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a security group stands in the code, in AWS, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupRef {
    /// Its Terraform address, such as `aws_security_group.web`.
    pub address: Option<String>,
    /// Its AWS id, such as `sg-5adc180858177f2d0`.
    pub id: Option<String>,
}

impl GroupRef {
    /// A group known by its Terraform address only.
    #[must_use]
    pub fn address(address: impl Into<String>) -> Self {
        Self {
            address: Some(address.into()),
            id: None,
        }
    }

    /// A group known by its AWS id only.
    #[must_use]
    pub fn id(id: impl Into<String>) -> Self {
        Self {
            address: None,
            id: Some(id.into()),
        }
    }
}

impl GroupRef {
    /// The name that it keeps from run to run: its address where it has one, since its id is known only after it was made.
    pub(crate) fn name(&self) -> Option<&str> {
        self.address.as_deref().or(self.id.as_deref())
    }
}

impl fmt::Display for GroupRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.address, &self.id) {
            (Some(address), Some(id)) => write!(f, "{address} ({id})"),
            (Some(name), None) | (None, Some(name)) => f.write_str(name),
            (None, None) => f.write_str("(no group of its own)"),
        }
    }
}

/// Where in the code a finding points.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The file, relative to the configuration's folder.
    pub path: String,
    /// The line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path, self.line)
    }
}

/// Whether the change brings what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The change brings it.
    New,
    /// It stood before the change and stands after it.
    Existing,
    /// It stood before the change, which takes it away.
    Removed,
}

impl Standing {
    /// The word used in documents: `new`, `existing`, `removed`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Existing => "existing",
            Self::Removed => "removed",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who let a finding stand, why, and how long.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Waived {
    /// Why it may stand.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day the waiver holds, `YYYY-MM-DD`, UTC.
    pub expires: String,
}

impl Waived {
    /// `the old office until it moves (network team, until 2026-12-31)`.
    pub(crate) fn sentence(&self) -> String {
        format!("{} ({}, until {})", self.reason, self.owner, self.expires)
    }
}

/// A rule that was held against the input, whether or not it found anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id, as [`Finding::rule`] has it.
    pub id: String,
    /// Its title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// How grave a finding of it is.
    pub severity: Severity,
    /// Ids in other catalogues.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frameworks: Vec<String>,
}

/// One thing a gate found. Field names are the JSON contract (docs/documents.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The policy rule's id, kebab-case.
    pub rule: String,
    /// The policy rule's title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// How grave it is.
    pub severity: Severity,
    /// [`Verdict::Violation`] or [`Verdict::Undetermined`]; [`Verdict::Pass`] for a waived or a merely informing one.
    pub verdict: Verdict,
    /// The group it is about.
    pub group: GroupRef,
    /// The Terraform addresses that cause it together.
    pub resources: Vec<String>,
    /// What is open, in one line: `tcp 22 from the whole IPv4 internet`.
    pub exposure: String,
    /// One concrete packet that gets through: `tcp 22 from 8.8.8.8`.
    pub witness: Option<String>,
    /// Whether the change brings it.
    pub standing: Standing,
    /// The waiver that lets it stand, if one does.
    pub waived: Option<Waived>,
    /// Where in the code it points, when the code was read.
    pub location: Option<Location>,
    /// Ids in other catalogues, such as `CIS-AWS-5.0:5.3`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frameworks: Vec<String>,
    /// What to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Further remarks, such as which value is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Finding {
    /// A finding with the three things each must have; the rest is added by the methods below.
    #[must_use]
    pub fn new(rule: impl Into<String>, severity: Severity, verdict: Verdict) -> Self {
        Self {
            rule: rule.into(),
            title: String::new(),
            severity,
            verdict,
            group: GroupRef::default(),
            resources: Vec::new(),
            exposure: String::new(),
            witness: None,
            standing: Standing::Existing,
            waived: None,
            location: None,
            frameworks: Vec::new(),
            remedy: None,
            notes: Vec::new(),
        }
    }

    /// Whether it keeps the gate closed: no waiver covers it, and it does more than inform.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.waived.is_none() && self.verdict != Verdict::Pass
    }

    /// Where, and what: `aws_security_group.web: tcp 22 from the whole IPv4 internet`. Not cleaned.
    pub(crate) fn sentence(&self) -> String {
        let what = [&self.exposure, &self.title, &self.rule]
            .into_iter()
            .find(|text| !text.is_empty());
        let what = what.map_or("", String::as_str);
        match self.group.name() {
            Some(name) => format!("{name}: {what}"),
            None => what.to_owned(),
        }
    }

    /// With the rule's title.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// About this group.
    #[must_use]
    pub fn group(mut self, group: GroupRef) -> Self {
        self.group = group;
        self
    }

    /// Caused by these Terraform addresses together.
    #[must_use]
    pub fn resources(mut self, resources: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.resources = resources.into_iter().map(Into::into).collect();
        self
    }

    /// With what is open, in one line.
    #[must_use]
    pub fn exposure(mut self, exposure: impl Into<String>) -> Self {
        self.exposure = exposure.into();
        self
    }

    /// With one concrete packet that gets through.
    #[must_use]
    pub fn witness(mut self, witness: impl Into<String>) -> Self {
        self.witness = Some(witness.into());
        self
    }

    /// New, existing or removed.
    #[must_use]
    pub fn standing(mut self, standing: Standing) -> Self {
        self.standing = standing;
        self
    }

    /// With what to change.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// With one more remark.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}
