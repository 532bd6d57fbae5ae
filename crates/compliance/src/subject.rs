//! What is judged: groups with their rules, from a plan, a state, or EC2.

use portcullis_report::GroupRef;
use portcullis_secgroup::{Direction, Inventory, Known, Peer, PrefixLists, Rule};
use portcullis_terraform::{Address, Declared, NotKnown, Origin, OwnedRule, Problem, TerraformGroup, View};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is judged.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    pub(crate) groups: Vec<Judged>,
    pub(crate) members: Vec<JudgedMember>,
    /// What stood before, by group id and by address.
    pub(crate) before: Option<BTreeMap<String, Vec<Arc<[Rule]>>>>,
    pub(crate) lists: PrefixLists,
    pub(crate) lists_before: PrefixLists,
    /// Why not everything is shown.
    pub(crate) partial: Vec<String>,
    /// What is not understood, with its address.
    pub(crate) problems: Vec<(String, String)>,
    /// What is not as it looks, with its address.
    pub(crate) remarks: Vec<(String, String)>,
}

/// One group, or the rules of which the group is not known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Judged {
    pub(crate) group: GroupRef,
    pub(crate) name: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) name_unknown: bool,
    /// How a name that is not known will start.
    pub(crate) name_prefix: Option<String>,
    /// Whether it can't be a VPC's default group: EC2 refuses to make a group of that name.
    pub(crate) never_default: bool,
    pub(crate) tags_unknown: bool,
    pub(crate) rules: Vec<JudgedRule>,
    /// Rules that may turn out to belong to it.
    pub(crate) maybe: Vec<JudgedRule>,
    /// Of a member: its groups, as places in the subject's list.
    pub(crate) carries: Vec<usize>,
    /// Of a member: its groups whose rules are not in sight, and whether there may be others.
    pub(crate) unseen: Vec<String>,
    pub(crate) groups_unknown: bool,
    /// Whether it is looked after elsewhere: only some of its rules are in sight.
    pub(crate) elsewhere: bool,
}

impl Judged {
    /// Whether something in its rules is not known: then what they may open is more than what they open.
    pub(crate) fn is_uncertain(&self, lists: &PrefixLists) -> bool {
        self.rules.iter().any(|judged| {
            let rule = &judged.rule;
            rule.protocol == Known::NotYet
                || rule.ports == Known::NotYet
                || match &rule.peer {
                    Peer::Unknown(_) => true,
                    Peer::PrefixList(id) => lists.entries(id).is_none(),
                    _ => false,
                }
        })
    }

