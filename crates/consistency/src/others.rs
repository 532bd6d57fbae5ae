//! What belongs to rules and is none: whole groups, who carries them, the entries of prefix lists.

use crate::compare::some_of;
use crate::document::{GroupRow, MemberRow, PrefixListRow, RuleVerdict};
use crate::rows::group_ref;
use crate::view::{Names, Pair};
use portcullis_report::GroupRef;
use portcullis_secgroup::{AddressSet, Interface, Inventory, Peer, PrefixLists};
use portcullis_terraform::{Member, View};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The group itself, unless all views agree.
pub(crate) fn group(pair: &Pair<'_>, views: &Sides<'_>, is_live: Option<bool>) -> Option<GroupRow> {
    if pair.is_foreign {
        return None;
    }
    let declared = match pair.declared {
        // Outside of a plan's target nothing is declared, and nothing isn't.
        Some(group) if group.untouched => None,
        Some(group) => Some(!group.forgotten),
        None if views.declared_is_partial && !pair.is_deleted => None,
        None => Some(false),
    };
    let recorded = views.recorded.map(|_| pair.recorded.is_some());
    let verdict = RuleVerdict::of(declared, recorded, is_live);
    // Rules tell of themselves what can't be told; and of a group that no view has there is nothing to say.
    if verdict.verdict() != portcullis_report::Verdict::Violation {
        return None;
    }
    Some(GroupRow {
        group: pair.group.clone(),
        declared,
        recorded,
        live: is_live,
        verdict,
        in_change: match verdict {
            RuleVerdict::Gone => pair.is_new,
            RuleVerdict::Unmanaged => pair.is_deleted,
            _ => false,
        },
    })
}

/// The views, as far as they are needed here.
pub(crate) struct Sides<'a> {
    pub(crate) declared: &'a View,
    pub(crate) declared_is_partial: bool,
    pub(crate) recorded: Option<&'a View>,
    pub(crate) before: Option<&'a View>,
    pub(crate) live: Option<&'a Inventory>,
    pub(crate) names: &'a Names<'a>,
    /// Groups that are where nothing was read.
    pub(crate) elsewhere: HashSet<&'a str>,
}

/// Members whose groups do not agree.
#[derive(Default)]
pub(crate) struct Members {
    pub(crate) rows: Vec<MemberRow>,
    /// Whether there are any that could be compared.
    pub(crate) are_compared: bool,
}

