//! The security groups, rules and members that the code declares, as far as it is literally known.

use crate::attributes::attribute_kind;
use crate::behind::Behind;
use crate::code::Configuration;
use crate::code::expression::{Bound, Place};
use crate::code::module::{Resource, labels};
use crate::code::scope::{Evaluator, Scope};
use crate::code::value::Value;
use crate::error::ReadError;
use crate::groups::{self, Source, View};
use crate::resource::{Action, Instance, Kind};
use crate::tree::{Name, Tree};
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body, Structure};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

/// What the code declares.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// Its groups with their rules; values that can't be told yet are unknown in it, as in a plan.
    pub view: View,
    /// What is missing from the view, since it can't be told from the code: in one line each, with what decides it.
    pub missing: Vec<String>,
}

/// How many instances are looked at in all.
const INSTANCES: usize = 100_000;

impl Configuration {
    /// Evaluates what is literally known: defaults and files of values of variables, locals, `count` and `for_each`, `dynamic`
    /// blocks, local modules with their arguments, and common functions. All else is unknown in the view, or is named
    /// as missing from it.
    ///
    /// # Errors
    /// [`ReadError::Rule`] for a rule that EC2 would refuse.
    ///
    /// ```
    /// use portcullis_terraform::Configuration;
    /// let code = Configuration::read([("main.tf", r#"
    /// variable "ports" { default = [80, 443] }
    /// resource "aws_security_group" "web" {
    ///   dynamic "ingress" {
    ///     for_each = toset(var.ports)
    ///     content {
    ///       protocol    = "tcp"
    ///       from_port   = ingress.value
    ///       to_port     = ingress.value
    ///       cidr_blocks = ["0.0.0.0/0"]
    ///     }
    ///   }
    /// }
    /// "#)])?;
    /// let declared = code.declared()?;
    /// assert_eq!(declared.view.groups[0].rules.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn declared(&self) -> Result<Declared, ReadError> {
        let Some((evaluator, root)) = Evaluator::new(self) else {
            return Ok(Declared::default());
        };
        let mut reader = Reader {
            evaluator: &evaluator,
            default_tags: self.has_default_tags(),
            instances: Vec::new(),
            missing: BTreeSet::new(),
            deciders: RefCell::default(),
        };
        let mut scopes = vec![root];
        while let Some(scope) = scopes.pop() {
            reader.module(&scope);
            for name in scope.module.calls.keys() {
                match evaluator.children(&scope, name) {
                    Ok(children) => {
                        scopes.extend(children.iter().filter_map(|place| evaluator.scope(*place)));
                    }
                    Err(why) => {
                        reader.missing.insert(why);
                    }
                }
            }
        }
        let mut view = groups::build(&Source {
            instances: &reader.instances,
            behind: Behind::default(),
            removed: &BTreeMap::new(),
            gone: &[],
            untouched: &BTreeSet::new(),
        })?;
        let deciders = reader.deciders.into_inner();
        let owned = view.groups.iter_mut().flat_map(|group| &mut group.rules);
        for owned in owned.chain(&mut view.orphans) {
            for unknown in &mut owned.not_known {
                let site = (owned.owner.clone(), unknown.attribute.clone());
                if let Some(found) = deciders.get(&site) {
                    unknown.decided_by = found.iter().map(ToString::to_string).collect();
                }
            }
        }
        Ok(Declared {
            view,
            missing: reader.missing.into_iter().collect(),
        })
    }

    /// Whether a provider adds tags of its own to those of a group.
    fn has_default_tags(&self) -> bool {
        let blocks = self.modules.values().flat_map(|module| &module.others);
        blocks
            .filter(|other| other.block.ident.as_str() == "provider")
            .any(|other| {
                let body = &other.block.body;
                body.has_blocks("default_tags") || body.has_attribute("default_tags")
            })
    }
}

/// A resource's address, and the name of one of its attributes.
type Attribute = (String, String);

struct Reader<'r, 'a> {
    evaluator: &'r Evaluator<'a>,
    default_tags: bool,
    instances: Vec<Instance>,
    missing: BTreeSet<String>,
    /// What decides an attribute, by the address of its resource and its own name, `ingress.cidr_blocks` of a block.
    deciders: RefCell<BTreeMap<Attribute, BTreeSet<Rc<str>>>>,
}

/// An object as a plan has it: what is known, and what is not.
#[derive(Default)]
struct Pair {
    value: Vec<(Name, Tree)>,
    unknown: Vec<(Name, Tree)>,
}

impl Pair {
    fn add(&mut self, name: Name, value: Tree, unknown: Tree) {
        if !value.is_null() {
            self.value.push((name, value));
        }
        if !unknown.is_null() {
            self.unknown.push((name, unknown));
        }
    }