    /// Rules of which no one can tell the group.
    pub(crate) fn is_orphan(&self) -> bool {
        self.group == GroupRef::default()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct JudgedRule {
    pub(crate) rule: Rule,
    /// The Terraform address that holds it, or EC2's id.
    pub(crate) owner: String,
    /// Whether nobody in the code owns it.
    pub(crate) by_hand: bool,
    /// What of it is known only after apply, and what will decide it.
    pub(crate) not_known: Vec<NotKnown>,
    /// Whether its description is known only after apply.
    pub(crate) description_unknown: bool,
    /// Its group, where what is judged is a member with several.
    pub(crate) home: Option<Arc<GroupRef>>,
}

impl JudgedRule {
    /// A rule that nobody answers for: one that stood before.
    pub(crate) fn nobodys(rule: Rule) -> Self {
        Self {
            rule,
            owner: String::new(),
            by_hand: false,
            not_known: Vec::new(),
            description_unknown: false,
            home: None,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct JudgedMember {
    pub(crate) label: String,
    /// The ids or addresses of its groups.
    pub(crate) groups: Vec<String>,
    /// Whether it may carry other groups, too.
    pub(crate) groups_unknown: bool,
}

impl Subject {
    /// A plan: what will be open, what was open before, and why the plan does not show everything.
    #[must_use]
    pub fn planned(after: &View, before: &View, partial: &[String]) -> Self {
        let mut subject = Self::view(after, false);
        let mut rules: BTreeMap<String, Vec<Arc<[Rule]>>> = BTreeMap::new();
        let stays: BTreeSet<&String> = after
            .groups
            .iter()
            .filter_map(|group| group.id.as_ref())
            .collect();
        for group in &before.groups {
            let own: Arc<[Rule]> = group.rules.iter().map(|owned| owned.rule.clone()).collect();
            // One that stays is known by its id; another object at its address is a new one.
            let address = group
                .address
                .as_ref()
                .filter(|_| group.id.as_ref().is_none_or(|id| !stays.contains(id)));
            for name in [group.id.as_ref(), address].into_iter().flatten() {
                rules.entry(name.clone()).or_default().push(Arc::clone(&own));
            }
        }
        for member in &before.members {
            let of = |name: &String| rules.get(name).cloned().unwrap_or_default();
            let joined: Vec<Arc<[Rule]>> = member.groups.iter().flat_map(of).collect();
            rules.insert(member.address.clone(), joined);
        }
        subject.before = Some(rules);
        subject.lists_before = before.prefix_lists.clone();
        subject.partial = partial.to_vec();
        subject
    }

    /// The code, as far as it is known; what is missing from it makes it partial.
    #[must_use]
    pub fn declared(declared: &Declared) -> Self {
        Self {
            partial: declared.missing.clone(),
            ..Self::view(&declared.view, false)
        }
    }

    /// A recorded state. A group's own attribute counts only where no rule resource speaks of the same direction: there it is
    /// an echo, and may be stale.
    #[must_use]
    pub fn recorded(state: &View) -> Self {
        Self::view(state, true)
    }

    /// The live view.
    #[must_use]
    pub fn live(inventory: &Inventory) -> Self {
        let groups = inventory.groups.iter().map(|group| Judged {
            group: GroupRef {
                address: group.address.clone(),
                id: group.id.clone(),
            },
            name: group.name.clone(),
            tags: group.tags.clone(),
            rules: group
                .rules
                .iter()
                .map(|rule| JudgedRule {
                    owner: rule.id.clone().or_else(|| group.id.clone()).unwrap_or_default(),
                    rule: rule.clone(),
                    by_hand: false,
                    not_known: Vec::new(),
                    description_unknown: false,
                    home: None,
                })
                .collect(),
            ..Judged::default()
        });
        let members = inventory.interfaces.iter().map(|interface| JudgedMember {
            label: interface.label().to_owned(),
            groups: interface.groups.clone(),
            groups_unknown: false,
        });
        Self {
            groups: groups.collect(),
            members: members.collect(),
            lists: inventory.prefix_lists.clone(),
            partial: inventory
                .gaps
                .iter()
                .map(|gap| format!("{}: {}", gap.what, gap.why))
                .collect(),
            ..Self::default()
        }
    }

    /// The rules a group had before the change; `None` when there was no such group.
    pub(crate) fn before_of(&self, group: &GroupRef) -> Option<impl Iterator<Item = &Rule>> {
        let before = self.before.as_ref()?;
        let found = [&group.id, &group.address]
            .into_iter()
            .flatten()
            .find_map(|name| before.get(name))?;
        Some(found.iter().flat_map(|rules| rules.iter()))
    }

    fn view(view: &View, only_owned: bool) -> Self {
        let told = |problems: &[Problem]| -> Vec<(String, String)> {
            let all = problems.iter();
            all.map(|problem| (problem.address.clone(), problem.what.clone()))
                .collect()
        };
        let mut groups: Vec<Judged> = view
            .groups
            .iter()
            .map(|group| judged(group, only_owned))
            .collect();
        for orphan in &view.orphans {
            groups.push(Judged {
                group: GroupRef::default(),
                name_unknown: true,
                tags_unknown: true,
                rules: vec![judged_rule(orphan)],
                ..Judged::default()
            });
        }
        Self {
            groups,
            members: view
                .members
                .iter()
                .map(|member| JudgedMember {
                    label: member.address.clone(),
                    groups: member.groups.clone(),
                    groups_unknown: member.groups_unknown,
                })
                .collect(),
            lists: view.prefix_lists.clone(),
            problems: told(&view.problems),
            remarks: told(&view.remarks),
            ..Self::default()
        }
    }
}

fn judged(group: &TerraformGroup, only_owned: bool) -> Judged {
    let with_resources = [Direction::Ingress, Direction::Egress].map(|direction| {
        let own = |owned: &OwnedRule| owned.origin == Origin::Resource && owned.rule.direction == direction;
        (direction, group.rules.iter().any(own))
    });
    let has_resources = |wanted: &OwnedRule| with_resources.contains(&(wanted.rule.direction, true));
    let address = group.address.as_deref().and_then(Address::parse);
    Judged {
        group: GroupRef {
            address: group.address.clone(),
            id: group.id.clone(),
        },
        name: group.name.clone(),
        tags: group.tags.clone(),
        name_unknown: group.name.is_none(),
        name_prefix: group.name_prefix.clone(),
        never_default: address
            .as_ref()
            .is_some_and(|address| address.kind == "aws_security_group" && !address.data),
        // A data source tells no rules, and rule resources tell of a group only what is theirs.
        elsewhere: address.is_none_or(|address| address.data),
        tags_unknown: group.tags_unknown,
        rules: group
            .rules
            .iter()
            .filter(|owned| !only_owned || owned.origin != Origin::Echo || !has_resources(owned))
            .map(judged_rule)
            .collect(),
        ..Judged::default()
    }
}

fn judged_rule(owned: &OwnedRule) -> JudgedRule {
    JudgedRule {
        rule: owned.rule.clone(),
        owner: owned.owner.clone(),
        by_hand: owned.origin == Origin::Echo,
        not_known: owned.not_known.clone(),
        description_unknown: owned.description_unknown,
        home: None,
    }
}
