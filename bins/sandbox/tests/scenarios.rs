//! Every story of the demo, told to its end with the real binaries.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_sandbox::demo::{DemoError, INHERITED, Options, Scenario, run};
use portcullis_sandbox::terminal::Terminal;
use std::path::{Path, PathBuf};
use tokio::sync::Mutex;

/// The web service has one address: one story at a time.
static TURN: Mutex<()> = Mutex::const_new(());

fn options(scenario: Scenario, folder: &Path) -> Options {
    Options {
        scenario,
        keep: Some(folder.join("project")),
        workspace: Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .unwrap()
            .to_owned(),
        cargo: std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from),
        inherited: INHERITED
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
            .collect(),
        terminal: Terminal {
            width: 80,
            ..Terminal::PLAIN
        },
    }
}

/// What a story left.
struct Told {
    exit: u8,
    /// The terminal's text, without what differs from run to run.
    text: String,
    folder: tempfile::TempDir,
}

impl Told {
    fn artifact(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.path().join("project/portcullis").join(name)).ok()
    }

    /// The merge request's one note, as it is at the end, without what differs from run to run.
    fn note(&self) -> String {
        let path = self.folder.path().join("project/logs/merge-request-note.md");
        let note = std::fs::read_to_string(path).unwrap();
        assert_eq!(note.matches("<!-- portcullis: ").count(), 1, "one note: {note}");
        let digest = self.artifact("approval-request.json").map(|request| {
            serde_json::from_str::<serde_json::Value>(&request).unwrap()["digest"].to_string()
        });
        let note = match digest.as_deref().and_then(|digest| digest.get(1..13)) {
            Some(short) => note.replace(short, "DIGEST"),
            None => note,
        };
        note.lines().map(|line| stable_link(line) + "\n").collect()
    }

    /// The lines about the jobs: from the first to the thread.
    fn jobs(&self) -> &str {
        let (jobs, _) = self
            .text
            .split_once("\nThe Slack thread")
            .expect("the thread is shown");
        let start = jobs.find("  ✓ prepare").expect("prepare passes");
        jobs[start..].trim_end()
    }

    /// The thread.
    fn thread(&self) -> &str {
        let (_, thread) = self
            .text
            .split_once("The Slack thread, as its readers see it\n\n")
            .unwrap();
        thread.split_once("\nArtifacts in").unwrap().0.trim_end()
    }
}

async fn tell(scenario: Scenario) -> Told {
    let _turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    let exit = match run(&options(scenario, folder.path()), &mut out).await {
        Ok(exit) => exit,
        Err(error) => panic!("{error}; {}", error.hint().unwrap_or_default()),
    };
    Told {
        exit,
        text: stable(&String::from_utf8(out).unwrap()),
        folder,
    }
}

/// Takes away what differs from run to run: times, ports, digests.
fn stable(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        // What only a first or a contended run says.
        if line.starts_with("Building the stage")
            || line.starts_with("Built in")
            || line.starts_with("Another demo")
        {
            continue;
        }
        let mut words: Vec<String> = line.split(' ').map(stable_word).collect();
        // Counts of what takes its time, and sizes of what holds paths and times.
        for at in 1..words.len() {
            if ["ms", "attempts", "bytes"].contains(&words[at].trim_end_matches(')')) {
                let bracket = if words[at - 1].starts_with('(') { "(" } else { "" };
                words[at - 1] = format!("{bracket}N");
            }
            if words[at - 1] == "asked" && words[at].parse::<u32>().is_ok() {
                words[at] = "N".to_owned();
            }
        }
        // A message's time: `2026-01-31 12:30 UTC`.
        if let Some(at) = words
            .iter()
            .position(|word| word.starts_with("UTC"))
            .filter(|at| *at >= 2)
        {
            words.splice(at - 2..=at, ["TIME".to_owned()]);
        }
        let line = words.join(" ");
        // How far a time is set in depends on its length.
        match line.split_once(" 0.0 s") {
            Some((name, verdict)) => out.push_str(&format!("{} 0.0 s{verdict}", name.trim_end())),
            None => out.push_str(&line),
        }
        out.push('\n');
    }
    out
}

/// The stand-in's port taken out.
fn stable_link(line: &str) -> String {
    match line.split_once("http://127.0.0.1:") {
        Some((before, rest)) => {
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}http://127.0.0.1:PORT{}", stable_link(rest))
        }
        None => line.to_owned(),
    }
}

fn stable_word(word: &str) -> String {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((before, rest)) = word.split_once("http://127.0.0.1:") {
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        return format!("{before}http://127.0.0.1:PORT{rest}");
    }
    if word
        .split_once('.')
        .is_some_and(|(whole, part)| digits(whole) && digits(part) && part.len() == 1)
    {
        return "0.0".to_owned();
    }
    // A digest, or the beginning of one; commits are constant and shorter.
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let hex = bare.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if bare.len() >= 12 && hex {
        return word.replace(bare, "DIGEST");
    }
    // 2026-11-23T20:00:00Z, with or without parts of a second.
    if bare.len() >= 20 && bare.as_bytes()[4] == b'-' && bare.contains('T') && bare.ends_with('Z') {
        return word.replace(bare, "TIME");
    }
    word.to_owned()
}

