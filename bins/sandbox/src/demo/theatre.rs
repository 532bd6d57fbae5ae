//! The stage of one scenario: the stand-ins, the project's folder, and the jobs played on it.

use super::build::{self, Binaries, BuildError};
use super::environment::{self, Commit, JobFacts};
use super::pipeline::{Command, JOBS, JobPlan, WATCH, When};
use super::run::{DemoError, Options};
use super::scenario::Scenario;
use super::screen::{Ending, Screen};
use crate::checkout::check_out;
use crate::clock;
use crate::estate::{self, GITLAB_TOKEN, SLACK_CHANNEL, SLACK_TOKEN, STATE_NAME};
use crate::fault::Fault;
use crate::files;
use crate::gitlab::wire::LockedWrite;
use crate::gitlab::{Gitlab, JobStatus, Role, User};
use crate::recording::{Recording, StateHead};
use crate::slack::{Slack, Workspace, reader};
use crate::terminal::{Style, Styled};
use crate::web_service::WebService;
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Everything a scenario needs while it runs.
pub(super) struct Theatre<'a> {
    options: &'a Options,
    binaries: Binaries,
    gitlab: Gitlab,
    slack: Slack,
    pub(super) web: WebService,
    commit: Commit,
    author: User,
    player: User,
    folder: PathBuf,
    artifacts: PathBuf,
    logs: PathBuf,
    fixtures: PathBuf,
}

impl<'a> Theatre<'a> {
    pub(super) async fn set_up(options: &'a Options, binaries: Binaries) -> Result<Self, DemoError> {
        let scenario = options.scenario;
        let folder = project_folder(options)?;
        let fixtures = options.workspace.join("fixtures/estate");
        let before = files::read(&fixtures.join(scenario.before()).join("state.json"))?;

        let author = estate::author();
        let player = if scenario == Scenario::SelfApproved {
            User {
                role: Role::Maintainer,
                ..author.clone()
            }
        } else {
            estate::approver()
        };
        let commit = estate::commit(scenario.commit_title());
        let mut project = estate::project(&commit);
        let head = StateHead::read(&before).map_err(DemoError::State)?;
        project.states.seed(STATE_NAME, head.serial, before.clone());
        project.grant(GITLAB_TOKEN, estate::bot());

        let gitlab = Gitlab::start(0, project, LockedWrite::default()).await?;
        let slack = Slack::start(0, Workspace::new(SLACK_TOKEN)).await?;
        let mut web = if scenario == Scenario::ServiceDown {
            WebService::stubborn()
        } else {
            WebService::default()
        };
        web.follow(&before).await?;
        if scenario == Scenario::SlackDown {
            slack.faults.set(Fault::Unavailable);
        }

        let theatre = Self {
            artifacts: folder.join("portcullis"),
            logs: folder.join("logs"),
            options,
            binaries,
            gitlab,
            slack,
            web,
            commit,
            author,
            player,
            folder,
            fixtures,
        };
        let recording = theatre.fixtures.join(scenario.recording());
        check_out(&options.workspace, &recording, &theatre.folder)?;
        files::create_folder(&theatre.artifacts)?;
        files::create_folder(&theatre.logs)?;
        Ok(theatre)
    }

    /// All jobs, then what they left. Gives the exit code of the first that failed.
    pub(super) async fn play(&mut self, screen: &mut Screen<'_>) -> Result<u8, DemoError> {
        let mut exit = 0;
        for (index, job) in JOBS.iter().enumerate() {
            let due = match job.when {
                When::OnSuccess | When::Manual => exit == 0,
                When::OnFailure => exit != 0,
                When::Always => true,
            };
            if !due {
                self.skip(index);
                // That nothing failed is told by every other line.
                if job.when != When::OnFailure {
                    screen.skipped(job.name);
                }
                continue;
            }
            self.before(job, screen)?;
            let code = self.run_job(index, job, screen).await?;
            if exit == 0 {
                exit = code;
            }
            self.after(job, code).await?;
        }
        self.days_after(screen).await?;
        self.keep_note()?;
        self.keep_thread()?;
        self.show_thread(screen);
        self.show_artifacts(screen)?;
        Ok(exit)
    }