impl Sides<'_> {
    /// Who carries which group, where the views do not agree.
    ///
    /// Terraform records the groups of an instance's first interface; of several, that one is compared which comes closest.
    pub(crate) fn members(&self) -> Members {
        let mut out = Members::default();
        let Some(live) = self.live else { return out };
        let carried = Carried::of(live);
        let mut both: BTreeMap<&str, [Option<&Member>; 2]> = BTreeMap::new();
        for member in &self.declared.members {
            both.entry(&member.address).or_default()[0] = Some(member);
        }
        for member in self.recorded.into_iter().flat_map(|view| &view.members) {
            let place = &mut both.entry(&member.address).or_default()[1];
            // By the address the one is meant that stays.
            if place.is_none_or(|_| !member.deposed) {
                *place = Some(member);
            }
        }
        let before: HashMap<&str, &Member> = self
            .before
            .into_iter()
            .flat_map(|view| &view.members)
            .map(|member| (member.address.as_str(), member))
            .collect();
        let addresses = self.addresses();
        for (address, [declared, recorded]) in both {
            let id = self.names.id(address);
            // Of whatever else carries groups, such as a load balancer, EC2 does not name the interfaces by its id.
            if id.is_some_and(|id| !id.starts_with("i-") && !id.starts_with("eni-")) {
                continue;
            }
            let Some(named) = declared.or(recorded) else {
                continue;
            };
            out.are_compared = true;
            let is_left_out = self.declared.untouched.contains(address);
            let groups = |member: &Member| -> BTreeSet<String> {
                let id = |name: &String| self.names.id(name).unwrap_or(name).to_owned();
                member.groups.iter().map(id).collect()
            };
            let wanted = declared.map(groups).unwrap_or_default();
            let known = recorded.map(groups).unwrap_or_default();
            let found = id.map(|id| carried.closest(id, if recorded.is_some() { &known } else { &wanted }));
            let stood = before.get(address).map(|member| groups(member));
            let is_elsewhere =
                |of: &BTreeSet<String>| of.iter().any(|id| self.elsewhere.contains(id.as_str()));
            let may_be_unread = live.may_lack_members() || is_elsewhere(&wanted) || is_elsewhere(&known);
            let all: BTreeSet<&String> = [&wanted, &known].into_iter().chain(&found).flatten().collect();
            for group in all {
                let recorded = self.recorded.map(|_| known.contains(group));
                let declared = match declared {
                    _ if is_left_out => None,
                    Some(member) if !wanted.contains(group) && member.groups_unknown => {
                        // What the plan does not know is taken from the state.
                        recorded.filter(|recorded| *recorded)
                    }
                    Some(_) => Some(wanted.contains(group)),
                    None if self.declared_is_partial => None,
                    None => Some(false),
                };
                let seen = match &found {
                    Some(found) => (found.contains(group) || !may_be_unread).then(|| found.contains(group)),
                    // What is not made yet carries nothing.
                    None => Some(false),
                };
                let verdict = RuleVerdict::of(declared, recorded, seen);
                let mut known = [declared, recorded, seen].into_iter().flatten();
                let differ = known
                    .next()
                    .is_some_and(|first| known.any(|there| there != first));
                if differ && (declared, seen) != (Some(false), Some(false)) {
                    let stood = stood.as_ref().is_some_and(|stood| stood.contains(group));
                    out.rows.push(MemberRow {
                        member: address.to_owned(),
                        id: id.map(str::to_owned),
                        name: named.name.clone(),
                        group: GroupRef {
                            address: addresses.get(group.as_str()).map(|address| (*address).to_owned()),
                            id: Some(group.clone()),
                        },
                        declared,
                        recorded,
                        live: seen,
                        verdict,
                        in_change: self.before.is_some()
                            && match verdict {
                                RuleVerdict::Gone => !stood,
                                RuleVerdict::Unmanaged => stood,
                                _ => false,
                            },
                    });
                }
            }
        }
        out
    }

    /// Addresses of groups by their ids.
    fn addresses(&self) -> HashMap<&str, &str> {
        let groups = std::iter::once(self.declared).chain(self.recorded);
        groups
            .flat_map(|view| &view.groups)
            .filter_map(|group| Some((group.id.as_deref()?, group.address.as_deref()?)))
            .collect()
    }

    /// Prefix lists whose entries are not the same: a rule that names one agrees, and still lets others in.
    pub(crate) fn prefix_lists(&self) -> Vec<PrefixListRow> {
        let (Some(recorded), Some(live)) = (self.recorded, self.live) else {
            return Vec::new();
        };
        let mut rows = Vec::new();
        let mut named = None;
        for (address, id) in &recorded.prefix_list_ids {
            let of = |lists: &PrefixLists| lists.entries(id).or_else(|| lists.entries(address)).cloned();
            // A list that a data source reads is nobody's wish.
            if address.split('.').any(|step| step == "data") {
                continue;
            }
            let Some(known) = of(&recorded.prefix_lists) else {
                continue;
            };
            let is_left_out = self.declared.untouched.contains(address)
                || (self.declared_is_partial
                    && !self.declared.prefix_lists.ids().any(|name| name == address));
            let wanted = of(&self.declared.prefix_lists).filter(|_| !is_left_out);
            let before = self.before.and_then(|before| of(&before.prefix_lists));
            let mut add = |set: AddressSet, declared: Option<bool>, recorded: bool, live: Option<bool>| {
                let verdict = RuleVerdict::of(declared, Some(recorded), live);
                let stood = before.as_ref();
                rows.push(PrefixListRow {
                    address: Some(address.clone()),
                    id: id.clone(),
                    entries: set.cidrs().iter().map(ToString::to_string).collect(),
                    declared,
                    recorded: Some(recorded),
                    live,
                    verdict,
                    in_change: self.before.is_some()
                        && match verdict {
                            RuleVerdict::Gone => stood.is_none_or(|stood| !set.difference(stood).is_empty()),
                            RuleVerdict::Unmanaged => {
                                stood.is_some_and(|stood| !set.intersection(stood).is_empty())
                            }
                            _ => false,
                        },
                });
            };
            let Some(found) = of(&live.prefix_lists) else {
                // What no rule names opens nothing, and is not read.
                if named
                    .get_or_insert_with(|| self.named_lists())
                    .contains(id.as_str())
                {
                    let declared = wanted.as_ref().map(|wanted| *wanted == known);
                    add(known, declared.filter(|same| *same), true, None);
                }
                continue;
            };
            let part = |set: &AddressSet, view: &AddressSet, inside: bool| {
                if inside {
                    set.intersection(view)
                } else {
                    set.difference(view)
                }
            };
            let all = known.union(&found);
            for (in_declared, in_recorded, in_live) in [
                (true, true, false),
                (true, false, false),
                (true, false, true),
                (false, true, true),
                (false, true, false),
                (false, false, true),
            ] {
                let mut set = match &wanted {
                    Some(wanted) => part(&all.union(wanted), wanted, in_declared),
                    // What the plan leaves out, it neither asks for nor not: told once.
                    None if is_left_out && in_declared => all.clone(),
                    // Entries that the plan does not know are taken from the state.
                    None if !is_left_out && in_declared == in_recorded => all.clone(),
                    None => continue,
                };
                set = part(&set, &known, in_recorded);
                set = part(&set, &found, in_live);
                if !set.is_empty() {
                    let declared = (!is_left_out).then_some(in_declared);
                    add(set, declared, in_recorded, Some(in_live));
                }
            }
        }
        rows
    }

    /// The prefix lists that rules name, by id.
    fn named_lists(&self) -> HashSet<&str> {
        let live = self.live.into_iter().flat_map(|live| &live.groups);
        let views = std::iter::once(self.declared).chain(self.recorded);
        let written = views.flat_map(|view| &view.groups).flat_map(|group| &group.rules);
        let rules = live
            .flat_map(|group| &group.rules)
            .chain(written.map(|owned| &owned.rule));
        rules
            .filter_map(|rule| match &rule.peer {
                Peer::PrefixList(name) => Some(self.names.id(name).unwrap_or(name)),
                _ => None,
            })
            .collect()
    }
}