    fn into_trees(self) -> (Tree, Tree) {
        (Tree::Object(self.value.into()), Tree::Object(self.unknown.into()))
    }
}

/// What stands for a block of which nothing is known, or how many there are.
const HIDDEN: (Tree, Tree) = (Tree::Null, Tree::Bool(true));

impl<'a> Reader<'_, 'a> {
    fn module(&mut self, scope: &Rc<Scope<'a>>) {
        for (at, resource) in scope.module.resources.iter().enumerate() {
            let Some(kind) = Kind::of(&resource.kind).filter(|_| &*resource.keyword == "resource") else {
                continue;
            };
            let address = format!("{}{}", scope.prefix, resource.block.address);
            if resource.twice {
                self.missing
                    .insert(format!("{address}: it stands twice in the code"));
                continue;
            }
            let expansion = self.evaluator.expansion_of(scope, at, resource);
            match expansion.instances() {
                Err(why) => {
                    self.missing
                        .insert(format!("how many {address} there are: {why}"));
                }
                Ok(instances) if self.instances.len() + instances.len() > INSTANCES => {
                    self.missing
                        .insert(format!("{address}: there are too many resources to be looked at"));
                }
                Ok(instances) => {
                    for (key, bound) in instances {
                        let address = format!("{address}{key}");
                        let (value, unknown) = self
                            .evaluator
                            .within(scope, bound, |place| self.object(place, kind, resource, &address));
                        let mut instance = Instance::new(address, kind, Arc::new(value), Tree::Null);
                        instance.action = Action::Create;
                        instance.unknown = unknown;
                        self.instances.push(instance);
                    }
                }
            }
        }
    }

    /// Keeps what decides an attribute that is not known.
    fn note(&self, address: &str, attribute: impl FnOnce() -> String, value: &Value) {
        if let Some(unknown) = value.unknown_within().filter(|unknown| unknown.id.is_none()) {
            let mut deciders = self.deciders.borrow_mut();
            let found = deciders.entry((address.to_owned(), attribute())).or_default();
            found.insert(Rc::clone(&unknown.why));
        }
    }

    fn object(
        &self,
        place: Place<'_, 'a>,
        kind: Kind,
        resource: &'a Resource,
        address: &str,
    ) -> (Tree, Tree) {
        let mut pair = Pair::default();
        let nested: Vec<&str> = match kind {
            Kind::Group | Kind::DefaultGroup => vec!["ingress", "egress"],
            Kind::PrefixList => vec!["entry"],
            Kind::Carrier(carrier) => carrier.blocks().collect(),
            _ => Vec::new(),
        };
        for attribute in resource.body.attributes() {
            let key = attribute.key.as_str();
            let Some(name) = Name::of(key).filter(|_| key != "id" && key != "tags_all") else {
                continue;
            };
            let value = self.evaluator.value(place, &attribute.value);
            self.note(address, || key.to_owned(), &value);
            let (value, unknown) = if nested.contains(&key) {
                objects(&value)
            } else {
                convert(key, &value)
            };
            pair.add(name, value, unknown);
        }
        for &block in &nested {
            let Some(name) = Name::of(block).filter(|_| !resource.body.has_attribute(block)) else {
                continue;
            };
            let blocks = self.blocks(place, &resource.body, (address, block));
            // Entries of a list may be resources of their own.
            if blocks.is_empty() && kind == Kind::PrefixList {
                pair.add(name, Tree::Null, Tree::Bool(true));
            } else if !blocks.is_empty() {
                let (values, unknown) = blocks.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
                pair.add(name, Tree::List(values.into()), Tree::List(unknown.into()));
            }
        }
        if self.default_tags
            && let Some(tags) = Name::of("tags")
        {
            pair.unknown.retain(|(name, _)| *name != tags);
            pair.add(tags, Tree::Null, Tree::Bool(true));
        }
        pair.into_trees()
    }

    /// The nested blocks of a kind, those that a `dynamic` block makes among them.
    fn blocks(&self, place: Place<'_, 'a>, body: &'a Body, site: (&str, &str)) -> Vec<(Tree, Tree)> {
        let wanted = site.1;
        let mut out = Vec::new();
        // In JSON a dynamic block is an attribute.
        if body.has_attribute("dynamic") {
            out.push(HIDDEN);
        }
        for block in body.iter().filter_map(Structure::as_block) {
            if block.ident.as_str() == wanted {
                out.push(self.block(place, &block.body, site));
            } else if block.ident.as_str() == "dynamic" && labels(block) == [wanted] {
                self.dynamic(place, block, site, &mut out);
            }
        }
        out
    }

    fn block(&self, place: Place<'_, 'a>, body: &'a Body, (address, wanted): (&str, &str)) -> (Tree, Tree) {
        let mut pair = Pair::default();
        for attribute in body.attributes() {
            if let Some(name) = Name::of(attribute.key.as_str()) {
                let value = self.evaluator.value(place, &attribute.value);
                let key = attribute.key.as_str();
                self.note(address, || format!("{wanted}.{key}"), &value);
                let (value, unknown) = convert(key, &value);
                pair.add(name, value, unknown);
            }
        }
        pair.into_trees()
    }

    fn dynamic(
        &self,
        place: Place<'_, 'a>,
        block: &'a Block,
        site: (&str, &str),
        out: &mut Vec<(Tree, Tree)>,
    ) {
        let expression = |name: &str| block.body.get_attribute(name).map(|attribute| &attribute.value);
        let content = block.body.get_blocks("content").next();
        let (Some(each), Some(content)) = (expression("for_each"), content) else {
            out.push(HIDDEN);
            return;
        };
        let iterator = match expression("iterator") {
            Some(Expression::Variable(name)) => name.as_str(),
            _ => site.1,
        };
        let collection = self.evaluator.value(place, each);
        self.note(site.0, || site.1.to_owned(), &collection);
        let Ok(Ok((pairs, _))) = self.evaluator.pairs(&collection) else {
            out.push(HIDDEN);
            return;
        };
        for (key, value) in pairs {
            let value = Value::map([("key".into(), key), ("value".into(), value)].into());
            let bound = Bound {
                name: iterator,
                value: &value,
                outer: place.bound,
            };
            let inner = Place {
                scope: place.scope,
                bound: Some(&bound),
            };
            out.push(self.block(inner, &content.body, site));
        }
    }
}