    /// The days after the pipeline: each compares the three views again, and says what is new. They change nothing of how the
    /// pipeline ended.
    async fn days_after(&self, screen: &mut Screen<'_>) -> Result<(), DemoError> {
        let watch = self.folder.join("watch");
        for (day, later) in self.options.scenario.later().iter().enumerate() {
            if day == 0 {
                // What the pipeline has found: the first day says what is new since then.
                let Ok(found) = files::read(&self.artifacts.join("consistency.json")) else {
                    return Ok(());
                };
                screen.blank();
                files::create_folder(&watch)?;
                files::write(&watch.join("consistency.json"), &found)?;
            }
            let recorded = self.fixtures.join(later.recording);
            files::write(
                &watch.join("state.json"),
                &files::read(&recorded.join("state.json"))?,
            )?;
            files::remove_folder(&watch.join("live"))?;
            files::copy_folder(&recorded.join("aws"), &watch.join("live"))?;
            screen.event(&format!("{} (recording {})", later.what, later.recording));
            let started = build::now();
            let log = self.logs.join(format!("later-{}.log", later.recording));
            files::write(&log, b"")?;
            screen.working(&WATCH.line());
            let (code, said) = self.run_command(&WATCH, &self.options.inherited, &log).await?;
            let ending = if code == 0 {
                Ending::Passed
            } else {
                Ending::Failed(code)
            };
            screen.job("verify", started.elapsed(), &ending);
            let report = files::read_text(&watch.join("consistency.txt")).unwrap_or(said);
            for line in report.lines().filter(|line| is_news(line)) {
                screen.report(line.trim_start());
            }
        }
        Ok(())
    }

    /// The merge request's note beside the logs, as GitLab has it at the end.
    fn keep_note(&self) -> Result<(), DemoError> {
        let bodies: Vec<String> = self
            .gitlab
            .project()
            .notes
            .iter()
            .map(|note| note.body.clone())
            .collect();
        files::write(
            &self.logs.join("merge-request-note.md"),
            bodies.join("\n\n").as_bytes(),
        )?;
        Ok(())
    }

    /// What the story has happen before a job.
    fn before(&mut self, job: &JobPlan, screen: &mut Screen<'_>) -> Result<(), DemoError> {
        let scenario = self.options.scenario;
        match job.name {
            "deploy" => {
                if scenario == Scenario::PlanSwapped {
                    let other = Recording::open(&self.fixtures.join("10-opens-ssh-to-the-world"))?;
                    files::write(&self.artifacts.join("plan.tfplan"), &other.plan_file()?)?;
                    screen.event(
                        "portcullis/plan.tfplan is replaced by a plan that opens SSH to the world, as anyone who \
                         can write artifacts could",
                    );
                }
                screen.event(&format!(
                    "{} (@{}) plays the manual job; the author is {} (@{})",
                    self.player.name, self.player.login, self.author.name, self.author.login
                ));
            }
            "verify" => {
                files::copy_folder(
                    &self.fixtures.join(scenario.live()).join("aws"),
                    &self.folder.join("live"),
                )?;
                if scenario == Scenario::HandMadeDrift {
                    screen.event("somebody opens SSH by hand: to the world on web, to one address on admin");
                }
                screen.event("EC2's recorded answers stand in for portcullis-inspect: no AWS SDK to build");
            }
            _ => {}
        }
        Ok(())
    }