#[tokio::test]
async fn a_wrong_port_is_corrected() {
    let told = tell(Scenario::CorrectWebPort).await;
    assert_eq!(told.exit, 0, "{}", told.text);
    insta::assert_snapshot!("correct-web-port-jobs", told.jobs());
    insta::assert_snapshot!("correct-web-port-thread", told.thread());
    insta::assert_snapshot!("correct-web-port-note", told.note());
    for name in [
        "plan.tfplan",
        "approval-request.json",
        "approval.json",
        "apply.txt",
        "evidence.json",
    ] {
        assert!(
            told.folder.path().join("project/portcullis").join(name).is_file(),
            "{name}"
        );
    }
    assert!(
        told.artifact("approval.json").unwrap().contains("tomas"),
        "the player is on record"
    );
}

#[tokio::test]
async fn ssh_for_the_world_is_stopped_before_anyone_is_asked() {
    let told = tell(Scenario::OpensSshToTheWorld).await;
    assert_eq!(told.exit, 1, "{}", told.text);
    insta::assert_snapshot!("opens-ssh-to-the-world-jobs", told.jobs());
    assert_eq!(told.artifact("apply.txt"), None, "nothing was applied");
    assert_eq!(told.artifact("approval-request.json"), None, "nobody was asked");
    insta::assert_snapshot!("opens-ssh-to-the-world-thread", told.thread());
    insta::assert_snapshot!("opens-ssh-to-the-world-note", told.note());
}

#[tokio::test]
async fn rules_made_by_hand_are_found() {
    let told = tell(Scenario::HandMadeDrift).await;
    assert_eq!(told.exit, 1, "{}", told.text);
    insta::assert_snapshot!("hand-made-drift-jobs", told.jobs());
    insta::assert_snapshot!("hand-made-drift-thread", told.thread());
    for peer in ["0.0.0.0/0", "198.51.100.7/32"] {
        let consistency = told.artifact("consistency.txt").unwrap();
        assert!(consistency.contains(peer), "{peer} is missing: {consistency}");
    }
}

#[tokio::test]
async fn a_plan_that_was_not_approved_is_refused() {
    let told = tell(Scenario::PlanSwapped).await;
    assert_eq!(told.exit, 3, "{}", told.text);
    insta::assert_snapshot!("plan-swapped-jobs", told.jobs());
    insta::assert_snapshot!("plan-swapped-thread", told.thread());
    assert_eq!(told.artifact("apply.txt"), None, "nothing was applied");
}

#[tokio::test]
async fn the_author_is_not_let_through() {
    let told = tell(Scenario::SelfApproved).await;
    assert_eq!(told.exit, 3, "{}", told.text);
    insta::assert_snapshot!("self-approved-thread", told.thread());
    let refusal = told.artifact("refusal.json").unwrap();
    assert!(
        refusal.contains("nora wrote the commit and must not be the one who deploys it"),
        "{refusal}"
    );
    assert_eq!(told.artifact("apply.txt"), None, "nothing was applied");
}

#[tokio::test]
async fn a_service_that_does_not_answer_fails_the_check() {
    let told = tell(Scenario::ServiceDown).await;
    assert_eq!(told.exit, 1, "{}", told.text);
    insta::assert_snapshot!("service-down-jobs", told.jobs());
    insta::assert_snapshot!("service-down-thread", told.thread());
}

#[tokio::test]
async fn without_slack_the_pipeline_goes_on_and_keeps_what_it_could_not_say() {
    let told = tell(Scenario::SlackDown).await;
    assert_eq!(told.exit, 0, "{}", told.text);
    insta::assert_snapshot!("slack-down-jobs", told.jobs());
    assert!(told.artifact("apply.txt").is_some(), "it was deployed");
    let kept = told.artifact("undelivered.json").unwrap();
    for event in ["requested", "deployed", "finished"] {
        assert!(kept.contains(event), "{event} is not kept: {kept}");
    }
}

#[tokio::test]
async fn a_folder_with_something_in_it_is_left_alone() {
    let _turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let options = options(Scenario::CorrectWebPort, folder.path());
    let project = folder.path().join("project");
    std::fs::create_dir(&project).unwrap();
    std::fs::write(project.join("thesis.txt"), "years of work").unwrap();
    let error = run(&options, &mut Vec::new()).await.unwrap_err();
    assert!(matches!(error, DemoError::NotEmpty(_)), "{error}");
    assert_eq!(error.exit_code(), 64);
    assert_eq!(
        std::fs::read_to_string(project.join("thesis.txt")).unwrap(),
        "years of work"
    );
}

#[tokio::test]
async fn a_taken_port_is_one_clear_error() {
    let _turn = TURN.lock().await;
    let _taken = std::net::TcpListener::bind("127.255.27.217:8080").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let error = run(&options(Scenario::CorrectWebPort, folder.path()), &mut Vec::new())
        .await
        .unwrap_err();
    insta::assert_snapshot!(error, @"cannot listen on 127.255.27.217:8080");
    insta::assert_snapshot!(
        error.hint().unwrap(),
        @"another program listens on port 8080; end it (another demo, perhaps) and try again"
    );
}
