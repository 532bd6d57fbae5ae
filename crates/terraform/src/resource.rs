//! One resource object on one side of a change, whatever document it came from.

use crate::address::{Address, Split};
use crate::attributes::Object;
use crate::configuration::PlanConfiguration;
use crate::tree::{Names, Tree};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, LazyLock, OnceLock};

/// The resource types this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// `aws_security_group`
    Group,
    /// `aws_default_security_group`: adopted, and never deleted by Terraform.
    DefaultGroup,
    /// `aws_security_group_rule`
    Rule,
    /// `aws_vpc_security_group_ingress_rule`
    VpcIngress,
    /// `aws_vpc_security_group_egress_rule`
    VpcEgress,
    /// `aws_ec2_managed_prefix_list`, as a resource or a data source, and the data source `aws_prefix_list`.
    PrefixList,
    /// `aws_ec2_managed_prefix_list_entry`
    PrefixListEntry,
    /// `aws_eip`
    Eip,
    /// `aws_network_interface_sg_attachment`: a group for an interface, beside those that the interface names itself.
    Attachment,
    /// What carries groups: `aws_instance`, `aws_network_interface`, `aws_lb`, …
    Carrier(&'static Carrier),
    /// `aws_vpc` or `aws_default_vpc`: it tells which group is its default group.
    Vpc,
    /// What holds rules of groups in a form that this crate does not read.
    Unread,
}

/// A resource type that carries security groups.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Carrier {
    pub(crate) kind: &'static str,
    /// The places where the ids of its groups stand: an attribute, or one of a nested block, without which it is in no
    /// network. Each block is an interface of its own.
    pub(crate) places: &'static [&'static [&'static str]],
}

const fn carrier(kind: &'static str, places: &'static [&'static [&'static str]]) -> Carrier {
    Carrier { kind, places }
}

impl Carrier {
    /// Whether it is no member itself: members are made after it.
    pub(crate) fn is_template(&self) -> bool {
        matches!(self.kind, "aws_launch_template" | "aws_launch_configuration")
    }

    /// The nested blocks in which groups are named.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &'static str> {
        self.places.iter().filter_map(|place| match place {
            [block, _] => Some(*block),
            _ => None,
        })
    }
}

/// After the pages of the AWS provider's documentation: "Resource: aws_instance", and so on.
static CARRIERS: [Carrier; 18] = [
    carrier("aws_instance", &[&["vpc_security_group_ids"]]),
    carrier("aws_network_interface", &[&["security_groups"]]),
    carrier("aws_lb", &[&["security_groups"]]),
    // Another name for `aws_lb`, says its page.
    carrier("aws_alb", &[&["security_groups"]]),
    carrier("aws_elb", &[&["security_groups"]]),
    carrier("aws_vpc_endpoint", &[&["security_group_ids"]]),
    carrier("aws_db_instance", &[&["vpc_security_group_ids"]]),
    carrier("aws_rds_cluster", &[&["vpc_security_group_ids"]]),
    carrier("aws_docdb_cluster", &[&["vpc_security_group_ids"]]),
    carrier("aws_neptune_cluster", &[&["vpc_security_group_ids"]]),
    carrier("aws_redshift_cluster", &[&["vpc_security_group_ids"]]),
    carrier("aws_elasticache_cluster", &[&["security_group_ids"]]),
    carrier("aws_elasticache_replication_group", &[&["security_group_ids"]]),
    carrier("aws_efs_mount_target", &[&["security_groups"]]),
    carrier("aws_lambda_function", &[&["vpc_config", "security_group_ids"]]),
    carrier(
        "aws_ecs_service",
        &[&["network_configuration", "security_groups"]],
    ),
    // What Auto Scaling and others make instances of.
    carrier(
        "aws_launch_template",
        &[
            &["vpc_security_group_ids"],
            &["network_interfaces", "security_groups"],
        ],
    ),
    carrier("aws_launch_configuration", &[&["security_groups"]]),
];

