//! What is judged: groups with their rules, from a plan, a state, or EC2.

use crate::parallel;
use portcullis_report::GroupRef;
use portcullis_secgroup::{Direction, Inventory, Peer, PrefixLists, Rule};
use portcullis_terraform::{Declared, Inline, NotKnown, Origin, OwnedRule, Problem, TerraformGroup, View};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is judged.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    pub(crate) groups: Vec<Judged>,
    pub(crate) members: Vec<JudgedMember>,
    /// What stood before, by group id and by address.
    pub(crate) before: Option<BTreeMap<String, Vec<Arc<[Rule]>>>>,
    /// Groups that the change takes away, as they were.
    pub(crate) gone: Vec<Judged>,
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
    /// Rules that may turn out to belong to it, or to be gone.
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
            rule.protocol.value().is_none()
                || rule.ports.value().is_none()
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
    /// What is known of who made it.
    pub(crate) maker: Maker,
    /// What of it is known only after apply, and what will decide it.
    pub(crate) not_known: Vec<NotKnown>,
    /// Whether its description is known only after apply.
    pub(crate) description_unknown: bool,
    /// Its group, where what is judged is a member with several.
    pub(crate) home: Option<Arc<GroupRef>>,
}

/// What is known of who made a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Maker {
    /// Its owner, as far as it matters.
    Owner,
    /// Nobody in the code: it was made by hand.
    Hand,
    /// Nobody whom the plan shows. A `dynamic` block leaves no trace in a plan.
    HandOrBlock,
    /// Terraform forgets it, or can't delete it.
    Forgotten,
    /// A state's group, which tells its rules and not whether its code holds them.
    Recorded,
    /// Nobody in a state: it may have been made by hand, or be gone since the last refresh.
    Echo,
}

impl Maker {
    /// What people should know of it.
    pub(crate) const fn note(self) -> Option<&'static str> {
        match self {
            Self::Owner => None,
            Self::Hand => {
                Some("made by hand: no resource in the code owns it, terraform's refreshed state shows it")
            }
            Self::HandOrBlock => Some(
                "no resource in the plan owns it: made by hand, or by a `dynamic` block, which a plan does not show",
            ),
            Self::Forgotten => Some("the change only forgets it: it stays open"),
            Self::Recorded => Some(
                "as the state was last refreshed; it does not tell whether the code holds it or a hand made it",
            ),
            Self::Echo => Some(
                "seen when the state was last refreshed, and no resource in it owns it: made by hand, or gone since; \
                 judge --live, or refresh the state, to know",
            ),
        }
    }
}

/// What a view is: it decides what an echo in it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Refreshed before it was made: an echo is live.
    Plan,
    /// An echo may be older than what is recorded beside it.
    State,
    /// The same, where the live view is judged, too: an echo says nothing that is not known better.
    StateBesideLive,
}

