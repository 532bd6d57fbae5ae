//! The client of `portcullis-gitlab` against the stand-in: what a team sees with each token, on each tier.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_gitlab::client::{Client, Config, Error, ErrorKind, Token, if_available};
use portcullis_gitlab::commit_status::{CommitState, CommitStatus, StatusSet};
use portcullis_gitlab::job::{Inputs, newest};
use portcullis_gitlab::note::Written;
use portcullis_gitlab::state::{StateAddress, Unlocked};
use portcullis_gitlab::{Project, Secret};
use portcullis_sandbox::estate;
use portcullis_sandbox::gitlab::wire::LockedWrite;
use portcullis_sandbox::gitlab::{Gitlab, JobStatus};
use serde_json::json;
use url::Url;

const PROJECT: Project = Project::Id(42);
const NOW: &str = "2026-11-23T20:00:00.000Z";

struct World {
    gitlab: Gitlab,
    /// A Maintainer's access token.
    token: Client,
    /// The token of a job with a Developer's rights.
    job: Client,
    /// The token of a job that a Maintainer played.
    played: Client,
}

impl World {
    async fn start() -> Self {
        let mut project = estate::project(&estate::commit("A change"));
        project.grant("glpat-1", estate::approver());
        project.start_job(502, "job-developer", estate::author(), NOW);
        project.start_job(505, "job-maintainer", estate::approver(), NOW);
        let gitlab = Gitlab::start(0, project, LockedWrite::Conflict).await.unwrap();
        let client = |token| {
            let url = Url::parse(&format!("{}/api/v4", gitlab.url())).unwrap();
            Client::new(Config::new(url, token)).unwrap()
        };
        Self {
            token: client(Token::Private(Secret::new("glpat-1"))),
            job: client(Token::Job(Secret::new("job-developer"))),
            played: client(Token::Job(Secret::new("job-maintainer"))),
            gitlab,
        }
    }

    /// What terraform would send, with the rights of the played job.
    async fn terraform(&self, method: reqwest::Method, rest: &str, body: serde_json::Value) -> u16 {
        let url = format!(
            "{}/api/v4/projects/42/terraform/state/estate{rest}",
            self.gitlab.url()
        );
        let request = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .request(method, url);
        let request = request
            .basic_auth("gitlab-ci-token", Some("job-maintainer"))
            .json(&body);
        request.send().await.unwrap().status().as_u16()
    }
}

fn estate_state() -> StateAddress {
    StateAddress::new(PROJECT, estate::STATE_NAME).unwrap()
}

fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind().clone()
}

