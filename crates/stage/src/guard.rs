//! What the stages around the approval read of the world: the guard's own rules, and what GitLab knows of the change. With
//! the feature `guard` only.

use crate::{Failure, Stage};
use portcullis_evidence::client::{Change, Inquiry};
use portcullis_evidence::{DeployedTo, Ground, GuardRecord, GuardRules, Place, Since, digest};
use portcullis_gitlab::Project;
use std::path::{Component, Path, PathBuf};

/// Where the guard's own rules are. Flatten it into a stage's arguments.
#[derive(Debug, Clone, clap::Args)]
pub struct GuardArgs {
    /// The guard's own rules: a file, or PATH@GROUP/PROJECT:REF for one that GitLab keeps; without it the built-in ones hold
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_GUARD", hide_env_values = true)]
    pub guard: Option<String>,
}

/// A file's name and its text.
pub type NamedText = (String, String);

/// The guard's own rules, and where they come from.
#[derive(Debug)]
pub struct Guarding {
    /// The rules.
    pub rules: GuardRules,
    /// The file, for the record; `None` for the built-in ones.
    pub record: Option<GuardRecord>,
    place: Option<Place>,
}

impl Stage {
    /// What GitLab knows of the job's change, asked with the job's token and, where that is not enough, with the access
    /// token of [`Stage::GITLAB_TOKEN`].
    ///
    /// # Errors
    /// When a variable is missing, or a client cannot be set up.
    pub fn inquiry(&self) -> Result<Inquiry, Failure> {
        let job = self.ci();
        let access = self.gitlab_with_access_token()?;
        Ok(Inquiry::new(self.gitlab()?, access, job.require_project()?, job))
    }

    /// The guard's own rules.
    ///
    /// # Errors
    /// When the file is not there, or is no guard file: 64. When GitLab, which keeps it, cannot be asked: 69.
    pub fn guarding(&self, args: &GuardArgs, inquiry: &mut Inquiry) -> Result<Guarding, Failure> {
        let Some(name) = args.guard.as_deref().filter(|name| !name.trim().is_empty()) else {
            return Ok(Guarding {
                rules: GuardRules::default(),
                record: None,
                place: None,
            });
        };
        let (text, place) = match kept_elsewhere(name) {
            Some((path, project, at)) => {
                let bytes = self
                    .block_on(inquiry.file_of(&Project::Path(project.to_owned()), path, at))?
                    .ok_or_else(|| {
                        Failure::usage(format!("{name}: GitLab shows no such file to this job")).hint(
                            "look at the path, the project and the branch; the project must let this one's job token in \
                             (Settings, CI/CD, Job token permissions)",
                        )
                    })?;
                let own = self.ci().project_path.as_deref() == Some(project);
                let place = if own {
                    Place::Repository {
                        path: path.to_owned(),
                        since: Since::Same,
                    }
                } else {
                    Place::Elsewhere(name.to_owned())
                };
                (String::from_utf8_lossy(&bytes).into_owned(), place)
            }
            None => {
                let text = self.read_text(Path::new(name)).map_err(Failure::usage)?;
                (text, self.place(Path::new(name)))
            }
        };
        let rules = GuardRules::read(&text).map_err(|source| {
            let hint = source.hint();
            Failure::usage(BadGuardFile {
                name: name.to_owned(),
                source,
            })
            .hint(hint)
        })?;
        let record = GuardRecord {
            file: self.redact(name),
            sha256: digest(&text).to_string(),
        };
        Ok(Guarding {
            rules,
            record: Some(record),
            place: Some(place),
        })
    }

    /// Where a file of this machine stands: in the checkout, or not.
    fn place(&self, path: &Path) -> Place {
        match self.in_checkout(path) {
            Some(path) => Place::Repository {
                path,
                since: Since::Same,
            },
            None => Place::Elsewhere(path.display().to_string()),
        }
    }

