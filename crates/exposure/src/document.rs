//! What a change opens and closes, as a document.

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
    /// One line for a phone: `opens tcp 8000 from the internet on web; closes tcp 8080 from the internet on web`.
    pub headline: String,
    /// The groups whose open set changes, sorted by address.
    pub groups: Vec<GroupExposure>,
    /// How many rules the change rewrites (creates, updates or deletes), whatever comes of it.
    pub rules_rewritten: usize,
    /// Remarks about the whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One group's difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupExposure {
    /// The group.
    pub group: GroupRef,
    /// Its name in AWS, where known.
    pub name: Option<String>,
    /// The names of the members that carry the group, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// What was closed and will be open.
    pub opens: Vec<ExposureLine>,
    /// What was open and will be closed.
    pub closes: Vec<ExposureLine>,
    /// What may open, once values are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_open: Vec<ExposureLine>,
}

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExposureLine {
    /// `ingress` or `egress`.
    pub direction: String,
    /// What passes: `tcp 8000`, `all traffic`, `icmp type 8`.
    pub traffic: String,
    /// From or to whom: `the internet`, `203.0.113.0/28`, `sg-…`.
    pub peers: String,
}

impl ExposureLine {
    /// The line as a person reads it: `tcp 8000 from the internet`, `all traffic to 10.0.0.0/8`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let towards = if self.direction == "egress" { "to" } else { "from" };
        format!("{} {towards} {}", self.traffic, self.peers)
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
            groups: Vec::new(),
            rules_rewritten,
            notes: Vec::new(),
        }
    }
}
