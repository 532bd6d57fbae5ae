//! Who changed the rules of security groups, as AWS CloudTrail records it.
//!
//! Two forms are read: what `aws cloudtrail lookup-events` prints (`Events`, each with the record as text in
//! `CloudTrailEvent`), and a log file as CloudTrail puts it into S3, unpacked (`Records`). Shapes after the AWS CloudTrail
//! User Guide, "CloudTrail record contents", and, for what stands in `requestParameters` and `responseElements`, after
//! the EC2 API reference: CloudTrail writes lists as `{"items": […]}` and most names in lower camel case, but those of
//! `ModifySecurityGroupRules` as the API has them.

use crate::error::LiveError;
use portcullis_secgroup::{Direction, Peer, Ports, Protocol, RuleKey};
use serde_json::Value;

/// The calls that change rules (EC2 API reference).
pub const CALLS: [&str; 5] = [
    "AuthorizeSecurityGroupIngress",
    "AuthorizeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
    "RevokeSecurityGroupEgress",
    "ModifySecurityGroupRules",
];

/// One call that changed rules. All of it is text from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The call, one of [`CALLS`].
    pub name: String,
    /// CloudTrail's id of the event.
    pub id: Option<String>,
    /// When, RFC 3339.
    pub at: String,
    /// Who: an ARN, else a name.
    pub principal: String,
    /// From which address, or which AWS service.
    pub source: Option<String>,
    /// The group, where the event names it.
    pub group: Option<String>,
    /// The rules it speaks of.
    pub rules: Vec<ChangedRule>,
}

/// A rule as an event names it: by its id, by its content, or by both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedRule {
    /// EC2's id of the rule, `sgr-…`.
    pub id: Option<String>,
    /// The rule itself; the account of a group is left out.
    pub key: Option<RuleKey>,
}

/// Reads the events that changed rules, in the order of the file. Calls that EC2 refused, and all other events, are left out.
///
/// # Errors
/// [`LiveError`] when the text is neither of the two forms.
///
/// ```
/// let events = portcullis_live::cloudtrail::read(r#"{"Records": [{"eventSource": "ec2.amazonaws.com",
///     "eventName": "AuthorizeSecurityGroupIngress", "eventTime": "2026-11-24T03:12:00Z",
///     "userIdentity": {"arn": "arn:aws:iam::123456789012:user/grace"}, "sourceIPAddress": "203.0.113.9",
///     "requestParameters": {"groupId": "sg-1", "ipPermissions": {"items": [{"ipProtocol": "tcp", "fromPort": 22,
///       "toPort": 22, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}}]}}}]}"#)?;
/// assert_eq!(events[0].principal, "arn:aws:iam::123456789012:user/grace");
/// assert_eq!(events[0].rules.len(), 1);
/// # Ok::<(), portcullis_live::LiveError>(())
/// ```
pub fn read(text: &str) -> Result<Vec<Event>, LiveError> {
    let json = |source| LiveError::Json {
        what: "the CloudTrail file".to_owned(),
        source,
    };
    let document: Value = serde_json::from_str(text).map_err(json)?;
    if let Some(records) = document.get("Records").and_then(Value::as_array) {
        return Ok(records.iter().filter_map(event).collect());
    }
    let Some(events) = document.get("Events").and_then(Value::as_array) else {
        return Err(LiveError::NoTrail);
    };
    let mut out = Vec::new();
    for listed in events {
        let record = listed.get("CloudTrailEvent").and_then(Value::as_str);
        let record: Value = serde_json::from_str(record.ok_or(LiveError::NoTrail)?).map_err(json)?;
        out.extend(event(&record));
    }
    Ok(out)
}

