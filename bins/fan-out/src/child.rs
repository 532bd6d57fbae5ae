//! The child pipeline, written.

use crate::jobs;
use clap::builder::NonEmptyStringValueParser;
use portcullis_stacks::{FanOut, Job, Limits, Pipeline};
use portcullis_stage::{ArtifactArgs, Exit, Failure, Stage};
use std::collections::BTreeSet;
use std::str::FromStr;

pub(crate) const LIST: &str = "fan-out.json";
const PIPELINE: &str = "fan-out.yml";

/// What the child pipeline is like.
#[derive(Debug, clap::Args)]
pub(crate) struct ChildArgs {
    /// Image of the child's jobs
    #[arg(long, value_name = "IMAGE", env = "PORTCULLIS_IMAGE", hide_env_values = true)]
    image: Option<String>,
    /// Most jobs that the child pipeline may have; more stacks than that share chains
    #[arg(long, value_name = "N", default_value_t = Limits::default().jobs)]
    most_jobs: usize,
    /// A job of each chain, in order: its keywords are those of the hidden job `.NAME` in the included file; with STEPs when it
    /// calls `each` under other names than its own
    #[arg(long = "job", value_name = "NAME[=STEP,STEP]", requires = "include")]
    jobs: Vec<JobName>,
    /// A file of this project with the hidden jobs that the chains are made of
    #[arg(long, value_name = "FILE", requires = "jobs")]
    include: Vec<String>,
    /// A variable of this job to hand to the child's jobs, by its name; nothing else is handed on
    #[arg(long = "variable", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    variables: Vec<String>,
    #[command(flatten)]
    pub(crate) artifacts: ArtifactArgs,
}

/// A job's name and its steps.
#[derive(Debug, Clone)]
struct JobName {
    name: String,
    steps: Vec<String>,
}

impl FromStr for JobName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, steps) = text.split_once('=').unwrap_or((text, text));
        let steps: Vec<String> = steps.split(',').map(str::to_owned).collect();
        let is_word = |word: &String| {
            (1..=40).contains(&word.len())
                && word
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        let name = name.to_owned();
        if !is_word(&name) || !steps.iter().all(is_word) {
            return Err("a name has up to 40 letters, digits, - and _");
        }
        if ["report", "portcullis-chain"].contains(&name.as_str()) {
            return Err("the child pipeline has a job of that name of its own");
        }
        Ok(Self { name, steps })
    }
}

impl ChildArgs {
    /// The jobs of each chain.
    pub(crate) fn jobs(&self, usual: Vec<Job>) -> Vec<Job> {
        if self.jobs.is_empty() {
            return usual;
        }
        let own = |job: &JobName| Job::included(&job.name, &job.steps);
        self.jobs.iter().map(own).collect()
    }

    /// Whether the chains are the project's own.
    pub(crate) const fn is_own(&self) -> bool {
        !self.jobs.is_empty()
    }

    /// A name twice would be a key twice in the pipeline's text, or a job that needs itself.
    fn check_names(&self) -> Result<(), Failure> {
        let steps = self.jobs.iter().flat_map(|job| &job.steps);
        for (what, name) in [
            ("the variable", twice(self.variables.iter())),
            ("the job", twice(self.jobs.iter().map(|job| &job.name))),
            ("the step", twice(steps)),
        ] {
            if let Some(name) = name {
                let name = name.clone();
                return Err(Failure::usage(Twice { what, name }).hint("give it once"));
            }
        }
        Ok(())
    }

    /// Refuses names that stand there twice, and takes away what an earlier run wrote: it must not be taken for this one's.
    pub(crate) fn begin(&self, stage: &Stage) -> Result<(), Failure> {
        self.check_names()?;
        let artifacts = stage.artifacts(&self.artifacts.folder);
        artifacts.remove(LIST)?;
        Ok(artifacts.remove(PIPELINE)?)
    }

    /// Writes the list and the child pipeline, and says how large it is. `more` are variables beside those that are named.
    pub(crate) fn write(
        &self,
        fan_out: &FanOut,
        jobs: Vec<Job>,
        more: &[(&str, &str)],
        stage: &Stage,
    ) -> Result<Exit, Failure> {
        let mut pipeline = Pipeline::new(fan_out, jobs)
            .include(self.include.iter().cloned())
            .report(jobs::report());
        let job = stage.ci();
        if let (Some(number), Some(name)) = (job.pipeline_id, &job.job_name) {
            pipeline = pipeline.parent(number.to_string(), name);
        }
        if let Some(image) = self.image.as_deref().filter(|image| !image.is_empty()) {
            pipeline = pipeline.image(image);
        }
        for (name, value) in more {
            pipeline = pipeline.variable(*name, *value);
        }
        for name in &self.variables {
            if more.iter().any(|(known, _)| known == name) {
                continue;
            }
            let value = stage.require(name, "a value, or take `--variable` away")?;
            if stage.redact(value) != value {
                return Err(Failure::usage(Secret { name: name.clone() }).hint(
                    "GitLab gives the project's variables to the child's jobs as it gives them to this one: leave it out",
                ));
            }
            pipeline = pipeline.variable(name, value);
        }
        let limits = Limits {
            jobs: self.most_jobs,
            ..Limits::default()
        };
        let written = pipeline.write(&limits).map_err(|error| {
            let hint = error.hint();
            Failure::usage(error).hint(hint)
        })?;
        for note in &fan_out.notes {
            stage.say(format!("note: {note}"));
        }
        for stack in fan_out.stacks.iter().filter(|stack| stack.left_out.is_some()) {
            let why = stack.left_out.as_deref().unwrap_or_default();
            stage.say(format!("left out: {}: {why}", stack.name));
        }
        let chained = fan_out.chained().count();
        let artifacts = stage.artifacts(&self.artifacts.folder);
        artifacts.write_text(LIST, &fan_out.to_json().map_err(Failure::internal)?)?;
        artifacts.write_text(PIPELINE, &written.text)?;
        let shared = match written.stacks_per_chain {
            0 | 1 => String::new(),
            most => format!(
                ", up to {most} in one chain, since there may be {} jobs (`--most-jobs`)",
                self.most_jobs
            ),
        };
        stage.say(format!(
            "{}, {} chain{}, {} jobs, {} bytes in {}{shared}",
            fan_out.kind.count(chained),
            written.chains,
            if written.chains == 1 { "" } else { "s" },
            written.jobs,
            written.text.len(),
            artifacts.path(PIPELINE).display()
        ));
        Ok(Exit::Pass)
    }
}

/// The first that stands there a second time.
fn twice<'a>(names: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let mut seen = BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

#[derive(Debug, thiserror::Error)]
#[error("{what} {name} is named more than once")]
struct Twice {
    what: &'static str,
    name: String,
}

#[derive(Debug, thiserror::Error)]
#[error("the variable {name} holds a secret, and a child pipeline's text is no place for one")]
struct Secret {
    name: String,
}
