//! What GitLab knows of a change, its people and its branch. Reads only.
//!
//! Each question goes to GitLab with the job's token first, and then, where that is not enough, with the access token, if
//! there is one. What neither opens is not known, never taken for harmless. An access token that does not work is said,
//! and the rest goes on.

use crate::concern::{Place, Since};
use crate::people::{Approvers, Membership, Memberships, Origin};
use crate::pipeline_file::local_includes;
use portcullis_gitlab::client::{Client, Error, if_available};
use portcullis_gitlab::job::{Commit, Job, Pipeline, User, merge_request_of};
use portcullis_gitlab::merge_request::MergeRequest;
use portcullis_gitlab::protection::Branch;
use portcullis_gitlab::{Project, ProjectFacts, ci::Variables};
use std::collections::BTreeSet;
use std::fmt;

/// A policy or a pipeline file beyond this is not compared.
const LARGEST: usize = 4 << 20;

/// Where the pipeline file stands unless a project says otherwise. (GitLab docs, "Customize pipeline configuration".)
const PIPELINE_FILE: &str = ".gitlab-ci.yml";

/// How many files of a pipeline are compared: beyond, it counts as not known.
const MOST_INCLUDES: usize = 50;

/// GitLab, asked by a job about its own change.
#[derive(Debug)]
pub struct Inquiry {
    job: Client,
    access: Option<Client>,
    project: Project,
    facts: Variables,
    /// What did not work, once for each reason.
    complaints: Vec<String>,
}

/// The change: how it came to the branch, and what was there before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// How it came.
    pub origin: Origin,
    /// Who approved its merge request, by login; `None` when that cannot be read.
    pub approved_by: Option<Vec<String>>,
    /// The commit before it; `None` when that cannot be read.
    pub base: Option<String>,
}

impl Change {
    /// How many people other than the one who opened the merge request approved it; `None` when that cannot be read.
    #[must_use]
    pub fn approvals(&self) -> Option<u64> {
        let opener = match &self.origin {
            Origin::MergeRequest { opener, .. } => opener.as_deref(),
            Origin::NotKnown | Origin::Pushed => None,
        };
        let by = self.approved_by.as_ref()?;
        let others = by.iter().filter(|login| Some(login.as_str()) != opener);
        Some(others.count() as u64)
    }
}

/// The branch or tag that the job runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunsOn {
    /// Its name, as GitLab says it where it can be asked.
    pub name: Option<String>,
    /// Whether it is protected: as GitLab says, else as the job's variables do.
    pub protected: Option<bool>,
    /// The commit it stands at now; `None` when that cannot be read.
    pub head: Option<String>,
}

/// A run of the same job in the same pipeline that began before this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierRun {
    /// The job's number.
    pub id: u64,
    /// GitLab's word for how it ended, such as `success`, `failed` or `canceled`.
    pub status: String,
}

/// A file's text before a change and after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// What the change does to it.
    pub since: Since,
    /// Its bytes before, when the change changed it.
    pub before: Option<Vec<u8>>,
    /// Its bytes after, when it could be read.
    after: Option<Vec<u8>>,
}

impl Inquiry {
    /// Gets ready; sends nothing.
    #[must_use]
    pub fn new(job: Client, access: Option<Client>, project: Project, facts: Variables) -> Self {
        Self {
            job,
            access,
            project,
            facts,
            complaints: Vec::new(),
        }
    }

    /// What did not work on the way, each in one line.
    #[must_use]
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// The job as GitLab itself knows it: whose it is, what it runs on, and when it began; `None` when GitLab does not
    /// tell. Variables of the same meaning can be set by whoever may set variables, so this counts before them, here and
    /// in all later questions.
    ///
    /// # Errors
    /// When GitLab cannot be asked.
    pub async fn own_job(&mut self) -> Result<Option<Job>, Error> {
        let job = if_available(self.job.own_job().await)?;
        if let Some(job) = &job {
            self.believe(job);
        }
        Ok(job)
    }

