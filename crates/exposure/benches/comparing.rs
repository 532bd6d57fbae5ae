//! How long comparing takes: `cargo bench -p portcullis-exposure`.

#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "a benchmark")]

use divan::{Bencher, black_box};
use portcullis_exposure::{ExposureReport, compare};
use portcullis_secgroup::{Group, Known, Peer, Rule};
use portcullis_terraform::{Plan, View};
use serde_json::{Value, json};

#[path = "../../../benches/estates.rs"]
mod estates;

fn main() {
    divan::main();
}

/// Both sides of a change.
struct Change {
    before: View,
    after: View,
}

impl Change {
    fn compare(&self) -> ExposureReport {
        compare(black_box(&self.before), black_box(&self.after), 1, &[])
    }
}

fn written(rule: &Rule) -> Value {
    let (Known::Yes(protocol), Known::Yes(ports)) = (rule.protocol, rule.ports) else {
        return Value::Null;
    };
    let (from, to) = ports.as_written(protocol);
    let some = |wanted: bool| {
        if wanted {
            vec![rule.peer.to_string()]
        } else {
            Vec::new()
        }
    };
    let block = |v4: bool| matches!(rule.peer, Peer::Cidr(cidr) if cidr.is_ipv4() == v4);
    json!({
        "protocol": protocol.to_string(), "from_port": from, "to_port": to, "self": false, "description": "",
        "cidr_blocks": some(block(true)), "ipv6_cidr_blocks": some(block(false)),
        "security_groups": some(matches!(rule.peer, Peer::Group { .. })), "prefix_list_ids": [],
    })
}

fn attributes(group: &Group) -> Value {
    let ingress: Vec<Value> = group.rules.iter().map(written).collect();
    json!({ "id": group.id, "name": group.name, "ingress": ingress, "egress": [] })
}

/// A plan that makes these groups of those; each of the members carries three of them, nearly each member others.
fn change(before: &[Option<Group>], after: &[Option<Group>], members: usize) -> Change {
    let groups = before
        .iter()
        .zip(after)
        .enumerate()
        .map(|(number, (before, after))| {
            let [before, after] = [before, after].map(|group| group.as_ref().map_or(Value::Null, attributes));
            resource("aws_security_group", number, &before, &after)
        });
    let instances = (0..members).map(|number| {
        let carried =
            [1, 7, 31].map(|step| format!("sg-{:017x}", (number * step + number / 997) % before.len()));
        let instance = json!({ "id": format!("i-{number}"), "vpc_security_group_ids": carried });
        resource("aws_instance", number, &instance, &instance)
    });
    let changes: Vec<Value> = groups.chain(instances).collect();
    let plan = json!({ "format_version": "1.2", "resource_changes": changes }).to_string();
    let plan = Plan::read(&plan).unwrap();
    Change {
        before: plan.before().unwrap(),
        after: plan.after().unwrap(),
    }
}

fn resource(kind: &str, number: usize, before: &Value, after: &Value) -> Value {
    let actions = if before.is_null() {
        json!(["create"])
    } else if before == after {
        json!(["no-op"])
    } else {
        json!(["update"])
    };
    json!({
        "address": format!("{kind}.team[{number}]"), "mode": "managed", "type": kind, "name": "team", "index": number,
        "change": { "actions": actions, "before": before, "after": after, "after_unknown": {} },
    })
}

/// 10,000 members over 1,000 groups with 100,000 rules.
mod estate {
    use super::{Bencher, Change, Group, change, estates};

    fn groups() -> Vec<Option<Group>> {
        estates::ordinary(1000, 100).into_iter().map(Some).collect()
    }

    fn measure(bencher: Bencher<'_, '_>, change: &Change) {
        bencher.bench(|| change.compare());
    }

    /// The last rule of every so many groups goes.
    fn without_last(every: usize) -> Vec<Option<Group>> {
        let mut groups = groups();
        for group in groups.iter_mut().step_by(every).flatten() {
            group.rules.pop();
        }
        groups
    }

    #[divan::bench(sample_count = 5, sample_size = 1)]
    fn nothing_changes(bencher: Bencher<'_, '_>) {
        measure(bencher, &change(&groups(), &groups(), 10_000));
    }

    #[divan::bench(sample_count = 5, sample_size = 1)]
    fn one_group_in_a_hundred_changes(bencher: Bencher<'_, '_>) {
        measure(bencher, &change(&without_last(100), &groups(), 10_000));
    }

    #[divan::bench(sample_count = 5, sample_size = 1)]
    fn every_group_changes(bencher: Bencher<'_, '_>) {
        measure(bencher, &change(&without_last(1), &groups(), 10_000));
    }

    #[divan::bench(sample_count = 3, sample_size = 1)]
    fn all_groups_are_made(bencher: Bencher<'_, '_>) {
        let none = vec![None; 1000];
        measure(bencher, &change(&none, &groups(), 10_000));
    }
}

/// One group with this many rules, of which one changes.
#[divan::bench(args = [10_000, 100_000], sample_count = 3, sample_size = 1)]
fn one_large_group(bencher: Bencher<'_, '_>, rules: u32) {
    let after = estates::flat(rules);
    let mut before = after.clone();
    before.rules.pop();
    let change = change(&[Some(before)], &[Some(after)], 100);
    bencher.bench(|| change.compare());
}
