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
    if rule.per == Per::Group || rule.groups.name.is_none() && rule.groups.tags.is_empty() {
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
    let mut fit = Fit::Yes;
    if rule.groups.name.is_some() && judged.name_unknown {
        fit = Fit::Unknown;
    } else if !rule.groups.name_fits(judged.name.as_deref()) {
        return Fit::No;
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
