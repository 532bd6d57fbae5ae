//! Jobs and pipelines.

use super::{Client, Error, ErrorKind, Operation, below, exchange::Repeat};
use crate::{
    job::{Bridge, Inputs, Job, Pipeline},
    project::Project,
};
use reqwest::Method;

impl Client {
    /// The job the token belongs to. Works with a job's token only.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something that is not a job.
    pub async fn own_job(&self) -> Result<Job, Error> {
        self.get(Operation::OwnJob, &["job"]).await
    }

    /// Any job of the project. Not with a job's token.
    ///
    /// # Errors
    /// As [`Client::own_job`].
    pub async fn job(&self, project: &Project, job: u64) -> Result<Job, Error> {
        let (project, job) = (project.segment(), job.to_string());
        self.get(Operation::ReadJob, &below(&project, &["jobs", &job]))
            .await
    }

    /// A pipeline.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something that is not a pipeline.
    pub async fn pipeline(&self, project: &Project, pipeline: u64) -> Result<Pipeline, Error> {
        let (project, pipeline) = (project.segment(), pipeline.to_string());
        self.get(
            Operation::ReadPipeline,
            &below(&project, &["pipelines", &pipeline]),
        )
        .await
    }

    /// Every job of a pipeline, retried ones left out, over all pages.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses (job tokens may list jobs from GitLab 18 on), or answers something that
    /// is not a list of jobs.
    pub async fn jobs(&self, project: &Project, pipeline: u64) -> Result<Vec<Job>, Error> {
        self.list_jobs(project, pipeline, &[]).await
    }

    /// Every job of a pipeline, with those that were retried.
    ///
    /// # Errors
    /// As [`Client::jobs`].
    pub async fn jobs_and_retried(&self, project: &Project, pipeline: u64) -> Result<Vec<Job>, Error> {
        self.list_jobs(project, pipeline, &[("include_retried", "true")])
            .await
    }

    async fn list_jobs(
        &self,
        project: &Project,
        pipeline: u64,
        query: &[(&str, &str)],
    ) -> Result<Vec<Job>, Error> {
        let (project, pipeline) = (project.segment(), pipeline.to_string());
        let path = below(&project, &["pipelines", &pipeline, "jobs"]);
        self.list(Operation::ListJobs, &path, query).await
    }

    /// The jobs of a pipeline that start child pipelines, over all pages. Not with a job's token.
    ///
    /// # Errors
    /// As [`Client::jobs`].
    pub async fn bridges(&self, project: &Project, pipeline: u64) -> Result<Vec<Bridge>, Error> {
        let (project, pipeline) = (project.segment(), pipeline.to_string());
        let path = below(&project, &["pipelines", &pipeline, "bridges"]);
        self.list(Operation::ListBridges, &path, &[]).await
    }

    /// Plays a manual job. It then has the rights of the token's user. Never sent twice once it may have arrived.
    ///
    /// # Errors
    /// [`ErrorKind::Unplayable`] when the job does not wait to be played; otherwise as [`Client::job`].
    pub async fn play(&self, project: &Project, job: u64, inputs: &Inputs) -> Result<Job, Error> {
        let operation = Operation::PlayJob;
        let call = self.call(operation, Repeat::UnlessItMayHaveHappened)?;
        let (project, job) = (project.segment(), job.to_string());
        let request = self
            .request(Method::POST, &below(&project, &["jobs", &job, "play"]))
            .json(&inputs.body());
        match self.exchange(call, request).await {
            Ok(answer) => self.read(operation, &answer),
            Err(error) if error.says("Unplayable") => Err(error.turned(ErrorKind::Unplayable)),
            Err(error) => Err(error),
        }
    }

    /// One file of a job's artifacts, such as `portcullis/approval.json`, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`ErrorKind::UnusablePath`] for a path that leads elsewhere, [`ErrorKind::AnswerTooLong`] for a longer file,
    /// [`ErrorKind::NotFound`] when the job left no such file or its artifacts have expired.
    pub async fn artifact(
        &self,
        project: &Project,
        job: u64,
        path: &str,
        limit: usize,
    ) -> Result<Vec<u8>, Error> {
        let operation = Operation::ReadArtifact;
        let steps: Vec<&str> = path.split('/').collect();
        if steps.iter().any(|step| matches!(*step, "" | "." | "..")) {
            return Err(self.error(operation, ErrorKind::UnusablePath));
        }
        let (project, job) = (project.segment(), job.to_string());
        let mut path = below(&project, &["jobs", &job, "artifacts"]);
        path.extend(steps);
        let call = self.call(operation, Repeat::Freely)?.within(limit);
        let answer = self.exchange(call, self.request(Method::GET, &path)).await?;
        Ok(answer.body)
    }
}
