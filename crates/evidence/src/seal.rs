//! The digest of a request: a canonical encoding, then SHA-256.

use crate::digest::{Digest, digest};
use crate::{ApprovalRequest, Bound};
use jiff::Timestamp;
use portcullis_report::FORMAT_VERSION;

/// First in every encoding. A change of the encoding below changes this line.
const ENCODING: &str = "portcullis approval request, encoding 1";

/// What people are told beside what the request binds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Who may approve, in words; empty when that is left to GitLab.
    pub approvers: Vec<String>,
    /// What they should know of the ground the gate stands on.
    pub remarks: Vec<String>,
    /// When the request ends.
    pub good_until: Option<Timestamp>,
}

impl ApprovalRequest {
    /// A request over what binds, with its digest.
    ///
    /// The digest also covers when and by whom it was asked and all that people read in it, so none of these can be
    /// changed under the same digest.
    #[must_use]
    pub fn seal(
        bound: Bound,
        requested_at: Timestamp,
        requested_by: Option<String>,
        author: Option<String>,
        headline: impl Into<String>,
        said: Said,
    ) -> Self {
        let mut request = Self {
            format_version: FORMAT_VERSION.to_owned(),
            digest: String::new(),
            bound,
            requested_at: requested_at.to_string(),
            requested_by,
            author,
            headline: headline.into(),
            approvers: said.approvers,
            remarks: said.remarks,
            good_until: said.good_until.map(|time| time.to_string()),
        };
        request.digest = request.content_digest().to_string();
        request
    }

    /// The digest of the content as it stands. Equal to [`ApprovalRequest::digest`], or the request was changed
    /// after it was sealed.
    ///
    /// Each value is written as: the length of its name, its name, a mark for its kind, the length of the value,
    /// the value. Lengths are 8 bytes, most significant first. So no two requests share an encoding.
    #[must_use]
    pub fn content_digest(&self) -> Digest {
        // Taken apart by name, so that a new field cannot be forgotten here.
        let Self {
            format_version,
            digest: _,
            bound,
            requested_at,
            requested_by,
            author,
            headline,
            approvers,
            remarks,
            good_until,
        } = self;
        let Bound {
            plan_file,
            plan_json,
            policy,
            compliance,
            verdict,
            exposure,
            commit,
            state_lineage,
            state_serial,
            terraform,
            provider_lock,
            portcullis,
        } = bound;
        let mut out = Encoding::default();
        out.text("encoding", Some(ENCODING));
        out.text("format_version", Some(format_version));
        out.text("plan_file", Some(plan_file));
        out.text("plan_json", Some(plan_json));
        out.text("policy", Some(policy));
        out.text("compliance", Some(compliance));
        out.text("verdict", Some(verdict.as_str()));
        out.text("exposure", Some(exposure));
        out.text("commit", Some(commit));
        out.text("state_lineage", state_lineage.as_deref());
        out.number("state_serial", *state_serial);
        out.text("terraform", Some(terraform));
        out.text("provider_lock", provider_lock.as_deref());
        out.text("requested_at", Some(requested_at));
        out.text("requested_by", requested_by.as_deref());
        out.text("author", author.as_deref());
        out.text("headline", Some(headline));
        // Written when there is something to write, so that the digests of older requests stay what they were.
        if portcullis.is_some() {
            out.text("portcullis", portcullis.as_deref());
        }
        for name in approvers {
            out.text("approver", Some(name));
        }
        for remark in remarks {
            out.text("remark", Some(remark));
        }
        if good_until.is_some() {
            out.text("good_until", good_until.as_deref());
        }
        digest(&out.bytes)
    }

    /// The digest's first 12 digits: what stands in the message and in the log.
    #[must_use]
    pub fn short_digest(&self) -> String {
        self.digest.chars().take(Digest::SHORT).collect()
    }

    /// The document, indented. Ends with a line feed.
    ///
    /// # Errors
    /// None in practice; `serde_json`'s error is passed on.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}

#[derive(Default)]
struct Encoding {
    bytes: Vec<u8>,
}

impl Encoding {
    fn text(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.entry(name, b't', value.as_bytes()),
            None => self.entry(name, b'-', &[]),
        }
    }

    fn number(&mut self, name: &str, value: Option<u64>) {
        match value {
            Some(value) => self.entry(name, b'n', &value.to_be_bytes()),
            None => self.entry(name, b'-', &[]),
        }
    }

    fn entry(&mut self, name: &str, kind: u8, value: &[u8]) {
        self.sized(name.as_bytes());
        self.bytes.push(kind);
        self.sized(value);
    }

    fn sized(&mut self, bytes: &[u8]) {
        self.bytes.extend((bytes.len() as u64).to_be_bytes());
        self.bytes.extend(bytes);
    }
}