    fn believe(&mut self, job: &Job) {
        let facts = &mut self.facts;
        facts.job_id = Some(job.id);
        facts.job_name = Some(job.name.clone());
        let pipeline = job.pipeline.as_ref();
        if let Some(pipeline) = pipeline {
            facts.pipeline_id = Some(pipeline.id);
            if let Some(project) = pipeline.project_id {
                self.project = Project::Id(project);
            }
        }
        if let Some(commit) = &job.commit {
            facts.commit_sha = Some(commit.id.clone());
        }
        // What only a merge request's pipeline has is believed in none but that.
        if let Some(name) = runs_on(job) {
            facts.merge_request_iid = merge_request_of(name);
            if facts.merge_request_iid.is_none() {
                facts.merge_request_base = None;
            } else {
                // The variable speaks of the pipeline's source branch, or of whatever somebody wrote there.
                facts.commit_ref_protected = None;
            }
            facts.commit_ref_name = Some(name.to_owned());
        }
    }

    /// Who started the pipeline, by login.
    ///
    /// # Errors
    /// When GitLab cannot be asked.
    pub async fn starter(&mut self) -> Result<Option<String>, Error> {
        let pipeline = self.pipeline().await?;
        Ok(pipeline.and_then(|pipeline| pipeline.user).map(login))
    }

    async fn pipeline(&mut self) -> Result<Option<Pipeline>, Error> {
        let Some(pipeline) = self.facts.pipeline_id else {
            return Ok(None);
        };
        self.ask(async |client, project| client.pipeline(project, pipeline).await)
            .await
    }

    /// How the commit came to its branch, who approved it there, and what was before it.
    ///
    /// # Errors
    /// When GitLab cannot be asked.
    pub async fn change(&mut self, commit: &str) -> Result<Change, Error> {
        let iid = match self.facts.merge_request_iid {
            Some(iid) => Some(Some(iid)),
            None => self.merged_by(commit).await?,
        };
        let mut change = Change::default();
        let mut begins = None;
        match iid {
            None => {}
            Some(None) => change.origin = Origin::Pushed,
            Some(Some(iid)) => {
                let request: Option<MergeRequest> = self
                    .ask(async |client, project| client.merge_request(project, iid).await)
                    .await?;
                let commits: Option<Vec<Commit>> = self
                    .ask(async |client, project| client.merge_request_commits(project, iid).await)
                    .await?;
                let approvals = self
                    .ask(async |client, project| client.approvals(project, iid).await)
                    .await?;
                change.approved_by = approvals.map(|approvals| {
                    let by = approvals.approved_by.into_iter();
                    by.map(|approval| approval.user.username).collect()
                });
                let made = request
                    .as_ref()
                    .is_some_and(|request| request.merge_commit_sha.as_deref() == Some(commit));
                if made {
                    begins = self.merged_onto(commit).await?;
                }
                begins = begins
                    .or_else(|| request.as_ref()?.diff_refs.as_ref()?.base_sha.clone())
                    .or_else(|| self.facts.merge_request_base.clone());
                change.origin = Origin::MergeRequest {
                    iid,
                    opener: request.and_then(|request| request.author).map(login),
                    commits: commits.map(|all| all.iter().filter_map(Commit::author).collect()),
                };
            }
        }
        if begins.is_none() {
            begins = self.pushed_onto(commit).await?;
        }
        change.base = match begins {
            Some(base) => Some(base),
            None => {
                let commit: Option<Commit> = self
                    .ask(async |client, project| client.commit(project, commit).await)
                    .await?;
                commit.and_then(|commit| commit.parent_ids.into_iter().next())
            }
        };
        Ok(change)
    }

    /// The merge request that brought the commit to this branch; `None` when that cannot be read.
    async fn merged_by(&mut self, commit: &str) -> Result<Option<Option<u64>>, Error> {
        let all: Option<Vec<MergeRequest>> = self
            .ask(async |client, project| client.merge_requests_of(project, commit).await)
            .await?;
        let Some(all) = all else { return Ok(None) };
        let branch = self.facts.commit_ref_name.as_deref();
        let to_here = |request: &&MergeRequest| {
            request.state == "merged"
                && (request.target_branch.is_none() || request.target_branch.as_deref() == branch)
        };
        let made = |request: &&MergeRequest| request.merge_commit_sha.as_deref() == Some(commit);
        let merged = || all.iter().filter(to_here);
        Ok(Some(
            merged()
                .find(made)
                .or_else(|| merged().next())
                .map(|request| request.iid),
        ))
    }

