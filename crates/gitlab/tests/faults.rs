//! Every call against every way in which a network, a proxy or GitLab can fail: what the caller is told, and how often
//! GitLab was asked. What may have happened already is never asked for again.
#![cfg(feature = "client")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::allow_attributes,
    unreachable_pub,
    reason = "tests"
)]

mod support;

use portcullis_gitlab::{
    Project, Secret,
    client::{Client, Error, ErrorKind, JobTokenRight, Operation, Token},
    commit_status::{CommitState, CommitStatus},
    job::Inputs,
    state::LockInfo,
};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use support::{TOKEN, config, production};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

type Asked = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// A call and its name.
struct Call {
    name: &'static str,
    operation: Operation,
    ask: fn(Client) -> Asked,
}

const PROJECT: Project = Project::Id(42);

macro_rules! calls {
    ($($name:literal $operation:ident |$client:ident| $call:expr;)*) => {
        vec![$(Call {
            name: $name,
            operation: Operation::$operation,
            ask: |$client| Box::pin(async move { $call.await.map(|_| ()) }),
        }),*]
    };
}

fn calls() -> Vec<Call> {
    calls! {
        "state" ReadState |gitlab| gitlab.state(&production());
        "state_version" ReadStateVersion |gitlab| gitlab.state_version(&production(), 7);
        "lock_state" LockState |gitlab| gitlab.lock_state(&production(), &lock());
        "unlock_state" UnlockState |gitlab| gitlab.unlock_state(&production(), Some("id"));
        "unlock_state (force)" UnlockState |gitlab| gitlab.unlock_state(&production(), None);
        "state_facts" StateFacts |gitlab| gitlab.state_facts("a/b", "production");
        "states" ListStates |gitlab| gitlab.states("a/b");
        "own_job" OwnJob |gitlab| gitlab.own_job();
        "job" ReadJob |gitlab| gitlab.job(&PROJECT, 5);
        "jobs" ListJobs |gitlab| gitlab.jobs(&PROJECT, 9);
        "jobs_and_retried" ListJobs |gitlab| gitlab.jobs_and_retried(&PROJECT, 9);
        "bridges" ListBridges |gitlab| gitlab.bridges(&PROJECT, 9);
        "play" PlayJob |gitlab| gitlab.play(&PROJECT, 5, &Inputs::default());
        "artifact" ReadArtifact |gitlab| gitlab.artifact(&PROJECT, 5, "portcullis/plan.txt", LIMIT);
        "pipeline" ReadPipeline |gitlab| gitlab.pipeline(&PROJECT, 9);
        "merge_request" ReadMergeRequest |gitlab| gitlab.merge_request(&PROJECT, 7);
        "merge_requests_of" FindMergeRequests |gitlab| gitlab.merge_requests_of(&PROJECT, "c0ffee");
        "approvals" ReadApprovals |gitlab| gitlab.approvals(&PROJECT, 7);
        "merge_request_notes" ListNotes |gitlab| gitlab.merge_request_notes(&PROJECT, 7);
        "create_note" WriteNote |gitlab| gitlab.create_note(&PROJECT, 7, "text");
        "update_note" WriteNote |gitlab| gitlab.update_note(&PROJECT, 7, 1, "text");
        "set_commit_status" SetCommitStatus |gitlab| gitlab.set_commit_status(&PROJECT, "c0ffee", &CommitStatus::new(CommitState::Success, "x"));
        "branch" ReadBranch |gitlab| gitlab.branch(&PROJECT, "main");
        "protected_branch" ReadProtectedBranch |gitlab| gitlab.protected_branch(&PROJECT, "main");
        "protected_environment" ReadProtectedEnvironment |gitlab| gitlab.protected_environment(&PROJECT, "production");
        "protected_environments" ListProtectedEnvironments |gitlab| gitlab.protected_environments(&PROJECT);
        "merge_request_commits" ListMergeRequestCommits |gitlab| gitlab.merge_request_commits(&PROJECT, 7);
        "commit" ReadCommit |gitlab| gitlab.commit(&PROJECT, "c0ffee");
        "file" ReadFile |gitlab| gitlab.file(&PROJECT, "terraform/policy.yaml", "c0ffee", LIMIT);
        "project_member" ReadMember |gitlab| gitlab.project_member(&PROJECT, 12);
        "group_member" ReadMember |gitlab| gitlab.group_member("a/b", 12);
        "project" ReadProject |gitlab| gitlab.project(&PROJECT);
        "own_user" OwnUser |gitlab| gitlab.own_user();
        "own_token" OwnToken |gitlab| gitlab.own_token();
    }
}

