//! Live as "before": what the plan changes, as a change of what EC2 has.

use crate::scene::{Carrier, Held, Name, Side};
use portcullis_secgroup::{Group, Inventory, Peer, PrefixLists, Rule, RuleKey};
use portcullis_terraform::{Member, TerraformGroup, View};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The groups that the state records, as it records them and as they are live. Nothing else, and no members.
pub(crate) fn beside<'a>(before: &'a View, live: &'a Inventory) -> [Side<'a>; 2] {
    let mut recorded = Side::of(before);
    recorded.members.clear();
    let index = by_id(live);
    let found = |held: &Held<'a>| match held.name.id.and_then(|id| index.get(id)) {
        Some(group) => Some(Held {
            name: held.name,
            rules: group.rules.iter().collect(),
        }),
        // What was not read is not missing.
        None => held
            .name
            .id
            .is_none_or(|id| live.may_lack_group(id))
            .then(|| held.clone()),
    };
    let live = Side {
        groups: recorded.groups.iter().filter_map(found).collect(),
        members: Vec::new(),
        lists: Cow::Owned(joined(&live.prefix_lists, &before.prefix_lists)),
        list_ids: &before.prefix_list_ids,
    };
    [recorded, live]
}

/// What is live, and what will be when the plan's changes are made to it.
pub(crate) fn sides<'a>(before: &'a View, after: &'a View, live: &'a Inventory) -> [Side<'a>; 2] {
    let (was, will) = groups(before, after, live);
    let (members_before, members_after) = members(before, after, live);
    [
        Side {
            groups: was,
            members: members_before,
            lists: Cow::Owned(joined(&live.prefix_lists, &before.prefix_lists)),
            list_ids: &before.prefix_list_ids,
        },
        Side {
            groups: will,
            members: members_after,
            lists: Cow::Owned(joined(&after.prefix_lists, &live.prefix_lists)),
            list_ids: &after.prefix_list_ids,
        },
    ]
}

fn by_id(live: &Inventory) -> BTreeMap<&str, &Group> {
    let groups = live.groups.iter();
    groups
        .filter_map(|group| Some((group.id.as_deref()?, group)))
        .collect()
}

/// The lists of both; where both have one, the first counts.
fn joined(first: &PrefixLists, second: &PrefixLists) -> PrefixLists {
    let mut all = PrefixLists::default();
    let noted: BTreeSet<&str> = first.ids().collect();
    let rest = second
        .ids()
        .filter(|id| !noted.contains(id))
        .map(|id| (second, id));
    for (lists, id) in first.ids().map(|id| (first, id)).chain(rest) {
        match lists.entries(id) {
            Some(entries) => all.insert(id, entries.clone()),
            None => all.insert_unknown(id),
        }
    }
    all
}

fn groups<'a>(before: &'a View, after: &'a View, live: &'a Inventory) -> (Vec<Held<'a>>, Vec<Held<'a>>) {
    let found = by_id(live);
    let of = |view: &'a View| -> BTreeMap<&'a str, &'a TerraformGroup> {
        let groups = view.groups.iter();
        groups
            .filter_map(|group| Some((group.id.as_deref()?, group)))
            .collect()
    };
    let (recorded, planned) = (of(before), of(after));
    let (mut was, mut will) = (Vec::new(), Vec::new());
    for (id, group) in &found {
        let known = planned.get(id).or_else(|| recorded.get(id));
        let name = Name {
            address: known.and_then(|known| known.address.as_deref()),
            id: Some(*id),
            name: group.name.as_deref(),
        };
        let rules: Vec<&Rule> = group.rules.iter().collect();
        match (recorded.get(id), planned.get(id)) {
            // Not Terraform's.
            (None, None) => will.push(Held {
                name,
                rules: rules.clone(),
            }),
            (recorded, Some(planned)) => will.push(Held {
                name,
                rules: applied(group, recorded.unwrap_or(planned), planned),
            }),
            (Some(_), None) => {}
        }
        was.push(Held { name, rules });
    }
    // What was not read counts as the state has it; what is not live any more is on neither side, unless it is made anew.
    let unread = |held: &Held<'a>| held.name.id.is_some_and(|id| live.may_lack_group(id));
    let missing = |held: &Held<'a>| held.name.id.is_none_or(|id| !found.contains_key(id));
    let rest = |view: &'a View, keep: &dyn Fn(&Held<'a>) -> bool| -> Vec<Held<'a>> {
        let groups = Side::of(view).groups.into_iter();
        groups.filter(|held| missing(held) && keep(held)).collect()
    };
    was.extend(rest(before, &unread));
    will.extend(rest(after, &|held| {
        unread(held) || held.name.id.is_none_or(|id| !recorded.contains_key(id))
    }));
    (was, will)
}

