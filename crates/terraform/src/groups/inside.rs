//! What stands in a group's own attributes: rules that the code wishes for, or an echo of what is there.

use super::{Inline, Origin, OwnedRule, TerraformGroup, self_key};
use crate::attributes::Attribute;
use crate::configuration::PlanConfiguration;
use crate::error::{Problem, ReadError};
use crate::resource::{Action, Instance};
use crate::rules::{NotKnown, Reader, description_unknown};
use crate::tree::{Name, Tree};
use portcullis_secgroup::{Direction, Rule, RuleKey};
use std::collections::{BTreeMap, BTreeSet};

/// Whether the group's own attribute of this direction is a wish or an echo.
pub(super) fn inline(
    instance: &Instance,
    direction: Direction,
    configuration: Option<&PlanConfiguration>,
) -> Inline {
    let attribute = direction.as_str();
    if let (Some(configuration), Some(name)) = (configuration, Name::known(attribute))
        && instance
            .written(configuration)
            .is_some_and(|written| written.contains(name))
    {
        return Inline::Declared;
    }
    let rules = |values: &Tree| {
        values
            .get(attribute)
            .and_then(Tree::as_array)
            .map(|list| !list.is_empty())
    };
    // A new object has no live rules to echo: what stands there is a wish, written by a `dynamic` block.
    if instance.is_new() {
        let unknown = match &instance.unknown {
            all @ Tree::Bool(true) => Some(all),
            some => some.get(attribute),
        };
        let placeholder = unknown.is_some_and(|tree| tree.as_array().is_some_and(|a| !a.is_empty()));
        let is_told = || configuration.is_some_and(|all| instance.written(all).is_some());
        return if rules(&instance.values) == Some(true) || placeholder {
            Inline::Declared
        } else if unknown.is_some_and(Tree::is_true) && !is_told() {
            // The provider plans it as unknown where nothing is written, too.
            Inline::CannotTell
        } else {
            Inline::Absent
        };
    }
    match instance.action {
        // Only a wish can differ from what is.
        Action::Update if instance.values.get(attribute) != instance.before.get(attribute) => {
            Inline::Declared
        }
        _ => Inline::CannotTell,
    }
}

/// What stands in the attribute of this direction, as a wish or as an echo.
pub(super) fn rules(
    reader: &mut Reader<'_>,
    instance: &Instance,
    direction: Direction,
    group: &TerraformGroup,
) -> Result<Vec<OwnedRule>, ReadError> {
    let wish = group.inline(direction) == Inline::Declared;
    let may_be_wish = wish || (instance.is_new() && group.inline(direction) == Inline::CannotTell);
    let owned = |rule, origin, not_known, description_unknown| OwnedRule {
        rule,
        owner: instance.address.clone(),
        origin,
        forgotten: instance.action == Action::Forget,
        not_known,
        description_unknown,
    };
    let mut out = Vec::new();
    match instance.object().objects(direction.as_str()) {
        Attribute::Set(blocks) => {
            let origin = if wish { Origin::Inline } else { Origin::Echo };
            for block in blocks {
                let untold = description_unknown(block);
                for rule in reader.inline_rules(instance, block, direction)? {
                    let unknown = reader.not_known(instance, block, Some(direction), &rule);
                    out.push(owned(rule, origin, unknown, untold));
                }
            }
        }
        Attribute::Unknown if may_be_wish => {
            let rule = Rule::not_known(direction);
            let unknown = NotKnown {
                attribute: direction.as_str().to_owned(),
                decided_by: reader.deciders(instance, direction.as_str()),
            };
            out.push(owned(rule, Origin::Inline, vec![unknown], true));
        }
        Attribute::Odd => reader.problems.push(Problem {
            address: instance.address.clone(),
            what: format!("{} is no list of rules", direction.as_str()),
        }),
        Attribute::Null | Attribute::Unknown => {}
    }
    Ok(out)
}

/// Adds what stands in a group's own attribute of this direction to what rule resources hold. An echo of these, or of what the
/// change takes away, is no rule of its own.
pub(super) fn add(
    group: &mut TerraformGroup,
    direction: Direction,
    inside: Vec<OwnedRule>,
    removed: &BTreeMap<String, BTreeSet<RuleKey>>,
) {
    if group.inline(direction) == Inline::Declared || inside.is_empty() {
        group.rules.extend(inside);
        return;
    }
    let id = group.id.clone().unwrap_or_default();
    let key = |owned: &OwnedRule| owned.rule.key().map(|key| self_key(key, &id));
    let taken: BTreeSet<RuleKey> = group.rules.iter().filter_map(key).collect();
    let removed = removed.get(&id);
    for echo in inside {
        match key(&echo) {
            Some(key) if taken.contains(&key) || removed.is_some_and(|keys| keys.contains(&key)) => {
                group.echoed.insert(key);
            }
            _ => group.rules.push(echo),
        }
    }
}
