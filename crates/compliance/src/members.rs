//! Members as if they were groups: all their groups joined.

use crate::subject::{Judged, JudgedMember, JudgedRule, Maker, Subject};
use portcullis_report::GroupRef;
use portcullis_secgroup::{Direction, Known, Peer, Rule};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Each member as if it were one group: all its groups joined. Rules whose group is not known may be anybody's.
///
/// What a member may carry beside is the same for all of them: see [`all_rules`].
pub(crate) fn joined(subject: &Subject) -> Vec<Judged> {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, group) in subject.groups.iter().enumerate() {
        for name in [&group.group.id, &group.group.address].into_iter().flatten() {
            places.entry(name).or_default().push(at);
        }
    }
    let member = |member: &JudgedMember| {
        let mut joined = Judged {
            group: GroupRef::address(&member.label),
            groups_unknown: member.groups_unknown,
            ..Judged::default()
        };
        for name in &member.groups {
            match places.get(name.as_str()) {
                Some(found) => {
                    joined.carries.extend(found);
                    if found.iter().any(|at| subject.groups[*at].elsewhere) {
                        joined.unseen.push(name.clone());
                    }
                }
                None => joined.unseen.push(name.clone()),
            }
        }
        joined.carries.sort_unstable();
        joined.carries.dedup();
        for group in joined.carries.iter().filter_map(|at| subject.groups.get(*at)) {
            joined.rules.extend(at_home(group, &group.rules));
            joined.maybe.extend(at_home(group, &group.maybe));
        }
        joined
            .maybe
            .extend(joined.unseen.iter().flat_map(|group| anything(group)));
        joined
    };
    let mut members: Vec<Judged> = subject.members.iter().map(member).collect();
    members.extend(
        subject
            .groups
            .iter()
            .filter(|group| group.is_orphan())
            .map(|group| Judged {
                maybe: group.rules.clone(),
                ..Judged::default()
            }),
    );
    members
}

/// The rules of all groups: what a member may open whose groups are not known. Empty when there is no such member.
pub(crate) fn all_rules(subject: &Subject) -> Vec<JudgedRule> {
    if subject.members.iter().any(|member| member.groups_unknown) {
        let all = subject.groups.iter();
        all.flat_map(|group| at_home(group, &group.rules).chain(at_home(group, &group.maybe)))
            .collect()
    } else {
        Vec::new()
    }
}

/// The rules of a group that knows its members among others: "itself" is the group, not the member.
fn at_home<'a>(group: &Judged, rules: &'a [JudgedRule]) -> impl Iterator<Item = JudgedRule> + use<'a> {
    let home = Arc::new(group.group.clone());
    let id = group.group.id.clone().or_else(|| group.group.address.clone());
    rules.iter().map(move |judged| {
        let mut judged = judged.clone();
        if let (Peer::SelfGroup, Some(id)) = (&judged.rule.peer, &id) {
            judged.rule.peer = Peer::group(id);
        }
        judged.home = Some(Arc::clone(&home));
        judged
    })
}

/// What a group may open whose rules are not in sight.
fn anything(group: &str) -> [JudgedRule; 2] {
    [Direction::Ingress, Direction::Egress].map(|direction| JudgedRule {
        rule: Rule::not_known(direction),
        owner: group.to_owned(),
        maker: Maker::Owner,
        not_known: Vec::new(),
        description_unknown: true,
        home: None,
    })
}

/// Whether it stands for all that a group may open whose rules are not in sight.
pub(crate) fn is_unseen(judged: &JudgedRule) -> bool {
    judged.rule.protocol == Known::NotYet && judged.owner.starts_with("sg-")
}
