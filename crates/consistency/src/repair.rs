//! What would bring a rule under control: a command, or code with an `import` block.
//!
//! The command after the AWS CLI reference, `revoke-security-group-ingress` and `-egress`; import ids after the AWS
//! provider's documentation, "Import" of `aws_vpc_security_group_ingress_rule` and `aws_security_group_rule`.

use crate::document::RuleVerdict;
use crate::hand::{Relation, Tie};
use portcullis_report::text::clean;
use portcullis_secgroup::{Direction, Peer, Ports, Protocol, RuleKey};
use portcullis_terraform::Address;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// What to do about a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// In a sentence.
    pub advice: String,
    /// The command that takes the rule away, for a shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The code that keeps it, as `terraform fmt` writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// The rule in question, and what is known of it.
pub(crate) struct Subject<'a> {
    pub(crate) verdict: RuleVerdict,
    pub(crate) group: Option<&'a str>,
    pub(crate) address: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) region: Option<&'a str>,
    pub(crate) key: &'a RuleKey,
    pub(crate) rule_id: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
    /// Whether the group writes its rules of this direction inside itself.
    pub(crate) is_inline: bool,
    /// The one address that declares it.
    pub(crate) owner: Option<&'a str>,
    pub(crate) relation: Option<&'a Relation>,
    pub(crate) in_change: bool,
}

impl Repair {
    pub(crate) fn of(subject: &Subject<'_>) -> Option<Self> {
        let advice = |text: &str| Self {
            advice: text.to_owned(),
            ..Self::default()
        };
        Some(match subject.verdict {
            RuleVerdict::Agree | RuleVerdict::Undetermined => return None,
            RuleVerdict::Unmanaged => subject.unmanaged(),
            RuleVerdict::NotDeclared => advice("apply the code: terraform takes it away"),
            RuleVerdict::Gone if subject.in_change => advice(
                "the change should have made it: read EC2 once more, its answers may lag behind; then plan and apply again",
            ),
            RuleVerdict::Gone => match subject.relation {
                Some(relation) if relation.tie == Tie::ReplacedBy => {
                    advice("plan and apply again: terraform puts it back; what stands in its place is below")
                }
                _ => advice("plan and apply again: terraform puts it back"),
            },
            RuleVerdict::NotApplied => {
                advice("apply the code: start a new pipeline, or see why the last one failed")
            }
            RuleVerdict::StateBehind => subject.state_behind(),
            RuleVerdict::StateStale => {
                advice("nothing is open: the next apply or `terraform apply -refresh-only` mends the state")
            }
        })
    }
}

