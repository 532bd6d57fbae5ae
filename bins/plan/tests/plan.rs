//! The built binary, with a small program in terraform's place.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Mutex,
};
use tempfile::TempDir;

/// Held while a script is written and while a process is forked: a child forked in between would hold the script
/// open for writing, and Linux does not start such a file ("text file busy").
static FORK: Mutex<()> = Mutex::new(());

const TOKEN: &str = "glcbt-64_never-shown";

/// A folder with a configuration, a fake terraform that notes down how it was called, and an artifact folder.
struct Job {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Job {
    /// `plan.json` and the exit code of `plan` say how the fake behaves; see the script.
    fn new(plan_json: &[u8], plan_exit: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        fs::create_dir(root.join("config")).unwrap();
        for file in fs::read_dir(fixtures().join("config")).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), root.join("config").join(file.file_name())).unwrap();
        }
        fs::write(root.join("shown.json"), plan_json).unwrap();
        let job = Self {
            variables: [
                ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
                ("CI_PROJECT_ID", "42"),
                ("CI_JOB_TOKEN", TOKEN),
                ("PATH", "/usr/bin:/bin"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            folder,
        };
        job.terraform(&format!(
            r#"#!/bin/sh
here="{root}"
echo "$*" >> "$here/calls"
case "$2" in
  init) env | grep '^TF_' | sort > "$here/environment"; echo "Initializing the backend..." ;;
  plan)
    for word in "$@"; do case "$word" in -out=*) printf 'saved plan' > "${{word#-out=}}" ;; esac; done
    echo "with the token $TF_HTTP_PASSWORD"
    [ {plan_exit} = 1 ] && echo "Error: Resource precondition failed"
    exit {plan_exit} ;;
  show) cat "$here/shown.json" ;;
