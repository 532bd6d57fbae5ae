//! Members: what carries security groups, as far as Terraform tells.

use crate::attributes::Attribute;
use crate::resource::{Instance, Kind};
use std::collections::BTreeMap;

/// A resource that carries security groups.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Its Terraform address.
    pub address: String,
    /// Its id, once it is made.
    pub id: Option<String>,
    /// Its `Name` tag, if it has one.
    pub name: Option<String>,
    /// The ids of its groups, as far as known.
    pub groups: Vec<String>,
    /// Whether it may carry groups that are not known yet.
    pub groups_unknown: bool,
    /// Its public address: that of its elastic IP before its own.
    pub public_ip: Option<String>,
}

impl Member {
    /// What people call it: its name, else its address.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.address)
    }
}

pub(crate) fn read(instances: &[Instance]) -> Vec<Member> {
    let elastic: BTreeMap<&str, &str> = instances
        .iter()
        .filter(|instance| instance.kind == Kind::Eip)
        .filter_map(|instance| {
            let object = instance.object();
            Some((object.text("instance").set()?, object.text("public_ip").set()?))
        })
        .collect();
    let mut members: Vec<Member> = instances
        .iter()
        .filter(|instance| matches!(instance.kind, Kind::Instance | Kind::Interface))
        .map(|instance| {
            let object = instance.object();
            let attribute = if instance.kind == Kind::Instance {
                "vpc_security_group_ids"
            } else {
                "security_groups"
            };
            let carried = object.texts(attribute);
            let groups_unknown = match &carried {
                Attribute::Set(ids) => ids.iter().any(|id| !matches!(id, Attribute::Set(_))),
                Attribute::Null => false,
                Attribute::Unknown | Attribute::Odd => true,
            };
            let ids = carried.set().unwrap_or_default();
            let mut groups: Vec<String> = ids
                .into_iter()
                .filter_map(Attribute::set)
                .map(str::to_owned)
                .collect();
            groups.sort();
            let own = object.text("public_ip").set().filter(|ip| !ip.is_empty());
            let public = instance.id().and_then(|id| elastic.get(id).copied()).or(own);
            let name = instance
                .values
                .get("tags")
                .and_then(|tags| tags.tag("Name"))
                .and_then(|name| name.as_str());
            Member {
                address: instance.address.clone(),
                id: instance.id().map(str::to_owned),
                name: name.map(str::to_owned),
                groups,
                groups_unknown,
                public_ip: public.map(str::to_owned),
            }
        })
        .collect();
    members.sort();
    members
}