impl Subject<'_> {
    fn unmanaged(&self) -> Repair {
        if self.in_change {
            return Repair {
                advice: "the change should have taken it away: read EC2 once more, its answers may lag behind; else revoke it"
                    .to_owned(),
                command: self.revoke(),
                code: None,
            };
        }
        let (advice, code) = if self.is_inline {
            let address = self.address.unwrap_or("the group");
            (
                format!(
                    "revoke it, or let the next apply do it, since {address} holds its {} rules itself; to keep it, add it there",
                    self.key.direction
                ),
                Some(self.block()),
            )
        } else {
            (
                "terraform does not see it: revoke it, or keep it by adding it to the code".to_owned(),
                self.resource(),
            )
        };
        Repair {
            advice,
            command: self.revoke(),
            code,
        }
    }

    fn state_behind(&self) -> Repair {
        let import = self
            .owner
            .and_then(|owner| Some(import(owner, &self.import_id(owner)?)));
        Repair {
            advice: if import.is_some() {
                "import it: terraform would try to make it once more, and EC2 refuses a second one".to_owned()
            } else {
                "apply the code: terraform then records it".to_owned()
            },
            command: None,
            code: import,
        }
    }

    /// The id by which the provider imports what stands at this address; `None` for what is no rule resource.
    fn import_id(&self, owner: &str) -> Option<String> {
        match Address::parse(owner)?.kind.as_str() {
            "aws_vpc_security_group_ingress_rule" | "aws_vpc_security_group_egress_rule" => {
                self.rule_id.map(str::to_owned)
            }
            "aws_security_group_rule" => {
                let key = self.key;
                let (from, to) = match key.ports {
                    Ports::All if !key.protocol.has_ports() && !key.protocol.has_types() => (0, 0),
                    ports => ports.as_written(key.protocol),
                };
                let protocol = match key.protocol {
                    Protocol::All => "all".to_owned(),
                    Protocol::Number(_) => key.protocol.to_string(),
                };
                let peer = match &key.peer {
                    Peer::SelfGroup => "self".to_owned(),
                    peer => peer.to_string(),
                };
                Some(format!(
                    "{}_{}_{protocol}_{from}_{to}_{peer}",
                    self.group?, key.direction
                ))
            }
            _ => None,
        }
    }

    fn revoke(&self) -> Option<String> {
        let group = self.group?;
        let mut command = format!("aws ec2 revoke-security-group-{}", self.key.direction);
        if let Some(region) = self.region {
            let _ = write!(command, " --region {}", shell(region));
        }
        let _ = write!(command, " --group-id {}", shell(group));
        match self.rule_id {
            Some(id) => {
                let _ = write!(command, " --security-group-rule-ids {}", shell(id));
            }
            None => {
                let _ = write!(command, " --ip-permissions {}", shell(&self.permission()?));
            }
        }
        Some(command)
    }

    /// The rule as `IpPermission` of the EC2 API, for want of an id.
    fn permission(&self) -> Option<String> {
        let key = self.key;
        let mut permission = serde_json::json!({ "IpProtocol": key.protocol.to_string() });
        let fields = permission.as_object_mut()?;
        if key.protocol.has_ports() || key.protocol.has_types() {
            let (from, to) = key.ports.as_written(key.protocol);
            fields.insert("FromPort".to_owned(), from.into());
            fields.insert("ToPort".to_owned(), to.into());
        }
        let (name, value) = match &key.peer {
            Peer::Cidr(cidr) if cidr.is_ipv4() => {
                ("IpRanges", serde_json::json!({ "CidrIp": cidr.to_string() }))
            }
            Peer::Cidr(cidr) => ("Ipv6Ranges", serde_json::json!({ "CidrIpv6": cidr.to_string() })),
            Peer::PrefixList(id) => ("PrefixListIds", serde_json::json!({ "PrefixListId": id })),
            Peer::SelfGroup => ("UserIdGroupPairs", serde_json::json!({ "GroupId": self.group })),
            Peer::Group { id, account: None } => ("UserIdGroupPairs", serde_json::json!({ "GroupId": id })),
            Peer::Group { id, account } => (
                "UserIdGroupPairs",
                serde_json::json!({ "GroupId": id, "UserId": account }),
            ),
            Peer::Unknown(_) => return None,
        };
        fields.insert(name.to_owned(), serde_json::json!([value]));
        Some(serde_json::json!([permission]).to_string())
    }

    /// A block for the group's own code.
    fn block(&self) -> String {
        let key = self.key;
        let (from, to) = match key.ports {
            Ports::All if !key.protocol.has_ports() && !key.protocol.has_types() => (0, 0),
            ports => ports.as_written(key.protocol),
        };
        let peer = match &key.peer {
            Peer::Cidr(cidr) if cidr.is_ipv4() => ("cidr_blocks", list(&cidr.to_string())),
            Peer::Cidr(cidr) => ("ipv6_cidr_blocks", list(&cidr.to_string())),
            Peer::PrefixList(id) => ("prefix_list_ids", list(id)),
            Peer::SelfGroup => ("self", "true".to_owned()),
            peer => ("security_groups", list(&peer.to_string())),
        };
        let mut attributes = self.described();
        attributes.push(("protocol", quoted(&key.protocol.to_string())));
        attributes.push(("from_port", from.to_string()));
        attributes.push(("to_port", to.to_string()));
        attributes.push(peer);
        body(&format!("{} {{", key.direction), &attributes)
    }

    /// A resource of its own with an import block; `None` without EC2's id of the rule.
    fn resource(&self) -> Option<String> {
        let (id, key) = (self.rule_id?, self.key);
        let kind = match key.direction {
            Direction::Ingress => "aws_vpc_security_group_ingress_rule",
            Direction::Egress => "aws_vpc_security_group_egress_rule",
        };
        let own = self.reference()?;
        let peer = match &key.peer {
            Peer::Cidr(cidr) if cidr.is_ipv4() => ("cidr_ipv4", quoted(&cidr.to_string())),
            Peer::Cidr(cidr) => ("cidr_ipv6", quoted(&cidr.to_string())),
            Peer::PrefixList(id) => ("prefix_list_id", quoted(id)),
            Peer::SelfGroup => ("referenced_security_group_id", own.clone()),
            peer => ("referenced_security_group_id", quoted(&peer.to_string())),
        };
        let mut attributes = vec![("security_group_id", own)];
        attributes.extend(self.described());
        attributes.push(("ip_protocol", quoted(&key.protocol.to_string())));
        // Ports beside a protocol without any would be a difference for ever.
        if key.protocol.has_ports() || key.protocol.has_types() {
            let (from, to) = key.ports.as_written(key.protocol);
            attributes.push(("from_port", from.to_string()));
            attributes.push(("to_port", to.to_string()));
        }
        attributes.push(peer);
        let label = self.label();
        Some(format!(
            "{}\n{}",
            import(&format!("{kind}.{label}"), id),
            body(&format!("resource \"{kind}\" \"{label}\" {{"), &attributes)
        ))
    }

    fn described(&self) -> Vec<(&'static str, String)> {
        self.description
            .map(|text| ("description", quoted(text)))
            .into_iter()
            .collect()
    }

    /// The group's id in code: by its address where the root module has it.
    fn reference(&self) -> Option<String> {
        match self.address {
            Some(address) if !address.starts_with("module.") => Some(format!("{address}.id")),
            _ => self.group.map(quoted),
        }
    }

    /// `web_tcp_22_from_0_0_0_0_0`; of a group in a module, or of one of many, with the module's name and the keys.
    fn label(&self) -> String {
        let of_address = self.address.and_then(Address::parse).map(|address| {
            let modules = address
                .modules
                .into_iter()
                .flat_map(|(name, key)| [Some(name), key]);
            let parts: Vec<String> = modules
                .chain([Some(address.name), address.key])
                .flatten()
                .collect();
            parts.join(" ")
        });
        let group = of_address
            .as_deref()
            .or(self.name)
            .or(self.group)
            .unwrap_or("group");
        let key = self.key;
        let (from, to) = key.ports.as_written(key.protocol);
        let traffic = match (key.protocol, key.ports) {
            (Protocol::All, _) => "all".to_owned(),
            (protocol, Ports::All) => format!("{protocol} all"),
            (protocol, _) if from == to => format!("{protocol} {from}"),
            (protocol, _) => format!("{protocol} {from} {to}"),
        };
        let peer = match &key.peer {
            Peer::SelfGroup => "self".to_owned(),
            peer => peer.to_string(),
        };
        let text = format!("{group} {traffic} {} {peer}", key.direction.preposition());
        let mut label = String::new();
        for c in text.chars() {
            if c.is_ascii_alphanumeric() {
                label.push(c.to_ascii_lowercase());
            } else if !label.ends_with('_') && !label.is_empty() {
                label.push('_');
            }
        }
        if label.starts_with(|c: char| c.is_ascii_digit()) {
            label.insert_str(0, "group_");
        }
        label.trim_end_matches('_').to_owned()
    }
}

