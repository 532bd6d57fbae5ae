//! Which project, and how addresses below the API's root are made.

use std::fmt;

/// Somebody who belongs to a project or a group, also by a group above it. (GitLab docs, "Project members API".)
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Member {
    /// Number, unique on the instance.
    pub id: u64,
    /// The name for signing in.
    pub username: String,
    /// 10 Guest, 20 Reporter, 30 Developer, 40 Maintainer, 50 Owner.
    pub access_level: u64,
}

/// What a project says of itself, as far as it is in use. (GitLab docs, "Projects API".)
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
pub struct ProjectFacts {
    /// Where the pipeline file is kept, as `CI_CONFIG_PATH` says it; the inner `None` and an empty text stand for
    /// `.gitlab-ci.yml`. The outer `None`: GitLab does not show it to this token.
    #[serde(default, deserialize_with = "shown")]
    pub ci_config_path: Option<Option<String>>,
}

fn shown<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    serde::Deserialize::deserialize(deserializer).map(Some)
}

/// A project, by number or by full path, as the API's `:id` accepts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Project {
    /// The number, such as `CI_PROJECT_ID`.
    Id(u64),
    /// The path with its groups, such as `platform/network`; sent percent-encoded.
    Path(String),
}

impl Project {
    /// The value as one URL path segment, not yet percent-encoded.
    pub(crate) fn segment(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Path(path) => f.write_str(path),
        }
    }
}

pub(crate) mod segment {
    //! Path segments: each one is encoded whole, so that nothing in it can start another.

    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    use url::Url;

    /// Everything but the unreserved characters of RFC 3986, section 2.3.
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');

    /// The root's address with the segments after its own path; the root's query and fragment are left out.
    pub(crate) fn join(root: &Url, segments: &[&str]) -> Url {
        let mut path = root.path().trim_end_matches('/').to_owned();
        for part in segments {
            path.push('/');
            path.extend(utf8_percent_encode(part, ENCODED));
        }
        let mut url = root.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.set_path(&path);
        url
    }
}