/// Rules written as an attribute: `ingress = [{ … }]`.
fn objects(value: &Value) -> (Tree, Tree) {
    let items = match value {
        Value::Null => return (Tree::Null, Tree::Null),
        Value::List(items) | Value::Set(items) => &items.items,
        _ => return HIDDEN,
    };
    let object = |item: &Value| {
        let Value::Map(fields) = item else { return HIDDEN };
        let mut pair = Pair::default();
        for (key, value) in &fields.fields {
            if let Some(name) = Name::of(key) {
                let (value, unknown) = convert(key, value);
                pair.add(name, value, unknown);
            }
        }
        pair.into_trees()
    };
    let (values, unknown) = items.iter().map(object).unzip::<_, _, Vec<_>, Vec<_>>();
    (Tree::List(values.into()), Tree::List(unknown.into()))
}

/// A value as the provider's schema has it; what can't be made so can't be told, since terraform would refuse it.
fn convert(name: &str, value: &Value) -> (Tree, Tree) {
    if matches!(value, Value::Null) {
        return (Tree::Null, Tree::Null);
    }
    let plain = |tree: Option<Tree>| tree.map_or(HIDDEN, |tree| (tree, Tree::Null));
    match attribute_kind(name) {
        crate::attributes::Schema::Texts => {
            let (Value::List(items) | Value::Set(items)) = value else {
                return HIDDEN;
            };
            let (values, unknown) = items
                .items
                .iter()
                .map(|item| plain(text(item)))
                .unzip::<_, _, Vec<_>, Vec<_>>();
            (Tree::List(values.into()), Tree::List(unknown.into()))
        }
        crate::attributes::Schema::Number => plain(match value.to_number() {
            Ok(Value::Number(number)) => number
                .as_whole()
                .and_then(|number| i64::try_from(number).ok())
                .map(Tree::Whole),
            _ => None,
        }),
        crate::attributes::Schema::Flag => plain(match value.to_bool() {
            Ok(Value::Bool(flag)) => Some(Tree::Bool(flag)),
            _ => None,
        }),
        crate::attributes::Schema::Tags => match value {
            Value::Map(fields) => {
                let known = fields
                    .fields
                    .iter()
                    .filter_map(|(key, value)| Some(((**key).into(), text(value)?)));
                let unknown = value.unknown_within().map_or(Tree::Null, |_| Tree::Bool(true));
                (Tree::Tags(known.collect()), unknown)
            }
            _ => HIDDEN,
        },
        crate::attributes::Schema::Text => plain(text(value)),
    }
}

/// A text; of a resource that is yet to be made, its address stands for its id.
fn text(value: &Value) -> Option<Tree> {
    match value.to_text() {
        Ok(Value::Text(text)) => Some(Tree::Text((*text).into())),
        Ok(Value::Unknown(unknown)) => Some(Tree::Text((*unknown.id?).into())),
        _ => None,
    }
}
