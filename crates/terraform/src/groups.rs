//! The security groups of a document, each with all its rules, however they are written.

mod inside;

use crate::address::Split;
use crate::attributes::{Attribute, Object};
use crate::behind::Behind;
use crate::error::{Problem, ReadError};
use crate::forgotten;
use crate::identity;
use crate::members::{self, Member};
use crate::parallel;
use crate::prefix_lists;
use crate::resource::{Action, Instance, Kind};
use crate::rules::{self, NotKnown, Reader, Target};
use crate::tree::Tree;
use portcullis_secgroup::{Direction, Group, Peer, PrefixLists, Rule, RuleKey};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Where a rule stands in Terraform's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// In a block or attribute of the group itself.
    Inline,
    /// In a rule resource of its own.
    Resource,
    /// In the group's computed attribute only: live when last refreshed, owned by nobody in the code, or by a `dynamic`
    /// block that the plan does not show.
    Echo,
}

/// A rule, and who owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedRule {
    /// The rule.
    pub rule: Rule,
    /// The Terraform address that holds it.
    pub owner: String,
    /// Where it stands.
    pub origin: Origin,
    /// Whether it stays only because Terraform forgets it instead of deleting it.
    pub forgotten: bool,
    /// What of it is known only after apply.
    pub not_known: Vec<NotKnown>,
    /// Whether its description is known only after apply: there may be one, or none.
    pub description_unknown: bool,
}

/// Whether the configuration writes a group's rules of one direction inside the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inline {
    /// It does: the group's attribute is a wish.
    Declared,
    /// It does not: the group's attribute is an echo.
    Absent,
    /// The plan does not tell: a `dynamic` block leaves no trace in it.
    CannotTell,
}

/// A security group in one view of a Terraform document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerraformGroup {
    /// Its Terraform address; `None` for a group that only rule resources speak of.
    pub address: Option<String>,
    /// EC2's id, once it is made.
    pub id: Option<String>,
    /// Its name, when known.
    pub name: Option<String>,
    /// How its name will start, when only that is known.
    pub name_prefix: Option<String>,
    /// Its tags, when known.
    pub tags: BTreeMap<String, String>,
    /// Whether some of its tags are not known yet.
    pub tags_unknown: bool,
    /// Its VPC, when known.
    pub vpc_id: Option<String>,
    /// Whether the configuration writes ingress rules inside the group.
    pub inline_ingress: Inline,
    /// Whether the configuration writes egress rules inside the group.
    pub inline_egress: Inline,
    /// The account it belongs to, when known.
    pub account: Option<String>,
    /// The region it is in, when known.
    pub region: Option<String>,
    /// Whether a targeted plan left it out.
    pub untouched: bool,
    /// Whether it stays only because Terraform forgets it instead of deleting it.
    pub forgotten: bool,
    /// Whether another object has taken its address, and it is yet to be deleted.
    pub deposed: bool,
    /// Its rules.
    pub rules: Vec<OwnedRule>,
    /// Rules of rule resources that its computed attributes repeat: those of the resources that are there, and of those that
    /// the change takes away.
    pub echoed: BTreeSet<RuleKey>,
}

impl TerraformGroup {
    /// What people call it: its address, else its id.
    #[must_use]
    pub fn label(&self) -> &str {
        self.address
            .as_deref()
            .or(self.id.as_deref())
            .unwrap_or("(group not known yet)")
    }

    /// Whether a data source reads it: then somebody else owns it.
    #[must_use]
    pub fn is_data(&self) -> bool {
        let split = self.address.as_deref().and_then(Split::of);
        split.is_some_and(Split::is_data)
    }

    /// The type of the resource that it is: `aws_security_group`, or `aws_default_security_group`. `None` for a group that a
    /// data source reads, and for one that only rule resources speak of.
    #[must_use]
    pub fn resource_type(&self) -> Option<&str> {
        let split = Split::of(self.address.as_deref()?)?;
        let (kind, _) = split.resource.split_once('.')?;
        (!split.is_data()).then_some(kind)
    }