#[tokio::test]
async fn the_state_its_versions_its_lock_and_who_wrote_it() {
    let world = World::start().await;
    assert_eq!(world.job.state(&estate_state()).await.unwrap(), None);
    let lock = json!({"ID": "a", "Operation": "OperationTypeApply", "Info": "", "Who": "x", "Version": "1.11.4",
                      "Created": NOW, "Path": ""});
    assert_eq!(world.terraform(reqwest::Method::POST, "/lock", lock).await, 200);
    assert_eq!(
        world
            .terraform(reqwest::Method::POST, "?ID=a", json!({"serial": 7}))
            .await,
        200
    );

    let read = world.job.state_version(&estate_state(), 7).await.unwrap();
    assert_eq!(read.unwrap(), br#"{"serial":7}"#);
    assert_eq!(world.job.state_version(&estate_state(), 8).await.unwrap(), None);

    let facts = world
        .token
        .state_facts("harbour/estate", "estate")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(facts.locked_by_user.unwrap().username, "tomas");
    let version = facts.latest_version.unwrap();
    let job = version.job.unwrap();
    assert_eq!(
        (
            version.serial,
            version.created_by_user.unwrap().username.as_str(),
            job.id,
            job.name.as_deref()
        ),
        (Some(7), "tomas", Some(505), Some("deploy"))
    );
    assert_eq!(
        kind(world.played.state_facts("harbour/estate", "estate").await),
        ErrorKind::NotForJobTokens
    );
    assert!(
        world
            .token
            .state_facts("harbour/estate", "other")
            .await
            .unwrap()
            .is_none()
    );

    assert_eq!(
        kind(world.job.unlock_state(&estate_state(), None).await),
        ErrorKind::Forbidden
    );
    let other = world
        .played
        .unlock_state(&estate_state(), Some("b"))
        .await
        .unwrap();
    assert!(matches!(other, Unlocked::HeldBy(Some(holder)) if holder.id == "a" && holder.who == "tomas"));
    let own = world
        .played
        .unlock_state(&estate_state(), Some("a"))
        .await
        .unwrap();
    assert_eq!(own, Unlocked::Done);
}

#[tokio::test]
async fn all_states_come_in_pages() {
    let world = World::start().await;
    for name in ["a", "b", "c", "d", "e"] {
        world
            .gitlab
            .project()
            .states
            .seed(name, 1, b"{\"serial\": 1}".to_vec());
    }
    let states = world.token.states("harbour/estate").await.unwrap();
    let names: Vec<&str> = states.iter().map(|state| state.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn one_note_is_kept_up_to_date() {
    let world = World::start().await;
    let marker = "<!-- portcullis: estate -->";
    let put = async |text: &str| {
        let body = format!("{marker}\n\n{text}");
        world
            .token
            .put_note(&PROJECT, 7, marker, &body)
            .await
            .unwrap()
            .how
    };
    assert_eq!(put("one").await, Written::Created);
    assert_eq!(put("two").await, Written::Updated);
    assert_eq!(put("two").await, Written::Unchanged);
    assert_eq!(world.gitlab.project().notes.len(), 1);
    let by_job = world.played.put_note(&PROJECT, 7, marker, marker).await;
    assert_eq!(kind(by_job), ErrorKind::NotForJobTokens);
}

#[tokio::test]
async fn the_manual_job_is_found_and_played_once() {
    let world = World::start().await;
    world.gitlab.project().set_status(505, JobStatus::Manual);
    let jobs = world.job.jobs(&PROJECT, 1042).await.unwrap();
    let deploy = newest(&jobs, "deploy").unwrap();
    assert!(
        deploy
            .web_url
            .as_ref()
            .unwrap()
            .ends_with("/harbour/estate/-/jobs/505")
    );

    let variables = Inputs::default().variable("X", Secret::new("y"));
    let refused = world.token.play(&PROJECT, 505, &variables).await.unwrap_err();
    assert!(refused.hint().unwrap().contains("job inputs"), "{refused}");
    let inputs = Inputs::default().input("reason", "ticket 7");
    let played = world.token.play(&PROJECT, 505, &inputs).await.unwrap();
    assert_eq!(played.user.unwrap().username, "tomas");
    assert_eq!(
        kind(world.token.play(&PROJECT, 505, &inputs).await),
        ErrorKind::Unplayable
    );
    assert_eq!(
        world.token.pipeline(&PROJECT, 1042).await.unwrap().status,
        "running"
    );
    assert!(world.token.bridges(&PROJECT, 1042).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_artifact_comes_with_a_jobs_token() {
    let world = World::start().await;
    let path = "portcullis/approval.json".to_owned();
    world
        .gitlab
        .project()
        .artifacts
        .insert((505, path.clone()), b"{}".to_vec());
    assert_eq!(world.job.artifact(&PROJECT, 505, &path, 10).await.unwrap(), b"{}");
    assert_eq!(
        kind(world.job.artifact(&PROJECT, 505, "none", 10).await),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn approvals_and_environments_are_there_on_paid_tiers_only() {
    let world = World::start().await;
    let commit = world.gitlab.project().commit.clone();
    let brought = world.job.merge_requests_of(&PROJECT, &commit).await.unwrap();
    assert_eq!(brought[0].iid, 7);
    let free = if_available(world.token.approvals(&PROJECT, 7).await).unwrap();
    assert_eq!(free, None);
    assert_eq!(
        if_available(world.token.protected_environment(&PROJECT, "estate").await).unwrap(),
        None
    );
    {
        let mut project = world.gitlab.project();
        project.premium = true;
        project.approvals.push((7, estate::approver(), NOW.to_owned()));
    }
    let paid = if_available(world.token.approvals(&PROJECT, 7).await)
        .unwrap()
        .unwrap();
    assert_eq!(paid.approved_by[0].user.username, "tomas");
    let environment = world
        .token
        .protected_environment(&PROJECT, "estate")
        .await
        .unwrap();
    assert_eq!(environment.deploy_access_levels[0].access_level, Some(40));
    // Without an access token a job still learns that its branch is protected.
    assert!(
        world
            .job
            .branch(&PROJECT, "main")
            .await
            .unwrap()
            .unwrap()
            .protected
    );
    assert_eq!(
        kind(world.job.protected_branch(&PROJECT, "main").await),
        ErrorKind::NotForJobTokens
    );
    let rule = world.token.protected_branch(&PROJECT, "main").await.unwrap();
    assert_eq!(rule.push_access_levels[0].access_level, Some(40));
}

#[tokio::test]
async fn a_commit_status_is_set_once_and_the_token_knows_itself() {
    let world = World::start().await;
    let commit = world.gitlab.project().commit.clone();
    let status = CommitStatus::new(CommitState::Success, "portcullis").in_pipeline(1042);
    let set = async || {
        world
            .token
            .set_commit_status(&PROJECT, &commit, &status)
            .await
            .unwrap()
    };
    assert_eq!(set().await, StatusSet::Set);
    assert_eq!(set().await, StatusSet::WasSo);
    assert!(world.token.own_token().await.unwrap().has_scope("read_api"));
    assert_eq!(world.token.own_user().await.unwrap().username, "tomas");
}
