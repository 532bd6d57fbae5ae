//! GitLab's annotations report: links on a job's page.

use crate::text::clean;
use serde::{Deserialize, Serialize};

/// Links that GitLab shows on a job's page, for `artifacts:reports:annotations`. Of a label there is one: the newest.
///
/// Source: GitLab, "CI/CD artifacts reports types", annotations: an object whose keys are sections, each an array of at most
/// 1000 objects `{"external_link": {"label", "url"}}`.
///
/// ```
/// use portcullis_report::Annotations;
///
/// let mut annotations = Annotations::default();
/// annotations.link("Plan", "https://gitlab.example.com/g/p/-/jobs/7/artifacts/file/portcullis/plan.html");
/// annotations.link("Trap", "javascript:alert(1)");
/// let text = annotations.to_json()?;
/// assert!(text.contains("plan.html") && !text.contains("Trap"));
/// assert_eq!(Annotations::read(&text)?, annotations);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Annotations {
    links: Vec<Link>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Link {
    label: String,
    url: String,
}

/// The document: one section.
#[derive(Serialize, Deserialize)]
struct Document {
    #[serde(rename = "Portcullis")]
    section: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    external_link: Link,
}

impl Annotations {
    /// Adds a link, or puts it in the place of the one with the same label. An address that is not `http` or `https` is left
    /// out: a page of GitLab's is no place for others.
    pub fn link(&mut self, label: &str, url: &str) {
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        if !is_web || !url.chars().all(|c| c.is_ascii_graphic()) {
            return;
        }
        let label = clean(label);
        match self.links.iter_mut().find(|link| link.label == label) {
            Some(link) => url.clone_into(&mut link.url),
            None => self.links.push(Link {
                label,
                url: url.to_owned(),
            }),
        }
    }

    /// The address behind a label.
    #[must_use]
    pub fn url(&self, label: &str) -> Option<&str> {
        let link = self.links.iter().find(|link| link.label == label)?;
        Some(&link.url)
    }

    /// Whether there is no link.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// What an earlier job wrote.
    ///
    /// # Errors
    /// When the text is not such a document.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        let document: Document = serde_json::from_str(text)?;
        let mut read = Self::default();
        for Entry { external_link } in document.section {
            read.link(&external_link.label, &external_link.url);
        }
        Ok(read)
    }

    /// The report. Ends with a line feed.
    ///
    /// # Errors
    /// None that can be told beforehand: serde's.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let entries = self.links.iter().map(|link| Entry {
            external_link: link.clone(),
        });
        let document = Document {
            section: entries.collect(),
        };
        Ok(serde_json::to_string_pretty(&document)? + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_label_the_newest_link_stays_in_its_place() {
        let mut annotations = Annotations::default();
        annotations.link("Slack thread", "https://a.example/1");
        annotations.link("Plan", "https://a.example/2");
        annotations.link("Slack\nthread", "https://a.example/3");
        insta::assert_snapshot!(annotations.to_json().unwrap(), @r#"
        {
          "Portcullis": [
            {
              "external_link": {
                "label": "Slack thread",
                "url": "https://a.example/3"
              }
            },
            {
              "external_link": {
                "label": "Plan",
                "url": "https://a.example/2"
              }
            }
          ]
        }
        "#);
    }

    #[test]
    fn only_web_addresses_stay() {
        let mut annotations = Annotations::default();
        for url in [
            "javascript:alert(1)",
            "data:text/html,x",
            "https://a.example/ b",
            "https://a\n",
            "",
            "/x",
        ] {
            annotations.link("x", url);
        }
        assert!(annotations.is_empty());
        let text = r#"{"Portcullis": [{"external_link": {"label": "x", "url": "javascript:alert(1)"}}]}"#;
        assert!(Annotations::read(text).unwrap().is_empty());
        assert!(Annotations::read("[]").is_err());
    }
}