    /// The group as the algebra knows it.
    #[must_use]
    pub fn to_group(&self) -> Group {
        Group {
            id: self.id.clone(),
            address: self.address.clone(),
            name: self.name.clone(),
            description: None,
            vpc_id: self.vpc_id.clone(),
            account: None,
            region: None,
            tags: self.tags.clone(),
            rules: self.rules.iter().map(|owned| owned.rule.clone()).collect(),
        }
    }

    /// Whether inline rules of this direction are declared.
    #[must_use]
    pub fn inline(&self, direction: Direction) -> Inline {
        match direction {
            Direction::Ingress => self.inline_ingress,
            Direction::Egress => self.inline_egress,
        }
    }
}

/// One view of a Terraform document: its groups with their rules, its members, its prefix lists.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The groups, sorted by address, then id.
    pub groups: Vec<TerraformGroup>,
    /// Rules whose group can't be told before apply.
    pub orphans: Vec<OwnedRule>,
    /// The members that carry groups.
    pub members: Vec<Member>,
    /// The entries of prefix lists, by id and by address.
    pub prefix_lists: PrefixLists,
    /// The ids of prefix lists by address, once they are made.
    pub prefix_list_ids: BTreeMap<String, String>,
    /// What is not understood; never harmless.
    pub problems: Vec<Problem>,
    /// What is understood, and is not as it looks: `67.221.169.243/0` is the whole internet.
    pub remarks: Vec<Problem>,
    /// What a targeted plan left out, by address: what is said of it here is what was there before.
    pub untouched: BTreeSet<String>,
    /// Owners of rules of which something is sensitive, by address: judge them, and show nothing of it.
    pub sensitive: BTreeMap<String, crate::SensitiveParts>,
}

impl View {
    /// The group at this address.
    #[must_use]
    pub fn group(&self, address: &str) -> Option<&TerraformGroup> {
        self.groups
            .iter()
            .find(|group| group.address.as_deref() == Some(address))
    }
}

/// What a view is built from.
pub(crate) struct Source<'a> {
    /// The objects that exist in this view.
    pub(crate) instances: &'a [Instance],
    pub(crate) behind: Behind<'a>,
    /// Rules that the change takes away, by group id: an echo of them is stale.
    pub(crate) removed: &'a BTreeMap<String, BTreeSet<RuleKey>>,
    /// The objects that the change takes away, as far as another one echoes them.
    pub(crate) gone: &'a [Instance],
    /// Addresses a targeted plan left out.
    pub(crate) untouched: &'a BTreeSet<String>,
}