fn import(to: &str, id: &str) -> String {
    body("import {", &[("to", to.to_owned()), ("id", quoted(id))])
}

/// A block with its attributes, aligned as `terraform fmt` does.
fn body(head: &str, attributes: &[(&str, String)]) -> String {
    let width = attributes
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or_default();
    let mut out = format!("{head}\n");
    for (name, value) in attributes {
        let _ = writeln!(out, "  {name:<width$} = {value}");
    }
    out.push_str("}\n");
    out
}

fn list(text: &str) -> String {
    format!("[{}]", quoted(text))
}

/// A string of Terraform's language, in which nothing is a template ("Strings and Templates", escape sequences).
fn quoted(text: &str) -> String {
    let text = clean(text)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace("${", "$${")
        .replace("%{", "%%{");
    format!("\"{text}\"")
}

/// One word for a POSIX shell.
fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    let text = clean(text);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_one_word_and_no_template() {
        assert_eq!(shell("sg-1"), "sg-1");
        assert_eq!(shell("sg-1; rm -rf 'x'"), r"'sg-1; rm -rf '\''x'\'''");
        assert_eq!(shell(""), "''");
        assert_eq!(
            quoted("a \"b\" ${file(\"/etc/passwd\")} %{ if true }\n\\"),
            r#""a \"b\" $${file(\"/etc/passwd\")} %%{ if true } \\""#
        );
    }
}