fn lock() -> LockInfo {
    let text = r#"{"ID": "6fa1", "Operation": "OperationTypeApply", "Info": "", "Who": "ci@runner", "Version": "1.11.4",
                   "Created": "2026-11-23T10:00:00Z", "Path": ""}"#;
    serde_json::from_str(text).unwrap()
}

/// The longest answer in these tests.
const LIMIT: usize = 4096;

/// How long an answer that never gets whole is waited for in these tests.
const QUICK: Duration = Duration::from_millis(150);

/// A way to fail.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// Nobody listens. How often it was tried cannot be counted from here.
    Refused,
    /// The connection is cut before anything is answered.
    Reset,
    /// The request is read, and nothing comes.
    Silent,
    /// These bytes, then the end.
    Says(&'static str),
    /// A good answer's head, and bytes without end.
    Endless,
    /// A good answer's head, and its bytes one by one, so slowly that it never gets whole.
    Trickles,
}

const FAULTS: [(&str, Fault); 20] = [
    ("connection refused", Fault::Refused),
    ("connection reset", Fault::Reset),
    ("no answer in time", Fault::Silent),
    (
        "answer cut off",
        Fault::Says("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"id\": 1"),
    ),
    (
        "JSON cut off",
        Fault::Says("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"id\": 1"),
    ),
    (
        "sign-in page",
        Fault::Says("HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n<html>Sign in</html>\r\n"),
    ),
    ("answer without end", Fault::Endless),
    ("answer that trickles in", Fault::Trickles),
    (
        "another host",
        Fault::Says("HTTP/1.1 302 Found\r\nLocation: http://elsewhere.invalid/\r\nContent-Length: 0\r\n\r\n"),
    ),
    (
        "400",
        Fault::Says("HTTP/1.1 400 Bad Request\r\nContent-Length: 22\r\n\r\n{\"error\":\"x is wrong\"}"),
    ),
    (
        "401",
        Fault::Says(
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 30\r\n\r\n{\"message\":\"401 Unauthorized\"}",
        ),
    ),
    (
        "403",
        Fault::Says("HTTP/1.1 403 Forbidden\r\nContent-Length: 27\r\n\r\n{\"message\":\"403 Forbidden\"}"),
    ),
    (
        "404",
        Fault::Says("HTTP/1.1 404 Not Found\r\nContent-Length: 27\r\n\r\n{\"message\":\"404 Not Found\"}"),
    ),
    (
        "409",
        Fault::Says("HTTP/1.1 409 Conflict\r\nContent-Length: 26\r\n\r\n{\"message\":\"409 Conflict\"}"),
    ),
    (
        "422",
        Fault::Says(
            "HTTP/1.1 422 Unprocessable\r\nContent-Length: 33\r\n\r\n{\"message\":{\"name\":[\"is taken\"]}}",
        ),
    ),
    (
        "429",
        Fault::Says("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 11\r\n\r\nRetry later"),
    ),
    (
        "429 with Retry-After",
        Fault::Says(
            "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 600\r\nContent-Length: 11\r\n\r\nRetry later",
        ),
    ),
    (
        "500",
        Fault::Says(
            "HTTP/1.1 500 Oh\r\nContent-Length: 39\r\n\r\n{\"message\":\"500 Internal Server Error\"}",
        ),
    ),
    (
        "502 with a web page",
        Fault::Says("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 26\r\n\r\n<html>Bad Gateway</html>\r\n"),
    ),
    (
        "503",
        Fault::Says("HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n"),
    ),
];

/// Fails every connection alike; counts them.
async fn failing(fault: Fault) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    if !matches!(fault, Fault::Refused) {
        let asked = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                asked.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(fail(fault, stream));
            }
        });
    }
    (root, asked)
}

async fn fail(fault: Fault, mut stream: TcpStream) -> std::io::Result<()> {
    // Closing with the request unread resets the connection.
    stream.readable().await?;
    match fault {
        Fault::Refused | Fault::Reset => {}
        Fault::Silent => std::future::pending().await,
        Fault::Says(text) => {
            read_request(&mut stream).await?;
            stream.write_all(text.as_bytes()).await?;
            stream.shutdown().await?;
        }
        Fault::Endless => {
            read_request(&mut stream).await?;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n[\"").await?;
            loop {
                stream.write_all(&[b'x'; 1024]).await?;
            }
        }
        Fault::Trickles => {
            read_request(&mut stream).await?;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LIMIT}\r\n\r\n[\"");
            stream.write_all(head.as_bytes()).await?;
            let mut slowly = tokio::time::interval(QUICK / 5);
            loop {
                slowly.tick().await;
                stream.write_all(b"x").await?;
            }
        }
    }
    Ok(())
}

