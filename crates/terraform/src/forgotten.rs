//! Rules that Terraform forgets: they stay live, unless the same plan takes them away, or into its hands at another address.

use crate::attributes::{Attribute, Object};
use crate::error::ReadError;
use crate::groups::{Inline, Origin, OwnedRule, TerraformGroup, self_key};
use crate::resource::{Action, Instance};
use crate::rules::Reader;
use crate::tree::Tree;
use portcullis_secgroup::{Direction, Rule, RuleKey};
use std::collections::BTreeSet;

static NOTHING: Tree = Tree::Null;

fn is_forgotten(owned: &OwnedRule) -> bool {
    owned.forgotten && owned.origin == Origin::Resource
}

fn key(owned: &OwnedRule, group: &str) -> Option<RuleKey> {
    owned.rule.key().map(|key| self_key(key, group))
}

/// Leaves out those that a group's own list has before the change: where the group is updated, its list says whether they
/// stay.
pub(crate) fn drop_listed(
    reader: &mut Reader<'_>,
    instance: &Instance,
    direction: Direction,
    group: &mut TerraformGroup,
) -> Result<(), ReadError> {
    let here = |owned: &OwnedRule| is_forgotten(owned) && owned.rule.direction == direction;
    if instance.action != Action::Update
        || group.inline(direction) != Inline::Declared
        || !group.rules.iter().any(here)
    {
        return Ok(());
    }
    let before = Object {
        value: &instance.before,
        unknown: &NOTHING,
        sensitive: &NOTHING,
    };
    let Attribute::Set(blocks) = before.objects(direction.as_str()) else {
        return Ok(());
    };
    let id = instance.id().unwrap_or_default();
    let mut listed = BTreeSet::new();
    // What is odd about what goes is nobody's matter.
    let (problems, remarks) = (reader.problems.len(), reader.remarks.len());
    for block in blocks {
        let rules = reader.inline_rules(instance, block, direction)?;
        listed.extend(rules.iter().filter_map(Rule::key).map(|key| self_key(key, id)));
    }
    reader.problems.truncate(problems);
    reader.remarks.truncate(remarks);
    group
        .rules
        .retain(|owned| !here(owned) || key(owned, id).is_none_or(|key| !listed.contains(&key)));
    Ok(())
}

/// Leaves out those that another resource of the same plan changes, deletes or holds. `removed` are the keys that the change
/// takes away from the group.
pub(crate) fn drop_taken(group: &mut TerraformGroup, removed: Option<&BTreeSet<RuleKey>>) {
    if !group.rules.iter().any(is_forgotten) {
        return;
    }
    let id = group.id.clone().unwrap_or_default();
    let held: BTreeSet<RuleKey> = group
        .rules
        .iter()
        .filter(|owned| !owned.forgotten)
        .filter_map(|owned| key(owned, &id))
        .collect();
    let is_taken = |key: &RuleKey| held.contains(key) || removed.is_some_and(|keys| keys.contains(key));
    group
        .rules
        .retain(|owned| !is_forgotten(owned) || key(owned, &id).is_none_or(|key| !is_taken(&key)));
}
