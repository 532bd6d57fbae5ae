//! The three views of one group, rule by rule: which are certainly there, which may be.

use portcullis_report::GroupRef;
use portcullis_secgroup::{Cidr, Direction, Group, Known, Peer, Rule, RuleKey, UnknownPeer};
use portcullis_terraform::{Inline, Origin, OwnedRule, TerraformGroup, View};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

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
    /// Of a plan that leaves something out: what it does not leave out.
    pub(crate) told: Option<&'a HashSet<&'a str>>,
}

impl<'a> Table<'a> {
    /// Whether a view has the rule; `None` when it can't tell.
    pub(crate) fn there(&self, row: &Row<'_>, view: usize) -> Option<bool> {
        match row.views[view].there {
            There::Yes => Some(true),
            There::CannotTell => None,
            There::NotNamed if view == DECLARED && self.is_dropped(row) => Some(false),
            There::NotNamed => self.otherwise[view],
        }
    }

    /// Whether all that recorded the rule is told by the plan, and asks for it no longer.
    fn is_dropped(&self, row: &Row<'_>) -> bool {
        let recorded = &row.views[RECORDED];
        self.told.is_some_and(|told| {
            recorded.there == There::Yes && recorded.owners.iter().all(|owner| told.contains(owner))
        })
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

    /// What EC2 has in a group; none for one that EC2 does not list.
    pub(crate) fn add_live(&mut self, groups: &[&'a Group], names: &Names<'_>, own: Own<'_>) {
        for rule in groups.iter().flat_map(|group| &group.rules) {
            if let Some(key) = rule.key() {
                let row = self.rows.entry(names.with_ids(key, own)).or_default();
                let recorded = row.views[RECORDED].id;
                let seen = &mut row.views[LIVE];
                // Of two that are the same, the one that the state knows is meant.
                if seen.there == There::NotNamed || (rule.id.is_some() && rule.id.as_deref() == recorded) {
                    seen.description = rule.description.as_deref();
                    seen.id = rule.id.as_deref();
                    seen.tags = Some(&rule.tags);
                }
                seen.there = There::Yes;
            }
        }
    }

    /// Leaves out the live rules that are not here to be compared; gives how many.
    pub(crate) fn keep_live_only(&mut self, kept: impl Fn(&RuleKey) -> bool) -> usize {
        let all = self.rows.len();
        let named = |row: &Row<'_>, view: usize| row.views[view].there != There::NotNamed;
        self.rows
            .retain(|key, row| named(row, DECLARED) || named(row, RECORDED) || kept(key));
        all - self.rows.len()
    }
}

/// Where a group is: tells a reference to itself, and one to a group of its own account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) account: Option<&'a str>,
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
    /// Whether the plan takes it away.
    pub(crate) is_deleted: bool,
    /// Whether somebody else owns it, and only rule resources here speak of it.
    pub(crate) is_foreign: bool,
    /// Whether EC2 may have it under an id that is not known.
    pub(crate) may_be_live: bool,
    /// The region or account where it is, when that was not read.
    pub(crate) elsewhere: Option<String>,
    pub(crate) account: Option<&'a str>,
    /// Declared rules of which only the state tells that they are this group's.
    pub(crate) adopted: Vec<&'a OwnedRule>,
}

impl<'a> Pair<'a> {
    pub(crate) fn new(id: Option<&'a str>, group: GroupRef) -> Self {
        Self {
            id,
            group,
            declared: None,
            recorded: None,
            before: None,
            is_new: false,
            is_deleted: false,
            is_foreign: false,
            may_be_live: false,
            elsewhere: None,
            account: None,
            adopted: Vec::new(),
        }
    }

    pub(crate) fn own(&self) -> Own<'a> {
        Own {
            id: self.id,
            account: self.account,
        }
    }

    /// Whether a rule resource here is, or was, attached to it.
    pub(crate) fn has_rules_of_its_own(&self) -> bool {
        let known = [self.declared, self.recorded, self.before];
        let mut rules = known.into_iter().flatten().flat_map(|group| &group.rules);
        !self.adopted.is_empty() || rules.any(|owned| owned.origin == Origin::Resource)
    }

    /// Whether the group writes its rules of this direction inside itself.
    pub(crate) fn is_inline(&self, direction: Direction) -> bool {
        self.declared
            .is_some_and(|group| group.inline(direction) == Inline::Declared)
    }

