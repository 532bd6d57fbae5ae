//! The answers of the services, as a document.

use portcullis_report::Verdict;
use serde::{Deserialize, Serialize};

/// What the services answered (`portcullis/services.json`). Field names are the JSON contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicesReport {
    /// The documents' format version.
    pub format_version: String,
    /// Pass when each check passed; violation when one failed; undetermined when one could not be made, or there was
    /// nothing to check.
    pub verdict: Verdict,
    /// One entry per member and port, sorted by member, address and port.
    pub checks: Vec<ServiceCheck>,
    /// Remarks about the whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One question to one service, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCheck {
    /// The member, as people call it: the instance's name or id, or the interface's id.
    pub member: String,
    /// The security group whose rule opens the port: name or id.
    pub group: String,
    /// What was asked: `http://127.255.27.217:8000/`.
    pub url: String,
    /// Pass, violation, or undetermined when it can't be tested from here.
    pub verdict: Verdict,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// From the first byte sent to the last read, in milliseconds.
    pub milliseconds: Option<u64>,
    /// How many times it was asked.
    pub attempts: u32,
    /// One line: `200 OK`, `connection refused`, `status 502, expected 200`.
    pub outcome: String,
}
