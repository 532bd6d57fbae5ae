//! Which group of one view is which of another.

use crate::compare::Views;
use crate::live::{Live, Nameless, Namesake};
use crate::rows::group_ref;
use crate::view::{Names, Pair};
use portcullis_terraform::{Origin, OwnedRule, TerraformGroup};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The groups of the code and the state, and the declared rules of which no one tells the group.
pub(crate) struct Pairs<'a> {
    pub(crate) pairs: Vec<Pair<'a>>,
    pub(crate) orphans: Vec<&'a OwnedRule>,
    /// Groups that Terraform only reads: their ids.
    pub(crate) only_read: BTreeSet<&'a str>,
    /// What is to be said of groups that are not compared as others are.
    pub(crate) notes: Vec<String>,
    /// What can't be told of a group.
    pub(crate) doubts: Vec<String>,
}

/// Groups of all views, matched by id, else by address. Names that only the live view tells are added to `names`.
pub(crate) fn pairs<'a>(views: &Views<'a>, live: Option<&Live<'a>>, names: &mut Names<'a>) -> Pairs<'a> {
    let mut doubts = Vec::new();
    let perhaps = match live {
        Some(live) => by_name(views, live, names, &mut doubts),
        None => HashSet::new(),
    };
    let names = &*names;
    let mut by_name: BTreeMap<&str, Pair<'a>> = BTreeMap::new();
    let id_of = |group: &'a TerraformGroup| {
        let by_address = || group.address.as_deref().and_then(|address| names.id(address));
        group.id.as_deref().or_else(by_address)
    };
    let mut add = |group: &'a TerraformGroup, is_declared: bool| {
        let id = id_of(group);
        let pair = by_name
            .entry(id.unwrap_or_else(|| group.label()))
            .or_insert_with(|| Pair::new(id, group_ref(group.address.as_deref(), id)));
        pair.group.address = pair.group.address.take().or_else(|| group.address.clone());
        let place = if is_declared {
            &mut pair.declared
        } else {
            &mut pair.recorded
        };
        // Two objects may be one group, such as an imported one: the one that stays is meant.
        if place.is_none_or(|known| known.deposed || known.forgotten || is_only_read(known)) {
            *place = Some(group);
        }
    };
    views.declared.groups.iter().for_each(|group| add(group, true));
    let recorded = views.recorded.into_iter().flat_map(|view| &view.groups);
    recorded.for_each(|group| add(group, false));
    for group in views.before.into_iter().flat_map(|view| &view.groups) {
        let Some(id) = group.id.as_deref() else { continue };
        // What neither the plan nor the state has any more, the plan has taken away; EC2 may still have it.
        let pair = by_name
            .entry(id)
            .or_insert_with(|| Pair::new(Some(id), group_ref(group.address.as_deref(), Some(id))));
        pair.before = Some(group);
    }
    for pair in by_name.values_mut() {
        if views.before.is_some() {
            pair.is_new = pair.before.is_none() && pair.declared.is_some();
            pair.is_deleted = pair.before.is_some() && pair.declared.is_none();
        }
        let known = || [pair.declared, pair.recorded, pair.before].into_iter().flatten();
        pair.is_foreign = known().all(|group| group.address.is_none() || is_only_read(group));
        let account = known().find_map(|group| group.account.as_deref());
        let region = known().find_map(|group| group.region.as_deref());
        let address = pair.group.address.as_deref();
        pair.may_be_live = pair.id.is_none() && address.is_some_and(|address| perhaps.contains(address));
        if let Some(live) = live {
            let listed = live.group(pair.id);
            if listed.is_empty() {
                pair.elsewhere = live.elsewhere(account, region);
            }
            pair.account = account
                .or_else(|| listed.iter().find_map(|group| group.account.as_deref()))
                .or(live.inventory.account.as_deref());
        } else {
            pair.account = account;
        }
    }
    let orphans = adopt(views, &mut by_name, &id_of);
    let mut notes = Vec::new();
    let mut only_read = BTreeSet::new();
    let pairs = by_name.into_values().filter(|pair| {
        if pair.is_foreign && !pair.has_rules_of_its_own() {
            only_read.extend(pair.id);
            return false;
        }
        // What the plan forgets and the state has forgotten is not Terraform's any more.
        let given_up = pair.declared.is_some_and(|group| {
            group.forgotten
                && group
                    .rules
                    .iter()
                    .all(|owned| owned.forgotten || owned.origin == Origin::Echo)
        });
        if given_up && views.recorded.is_some() && pair.recorded.is_none() && pair.adopted.is_empty() {
            notes.push(format!("{}: given up by the plan, which forgets it", pair.group));
            return false;
        }
        true
    });
    let mut pairs: Vec<Pair<'a>> = pairs.collect();
    pairs.sort_by(|a, b| a.group.cmp(&b.group));
    Pairs {
        pairs,
        orphans,
        only_read,
        notes,
        doubts,
    }
}

