//! Why EC2 could not be read.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use std::error::Error;
use std::time::Duration;

/// Why EC2 could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing says which region to ask.
    #[error("no AWS region is set")]
    NoRegion,
    /// A region's name that can be none.
    #[error("no AWS region is called like that: {region:?}")]
    BadRegion {
        /// The name.
        region: String,
    },
    /// There are no credentials.
    #[error("no AWS credentials could be found")]
    NoCredentials {
        /// What the chain of credential providers said.
        source: BoxError,
    },
    /// There should be credentials, and they could not be fetched.
    #[error("the AWS credentials could not be fetched")]
    Credentials {
        /// What went wrong.
        source: BoxError,
    },
    /// AWS answered, and said no.
    #[error("{service} refused {operation}: {code}")]
    Refused {
        /// `EC2`, or `STS` where a role was to be assumed.
        service: &'static str,
        /// The call, such as `DescribeSecurityGroups`.
        operation: &'static str,
        /// The error code, such as `UnauthorizedOperation`.
        code: String,
    },
    /// Something answered, and not as AWS does, also after retries.
    #[error(
        "{service} was asked {operation} in {region}, and what answered was not it: HTTP status {status}"
    )]
    Odd {
        /// `EC2` or `STS`.
        service: &'static str,
        /// The call.
        operation: &'static str,
        /// The region asked.
        region: String,
        /// The status of the answer.
        status: u16,
    },
    /// EC2's pages lead back to one that was read already, so that the end is never reached.
    #[error("EC2's pages of {operation} in {region} lead round in a circle")]
    Circle {
        /// The call.
        operation: &'static str,
        /// The region asked.
        region: String,
    },
    /// AWS did not answer, or not in time, also after retries.
    #[error("{service} did not answer {operation} in {region}")]
    Unavailable {
        /// `EC2` or `STS`.
        service: &'static str,
        /// The call.
        operation: &'static str,
        /// The region asked.
        region: String,
        /// What went wrong on the way.
        source: BoxError,
    },
    /// The time for the whole reading is over.
    #[error("{operation} was not answered when the {} s for the whole reading were over", deadline.as_secs_f32())]
    Deadline {
        /// The call, or what else was waited for.
        operation: &'static str,
        /// How long the whole reading was allowed to take.
        deadline: Duration,
    },
}

impl ReadError {
    /// What a call to EC2 that failed means. The body of an answer is never kept: EC2's texts quote the caller's identity.
    pub(crate) fn of<E>(operation: &'static str, region: &str, error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        answered("EC2", operation, region, &error).unwrap_or_else(|| Self::Unavailable {
            service: "EC2",
            operation,
            region: region.to_owned(),
            source: error.into_source().unwrap_or_else(BoxError::from),
        })
    }

    /// What credentials that could not be had mean.
    pub(crate) fn of_credentials(region: &str, error: CredentialsError) -> Self {
        if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
            return Self::NoCredentials {
                source: tried(&error).into(),
            };
        }
        let mut next: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(cause) = next {
            let told = sts::<AssumeRoleWithWebIdentityError>("AssumeRoleWithWebIdentity", region, cause)
                .or_else(|| sts::<AssumeRoleError>("AssumeRole", region, cause));
            if let Some(told) = told {
                return told;
            }
            next = cause.source();
        }
        Self::Credentials { source: error.into() }
    }

    /// Whether AWS is not to blame, but what it was asked with.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::NoRegion | Self::BadRegion { .. })
    }

    /// What the reader can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoRegion => "set AWS_REGION to the region of the estate, such as eu-west-1".to_owned(),
            Self::BadRegion { .. } => {
                "a region is small letters, digits and dashes, such as eu-west-1".to_owned()
            }
            Self::NoCredentials { .. } => {
                "in a GitLab job, set AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE (from \
                 `id_tokens`), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                    .to_owned()
            }
            Self::Credentials { .. } => {
                "check the AWS_* variables of the job, and the files they name".to_owned()
            }
            Self::Refused {
                service,
                operation,
                code,
            } => return refused(service, operation, code),
            Self::Odd { region, .. } | Self::Unavailable { region, .. } => format!(
                "check that {region} is the region meant, AWS_ENDPOINT_URL, and the way out of the job's network"
            ),
            Self::Circle { .. } => {
                "EC2 itself does not do so: check AWS_ENDPOINT_URL, and the emulator or the proxy behind it".to_owned()
            }
            Self::Deadline { .. } => {
                "if nothing answers at all, check AWS_ENDPOINT_URL and the way out of the job's network; if AWS is slow or \
                 there is much to read, allow more with --deadline"
                    .to_owned()
            }
        };
        Some(hint)
    }
}

/// What an answer says that is no result; `None` when there was no answer.
fn answered<E: ProvideErrorMetadata>(
    service: &'static str,
    operation: &'static str,
    region: &str,
    error: &SdkError<E>,
) -> Option<ReadError> {
    let code = match error {
        SdkError::ServiceError(refusal) => refusal.err().code(),
        _ => None,
    };
    match (code, error.raw_response()) {
        (Some(code), _) => Some(ReadError::Refused {
            service,
            operation,
            code: code.to_owned(),
        }),
        (None, Some(answer)) => Some(ReadError::Odd {
            service,
            operation,
            region: region.to_owned(),
            status: answer.status().as_u16(),
        }),
        (None, None) => None,
    }
}

/// Where credentials were looked for, as the chain of providers tells in its innermost cause, on one line.
fn tried(error: &CredentialsError) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    let text = innermost
        .to_string()
        .replace(": the credential provider was not enabled", "");
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("; ").replace("Attempted:;", "Attempted:")
}

/// The error of a call to STS; `None` when the cause is none.
fn sts<E>(operation: &'static str, region: &str, cause: &(dyn Error + 'static)) -> Option<ReadError>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let error = cause.downcast_ref::<SdkError<E>>()?;
    Some(answered("STS", operation, region, error).unwrap_or_else(|| {
        ReadError::Unavailable {
            service: "STS",
            operation,
            region: region.to_owned(),
            // The error is borrowed; its words are all that can be kept of it.
            source: error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string)
                .into(),
        }
    }))
}

/// What to do about an error code (EC2 API reference, "Error codes for the Amazon EC2 API", client errors; STS API
/// reference, errors of `AssumeRole` and `AssumeRoleWithWebIdentity`).
fn refused(service: &str, operation: &str, code: &str) -> Option<String> {
    let hint = match code {
        "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException" if service == "STS" => format!(
            "let the role's trust policy allow this job sts:{operation}, and check the role's ARN"
        ),
        "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException" => {
            format!("allow the job's role the action ec2:{operation}")
        }
        "AuthFailure" | "InvalidClientTokenId" | "SignatureDoesNotMatch" | "UnrecognizedClientException" => {
            "the credentials are not valid in this account or region: check them, and AWS_REGION".to_owned()
        }
        "OptInRequired" => "the account has not enabled this region: check AWS_REGION".to_owned(),
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            "the credentials have expired: fetch new ones, and check the job's clock".to_owned()
        }
        "InvalidIdentityToken" | "IDPRejectedClaim" => {
            "the job's identity token does not fit the role: check `aud` in id_tokens and the identity provider in IAM"
                .to_owned()
        }
        "RequestLimitExceeded" | "Throttling" | "ThrottlingException" => {
            "too many calls in this account and region: run the job again a little later".to_owned()
        }
        _ => return None,
    };
    Some(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denied_call_names_the_missing_permission() {
        let error = ReadError::Refused {
            service: "EC2",
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
