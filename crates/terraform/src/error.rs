//! What can be wrong with a Terraform document.

use portcullis_secgroup::Cidr;

/// Why a document could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The text is no JSON, or not of the form expected.
    #[error("{what} is not readable as JSON")]
    Json {
        /// `plan` or `state`.
        what: &'static str,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// JSON, but not this document.
    #[error("this is no {what}: {why}")]
    Shape {
        /// `plan` or `state`.
        what: &'static str,
        /// What is missing.
        why: String,
    },
    /// A version this reader does not know.
    #[error("the {what} has version {found}, this reader knows {known}")]
    Version {
        /// `plan` or `state`.
        what: &'static str,
        /// The version found.
        found: String,
        /// The versions that can be read.
        known: &'static str,
    },
    /// A rule that makes no sense to EC2.
    #[error("{address}: {attribute}")]
    Rule {
        /// The Terraform address that holds it.
        address: String,
        /// The attribute.
        attribute: &'static str,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ReadError {
    /// Refuses what is no JSON object before a reader of objects says it less clearly.
    pub(crate) fn unless_object(what: &'static str, text: &str) -> Result<(), Self> {
        match text.trim_start().chars().next() {
            Some('{') => Ok(()),
            None => Err(Self::Shape {
                what,
                why: "it is empty".to_owned(),
            }),
            Some(_) => Err(Self::Shape {
                what,
                why: "it does not start as a JSON object does".to_owned(),
            }),
        }
    }

    /// What the reader can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Json { what: "plan", .. } | Self::Shape { what: "plan", .. } => {
                "write it with `terraform show -json PLANFILE > plan.json`; the saved plan itself is no JSON"
            }
            Self::Json { .. } | Self::Shape { .. } => "fetch it with `terraform state pull > state.json`",
            Self::Version { .. } => {
                "use a Portcullis that knows this version, or the Terraform that writes a known one"
            }
            Self::Rule { .. } => "EC2 would refuse this rule: mend it in the configuration",
        }
    }
}

/// Something in a document that is not understood, and therefore never counted as harmless.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The Terraform address it stands at.
    pub address: String,
    /// What is not understood, in one line.
    pub what: String,
}

impl Problem {
    /// The remark that a block of addresses is larger than it looks.
    pub(crate) fn host_bits(address: &str, text: &str, cidr: Cidr) -> Self {
        Self {
            address: address.to_owned(),
            what: format!("{text} has bits behind its prefix: it is {cidr}, as EC2 reads it"),
        }
    }
}
