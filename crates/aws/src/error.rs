//! Why EC2 could not be read.

use aws_sdk_ec2::error::{BoxError, ProvideErrorMetadata, SdkError};

/// Why EC2 could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing says which region to ask.
    #[error("no AWS region is set")]
    NoRegion,
    /// There are no credentials, or they could not be fetched.
    #[error("no AWS credentials could be found")]
    NoCredentials {
        /// What the chain of credential providers said.
        source: BoxError,
    },
    /// EC2 answered, and said no.
    #[error("EC2 refused {operation}: {code}")]
    Refused {
        /// The call, such as `DescribeSecurityGroups`.
        operation: &'static str,
        /// EC2's error code, such as `UnauthorizedOperation`.
        code: String,
    },
    /// EC2 did not answer, or not in time, or not as EC2 does, also after retries.
    #[error("EC2 did not answer {operation}")]
    Unavailable {
        /// The call.
        operation: &'static str,
        /// What went wrong on the way.
        source: BoxError,
    },
}

impl ReadError {
    /// What an SDK call's failure means. The body of an answer is never kept: EC2's texts quote the caller's identity.
    pub(crate) fn of<E>(operation: &'static str, error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match &error {
            SdkError::ServiceError(refusal) if refusal.err().code().is_some() => Self::Refused {
                operation,
                code: refusal.err().code().unwrap_or_default().to_owned(),
            },
            _ => match error.into_source() {
                Ok(source) => Self::Unavailable { operation, source },
                Err(error) => Self::Unavailable {
                    operation,
                    source: error.into(),
                },
            },
        }
    }

    /// What the reader can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoRegion => {
                Some("set AWS_REGION to the region of the estate, such as eu-west-1".to_owned())
            }
            Self::NoCredentials { .. } => Some(
                "in a GitLab job, set AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE (from `id_tokens`), or \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                    .to_owned(),
            ),
            Self::Refused { operation, code } => match code.as_str() {
                // EC2 API reference, "Error codes for the Amazon EC2 API", client errors.
                "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException" => {
                    Some(format!("allow the job's role the action ec2:{operation}"))
                }
                "AuthFailure"
                | "InvalidClientTokenId"
                | "SignatureDoesNotMatch"
                | "UnrecognizedClientException" => Some(
                    "the credentials are not valid in this account or region: check them, and AWS_REGION"
                        .to_owned(),
                ),
                "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
                    Some("the credentials have expired: fetch new ones, and check the job's clock".to_owned())
                }
                "RequestLimitExceeded" | "Throttling" => Some(
                    "too many calls in this account and region: run the job again a little later".to_owned(),
                ),
                _ => None,
            },
            Self::Unavailable { .. } => {
                Some("check AWS_REGION, AWS_ENDPOINT_URL and the way out of the job's network".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denied_call_names_the_missing_permission() {
        let error = ReadError::Refused {
            operation: "DescribeInstances",
            code: "UnauthorizedOperation".into(),
        };
        assert_eq!(
            error.to_string(),
            "EC2 refused DescribeInstances: UnauthorizedOperation"
        );
        assert_eq!(
            error.hint().unwrap(),
            "allow the job's role the action ec2:DescribeInstances"
        );
    }
}
