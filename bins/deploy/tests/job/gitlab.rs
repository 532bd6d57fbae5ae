//! A GitLab that is faked at the wire: it has what a test gives it, and 404 for all else.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

/// The job's token.
pub(crate) const TOKEN: &str = "glcbt-64_never-shown";

/// What it answers: by path below `/api/v4/`, with `?ref=…` for files; to an access token also by `private:` and path.
type Answers = Arc<Mutex<BTreeMap<String, (u16, String)>>>;

pub(crate) struct Gitlab {
    server: MockServer,
    answers: Answers,
}

impl Gitlab {
    pub(crate) async fn start() -> Self {
        // The servers' drop blocks on tokio's locks, which stop answering a task that never gives way.
        tokio::task::yield_now().await;
        let server = MockServer::start().await;
        let answers = Answers::default();
        let fake = Fake(Arc::clone(&answers));
        Mock::given(any()).respond_with(fake).mount(&server).await;
        Self { server, answers }
    }

    pub(crate) fn api(&self) -> String {
        format!("{}/api/v4", self.server.uri())
    }

    pub(crate) fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// To everybody.
    pub(crate) fn has(&self, path: &str, body: &str) {
        self.answers(path, 200, body);
    }

    pub(crate) fn has_file(&self, path: &str, at: &str, text: &str) {
        let path = path.replace('/', "%2F");
        self.has(&format!("projects/42/repository/files/{path}/raw?ref={at}"), text);
    }

    /// To an access token only.
    pub(crate) fn tells(&self, path: &str, body: &str) {
        self.answers(&format!("private:{path}"), 200, body);
    }

    pub(crate) fn answers(&self, path: &str, status: u16, body: &str) {
        let mut answers = self.answers.lock().unwrap();
        answers.insert(path.to_owned(), (status, body.to_owned()));
    }

    pub(crate) fn has_not(&self, path: &str) {
        self.answers.lock().unwrap().remove(path);
    }

    pub(crate) fn what(&self, path: &str) -> String {
        self.answers.lock().unwrap()[path].1.clone()
    }
}

struct Fake(Answers);

impl Respond for Fake {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let has = |name: &str| request.headers.contains_key(name);
        let mut path = request.url.path().trim_start_matches("/api/v4/").to_owned();
        if let Some((_, at)) = request.url.query_pairs().find(|(name, _)| name == "ref") {
            path = format!("{path}?ref={at}");
        }
        // GraphQL keeps its whole path: `/api/graphql`.
        // These routes take a job's token in HTTP Basic only.
        let by_basic = path.contains("/terraform/state/");
        if by_basic != has("authorization") {
            return ResponseTemplate::new(401).set_body_string(r#"{"message":"401 Unauthorized"}"#);
        }
        let answers = self.0.lock().unwrap();
        let private = has("private-token").then(|| answers.get(&format!("private:{path}")));
        match private.flatten().or_else(|| answers.get(&path)) {
            Some((status, body)) => ResponseTemplate::new(*status).set_body_string(body.clone()),
            None => ResponseTemplate::new(404).set_body_string(r#"{"message":"404 Not Found"}"#),
        }
    }
}