/// The event, if it changed rules.
fn event(record: &Value) -> Option<Event> {
    let text = |name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
    let name = text("eventName").filter(|name| CALLS.contains(&name.as_str()))?;
    let refused = record.get("errorCode").is_some_and(|code| !code.is_null());
    if refused || text("eventSource").is_none_or(|source| source != "ec2.amazonaws.com") {
        return None;
    }
    let who = record.get("userIdentity").unwrap_or(&Value::Null);
    let principal = ["arn", "userName", "invokedBy", "principalId", "type"]
        .iter()
        .find_map(|name| who.get(*name)?.as_str())
        .unwrap_or("somebody whom the event does not name");
    let request = record.get("requestParameters").unwrap_or(&Value::Null);
    let answer = record.get("responseElements").unwrap_or(&Value::Null);
    let modified = request.get("ModifySecurityGroupRulesRequest");
    let group = field(modified.unwrap_or(request), "groupId").and_then(Value::as_str);
    let direction = if name.ends_with("Egress") {
        Direction::Egress
    } else {
        Direction::Ingress
    };
    let rules = match modified {
        Some(request) => items(field(request, "securityGroupRule"))
            .map(|update| ChangedRule {
                id: rule_id(update),
                // Whether it lets traffic in or out, an update does not say.
                key: None,
            })
            .collect(),
        None => changed(request, answer, direction, group),
    };
    Some(Event {
        id: text("eventID"),
        at: text("eventTime").unwrap_or_default(),
        principal: principal.to_owned(),
        source: text("sourceIPAddress"),
        group: group.map(str::to_owned),
        name,
        rules,
    })
}

/// What was authorised or revoked: as EC2 answered, which names ids; else as it was asked.
fn changed(request: &Value, answer: &Value, direction: Direction, group: Option<&str>) -> Vec<ChangedRule> {
    let mut rules = Vec::new();
    for set in ["securityGroupRuleSet", "revokedSecurityGroupRuleSet"] {
        for row in items(answer.get(set)) {
            let group = field(row, "groupId").and_then(Value::as_str).or(group);
            let peers = [
                ("cidrIpv4", Named::Cidr),
                ("cidrIpv6", Named::Cidr),
                ("prefixListId", Named::List),
                ("referencedGroupId", Named::Group),
            ];
            let named = |(name, kind): (&str, Named)| peer(row.get(name)?.as_str()?, kind, group);
            let referenced = || {
                peer(
                    row.get("referencedGroupInfo")?.get("groupId")?.as_str()?,
                    Named::Group,
                    group,
                )
            };
            let found = peers.into_iter().find_map(named).or_else(referenced);
            rules.push(ChangedRule {
                id: rule_id(row),
                key: found.and_then(|peer| key(row, direction, peer)),
            });
        }
    }
    if !rules.is_empty() {
        return rules;
    }
    for row in items(request.get("securityGroupRuleIds")) {
        let id = row.as_str().map(str::to_owned).or_else(|| rule_id(row));
        rules.push(ChangedRule { id, key: None });
    }
    // An old way of asking for one rule without a list.
    let alone = request.get("cidrIp").map(|_| request);
    for permission in items(request.get("ipPermissions")).chain(alone) {
        for (list, name, kind) in [
            ("ipRanges", "cidrIp", Named::Cidr),
            ("ipv6Ranges", "cidrIpv6", Named::Cidr),
            ("prefixListIds", "prefixListId", Named::List),
            ("groups", "groupId", Named::Group),
        ] {
            let own = (list == "ipRanges" && permission.get(list).is_none()).then_some(permission);
            for range in items(permission.get(list)).chain(own) {
                let text = range.get(name).and_then(Value::as_str);
                let peer = text.and_then(|text| peer(text, kind, group));
                if let Some(key) = peer.and_then(|peer| key(permission, direction, peer)) {
                    rules.push(ChangedRule {
                        id: None,
                        key: Some(key),
                    });
                }
            }
        }
    }
    rules
}

#[derive(Clone, Copy)]
enum Named {
    Cidr,
    List,
    Group,
}

fn peer(text: &str, kind: Named, group: Option<&str>) -> Option<Peer> {
    Some(match kind {
        Named::Cidr => Peer::Cidr(text.parse().ok()?),
        Named::List => Peer::PrefixList(text.to_owned()),
        Named::Group if Some(text) == group => Peer::SelfGroup,
        Named::Group => Peer::group(text),
    })
}

fn key(row: &Value, direction: Direction, peer: Peer) -> Option<RuleKey> {
    let protocol: Protocol = field(row, "ipProtocol")?.as_str()?.parse().ok()?;
    let port = |name| field(row, name).and_then(Value::as_i64);
    let ports = Ports::read(protocol, port("fromPort"), port("toPort")).ok()?;
    Some(RuleKey {
        direction,
        protocol,
        ports,
        peer,
    })
}