pub(crate) fn build(source: &Source<'_>) -> Result<View, ReadError> {
    // Nearly all of a large document is groups and rules, so these are told apart once.
    let (mut groups, mut resources, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for instance in source.instances {
        if instance.kind.is_group() {
            groups.push(instance);
        } else if instance.kind.is_rule() {
            resources.push(instance);
        } else {
            others.push(instance);
        }
    }
    let of = |wanted: Kind| {
        others
            .iter()
            .copied()
            .filter(move |instance| instance.kind == wanted)
    };
    let known_groups = addresses(&groups);
    let known_lists = addresses(&of(Kind::PrefixList).collect::<Vec<_>>());
    let reader = || Reader {
        behind: source.behind,
        groups: &known_groups,
        lists: &known_lists,
        problems: Vec::new(),
        remarks: Vec::new(),
    };
    let mut table = Table::default();
    let mut sights = identity::sights(&groups);
    // Nearly as the groups will stand in the view: pointers are sorted faster than groups. Of several at one address the current
    // object comes first, for it is meant by the address.
    let passing = |instance: &Instance| instance.deposed || instance.action == Action::Forget;
    sights
        .telling
        .sort_by(|a, b| (&a.address, passing(a)).cmp(&(&b.address, passing(b))));
    let (mut problems, mut remarks) = (Vec::new(), Vec::new());
    let mut insides = Vec::with_capacity(sights.telling.len());
    for part in parallel::in_parts(&sights.telling, |part| objects(reader(), part, source)) {
        let (part, [met, said]) = part?;
        problems.extend(met);
        remarks.extend(said);
        for (own, instance) in part.into_iter().zip(&sights.telling[insides.len()..]) {
            insides.push((table.add_group(own.group, instance), own.inside));
        }
    }
    for instance in sights.others {
        table.add_name(instance);
    }
    let gone = source.gone.iter().filter(|instance| instance.kind.is_group());
    let gone: BTreeSet<&str> = gone.filter_map(Instance::id).collect();
    let mut orphans = Vec::new();
    let unread = of(Kind::Unread).filter(|instance| !instance.is_data());
    problems.extend(unread.map(|instance| Problem {
        address: instance.address.clone(),
        what:
            "it holds rules of security groups, and is of a type that this version does not read".to_owned(),
    }));
    for part in parallel::in_parts(&resources, |part| attached(reader(), part)) {
        let (part, [met, said]) = part?;
        problems.extend(met);
        remarks.extend(said);
        for Attached { rules, target } in part {
            match target {
                // It goes with its group.
                Target::Id(id) if gone.contains(id.as_str()) && rules.iter().all(|rule| rule.forgotten) => {}
                Target::Id(id) => table.by_id(&id).rules.extend(rules),
                Target::OneOf(addresses) => {
                    let one = <[String; 1]>::try_from(addresses).ok();
                    match one.and_then(|[one]| table.by_address(&one)) {
                        Some(group) => group.rules.extend(rules),
                        None => orphans.extend(rules),
                    }
                }
                Target::Unknown => orphans.extend(rules),
            }
        }
    }
    let mut reader = reader();
    for (instance, (at, inside)) in sights.telling.into_iter().zip(insides) {
        let group = &mut table.groups[at];
        for (direction, inside) in [Direction::Ingress, Direction::Egress].into_iter().zip(inside) {
            inside::add(group, direction, inside, source.removed);
            forgotten::drop_listed(&mut reader, instance, direction, group)?;
        }
    }
    let of_vpcs: BTreeSet<&str> = of(Kind::Vpc)
        .filter_map(|instance| instance.object().text("default_security_group_id").set())
        .collect();
    for group in &mut table.groups {
        let id = group.id.as_deref();
        if group.name.is_none() && id.is_some_and(|id| of_vpcs.contains(id)) {
            group.name = Some(DEFAULT.to_owned());
        }
        let removed = id.and_then(|id| source.removed.get(id));
        forgotten::drop_taken(group, removed);
        name_self(group);
    }
    let mut groups = table.groups;
    groups.sort_by(|a, b| (&a.address, &a.id).cmp(&(&b.address, &b.id)));
    let prefix_lists = prefix_lists::read(&others, source.gone, &reader, &mut remarks)?;
    let prefix_list_ids = of(Kind::PrefixList)
        .filter_map(|instance| Some((instance.address.clone(), instance.id()?.to_owned())))
        .collect();
    problems.append(&mut reader.problems);
    remarks.append(&mut reader.remarks);
    for list in [&mut problems, &mut remarks] {
        list.sort();
        list.dedup();
    }
    Ok(View {
        members: members::read(&others, &reader),
        sensitive: crate::sensitive::parts(source.instances, &groups, &orphans),
        untouched: source.untouched.clone(),
        groups,
        orphans,
        prefix_lists,
        prefix_list_ids,
        problems,
        remarks,
    })
}

/// What is met that is not understood, and what is not as it looks.
type Met = [Vec<Problem>; 2];

/// A group that an object is.
struct Own {
    /// Without its rules.
    group: TerraformGroup,
    /// What stands in its own attributes, by direction.
    inside: [Vec<OwnedRule>; 2],
}

/// The groups that these objects are.
fn objects(
    mut reader: Reader<'_>,
    objects: &[&Instance],
    source: &Source<'_>,
) -> Result<(Vec<Own>, Met), ReadError> {
    let mut out = Vec::with_capacity(objects.len());
    for instance in objects {
        let group = group(instance, source);
        let inside = [
            inside::rules(&mut reader, instance, Direction::Ingress, &group)?,
            inside::rules(&mut reader, instance, Direction::Egress, &group)?,
        ];
        out.push(Own { group, inside });
    }
    Ok((out, [reader.problems, reader.remarks]))
}

/// The rules of a rule resource, and what they are attached to.
struct Attached {
    rules: Vec<OwnedRule>,
    target: Target,
}

/// What rule resources come to.
fn attached(mut reader: Reader<'_>, resources: &[&Instance]) -> Result<(Vec<Attached>, Met), ReadError> {
    let mut out = Vec::with_capacity(resources.len());
    for instance in resources {
        let rules = reader.resource_rules(instance)?;
        let target = reader.target(instance);
        // Where it is not clear whose rule it is, that comes first.
        let whose = match &target {
            Target::Id(_) => None,
            Target::OneOf(groups) if groups.len() == 1 => None,
            Target::OneOf(_) | Target::Unknown => Some(NotKnown {
                attribute: "security_group_id".to_owned(),
                decided_by: reader.deciders(instance, "security_group_id"),
            }),
        };
        let owned = |rule: Rule| OwnedRule {
            owner: instance.address.clone(),
            origin: Origin::Resource,
            forgotten: instance.action == Action::Forget,
            description_unknown: rules::description_unknown(instance.object()),
            not_known: whose
                .iter()
                .cloned()
                .chain(reader.not_known(instance, instance.object(), None, &rule))
                .collect(),
            rule,
        };
        out.push(Attached {
            rules: rules.into_iter().map(owned).collect(),
            target,
        });
    }
    Ok((out, [reader.problems, reader.remarks]))
}

/// The keys of all rules of a group's attribute and of rule resources, by group id: for finding what a change removes.
pub(crate) fn resource_keys(
    instances: &[Instance],
) -> Result<BTreeMap<String, BTreeSet<RuleKey>>, ReadError> {
    let nothing = BTreeMap::new();
    let mut reader = Reader {
        behind: Behind::default(),
        groups: &nothing,
        lists: &nothing,
        problems: Vec::new(),
        remarks: Vec::new(),
    };
    let mut keys: BTreeMap<String, BTreeSet<RuleKey>> = BTreeMap::new();
    for instance in instances.iter().filter(|instance| instance.kind.is_rule()) {
        if let Target::Id(id) = reader.target(instance) {
            let rules = reader.resource_rules(instance)?;
            let own = rules.iter().filter_map(Rule::key).map(|key| self_key(key, &id));
            keys.entry(id.clone()).or_default().extend(own);
        }
    }
    Ok(keys)
}

/// EC2's name for a VPC's default group, and for no other group (EC2 API reference, `CreateSecurityGroup`).
const DEFAULT: &str = "default";

#[derive(Default)]
struct Table {
    groups: Vec<TerraformGroup>,
    /// Position by address and by id.
    index: HashMap<String, usize>,
}

impl Table {
    /// Adds the group that an object is, and gives its place. Two objects may stand at one address, where the old one is
    /// forgotten or deposed: by its address the new one is meant.
    fn add_group(&mut self, group: TerraformGroup, instance: &Instance) -> usize {
        let at = self.groups.len();
        let by_address = self.index.entry(instance.address.clone()).or_insert(at);
        if instance.is_new() {
            *by_address = at;
        }
        if let Some(id) = instance.id() {
            self.index.insert(id.to_owned(), at);
        }
        self.groups.push(group);
        at
    }

    /// Another address of a group that is in here.
    fn add_name(&mut self, instance: &Instance) {
        if let Some(at) = instance.id().and_then(|id| self.index.get(id).copied()) {
            self.index.entry(instance.address.clone()).or_insert(at);
        }
    }

    /// The group with this id; made when only rule resources speak of it.
    fn by_id(&mut self, id: &str) -> &mut TerraformGroup {
        let at = *self.index.entry(id.to_owned()).or_insert_with(|| {
            self.groups.push(TerraformGroup {
                address: None,
                id: Some(id.to_owned()),
                name: None,
                name_prefix: None,
                tags: BTreeMap::new(),
                tags_unknown: true,
                vpc_id: None,
                inline_ingress: Inline::Absent,
                inline_egress: Inline::Absent,
                account: None,
                region: None,
                untouched: false,
                forgotten: false,
                deposed: false,
                rules: Vec::new(),
                echoed: BTreeSet::new(),
            });
            self.groups.len() - 1
        });
        &mut self.groups[at]
    }

    /// The group with this address, or with this id.
    fn by_address(&mut self, address: &str) -> Option<&mut TerraformGroup> {
        self.groups.get_mut(*self.index.get(address)?)
    }
}

/// The group that an object is, without its rules.
fn group(instance: &Instance, source: &Source<'_>) -> TerraformGroup {
    let object = instance.object();
    let (tags, tags_unknown) = tags(object);
    let (account, region) = place(object);
    TerraformGroup {
        address: Some(instance.address.clone()),
        id: instance.id().map(str::to_owned),
        name: match (object.text("name"), instance.kind) {
            (Attribute::Set(name), _) => Some(name.to_owned()),
            (_, Kind::DefaultGroup) => Some(DEFAULT.to_owned()),
            _ => None,
        },
        name_prefix: object.text("name_prefix").set().map(str::to_owned),
        tags,
        tags_unknown,
        vpc_id: object.text("vpc_id").set().map(str::to_owned),
        inline_ingress: inside::inline(instance, Direction::Ingress, source.behind.configuration),
        inline_egress: inside::inline(instance, Direction::Egress, source.behind.configuration),
        account,
        region,
        untouched: source.untouched.contains(&instance.address),
        forgotten: instance.action == Action::Forget,
        deposed: instance.deposed,
        rules: Vec::new(),
        echoed: BTreeSet::new(),
    }
}

/// Addresses with the ids of what stands there, where known. An expression is unknown only when it means what is yet to
/// be made, so a new object stands before an old one.
fn addresses<'a>(instances: &[&'a Instance]) -> BTreeMap<&'a str, Option<&'a str>> {
    let mut all = instances.to_vec();
    all.sort_by(|a, b| a.address.cmp(&b.address));
    let one = |alike: &[&'a Instance]| {
        let (first, others) = alike.split_first()?;
        let new = others.iter().rfind(|instance| instance.is_new());
        Some((first.address.as_str(), new.unwrap_or(first).id()))
    };
    all.chunk_by(|a, b| a.address == b.address)
        .filter_map(one)
        .collect()
}

