//! Which other files of the repository a pipeline file includes.

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    include: Value,
}

/// The local files that a `.gitlab-ci.yml` includes, as paths from the repository's root. (GitLab docs, "CI/CD YAML syntax
/// reference", `include`: a path or an address alone, a list of them, or entries with `local`.) `None` when it does not
/// read. A path with `*` is left as it is.
///
/// ```
/// use portcullis_evidence::local_includes;
/// let text = "include:\n  - local: /ci/plan.yml\n  - project: infra/portcullis\n    file: ci/all.yml\n  - more.yml\n";
/// assert_eq!(local_includes(text), Some(vec!["ci/plan.yml".to_owned(), "more.yml".to_owned()]));
/// ```
#[must_use]
pub fn local_includes(text: &str) -> Option<Vec<String>> {
    // A file with `spec` has two documents; includes stand in the second.
    let documents = text.split("\n---").map(|part| part.trim_start_matches('-'));
    let mut found = Vec::new();
    for document in documents {
        // An empty document, or one of comments alone, is none.
        let Ok(document) = serde_saphyr::from_str::<Option<Document>>(document) else {
            return None;
        };
        match document.map(|document| document.include) {
            Some(Value::Array(entries)) => found.extend(entries.iter().filter_map(local)),
            Some(entry) => found.extend(local(&entry)),
            None => {}
        }
    }
    Some(found)
}

fn local(entry: &Value) -> Option<String> {
    let path = match entry {
        Value::String(path) if !path.contains("://") => path.as_str(),
        Value::Object(entry) => entry.get("local")?.as_str()?,
        _ => return None,
    };
    Some(path.trim_start_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_shape_an_include_has_its_local_files_are_found() {
        let paths = |text: &str| local_includes(text).unwrap();
        assert_eq!(paths("include: ci/a.yml\n"), ["ci/a.yml"]);
        assert_eq!(paths("include:\n  local: '/ci/a.yml'\n"), ["ci/a.yml"]);
        assert_eq!(paths("include: [a.yml, {local: b.yml}]\n"), ["a.yml", "b.yml"]);
        for elsewhere in [
            "include: https://example.org/a.yml\n",
            "include:\n  - component: $CI_SERVER_FQDN/infra/portcullis/all@1.0.0\n    inputs: {local: no}\n",
            "include:\n  - template: Jobs/SAST.gitlab-ci.yml\n  - remote: https://example.org/a.yml\n",
            "stages: [a]\n",
            "# nothing\n",
        ] {
            assert_eq!(paths(elsewhere), [""; 0], "{elsewhere}");
        }
    }

    #[test]
    fn tags_anchors_and_two_documents_do_not_disturb() {
        let text = "spec:\n  inputs:\n    x: {default: 1}\n---\ninclude:\n  - local: a.yml\n\n.base: &base\n  script: [x]\njob:\n  <<: *base\n  script:\n    - !reference [.base, script]\n";
        assert_eq!(local_includes(text), Some(vec!["a.yml".to_owned()]));
        assert_eq!(local_includes("include: [\n"), None);
    }
}
