//! Modules with their arguments: what a reference means where it stands. Everything is evaluated when it is first asked
//! for, once.

use crate::address::Address;
use crate::code::Configuration;
use crate::code::expression::{Bound, Place};
use crate::code::module::{Module, Resource};
use crate::code::number::Number;
use crate::code::types::convert;
use crate::code::value::{InstanceRef, Value};
use crate::resource::Kind;
use hcl_edit::expr::{Expression, TraversalOperator};
use hcl_edit::structure::Body;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::rc::Rc;

/// How deep expressions and what they refer to may be nested: each level takes a part of the stack.
const DEEPEST: usize = 200;
/// How many steps one reading may take: a hook must not stand still.
const STEPS: usize = 20_000_000;
/// How many instances one block may have, and how many modules there may be in all.
const INSTANCES: usize = 10_000;
/// How deep modules may call each other.
const MODULES_DEEP: usize = 16;

pub(crate) struct Evaluator<'a> {
    code: &'a Configuration,
    scopes: RefCell<Vec<Rc<Scope<'a>>>>,
    depth: Cell<usize>,
    steps: Cell<usize>,
}

/// One instance of a module.
pub(crate) struct Scope<'a> {
    pub(crate) place: usize,
    pub(crate) module: &'a Module,
    folder: &'a str,
    /// `module.x["k"].`, or nothing for the root.
    pub(crate) prefix: String,
    depth: usize,
    arguments: Arguments<'a>,
    known: RefCell<HashMap<Node<'a>, Option<Value>>>,
    expansions: RefCell<HashMap<Node<'a>, Option<Rc<Expansion>>>>,
    children: RefCell<HashMap<&'a str, Rc<Vec<usize>>>>,
}

enum Arguments<'a> {
    Root(BTreeMap<String, Value>),
    Call {
        caller: Rc<Scope<'a>>,
        body: &'a Body,
        bound: Option<(&'static str, Value)>,
    },
}