/// Interfaces by what they belong to.
struct Carried<'a> {
    by_id: HashMap<&'a str, Vec<&'a Interface>>,
}

impl<'a> Carried<'a> {
    fn of(live: &'a Inventory) -> Self {
        let mut by_id: HashMap<&str, Vec<&Interface>> = HashMap::new();
        for interface in &live.interfaces {
            by_id.entry(&interface.id).or_default().push(interface);
            if let Some(instance) = &interface.instance_id {
                by_id.entry(instance).or_default().push(interface);
            }
        }
        Self { by_id }
    }

    /// The groups of the member's interface that comes closest to what is expected; none when it has no interface.
    fn closest(&self, id: &str, expected: &BTreeSet<String>) -> BTreeSet<String> {
        let interfaces = self.by_id.get(id).into_iter().flatten();
        let groups = interfaces.map(|interface| interface.groups.iter().cloned().collect::<BTreeSet<_>>());
        groups
            .min_by_key(|groups| groups.symmetric_difference(expected).count())
            .unwrap_or_default()
    }
}

/// Groups that EC2 has and Terraform does not know: worth a line, no disagreement.
pub(crate) fn strangers(inventory: &Inventory, known: &BTreeSet<&str>) -> Option<String> {
    let mut names: Vec<String> = inventory
        .groups
        .iter()
        .filter(|group| group.id.as_deref().is_some_and(|id| !known.contains(id)))
        .map(|group| format!("{} ({})", group.label(), group.id.as_deref().unwrap_or("?")))
        .collect();
    names.sort();
    names.dedup();
    (!names.is_empty()).then(|| format!("EC2 has groups this Terraform does not know: {}", some_of(&names)))
}

impl MemberRow {
    /// `aws_instance.front (i-1) carries aws_security_group.admin (sg-1)`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let who = group_ref(Some(&self.member), self.id.as_deref());
        format!("{who} carries {}", self.group)
    }
}

impl PrefixListRow {
    /// `aws_ec2_managed_prefix_list.partners (pl-1) holds 192.0.2.0/24`.
    #[must_use]
    pub fn sentence(&self) -> String {
        const SHOWN: usize = 5;
        let list = group_ref(self.address.as_deref(), Some(&self.id));
        let shown: Vec<&str> = self.entries.iter().take(SHOWN).map(String::as_str).collect();
        if shown.is_empty() {
            return format!("{list} holds entries that were not read");
        }
        let more = self.entries.len().saturating_sub(SHOWN);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        format!("{list} holds {}{more}", shown.join(", "))
    }
}