/// The account and the region: `arn:aws:ec2:eu-west-1:123456789012:security-group/sg-1` tells both ("Amazon Resource Names", AWS
/// General Reference); the provider writes a region of its own since its sixth major version.
fn place(object: Object<'_>) -> (Option<String>, Option<String>) {
    let text = |name| object.text(name).set().filter(|text: &&str| !text.is_empty());
    let parts: Vec<&str> = text("arn").into_iter().flat_map(|arn| arn.split(':')).collect();
    let part = |at: usize| parts.get(at).copied().filter(|part| !part.is_empty());
    let owned = |text: &str| text.to_owned();
    (
        text("owner_id").or(part(4)).map(owned),
        text("region").or(part(3)).map(owned),
    )
}

fn tags(object: Object<'_>) -> (BTreeMap<String, String>, bool) {
    let is_unknown = |attribute: &str| {
        object
            .unknown
            .get(attribute)
            .is_some_and(|tree| !matches!(tree, Tree::Tags(fields) if fields.is_empty()) && !tree.is_null())
    };
    // tags_all holds the provider's default tags, too; on create it is unknown when there are none, and where a tag has an
    // empty value (`SetTagsDiff` of the AWS provider): then the default tags stand nowhere.
    for attribute in ["tags_all", "tags"] {
        if let Some(Tree::Tags(fields)) = object.value.get(attribute) {
            let known = fields
                .iter()
                .filter_map(|(key, value)| Some((key.to_string(), value.as_str()?.to_owned())))
                .collect();
            let unknown = is_unknown("tags") || (!fields.is_empty() && is_unknown("tags_all"));
            return (known, unknown);
        }
    }
    let all_unknown = object.unknown.is_true();
    (
        BTreeMap::new(),
        all_unknown || object.unknown.get("tags").is_some_and(Tree::is_true),
    )
}

/// A reference to the group itself has one form only.
fn name_self(group: &mut TerraformGroup) {
    let own = [group.id.as_deref(), group.address.as_deref()];
    for owned in &mut group.rules {
        if let Peer::Group { id, account: None } = &owned.rule.peer
            && own.contains(&Some(id))
        {
            owned.rule.peer = Peer::SelfGroup;
        }
    }
}

/// The key of a rule of this group, in which a reference to the group itself has one form only.
pub(crate) fn self_key(mut key: RuleKey, group_id: &str) -> RuleKey {
    if key.peer == Peer::group(group_id) {
        key.peer = Peer::SelfGroup;
    }
    key
}
