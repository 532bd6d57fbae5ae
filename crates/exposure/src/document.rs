//! What a change opens and closes, as a document.

use crate::line::ExposureLine;
use portcullis_report::{FORMAT_VERSION, GroupRef, Verdict};
use serde::{Deserialize, Serialize};

/// What a change opens and closes (`portcullis/exposure.json`). Field names are the JSON contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposureReport {
    /// [`FORMAT_VERSION`] when written by this version.
    pub format_version: String,
    /// [`Verdict::Pass`] when the difference is fully known, [`Verdict::Undetermined`] when a part of it is not.
    /// An exposure report never says violation: opening is not forbidden by itself.
    pub verdict: Verdict,
    /// One line for a phone, the worst first: `opens tcp 8000, closes tcp 8080 from the whole IPv4 internet on front (web)`.
    pub headline: String,
    /// What "before" was.
    #[serde(default)]
    pub compared_with: ComparedWith,
    /// The groups whose open set changes, sorted by address.
    pub groups: Vec<GroupExposure>,
    /// The members that feel it, all groups of a member joined; the worst first. Members that carry the same groups before
    /// and after stand in one entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberExposure>,
    /// Where "before" itself was not as the prior state has it: changed by hand. Only where live was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<GroupDrift>,
    /// How many rules the change rewrites (creates, updates or deletes), whatever comes of it.
    pub rules_rewritten: usize,
    /// Remarks about the whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What a change was compared with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ComparedWith {
    /// The state as the plan refreshed it.
    #[default]
    PriorState,
    /// What EC2 had when it was read.
    Live,
}

/// What becomes of a group or a member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is there before and after.
    #[default]
    Kept,
    /// It is made.
    Created,
    /// It is made anew in place of an old one.
    Replaced,
    /// It goes.
    Destroyed,
}

/// One group's difference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupExposure {
    /// The group.
    pub group: GroupRef,
    /// Its name in AWS, where known.
    pub name: Option<String>,
    /// What becomes of it.
    #[serde(default)]
    pub fate: Fate,
    /// The names of the members that carry the group, sorted: after the change, or before it when the group goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// What was closed and will be open.
    pub opens: Vec<ExposureLine>,
    /// What was open and will be closed.
    pub closes: Vec<ExposureLine>,
    /// What may open, once values are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_open: Vec<ExposureLine>,
    /// What may close, once values are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_close: Vec<ExposureLine>,
}

/// A group with its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NamedGroup {
    /// The group.
    pub group: GroupRef,
    /// Its name in AWS, where known.
    pub name: Option<String>,
}

/// One member: an instance, a network interface, a load balancer.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MemberRef {
    /// Its Terraform address.
    pub address: Option<String>,
    /// Its AWS id.
    pub id: Option<String>,
    /// What people call it, where it has a name.
    pub name: Option<String>,
}

/// What changes for members: all groups of a member joined, as AWS joins them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberExposure {
    /// The members; they all carry the same groups before, and the same groups after.
    pub members: Vec<MemberRef>,
    /// What becomes of them.
    pub fate: Fate,
    /// The groups they carry after the change; before it, when they go.
    pub groups: Vec<NamedGroup>,
    /// The groups they carry after and not before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<NamedGroup>,
    /// The groups they carry before and not after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<NamedGroup>,
    /// Whether they may carry groups that are not known yet.
    #[serde(default)]
    pub groups_unknown: bool,
    /// What was closed to them and will be open.
    pub opens: Vec<ExposureLine>,
    /// What was open to them and will be closed.
    pub closes: Vec<ExposureLine>,
    /// What may open to them, once values are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_open: Vec<ExposureLine>,
    /// What may close to them, once values are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_close: Vec<ExposureLine>,
    /// How many more lines there are, beside those that are told.
    #[serde(default)]
    pub more: usize,
}

/// What differs, in one group, between the prior state and what is live.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupDrift {
    /// The group.
    pub group: GroupRef,
    /// Its name in AWS, where known.
    pub name: Option<String>,
    /// What is open live, and not after the prior state.
    pub opened: Vec<ExposureLine>,
    /// What is open after the prior state, and not live.
    pub closed: Vec<ExposureLine>,
}

impl NamedGroup {
    /// What people call it: its name, else its address, else its id.
    #[must_use]
    pub fn label(&self) -> &str {
        group_label(&self.group, self.name.as_deref())
    }
}

impl GroupExposure {
    /// What people call the group: its name, else its address, else its id.
    #[must_use]
    pub fn label(&self) -> &str {
        group_label(&self.group, self.name.as_deref())
    }
}

pub(crate) fn group_label<'a>(group: &'a GroupRef, name: Option<&'a str>) -> &'a str {
    name.or(group.address.as_deref())
        .or(group.id.as_deref())
        .unwrap_or("a group not known yet")
}

impl MemberRef {
    /// What people call it: its name, else its address, else its id.
    #[must_use]
    pub fn label(&self) -> &str {
        [&self.name, &self.address, &self.id]
            .into_iter()
            .flatten()
            .next()
            .map_or("(unnamed member)", String::as_str)
    }
}

impl ExposureReport {
    /// A report with nothing in it: the plan changes no exposure.
    #[must_use]
    pub fn unchanged(rules_rewritten: usize) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            verdict: Verdict::Pass,
            headline: String::new(),
            compared_with: ComparedWith::PriorState,
            groups: Vec::new(),
            members: Vec::new(),
            drift: Vec::new(),
            rules_rewritten,
            notes: Vec::new(),
        }
    }
}

impl Default for ExposureReport {
    fn default() -> Self {
        Self::unchanged(0)
    }
}
