//! The child pipeline's text.

use crate::label::{LONGEST_NAME, labels};
use crate::{FanOut, Stack, Yaml};

/// A job of every chain: a name, and the keywords it has in GitLab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its name, and its stage's.
    pub name: String,
    /// What it must leave behind for each stack; see [`crate::Outcome`].
    pub steps: Vec<String>,
    keywords: Option<Yaml>,
}

impl Job {
    /// A job with these keywords (`script`, `id_tokens`, …); the rest is added to them.
    #[must_use]
    pub fn new<S: Into<String>>(
        name: impl Into<String>,
        steps: impl IntoIterator<Item = S>,
        keywords: Yaml,
    ) -> Self {
        Self {
            keywords: Some(keywords),
            ..Self::included(name, steps)
        }
    }

    /// A job whose keywords stand in an included file, as the hidden job of the same name: `.check` for `check`.
    #[must_use]
    pub fn included<S: Into<String>>(name: impl Into<String>, steps: impl IntoIterator<Item = S>) -> Self {
        Self {
            name: name.into(),
            steps: steps.into_iter().map(Into::into).collect(),
            keywords: None,
        }
    }
}

/// How large a child pipeline may get. The defaults fit GitLab.com's smallest plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Jobs in the child pipeline. GitLab.com takes 500 jobs per pipeline on Free, 1500 on Premium, 2000 on Ultimate, and on
    /// Free 500 in all active pipelines of a project together; self-managed instances have no limit unless it is set.
    /// (GitLab docs, "GitLab.com settings", CI/CD; "CI/CD limits".)
    pub jobs: usize,
    /// Bytes of its text. GitLab takes 2 MiB of YAML, older ones 1 MiB (issue 473777); what it counts is the parsed form, which is
    /// larger, so a quarter of that is left.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            jobs: 450,
            bytes: 750_000,
        }
    }
}

/// The child pipeline of a run.
#[derive(Debug, Clone)]
pub struct Pipeline<'a> {
    fan_out: &'a FanOut,
    jobs: Vec<Job>,
    parent: Option<(String, String)>,
    image: Option<String>,
    include: Vec<String>,
    variables: Vec<(String, String)>,
    report: Vec<String>,
}

/// The text, and how large the pipeline is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The YAML.
    pub text: String,
    /// How many chains it has.
    pub chains: usize,
    /// How many jobs it has.
    pub jobs: usize,
    /// How many stacks the longest chain has.
    pub stacks_per_chain: usize,
}

/// The stacks do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// Not even one chain.
    #[error("a child pipeline of {0} jobs has no room for one chain")]
    Jobs(usize),
    /// However few the chains.
    #[error(
        "the child pipeline has {0} bytes however its stacks are put together, which is more than it may have"
    )]
    Bytes(usize),
}

impl TooLarge {
    /// What the reader can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Jobs(_) => {
                "allow more jobs: a chain for each of its jobs, one for the list and one for the report"
            }
            Self::Bytes(_) => "shorten what is passed with `--variable`",
        }
    }
}

/// The job that brings the list of stacks, and the pipeline's Slack thread, from the parent pipeline.
const LIST: &str = "list stacks";
/// The hidden job that every job of a chain extends.
const CHAIN: &str = ".portcullis-chain";
/// The variable with the parent pipeline's number.
const PARENT: &str = "PORTCULLIS_PARENT_PIPELINE";
/// The job that joins what the chains left.
const REPORT: &str = "report";
/// Both of them.
const OWN_JOBS: usize = 2;

impl<'a> Pipeline<'a> {
    /// The pipeline that runs these jobs, one after the other, for each stack.
    #[must_use]
    pub const fn new(fan_out: &'a FanOut, jobs: Vec<Job>) -> Self {
        Self {
            fan_out,
            jobs,
            parent: None,
            image: None,
            include: Vec::new(),
            variables: Vec::new(),
            report: Vec::new(),
        }
    }

    /// With the parent pipeline's number, and the name of its job that has the list among its artifacts.
    #[must_use]
    pub fn parent(mut self, pipeline: impl Into<String>, job: impl Into<String>) -> Self {
        self.parent = Some((pipeline.into(), job.into()));
        self
    }

