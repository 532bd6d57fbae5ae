//! The built binary: lists and changes in, a child pipeline out; chains, and one report.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = "glpat-verysecret";

/// A checkout, and the environment of a job in it.
struct Job {
    folder: tempfile::TempDir,
    api: String,
}

impl Job {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            api: "http://127.0.0.1:9/api/v4".to_owned(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> String {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_portcullis-fan-out"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("PORTCULLIS_RETRY_WAIT", "0")
            .env("CI_API_V4_URL", &self.api)
            .env("CI_PROJECT_ID", "42")
            .env("CI_PROJECT_PATH", "infra/estate")
            .env("CI_PIPELINE_ID", "1001")
            .env("CI_JOB_NAME", "fan out")
            .env("CI_JOB_TOKEN", "glcbt-64_verysecret")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (out, err) = (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        assert!(
            !(out.clone() + &err).contains("verysecret") && !err.contains('\u{1b}'),
            "{err:?}"
        );
        let api = self.api.trim_start_matches("http://").trim_end_matches("/api/v4");
        format!(
            "exit {}\n--- stdout\n{out}--- stderr\n{err}",
            output.status.code().unwrap_or(-1)
        )
        .replace(api, "GITLAB")
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=Ada",
                "-c",
                "user.email=ada@estate.example",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(["-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.folder.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// The list that was written, without what is the same for all.
    fn listed(&self) -> Vec<String> {
        let list: Value = serde_json::from_str(&self.text("portcullis/fan-out.json")).unwrap();
        let stacks = list["stacks"].as_array().unwrap();
        stacks
            .iter()
            .map(|stack| {
                let word = |name: &str| stack[name].as_str().unwrap_or("-").to_owned();
                let why = stack["left_out"].as_str().map(|why| format!(" left out: {why}"));
                format!(
                    "{} state={} folder={}{}",
                    word("key"),
                    word("state"),
                    word("folder"),
                    why.unwrap_or_default()
                )
            })
            .collect()
    }
}

// ------------------------------------------------------------------------------------------------------------ states

#[tokio::test]
async fn the_projects_states_are_asked_of_gitlab() {
    let server = MockServer::start().await;
    let state =
        |name: &str, deleted: Value| json!({"name": name, "deletedAt": deleted, "latestVersion": null});
    let nodes = [
        state("staging", Value::Null),
        state("production", Value::Null),
        state("old", json!("2026-11-20T00:00:00Z")),
        state("a/b", Value::Null),
    ];
    Mock::given(method("POST"))
        .and(path("/api/graphql"))
        .and(header("private-token", TOKEN))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"data": {"project": {"terraformStates": {
            "nodes": nodes, "pageInfo": {"hasNextPage": false, "endCursor": null}}}}})),
        )
        .mount(&server)
        .await;
    let mut job = Job::new();
    job.api = format!("{}/api/v4", server.uri());
    let variables = [
        ("PORTCULLIS_GITLAB_TOKEN", TOKEN),
        ("PORTCULLIS_IMAGE", "registry.example/portcullis:v1"),
        ("PORTCULLIS_GROUP", "web"),
    ];
    insta::assert_snapshot!(
        "states",
        job.run_with(&["states", "--variable", "PORTCULLIS_GROUP"], &variables)
    );
    insta::assert_snapshot!("states-listed", job.listed().join("\n"));
    insta::assert_snapshot!("states-child", job.text("portcullis/fan-out.yml"));
    let secret = job.run_with(
        &["states", "--state", "x", "--variable", "PORTCULLIS_GITLAB_TOKEN"],
        &variables,
    );
    insta::assert_snapshot!("a-secret-is-not-handed-on", secret);
    assert!(
        !job.path("portcullis/fan-out.yml").exists(),
        "an earlier run's must not stay"
    );
}

#[tokio::test]
async fn a_project_without_states_proves_nothing() {
    let server = MockServer::start().await;
    Mock::given(path("/api/graphql"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"data": {"project": {"terraformStates": {
            "nodes": [], "pageInfo": {"hasNextPage": false, "endCursor": null}}}}})),
        )
        .mount(&server)
        .await;
    let mut job = Job::new();
    job.api = format!("{}/api/v4", server.uri());
    insta::assert_snapshot!(
        "no-states",
        job.run_with(&["states"], &[("PORTCULLIS_GITLAB_TOKEN", TOKEN)])
    );
    assert!(!job.path("portcullis").exists());
}