    /// What follows from a job: the service moves to where the state says.
    async fn after(&mut self, job: &JobPlan, code: u8) -> Result<(), DemoError> {
        if job.name == "deploy" && code == 0 {
            let state = self
                .gitlab
                .project()
                .states
                .read(STATE_NAME)
                .ok()
                .flatten()
                .map(<[u8]>::to_vec);
            if let Some(state) = state {
                self.web.follow(&state).await?;
            }
        }
        // Nothing but the artifacts passes from job to job.
        files::remove_folder(&self.folder.join("terraform/.terraform"))?;
        Ok(())
    }

    fn skip(&self, index: usize) {
        let mut project = self.gitlab.project();
        if let Some(id) = project.jobs.get(index).map(|job| job.id) {
            project.set_status(id, JobStatus::Skipped);
        }
    }

    /// Runs a job's commands, and gives the exit code of the first that failed.
    async fn run_job(&self, index: usize, job: &JobPlan, screen: &mut Screen<'_>) -> Result<u8, DemoError> {
        let manual = job.when == When::Manual;
        let user = if manual { &self.player } else { &self.author };
        let started = build::now();
        let stamp = clock::stamp();
        let (id, variables) = {
            let mut project = self.gitlab.project();
            let id = project.jobs.get(index).map_or(0, |job| job.id);
            let token = format!("glcbt-64_sandbox-not-a-secret-{id}");
            if manual {
                // Its stage is reached: it waits, and is played.
                project.set_status(id, JobStatus::Manual);
                project.play(id, user);
            }
            project.start_job(id, &token, user.clone(), &stamp);
            let facts = JobFacts {
                id,
                name: job.name,
                stage: job.stage,
                manual,
                token: &token,
                user,
                started_at: &stamp,
            };
            let folder = self.folder.display().to_string();
            (
                id,
                environment::variables(&self.gitlab.url(), &folder, &project, &self.commit, &facts),
            )
        };
        let variables = self.with_ours(variables)?;

        let log = self
            .logs
            .join(format!("{:02}-{}.log", index + 1, job.name.replace(' ', "-")));
        files::write(&log, b"")?;
        let mut failed: Option<(&Command, u8, String)> = None;
        let mut lost = Vec::new();
        for command in job.commands {
            if failed.is_some() && !command.tells {
                continue;
            }
            screen.working(&format!("{}: {}", job.name, command.line()));
            let (code, said) = self.run_command(command, &variables, &log).await?;
            lost.extend(
                said.lines()
                    .filter(|line| line.contains("not delivered"))
                    .map(str::to_owned),
            );
            if code != 0 && failed.is_none() {
                failed = Some((command, code, said));
            }
        }
        let (status, ending) = match &failed {
            None => (JobStatus::Success, Ending::Passed),
            Some((_, code, _)) => (JobStatus::Failed, Ending::Failed(*code)),
        };
        self.gitlab.project().end_job(id, status, &clock::stamp());
        screen.job(job.name, started.elapsed(), &ending);
        match &failed {
            None => {
                for name in job.reports {
                    let text = files::read_text(&self.artifacts.join(name)).unwrap_or_default();
                    screen.report(text.lines().next().unwrap_or_default());
                }
            }
            Some((command, _, said)) => {
                screen.quoted(&format!("$ {}", command.line()));
                screen.quoted(&tail(said, QUOTED_LINES));
            }
        }
        for line in &lost {
            screen.report(line);
        }
        Ok(failed.map_or(0, |(_, code, _)| code))
    }

