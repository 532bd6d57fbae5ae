//! What documents for tools share: who wrote them, where findings point, and what makes a finding the same one again.

use crate::{Finding, Location};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Who writes a document for tools, and where its findings point.
///
/// Such documents want a place for every finding: GitLab takes no Code Quality entry without one, and drops a SARIF result
/// without one (GitLab, merge request 230156). A finding that has none points at `place`.
///
/// ```
/// use portcullis_report::Tool;
/// let tool = Tool::new("portcullis-validate", "0.1.0", "./terraform/policy.yaml").root("/builds/infra/net");
/// assert_eq!(tool.path("/builds/infra/net/terraform/./main.tf"), "terraform/main.tf");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    pub(crate) name: String,
    pub(crate) version: String,
    place: String,
    root: String,
}

impl Tool {
    /// The program's name and version, and the file that findings without a place of their own point at, such as the policy.
    #[must_use]
    pub fn new(name: impl Into<String>, version: impl Into<String>, place: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            place: place.into(),
            root: String::new(),
        }
    }

    /// The repository's folder: absolute paths beneath it are told relative to it.
    #[must_use]
    pub fn root(mut self, folder: impl Into<String>) -> Self {
        self.root = plain(&folder.into());
        self
    }

    /// The path as tools want it: relative to the repository where it lies in it, with `/`, without `.` and without what `..`
    /// takes back.
    #[must_use]
    pub fn path(&self, path: &str) -> String {
        let path = plain(path);
        let inside = path
            .strip_prefix(&self.root)
            .and_then(|rest| rest.strip_prefix('/'));
        match inside.filter(|_| !self.root.is_empty()) {
            Some(inside) => inside.to_owned(),
            None => path,
        }
    }

    /// Where the finding points: at its own place, or at the tool's.
    pub(crate) fn place_of(&self, finding: &Finding) -> Location {
        let place = |path: &str, line: usize| {
            let path = self.path(path);
            (!path.is_empty()).then_some(Location {
                path,
                line: line.max(1),
            })
        };
        let own = finding.location.as_ref();
        own.and_then(|location| place(&location.path, location.line))
            .or_else(|| place(&self.place, 1))
            .unwrap_or_else(|| Location {
                path: ".".to_owned(),
                line: 1,
            })
    }
}

/// The path without `.`, doubled `/`, and what `..` takes back.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", Some(&last)) if last != ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let start = if path.starts_with('/') { "/" } else { "" };
    format!("{start}{}", parts.join("/"))
}

/// A fingerprint for each finding: the same for the same finding in every run, wherever in the code it moves.
///
/// It is made of the rule, the group and what is open. Findings about no group are told apart by the resources. Those that are still alike are
/// numbered.
pub(crate) fn fingerprints(findings: &[Finding]) -> Vec<String> {
    let mut seen: BTreeMap<[u8; 32], u64> = BTreeMap::new();
    findings
        .iter()
        .map(|finding| {
            let about: Vec<&str> = match finding.group.name() {
                Some(group) => vec![group],
                None => finding.resources.iter().map(String::as_str).collect(),
            };
            let mut hash = Sha256::new();
            // Each with its length, so that no two different findings give the same bytes.
            for part in [finding.rule.as_str(), &finding.exposure]
                .into_iter()
                .chain(about)
            {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
            let count = seen.entry(hash.clone().finalize().into()).or_default();
            if *count > 0 {
                hash.update(count.to_be_bytes());
            }
            *count += 1;
            // Half of the digest is plenty to tell findings apart, and half as long to look at.
            hash.finalize()
                .iter()
                .take(16)
                .map(|byte| format!("{byte:02x}"))
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GroupRef, Severity, Standing, Verdict};

    #[test]
    fn paths_are_told_from_the_repository() {
        let tool = Tool::new("x", "1", "policy.yaml").root("/builds/net/");
        for (path, told) in [
            ("./terraform//main.tf", "terraform/main.tf"),
            ("terraform/modules/../main.tf", "terraform/main.tf"),
            ("../elsewhere/main.tf", "../elsewhere/main.tf"),
            ("/builds/net/main.tf", "main.tf"),
            ("/builds/net/terraform/../main.tf", "main.tf"),
            ("/builds/net/../other/main.tf", "/builds/other/main.tf"),
            ("/builds/network/main.tf", "/builds/network/main.tf"),
            ("/builds/net", "/builds/net"),
        ] {
            assert_eq!(tool.path(path), told);
        }
    }

    #[test]
    fn a_fingerprint_outlives_lines_and_standing_but_not_what_is_open() {
        let ssh = || {
            Finding::new("admin", Severity::High, Verdict::Violation)
                .group(GroupRef::address("aws_security_group.a"))
                .exposure("tcp 22")
        };
        let mut moved = ssh().standing(Standing::New);
        moved.group.id = Some("sg-1".to_owned());
        moved.location = Some(Location {
            path: "main.tf".to_owned(),
            line: 9,
        });
        let of = |finding: Finding| fingerprints(&[finding]).remove(0);
        assert_eq!(of(ssh()), of(moved));
        assert_ne!(of(ssh()), of(ssh().exposure("tcp 23")));
        let alike = fingerprints(&[ssh(), ssh(), ssh()]);
        assert!(alike[0] != alike[1] && alike[1] != alike[2] && alike[0] != alike[2]);
        assert_eq!(alike, fingerprints(&[ssh(), ssh(), ssh()]));
        assert_eq!(alike[0].len(), 32);
    }
}
