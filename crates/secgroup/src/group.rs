//! A security group in one of the three views.

use crate::rule::Rule;
use std::collections::BTreeMap;

/// A security group: what is known of it in one view, and its rules there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// EC2's id, `sg-…`; not known before it is made.
    pub id: Option<String>,
    /// Its Terraform address, where a Terraform document told.
    pub address: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// The VPC it was made in.
    pub vpc_id: Option<String>,
    /// The account it belongs to, where known.
    pub account: Option<String>,
    /// The region it is in, where known.
    pub region: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

impl Group {
    /// What people call it: name, else Terraform address, else id.
    #[must_use]
    pub fn label(&self) -> &str {
        [&self.name, &self.address, &self.id]
            .into_iter()
            .flatten()
            .next()
            .map_or("(unnamed group)", String::as_str)
    }
}

/// Which groups something speaks of: by name pattern and tags. Everything that is set must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupSelector {
    /// A name, in which `*` stands for any run of characters.
    pub name: Option<String>,
    /// Tags the group must carry, with exactly these values.
    pub tags: BTreeMap<String, String>,
}

impl GroupSelector {
    /// Whether it speaks of a group with this name and these tags.
    ///
    /// ```
    /// use portcullis_secgroup::{Group, GroupSelector};
    /// let selector = GroupSelector { name: Some("web-*".into()), ..GroupSelector::default() };
    /// let group = Group { name: Some("web-shop".into()), ..Group::default() };
    /// assert!(selector.fits(&group));
    /// ```
    #[must_use]
    pub fn fits(&self, group: &Group) -> bool {
        self.name_fits(group.name.as_deref())
            && self
                .tags
                .iter()
                .all(|(key, value)| group.tags.get(key) == Some(value))
    }

    /// Whether a group with this name may be meant; a selector without name means any.
    #[must_use]
    pub fn name_fits(&self, name: Option<&str>) -> bool {
        self.name
            .as_deref()
            .is_none_or(|pattern| name.is_some_and(|name| wildcard(pattern, name)))
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any run of characters, also an empty one.
#[must_use]
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(head) = parts.next() else {
        return text.is_empty();
    };
    let Some(mut rest) = text.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(tail) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::wildcard;

    #[test]
    fn stars_stand_for_any_run() {
        for (pattern, text, fits) in [
            ("web", "web", true),
            ("web", "web-1", false),
            ("web-*", "web-", true),
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b", "ab", true),
            ("a*ba", "aba", true),
            ("ab*ba", "aba", false),
            ("*-prod", "web-prod", true),
            ("*-prod", "web-prod-2", false),
        ] {
            assert_eq!(wildcard(pattern, text), fits, "{pattern} on {text}");
        }
    }
}
