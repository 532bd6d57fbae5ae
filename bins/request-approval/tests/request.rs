//! The built binary, on the recorded estate, with GitLab on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_exposure::{ExposureReport, GroupExposure};
use portcullis_report::{Finding, GroupRef, Report, Severity, Standing, Verdict};
use std::path::{Path, PathBuf};
use std::process::Command;
use wiremock::matchers::{basic_auth, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = "glcbt-64_verysecret";

const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/estate/2-correct-web-port"
);

/// A job's folder and environment, with everything in place.
struct Job {
    folder: tempfile::TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Job {
    fn new(gitlab: &str) -> Self {
        let job = Self {
            folder: tempfile::tempdir().unwrap(),
            variables: vec![
                ("CI_API_V4_URL", format!("{gitlab}/api/v4")),
                ("CI_PROJECT_ID", "42".into()),
                ("CI_JOB_TOKEN", TOKEN.into()),
                ("CI_COMMIT_SHA", "5f3a9c1b7e2d4a6f80915f3a9c1b7e2d4a6f8091".into()),
                (
                    "CI_COMMIT_AUTHOR",
                    "Ada \u{1b}[31mLovelace <ada@example.org>".into(),
                ),
                ("CI_COMMIT_REF_NAME", "main".into()),
                ("CI_COMMIT_REF_PROTECTED", "true".into()),
                ("GITLAB_USER_LOGIN", "ada".into()),
                ("PORTCULLIS_NOW", "2026-01-31T12:00:00Z".into()),
                ("PORTCULLIS_RETRY_WAIT", "0".into()),
            ],
        };
        std::fs::create_dir_all(job.path("portcullis")).unwrap();
        std::fs::create_dir_all(job.path("terraform")).unwrap();
        for name in ["plan.tfplan", "plan.json"] {
            std::fs::copy(format!("{RECORDED}/{name}"), job.path("portcullis").join(name)).unwrap();
        }
        job.write("terraform/policy.yaml", "version: 1\n");
        job.write("terraform/.terraform.lock.hcl", "# locked\n");
        job.write(
            "portcullis/compliance.json",
            &Report::new("compliance", vec![]).to_json().unwrap(),
        );
        let mut exposure = ExposureReport::unchanged(1);
        exposure.headline =
            "opens tcp 8000 from the internet on web; closes tcp 8080 from the internet on web".into();
        exposure.groups.push(GroupExposure {
            group: GroupRef::address("aws_security_group.web"),
            name: Some("web".into()),
            members: vec!["front".into()],
            ..GroupExposure::default()
        });
        job.write(
            "portcullis/exposure.json",
            &serde_json::to_string(&exposure).unwrap(),
        );
        job
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self
    }

    fn request(&self) -> Option<String> {
        std::fs::read_to_string(self.path("portcullis/approval-request.json")).ok()
    }

    fn run(&self) -> String {
        self.run_with(&["--config", "terraform", "--policy", "terraform/policy.yaml"])
    }

    fn run_with(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_portcullis-request-approval"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        let (out, err) = (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        let shown = format!(
            "exit {}\n--- stdout\n{out}--- stderr\n{err}",
            output.status.code().unwrap()
        );
        let everything = shown + &self.request().unwrap_or_default();
        assert!(
            !everything.contains(TOKEN) && !everything.contains('\u{1b}'),
            "{everything:?}"
        );
        let shown = everything
            .split_once("{\n")
            .map_or(everything.as_str(), |(shown, _)| shown);
        // The port of a loopback server is another each time.
        let mut words = shown.split("127.0.0.1:");
        let mut text = words.next().unwrap().to_owned();
        for rest in words {
            text.push_str("127.0.0.1:PORT");
            text.push_str(rest.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        text
    }
}

async fn gitlab(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/api/v4/projects/42/terraform/state/default"))
        .and(basic_auth("gitlab-ci-token", TOKEN))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

async fn gitlab_with_state() -> MockServer {
    let before = Path::new(RECORDED).with_file_name("1-setup").join("state.json");
    gitlab(ResponseTemplate::new(200).set_body_bytes(std::fs::read(before).unwrap())).await
}

#[tokio::test]
async fn a_sealed_request() {
    let gitlab = gitlab_with_state().await;
    let job = Job::new(&gitlab.uri());
    insta::assert_snapshot!("sealed", job.run());
    let request = job.request().unwrap();
    insta::assert_snapshot!("sealed-request.json", request);
    assert_eq!(
        job.run().lines().next(),
        Some("exit 0"),
        "a second run replaces the first one's request"
    );
    assert_eq!(
        job.request().unwrap(),
        request,
        "the same input gives the same bytes"
    );
}

/// A policy with these ports closed.
fn policy(ports: &str) -> String {
    format!(
        "version: 1\nrules:\n  - id: no-admin\n    severity: high\n    deny: {{ protocol: tcp, ports: {ports}, peers: internet }}\n"
    )
}

/// GitLab shows a merge request that began at `ba5e`, and what these files were there and are now.
async fn shows_the_change(gitlab: &MockServer, files: &[(&str, &str, &str)]) {
    let has = async |at: &str, body: String| {
        Mock::given(path(format!("/api/v4/{at}")))
            .respond_with(ResponseTemplate::new(200).set_body_string(body))
            .mount(gitlab)
            .await;
    };
    let commit = "5f3a9c1b7e2d4a6f80915f3a9c1b7e2d4a6f8091";
    has(
        "job",
        format!(
            r#"{{"id": 5, "name": "request approval", "stage": "approve", "status": "running", "started_at": "2026-01-31T11:58:00Z",
                "commit": {{"id": "{commit}", "author_name": "Ada", "author_email": "ada@example.org"}}}}"#
        ),
    )
    .await;
    has(
        &format!("projects/42/repository/commits/{commit}/merge_requests"),
        r#"[{"iid": 7, "state": "merged", "target_branch": "main"}]"#.to_owned(),
    )
    .await;
    has(
        "projects/42/merge_requests/7",
        r#"{"iid": 7, "diff_refs": {"base_sha": "ba5e"}}"#.to_owned(),
    )
    .await;
    for (file, before, now) in files {
        for (at, text) in [("ba5e", before), (commit, now)] {
            Mock::given(path(format!(
                "/api/v4/projects/42/repository/files/{}/raw",
                file.replace('/', "%2F")
            )))
            .and(query_param("ref", at))
            .respond_with(ResponseTemplate::new(200).set_body_string(*text))
            .mount(gitlab)
            .await;
        }
    }
}

#[tokio::test]
async fn the_request_says_who_may_how_long_and_what_to_mind() {
    let gitlab = gitlab_with_state().await;
    let now = policy("[22, 3389, 5900]");
    let files = [
        ("terraform/policy.yaml", policy("[22]").as_str(), now.as_str()),
        (".gitlab-ci.yml", "include: ci/a.yml\n", "include: ci/a.yml\n"),
        ("ci/a.yml", "a: {}\n", "a: {script: [evil]}\n"),
        ("guard.yaml", GUARD, GUARD),
    ]
    .map(|(file, before, now)| (file, before.to_owned(), now.to_owned()));
    let files: Vec<(&str, &str, &str)> = files
        .iter()
        .map(|(a, b, c)| (*a, b.as_str(), c.as_str()))
        .collect();
    shows_the_change(&gitlab, &files).await;
    let job = Job::new(&gitlab.uri()).with("PORTCULLIS_GUARD", "guard.yaml");
    job.write("terraform/policy.yaml", &now);
    job.write("guard.yaml", GUARD);
    insta::assert_snapshot!("who-how-long-what-to-mind", job.run());
    let request: portcullis_evidence::ApprovalRequest =
        serde_json::from_str(&job.request().unwrap()).unwrap();
    assert_eq!(
        request.requested_at, "2026-01-31T11:58:00Z",
        "GitLab's clock counts"
    );
    assert_eq!(request.approvers, ["grace", "members of platform/ops"]);
    assert_eq!(request.remarks.len(), 3);
}

const GUARD: &str = "{version: 1, approvers: {users: [grace], groups: [{path: platform/ops}]}, max_age: 24h}";

#[tokio::test]
async fn nobody_is_asked_for_what_would_be_refused_whoever_plays_it() {
    let mut shown = String::new();
    let gitlab = gitlab_with_state().await;
    shows_the_change(
        &gitlab,
        &[("terraform/policy.yaml", &policy("[22, 23]"), &policy("[22]"))],
    )
    .await;
    let job = Job::new(&gitlab.uri());
    job.write("terraform/policy.yaml", &policy("[22]"));
    shown += &format!("## policy loosened in the same change\n{}\n", job.run());
    assert_eq!(job.request(), None);
    let job = Job::new(&gitlab.uri()).with("CI_COMMIT_REF_PROTECTED", "false");
    job.write("terraform/policy.yaml", &policy("[22, 23]"));
    shown += &format!("## branch not protected\n{}\n", job.run());
    assert_eq!(job.request(), None);
    for (what, text) in [
        ("a bad guard file", Some("{version: 1, max_age: soon}")),
        ("no guard file", None),
    ] {
        let job = Job::new(&gitlab.uri()).with("PORTCULLIS_GUARD", "guard.yaml");
        if let Some(text) = text {
            job.write("guard.yaml", text);
        }
        shown += &format!("## {what}\n{}\n", job.run());
        assert_eq!(job.request(), None);
    }
    let job = Job::new(&gitlab.uri()).with("PORTCULLIS_GUARD", "guard.yaml@infra/guard:main");
    shown += &format!("## a guard file that GitLab does not show\n{}\n", job.run());
    insta::assert_snapshot!("refused-before-anybody-is-asked", shown);
}

#[tokio::test]
async fn a_guard_file_may_be_kept_in_another_project() {
    let gitlab = gitlab_with_state().await;
    Mock::given(path(
        "/api/v4/projects/infra%2Fguard/repository/files/network%2Fguard.yaml/raw",
    ))
    .and(query_param("ref", "HEAD"))
    .respond_with(ResponseTemplate::new(200).set_body_string(GUARD))
    .expect(1)
    .mount(&gitlab)
    .await;
    let job = Job::new(&gitlab.uri()).with("PORTCULLIS_GUARD", "network/guard.yaml@infra/guard");
    assert!(job.run().starts_with("exit 0"));
    let request: portcullis_evidence::ApprovalRequest =
        serde_json::from_str(&job.request().unwrap()).unwrap();
    assert_eq!(request.good_until.as_deref(), Some("2026-02-01T12:00:00Z"));
}

#[tokio::test]
async fn the_digest_follows_the_plan_file() {
    let gitlab = gitlab_with_state().await;
    let job = Job::new(&gitlab.uri());
    job.run();
    let first = job.request().unwrap();
    job.write("portcullis/plan.tfplan", "another plan");
    job.run();
    let digest = |text: &str| {
        text.lines()
            .find(|line| line.contains("\"digest\""))
            .unwrap()
            .to_owned()
    };
    assert_ne!(digest(&first), digest(&job.request().unwrap()));
}

#[tokio::test]
async fn which_of_terraform_and_tofu_is_bound_as_deploy_will_have_it() {
    let gitlab = gitlab_with_state().await;
    let job = Job::new(&gitlab.uri());
    let bound = |more: &[&str]| {
        let own = ["--config", "terraform", "--policy", "terraform/policy.yaml"];
        job.run_with(&[&own, more].concat());
        let request: serde_json::Value = serde_json::from_str(&job.request().unwrap()).unwrap();
        request["bound"]["terraform"].clone()
    };
    assert_eq!(bound(&[]), "terraform 1.11.4");
    // Whether it is on this machine does not matter: deploy starts it.
    assert_eq!(bound(&["--terraform", "/opt/tofu"]), "tofu 1.11.4");
}

#[tokio::test]
async fn a_secret_in_the_headline_is_masked_before_it_is_sealed() {
    let gitlab = gitlab_with_state().await;
    let job = Job::new(&gitlab.uri());
    let mut exposure = ExposureReport::unchanged(1);
    exposure.headline = format!("opens tcp 22 from {TOKEN}");
    job.write(
        "portcullis/exposure.json",
        &serde_json::to_string(&exposure).unwrap(),
    );
    job.run();
    let request: portcullis_evidence::ApprovalRequest =
        serde_json::from_str(&job.request().unwrap()).unwrap();
    assert_eq!(request.headline, "opens tcp 22 from [masked]");
    assert_eq!(request.content_digest().to_string(), request.digest);
}

#[tokio::test]
async fn no_state_yet_and_no_lock_file() {
    let gitlab = gitlab(ResponseTemplate::new(404)).await;
    let job = Job::new(&gitlab.uri());
    std::fs::remove_file(job.path("terraform/.terraform.lock.hcl")).unwrap();
    job.write(
        "portcullis/exposure.json",
        &serde_json::to_string(&ExposureReport::unchanged(2)).unwrap(),
    );
    insta::assert_snapshot!("no-state-yet", job.run());
    let request = job.request().unwrap();
    assert!(
        request.contains("\"state_serial\": null") && request.contains("\"provider_lock\": null"),
        "{request}"
    );
}

#[tokio::test]
async fn nothing_is_asked_when_the_policy_says_no_or_cannot_tell() {
    let gitlab = gitlab_with_state().await;
    let job = Job::new(&gitlab.uri());
    job.run();
    assert!(job.request().is_some());
    let mut shown = String::new();
    for verdict in [Verdict::Violation, Verdict::Undetermined] {
        let finding = Finding::new("admin-ports", Severity::Critical, verdict)
            .group(GroupRef::address("aws_security_group.web"))
            .exposure("tcp 22 from the whole IPv4 internet")
            .standing(Standing::New);
        job.write(
            "portcullis/compliance.json",
            &Report::new("compliance", vec![finding]).to_json().unwrap(),
        );
        shown += &job.run();
        assert_eq!(job.request(), None, "the earlier request must not stay behind");
    }
    insta::assert_snapshot!("not-asked", shown);
}

#[tokio::test]
async fn bad_input_is_named() {
    let gitlab = gitlab_with_state().await;
    let mut shown = String::new();
    let mut check = |what: &str, job: Job| {
        shown += &format!("## {what}\n{}\n", job.run());
        assert_eq!(job.request(), None, "{what}");
    };
    for name in ["plan.tfplan", "plan.json", "compliance.json", "exposure.json"] {
        let job = Job::new(&gitlab.uri());
        std::fs::remove_file(job.path("portcullis").join(name)).unwrap();
        check(&format!("no {name}"), job);
        let job = Job::new(&gitlab.uri());
        job.write(&format!("portcullis/{name}"), "");
        check(&format!("empty {name}"), job);
    }
    for name in ["plan.json", "compliance.json", "exposure.json"] {
        let whole = std::fs::read_to_string(Job::new(&gitlab.uri()).path("portcullis").join(name)).unwrap();
        let job = Job::new(&gitlab.uri());
        job.write(&format!("portcullis/{name}"), &whole[..whole.len() / 2]);
        check(&format!("half of {name}"), job);
        let job = Job::new(&gitlab.uri());
        job.write(&format!("portcullis/{name}"), r#"{"format_version": "9.0"}"#);
        check(&format!("next version of {name}"), job);
    }
    let job = Job::new(&gitlab.uri());
    std::fs::remove_file(job.path("terraform/policy.yaml")).unwrap();
    check("no policy", job);
    let job = Job::new(&gitlab.uri());
    std::fs::remove_dir_all(job.path("terraform")).unwrap();
    job.write("terraform", "a file");
    check("a file for a folder", job);
    let job = Job::new(&gitlab.uri());
    for folder in ["terraform", "portcullis"] {
        std::fs::remove_dir_all(job.path(folder)).unwrap();
    }
    check("no folder at all: the first that is named", job);
    for name in ["CI_API_V4_URL", "CI_PROJECT_ID", "CI_JOB_TOKEN", "CI_COMMIT_SHA"] {
        check(&format!("no {name}"), Job::new(&gitlab.uri()).without(name));
    }
    insta::assert_snapshot!("bad-input", shown);
}

#[tokio::test]
async fn gitlab_in_trouble() {
    let html = "<html><body>502 glcbt-64_verysecret</body></html>";
    let answers = [
        ("down", ResponseTemplate::new(502).set_body_string(html)),
        ("web page", ResponseTemplate::new(200).set_body_string(html)),
        (
            "half a state",
            ResponseTemplate::new(200).set_body_string("{\"version\": 4, "),
        ),
        (
            "another version",
            ResponseTemplate::new(200).set_body_string("{\"version\": 3, \"serial\": 1}"),
        ),
        ("wrong token", ResponseTemplate::new(401)),
        ("no role", ResponseTemplate::new(403)),
    ];
    let mut shown = String::new();
    for (what, answer) in answers {
        let gitlab = gitlab(answer).await;
        let job = Job::new(&gitlab.uri());
        shown += &format!("## {what}\n{}\n", job.run());
        assert_eq!(job.request(), None, "{what}");
    }
    insta::assert_snapshot!("gitlab-in-trouble", shown);
}

#[test]
fn help() {
    insta::assert_snapshot!("help", Job::new("http://127.0.0.1:9").run_with(&["--help"]));
}
