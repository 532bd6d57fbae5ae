//! The three views of one group, rule by rule: which are certainly there, which may be.

use portcullis_report::GroupRef;
use portcullis_secgroup::{Cidr, Direction, Group, Known, Peer, Rule, RuleKey, UnknownPeer};
use portcullis_terraform::{Inline, Origin, OwnedRule, TerraformGroup, View};
use std::collections::{BTreeMap, HashMap, HashSet};

/// One view's place in [`Row::views`].
pub(crate) const DECLARED: usize = 0;
pub(crate) const RECORDED: usize = 1;
pub(crate) const LIVE: usize = 2;

/// Whether a view names a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum There {
    /// It doesn't: then what holds for the whole view holds.
    #[default]
    NotNamed,
    /// The view can't tell.
    CannotTell,
    Yes,
}

/// What a view says of one rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen<'a> {
    pub(crate) there: There,
    pub(crate) owners: Vec<&'a str>,
    pub(crate) description: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
    pub(crate) tags: Option<&'a BTreeMap<String, String>>,
    /// Whether the plan does not know it, and it is taken from what the state holds for the same owner.
    pub(crate) inferred: bool,
}

/// One rule in the three views.
#[derive(Debug, Default)]
pub(crate) struct Row<'a> {
    pub(crate) views: [Seen<'a>; 3],
}

/// All rules of one group. A rule that a view does not name is there as `otherwise` says.
#[derive(Debug, Default)]
pub(crate) struct Table<'a> {
    pub(crate) rows: HashMap<RuleKey, Row<'a>>,
    pub(crate) otherwise: [Option<bool>; 3],
    /// Owners of rules of which something is not known.
    pub(crate) unknown: Vec<&'a str>,
}

impl<'a> Table<'a> {
    /// Whether a view has the rule; `None` when it can't tell.
    pub(crate) fn there(&self, row: &Row<'_>, view: usize) -> Option<bool> {
        match row.views[view].there {
            There::Yes => Some(true),
            There::CannotTell => None,
            There::NotNamed => self.otherwise[view],
        }
    }

    fn add(&mut self, view: usize, key: RuleKey, there: There, owned: &'a OwnedRule, inferred: bool) {
        let seen = &mut self.rows.entry(key).or_default().views[view];
        // What one owner holds for certain, another one's echo can't make doubtful.
        if seen.there != There::Yes {
            seen.there = there;
        }
        seen.owners.push(&owned.owner);
        seen.description = seen.description.or(owned.rule.description.as_deref());
        seen.id = seen.id.or(owned.rule.id.as_deref());
        seen.tags = seen.tags.or(Some(&owned.rule.tags));
        seen.inferred |= inferred;
    }

    /// Owners of declared rules that are taken from the state.
    pub(crate) fn resolved(&self) -> Vec<&'a str> {
        let declared = self.rows.values().map(|row| &row.views[DECLARED]);
        let inferred = declared.filter(|seen| seen.inferred);
        inferred.flat_map(|seen| seen.owners.iter().copied()).collect()
    }

    /// What EC2 has in a group; `None` for one that EC2 does not list.
    pub(crate) fn add_live(&mut self, group: Option<&'a Group>) {
        for rule in group.into_iter().flat_map(|group| &group.rules) {
            if let Some(key) = rule.key() {
                let seen = &mut self.rows.entry(key).or_default().views[LIVE];
                seen.there = There::Yes;
                seen.description = rule.description.as_deref();
                seen.id = rule.id.as_deref();
                seen.tags = Some(&rule.tags);
            }
        }
    }
}

/// One group as the code and the state have it.
pub(crate) struct Pair<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) group: GroupRef,
    pub(crate) declared: Option<&'a TerraformGroup>,
    pub(crate) recorded: Option<&'a TerraformGroup>,
    /// The group before the change, when the plan tells.
    pub(crate) before: Option<&'a TerraformGroup>,
    /// Whether the plan makes it.
    pub(crate) is_new: bool,
    /// Declared rules of which only the state tells that they are this group's.
    pub(crate) adopted: Vec<&'a OwnedRule>,
}

impl<'a> Pair<'a> {
    /// Whether the group writes its rules of this direction inside itself.
    pub(crate) fn is_inline(&self, direction: Direction) -> bool {
        self.declared
            .is_some_and(|group| group.inline(direction) == Inline::Declared)
    }