#[test]
fn a_jobs_token_may_not_list_states_but_a_list_works() {
    let job = Job::new();
    insta::assert_snapshot!("job-token", job.run(&["states"]));
    job.write(
        "names.txt",
        "production\r\n\n  \nstaging\nproduction\nwhat $(rm -rf /) \"is\" 'this' \u{1b}[31m\n..\n",
    );
    insta::assert_snapshot!("a-list", job.run(&["states", "--list", "names.txt"]));
    insta::assert_snapshot!("a-list-listed", job.listed().join("\n"));
}

#[test]
fn ten_thousand_states_share_chains() {
    let job = Job::new();
    let names: String = (0..10_000).map(|i| format!("network-{i}\n")).collect();
    job.write("names.txt", &names);
    insta::assert_snapshot!("ten-thousand", job.run(&["states", "--list", "names.txt"]));
}

#[test]
fn chains_of_the_projects_own() {
    let job = Job::new();
    let own = [
        "states",
        "--state",
        "a",
        "--include",
        "/ci/chain.yml",
        "--job",
        "observe",
        "--job",
        "verify=compare,judge",
    ];
    assert!(job.run(&own).starts_with("exit 0"));
    insta::assert_snapshot!("chains-of-its-own", job.text("portcullis/fan-out.yml"));
    let steps: Value = serde_json::from_str(&job.text("portcullis/fan-out.json")).unwrap();
    assert_eq!(steps["steps"], json!(["observe", "compare", "judge"]));
}

#[test]
fn wrong_usage() {
    let job = Job::new();
    let mut shown = String::new();
    for arguments in [
        &["states", "--list", "gone.txt"][..],
        &["states", "--state", "a", "--job", "check"],
        &["states", "--state", "a", "--include", "x.yml", "--job", "report"],
        &["states", "--state", "a", "--most-jobs", "2"],
        &["states", "--state", "a", "--variable", "NOT_SET"],
        &[
            "states",
            "--state",
            "a",
            "--variable",
            "PATH",
            "--variable",
            "PATH",
        ],
        &[
            "states",
            "--state",
            "a",
            "--include",
            "x.yml",
            "--job",
            "a",
            "--job",
            "a=b",
        ],
        &[
            "states",
            "--state",
            "a",
            "--include",
            "x.yml",
            "--job",
            "a=b",
            "--job",
            "b",
        ],
        &["folders", "--all"],
        &["folders", "--policy", "p.yaml"],
        &["folders", "--policy", "p.yaml", "--all"],
        &["report"],
        &["each", "check", "--", "true"],
    ] {
        shown += &format!("$ {}\n{}\n", arguments.join(" "), job.run(arguments));
    }
    insta::assert_snapshot!("wrong-usage", shown);
}

// ----------------------------------------------------------------------------------------------------------- folders

const BACKEND: &str = "terraform {\n  backend \"http\" {}\n}\n";

/// Two roots that share a module, one alone, a module nobody calls, and things that are no code.
fn repository() -> Job {
    let job = Job::new();
    let module = "module \"web\" {\n  source = \"../../modules/web\"\n}\n";
    for root in ["envs/prod", "envs/dev"] {
        job.write(&format!("{root}/backend.tf"), BACKEND);
        job.write(&format!("{root}/main.tf"), module);
    }
    job.write("alone/main.tf", BACKEND);
    job.write("old/main.tf", BACKEND);
    job.write(
        "modules/web/main.tf",
        "module \"rules\" {\n  source = \"./rules\"\n}\n",
    );
    job.write("modules/web/rules/main.tf", "locals {}\n");
    job.write("modules/unused/main.tf", "locals {}\n");
    job.write("policy.yaml", "version: 1\n");
    job.write("README.md", "x");
    job.git(&["init", "--quiet"]);
    job
}

fn folders(job: &Job, more: &[&str]) -> String {
    let mut arguments = vec!["folders", "--policy", "policy.yaml"];
    arguments.extend(more);
    job.run(&arguments)
}

