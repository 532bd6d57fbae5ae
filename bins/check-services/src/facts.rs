//! Who there is to ask: from the state, and from EC2.

use crate::command::Args;
use portcullis_secgroup::{Direction, Gap, Group, Interface, Inventory};
use portcullis_stage::{Failure, Stage};
use portcullis_terraform::{Member, Origin, OwnedRule, ReadError, Sensitive, State, TerraformGroup};
use std::fmt;
use std::path::Path;

/// Groups and members of all views that the arguments name, in one inventory.
pub(crate) fn gather(args: &Args, stage: &Stage) -> Result<Inventory, Failure> {
    let mut inventory = Inventory::default();
    for path in &args.live {
        add_live(&mut inventory, live(path, stage)?);
    }
    for path in &args.state {
        add_state(&mut inventory, &stage.read_text(path)?, &path.display(), stage)?;
    }
    let names = args
        .state_name
        .iter()
        .map(|name| name.trim())
        .filter(|name| args.managed_state && !name.is_empty());
    for state in names {
        let name = format!("the managed state {state}");
        match stage.managed_state(state)? {
            Some(text) => add_state(&mut inventory, &text, &name, stage)?,
            None => inventory.gaps.push(Gap::new(name, "there is none yet")),
        }
    }
    Ok(inventory)
}

fn live(path: &Path, stage: &Stage) -> Result<Inventory, Failure> {
    let files = stage.read_texts(path, "json")?;
    portcullis_live::read_any(&files).map_err(|error| {
        let hint = error.hint();
        Failure::unreadable_in(path.display(), error).hint(hint)
    })
}

/// One more view of EC2, such as that of another region.
fn add_live(inventory: &mut Inventory, live: Inventory) {
    inventory.groups.extend(live.groups);
    inventory.interfaces.extend(live.interfaces);
    inventory.gaps.extend(live.gaps);
    for id in live.prefix_lists.ids() {
        match live.prefix_lists.entries(id) {
            Some(entries) => inventory.prefix_lists.insert(id, entries.clone()),
            None => inventory.prefix_lists.insert_unknown(id),
        }
    }
}

fn add_state(
    inventory: &mut Inventory,
    text: &str,
    what: &dyn fmt::Display,
    stage: &Stage,
) -> Result<(), Failure> {
    let unreadable = |error: ReadError| {
        let hint = error.hint();
        Failure::unreadable_in(what, error).hint(hint)
    };
    stage.mask_all(Sensitive::of_state(text).map_err(unreadable)?.values());
    let view = State::read(text)
        .and_then(|state| state.view())
        .map_err(unreadable)?;
    inventory.groups.extend(view.groups.iter().map(recorded));
    inventory.interfaces.extend(view.members.iter().map(interface));
    for problem in view.problems {
        inventory.gaps.push(Gap::new(problem.address, problem.what));
    }
    Ok(())
}

/// A group as the state records it.
///
/// A group with rule resources shows live rules in its own attribute as well, as of the last refresh: right after an
/// apply that echo still tells of the rules before it. It counts only where it may be the group's own rules.
fn recorded(group: &TerraformGroup) -> Group {
    let is_resource = |owned: &&OwnedRule| owned.origin == Origin::Resource;
    let directions: Vec<Direction> = group
        .rules
        .iter()
        .filter(is_resource)
        .map(|owned| owned.rule.direction)
        .collect();
    let mut recorded = group.clone();
    recorded
        .rules
        .retain(|owned| owned.origin != Origin::Echo || !directions.contains(&owned.rule.direction));
    recorded.to_group()
}

/// A member as the state records it. Terraform knows instances where EC2 knows their interfaces; only addresses and names
/// count here.
fn interface(member: &Member) -> Interface {
    let addresses = member.public_ip.iter().chain(&member.ipv6_addresses);
    Interface {
        id: member.id.clone().unwrap_or_else(|| member.address.clone()),
        instance_name: Some(member.label().to_owned()),
        public_addresses: addresses.filter_map(|address| address.parse().ok()).collect(),
        public_dns: member.public_dns.clone(),
        groups: member.groups.clone(),
        ..Interface::default()
    }
}