    /// What the branch stood at before a merge commit that GitLab made: its first parent. Where a merge request began may be long
    /// before that, and what others merged meanwhile is no part of it.
    async fn merged_onto(&mut self, commit: &str) -> Result<Option<String>, Error> {
        let merge: Option<Commit> = self
            .ask(async |client, project| client.commit(project, commit).await)
            .await?;
        let parents = merge.map(|merge| merge.parent_ids).unwrap_or_default();
        Ok(match parents.as_slice() {
            [onto, _, ..] => Some(onto.clone()),
            _ => None,
        })
    }

    /// The commit that was pushed onto, as GitLab says, else as the job's variable does; GitLab writes zeros where it knows
    /// none. No commit is its own past: compared with that, no change touches anything.
    async fn pushed_onto(&mut self, commit: &str) -> Result<Option<String>, Error> {
        let said = self.facts.commit_before_sha.clone();
        let before = match self.pipeline().await?.and_then(|pipeline| pipeline.before_sha) {
            Some(before) => Some(before),
            None => said,
        };
        Ok(before.filter(|before| before != commit && before.bytes().any(|byte| byte != b'0')))
    }

    /// The branch or tag that the job runs on.
    ///
    /// # Errors
    /// When GitLab cannot be asked.
    pub async fn runs_on(&mut self) -> Result<RunsOn, Error> {
        let mut found = RunsOn {
            name: self.facts.commit_ref_name.clone(),
            protected: self.facts.commit_ref_protected,
            head: None,
        };
        let Some(name) = found.name.clone() else {
            return Ok(found);
        };
        let branch: Option<Option<Branch>> = self
            .ask(async |client, project| client.branch(project, &name).await)
            .await?;
        // A tag is no branch.
        if let Some(branch) = branch.flatten() {
            found.protected = Some(branch.protected);
            found.head = branch.commit.map(|commit| commit.id);
        }
        Ok(found)
    }

    /// Whether the environment is protected. Only where GitLab has protected environments, with an access token.
    ///
    /// # Errors
    /// When GitLab cannot be asked.
    pub async fn environment_protected(&mut self, name: &str) -> Result<Option<bool>, Error> {
        let all = self
            .ask(async |client, project| client.protected_environments(project).await)
            .await?;
        Ok(all.map(|all| all.iter().any(|environment| environment.name == name)))
    }

    /// What the player is in the places that the list of approvers names.
    ///
    /// # Errors
    /// When GitLab cannot be asked.
    pub async fn memberships(
        &mut self,
        approvers: &Approvers,
        player: Option<u64>,
    ) -> Result<Memberships, Error> {
        let mut memberships = Memberships::default();
        let Some(player) = player else {
            return Ok(memberships);
        };
        let level = |found: Option<Option<portcullis_gitlab::Member>>| match found {
            None => Membership::NotKnown,
            Some(member) => Membership::Level(member.map_or(0, |member| member.access_level)),
        };
        for group in &approvers.groups {
            let found = self
                .ask(async |client, _| client.group_member(&group.path, player).await)
                .await?;
            memberships.groups.push((group.path.clone(), level(found)));
        }
        if approvers.project_role.is_some() {
            let found = self
                .ask(async |client, project| client.project_member(project, player).await)
                .await?;
            memberships.project = Some(level(found));
        }
        Ok(memberships)
    }

    /// A file of the repository before the change and after it.
    ///
    /// # Errors
    /// When GitLab cannot be asked.
    pub async fn versions(
        &mut self,
        path: &str,
        commit: &str,
        base: Option<&str>,
    ) -> Result<Versions, Error> {
        let unknown = |why: &str| Versions {
            since: Since::NotKnown(why.to_owned()),
            before: None,
            after: None,
        };
        let Some(base) = base else {
            return Ok(unknown(
                "GitLab does not show this job what was there before the change",
            ));
        };
        let Some(after) = self.file(path, commit).await? else {
            return Ok(unknown(
                "GitLab does not show this job the repository's files, or has none there",
            ));
        };
        let before = self.file(path, base).await?;
        Ok(match before {
            None => Versions {
                since: Since::New,
                before: None,
                after: Some(after),
            },
            Some(before) if before == after => Versions {
                since: Since::Same,
                before: None,
                after: Some(after),
            },
            Some(before) => Versions {
                since: Since::Changed,
                before: Some(before),
                after: Some(after),
            },
        })
    }