impl Kind {
    pub(crate) fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "aws_security_group" => Self::Group,
            "aws_default_security_group" => Self::DefaultGroup,
            "aws_security_group_rule" => Self::Rule,
            "aws_vpc_security_group_ingress_rule" => Self::VpcIngress,
            "aws_vpc_security_group_egress_rule" => Self::VpcEgress,
            "aws_ec2_managed_prefix_list" | "aws_prefix_list" => Self::PrefixList,
            "aws_ec2_managed_prefix_list_entry" => Self::PrefixListEntry,
            "aws_eip" => Self::Eip,
            "aws_network_interface_sg_attachment" => Self::Attachment,
            "aws_vpc" | "aws_default_vpc" => Self::Vpc,
            // Another provider's words for the same things ("Resource (Cloud Control API)": awscc_ec2_security_group, and
            // so on).
            "awscc_ec2_security_group"
            | "awscc_ec2_security_group_ingress"
            | "awscc_ec2_security_group_egress" => Self::Unread,
            _ => Self::Carrier(CARRIERS.iter().find(|carrier| carrier.kind == kind)?),
        })
    }

    pub(crate) fn is_group(self) -> bool {
        matches!(self, Self::Group | Self::DefaultGroup)
    }

    pub(crate) fn is_rule(self) -> bool {
        matches!(self, Self::Rule | Self::VpcIngress | Self::VpcEgress)
    }
}

/// What a plan does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Not in the plan's changes, or a no-op.
    Keep,
    /// A new object, where none was.
    Create,
    /// A changed object.
    Update,
    /// A new object in place of an old one that goes.
    Replace,
    /// A new object; the old one leaves the state but stays live.
    CreateAndForget,
    /// An object that goes.
    Delete,
    /// An object that leaves the state but stays live.
    Forget,
}

impl Action {
    /// After "JSON Output Format", `change.actions`: scanned for what is in it, so that a new pair is not misread as harmless.
    pub(crate) fn of(actions: &[&str]) -> Option<Self> {
        let has = |word: &str| actions.contains(&word);
        if !actions
            .iter()
            .all(|action| ["no-op", "create", "read", "update", "delete", "forget"].contains(action))
        {
            return None;
        }
        Some(match (has("create"), has("delete"), has("forget")) {
            (true, true, _) => Self::Replace,
            (true, false, true) => Self::CreateAndForget,
            (true, false, false) => Self::Create,
            (false, true, _) => Self::Delete,
            (false, false, true) => Self::Forget,
            (false, false, false) if has("update") => Self::Update,
            (false, false, false) => Self::Keep,
        })
    }
}

/// One object: a resource instance with its attributes on one side of a change. Many are handed from list to list while
/// a large document is read: so it is a pointer.
#[derive(Debug, Clone)]
pub(crate) struct Instance(Box<Parts>);

/// What makes an [`Instance`].
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) address: String,
    written: OnceLock<Option<Names>>,
    pub(crate) kind: Kind,
    pub(crate) action: Action,
    /// Whether another object has taken its address, and it is yet to be deleted.
    pub(crate) deposed: bool,
    pub(crate) values: Arc<Tree>,
    pub(crate) unknown: Tree,
    pub(crate) sensitive: Tree,
    /// The same object before the change, for telling an echo from a wish.
    pub(crate) before: Arc<Tree>,
}

impl Deref for Instance {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl DerefMut for Instance {
    fn deref_mut(&mut self) -> &mut Parts {
        &mut self.0
    }
}

/// No values: one for all that have none.
pub(crate) fn nothing() -> Arc<Tree> {
    static NOTHING: LazyLock<Arc<Tree>> = LazyLock::new(Arc::default);
    Arc::clone(&NOTHING)
}

impl Instance {
    /// One that stays as it is.
    pub(crate) fn new(address: String, kind: Kind, values: Arc<Tree>, sensitive: Tree) -> Self {
        Self(Box::new(Parts {
            address,
            written: OnceLock::new(),
            kind,
            action: Action::Keep,
            deposed: false,
            values,
            unknown: Tree::Null,
            sensitive,
            before: nothing(),
        }))
    }

    /// Its address, taken apart.
    pub(crate) fn parsed(&self) -> Option<Address> {
        Address::parse(&self.address)
    }

    /// Whether a data source has read it.
    pub(crate) fn is_data(&self) -> bool {
        Split::of(&self.address).is_some_and(Split::is_data)
    }

    /// Whether it is yet to be made.
    pub(crate) fn is_new(&self) -> bool {
        matches!(
            self.action,
            Action::Create | Action::Replace | Action::CreateAndForget
        )
    }

    /// Which attributes and blocks the plan's configuration writes for it, looked up when it is first asked for. `None` when
    /// it is not in there.
    pub(crate) fn written(&self, configuration: &PlanConfiguration) -> Option<Names> {
        *self.written.get_or_init(|| configuration.written(&self.address))
    }

    pub(crate) fn object(&self) -> Object<'_> {
        Object {
            value: &self.values,
            unknown: &self.unknown,
            sensitive: &self.sensitive,
        }
    }

    pub(crate) fn id(&self) -> Option<&str> {
        self.object().text("id").set()
    }
}
