//! Who wrote the state that was compared.

use serde::{Deserialize, Serialize};

/// Where the newest version of the state comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateOrigin {
    /// It is as this pipeline's deploy job left it.
    ThisPipeline,
    /// A job wrote it, in a pipeline before this one, which deployed nothing.
    AJob,
    /// Somebody wrote it after this pipeline's deploy job.
    AnotherWriter,
    /// No job wrote it: it comes from a laptop, or from a program outside of GitLab's pipelines.
    Outside,
    /// It is not known.
    Unknown,
}

/// Who wrote the newest version of the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Where it comes from.
    pub origin: StateOrigin,
    /// The state's serial.
    pub serial: Option<u64>,
    /// The state's lineage.
    pub lineage: Option<String>,
    /// Who wrote it, as GitLab names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// In which job: its name and number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// When, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Why it is not known, or what is odd about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Provenance {
    /// In one line: `serial 5, written by grace IN NO JOB that the token may see, such as from a laptop`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.serial.map(|serial| format!("serial {serial}")));
        let by = self
            .by
            .as_deref()
            .map(|by| format!(" by {by}"))
            .unwrap_or_default();
        let job = self.job.as_deref().unwrap_or("a job");
        parts.push(match self.origin {
            StateOrigin::ThisPipeline => "as this pipeline's deploy job left it".to_owned(),
            StateOrigin::AJob => format!("written{by} in {job}"),
            StateOrigin::AnotherWriter => match &self.job {
                Some(_) => format!("written{by} in {job}, AFTER this pipeline's deploy job"),
                None => "written AFTER this pipeline's deploy job".to_owned(),
            },
            StateOrigin::Outside => {
                format!("written{by} IN NO JOB that the token may see, such as from a laptop")
            }
            StateOrigin::Unknown => "who wrote it is not known".to_owned(),
        });
        if self.origin != StateOrigin::ThisPipeline {
            parts.extend(self.at.as_deref().map(|at| format!("at {at}")));
        }
        let sentence = parts.join(", ");
        match &self.why {
            Some(why) => format!("{sentence}: {why}"),
            None => sentence,
        }
    }

    /// Whether a reader should look.
    #[must_use]
    pub fn is_odd(&self) -> bool {
        matches!(self.origin, StateOrigin::Outside | StateOrigin::AnotherWriter)
    }
}
