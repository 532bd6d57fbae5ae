//! The managed state, as a stage reads it. With the feature `gitlab` only.

use crate::{Failure, Stage};
use portcullis_gitlab::Secret;
use portcullis_gitlab::client::{Client, Config, Error, ErrorKind, Token};
use portcullis_gitlab::state::{InvalidStateName, StateAddress};

impl Stage {
    /// The variable with an access token, for what GitLab opens to no job token.
    pub const GITLAB_TOKEN: &str = "PORTCULLIS_GITLAB_TOKEN";

    /// A connection to the job's own GitLab, with the job's token.
    ///
    /// # Errors
    /// When a variable is missing, or the client cannot be set up.
    pub fn gitlab(&self) -> Result<Client, Failure> {
        self.connect(Token::Job(self.ci().require_job_token()?.clone()))
    }

    /// The same with the access token of [`Stage::GITLAB_TOKEN`]; `None` when the variable is not set.
    ///
    /// # Errors
    /// As [`Stage::gitlab`].
    pub fn gitlab_with_access_token(&self) -> Result<Option<Client>, Failure> {
        self.variable(Self::GITLAB_TOKEN)
            .map(|token| self.connect(Token::Private(Secret::new(token))))
            .transpose()
    }

    fn connect(&self, token: Token) -> Result<Client, Failure> {
        let mut config = Config::new(self.ci().require_api_url()?.clone(), token);
        if let Some(wait) = self.retry_wait() {
            config.retry.wait_min = wait;
            config.retry.wait_max = config.retry.wait_max.max(wait);
        }
        Ok(Client::new(config)?)
    }

    /// The text of the state of this name that GitLab manages for the job's project; `None` when there is none yet.
    ///
    /// # Errors
    /// When a variable is missing, GitLab cannot be asked, or what it gives is not text.
    pub fn managed_state(&self, name: &str) -> Result<Option<String>, Failure> {
        let address = StateAddress::new(self.ci().require_project()?, name)?;
        let Some(bytes) = self.block_on(self.gitlab()?.state(&address))? else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes).map_err(|_| {
            Failure::unreadable(NotText {
                name: name.to_owned(),
            })
        })?;
        Ok(Some(text))
    }
}

impl From<Error> for Failure {
    /// GitLab did not answer, or refused: 69. An address or a token that cannot be used at all: 64.
    fn from(error: Error) -> Self {
        let hint = error.hint();
        let failure = match error.kind() {
            ErrorKind::Setup | ErrorKind::UnusableToken | ErrorKind::CredentialsInAddress => {
                Self::usage(error)
            }
            _ => Self::unavailable(error),
        };
        failure.maybe_hint(hint)
    }
}

impl From<InvalidStateName> for Failure {
    fn from(error: InvalidStateName) -> Self {
        let hint = error.hint();
        Self::usage(error).hint(hint)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the managed state {name} is not UTF-8 text")]
struct NotText {
    name: String,
}