fn rule_id(row: &Value) -> Option<String> {
    field(row, "securityGroupRuleId")?.as_str().map(str::to_owned)
}

/// The field, whichever case its first letter has.
fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let upper = || {
        let (first, rest) = name.split_at_checked(1)?;
        value.get(format!("{}{rest}", first.to_ascii_uppercase()))
    };
    value.get(name).or_else(upper)
}

/// The elements of a list: `{"items": […]}`, a plain list, or one object alone.
fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (many, one): (&[Value], Option<&Value>) = match value {
        Some(Value::Array(list)) => (list, None),
        Some(Value::Object(fields)) => match fields.get("items") {
            Some(Value::Array(list)) => (list, None),
            Some(_) => (&[], None),
            None if fields.is_empty() => (&[], None),
            None => (&[], value),
        },
        _ => (&[], None),
    };
    many.iter().chain(one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules(name: &str, request: &Value, answer: &Value) -> Vec<ChangedRule> {
        let record = json!({"eventSource": "ec2.amazonaws.com", "eventName": name, "eventTime": "2026-11-24T03:12:00Z",
            "userIdentity": {"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"},
            "requestParameters": request, "responseElements": answer});
        let mut events = read(&json!({ "Records": [record] }).to_string()).unwrap();
        assert_eq!(events[0].principal, "autoscaling.amazonaws.com");
        events.remove(0).rules
    }

    #[test]
    fn a_modified_rule_is_named_by_its_id_alone_or_in_a_list() {
        let update = |id: &str| json!({"SecurityGroupRuleId": id, "tag": 1, "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 22}});
        for (updates, ids) in [
            (update("sgr-1"), vec!["sgr-1"]),
            (json!([update("sgr-1"), update("sgr-2")]), vec!["sgr-1", "sgr-2"]),
        ] {
            let request =
                json!({"ModifySecurityGroupRulesRequest": {"GroupId": "sg-1", "SecurityGroupRule": updates}});
            let found = rules("ModifySecurityGroupRules", &request, &json!({"_return": true}));
            let found: Vec<&str> = found.iter().filter_map(|rule| rule.id.as_deref()).collect();
            assert_eq!(found, ids);
        }
    }

    #[test]
    fn what_is_revoked_is_named_by_id_or_by_content() {
        let request =
            json!({"groupId": "sg-1", "securityGroupRuleIds": {"items": [{"securityGroupRuleId": "sgr-9"}]}});
        let by_id = rules("RevokeSecurityGroupEgress", &request, &json!({"_return": true}));
        assert_eq!(by_id[0].id.as_deref(), Some("sgr-9"));
        let request = json!({"groupId": "sg-1", "ipPermissions": {"items": [{"ipProtocol": "-1",
            "groups": {"items": [{"groupId": "sg-1"}, {"groupId": "sg-2", "userId": "123456789012"}]},
            "ipRanges": {}, "ipv6Ranges": {"items": [{"cidrIpv6": "::/0"}]}, "prefixListIds": {}}]}});
        let keys: Vec<Peer> = rules("RevokeSecurityGroupEgress", &request, &Value::Null)
            .into_iter()
            .map(|rule| rule.key.unwrap().peer)
            .collect();
        let everyone = Peer::Cidr("::/0".parse().unwrap());
        assert_eq!(keys, [everyone, Peer::SelfGroup, Peer::group("sg-2")]);
    }

    #[test]
    fn refused_calls_and_all_others_are_left_out() {
        let text = json!({"Records": [
            {"eventSource": "ec2.amazonaws.com", "eventName": "AuthorizeSecurityGroupIngress",
                "errorCode": "Client.UnauthorizedOperation"},
            {"eventSource": "ec2.amazonaws.com", "eventName": "RunInstances"},
            {"eventSource": "elsewhere.example", "eventName": "AuthorizeSecurityGroupIngress"}, 7, null]});
        assert_eq!(read(&text.to_string()).unwrap(), []);
        assert!(read("[]").is_err() && read("").is_err());
    }
}