impl JudgedRule {
    /// A rule that nobody answers for: one that stood before.
    pub(crate) fn nobodys(rule: Rule) -> Self {
        Self {
            rule,
            owner: String::new(),
            maker: Maker::Owner,
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
        let mut subject = Self::view(after, Kind::Plan);
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
        let names = |group: &TerraformGroup| [group.id.clone(), group.address.clone()];
        let there: BTreeSet<String> = after.groups.iter().flat_map(names).flatten().collect();
        let gone = before
            .groups
            .iter()
            .filter(|group| !names(group).iter().flatten().any(|name| there.contains(name)));
        subject.gone = gone.map(|group| judged(group, Kind::Plan)).collect();
        subject.before = Some(rules);
        subject.lists_before = before.prefix_lists.clone();
        subject.partial = partial.to_vec();
        subject
    }

    /// A plan that shows nothing of what was open before: a recorded state tells it. What of that state the plan does not show does
    /// not go for that.
    #[must_use]
    pub fn planned_on_state(after: &View, recorded: &View, partial: &[String]) -> Self {
        Self {
            gone: Vec::new(),
            ..Self::planned(after, recorded, partial)
        }
    }

    /// The code, as far as it is known; what is missing from it makes it partial.
    #[must_use]
    pub fn declared(declared: &Declared) -> Self {
        Self {
            partial: declared.missing.clone(),
            ..Self::view(&declared.view, Kind::Plan)
        }
    }

    /// A recorded state. Where rule resources speak of a direction, what a group's own attribute shows beside them is an echo: made
    /// by hand, or gone since the last refresh. It counts as what may be open.
    #[must_use]
    pub fn recorded(state: &View) -> Self {
        Self::view(state, Kind::State)
    }

    /// A recorded state whose live view is judged, too: that one knows whether an echo still holds, so here none counts.
    #[must_use]
    pub fn recorded_beside_live(state: &View) -> Self {
        Self::view(state, Kind::StateBesideLive)
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
                    maker: Maker::Owner,
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

    fn view(view: &View, kind: Kind) -> Self {
        let told = |problems: &[Problem]| -> Vec<(String, String)> {
            let all = problems.iter();
            all.map(|problem| (problem.address.clone(), problem.what.clone()))
                .collect()
        };
        let mut groups = parallel::each(&view.groups, view.groups.len(), |group| judged(group, kind));
        // All rules of one resource belong to one group, whichever that is.
        let mut orphans: BTreeMap<&str, Vec<JudgedRule>> = BTreeMap::new();
        for orphan in &view.orphans {
            let rule = judged_rule(orphan, Maker::Owner);
            orphans.entry(&orphan.owner).or_default().push(rule);
        }
        groups.extend(orphans.into_values().map(|rules| Judged {
            name_unknown: true,
            tags_unknown: true,
            rules,
            ..Judged::default()
        }));
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

fn judged(group: &TerraformGroup, kind: Kind) -> Judged {
    let resource_type = group.resource_type();
    let with_resources = |direction: Direction| {
        let mut rules = group.rules.iter();
        rules.any(|owned| owned.origin == Origin::Resource && owned.rule.direction == direction)
    };
    let beside_resources = [Direction::Ingress, Direction::Egress].map(with_resources);
    let former = if kind == Kind::State {
        former(group)
    } else {
        BTreeSet::new()
    };
    let (mut rules, mut maybe) = (Vec::with_capacity(group.rules.len()), Vec::new());
    for (at, owned) in group.rules.iter().enumerate() {
        let [ingress, egress] = beside_resources;
        let beside = match owned.rule.direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        };
        match (owned.origin, kind) {
            (Origin::Echo, Kind::State) if beside => {
                if !former.contains(&at) {
                    maybe.push(judged_rule(owned, Maker::Echo));
                }
            }
            (Origin::Echo, Kind::StateBesideLive) if beside => {}
            (Origin::Echo, Kind::Plan) => rules.push(judged_rule(owned, plan_maker(group, owned))),
            (Origin::Echo, _) => rules.push(judged_rule(owned, Maker::Recorded)),
            (Origin::Inline | Origin::Resource, _) if owned.forgotten => {
                rules.push(judged_rule(owned, Maker::Forgotten));
            }
            (Origin::Inline | Origin::Resource, _) => rules.push(judged_rule(owned, Maker::Owner)),
        }
    }
    Judged {
        group: GroupRef {
            address: group.address.clone(),
            id: group.id.clone(),
        },
        name: group.name.clone(),
        tags: group.tags.clone(),
        name_unknown: group.name.is_none(),
        name_prefix: group.name_prefix.clone(),
        never_default: resource_type == Some("aws_security_group"),
        // A data source tells no rules, and rule resources tell of a group only what is theirs.
        elsewhere: resource_type.is_none(),
        tags_unknown: group.tags_unknown,
        rules,
        maybe,
        ..Judged::default()
    }
}

/// Who made what a plan shows in a group's computed attribute only. That the attribute is no wish, only the code can tell: beside
/// `ignore_changes` a group with a block may even repeat the rules of resources, and stay as it is.
fn plan_maker(group: &TerraformGroup, echo: &OwnedRule) -> Maker {
    if echo.forgotten {
        Maker::Forgotten
    } else if group.inline(echo.rule.direction) == Inline::Absent {
        Maker::Hand
    } else {
        Maker::HandOrBlock
    }
}

/// The echoes of a state that are the former self of a recorded rule, by their places: an apply changed the rule after the group
/// was read. So the echo does not show the rule as it is now; and both have the same description, and the same peer or the same
/// traffic. Each rule has one former self.
fn former(group: &TerraformGroup) -> BTreeSet<usize> {
    let mut changed: BTreeMap<(Direction, &str), Vec<&Rule>> = BTreeMap::new();
    for owned in &group.rules {
        let rule = &owned.rule;
        if let (Origin::Resource, Some(description), Some(key)) =
            (owned.origin, rule.description.as_deref(), rule.key())
            && !group.echoed.contains(&key)
        {
            changed
                .entry((rule.direction, description))
                .or_default()
                .push(rule);
        }
    }
    let mut found = BTreeSet::new();
    for (at, owned) in group.rules.iter().enumerate() {
        let rule = &owned.rule;
        let (Origin::Echo, Some(description)) = (owned.origin, rule.description.as_deref()) else {
            continue;
        };
        let Some(candidates) = changed.get_mut(&(rule.direction, description)) else {
            continue;
        };
        let alike =
            |now: &&Rule| now.peer == rule.peer || (now.protocol == rule.protocol && now.ports == rule.ports);
        if let Some(one) = candidates.iter().position(alike) {
            candidates.swap_remove(one);
            found.insert(at);
        }
    }
    found
}

fn judged_rule(owned: &OwnedRule, maker: Maker) -> JudgedRule {
    JudgedRule {
        rule: owned.rule.clone(),
        owner: owned.owner.clone(),
        maker,
        not_known: owned.not_known.clone(),
        description_unknown: owned.description_unknown,
        home: None,
    }
}