    /// What the code declares: the group's own inline rules and its rule resources. An echo is neither; where the plan can't
    /// tell an echo from a `dynamic` block, neither can we.
    pub(crate) fn add_declared(&self, names: &Names<'_>, table: &mut Table<'a>) {
        if self.declared.is_some_and(|group| group.untouched) {
            // Outside the target of a targeted plan nothing is said.
            return;
        }
        let own = self.declared.into_iter().flat_map(|group| &group.rules);
        let mut open: Vec<&OwnedRule> = Vec::new();
        for owned in own.chain(self.adopted.iter().copied()) {
            if owned.forgotten {
                continue;
            }
            let inline = self
                .declared
                .map_or(Inline::Absent, |group| group.inline(owned.rule.direction));
            let there = match (owned.origin, inline) {
                (Origin::Echo, Inline::CannotTell) => There::CannotTell,
                (Origin::Echo, _) => continue,
                _ => There::Yes,
            };
            match owned.rule.key() {
                Some(key) => table.add(DECLARED, names.with_ids(key, self.id), there, owned, false),
                None => open.push(owned),
            }
        }
        if open.is_empty() {
            return;
        }
        let recorded = by_owner(self.recorded);
        let before = by_owner(self.before);
        for owned in open {
            let keys = |held: &HashMap<&str, Vec<&OwnedRule>>| -> HashSet<RuleKey> {
                let held = held.get(owned.owner.as_str()).into_iter().flatten();
                held.filter(|held| may_be(&owned.rule, &held.rule))
                    .filter_map(|held| held.rule.key())
                    .map(|key| names.with_ids(key, self.id))
                    .collect()
            };
            let held = keys(&recorded);
            // Still as before the change: it may be that it was not applied.
            let applied = !held.is_empty() && held != keys(&before);
            let there = if applied { There::Yes } else { There::CannotTell };
            if !applied {
                table.unknown.push(&owned.owner);
            }
            for key in held {
                let known = table.rows.get(&key).map(|row| row.views[DECLARED].there);
                if known != Some(There::Yes) {
                    table.add(DECLARED, key, there, owned, applied);
                }
            }
        }
    }

    /// What the state records, by the same owners. The plan knows whether the group's own attribute is a wish or an echo.
    pub(crate) fn add_recorded(&self, names: &Names<'_>, table: &mut Table<'a>) {
        let Some(group) = self.recorded else { return };
        let resources: HashSet<Direction> = group
            .rules
            .iter()
            .filter(|owned| owned.origin == Origin::Resource)
            .map(|owned| owned.rule.direction)
            .collect();
        for owned in &group.rules {
            let direction = owned.rule.direction;
            let there = match (owned.origin, self.declared.map(|plan| plan.inline(direction))) {
                (Origin::Resource, _) | (_, Some(Inline::Declared)) => There::Yes,
                (_, Some(Inline::Absent)) => continue,
                (_, Some(Inline::CannotTell)) => There::CannotTell,
                // The code has dropped the whole group: the state still owns it, unless resources owned the rules.
                (_, None) if resources.contains(&direction) => There::CannotTell,
                (_, None) => There::Yes,
            };
            match owned.rule.key() {
                Some(key) => table.add(RECORDED, names.with_ids(key, self.id), there, owned, false),
                None => table.unknown.push(&owned.owner),
            }
        }
    }
}

fn by_owner(group: Option<&TerraformGroup>) -> HashMap<&str, Vec<&OwnedRule>> {
    let mut out: HashMap<&str, Vec<&OwnedRule>> = HashMap::new();
    for owned in group.into_iter().flat_map(|group| &group.rules) {
        out.entry(&owned.owner).or_default().push(owned);
    }
    out
}

/// Whether a rule of which something is not known may turn out to be this one.
fn may_be(open: &Rule, rule: &Rule) -> bool {
    fn fits<T: PartialEq>(open: &Known<T>, known: &Known<T>) -> bool {
        *open == Known::NotYet || open == known
    }
    let v4 = |wanted: bool| matches!(&rule.peer, Peer::Cidr(cidr) if Cidr::is_ipv4(cidr) == wanted);
    open.direction == rule.direction
        && fits(&open.protocol, &rule.protocol)
        && fits(&open.ports, &rule.ports)
        && match &open.peer {
            Peer::Unknown(UnknownPeer::Ipv4) => v4(true),
            Peer::Unknown(UnknownPeer::Ipv6) => v4(false),
            Peer::Unknown(UnknownPeer::Group) => matches!(rule.peer, Peer::Group { .. } | Peer::SelfGroup),
            Peer::Unknown(UnknownPeer::PrefixList) => matches!(rule.peer, Peer::PrefixList(_)),
            Peer::Unknown(UnknownPeer::Any) => true,
            known => *known == rule.peer,
        }
}

/// Ids by address, so that a plan made before its objects were can be compared with what came of it.
#[derive(Debug, Default)]
pub(crate) struct Names<'a> {
    ids: HashMap<&'a str, &'a str>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(views: &[&'a View]) -> Self {
        let mut ids = HashMap::new();
        for view in views {
            let groups = view.groups.iter();
            ids.extend(groups.filter_map(|group| Some((group.address.as_deref()?, group.id.as_deref()?))));
            let lists = view.prefix_list_ids.iter();
            ids.extend(lists.map(|(address, id)| (address.as_str(), id.as_str())));
            let members = view.members.iter();
            ids.extend(members.filter_map(|member| Some((member.address.as_str(), member.id.as_deref()?))));
        }
        Self { ids }
    }

    pub(crate) fn id(&self, address: &str) -> Option<&'a str> {
        self.ids.get(address).copied()
    }

    /// The key with ids in place of addresses, and the group itself in its one form.
    pub(crate) fn with_ids(&self, mut key: RuleKey, own_id: Option<&str>) -> RuleKey {
        match &key.peer {
            Peer::PrefixList(name) => {
                if let Some(id) = self.id(name) {
                    key.peer = Peer::PrefixList(id.to_owned());
                }
            }
            Peer::Group {
                id: name,
                account: None,
            } => {
                let id = self.id(name).unwrap_or(name);
                if Some(id) == own_id {
                    key.peer = Peer::SelfGroup;
                } else if id != name {
                    key.peer = Peer::group(id);
                }
            }
            _ => {}
        }
        key
    }
}
