//! What the gate stands on, and where that ground is soft.
//!
//! The guard compares what it finds with what was sealed. That proves little when whoever wrote the change also wrote the
//! pipeline file, the policy or the list of approvers that came with it. Such places are found here and told; the guard's
//! rules say which of them close the gate.

use jiff::SignedDuration;
use std::fmt;

/// A place where the ground is soft, by the word that the guard's rules use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Concern {
    /// The branch is not protected, or nobody says so.
    RefNotProtected,
    /// The environment is not protected, and could be.
    EnvironmentNotProtected,
    /// Whether the environment is protected cannot be read.
    EnvironmentNotKnown,
    /// The pipeline file stands in the repository it checks.
    PipelineInRepository,
    /// The change touches the pipeline file, or a local file that it includes.
    PipelineChanged,
    /// The guard's rules stand in the checkout.
    GuardInRepository,
    /// The change touches the guard's rules.
    GuardChanged,
    /// The branch has moved on to another commit.
    CommitSuperseded,
    /// The change loosens the policy.
    PolicyLoosened,
    /// The change touches the policy, and loosens nothing in it.
    PolicyChanged,
    /// Whether the change touches one of these cannot be read.
    NotCompared,
    /// This machine's clock is not GitLab's.
    ClockDiffers,
}

/// What a concern does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Closes the gate.
    Refuse,
    /// Is told with the request, in the deploy log and in the record.
    Say,
    /// Is not told: it is so in most projects.
    Ignore,
}

impl Concern {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 12] = [
        Self::RefNotProtected,
        Self::PolicyLoosened,
        Self::GuardChanged,
        Self::PolicyChanged,
        Self::PipelineChanged,
        Self::GuardInRepository,
        Self::NotCompared,
        Self::CommitSuperseded,
        Self::EnvironmentNotProtected,
        Self::ClockDiffers,
        Self::PipelineInRepository,
        Self::EnvironmentNotKnown,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RefNotProtected => "ref-not-protected",
            Self::EnvironmentNotProtected => "environment-not-protected",
            Self::EnvironmentNotKnown => "environment-not-known",
            Self::PipelineInRepository => "pipeline-in-repository",
            Self::PipelineChanged => "pipeline-changed",
            Self::GuardInRepository => "guard-in-repository",
            Self::GuardChanged => "guard-changed",
            Self::PolicyLoosened => "policy-loosened",
            Self::PolicyChanged => "policy-changed",
            Self::CommitSuperseded => "commit-superseded",
            Self::NotCompared => "not-compared",
            Self::ClockDiffers => "clock-differs",
        }
    }

    /// What it does unless the guard's rules say otherwise.
    #[must_use]
    pub const fn weight(self) -> Weight {
        match self {
            Self::RefNotProtected | Self::PolicyLoosened | Self::GuardChanged => Weight::Refuse,
            Self::PolicyChanged
            | Self::PipelineChanged
            | Self::GuardInRepository
            | Self::NotCompared
            | Self::CommitSuperseded
            | Self::EnvironmentNotProtected
            | Self::ClockDiffers => Weight::Say,
            Self::PipelineInRepository | Self::EnvironmentNotKnown => Weight::Ignore,
        }
    }

    /// What the reader can do when it closes the gate.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::RefNotProtected => {
                "protect the branch in GitLab (Settings, Repository), then start a new pipeline"
            }
            Self::EnvironmentNotProtected | Self::EnvironmentNotKnown => {
                "protect the environment in GitLab (Settings, CI/CD), and let PORTCULLIS_GITLAB_TOKEN read it: with the role \
                 Maintainer"
            }
            Self::PipelineInRepository => {
                "keep the pipeline file in a project of its own (Settings, CI/CD, General pipelines)"
            }
            Self::PipelineChanged | Self::GuardChanged | Self::PolicyLoosened | Self::PolicyChanged => {
                "merge that part by itself first, then the rest: each is then judged by what was there before it"
            }
            Self::GuardInRepository => "keep the guard file in a CI/CD variable of the type File",
            Self::NotCompared => {
                "let the job read the repository: GitLab 18, or PORTCULLIS_GITLAB_TOKEN with the scope read_api"
            }
            Self::CommitSuperseded => "deploy from the newest pipeline of the branch",
            Self::ClockDiffers => "set the clock of the runner's machine",
        }
    }
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A concern with what was found, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Which concern.
    pub concern: Concern,
    /// The sentence, without a full stop.
    pub text: String,
}