    /// A file of any project, at a branch, a tag or a commit; `None` when GitLab shows none.
    ///
    /// # Errors
    /// When GitLab cannot be asked.
    pub async fn file_of(
        &mut self,
        project: &Project,
        path: &str,
        at: &str,
    ) -> Result<Option<Vec<u8>>, Error> {
        let found = self
            .ask(async |client, _| client.file(project, path, at, LARGEST).await)
            .await?;
        match (found, &self.access) {
            // To a token that may not see a file, and of a file that is not there, GitLab says the same.
            (Some(None), Some(access)) => {
                let answer = access.file(project, path, at, LARGEST).await;
                Ok(self.believed(answer).flatten())
            }
            (found, _) => Ok(found.flatten()),
        }
    }

    /// Where the pipeline file stands, and whether the change touches it or a local file that it includes.
    ///
    /// # Errors
    /// When GitLab cannot be asked.
    pub async fn pipeline_file(&mut self, commit: &str, base: Option<&str>) -> Result<Place, Error> {
        let shown: Option<ProjectFacts> = self
            .ask(async |client, project| client.project(project).await)
            .await?;
        let shown = shown.and_then(|project| project.ci_config_path);
        let said = self.facts.config_path.clone();
        let named = |path: Option<String>| path.filter(|path| !path.is_empty());
        let path = match &shown {
            Some(path) => named(path.clone()),
            None => named(said),
        };
        let path = path.unwrap_or_else(|| PIPELINE_FILE.to_owned());
        let elsewhere = path.contains('@') || path.contains("://");
        if shown.is_some() && elsewhere {
            return Ok(Place::Elsewhere(path));
        }
        if shown.is_some() || path == PIPELINE_FILE {
            return self.file_with_includes(path, commit, base).await;
        }
        // Whoever may set variables may have written it: what stands at the usual place counts, too, and the rest is not
        // known.
        let doubt = Since::NotKnown(
            "only the variable CI_CONFIG_PATH says where the pipeline file is kept, and GitLab does not show it to this job"
                .to_owned(),
        );
        let mut looked_at = vec![PIPELINE_FILE.to_owned()];
        if !elsewhere {
            looked_at.push(path.clone());
        }
        for file in looked_at {
            if let Place::Repository {
                path,
                since: Since::Changed | Since::New,
            } = self.file_with_includes(file, commit, base).await?
            {
                return Ok(Place::Repository {
                    path,
                    since: Since::Changed,
                });
            }
        }
        Ok(Place::Repository { path, since: doubt })
    }

    /// A pipeline file, and whether the change touches it or a local file that it includes.
    async fn file_with_includes(
        &mut self,
        path: String,
        commit: &str,
        base: Option<&str>,
    ) -> Result<Place, Error> {
        let mut open = vec![path.clone()];
        let mut seen: BTreeSet<String> = open.iter().cloned().collect();
        let mut doubt = None;
        while let Some(file) = open.pop() {
            if file.contains(['*', '$']) {
                doubt = doubt.or(Some(format!("it includes {file}")));
                continue;
            }
            let versions = self.versions(&file, commit, base).await?;
            match versions.since {
                Since::Changed | Since::New => {
                    // New is what brings the first pipeline of all; a file that an older one includes is a change of that.
                    let since = if file == path {
                        versions.since
                    } else {
                        Since::Changed
                    };
                    return Ok(Place::Repository { path: file, since });
                }
                Since::NotKnown(why) => {
                    doubt = doubt.or(Some(why));
                    continue;
                }
                Since::Same => {}
            }
            let text = String::from_utf8_lossy(versions.after.as_deref().unwrap_or_default()).into_owned();
            match local_includes(&text) {
                None => doubt = doubt.or(Some(format!("{file} is no YAML that this version reads"))),
                Some(included) if seen.len() + included.len() > MOST_INCLUDES => {
                    doubt = doubt.or(Some(format!("it includes more than {MOST_INCLUDES} files")));
                }
                Some(included) => open.extend(included.into_iter().filter(|file| seen.insert(file.clone()))),
            }
        }
        let since = doubt.map_or(Since::Same, Since::NotKnown);
        Ok(Place::Repository { path, since })
    }