    /// Our own variables, beside GitLab's.
    fn with_ours(&self, mut variables: Vec<(String, String)>) -> Result<Vec<(String, String)>, DemoError> {
        let recording = self.fixtures.join(self.options.scenario.recording());
        let terraform = self
            .binaries
            .path(build::REPLAYED_TERRAFORM)
            .ok_or_else(|| BuildError::Missing(build::REPLAYED_TERRAFORM.to_owned()))?;
        let mut set = |name: &str, value: String| variables.push((name.to_owned(), value));
        set("PORTCULLIS_TERRAFORM", terraform.display().to_string());
        set("PORTCULLIS_REPLAY", recording.display().to_string());
        set("PORTCULLIS_STATE_NAME", STATE_NAME.to_owned());
        set("PORTCULLIS_GITLAB_TOKEN", GITLAB_TOKEN.to_owned());
        set("PORTCULLIS_SLACK_TOKEN", SLACK_TOKEN.to_owned());
        set("PORTCULLIS_SLACK_CHANNEL", SLACK_CHANNEL.to_owned());
        set("PORTCULLIS_SLACK_URL", self.slack.url());
        // A stand-in that is away stays away: waiting for it would only be slow.
        set("PORTCULLIS_RETRY_WAIT", "0.05".to_owned());
        // The recorded estate's public address is one of this machine's.
        set("PORTCULLIS_ASK_LOOPBACK", "true".to_owned());
        // As the pipeline's file sets it for all jobs.
        set("PORTCULLIS_ARTIFACTS", "portcullis".to_owned());
        variables.extend(self.options.inherited.iter().cloned());
        // A dotenv report hands variables to all later jobs.
        if let Ok(text) = files::read_text(&self.artifacts.join("thread.env")) {
            variables.extend(environment::dotenv(&text));
        }
        Ok(variables)
    }

    /// Runs one command; its words go to the log, in order, and are given back.
    async fn run_command(
        &self,
        command: &Command,
        variables: &[(String, String)],
        log: &Path,
    ) -> Result<(u8, String), DemoError> {
        let program = |source| DemoError::Program {
            program: command.program.to_owned(),
            source,
        };
        let path = self
            .binaries
            .path(command.program)
            .ok_or_else(|| BuildError::Missing(command.program.to_owned()))?;
        files::append(log, format!("$ {}\n", command.line()).as_bytes())?;
        let before = files::read(log)?.len();
        let words = files::open_for_appending(log)?;
        let more_words = words.try_clone().map_err(program)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "a job's commands are started with argument vectors"
        )]
        let mut child = tokio::process::Command::new(path);
        let status = child
            .args(command.arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(words)
            .stderr(more_words)
            .kill_on_drop(true)
            .status()
            .await
            .map_err(program)?;
        let said = files::read(log)?.split_off(before);
        let Some(code) = status.code() else {
            return Err(program(io::Error::other(format!("it was killed ({status})"))));
        };
        // Exit codes have eight bits.
        let code = u8::try_from(code & 0xff).unwrap_or(70);
        Ok((code, String::from_utf8_lossy(&said).into_owned()))
    }

    /// What was posted, as it stands at the end, for whoever wants to check it: `slack.json`.
    fn keep_thread(&self) -> Result<(), DemoError> {
        let messages = self.slack.workspace().posted();
        if !messages.is_empty() {
            let text = format!("{:#}\n", Value::Array(messages));
            files::write(&self.logs.join("slack.json"), text.as_bytes())?;
        }
        Ok(())
    }

    fn show_thread(&self, screen: &mut Screen<'_>) {
        screen.heading("The Slack thread, as its readers see it");
        let workspace = self.slack.workspace();
        for line in reader::channel(&workspace, screen.width()) {
            screen.line(&line);
        }
        if workspace.messages.is_empty() {
            screen.paragraph("Nothing was posted.", Style::Plain);
            self.show_undelivered(screen);
        }
        for (method, error) in &workspace.refused {
            screen.line(&Styled::new(&format!("refused: {method}: {error}"), Style::Bad));
        }
    }

    /// What would have been said, as the pipeline kept it.
    fn show_undelivered(&self, screen: &mut Screen<'_>) {
        let text = files::read_text(&self.artifacts.join("undelivered.json")).unwrap_or_default();
        let kept: Value = serde_json::from_str(&text).unwrap_or_default();
        let Some(messages) = kept["messages"].as_array() else {
            return;
        };
        screen.paragraph(
            "portcullis/undelivered.json keeps what was to be said:",
            Style::Plain,
        );
        screen.blank();
        for message in messages {
            let said = message["text"].as_str().unwrap_or_default();
            let start: Vec<&str> = said
                .lines()
                .take(2)
                .map(|line| line.trim_start_matches("• "))
                .collect();
            let event = message["event"].as_str().unwrap_or_default();
            screen.table_row(event, &start.join(" · "));
        }
    }

    fn show_artifacts(&self, screen: &mut Screen<'_>) -> Result<(), DemoError> {
        let workspace = &self.options.workspace;
        let near = |path: &Path| path.strip_prefix(workspace).unwrap_or(path).display().to_string();
        screen.heading(&format!("Artifacts in {}", near(&self.artifacts)));
        let mut cells = Vec::new();
        for name in files::list(&self.artifacts)? {
            let size = files::size(&self.artifacts.join(&name))?;
            cells.push((name, human_size(size)));
        }
        let name_width = cells
            .iter()
            .map(|(name, _)| name.chars().count())
            .max()
            .unwrap_or(0);
        let cell_width = name_width + 12;
        let columns = (screen.width().saturating_sub(2) / cell_width.max(1)).clamp(1, 3);
        let rows = cells.len().div_ceil(columns);
        for row in 0..rows {
            let mut line = Styled::new("  ", Style::Plain);
            for column in 0..columns {
                if let Some((name, size)) = cells.get(column * rows + row) {
                    line.push(&format!("{name:<name_width$} "), Style::Plain);
                    line.push(&format!("{size:>8}   "), Style::Dim);
                }
            }
            screen.line(&line.trimmed());
        }
        screen.blank();
        screen.line(&Styled::new(
            &format!("The jobs' logs are in {}.", near(&self.logs)),
            Style::Plain,
        ));
        Ok(())
    }
}