/// What the gate stands on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ground {
    /// The branch or tag.
    pub ref_name: String,
    /// Whether it is protected; `None` when nobody says.
    pub ref_protected: Option<bool>,
    /// The commit that the branch stands at now, when it is another than the one to be deployed.
    pub superseded_by: Option<String>,
    /// The environment that is deployed to.
    pub environment: DeployedTo,
    /// The pipeline file.
    pub pipeline_file: Option<Place>,
    /// The file with the guard's rules, when there is one.
    pub guard_file: Option<Place>,
    /// The policy's files.
    pub policies: Vec<Place>,
    /// What the change loosens in the policy, each in a sentence.
    pub loosened: Vec<String>,
    /// Why what the change loosens in the policy cannot be told.
    pub not_comparable: Option<String>,
    /// How far this machine's clock is before GitLab's.
    pub clock: Option<SignedDuration>,
}

/// The environment of the job that deploys. No other job is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DeployedTo {
    /// This is another job.
    #[default]
    NotAsked,
    /// This is that job, and it is in none.
    None,
    /// The job is in this one.
    Environment {
        /// Its name.
        name: String,
        /// Whether it is protected; `None` when that cannot be read.
        protected: Option<bool>,
    },
}

/// Where a file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Not in the repository of the change.
    Elsewhere(String),
    /// In the repository of the change.
    Repository {
        /// The path.
        path: String,
        /// Whether the change touches it.
        since: Since,
    },
}

/// What a change does to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// Nothing.
    Same,
    /// It writes it anew.
    New,
    /// It changes it.
    Changed,
    /// This cannot be read; why.
    NotKnown(String),
}

/// Two machines' clocks may differ by this much.
pub(crate) const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

