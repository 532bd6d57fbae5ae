//! The answers of the services, as a document.

use crate::Changes;
use portcullis_report::Verdict;
use portcullis_secgroup::Interface;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What the services answered (`portcullis/services.json`). Field names are the JSON contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicesReport {
    /// The documents' format version.
    pub format_version: String,
    /// Pass when each check passed; violation when one failed; undetermined when one could not be made, or there was
    /// nothing to check.
    pub verdict: Verdict,
    /// One entry per question, sorted by member, URL and group.
    pub checks: Vec<ServiceCheck>,
    /// Remarks about the whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// When it was asked, RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The number of the pipeline that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<u64>,
    /// What is another than in the run it was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
}

/// One question to one service, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCheck {
    /// The question, in words that stay the same from run to run: `answer http://198.51.100.7:8000/`.
    #[serde(default)]
    pub id: String,
    /// The member, as people call it: the instance's name or id, or the interface's id.
    pub member: String,
    /// What kind of thing the member is.
    #[serde(default)]
    pub kind: MemberKind,
    /// The security group whose rule opens the port, or whose change closed it: name or id.
    pub group: String,
    /// What was asked: `http://127.255.27.217:8000/`.
    pub url: String,
    /// The address that was asked, where one was.
    #[serde(default)]
    pub address: Option<IpAddr>,
    /// What was wanted.
    #[serde(default)]
    pub wants: Wants,
    /// Pass, violation, or undetermined when it can't be tested from here.
    pub verdict: Verdict,
    /// The verdict, told finer.
    #[serde(default)]
    pub result: CheckResult,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// From the first byte sent to the last read, in milliseconds.
    pub milliseconds: Option<u64>,
    /// Where the time of the last attempt went.
    #[serde(default)]
    pub phases: Phases,
    /// The certificate, where one was shown that is accepted.
    #[serde(default)]
    pub certificate: Option<Certificate>,
    /// How many times it was asked.
    pub attempts: u32,
    /// One line: `200 OK`, `connection refused`, `status 502, expected 200`.
    pub outcome: String,
}

/// What kind of thing a member is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberKind {
    /// An EC2 instance.
    Instance,
    /// A load balancer.
    LoadBalancer,
    /// Anything else that has a network interface.
    #[default]
    Other,
}

impl MemberKind {
    /// What kind of thing carries this interface. Of a load balancer EC2 tells by the interface, and Terraform by the id (an ARN).
    pub(crate) fn of(interface: &Interface) -> Self {
        if interface.load_balancer().is_some() || interface.id.contains(":elasticloadbalancing:") {
            Self::LoadBalancer
        } else if interface.instance_id.is_some() || interface.id.starts_with("i-") {
            Self::Instance
        } else {
            Self::Other
        }
    }
}

/// What is wanted of a target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wants {
    /// An answer: a rule opens the port.
    #[default]
    Answer,
    /// Silence: the port is closed.
    Silence,
}

impl Wants {
    /// The word in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Silence => "silence",
        }
    }
}

/// What came of a check. Ordered from what people should read first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// It should answer and does not, or not so.
    Fails,
    /// It should be silent and answers.
    Open,
    /// It was asked, and what came does not tell.
    #[default]
    Unknown,
    /// It cannot be tested from here. No pass.
    NotTestable,
    /// It is as expected.
    AsExpected,
    /// The expectations say not to ask.
    Skipped,
}

impl CheckResult {
    /// In words: `fails`, `open`, `undetermined`, `not testable`, `pass`, `skipped`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Fails => "fails",
            Self::Open => "open",
            Self::Unknown => "undetermined",
            Self::NotTestable => "not testable",
            Self::AsExpected => "pass",
            Self::Skipped => "skipped",
        }
    }

    /// What it means for a gate. What is skipped is asked of nobody, so it proves nothing.
    #[must_use]
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Fails | Self::Open => Verdict::Violation,
            Self::Unknown | Self::NotTestable | Self::Skipped => Verdict::Undetermined,
            Self::AsExpected => Verdict::Pass,
        }
    }
}

/// Where the time went, in microseconds; what did not happen is `null`. Of a redirected request, the last hop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// Looking up the name.
    pub dns_us: Option<u64>,
    /// Until the connection was made.
    pub connect_us: Option<u64>,
    /// Until TLS was agreed on.
    pub tls_us: Option<u64>,
    /// From the request until the answer's head was there.
    pub first_byte_us: Option<u64>,
}

/// A certificate that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The last moment it is valid, RFC 3339, UTC.
    pub not_after: String,
    /// Whole days until then.
    pub days_left: i64,
}