esac
"#,
            root = root.display()
        ));
        job
    }

    fn terraform(&self, script: &str) {
        let _alone = FORK.lock();
        let path = self.path("fake-terraform");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn artifact(&self, name: &str) -> String {
        fs::read_to_string(self.path("portcullis").join(name)).unwrap()
    }

    fn artifacts(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("portcullis")) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn run(&self) -> Run {
        self.run_with(&[
            "--config",
            "config",
            "--terraform",
            "./fake-terraform",
            "--state-name",
            "production",
        ])
    }

    fn run_with(&self, arguments: &[&str]) -> Run {
        let child = {
            let _alone = FORK.lock();
            Command::new(env!("CARGO_BIN_EXE_portcullis-plan"))
                .args(arguments)
                .current_dir(self.folder.path())
                .env_clear()
                .envs(self.variables.iter().map(|(name, value)| (name, value)))
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let output = child.wait_with_output().unwrap();
        Run::new(&output, self.folder.path())
    }
}

/// What a reader sees: both streams and the exit code, the temporary folder taken out.
struct Run {
    code: i32,
    text: String,
}

impl Run {
    fn new(output: &Output, folder: &Path) -> Self {
        let (stdout, stderr) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        let text = format!(
            "--- stdout\n{stdout}--- stderr\n{stderr}--- exit {}",
            output.status.code().unwrap()
        );
        let text = text.replace(folder.to_str().unwrap(), "JOB");
        assert!(!text.contains(TOKEN), "a token in {text}");
        Self {
            code: output.status.code().unwrap(),
            text,
        }
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/estate")
}

fn recorded(name: &str) -> Vec<u8> {
    fs::read(fixtures().join(name).join("plan.json")).unwrap()
}

#[test]
fn a_change_leaves_every_artifact_and_terraform_is_called_as_documented() {
    let job = Job::new(&recorded("2-correct-web-port"), 2);
    let run = job.run();
    assert_eq!(run.code, 0, "{}", run.text);
    insta::assert_snapshot!("a-change", run.text);
    let calls = fs::read_to_string(job.path("calls")).unwrap();
    // The plan lies in a folder of its own meanwhile.
    insta::with_settings!({filters => vec![(r"/\S+/plan.tfplan", "PRIVATE/plan.tfplan")]}, {
        insta::assert_snapshot!("calls", calls);
    });
    insta::assert_snapshot!(
        "terraform-environment",
        fs::read_to_string(job.path("environment"))
            .unwrap()
            .replace(TOKEN, "TOKEN")
    );
    assert_eq!(job.artifact("plan.tfplan"), "saved plan");
    assert_eq!(
        job.artifact("plan.json").into_bytes(),
        recorded("2-correct-web-port")
    );
    insta::assert_snapshot!(job.artifact("plan.txt"), @"with the token [masked]");
    insta::assert_snapshot!(job.artifact("plan-report.json"), @r#"
    {
      "create": 0,
      "update": 1,
      "delete": 0
    }
    "#);
    assert!(
        job.artifact("exposure.txt")
            .starts_with("exposure: opens tcp 8000, closes tcp 8080 ")
    );
    let page = job.artifact("plan.html");
    assert!(page.contains("opens tcp 8000, closes tcp 8080 ") && page.contains("with the token [masked]"));
    assert!(
        job.artifact("exposure.json")
            .contains("\"format_version\": \"1.0\"")
    );
    assert!(
        !job.artifacts().iter().any(|name| name.starts_with('.')),
        "{:?}",
        job.artifacts()
    );
}

#[test]
fn an_empty_plan_says_so_and_passes() {
    let job = Job::new(&recorded("3-nothing-to-do"), 0);
    let run = job.run();
    insta::assert_snapshot!("nothing-to-do", run.text);
    assert!(job.artifacts().contains(&"plan.tfplan".to_owned()));
}

#[test]
fn terraforms_failure_is_passed_on_and_leaves_no_plan() {
    let job = Job::new(&recorded("9-errored"), 1);
    fs::create_dir(job.path("portcullis")).unwrap();
    // From an earlier run: it must not survive as if it were this one's.
    fs::write(job.path("portcullis/plan.tfplan"), "old").unwrap();
    let run = job.run();
    assert_eq!(run.code, 1);
    insta::assert_snapshot!("terraform-fails", run.text);
    assert_eq!(job.artifacts(), ["plan.txt"]);
}

#[test]
fn a_failed_init_ends_with_terraforms_code() {
    let job = Job::new(b"", 0);
    job.terraform("#!/bin/sh\nprintf '\\033[31mError: Failed to get existing workspaces: HTTP error: 503\\n' >&2\nexit 7\n");
    insta::assert_snapshot!("init-fails", job.run().text);
    assert!(job.artifacts().is_empty());
}

#[test]
fn a_failed_plan_shows_no_sensitive_variable() {
    let job = Job::new(b"", 1).with("TF_VAR_token", "canary-from-the-job");
    fs::write(
        job.path("config/secret.tf"),
        "variable \"password\" {\n  sensitive = true\n  default   = \"canary-default\"\n}\n\
         variable \"token\" {\n  sensitive = true\n}\n",
    )
    .unwrap();
    fs::write(
        job.path("config/more.tf.json"),
        r#"{"variable": {"other": {"sensitive": true, "default": "canary-in-json"}}}"#,
    )
    .unwrap();
    // One file that can't be read hides no other.
    fs::write(job.path("config/broken.tfvars"), [0xff]).unwrap();
    job.terraform(
        "#!/bin/sh\n[ \"$2\" = plan ] || exit 0\n\
         echo 'aws_x.a: Refreshing state... [id=canary-default]'\n\
         echo 'Error: cannot sign in with canary-default, canary-from-the-job, canary-in-json'\nexit 1\n",
    );
    let run = job.run();
    assert_eq!(run.code, 1);
    assert!(!run.text.contains("canary"), "{}", run.text);
    assert!(!job.artifact("plan.txt").contains("canary"));
    insta::assert_snapshot!("plan-fails-with-sensitive-variables", run.text);
}

#[test]
fn with_a_key_the_saved_plan_leaves_encrypted() {
    let job = Job::new(&recorded("../rule-styles/3-destroy"), 2)
        .with("PORTCULLIS_PLAN_KEY", &"0123456789abcdef".repeat(4));
    let run = job.run();
    assert_eq!(run.code, 0, "{}", run.text);
    let kept = fs::read(job.path("portcullis/plan.tfplan")).unwrap();
    assert!(kept.starts_with(b"portcullis sealed file, format 1"), "{kept:?}");
    assert!(!kept.windows(10).any(|part| part == b"saved plan"));
    assert!(!job.artifact("plan.json").contains("hunter2"));
    assert!(
        run.text.contains("plan.tfplan is encrypted") && !run.text.contains("WARNING"),
        "{}",
        run.text
    );
    // Told before terraform runs for minutes.
    let bad = Job::new(b"", 2).with("PORTCULLIS_PLAN_KEY", "a password");
    let run = bad.run();
    assert_eq!(run.code, 64, "{}", run.text);
    assert!(!bad.path("calls").exists(), "terraform was started");
}

#[test]
fn bad_input_is_one_clear_error_each() {
    let change = || Job::new(&recorded("2-correct-web-port"), 2);
    let unwritable = change();
    fs::write(unwritable.path("portcullis"), "a file in the folder's place").unwrap();
    // What is wrong, the job, the documented code.
    let table = [
        ("no api address", change().without("CI_API_V4_URL"), 64),
        (
            "api address is no address",
            change().without("CI_API_V4_URL").with("CI_API_V4_URL", "gitlab"),
            64,
        ),
        ("no project", change().without("CI_PROJECT_ID"), 64),
        (
            "no token",
            change().without("CI_JOB_TOKEN").with("CI_JOB_TOKEN", ""),
            64,
        ),
        ("artifact folder is a file", unwritable, 64),
        ("plan json empty", Job::new(b"", 2), 65),
        (
            "plan json cut",
            Job::new(&recorded("2-correct-web-port")[..5000], 2),
            65,
        ),
        ("plan json is a web page", Job::new(b"<html>", 2), 65),
        ("plan json is not text", Job::new(b"\xff\xfe{", 2), 65),
        (
            "plan of another version",
            Job::new(br#"{"format_version": "9.0"}"#, 2),
            65,
        ),
    ];
    let mut all = String::new();
    for (name, job, code) in table {
        let run = job.run();
        assert_eq!(run.code, code, "{name}: {}", run.text);
        let artifacts = job.artifacts();
        assert!(
            artifacts.iter().all(|name| name == "plan.txt"),
            "{name}: {artifacts:?}"
        );
        let errors: Vec<&str> = run
            .text
            .lines()
            .skip_while(|line| !line.starts_with("error: "))
            .collect();
        all.push_str(&format!("## {name}\n{}\n\n", errors.join("\n")));
    }
    insta::assert_snapshot!("bad-input", all);
}

#[test]
fn bad_arguments_end_with_64() {
    let job = Job::new(b"", 0);
    let table: [&[&str]; 5] = [
        &[],
        &["--config", "elsewhere", "--terraform", "./fake-terraform"],
        &["--config", "config", "--terraform", "./no-such-terraform"],
        &["--config", "config"],
        &[
            "--config",
            "config",
            "--terraform",
            "./fake-terraform",
            "--state-name",
            "a/b",
        ],
    ];
    let mut all = String::new();
    for arguments in table {
        let run = job.run_with(arguments);
        assert_eq!(run.code, 64, "{}", run.text);
        all.push_str(&format!("## {arguments:?}\n{}\n\n", run.text));
    }
    insta::assert_snapshot!("bad-arguments", all);
}

#[test]
fn help_shows_examples() {
    let job = Job::new(b"", 0);
    insta::assert_snapshot!("help", job.run_with(&["--help"]).text);
    assert!(
        job.run_with(&["--version"])
            .text
            .contains("portcullis-plan 0.1.0")
    );
}