#[test]
fn a_change_in_a_module_concerns_whoever_uses_it() {
    let job = repository();
    let before = job.commit();
    job.write("modules/web/rules/main.tf", "locals {\n  a = 1\n}\n");
    job.write("README.md", "y");
    job.commit();
    insta::assert_snapshot!("a-module", folders(&job, &["--since", &before]));
    assert_eq!(
        job.listed(),
        [
            "001-envs-dev state=envs-dev folder=envs/dev",
            "002-envs-prod state=envs-prod folder=envs/prod"
        ]
    );
    insta::assert_snapshot!("folders-child", job.text("portcullis/fan-out.yml"));
}

#[test]
fn a_change_of_the_policy_concerns_every_folder() {
    let job = repository();
    let before = job.commit();
    job.write("policy.yaml", "version: 1 # stricter\n");
    job.commit();
    assert!(folders(&job, &["--since", &before]).starts_with("exit 0"));
    assert_eq!(job.listed().len(), 4);
    // The very first commit of a branch has none before it.
    let nothing = "0".repeat(40);
    insta::assert_snapshot!("no-commit-before", folders(&job, &["--since", &nothing]));
    assert_eq!(job.listed().len(), 4);
}

#[test]
fn a_change_that_touches_no_code_has_nothing_to_look_at() {
    let job = repository();
    let before = job.commit();
    job.write("README.md", "y");
    job.write("modules/unused/main.tf", "locals {\n}\n");
    job.commit();
    insta::assert_snapshot!("no-code-touched", folders(&job, &["--since", &before]));
    insta::assert_snapshot!("no-code-touched-report", job.run(&["report"]));
}

#[test]
fn a_folder_that_is_taken_away_is_told() {
    let job = repository();
    let before = job.commit();
    for folder in ["old", "modules/unused"] {
        std::fs::remove_dir_all(job.path(folder)).unwrap();
    }
    job.write("alone/main.tf", "locals {}\n");
    std::fs::rename(job.path("envs/dev/main.tf"), job.path("envs/dev/web.tf")).unwrap();
    job.commit();
    insta::assert_snapshot!("a-folder-taken-away", folders(&job, &["--since", &before]));
    insta::assert_snapshot!("a-folder-taken-away-listed", job.listed().join("\n"));
    insta::assert_snapshot!("a-folder-taken-away-report", job.run(&["report"]));
    // From a list alone nobody knows what stood in it.
    job.write("changed.txt", "old/main.tf\nmodules/unused/main.tf\nREADME.md\n");
    assert!(folders(&job, &["--changed", "changed.txt"]).starts_with("exit 0"));
    assert_eq!(job.listed().len(), 2, "{:?}", job.listed());
}

#[test]
fn a_folder_that_is_moved_keeps_its_state() {
    let job = repository();
    let before = job.commit();
    job.write("regions/main.tf", "locals {}\n");
    std::fs::rename(job.path("old"), job.path("regions/old")).unwrap();
    job.commit();
    // Its state is called after the folder's last part, and so is that of the new place.
    let shown = folders(&job, &["--since", &before, "--state-names", "last"]);
    assert!(shown.starts_with("exit 0"), "{shown}");
    assert!(
        shown.contains("note: old is gone, and regions/old has its managed state old now"),
        "{shown}"
    );
    assert_eq!(job.listed(), ["001-regions-old state=old folder=regions/old"]);
    // By the whole path it is another state.
    let shown = folders(&job, &["--since", &before]);
    assert!(shown.starts_with("exit 0"), "{shown}");
    assert_eq!(job.listed().len(), 2, "{:?}", job.listed());
}

#[test]
fn a_variable_stands_once_in_the_child() {
    let job = repository();
    let given = ["--all", "--variable", "PORTCULLIS_POLICY"];
    let mut arguments = vec!["folders", "--policy", "policy.yaml"];
    arguments.extend(given);
    let shown = job.run_with(&arguments, &[("PORTCULLIS_POLICY", "other.yaml")]);
    assert!(shown.starts_with("exit 0"), "{shown}");
    let text = job.text("portcullis/fan-out.yml");
    assert_eq!(
        text.matches("PORTCULLIS_POLICY\": ").count() + text.matches("PORTCULLIS_POLICY: ").count(),
        1,
        "{text}"
    );
    assert!(
        text.contains("policy.yaml") && !text.contains("other.yaml"),
        "{text}"
    );
}

