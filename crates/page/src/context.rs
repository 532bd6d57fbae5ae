//! Which run a page tells of.

use crate::html::{Href, Html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use portcullis_report::Location;

/// Which run the page tells of. What is not given is not shown; an address that is not `http` or `https` is shown without link.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// The project, such as `infra/estate`.
    pub project: Option<&'a str>,
    /// What the pipeline runs on, as people write it: `3f2a1b0c`.
    pub commit: Option<&'a str>,
    /// The commit's page.
    pub commit_url: Option<&'a str>,
    /// The pipeline's page.
    pub pipeline_url: Option<&'a str>,
    /// The short form of the digest that people compare, with what it is of: `("plan", "0d3f6a1b2c4d")`.
    pub digest: Option<(&'a str, &'a str)>,
    /// Where the code can be looked at: a finding at `web.tf:12` leads to this address, then `web.tf#L12`.
    pub code_url: Option<&'a str>,
}

/// All but what RFC 3986 calls unreserved, and the slash between folders.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

impl Context<'_> {
    /// The facts, as a list of terms.
    pub(crate) fn facts(&self) -> Html {
        let mut html = Html::default();
        html.raw("<dl class=\"facts\">");
        let mut fact = |term: &str, href: Option<Href>, text: &str| {
            html.raw("<div>").element("dt", term).raw("<dd>");
            html.link(href.as_ref(), text).raw("</dd></div>");
        };
        if let Some(project) = self.project {
            fact("Project", None, project);
        }
        if let Some(commit) = self.commit {
            fact("Commit", self.commit_url.and_then(Href::read), commit);
        }
        if let Some((of, digest)) = self.digest {
            fact(&format!("Digest of the {of}"), None, digest);
        }
        if let Some(pipeline) = self.pipeline_url {
            let last = pipeline.rsplit('/').next().unwrap_or(pipeline);
            fact("Pipeline", Href::read(pipeline), last);
        }
        html.raw("</dl>");
        html
    }

    /// Where a location can be looked at.
    pub(crate) fn code(&self, location: &Location) -> Option<Href> {
        let base = self.code_url?.trim_end_matches('/');
        let path = utf8_percent_encode(&location.path, PATH);
        Href::read(&format!("{base}/{path}#L{}", location.line))
    }
}
