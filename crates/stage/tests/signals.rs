//! A cancelled job, seen from outside: what the program that runs for it gets to know.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use std::io::{BufRead as _, BufReader, Lines};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use tempfile::TempDir;

/// A terraform that notes each signal, waits for `signals` of them, and then ends with 1.
struct Job {
    folder: TempDir,
    child: Child,
    stderr: Lines<BufReader<ChildStderr>>,
    said: Vec<String>,
}

impl Job {
    fn start(signals: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("terraform");
        let lines = format!(
            r#"#!/bin/sh
n=0
came() {{
    n=$((n + 1))
    echo "$1" >> "{dir}/came"
    case $n in 1) echo "Interrupt received." ;; *) echo "Two interrupts received." ;; esac
    [ $n -lt {signals} ] || exit 1
}}
trap 'came TERM' TERM
trap 'came INT' INT
echo "pid $$"
while :; do sleep 60 >/dev/null 2>&1 & wait $!; done
"#,
            dir = folder.path().display()
        );
        std::fs::write(&script, lines).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let example = PathBuf::from(
            std::env::current_exe()
                .unwrap()
                .parent()
                .unwrap()
                .parent()
                .unwrap(),
        );
        let mut child = Command::new(example.join("examples/edge"))
            .args(["terraform", "--terraform"])
            .arg(&script)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        Self {
            folder,
            child,
            stderr,
            said: Vec::new(),
        }
    }

    /// Reads on until a line with these words, and gives it.
    fn until(&mut self, words: &str) -> String {
        loop {
            let line = self.stderr.next().unwrap().unwrap();
            self.said.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
    }

    /// The fake's process.
    fn terraform(&mut self) -> String {
        self.until("pid ").replace("pid ", "")
    }

    fn kill(&self, signal: &str, pid: &str) {
        let sent = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -{signal} {pid}"))
            .status()
            .unwrap();
        assert!(sent.success());
    }

    fn kill_us(&self, signal: &str) {
        self.kill(signal, &self.child.id().to_string());
    }

    fn end(mut self) -> (Option<i32>, String, String) {
        for line in self.stderr.by_ref() {
            self.said.push(line.unwrap());
        }
        let code = self.child.wait().unwrap().code();
        let came = std::fs::read_to_string(self.folder.path().join("came")).unwrap();
        (code, came, self.said.join("\n"))
    }
}

#[test]
fn a_signal_to_us_alone_reaches_terraform() {
    for (signal, name) in [("TERM", "SIGTERM"), ("INT", "SIGINT")] {
        let mut job = Job::start(1);
        job.terraform();
        job.kill_us(signal);
        let (code, came, said) = job.end();
        assert_eq!(
            (code, came.as_str()),
            (Some(1), format!("{signal}\n").as_str()),
            "{said}"
        );
        assert!(
            said.contains("Interrupt received."),
            "its last words are heard: {said}"
        );
        assert!(
            !said.contains(&format!("{name}: terraform version has it")),
            "{said}"
        );
    }
}

#[test]
fn a_signal_to_all_processes_reaches_terraform_once() {
    let mut job = Job::start(2);
    let terraform = job.terraform();
    job.kill("TERM", &terraform);
    job.until("Interrupt received.");
    job.kill_us("TERM");
    let told = job.until("SIGTERM");
    insta::assert_snapshot!(told, @"SIGTERM: terraform version has it, too; it finishes what it has begun; wait for it, so that the state is stored and the lock released");
    // The second one is passed on, however.
    job.kill_us("TERM");
    let (code, came, said) = job.end();
    assert_eq!((code, came.as_str()), (Some(1), "TERM\nTERM\n"), "{said}");
}

#[test]
fn a_second_signal_is_passed_on() {
    let mut job = Job::start(2);
    job.terraform();
    job.kill_us("TERM");
    let told = job.until("SIGTERM");
    insta::assert_snapshot!(told, @"SIGTERM: terraform version is told; it finishes what it has begun; wait for it, so that the state is stored and the lock released");
    job.kill_us("TERM");
    let (code, came, said) = job.end();
    assert_eq!((code, came.as_str()), (Some(1), "TERM\nTERM\n"), "{said}");
}