    /// The runs of the same job in this pipeline that began before this one, newest first; `None` when GitLab does not tell.
    /// All of them: a run that was refused since the one before it had applied says nothing of that one by itself.
    ///
    /// # Errors
    /// When GitLab cannot be asked.
    pub async fn earlier_runs(&mut self) -> Result<Option<Vec<EarlierRun>>, Error> {
        let (Some(pipeline), Some(own), Some(name)) = (
            self.facts.pipeline_id,
            self.facts.job_id,
            self.facts.job_name.clone(),
        ) else {
            return Ok(None);
        };
        let jobs: Option<Vec<Job>> = self
            .ask(async |client, project| client.jobs_and_retried(project, pipeline).await)
            .await?;
        let Some(jobs) = jobs else {
            return Ok(None);
        };
        let mut before: Vec<EarlierRun> = jobs
            .into_iter()
            .filter(|job| job.name == name && job.id < own && job.started_at.is_some())
            .map(|job| EarlierRun {
                id: job.id,
                status: job.status.as_str().to_owned(),
            })
            .collect();
        before.sort_by_key(|run| std::cmp::Reverse(run.id));
        Ok(Some(before))
    }

    /// One file that another job left, `None` when it left none of this name or its artifacts are gone.
    ///
    /// # Errors
    /// When GitLab cannot be asked.
    pub async fn artifact(&mut self, job: u64, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.ask(async |client, project| client.artifact(project, job, path, LARGEST).await)
            .await
    }

    /// Who wrote the newest version of the managed state, and in which job; who holds its lock. With an access token.
    ///
    /// # Errors
    /// When GitLab cannot be asked.
    pub async fn state_facts(
        &mut self,
        name: &str,
    ) -> Result<Option<portcullis_gitlab::state::StateFacts>, Error> {
        let Some(path) = self.facts.project_path.clone() else {
            return Ok(None);
        };
        let found = self
            .ask(async |client, _| client.state_facts(&path, name).await)
            .await?;
        Ok(found.flatten())
    }

    async fn file(&mut self, path: &str, at: &str) -> Result<Option<Vec<u8>>, Error> {
        let project = self.project.clone();
        self.file_of(&project, path, at).await
    }

    /// With the job's token, then with the access token.
    async fn ask<T>(
        &mut self,
        call: impl AsyncFn(&Client, &Project) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        if let Some(found) = if_available(call(&self.job, &self.project).await)? {
            return Ok(Some(found));
        }
        let Some(access) = &self.access else {
            return Ok(None);
        };
        let answer = call(access, &self.project).await;
        Ok(self.believed(answer))
    }

    /// The access token's answer. Its failure is said: no gate hangs on a token that is for notes.
    fn believed<T>(&mut self, answer: Result<T, Error>) -> Option<T> {
        match answer {
            Ok(found) => Some(found),
            Err(error) => {
                if !error.is_not_available() {
                    let complaint = Complaint(&error).to_string();
                    if !self.complaints.contains(&complaint) {
                        self.complaints.push(complaint);
                    }
                }
                None
            }
        }
    }
}

/// The branch or tag of a job; `refs/merge-requests/7/head` in a merge request's pipeline.
#[must_use]
pub fn runs_on(job: &Job) -> Option<&str> {
    let of_pipeline = || job.pipeline.as_ref()?.ref_name.as_deref();
    let name = job.ref_name.as_deref().or_else(of_pipeline)?;
    let short = |kind| name.strip_prefix(kind);
    Some(
        short("refs/heads/")
            .or_else(|| short("refs/tags/"))
            .unwrap_or(name),
    )
}

fn login(user: User) -> String {
    user.username
}

struct Complaint<'a>(&'a Error);

impl fmt::Display for Complaint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        match self.0.hint() {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}