    /// What the code declares: the group's own inline rules and its rule resources. An echo is neither; where the plan can't
    /// tell an echo from a `dynamic` block, neither can we.
    pub(crate) fn add_declared(
        &self,
        names: &Names<'_>,
        untouched: &BTreeSet<String>,
        table: &mut Table<'a>,
    ) {
        let own = self.declared.into_iter().flat_map(|group| &group.rules);
        let mut open: Vec<&OwnedRule> = Vec::new();
        for owned in own.chain(self.adopted.iter().copied()) {
            if owned.forgotten {
                continue;
            }
            let inline = self
                .declared
                .map_or(Inline::Absent, |group| group.inline(owned.rule.direction));
            // Of what a targeted plan leaves out, it tells only what was there before.
            let is_left_out = !untouched.is_empty() && untouched.contains(&owned.owner);
            let there = match (owned.origin, inline) {
                (Origin::Echo, Inline::CannotTell) if !self.is_foreign && !is_left_out => There::CannotTell,
                (Origin::Echo, _) => continue,
                _ if is_left_out => There::CannotTell,
                _ => There::Yes,
            };
            match owned.rule.key() {
                Some(key) => table.add(DECLARED, names.with_ids(key, self.own()), there, owned, false),
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
                    .map(|key| names.with_ids(key, self.own()))
                    .collect()
            };
            let held = keys(&recorded);
            // Still as before the change: it may be that it was not applied.
            let is_left_out = untouched.contains(&owned.owner);
            let applied = !is_left_out && !held.is_empty() && held != keys(&before);
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
            // The code that no longer has the group tells how it was written, as far as it is in the plan.
            let written = self.declared.map(|plan| plan.inline(direction)).or_else(|| {
                let before = self.before.map(|before| before.inline(direction));
                before.filter(|inline| *inline != Inline::CannotTell)
            });
            let there = match (owned.origin, written) {
                (Origin::Inline | Origin::Echo, _) if self.is_foreign => continue,
                (Origin::Resource, _) | (_, Some(Inline::Declared)) => There::Yes,
                (_, Some(Inline::Absent)) => continue,
                (_, Some(Inline::CannotTell)) => There::CannotTell,
                // The code has dropped the whole group: the state still owns it, unless resources owned the rules.
                (_, None) if resources.contains(&direction) => There::CannotTell,
                (_, None) => There::Yes,
            };
            match owned.rule.key() {
                Some(key) => table.add(RECORDED, names.with_ids(key, self.own()), there, owned, false),
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
    let ports = match (open.ports, rule.ports) {
        (Known::Within(within), Known::Yes(ports)) => within.contains(ports),
        (open, known) => open.value().is_none() || open == known,
    };
    let v4 = |wanted: bool| matches!(&rule.peer, Peer::Cidr(cidr) if Cidr::is_ipv4(cidr) == wanted);
    open.direction == rule.direction
        && (open.protocol.value().is_none() || open.protocol == rule.protocol)
        && ports
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
    /// An object that the plan makes in the place of another has not the other's id: where the state still has that one, the plan
    /// was not applied.
    pub(crate) fn new(declared: &'a View, recorded: Option<&'a View>, before: Option<&'a View>) -> Self {
        let replaced = Replaced::new(declared, before);
        let mut names = Self::default();
        for view in std::iter::once(declared).chain(recorded) {
            let groups = view.groups.iter().filter(|group| !group.forgotten);
            let groups = groups
                .filter_map(|group| Some((group.address.as_deref()?, group.id.as_deref()?, group.deposed)));
            let lists = view.prefix_list_ids.iter();
            let lists = lists.map(|(address, id)| (address.as_str(), id.as_str(), false));
            for (address, id, deposed) in groups.chain(lists) {
                if !replaced.has(address, id) {
                    names.note(address, id, deposed);
                }
            }
            for member in &view.members {
                if let Some(id) = &member.id {
                    names.note(&member.address, id, member.deposed);
                }
            }
        }
        names
    }

    /// By an address the object is meant that stands there, not one that is yet to be deleted.
    fn note(&mut self, address: &'a str, id: &'a str, deposed: bool) {
        if deposed {
            self.ids.entry(address).or_insert(id);
        } else {
            self.ids.insert(address, id);
        }
    }

    pub(crate) fn add(&mut self, address: &'a str, id: &'a str) {
        self.ids.insert(address, id);
    }

    pub(crate) fn id(&self, address: &str) -> Option<&'a str> {
        self.ids.get(address).copied()
    }

    /// The key with ids in place of addresses, and the group itself and those of its own account in their one form.
    pub(crate) fn with_ids(&self, mut key: RuleKey, own: Own<'_>) -> RuleKey {
        match &key.peer {
            Peer::PrefixList(name) => {
                if let Some(id) = self.id(name) {
                    key.peer = Peer::PrefixList(id.to_owned());
                }
            }
            Peer::Group { id: name, account } if account.is_none() || account.as_deref() == own.account => {
                let id = self.id(name).unwrap_or(name);
                if Some(id) == own.id {
                    key.peer = Peer::SelfGroup;
                } else if id != name || account.is_some() {
                    key.peer = Peer::group(id);
                }
            }
            _ => {}
        }
        key
    }
}

/// Addresses where the plan makes an object in the place of another, with the other's id.
struct Replaced<'a>(HashSet<(&'a str, &'a str)>);

impl<'a> Replaced<'a> {
    fn new(declared: &View, before: Option<&'a View>) -> Self {
        let Some(before) = before else {
            return Self(HashSet::new());
        };
        let made: HashSet<&str> = declared
            .groups
            .iter()
            .filter(|group| group.id.is_none())
            .filter_map(|group| group.address.as_deref())
            .chain(
                declared
                    .prefix_lists
                    .ids()
                    .filter(|name| !declared.prefix_list_ids.contains_key(*name)),
            )
            .collect();
        let groups = before.groups.iter();
        let groups = groups.filter_map(|group| Some((group.address.as_deref()?, group.id.as_deref()?)));
        let lists = before.prefix_list_ids.iter();
        let lists = lists.map(|(address, id)| (address.as_str(), id.as_str()));
        let old = groups.chain(lists).filter(|(address, _)| made.contains(address));
        Self(old.collect())
    }

    fn has(&self, address: &str, id: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&(address, id))
    }
}
