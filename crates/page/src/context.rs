//! Which run a page tells of.

use crate::html::{Href, Html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use portcullis_gitlab::ci::Variables;
use portcullis_report::Location;

/// Which run the page tells of. What is not given is not shown; an address that is not `http` or `https` is shown without link.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The project, such as `infra/estate`.
    pub project: Option<String>,
    /// What the pipeline runs on, as people write it: `3f2a1b0c`.
    pub commit: Option<String>,
    /// The commit's page.
    pub commit_url: Option<String>,
    /// The pipeline's page.
    pub pipeline_url: Option<String>,
    /// What the digest is of, and its short form that people compare: `plan`, `0d3f6a1b2c4d`.
    pub digest: Option<(String, String)>,
    /// Where the code can be looked at: a finding at `web.tf:12` leads to this address, then `web.tf#L12`.
    pub code_url: Option<String>,
}

/// All but what RFC 3986 calls unreserved, and the slash between folders.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

impl Context {
    /// What GitLab tells a job about itself.
    #[must_use]
    pub fn of_job(job: &Variables) -> Self {
        let project = job
            .project_url
            .as_ref()
            .map(|url| url.as_str().trim_end_matches('/'));
        let at_commit = |page: &str| Some(format!("{}/-/{page}/{}", project?, job.commit_sha.as_deref()?));
        Self {
            project: job.project_path.clone(),
            commit: job.commit_short_sha.clone().or_else(|| job.commit_sha.clone()),
            commit_url: at_commit("commit"),
            pipeline_url: job.pipeline_url.as_ref().map(ToString::to_string),
            digest: None,
            code_url: at_commit("blob"),
        }
    }

    /// The facts, as a list of terms.
    pub(crate) fn facts(&self) -> Html {
        let mut html = Html::default();
        html.raw("<dl class=\"facts\">");
        let mut fact = |term: &str, href: Option<Href>, text: &str| {
            html.raw("<div>").element("dt", term).raw("<dd>");
            html.link(href.as_ref(), text).raw("</dd></div>");
        };
        if let Some(project) = &self.project {
            fact("Project", None, project);
        }
        if let Some(commit) = &self.commit {
            fact("Commit", self.commit_url.as_deref().and_then(Href::read), commit);
        }
        if let Some((of, digest)) = &self.digest {
            fact(&format!("Digest of the {of}"), None, digest);
        }
        if let Some(pipeline) = &self.pipeline_url {
            let last = pipeline.rsplit('/').next().unwrap_or(pipeline);
            fact("Pipeline", Href::read(pipeline), last);
        }
        html.raw("</dl>");
        html
    }

    /// Where a location can be looked at.
    pub(crate) fn code(&self, location: &Location) -> Option<Href> {
        let base = self.code_url.as_deref()?.trim_end_matches('/');
        let path = utf8_percent_encode(&location.path, PATH);
        Href::read(&format!("{base}/{path}#L{}", location.line))
    }
}
