//! One view of one group: which rules it certainly has, and which it may have.

use portcullis_secgroup::{Group, Peer, RuleKey};
use portcullis_terraform::{Inline, Origin, OwnedRule, TerraformGroup, View};
use std::collections::BTreeMap;

/// What a view says of one rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Whether it is there; `None` when the view can't tell.
    pub(crate) there: Option<bool>,
    pub(crate) owners: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) id: Option<String>,
}

/// One view of one group. A rule that is not in `rules` is there as `otherwise` says.
#[derive(Debug, Clone, Default)]
pub(crate) struct GroupView {
    pub(crate) rules: BTreeMap<RuleKey, Seen>,
    pub(crate) otherwise: Option<bool>,
    /// Rules of which something is not known, in words.
    pub(crate) unknown: Vec<String>,
}

impl GroupView {
    /// A view that could not be read.
    pub(crate) fn unread() -> Self {
        Self::default()
    }

    pub(crate) fn seen(&self, key: &RuleKey) -> Seen {
        self.rules.get(key).cloned().unwrap_or(Seen {
            there: self.otherwise,
            ..Seen::default()
        })
    }

    fn add(&mut self, key: RuleKey, there: Option<bool>, owned: &OwnedRule) {
        let seen = self.rules.entry(key).or_default();
        // What one owner holds for certain, another one's echo can't make doubtful.
        seen.there = if seen.there == Some(true) {
            Some(true)
        } else {
            there
        };
        seen.owners.push(owned.owner.clone());
        seen.description = seen.description.take().or_else(|| owned.rule.description.clone());
        seen.id = seen.id.take().or_else(|| owned.rule.id.clone());
    }
}

/// Ids by address, so that a plan made before its objects were can be compared with what came of it.
pub(crate) struct Names<'a> {
    ids: BTreeMap<&'a str, &'a str>,
    /// The rules the state holds for each owner.
    recorded: BTreeMap<&'a str, Vec<&'a OwnedRule>>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(views: &[&'a View]) -> Self {
        let mut ids = BTreeMap::new();
        let mut recorded: BTreeMap<&str, Vec<&OwnedRule>> = BTreeMap::new();
        for group in views.iter().flat_map(|view| &view.groups) {
            if let (Some(address), Some(id)) = (&group.address, &group.id) {
                ids.insert(address.as_str(), id.as_str());
            }
        }
        for view in views {
            ids.extend(
                view.prefix_list_ids
                    .iter()
                    .map(|(address, id)| (address.as_str(), id.as_str())),
            );
            for owned in view.groups.iter().flat_map(|group| &group.rules) {
                if owned.origin == Origin::Resource {
                    recorded.entry(&owned.owner).or_default().push(owned);
                }
            }
        }
        Self { ids, recorded }
    }

    pub(crate) fn id(&self, address: &str) -> Option<&'a str> {
        self.ids.get(address).copied()
    }

    /// The keys of a declared rule, with ids in place of addresses. What is not known yet is taken from what the state holds
    /// for the same owner; `None` when that does not help either.
    fn keys(&self, owned: &OwnedRule, own_id: Option<&str>) -> Option<Vec<RuleKey>> {
        if let Some(key) = owned.rule.key() {
            return Some(vec![self.with_ids(key, own_id)]);
        }
        let recorded = self
            .recorded
            .get(owned.owner.as_str())
            .filter(|_| owned.origin == Origin::Resource)?;
        let keys: Vec<RuleKey> = recorded
            .iter()
            .filter_map(|owned| owned.rule.key())
            .map(|key| self.with_ids(key, own_id))
            .collect();
        (!keys.is_empty()).then_some(keys)
    }

    fn with_ids(&self, mut key: RuleKey, own_id: Option<&str>) -> RuleKey {
        if let Peer::PrefixList(address) = &key.peer {
            key.peer = Peer::PrefixList(self.id(address).unwrap_or(address).to_owned());
        }
        if let Peer::Group { id, account: None } = &key.peer {
            let id = self.id(id).unwrap_or(id).to_owned();
            key.peer = if Some(id.as_str()) == own_id {
                Peer::SelfGroup
            } else {
                Peer::group(id)
            };
        }
        key
    }
}

/// What the code declares for a group: its own inline rules and its rule resources. An echo is neither; where the plan can't
/// tell an echo from a `dynamic` block, neither can we.
pub(crate) fn declared(group: &TerraformGroup, id: Option<&str>, names: &Names<'_>) -> GroupView {
    if group.untouched {
        // Outside the target of a targeted plan nothing is said.
        return GroupView::unread();
    }
    let mut view = GroupView {
        otherwise: Some(false),
        ..GroupView::default()
    };
    for owned in group.rules.iter().filter(|owned| !owned.forgotten) {
        let there = match (owned.origin, group.inline(owned.rule.direction)) {
            (Origin::Echo, Inline::CannotTell) => None,
            (Origin::Echo, _) => continue,
            _ => Some(true),
        };
        match names.keys(owned, id) {
            Some(keys) => keys.into_iter().for_each(|key| view.add(key, there, owned)),
            None => view.unknown.push(owned.owner.clone()),
        }
    }
    view
}

/// What the state records for a group, by the same owners. `plan` is the group in the plan, which knows whether the group's own
/// attribute is a wish or an echo.
pub(crate) fn recorded(
    group: &TerraformGroup,
    plan: Option<&TerraformGroup>,
    names: &Names<'_>,
) -> GroupView {
    let mut view = GroupView {
        otherwise: Some(false),
        ..GroupView::default()
    };
    for owned in &group.rules {
        let there = match (owned.origin, plan.map(|plan| plan.inline(owned.rule.direction))) {
            (Origin::Resource, _) | (_, Some(Inline::Declared)) => Some(true),
            (_, Some(Inline::Absent)) => continue,
            (_, Some(Inline::CannotTell)) => None,
            // The code has dropped the whole group: the state still owns it, unless resources owned the rules.
            (_, None) => {
                let echo = group.rules.iter().any(|other| {
                    other.origin == Origin::Resource && other.rule.direction == owned.rule.direction
                });
                if echo { None } else { Some(true) }
            }
        };
        match names.keys(owned, group.id.as_deref()) {
            Some(keys) => keys.into_iter().for_each(|key| view.add(key, there, owned)),
            None => view.unknown.push(owned.owner.clone()),
        }
    }
    view
}

/// What EC2 has in a group.
///
/// `None` for a group that EC2 does not list: it was never made, or it is gone, if all was read.
pub(crate) fn live(group: Option<&Group>, all_was_read: bool) -> GroupView {
    let mut view = GroupView {
        otherwise: all_was_read.then_some(false),
        ..GroupView::default()
    };
    for rule in group.into_iter().flat_map(|group| &group.rules) {
        if let Some(key) = rule.key() {
            let seen = view.rules.entry(key).or_default();
            seen.there = Some(true);
            seen.description.clone_from(&rule.description);
            seen.id.clone_from(&rule.id);
        }
    }
    view
}