/// Reads head and body whole, so that closing afterwards does not reset the connection.
async fn read_request(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut request = Vec::new();
    loop {
        let read = stream.read_buf(&mut request).await?;
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert!(read > 0, "the request ends early");
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        if body.len() >= length || read == 0 {
            return Ok(());
        }
    }
}

/// A client that finds the way to its one call: with the job's token where that is enough.
fn client(root: &str, call: &Call, fault: Fault) -> Client {
    let secret = Secret::new(TOKEN);
    let token =
        if call.operation.needs().scope.is_none() || call.operation.needs().job_token == JobTokenRight::Yes {
            Token::Job(secret)
        } else {
            Token::Private(secret)
        };
    let mut config = config(root, token);
    config.answer_limit = LIMIT;
    if matches!(fault, Fault::Silent | Fault::Trickles) {
        config.timeouts.request = QUICK;
    }
    // What GitLab asks for is longer than a call may take with all its repeats: then none is begun.
    config.retry.retry_after_max = Duration::from_secs(3600);
    Client::new(config).unwrap()
}

/// What came of it, in few words.
fn outcome(result: Result<(), Error>) -> String {
    let Err(error) = result else {
        return "no error".to_owned();
    };
    let text = format!("{error} {error:?} {:?}", error.hint());
    assert!(!text.contains(TOKEN), "{text}");
    match error.kind() {
        ErrorKind::Server(code) | ErrorKind::Redirected(code) | ErrorKind::Unexpected(code) => {
            let word = format!("{:?}", error.kind());
            format!("{} {code}", word.split('(').next().unwrap())
        }
        ErrorKind::AnswerTooLong(_) => "AnswerTooLong".to_owned(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn every_call_against_every_fault() {
    let mut table = String::new();
    for (situation, fault) in FAULTS {
        // Making clients takes time; no answer waits for it.
        let mut ready = Vec::new();
        for call in calls() {
            let (root, asked) = failing(fault).await;
            ready.push((call.name, (call.ask)(client(&root, &call, fault)), asked));
        }
        let running: Vec<_> = ready
            .into_iter()
            .map(|(name, asking, asked)| (name, tokio::spawn(asking), asked))
            .collect();
        // (what it is told, how often GitLab was asked) → the calls
        let mut groups: BTreeMap<(String, usize), Vec<&str>> = BTreeMap::new();
        for (name, answer, asked) in running {
            let told = outcome(answer.await.unwrap());
            groups
                .entry((told, asked.load(Ordering::SeqCst)))
                .or_default()
                .push(name);
        }
        writeln!(table, "{situation}").unwrap();
        let largest = groups.values().map(Vec::len).max().unwrap();
        for ((told, asked), names) in &groups {
            let times = match asked {
                0 => "not countable".to_owned(),
                1 => "1 request".to_owned(),
                times => format!("{times} requests"),
            };
            let names = if names.len() == largest && names.len() > 6 {
                if groups.len() == 1 {
                    "every call".to_owned()
                } else {
                    "every other call".to_owned()
                }
            } else {
                names.join(", ")
            };
            writeln!(table, "  {told}, {times}: {names}").unwrap();
        }
    }
    insta::assert_snapshot!("every-call-against-every-fault", table);
}

#[tokio::test]
async fn what_no_gitlab_opens_to_job_tokens_is_not_sent() {
    let mut refused = Vec::new();
    for call in calls() {
        if call.operation.needs().job_token != JobTokenRight::No {
            continue;
        }
        let (root, asked) = failing(Fault::Reset).await;
        let client = Client::new(config(&root, Token::Job(Secret::new(TOKEN)))).unwrap();
        let error = (call.ask)(client).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::NotForJobTokens, "{}", call.name);
        assert!(error.wants_access_token(), "{}", call.name);
        assert!(
            error.hint().unwrap().contains("PORTCULLIS_GITLAB_TOKEN"),
            "{}",
            call.name
        );
        assert_eq!(asked.load(Ordering::SeqCst), 0, "{}", call.name);
        refused.push(call.name);
    }
    assert_eq!(refused.len(), 18, "{refused:?}");
}

#[test]
fn every_operation_is_in_the_table() {
    let calls = calls();
    for operation in Operation::ALL {
        assert!(
            calls.iter().any(|call| call.operation == operation),
            "{operation:?}"
        );
    }
}
