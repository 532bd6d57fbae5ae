//! The managed state: its bytes by REST, facts about it by GraphQL.

use super::{
    Client, Error, ErrorKind, MAX_PAGES, Operation, Token,
    exchange::{Answer, Call, Repeat},
};
use crate::state::{JOB_TOKEN_USER, LockHolder, LockInfo, Locked, StateAddress, StateFacts, Unlocked};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use url::Url;

impl Client {
    /// The latest version of a managed state, byte for byte; `None` when there is none yet. Works while it is locked.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something that is not JSON.
    pub async fn state(&self, address: &StateAddress) -> Result<Option<Vec<u8>>, Error> {
        let call = self.call(Operation::ReadState, Repeat::Freely)?;
        let url = address.url(&self.config.api_url);
        self.state_bytes(call, url).await
    }

    /// One version of a managed state, byte for byte; `None` when there is no such state or version.
    ///
    /// # Errors
    /// As [`Client::state`].
    pub async fn state_version(&self, address: &StateAddress, serial: u64) -> Result<Option<Vec<u8>>, Error> {
        let call = self.call(Operation::ReadStateVersion, Repeat::Freely)?;
        let url = address.version_url(&self.config.api_url, serial);
        self.state_bytes(call, url).await
    }

    /// Takes the lock of a managed state under [`LockInfo::id`], a name that the asker makes up and needs for unlocking.
    ///
    /// It is never sent twice once it may have arrived: the second answer would name the asker as another holder.
    ///
    /// # Errors
    /// When GitLab cannot be asked or refuses. Another holder is no error but [`Locked::HeldBy`].
    pub async fn lock_state(&self, address: &StateAddress, lock: &LockInfo) -> Result<Locked, Error> {
        let call = self.call(Operation::LockState, Repeat::UnlessItMayHaveHappened)?;
        let url = address.lock_url(&self.config.api_url);
        let request = self.state_request(Method::POST, url).json(lock);
        match self.exchange_or_fault(call, request).await {
            // A sign-in page locks nothing.
            Ok(answer) if answer.body.trim_ascii_start().starts_with(b"<") => {
                Err(self.error(Operation::LockState, ErrorKind::Html))
            }
            Ok(_) => Ok(Locked::Done),
            Err(fault) if *fault.error.kind() == ErrorKind::Conflict => {
                Ok(Locked::HeldBy(LockHolder::from_conflict(&fault.body)))
            }
            Err(fault) => Err(fault.error),
        }
    }

    /// Takes the lock off a managed state: the one with this `id`, or, with `None`, **whoever holds it** (by force).
    ///
    /// It is never sent twice once it may have arrived: in between, somebody else may have locked the state.
    ///
    /// # Errors
    /// When GitLab cannot be asked or refuses. Another holder is no error but [`Unlocked::HeldBy`].
    pub async fn unlock_state(&self, address: &StateAddress, id: Option<&str>) -> Result<Unlocked, Error> {
        let call = self.call(Operation::UnlockState, Repeat::UnlessItMayHaveHappened)?;
        let mut url = address.lock_url(&self.config.api_url);
        if let Some(id) = id {
            url.query_pairs_mut().append_pair("ID", id);
        }
        match self
            .exchange_or_fault(call, self.state_request(Method::DELETE, url))
            .await
        {
            Ok(_) => Ok(Unlocked::Done),
            Err(fault) if *fault.error.kind() == ErrorKind::Conflict => {
                Ok(Unlocked::HeldBy(LockHolder::from_conflict(&fault.body)))
            }
            Err(fault) => Err(fault.error),
        }
    }

    /// Who holds a managed state, and who, in which job, wrote its newest version; `None` when there is no such state.
    /// By GraphQL, which takes no job token.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something unexpected.
    pub async fn state_facts(&self, project_path: &str, name: &str) -> Result<Option<StateFacts>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct One {
            terraform_state: Option<StateFacts>,
        }
        let query = format!(
            "query($path: ID!, $name: String!) {{ project(fullPath: $path) {{ terraformState(name: $name) {{ {FACTS} }} }} }}"
        );
        let operation = Operation::StateFacts;
        let call = self.call(operation, Repeat::Freely)?;
        let variables = json!({"path": project_path, "name": name});
        let one: One = self.query_project(call, &query, variables).await?;
        Ok(one.terraform_state)
    }

    /// Every managed state of the project, over all pages. By GraphQL, which takes no job token.
    ///
    /// # Errors
    /// As [`Client::state_facts`].
    pub async fn states(&self, project_path: &str) -> Result<Vec<StateFacts>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Page {
            terraform_states: Connection,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Connection {
            nodes: Vec<StateFacts>,
            page_info: PageInfo,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct PageInfo {
            has_next_page: bool,
            end_cursor: Option<String>,
        }
        let query = format!(
            "query($path: ID!, $after: String) {{ project(fullPath: $path) {{ terraformStates(first: 100, after: $after) {{ \
             nodes {{ {FACTS} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
        );
        let operation = Operation::ListStates;
        let call = self.call(operation, Repeat::Freely)?;
        let mut all = Vec::new();
        let mut after = None;
        for _ in 0..MAX_PAGES {
            let variables = json!({"path": project_path, "after": after});
            let page: Page = self.query_project(call, &query, variables).await?;
            let Connection { nodes, page_info } = page.terraform_states;
            all.extend(nodes);
            if !page_info.has_next_page || page_info.end_cursor == after {
                return Ok(all);
            }
            after = page_info.end_cursor;
        }
        Err(self.error(operation, ErrorKind::TooManyPages))
    }

    /// These routes take a job's token in HTTP Basic only.
    fn state_request(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.http.request(method, url);
        match &self.config.token {
            Token::Job(token) => request.basic_auth(JOB_TOKEN_USER, Some(token.expose())),
            Token::Private(_) => request.headers(self.token_header.clone()),
        }
    }

    async fn state_bytes(&self, call: Call, url: Url) -> Result<Option<Vec<u8>>, Error> {
        let answer: Answer = match self.exchange(call, self.state_request(Method::GET, url)).await {
            // As terraform's own client reads it: no such state is an empty state.
            Err(error) if *error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        if answer.status == StatusCode::NO_CONTENT || answer.body.is_empty() {
            return Ok(None);
        }
        self.read::<IgnoredAny>(call.operation, &answer)?;
        Ok(Some(answer.body))
    }
}

/// The fields of [`StateFacts`].
const FACTS: &str = "name lockedAt lockedByUser { username name } updatedAt deletedAt latestVersion { serial createdAt \
                     createdByUser { username name } job { id name webPath } }";
