//! Which objects of a document are one group in EC2, and which of them tells of it.

use crate::resource::{Action, Instance};
use std::collections::{BTreeMap, BTreeSet};

/// How much an object tells of its group: a data source has read it, and knows none of its rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    DataSource,
    Forgotten,
    Resource,
}

impl Word {
    fn of(instance: &Instance) -> Self {
        if instance.is_data() {
            Self::DataSource
        } else if instance.action == Action::Forget {
            Self::Forgotten
        } else {
            Self::Resource
        }
    }
}

/// The objects of groups.
#[derive(Default)]
pub(crate) struct Sights<'a> {
    /// Those that tell of a group.
    pub(crate) telling: Vec<&'a Instance>,
    /// Those of a group that another object tells more of.
    pub(crate) others: Vec<&'a Instance>,
}

/// Of several objects with one id the resource tells: before one that Terraform forgets, since another address takes it over,
/// and before data sources, of which one is enough.
pub(crate) fn sights<'a>(groups: &[&'a Instance]) -> Sights<'a> {
    let all: Vec<(&Instance, Word)> = groups
        .iter()
        .map(|instance| (*instance, Word::of(instance)))
        .collect();
    let mut best: BTreeMap<&str, Word> = BTreeMap::new();
    for (instance, word) in &all {
        if let Some(id) = instance.id() {
            let known = best.entry(id).or_insert(*word);
            *known = (*known).max(*word);
        }
    }
    let mut read: BTreeSet<&str> = BTreeSet::new();
    let mut out = Sights::default();
    for (instance, word) in all {
        let tells = instance
            .id()
            .is_none_or(|id| best.get(id) == Some(&word) && (word != Word::DataSource || read.insert(id)));
        if tells {
            out.telling.push(instance);
        } else {
            out.others.push(instance);
        }
    }
    out
}