#[test]
fn code_that_cannot_be_read_is_looked_at_whatever_changed() {
    let job = repository();
    let before = job.commit();
    job.write("alone/main.tf", "terraform {\n  backend \"http\" {\n");
    job.commit();
    insta::assert_snapshot!("unreadable-code", folders(&job, &["--since", &before]));
    assert_eq!(job.listed(), ["001-alone state=alone folder=alone"]);
}

#[test]
fn what_git_cannot_tell_and_states_that_would_be_shared() {
    let job = repository();
    job.commit();
    let hostile = "envs/; $(touch x) \"é\"\n".trim_end();
    job.write(&format!("{hostile}/main.tf"), BACKEND);
    job.write("more/prod/main.tf", BACKEND);
    job.write("envs-prod/main.tf", BACKEND);
    let mut shown = folders(&job, &["--since=--output=x"]);
    shown += &folders(&job, &["--since", "deadbeef"]);
    shown += &folders(&job, &["--since", ""]);
    shown += &folders(&job, &["--all"]);
    shown += &folders(&job, &["--all", "--state-names", "last"]);
    let shown = shown.replace(&*job.folder.path().to_string_lossy(), "DIR");
    insta::assert_snapshot!("git-cannot-tell", shown);
    assert!(!job.path("x").exists());
    insta::assert_snapshot!(
        "a-root-without-code",
        folders(&job, &["--all", "--root", "./alone/", "--root", "."])
    );
    assert!(folders(&job, &["--all", "--root", hostile, "--root", "./alone/"]).starts_with("exit 0"));
    insta::assert_snapshot!("hostile-folders", job.listed().join("\n"));
}

// ------------------------------------------------------------------------------------------------- chains and report

/// A program for a chain: writes a report as its state asks for.
const PROGRAM: &str = r#"#!/bin/sh
mkdir -p "$PORTCULLIS_ARTIFACTS"
case "$PORTCULLIS_STATE_NAME" in
good) verdict=pass code=0 ;;
bad) verdict=violation code=1 ;;
unsure) verdict=undetermined code=2 ;;
away) exit 69 ;;
half) echo '{"verdict": "pa' >"$PORTCULLIS_ARTIFACTS/services.json"; exit 0 ;;
*) exit 64 ;;
esac
echo "$@ key=${PORTCULLIS_PLAN_KEY:-none}"
echo "{\"format_version\": \"1.0\", \"verdict\": \"$verdict\"}" >"$PORTCULLIS_ARTIFACTS/services.json"
echo "services: $verdict: said so" >"$PORTCULLIS_ARTIFACTS/services.txt"
exit "$code"
"#;

fn chained(names: &[&str]) -> Job {
    let job = Job::new();
    job.write("names.txt", &names.join("\n"));
    job.write("program.sh", PROGRAM);
    let own = [
        "states",
        "--list",
        "names.txt",
        "--include",
        "x.yml",
        "--job",
        "check",
        "--job",
        "after",
    ];
    assert!(job.run(&own).starts_with("exit 0"));
    job
}

#[test]
fn one_stacks_failure_stops_no_other() {
    let job = chained(&["good", "bad", "unsure", "away", "half", "never"]);
    let all = "001-good,002-bad,003-unsure,004-away,005-half";
    let variables = [
        ("PORTCULLIS_STACKS", all),
        ("PORTCULLIS_PLAN_KEY", "k3y-that-nobody-may-see"),
    ];
    let each = |step: &str| {
        job.run_with(
            &[
                "each",
                step,
                "--",
                "sh",
                "program.sh",
                "--state={state}",
                "{folder}|{artifacts}",
            ],
            &variables,
        )
    };
    insta::assert_snapshot!("each", each("check"));
    insta::assert_snapshot!("each-after", each("after"));
    insta::assert_snapshot!("outcome", job.text("portcullis/stacks/002-bad/outcome.json"));
    insta::assert_snapshot!(
        "report",
        job.run(&["report", "--write", "junit=portcullis/stacks.junit.xml"])
    );
    let written = ["stacks.json", "stacks.txt", "stacks.junit.xml"];
    assert!(
        written
            .iter()
            .all(|name| job.path(&format!("portcullis/{name}")).exists())
    );
}