    /// The path from the root of the checkout, with `/`; `None` for what stands elsewhere.
    #[must_use]
    pub fn in_checkout(&self, path: &Path) -> Option<String> {
        // A link in the checkout that leads out of it leads out of it.
        let real = |path: &Path| path.canonicalize().ok();
        let (here, path) = (real(Path::new("."))?, real(path)?);
        // A job begins in its checkout, so a variable that names another place tells nothing of it.
        let said = self.ci().project_dir.map(PathBuf::from);
        let root = said
            .as_deref()
            .and_then(real)
            .filter(|root| here.starts_with(root));
        let root = root.unwrap_or(here);
        let inside = path.strip_prefix(&root).ok()?;
        let steps = inside.components().map(|step| match step {
            Component::Normal(name) => name.to_str(),
            _ => None,
        });
        Some(steps.collect::<Option<Vec<&str>>>()?.join("/"))
    }

    /// What the gate stands on, as far as GitLab tells. `loosened` is asked what a changed policy loosens, from its files
    /// before, with their names, to its files now; `None` when that cannot be told.
    ///
    /// # Errors
    /// When GitLab cannot be asked.
    pub fn ground(
        &self,
        inquiry: &mut Inquiry,
        change: &Change,
        guarding: &Guarding,
        policies: &[(PathBuf, Vec<u8>)],
        loosened: impl Fn(&[NamedText], &[NamedText]) -> Option<Vec<String>>,
    ) -> Result<Ground, Failure> {
        let job = self.ci();
        let commit = job.require_commit_sha()?;
        let base = change.base.as_deref();
        let mut ground = Ground::default();
        self.block_on(async {
            let on = inquiry.runs_on().await?;
            ground.ref_name = self.redact(on.name.as_deref().unwrap_or("of this pipeline"));
            ground.ref_protected = on.protected;
            ground.superseded_by = on.head.filter(|head| head != commit);
            if let Some(name) = &job.environment_name {
                let protected = inquiry.environment_protected(name).await?;
                ground.environment = DeployedTo::Environment {
                    name: self.redact(name),
                    protected,
                };
            }
            ground.pipeline_file = Some(inquiry.pipeline_file(commit, base).await?);
            ground.guard_file = match &guarding.place {
                Some(Place::Repository { path, .. }) => {
                    let since = inquiry.versions(path, commit, base).await?.since;
                    Some(Place::Repository {
                        path: path.clone(),
                        since,
                    })
                }
                other => other.clone(),
            };
            let (mut old, mut new) = (Vec::new(), Vec::new());
            for (file, now) in policies {
                let named = |bytes: &[u8]| {
                    (
                        file.display().to_string(),
                        String::from_utf8_lossy(bytes).into_owned(),
                    )
                };
                let mut place = self.place(file);
                let mut before = Some(named(now));
                if let Place::Repository { path, since } = &mut place {
                    let versions = inquiry.versions(path, commit, base).await?;
                    before = match (&versions.since, &versions.before) {
                        (Since::New, _) => None,
                        (_, Some(bytes)) => Some(named(bytes)),
                        (_, None) => before,
                    };
                    *since = versions.since;
                }
                old.extend(before);
                new.push(named(now));
                ground.policies.push(place);
            }
            if old != new {
                match loosened(&old, &new) {
                    Some(found) => ground.loosened = found,
                    None => {
                        ground.not_comparable = Some(
                            "what was there before does not read as a policy of this version".to_owned(),
                        );
                    }
                }
            }
            Ok(ground)
        })
    }
}

/// `PATH@GROUP/PROJECT[:REF]`, as GitLab itself writes where a pipeline file is kept.
fn kept_elsewhere(name: &str) -> Option<(&str, &str, &str)> {
    let (path, rest) = name.split_once('@')?;
    let (project, at) = rest.split_once(':').unwrap_or((rest, "HEAD"));
    let is_project = project.contains('/') && !path.is_empty() && !at.is_empty();
    is_project.then_some((path, project, at))
}

#[derive(Debug, thiserror::Error)]
#[error("{name}: the guard file is not valid")]
struct BadGuardFile {
    name: String,
    source: portcullis_evidence::GuardRulesError,
}
