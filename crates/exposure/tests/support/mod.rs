//! Plans made by hand, as `terraform show -json` writes them.

use portcullis_exposure::{Comparison, ExposureReport};
use portcullis_terraform::Plan;
use serde_json::{Value, json};

/// A rule written inside a group.
pub(crate) fn block(protocol: &str, from: i64, to: i64, peers: &[&str]) -> Value {
    let some = |wanted: fn(&str) -> bool| -> Vec<&str> {
        peers.iter().copied().filter(|peer| wanted(peer)).collect()
    };
    json!({
        "protocol": protocol, "from_port": from, "to_port": to, "description": "", "self": peers.contains(&"self"),
        "cidr_blocks": some(|peer| peer.contains('.')),
        "ipv6_cidr_blocks": some(|peer| peer.contains(':')),
        "security_groups": some(|peer| peer.starts_with("sg-")),
        "prefix_list_ids": some(|peer| peer.starts_with("pl-")),
    })
}

/// A group's attributes.
pub(crate) fn group(name: &str, ingress: &[Value], egress: &[Value]) -> Value {
    json!({ "id": format!("sg-{name}"), "name": name, "ingress": ingress, "egress": egress })
}

/// An instance's attributes.
pub(crate) fn instance(name: &str, groups: &[&str]) -> Value {
    let groups: Vec<String> = groups.iter().map(|group| format!("sg-{group}")).collect();
    json!({ "id": format!("i-{name}"), "vpc_security_group_ids": groups, "tags": { "Name": name } })
}

/// One resource's change; `null` where it is not there.
pub(crate) fn change(kind: &str, name: &str, before: &Value, after: &Value, unknown: &Value) -> Value {
    let actions = match (before.is_null(), after.is_null()) {
        (true, _) => json!(["create"]),
        (_, true) => json!(["delete"]),
        _ if before == after && unknown == &json!({}) => json!(["no-op"]),
        _ if unknown["id"] == true => json!(["delete", "create"]),
        _ => json!(["update"]),
    };
    json!({
        "address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "name": name,
        "change": { "actions": actions, "before": before, "after": after, "after_unknown": unknown },
    })
}

pub(crate) fn group_change(name: &str, before: &Value, after: &Value) -> Value {
    change("aws_security_group", name, before, after, &json!({}))
}

pub(crate) fn instance_change(name: &str, before: &Value, after: &Value) -> Value {
    change("aws_instance", name, before, after, &json!({}))
}

pub(crate) fn plan(changes: &[Value]) -> Plan {
    Plan::read(&json!({ "format_version": "1.2", "resource_changes": changes }).to_string()).unwrap()
}

pub(crate) fn report(plan: &Plan) -> ExposureReport {
    Comparison::new(&plan.before().unwrap(), &plan.after().unwrap())
        .rules_rewritten(plan.rules_rewritten())
        .partial(plan.partial())
        .report()
}
