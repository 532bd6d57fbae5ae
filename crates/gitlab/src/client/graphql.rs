//! Queries to the GraphQL API, for the few facts that REST does not have.

use super::{Client, Error, ErrorKind, exchange::Call};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use url::Url;

/// The longest explanation that is kept, in characters.
const KEPT: usize = 300;

#[derive(Deserialize)]
struct Reply<T> {
    data: Option<Data<T>>,
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Data<T> {
    project: Option<T>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    message: String,
}

impl Client {
    /// What a query finds below its `project`. Queries change nothing, so they are repeated like reads.
    pub(super) async fn query_project<T: DeserializeOwned>(
        &self,
        call: Call,
        query: &str,
        variables: Value,
    ) -> Result<T, Error> {
        let request = self
            .http
            .post(endpoint(&self.config.api_url))
            .headers(self.token_header.clone())
            .json(&json!({"query": query, "variables": variables}));
        let answer = self.exchange(call, request).await?;
        let reply: Reply<T> = self.read(call.operation, &answer)?;
        if let Some(problem) = reply.errors.first() {
            let text: String = self
                .without_token(&problem.message)
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .take(KEPT)
                .collect();
            return Err(self
                .error(call.operation, ErrorKind::QueryRefused)
                .explained(Some(text)));
        }
        reply
            .data
            .and_then(|data| data.project)
            .ok_or_else(|| self.error(call.operation, ErrorKind::NotFound))
    }
}

/// `https://host/sub/path/api/graphql` beside `https://host/sub/path/api/v4`, as `CI_API_GRAPHQL_URL` has it.
fn endpoint(api_url: &Url) -> Url {
    let path = api_url.path().trim_end_matches('/');
    let path = path.strip_suffix("/v4").unwrap_or(path);
    let mut url = api_url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.set_path(&format!("{path}/graphql"));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphql_lies_beside_the_rest_api_on_installations_below_a_path_too() {
        let table = [
            (
                "https://gitlab.example/api/v4",
                "https://gitlab.example/api/graphql",
            ),
            (
                "https://host.example:8443/git/lab/api/v4/?x=1",
                "https://host.example:8443/git/lab/api/graphql",
            ),
        ];
        for (api, graphql) in table {
            assert_eq!(endpoint(&Url::parse(api).unwrap()).as_str(), graphql);
        }
    }
}