    /// With the image of all jobs.
    #[must_use]
    pub fn image(mut self, image: impl Into<String>) -> Self {
        self.image = Some(image.into());
        self
    }

    /// With files of the same project to include: their hidden jobs.
    #[must_use]
    pub fn include(mut self, files: impl IntoIterator<Item = String>) -> Self {
        self.include.extend(files);
        self
    }

    /// With a variable for all jobs; one of the same name that was given before goes.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.into()));
        self
    }

    /// With the report job's script.
    #[must_use]
    pub fn report(mut self, script: impl IntoIterator<Item = String>) -> Self {
        self.report.extend(script);
        self
    }

    /// The text. Each stack gets a chain of its own as long as the limits allow it; beyond, stacks share chains, as evenly as can
    /// be.
    ///
    /// # Errors
    /// When the limits leave no room.
    pub fn write(&self, limits: &Limits) -> Result<Written, TooLarge> {
        let stacks: Vec<&Stack> = self.fan_out.chained().collect();
        let room = limits.jobs.saturating_sub(OWN_JOBS) / self.jobs.len().max(1);
        if room == 0 && !stacks.is_empty() {
            return Err(TooLarge::Jobs(limits.jobs));
        }
        let mut chains = stacks.len().min(room);
        loop {
            let shared = share(&stacks, chains);
            let text = self.text(&shared);
            if text.len() <= limits.bytes {
                return Ok(Written {
                    text,
                    chains: shared.len(),
                    jobs: OWN_JOBS + shared.len() * self.jobs.len(),
                    stacks_per_chain: shared.iter().map(|chain| chain.len()).max().unwrap_or(0),
                });
            }
            if chains <= 1 {
                return Err(TooLarge::Bytes(text.len()));
            }
            chains /= 2;
        }
    }

    fn text(&self, chains: &[&[&Stack]]) -> String {
        let longest = self
            .jobs
            .iter()
            .map(|job| job.name.chars().count())
            .max()
            .unwrap_or(0);
        let labels = labels(chains, LONGEST_NAME.saturating_sub(longest + 2));
        let stages = [LIST]
            .into_iter()
            .chain(self.jobs.iter().map(|job| job.name.as_str()));
        let mut entries = vec![
            ("stages".to_owned(), Yaml::list(stages.chain([REPORT]))),
            // In a merge request's pipeline, too: without rules a child's jobs are for branches and tags. (GitLab docs,
            // "Downstream pipelines", child pipelines with merge request pipelines.)
            (
                "workflow".to_owned(),
                Yaml::map([("rules", Yaml::List(vec![Yaml::map([("when", "always".into())])]))]),
            ),
        ];
        if !self.include.is_empty() {
            let files = self
                .include
                .iter()
                .map(|file| Yaml::map([("local", file.as_str().into())]));
            entries.push(("include".to_owned(), Yaml::List(files.collect())));
        }
        let parent = self.parent.iter().map(|(number, _)| (PARENT, number.as_str()));
        let own = self
            .variables
            .iter()
            .filter(|(name, _)| self.parent.is_none() || name != PARENT)
            .map(|(name, value)| (name.as_str(), value.as_str()));
        // GitLab would expand what looks like a variable (GitLab docs, "CI/CD variables", `$$`).
        let variables: Vec<(&str, Yaml)> = parent
            .chain(own)
            .map(|(name, value)| (name, value.replace('$', "$$").into()))
            .collect();
        if !variables.is_empty() {
            entries.push(("variables".to_owned(), Yaml::map(variables)));
        }
        entries.push((LIST.to_owned(), self.list_job()));
        entries.push((CHAIN.to_owned(), self.chain()));
        for job in &self.jobs {
            if let Some(keywords) = &job.keywords {
                entries.push((format!(".{}", job.name), keywords.clone()));
            }
        }
        for (chain, label) in chains.iter().zip(&labels) {
            let mut before: Option<String> = None;
            for job in &self.jobs {
                let name = format!("{}: {label}", job.name);
                entries.push((name.clone(), Self::chain_job(job, chain, before.as_deref())));
                before = Some(name);
            }
        }
        entries.push((REPORT.to_owned(), self.report_job()));
        Yaml::Map(entries).to_text()
    }

    fn with_image(&self, mut keywords: Vec<(String, Yaml)>) -> Yaml {
        if let Some(image) = &self.image {
            keywords.insert(0, ("image".to_owned(), image.as_str().into()));
        }
        Yaml::Map(keywords)
    }

    /// `needs` across pipelines is for single jobs; the report job needs hundreds, and `needs` takes 50. So one job brings the
    /// parent's files, and the stages do the rest. (GitLab docs, "CI/CD YAML syntax reference", `needs:pipeline:job`; "CI/CD
    /// limits", `ci_needs_size_limit`.)
    fn list_job(&self) -> Yaml {
        let mut keywords = vec![
            ("stage".to_owned(), LIST.into()),
            ("interruptible".to_owned(), true.into()),
        ];
        if let Some((pipeline, job)) = &self.parent {
            let need = Yaml::map([
                ("pipeline", pipeline.as_str().into()),
                ("job", job.as_str().into()),
            ]);
            keywords.push(("needs".to_owned(), Yaml::List(vec![need])));
        }
        keywords.push(("script".to_owned(), Yaml::list(["ls -l portcullis/fan-out.json"])));
        keywords.push((
            "artifacts".to_owned(),
            artifacts(&["portcullis/fan-out.json", "portcullis/thread.env"]),
        ));
        self.with_image(keywords)
    }

    /// What all jobs of all chains have in common.
    fn chain(&self) -> Yaml {
        self.with_image(vec![
            ("interruptible".to_owned(), true.into()),
            ("artifacts".to_owned(), artifacts(&["portcullis/stacks/"])),
        ])
    }

    fn chain_job(job: &Job, chain: &[&Stack], before: Option<&str>) -> Yaml {
        let keys: Vec<&str> = chain.iter().map(|stack| stack.key.as_str()).collect();
        let mut keywords = vec![
            // The later wins: where the artifacts are is no matter of the job's own.
            ("extends", Yaml::list([format!(".{}", job.name).as_str(), CHAIN])),
            ("stage", job.name.as_str().into()),
            ("needs", Yaml::list([LIST].into_iter().chain(before))),
        ];
        // One stack's failure must not keep the others in its chain from their next job; that job passes over the failed one.
        if before.is_some() && chain.len() > 1 {
            keywords.push(("when", "always".into()));
        }
        keywords.push((
            "variables",
            Yaml::map([("PORTCULLIS_STACKS", keys.join(",").into())]),
        ));
        Yaml::map(keywords)
    }

    fn report_job(&self) -> Yaml {
        let mut artifacts = artifacts(&["portcullis/"]);
        if let Yaml::Map(entries) = &mut artifacts {
            entries.push((
                "reports".to_owned(),
                Yaml::map([
                    ("junit", "portcullis/stacks.junit.xml".into()),
                    ("annotations", "portcullis/annotations.json".into()),
                ]),
            ));
        }
        let script: Vec<Yaml> = self.report.iter().map(|line| line.as_str().into()).collect();
        self.with_image(vec![
            ("stage".to_owned(), REPORT.into()),
            ("when".to_owned(), "always".into()),
            ("script".to_owned(), Yaml::List(script)),
            ("artifacts".to_owned(), artifacts),
        ])
    }
}

fn artifacts(paths: &[&str]) -> Yaml {
    Yaml::map([
        ("when", "always".into()),
        ("paths", Yaml::list(paths.iter().copied())),
        ("expire_in", "30 days".into()),
        ("access", "developer".into()),
    ])
}

/// The stacks in so many parts, in order, whose sizes differ by at most one.
fn share<'s, 'a>(stacks: &'s [&'a Stack], parts: usize) -> Vec<&'s [&'a Stack]> {
    let (mut rest, mut shared) = (stacks, Vec::with_capacity(parts));
    for left in (1..=parts).rev() {
        let (part, others) = rest.split_at(rest.len().div_ceil(left));
        shared.push(part);
        rest = others;
    }
    shared
}