impl Ground {
    /// Where it is soft.
    #[must_use]
    pub fn remarks(&self) -> Vec<Remark> {
        let mut found = Vec::new();
        let mut say = |concern, text: String| found.push(Remark { concern, text });
        let branch = &self.ref_name;
        match self.ref_protected {
            Some(true) => {}
            Some(false) => say(
                Concern::RefNotProtected,
                format!(
                    "the branch {branch} is not protected: whoever may push to it can change what is checked"
                ),
            ),
            None => say(
                Concern::RefNotProtected,
                format!("nobody says that the branch {branch} is protected"),
            ),
        }
        if let Some(head) = &self.superseded_by {
            let head: String = head.chars().take(8).collect();
            say(
                Concern::CommitSuperseded,
                format!("the branch {branch} has moved on to {head} since: this is not its newest commit"),
            );
        }
        let touched: Vec<(&str, &Since)> = self
            .policies
            .iter()
            .filter_map(|place| match place {
                Place::Repository { path, since } if matches!(since, Since::Changed | Since::New) => {
                    Some((path.as_str(), since))
                }
                _ => None,
            })
            .collect();
        if let Some((first, more)) = self.loosened.split_first() {
            let paths: Vec<&str> = touched.iter().map(|(path, _)| *path).collect();
            let more = match more.len() {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            say(
                Concern::PolicyLoosened,
                format!(
                    "this change loosens the policy {}: {first}{more}",
                    paths.join(" and ")
                ),
            );
        }
        // A change that brings both a policy of another name and the pipeline that names it would be judged by nothing that
        // was there before it. Where the pipeline itself is new, nothing was.
        let first = matches!(
            &self.pipeline_file,
            Some(Place::Repository {
                since: Since::New,
                ..
            })
        );
        let new: Vec<&str> = touched
            .iter()
            .filter(|(_, since)| !first && matches!(since, Since::New))
            .map(|(path, _)| *path)
            .collect();
        if !new.is_empty() {
            say(
                Concern::PolicyLoosened,
                format!(
                    "the policy {} is new in this change: which one held before it is not known",
                    new.join(" and ")
                ),
            );
        }
        if let Some(why) = self.not_comparable.as_ref().filter(|_| self.loosened.is_empty()) {
            let paths: Vec<&str> = touched.iter().map(|(path, _)| *path).collect();
            say(
                Concern::NotCompared,
                format!(
                    "what this change loosens in the policy {} is not known: {why}",
                    paths.join(" and ")
                ),
            );
        } else if self.loosened.is_empty() {
            for (path, since) in touched.iter().filter(|(path, _)| !new.contains(path)) {
                let text = match since {
                    Since::New => format!("the policy {path} is new in this change"),
                    _ => format!("this change touches the policy {path}, and loosens nothing in it"),
                };
                say(Concern::PolicyChanged, text);
            }
        }
        if let Some(Place::Repository { path, since }) = &self.guard_file {
            if matches!(since, Since::Changed | Since::New) {
                say(
                    Concern::GuardChanged,
                    format!("this change touches the guard's own rules, {path}"),
                );
            }
            say(
                Concern::GuardInRepository,
                format!(
                    "the guard's rules come from {path} in the repository: whoever may merge can change who approves"
                ),
            );
        }
        if let Some(Place::Repository { path, since }) = &self.pipeline_file {
            if matches!(since, Since::Changed | Since::New) {
                say(
                    Concern::PipelineChanged,
                    format!(
                        "this change touches the pipeline file {path}: it brought the jobs that check it"
                    ),
                );
            }
            say(
                Concern::PipelineInRepository,
                format!(
                    "the pipeline file {path} stands in the repository: whoever may merge can change what is run"
                ),
            );
        }
        if let Some((files, why)) = self.not_compared() {
            say(
                Concern::NotCompared,
                format!("whether this change touches {files} is not known: {why}"),
            );
        }
        match &self.environment {
            DeployedTo::Environment {
                name,
                protected: Some(false),
            } => say(
                Concern::EnvironmentNotProtected,
                format!("the environment {name} is not protected: whoever may merge may deploy"),
            ),
            DeployedTo::Environment {
                name,
                protected: None,
            } => say(
                Concern::EnvironmentNotKnown,
                format!("whether the environment {name} is protected cannot be read"),
            ),
            DeployedTo::None => say(
                Concern::EnvironmentNotKnown,
                "this job is in no environment, so none protects it".to_owned(),
            ),
            DeployedTo::NotAsked
            | DeployedTo::Environment {
                protected: Some(true),
                ..
            } => {}
        }
        if let Some(clock) = self.clock.filter(|clock| clock.abs() > CLOCK_SKEW) {
            let direction = if clock.is_positive() { "ahead of" } else { "behind" };
            let minutes = clock.abs().as_mins();
            say(
                Concern::ClockDiffers,
                format!("this machine's clock is {minutes} minutes {direction} GitLab's, which counts"),
            );
        }
        found
    }

    /// The files that could not be compared, and why the first could not.
    fn not_compared(&self) -> Option<(String, &str)> {
        let policies = self.policies.iter().map(|place| ("the policy", place));
        let others = [
            ("the guard's rules", self.guard_file.as_ref()),
            ("the pipeline file", self.pipeline_file.as_ref()),
        ];
        let others = others
            .into_iter()
            .filter_map(|(what, place)| Some((what, place?)));
        let mut files = Vec::new();
        let mut first = None;
        for (what, place) in policies.chain(others) {
            if let Place::Repository {
                path,
                since: Since::NotKnown(why),
            } = place
            {
                files.push(format!("{what} {path}"));
                first = first.or(Some(why.as_str()));
            }
        }
        first.map(|why| (files.join(" and "), why))
    }
}
