//! What can be wrong with a live view.

/// Why a live view could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The text is no JSON, or not of the form expected.
    #[error("{what} is not readable")]
    Json {
        /// Which document.
        what: String,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A file of a folder that does not hold what the call it is named for answers: an error, or the answer of another one.
    #[error("{what} holds no `{list}`")]
    NoAnswer {
        /// The file.
        what: String,
        /// The list it should hold.
        list: &'static str,
    },
    /// The document was written by a newer, incompatible version.
    #[error("live.json has format_version {found}, this version reads 1.x")]
    Version {
        /// The version found.
        found: String,
    },
    /// A rule that makes no sense.
    #[error("{what}: rule of group {group}")]
    Rule {
        /// Which document.
        what: String,
        /// The group that holds the rule.
        group: String,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Nothing that tells of groups.
    #[error("no answer of DescribeSecurityGroups or DescribeSecurityGroupRules among the files")]
    NoGroups,
    /// A text that holds no CloudTrail events.
    #[error("neither the output of `aws cloudtrail lookup-events` nor a log file of CloudTrail's")]
    NoTrail,
}

impl LiveError {
    /// What the reader can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Json { .. } => {
                "write the live view again with portcullis-inspect, or with the AWS CLI and --output json"
            }
            Self::NoAnswer { .. } => {
                "write it again with the call it is named for, with --output json and without --query; where the call was \
                 refused, leave the file away"
            }
            Self::Version { .. } => "use the same version of portcullis-inspect and of the reader",
            Self::Rule { .. } => "the file is damaged or was edited: write the live view again",
            Self::NoTrail => {
                "write it with `aws cloudtrail lookup-events --output json`, or unpack the log file from S3"
            }
            Self::NoGroups => "name a live.json, or a folder that holds describe-security-groups.json",
        }
    }
}