/// Whether a data source reads it: then somebody else owns it.
fn is_only_read(group: &TerraformGroup) -> bool {
    group.is_data()
}

/// Looks for groups without an id under their names: gives the addresses of those that EC2 may have.
fn by_name<'a>(
    views: &Views<'a>,
    live: &Live<'a>,
    names: &mut Names<'a>,
    doubts: &mut Vec<String>,
) -> HashSet<&'a str> {
    let of_view = views.declared.groups.iter();
    let nameless: Vec<(&'a str, &'a TerraformGroup)> = of_view
        .filter(|group| group.id.is_none() && !is_only_read(group))
        .filter_map(|group| Some((group.address.as_deref()?, group)))
        .filter(|(address, _)| names.id(address).is_none())
        .collect();
    let mut perhaps = HashSet::new();
    if nameless.is_empty() {
        return perhaps;
    }
    let known: HashSet<&str> = std::iter::once(views.declared)
        .chain(views.recorded)
        .chain(views.before)
        .flat_map(|view| &view.groups)
        .filter_map(|group| group.id.as_deref())
        .collect();
    let strangers = Nameless::new(live.inventory, &known);
    for (address, group) in nameless {
        match strangers.of(group) {
            Namesake::Nobody => {}
            Namesake::Certain(id) => names.add(address, id),
            Namesake::Perhaps(id) => {
                perhaps.insert(address);
                doubts.push(format!(
                    "{address}: it may be made already: EC2 has {id} of that name, which the state does not know"
                ));
            }
        }
    }
    perhaps
}

/// A rule whose group the plan can't tell is the group's for which the state records its owner. Gives those without.
fn adopt<'a>(
    views: &Views<'a>,
    by_name: &mut BTreeMap<&'a str, Pair<'a>>,
    id_of: &impl Fn(&'a TerraformGroup) -> Option<&'a str>,
) -> Vec<&'a OwnedRule> {
    let lost: BTreeSet<&str> = views
        .declared
        .orphans
        .iter()
        .map(|orphan| orphan.owner.as_str())
        .collect();
    let mut homes: HashMap<&str, &str> = HashMap::new();
    if !lost.is_empty() {
        for group in views.recorded.into_iter().flat_map(|view| &view.groups) {
            for owned in group
                .rules
                .iter()
                .filter(|owned| lost.contains(owned.owner.as_str()))
            {
                homes.insert(&owned.owner, id_of(group).unwrap_or_else(|| group.label()));
            }
        }
    }
    let mut orphans = Vec::new();
    for orphan in &views.declared.orphans {
        let home = homes.get(orphan.owner.as_str()).copied();
        match home.and_then(|home| by_name.get_mut(home)) {
            Some(pair) => pair.adopted.push(orphan),
            None => orphans.push(orphan),
        }
    }
    orphans
}
