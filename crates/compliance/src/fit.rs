//! Whether a policy rule speaks of a group.

use crate::document::Per;
use crate::policy::Rule as PolicyRule;
use crate::subject::{Judged, Subject};

/// Whether a rule speaks of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    Yes,
    No,
    /// A name or tag that would decide is not known.
    Unknown,
}

/// Whether the rule speaks of a group; of a member, when it speaks of one of its groups.
pub(crate) fn fits(rule: &PolicyRule, judged: &Judged, subject: &Subject) -> Fit {
    if rule.per == Per::Group || !rule.picks() {
        return group_fits(rule, judged);
    }
    let open = judged.groups_unknown || !judged.unseen.is_empty() || judged.is_orphan();
    let least = if open { Fit::Unknown } else { Fit::No };
    let carried = judged.carries.iter().filter_map(|at| subject.groups.get(*at));
    carried
        .map(|group| group_fits(rule, group))
        .fold(least, |fit, next| match (fit, next) {
            (Fit::Yes, _) | (_, Fit::Yes) => Fit::Yes,
            (Fit::Unknown, _) | (_, Fit::Unknown) => Fit::Unknown,
            _ => Fit::No,
        })
}

fn group_fits(rule: &PolicyRule, judged: &Judged) -> Fit {
    let mut fit = match &rule.groups.name {
        Some(pattern) if judged.name_unknown => unknown_name_fits(pattern, judged),
        _ if rule.groups.name_fits(judged.name.as_deref()) => Fit::Yes,
        _ => Fit::No,
    };
    if fit == Fit::No {
        return fit;
    }
    for (key, value) in &rule.groups.tags {
        match judged.tags.get(key) {
            Some(found) if found == value => {}
            None if judged.tags_unknown => fit = Fit::Unknown,
            _ => return Fit::No,
        }
    }
    fit
}

/// What can be said of a name that is not known yet: how it starts, and that EC2 keeps `default` for default groups.
fn unknown_name_fits(pattern: &str, judged: &Judged) -> Fit {
    if judged.never_default && pattern == "default" {
        return Fit::No;
    }
    let Some(prefix) = &judged.name_prefix else {
        return Fit::Unknown;
    };
    let (head, rest) = pattern
        .split_once('*')
        .map_or((pattern, None), |(head, rest)| (head, Some(rest)));
    match rest {
        Some("") if prefix.starts_with(head) => Fit::Yes,
        Some(_) if prefix.starts_with(head) => Fit::Unknown,
        // The pattern goes on where the known part ends.
        _ if head.starts_with(prefix.as_str()) => Fit::Unknown,
        _ => Fit::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_tells_what_it_can() {
        let of = |pattern: &str, prefix: &str| {
            let judged = Judged {
                name_unknown: true,
                name_prefix: Some(prefix.to_owned()),
                ..Judged::default()
            };
            unknown_name_fits(pattern, &judged)
        };
        for (pattern, prefix, fit) in [
            ("web-*", "web-", Fit::Yes),
            ("web-*", "web-shop-", Fit::Yes),
            ("*", "web-", Fit::Yes),
            ("web-shop-*", "web-", Fit::Unknown),
            ("web-*-blue", "web-", Fit::Unknown),
            ("*-blue", "web-", Fit::Unknown),
            ("web-20261123", "web-", Fit::Unknown),
            ("db-*", "web-", Fit::No),
            ("default", "web-", Fit::No),
            ("we", "web-", Fit::No),
        ] {
            assert_eq!(of(pattern, prefix), fit, "{pattern} on {prefix}");
        }
    }

    #[test]
    fn only_default_groups_are_called_default() {
        let ordinary = Judged {
            name_unknown: true,
            never_default: true,
            ..Judged::default()
        };
        assert_eq!(unknown_name_fits("default", &ordinary), Fit::No);
        assert_eq!(unknown_name_fits("d*", &ordinary), Fit::Unknown);
        assert_eq!(unknown_name_fits("default", &Judged::default()), Fit::Unknown);
    }
}