/// Whether a line of a comparison tells what differs: the headline, what is new, and the rules with a mark. What the policy
/// says of them is in the report.
fn is_news(line: &str) -> bool {
    let starts = ["consistency:", "! ", "? ", "  + ", "  - ", "  since "];
    starts.iter().any(|start| line.starts_with(start)) && !line.starts_with("! live:")
}

/// How much of a failed command's words the demo shows; the log has them all.
const QUOTED_LINES: usize = 40;

/// The last lines of a text.
fn tail(text: &str, most: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    match lines.len().checked_sub(most) {
        None | Some(0) => lines.join("\n"),
        Some(cut) => format!("… {cut} lines before\n{}", lines[cut..].join("\n")),
    }
}

/// Bytes for people.
fn human_size(bytes: u64) -> String {
    // No size here loses anything that is shown.
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// The folder to keep must be empty, or not there.
pub(super) fn check_keep(options: &Options) -> Result<(), DemoError> {
    match &options.keep {
        Some(folder) if !files::list(folder)?.is_empty() => Err(DemoError::NotEmpty(folder.clone())),
        _ => Ok(()),
    }
}

/// The project's folder, empty.
fn project_folder(options: &Options) -> Result<PathBuf, DemoError> {
    check_keep(options)?;
    let folder = match &options.keep {
        Some(folder) => folder.clone(),
        None => {
            let folder = options
                .workspace
                .join("target/demo")
                .join(options.scenario.name());
            files::remove_folder(&folder)?;
            folder
        }
    };
    files::create_folder(&folder)?;
    Ok(files::absolute(&folder)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_text_is_kept() {
        assert_eq!(tail("a\nb\nc\n", 3), "a\nb\nc");
        assert_eq!(tail("a\nb\nc\nd\n", 2), "… 2 lines before\nc\nd");
    }

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(
            [0, 999, 1000, 94_807, 2_500_000].map(human_size),
            ["0 B", "999 B", "1.0 kB", "94.8 kB", "2.5 MB"]
        );
    }
}