#[test]
fn a_job_that_was_killed_is_not_a_pass() {
    let job = chained(&["good"]);
    let variables = [("PORTCULLIS_STACKS", "001-good")];
    let each =
        |step: &str, program: &str| job.run_with(&["each", step, "--", "sh", "-c", program], &variables);
    assert!(each("check", "exit 0").starts_with("exit 0"));
    assert!(job.run(&["report"]).contains("not run, or not to its end: after"));
    assert!(each("after", "exit 0").starts_with("exit 0"));
    assert!(job.run(&["report"]).starts_with("exit 0"));
    // It runs again, and is killed half-way.
    assert!(!each("check", "kill -KILL $PPID").starts_with("exit 0"));
    assert!(job.run(&["report"]).contains("not run, or not to its end: check"));
}

#[test]
fn keys_from_elsewhere_lead_nowhere() {
    let job = chained(&["good"]);
    let run = |keys: &str| job.run_with(&["each", "check", "--", "true"], &[("PORTCULLIS_STACKS", keys)]);
    insta::assert_snapshot!("no-such-stack", run("../../etc"));
    let list = job
        .text("portcullis/fan-out.json")
        .replace("001-good", "../001-good");
    job.write("portcullis/fan-out.json", &list);
    insta::assert_snapshot!("no-such-key", run("../001-good") + &job.run(&["report"]));
}

#[tokio::test]
async fn the_childs_report_is_brought_to_the_parent() {
    let job = chained(&["good"]);
    assert!(job.run(&["report"]).starts_with("exit 2"), "nothing ran");
    let report = job.text("portcullis/stacks.json");
    let server = MockServer::start().await;
    let answer = |at: &str, body: ResponseTemplate| {
        Mock::given(method("GET"))
            .and(path(format!("/api/v4/projects/42/{at}")))
            .and(header("private-token", TOKEN))
            .respond_with(body)
    };
    let bridge = |id: u64, name: &str, child: Value| json!({"id": id, "name": name, "status": "failed", "downstream_pipeline": child});
    let bridges = json!([
        bridge(7, "stacks", json!({"id": 1002, "status": "failed"})),
        bridge(9, "stacks", json!({"id": 1003, "status": "failed"})),
        bridge(10, "other", json!({"id": 1004, "status": "failed"})),
        bridge(11, "not yet", Value::Null),
    ]);
    answer(
        "pipelines/1001/bridges",
        ResponseTemplate::new(200).set_body_json(bridges),
    )
    .mount(&server)
    .await;
    let jobs = json!([{"id": 55, "name": "report", "stage": "report", "status": "failed"}]);
    answer(
        "pipelines/1003/jobs",
        ResponseTemplate::new(200).set_body_json(jobs),
    )
    .mount(&server)
    .await;
    answer(
        "pipelines/1004/jobs",
        ResponseTemplate::new(200).set_body_json(json!([])),
    )
    .mount(&server)
    .await;
    answer(
        "jobs/55/artifacts/portcullis/stacks.json",
        ResponseTemplate::new(200).set_body_string(report),
    )
    .mount(&server)
    .await;
    let mut parent = Job::new();
    parent.api = format!("{}/api/v4", server.uri());
    let token = [("PORTCULLIS_GITLAB_TOKEN", TOKEN)];
    insta::assert_snapshot!("fetch", parent.run_with(&["fetch"], &token));
    assert!(parent.path("portcullis/stacks.txt").exists());
    let mut shown = parent.run_with(&["fetch", "--trigger", "other"], &token);
    shown += &parent.run_with(&["fetch", "--trigger", "not yet"], &token);
    shown += &parent.run(&["fetch"]);
    insta::assert_snapshot!("nothing-to-fetch", shown);
    assert!(
        !parent.path("portcullis/stacks.txt").exists(),
        "an earlier report must not stay"
    );
}

#[test]
fn help() {
    let job = Job::new();
    let shown: String = [
        &["--help"][..],
        &["states", "--help"],
        &["folders", "--help"],
        &["each", "--help"],
    ]
    .map(|arguments| job.run(arguments))
    .join("\n");
    insta::assert_snapshot!("help", shown);
}