/// What has a value of its own in a scope.
#[derive(PartialEq, Eq, Hash, Clone)]
enum Node<'a> {
    Variable(&'a str),
    Local(&'a str),
    Output(&'a str),
    Resource(usize),
    Call(&'a str),
    Attribute(Rc<str>, &'a str),
}

/// The instances of a block with `count` or `for_each`.
pub(crate) enum Expansion {
    One,
    Counted(Vec<Item>),
    Keyed(Vec<(Rc<str>, Item)>),
    /// That can't be told; why.
    Unknown(Rc<str>),
}

/// One instance: its key as an address has it, and what `each` or `count` is inside of it.
pub(crate) struct Item {
    pub(crate) key: String,
    pub(crate) bound: (&'static str, Value),
}

/// An instance's key as an address has it, and what is bound inside of it.
pub(crate) type Keyed<'x> = (&'x str, Option<&'x (&'static str, Value)>);

impl Expansion {
    /// Each instance by its key; an error with the reason when they can't be told.
    pub(crate) fn instances(&self) -> Result<Vec<Keyed<'_>>, &Rc<str>> {
        match self {
            Self::One => Ok(vec![("", None)]),
            Self::Counted(items) => Ok(items
                .iter()
                .map(|item| (item.key.as_str(), Some(&item.bound)))
                .collect()),
            Self::Keyed(items) => Ok(items
                .iter()
                .map(|(_, item)| (item.key.as_str(), Some(&item.bound)))
                .collect()),
            Self::Unknown(why) => Err(why),
        }
    }
}

/// Counts the depth down again.
pub(crate) struct Guard<'e>(&'e Cell<usize>);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl<'a> Evaluator<'a> {
    /// `None` when the code has no root folder.
    pub(crate) fn new(code: &'a Configuration) -> Option<(Self, Rc<Scope<'a>>)> {
        let (folder, module) = code.modules.get_key_value("")?;
        let evaluator = Self {
            code,
            scopes: RefCell::default(),
            depth: Cell::new(0),
            steps: Cell::new(0),
        };
        let nothing = evaluator.add(folder, module, String::new(), 0, Arguments::Root(BTreeMap::new()));
        let mut values = BTreeMap::new();
        for file in &code.values {
            for attribute in file.body.attributes() {
                let place = Place {
                    scope: &nothing,
                    bound: None,
                };
                // Values are literal: there is nothing to refer to.
                let value = evaluator.value(place, &attribute.value);
                values.insert(attribute.key.as_str().to_owned(), value);
            }
        }
        evaluator.scopes.borrow_mut().clear();
        let root = evaluator.add(folder, module, String::new(), 0, Arguments::Root(values));
        Some((evaluator, root))
    }

    fn add(
        &self,
        folder: &'a str,
        module: &'a Module,
        prefix: String,
        depth: usize,
        arguments: Arguments<'a>,
    ) -> Rc<Scope<'a>> {
        let mut scopes = self.scopes.borrow_mut();
        let scope = Rc::new(Scope {
            place: scopes.len(),
            module,
            folder,
            prefix,
            depth,
            arguments,
            known: RefCell::default(),
            expansions: RefCell::default(),
            children: RefCell::default(),
        });
        scopes.push(Rc::clone(&scope));
        scope
    }

    /// One level deeper; `None` when it is too deep, or takes too long.
    pub(crate) fn enter(&self) -> Option<Guard<'_>> {
        self.steps.set(self.steps.get() + 1);
        if self.depth.get() >= DEEPEST || self.steps.get() > STEPS {
            return None;
        }
        self.depth.set(self.depth.get() + 1);
        Some(Guard(&self.depth))
    }

    /// Counts what a function looks at, too.
    pub(crate) fn spend(&self, values: &[Value]) {
        let weight: usize = values.iter().map(Value::weight).sum();
        self.steps.set(self.steps.get().saturating_add(weight));
    }

    /// The value of a node, evaluated once; a node that needs itself can't be told.
    fn once(&self, scope: &Scope<'a>, node: Node<'a>, find: impl FnOnce() -> Value) -> Value {
        match scope.known.borrow().get(&node) {
            Some(Some(value)) => return value.clone(),
            Some(None) => return Value::unknown("a reference in a circle"),
            None => {}
        }
        scope.known.borrow_mut().insert(node.clone(), None);
        let value = find();
        scope.known.borrow_mut().insert(node, Some(value.clone()));
        value
    }

    /// What a name outside of the expression refers to, and how many steps of the traversal name it.
    pub(crate) fn reference(
        &self,
        place: Place<'_, 'a>,
        root: &str,
        operators: &[&'a TraversalOperator],
    ) -> Result<(Value, usize), crate::code::value::Fault> {
        let scope = place.scope;
        let name = |at: usize| match operators.get(at) {
            Some(TraversalOperator::GetAttr(name)) => Some(name.as_str()),
            _ => None,
        };
        let unknown = |used: usize| {
            let mut why = format!("{}{root}", scope.prefix);
            for at in 0..used {
                let _ = write!(why, ".{}", name(at).unwrap_or("…"));
            }
            Ok((Value::unknown(why), used))
        };
        match (root, name(0)) {
            ("var", Some(name)) => Ok((self.variable(scope, name), 1)),
            ("local", Some(name)) => Ok((self.local(scope, name), 1)),
            ("module", Some(name)) => Ok((self.module(scope, name), 1)),
            ("path", Some("module")) => {
                let folder = if scope.folder.is_empty() {
                    "."
                } else {
                    scope.folder
                };
                Ok((Value::text(folder), 1))
            }
            ("path", Some("root")) => Ok((Value::text("."), 1)),
            ("data" | "ephemeral", Some(_)) => unknown(if name(1).is_some() { 2 } else { 1 }),
            ("each" | "count" | "self" | "terraform" | "path" | "var" | "local" | "module", first) => {
                unknown(usize::from(first.is_some()))
            }
            (kind, Some(name)) => match scope.module.place(&format!("{kind}.{name}")) {
                Some(at) => Ok((self.resource(scope, at), 1)),
                None => unknown(1),
            },
            (_, None) => unknown(0),
        }
    }

    fn variable(&self, scope: &Rc<Scope<'a>>, name: &str) -> Value {
        let name_of = || format!("{}var.{name}", scope.prefix);
        let Some((name, body)) = scope.module.variables.get_key_value(name) else {
            return Value::unknown(name_of());
        };
        self.once(scope, Node::Variable(name), || {
            // What is not to be shown is left to the plan, where it is masked.
            if is_set(body, "sensitive") || is_set(body, "ephemeral") {
                return Value::unknown(format!("{}, which is sensitive", name_of()));
            }
            let given = match &scope.arguments {
                Arguments::Root(values) => values.get(name).cloned(),
                Arguments::Call { caller, body, bound } => body.get_attribute(name).map(|attribute| {
                    self.within(caller, bound.as_ref(), |place| {
                        self.value(place, &attribute.value)
                    })
                }),
            };
            let wanted = body.get_attribute("type").map(|attribute| &attribute.value);
            let place = Place { scope, bound: None };
            let typed = |value: Value| match wanted {
                Some(wanted) => convert(self, place, &value, wanted).unwrap_or_else(|_| {
                    Value::unknown(format!("{}, whose value is not of its type", name_of()))
                }),
                None => value,
            };
            let default = || {
                body.get_attribute("default")
                    .map(|attribute| typed(self.value(place, &attribute.value)))
            };
            match given {
                Some(Value::Null) if is_unset(body, "nullable") => default().unwrap_or(Value::Null),
                Some(value) => typed(value),
                None => default().unwrap_or_else(|| Value::unknown(name_of())),
            }
        })
    }

    fn local(&self, scope: &Rc<Scope<'a>>, name: &str) -> Value {
        match scope.module.locals.get_key_value(name) {
            Some((name, expression)) => self.once(scope, Node::Local(name), || {
                self.value(Place { scope, bound: None }, expression)
            }),
            None => Value::unknown(format!("{}local.{name}", scope.prefix)),
        }
    }

    /// An output of an instance of a module.
    pub(crate) fn output(&self, place: usize, name: &str) -> Value {
        let Some(scope) = self.scopes.borrow().get(place).map(Rc::clone) else {
            return Value::unknown("a module");
        };
        let why = || format!("{}{name}", scope.prefix);
        let Some((name, body)) = scope.module.outputs.get_key_value(name) else {
            return Value::unknown(why());
        };
        if is_set(body, "sensitive") || is_set(body, "ephemeral") {
            return Value::unknown(format!("{}, which is sensitive", why()));
        }
        let Some(attribute) = body.get_attribute("value") else {
            return Value::unknown(why());
        };
        self.once(&scope, Node::Output(name), || {
            let place = Place {
                scope: &scope,
                bound: None,
            };
            self.value(place, &attribute.value)
        })
    }

    /// Evaluates with `each` or `count` bound.
    pub(crate) fn within<R>(
        &self,
        scope: &Rc<Scope<'a>>,
        bound: Option<&(&'static str, Value)>,
        f: impl FnOnce(Place<'_, 'a>) -> R,
    ) -> R {
        let bound = bound.map(|(name, value)| Bound {
            name,
            value,
            outer: None,
        });
        f(Place {
            scope,
            bound: bound.as_ref(),
        })
    }

    fn resource(&self, scope: &Rc<Scope<'a>>, at: usize) -> Value {
        let Some(resource) = scope.module.resources.get(at) else {
            return Value::unknown("a resource");
        };
        let address = format!("{}{}", scope.prefix, resource.block.address);
        if resource.twice {
            return Value::unknown(address);
        }
        self.once(scope, Node::Resource(at), || {
            let instance = |key: &str, bound: Option<(&'static str, Value)>| {
                Value::Instance(Rc::new(InstanceRef {
                    scope: scope.place,
                    block: at,
                    address: format!("{address}{key}").into(),
                    bound,
                }))
            };
            match &*self.expansion_of(scope, at, resource) {
                Expansion::One => instance("", None),
                Expansion::Counted(items) => {
                    let items = items
                        .iter()
                        .map(|item| instance(&item.key, Some(item.bound.clone())));
                    Value::list(items.collect())
                }
                Expansion::Keyed(items) => {
                    let field = |(key, item): &(Rc<str>, Item)| {
                        (Rc::clone(key), instance(&item.key, Some(item.bound.clone())))
                    };
                    Value::map(items.iter().map(field).collect())
                }
                Expansion::Unknown(_) => Value::unknown(address.as_str()),
            }
        })
    }

    /// An attribute of a resource instance: its id, or what the code says of it. The rest the provider decides.
    pub(crate) fn instance_attribute(&self, instance: &InstanceRef, name: &str) -> Value {
        if name == "id" {
            let kind = Address::parse(&instance.address).and_then(|address| Kind::of(&address.kind));
            return match kind {
                Some(kind) if kind.is_group() || kind == Kind::PrefixList => Value::id_of(&instance.address),
                _ => Value::unknown(format!("{}.id", instance.address)),
            };
        }
        let unknown = || Value::unknown(format!("{}.{name}", instance.address));
        let Some(scope) = self.scopes.borrow().get(instance.scope).map(Rc::clone) else {
            return unknown();
        };
        let resource = scope.module.resources.get(instance.block);
        let Some(attribute) = resource.and_then(|resource| resource.body.get_attribute(name)) else {
            return unknown();
        };
        let node = Node::Attribute(Rc::clone(&instance.address), attribute.key.as_str());
        let value = self.once(&scope, node, || {
            self.within(&scope, instance.bound.as_ref(), |place| {
                self.value(place, &attribute.value)
            })
        });
        // An attribute that is null the provider may fill in.
        if matches!(value, Value::Null) {
            unknown()
        } else {
            value
        }
    }

    pub(crate) fn expansion_of(
        &self,
        scope: &Rc<Scope<'a>>,
        at: usize,
        resource: &'a Resource,
    ) -> Rc<Expansion> {
        self.expansion(scope, Node::Resource(at), &resource.body)
    }

    fn expansion(&self, scope: &Rc<Scope<'a>>, node: Node<'a>, body: &'a Body) -> Rc<Expansion> {
        match scope.expansions.borrow().get(&node) {
            Some(Some(expansion)) => return Rc::clone(expansion),
            Some(None) => return Rc::new(Expansion::Unknown("a reference in a circle".into())),
            None => {}
        }
        scope.expansions.borrow_mut().insert(node.clone(), None);
        let expansion = Rc::new(self.expand(Place { scope, bound: None }, body));
        scope
            .expansions
            .borrow_mut()
            .insert(node, Some(Rc::clone(&expansion)));
        expansion
    }

    fn expand(&self, place: Place<'_, 'a>, body: &'a Body) -> Expansion {
        let expression = |name: &str| body.get_attribute(name).map(|attribute| &attribute.value);
        match (expression("count"), expression("for_each")) {
            (None, None) => Expansion::One,
            (Some(count), None) => self.counted(place, count),
            (None, Some(each)) => self.keyed(place, each),
            (Some(_), Some(_)) => Expansion::Unknown("count beside for_each".into()),
        }
    }

    fn counted(&self, place: Place<'_, 'a>, count: &'a Expression) -> Expansion {
        let value = self.value(place, count);
        let number = match value.to_number() {
            Ok(Value::Number(number)) => number.as_index(),
            Ok(Value::Unknown(unknown)) => return Expansion::Unknown(unknown.why),
            _ => None,
        };
        match number {
            Some(number) if number <= INSTANCES => Expansion::Counted(
                (0..number)
                    .map(|at| {
                        let index = Number::count(at).map_or(Value::Null, Value::Number);
                        Item {
                            key: format!("[{at}]"),
                            bound: ("count", Value::map([("index".into(), index)].into())),
                        }
                    })
                    .collect(),
            ),
            Some(number) => {
                Expansion::Unknown(format!("a count of {number}, too many to be looked at").into())
            }
            None => Expansion::Unknown("a count that is no whole number".into()),
        }
    }

    fn keyed(&self, place: Place<'_, 'a>, each: &'a Expression) -> Expansion {
        let value = self.value(place, each);
        let pairs: Vec<(Rc<str>, Value)> = match &value {
            Value::Map(fields) => fields
                .fields
                .iter()
                .map(|(key, value)| (Rc::clone(key), value.clone()))
                .collect(),
            Value::Set(items) => {
                let mut pairs = Vec::new();
                for item in &items.items {
                    match item {
                        Value::Text(text) => pairs.push((Rc::clone(text), item.clone())),
                        Value::Unknown(unknown) => return Expansion::Unknown(Rc::clone(&unknown.why)),
                        _ => {
                            return Expansion::Unknown(
                                "for_each over a set of other things than texts".into(),
                            );
                        }
                    }
                }
                pairs
            }
            Value::Unknown(unknown) => return Expansion::Unknown(Rc::clone(&unknown.why)),
            _ => return Expansion::Unknown("for_each over something that is neither map nor set".into()),
        };
        if pairs.len() > INSTANCES {
            return Expansion::Unknown(
                format!("for_each over {} keys, too many to be looked at", pairs.len()).into(),
            );
        }
        let item = |(key, value): (Rc<str>, Value)| {
            let fields = [
                ("key".into(), Value::Text(Rc::clone(&key))),
                ("value".into(), value),
            ];
            let item = Item {
                key: format!("[{}]", quoted(&key)),
                bound: ("each", Value::map(fields.into())),
            };
            (key, item)
        };
        Expansion::Keyed(pairs.into_iter().map(item).collect())
    }

    /// A module as an expression sees it.
    fn module(&self, scope: &Rc<Scope<'a>>, name: &str) -> Value {
        let unknown = || Value::unknown(format!("{}module.{name}", scope.prefix));
        let Some((name, call)) = scope.module.calls.get_key_value(name) else {
            return unknown();
        };
        let Ok(children) = self.children(scope, name) else {
            return unknown();
        };
        match &*self.expansion(scope, Node::Call(name), &call.body) {
            Expansion::One => children
                .first()
                .map_or_else(unknown, |place| Value::Module(*place)),
            Expansion::Counted(_) => {
                Value::list(children.iter().map(|place| Value::Module(*place)).collect())
            }
            Expansion::Keyed(items) => {
                let keys = items.iter().map(|(key, _)| Rc::clone(key));
                Value::map(
                    keys.zip(children.iter().map(|place| Value::Module(*place)))
                        .collect(),
                )
            }
            Expansion::Unknown(_) => unknown(),
        }
    }

    pub(crate) fn scope(&self, place: usize) -> Option<Rc<Scope<'a>>> {
        self.scopes.borrow().get(place).map(Rc::clone)
    }

    /// The instances of a called module, in the order of their keys; or why they can't be told.
    pub(crate) fn children(&self, scope: &Rc<Scope<'a>>, name: &'a str) -> Result<Rc<Vec<usize>>, String> {
        if let Some(children) = scope.children.borrow().get(name) {
            return Ok(Rc::clone(children));
        }
        let address = format!("{}module.{name}", scope.prefix);
        let call = scope.module.calls.get(name).ok_or_else(|| address.clone())?;
        if scope.module.calls_twice(name) {
            return Err(format!("what {address} holds: it stands twice in the code"));
        }
        let Some(folder) = &call.folder else {
            return Err(format!("what {address} holds: it comes from elsewhere"));
        };
        let Some((folder, module)) = self.code.modules.get_key_value(folder) else {
            return Err(format!("what {address} holds: {folder} was not read"));
        };
        if scope.depth >= MODULES_DEEP {
            return Err(format!(
                "what {address} holds: modules are nested too deep, or call themselves"
            ));
        }
        let expansion = self.expansion(scope, Node::Call(name), &call.body);
        let instances = match expansion.instances() {
            Ok(instances) => instances,
            Err(why) => return Err(format!("how many {address} there are: {why}")),
        };
        if self.scopes.borrow().len() + instances.len() > INSTANCES {
            return Err(format!(
                "what {address} holds: there are too many modules to be looked at"
            ));
        }
        // In the meantime another reference may have asked for them, too.
        if let Some(children) = scope.children.borrow().get(name) {
            return Ok(Rc::clone(children));
        }
        let children = instances.into_iter().map(|(key, bound)| {
            let arguments = Arguments::Call {
                caller: Rc::clone(scope),
                body: &call.body,
                bound: bound.cloned(),
            };
            let prefix = format!("{address}{key}.");
            self.add(folder, module, prefix, scope.depth + 1, arguments).place
        });
        let children = Rc::new(children.collect::<Vec<_>>());
        scope.children.borrow_mut().insert(name, Rc::clone(&children));
        Ok(children)
    }
}

fn is_set(body: &Body, name: &str) -> bool {
    body.get_attribute(name)
        .is_some_and(|attribute| attribute.value.as_bool() != Some(false))
}

fn is_unset(body: &Body, name: &str) -> bool {
    body.get_attribute(name)
        .is_some_and(|attribute| attribute.value.as_bool() == Some(false))
}

/// A key as Terraform writes it in an address.
pub(crate) fn quoted(key: &str) -> String {
    let mut out = String::from("\"");
    for c in key.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
