//! The links that GitLab shows on the job's page, kept from job to job: each adds what it knows.

use crate::command::Event;
use crate::slack::Slack;
use crate::thread::Thread;
use portcullis_report::Annotations;
use portcullis_stage::{Artifacts, Stage};

/// The report, named by `artifacts:reports:annotations` in the templates.
const FILE: &str = "annotations.json";

/// Pages among the artifacts, by the event after which they are there.
const PAGES: [(Event, &str, &str); 3] = [
    (Event::Started, "Doctor", "doctor.txt"),
    (Event::Planned, "Plan", "plan.html"),
    (Event::Consistency, "Comparison", "consistency.html"),
];

/// Adds this job's pages, and other links as they come up. Links are a convenience: a file that cannot be read or written is
/// said and stops nothing.
pub(crate) struct Links<'a> {
    stage: &'a Stage,
    artifacts: &'a Artifacts,
    links: Annotations,
}

impl<'a> Links<'a> {
    pub(crate) fn read(stage: &'a Stage, artifacts: &'a Artifacts) -> Self {
        let links = artifacts
            .exists(FILE)
            .then(|| artifacts.read_text(FILE).ok())
            .flatten()
            .and_then(|text| Annotations::read(&text).ok())
            .unwrap_or_default();
        Self {
            stage,
            artifacts,
            links,
        }
    }

    pub(crate) fn add(&mut self, label: &str, url: &str) {
        self.links.link(label, &self.stage.redact(url));
    }

    /// The pages that this event has made, where GitLab will show them: among this job's artifacts.
    pub(crate) fn add_pages(&mut self, event: Event) {
        let Some(job) = self.stage.ci().job_url else {
            return;
        };
        // A folder elsewhere is not among the artifacts.
        let folder = self.artifacts.folder();
        let Some(folder) = folder.is_relative().then(|| folder.to_str()).flatten() else {
            return;
        };
        for (_, label, name) in PAGES.iter().filter(|(of, ..)| *of == event) {
            if self.artifacts.exists(name) {
                self.add(label, &format!("{job}/artifacts/file/{folder}/{name}"));
            }
        }
    }

    /// The pipeline's thread, when it is not among the links yet. To be asked when Slack has just answered.
    pub(crate) fn add_thread(&mut self) {
        const LABEL: &str = "Slack thread";
        let Some(thread) = Thread::known(self.stage, self.artifacts) else {
            return;
        };
        // Slack's links name a message by its time, without the point. (Source: "chat.getPermalink method".)
        let time = thread.first.ts.replace('.', "");
        if self.links.url(LABEL).is_some_and(|url| url.contains(&time)) {
            return;
        }
        let link = Slack::configured(self.stage)
            .ok()
            .and_then(|slack| self.stage.block_on(slack.permalink(&thread)));
        if let Some(url) = link {
            self.add(LABEL, &url);
        }
    }

    pub(crate) fn write(&self) {
        if self.links.is_empty() {
            return;
        }
        let written = self.links.to_json().map_err(|error| error.to_string());
        if let Err(error) = written.and_then(|text| {
            self.artifacts
                .write_text(FILE, &text)
                .map_err(|error| error.to_string())
        }) {
            self.stage
                .say(format!("the job's page goes without links: {error}"));
        }
    }
}