/// The rules after apply: what the plan wants; what is live without the state knowing, for the plan does not take it away;
/// without what the plan leaves alone and is not live any more.
fn applied<'a>(live: &'a Group, recorded: &'a TerraformGroup, planned: &'a TerraformGroup) -> Vec<&'a Rule> {
    let own = live.id.as_deref().unwrap_or_default();
    let keys = |group: &'a TerraformGroup| -> BTreeSet<RuleKey> {
        let rules = group.rules.iter();
        rules.filter_map(|owned| key(&owned.rule, own)).collect()
    };
    let (recorded, wanted) = (keys(recorded), keys(planned));
    let found: BTreeSet<RuleKey> = live.rules.iter().filter_map(|rule| key(rule, own)).collect();
    let stays =
        |rule: &Rule| key(rule, own).is_none_or(|key| !recorded.contains(&key) || found.contains(&key));
    let by_hand =
        |rule: &&Rule| key(rule, own).is_none_or(|key| !recorded.contains(&key) && !wanted.contains(&key));
    let planned = planned.rules.iter().map(|owned| &owned.rule);
    planned
        .filter(|rule| stays(rule))
        .chain(live.rules.iter().filter(by_hand))
        .collect()
}

fn key(rule: &Rule, own: &str) -> Option<RuleKey> {
    let mut key = rule.key()?;
    if key.peer == Peer::group(own) {
        key.peer = Peer::SelfGroup;
    }
    Some(key)
}

fn members<'a>(
    before: &'a View,
    after: &'a View,
    live: &'a Inventory,
) -> (Vec<Carrier<'a>>, Vec<Carrier<'a>>) {
    let by = |pick: fn(&Member) -> Option<&str>, view: &'a View| -> BTreeMap<&'a str, &'a Member> {
        let members = view.members.iter();
        members
            .filter_map(|member| Some((pick(member)?, member)))
            .collect()
    };
    let recorded = by(|member| member.id.as_deref(), before);
    let planned = by(|member| member.id.as_deref(), after);
    let at_address = by(|member| Some(&member.address), after);
    let mut per_instance: BTreeMap<&str, usize> = BTreeMap::new();
    for interface in &live.interfaces {
        *per_instance
            .entry(interface.instance_id.as_deref().unwrap_or_default())
            .or_default() += 1;
    }
    let (mut was, mut will) = (Vec::new(), Vec::new());
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for interface in &live.interfaces {
        let groups: Vec<&str> = interface.groups.iter().map(String::as_str).collect();
        let known = |id: &str| recorded.get(id).copied();
        let member = known(&interface.id).or_else(|| known(interface.instance_id.as_deref()?));
        // An instance's own list of groups is that of its first interface; of several it is the one that carries these.
        let member = member.filter(|member| {
            let alone = interface
                .instance_id
                .as_deref()
                .is_none_or(|id| per_instance.get(id) == Some(&1));
            alone || member.id.as_deref() == Some(&interface.id) || same(&groups, &member.groups)
        });
        let name = Name {
            address: member.map(|member| member.address.as_str()),
            id: Some(&interface.id),
            name: interface
                .instance_name
                .as_deref()
                .or_else(|| member?.name.as_deref())
                .or_else(|| Some(interface.label())),
        };
        let carrier = |name, groups, groups_unknown| Carrier {
            name,
            groups,
            groups_unknown,
        };
        was.push(carrier(name, groups.clone(), false));
        let Some(member) = member else {
            will.push(carrier(name, groups, false));
            continue;
        };
        seen.insert(&member.address);
        if let Some(planned) = member.id.as_deref().and_then(|id| planned.get(id)) {
            seen.insert(&planned.address);
            let groups = moved(&groups, &member.groups, &planned.groups);
            will.push(carrier(name, groups, planned.groups_unknown));
        } else if let Some(planned) = at_address.get(member.address.as_str()) {
            let name = Name {
                id: planned.id.as_deref(),
                ..name
            };
            let groups = planned.groups.iter().map(String::as_str).collect();
            will.push(carrier(name, groups, planned.groups_unknown));
        }
    }
    let rest = |view: &'a View| {
        let members = Side::of(view).members.into_iter();
        members.filter(|member| member.name.address.is_none_or(|address| !seen.contains(address)))
    };
    was.extend(rest(before));
    will.extend(rest(after));
    (was, will)
}

fn same(some: &[&str], others: &[String]) -> bool {
    let others: BTreeSet<&str> = others.iter().map(String::as_str).collect();
    some.iter().copied().collect::<BTreeSet<_>>() == others
}

/// The groups after the plan's joining and leaving.
fn moved<'a>(live: &[&'a str], recorded: &'a [String], planned: &'a [String]) -> Vec<&'a str> {
    let stays =
        |id: &&&str| !recorded.iter().any(|group| group == *id) || planned.iter().any(|group| group == *id);
    let joins = planned
        .iter()
        .filter(|group| !recorded.contains(group))
        .map(String::as_str);
    live.iter().filter(stays).copied().chain(joins).collect()
}
