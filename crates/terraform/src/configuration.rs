//! The plan's `configuration`: which expression stands behind an attribute, and what it refers to.

use crate::address::{Address, steps};
use crate::resource::Kind;
use crate::tree::Name;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PlanConfiguration {
    root_module: Module,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Module {
    /// The resources that matter here, by address without instance key.
    #[serde(deserialize_with = "resources")]
    resources: BTreeMap<Box<str>, Resource>,
    module_calls: BTreeMap<String, ModuleCall>,
    outputs: BTreeMap<String, Output>,
}

#[derive(Debug, Clone, Default)]
struct Resource {
    /// Those that this crate asks for.
    expressions: Box<[(Name, Expression)]>,
    for_each_expression: Expression,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ModuleCall {
    expressions: Expressions,
    for_each_expression: Expression,
    module: Module,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Output {
    expression: Expression,
}

impl Resource {
    fn expression(&self, attribute: &str) -> Option<&Expression> {
        let name = Name::of(attribute);
        debug_assert!(name.is_some(), "skipped while reading: add the name to NAMES");
        let found = self.expressions.iter().find(|(other, _)| Some(*other) == name);
        found.map(|(_, expression)| expression)
    }
}

/// What an expression may refer to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct References {
    /// Resources, as addresses that may lack an instance key.
    pub(crate) resources: Vec<String>,
    /// Whose values decide it, each with the attribute that is asked for: `module.net.aws_eip.nat.public_ip`, or a local
    /// value or an output where the way ends.
    pub(crate) deciders: Vec<String>,
    /// Whether the expression picks the instance by the referring resource's own key.
    pub(crate) same_key: bool,
    /// Whether something was met that can't be followed: a local, a data source, a function's inner doings.
    pub(crate) incomplete: bool,
}

impl PlanConfiguration {
    /// Whether the configuration writes this attribute. `None` when the resource is not in the configuration.
    pub(crate) fn writes(&self, address: &Address, attribute: &str) -> Option<bool> {
        self.find(address)
            .map(|(resource, _)| resource.expression(attribute).is_some())
    }

    /// What the expression behind this attribute refers to.
    pub(crate) fn references(&self, address: &Address, attribute: &str) -> References {
        let mut out = References::default();
        let Some((resource, scopes)) = self.find(address) else {
            out.incomplete = true;
            return out;
        };
        match resource.expression(attribute) {
            Some(expression) => follow(&scopes, &resource.for_each_expression, expression, &mut out, 0),
            None => out.incomplete = true,
        }
        for list in [&mut out.resources, &mut out.deciders] {
            list.sort();
            list.dedup();
        }
        out
    }

    fn find<'a>(&'a self, address: &Address) -> Option<(&'a Resource, Vec<Scope<'a>>)> {
        let mut scopes = vec![Scope {
            module: &self.root_module,
            call: None,
            prefix: String::new(),
        }];
        for (name, key) in &address.modules {
            let parent = scopes.last()?;
            let call = parent.module.module_calls.get(name)?;
            let key = key.as_ref().map(|key| format!("[{key}]")).unwrap_or_default();
            let prefix = format!("{}module.{name}{key}.", parent.prefix);
            scopes.push(Scope {
                module: &call.module,
                call: Some(call),
                prefix,
            });
        }
        let wanted = address.resource();
        let resource = scopes.last()?.module.resources.get(wanted.as_str())?;
        Some((resource, scopes))
    }
}

#[derive(Clone)]
struct Scope<'a> {
    module: &'a Module,
    call: Option<&'a ModuleCall>,
    prefix: String,
}

/// Collects what `expression` refers to, seen from the innermost of `scopes`. The depth bounds references in a circle,
/// which Terraform refuses but a damaged file may hold.
fn follow(
    scopes: &[Scope<'_>],
    for_each: &Expression,
    expression: &Expression,
    out: &mut References,
    depth: usize,
) {
    let Some(scope) = scopes.last().filter(|_| depth < 32) else {
        out.incomplete = true;
        return;
    };
    for reference in most_specific(expression) {
        let Some(parts) = steps(reference) else {
            out.incomplete = true;
            continue;
        };
        match parts
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>()
            .as_slice()
        {
            ["each", "value", ..] => {
                out.same_key = true;
                // The collection may itself be made of resources.
                follow(scopes, &Expression::default(), for_each, out, depth + 1);
            }
            ["each" | "count", ..] => out.same_key = true,
            ["var", name, ..] => match scope
                .call
                .and_then(|call| call.expressions.get(name).map(|e| (call, e)))
            {
                Some((call, expression)) => {
                    follow(
                        &scopes[..scopes.len() - 1],
                        &call.for_each_expression,
                        expression,
                        out,
                        depth + 1,
                    );
                }
                // A variable that nobody sets has its default; those of the root are known.
                None => out.incomplete = true,
            },
            ["module", name, output, ..] => {
                let key = parts.get(1).and_then(|(_, key)| key.as_ref());
                follow_output(scopes, name, key, output, out, depth);
            }
            ["local" | "data" | "module", _, ..] => {
                out.deciders.push(format!("{}{reference}", scope.prefix));
                out.incomplete = true;
            }
            ["var" | "self" | "path" | "terraform", ..] | [_] | [] => {
                out.incomplete = true;
            }
            [kind, name, ..] => {
                out.deciders.push(format!("{}{reference}", scope.prefix));
                let key = parts
                    .get(1)
                    .and_then(|(_, key)| key.as_ref())
                    .map(|key| format!("[{key}]"));
                out.resources.push(format!(
                    "{}{kind}.{name}{}",
                    scope.prefix,
                    key.unwrap_or_default()
                ));
            }
        }
    }
}

fn follow_output(
    scopes: &[Scope<'_>],
    name: &str,
    key: Option<&String>,
    output: &str,
    out: &mut References,
    depth: usize,
) {
    let found = scopes.last().and_then(|scope| {
        let call = scope.module.module_calls.get(name)?;
        Some((scope, call, call.module.outputs.get(output)?))
    });
    let Some((scope, call, output)) = found else {
        let prefix = scopes.last().map_or("", |scope| scope.prefix.as_str());
        out.deciders.push(format!("{prefix}module.{name}.{output}"));
        out.incomplete = true;
        return;
    };
    let key = key.map(|key| format!("[{key}]")).unwrap_or_default();
    let mut inner = scopes.to_vec();
    let prefix = format!("{}module.{name}{key}.", scope.prefix);
    inner.push(Scope {
        module: &call.module,
        call: Some(call),
        prefix,
    });
    follow(&inner, &Expression::default(), &output.expression, out, depth + 1);
}

/// The references of an expression without those that another one makes more precise: Terraform lists
/// `aws_vpc.main.id` and `aws_vpc.main` both. Nested blocks are searched, too.
fn most_specific(expression: &Expression) -> Vec<&str> {
    let mut all: Vec<&str> = expression.0.iter().map(|reference| &**reference).collect();
    all.sort_unstable();
    // In this order what makes a reference more precise stands behind it, though not always next to it.
    let longer = |at: usize| {
        let short = all[at];
        all[at + 1..]
            .iter()
            .take_while(|other| other.starts_with(short))
            .any(|other| other[short.len()..].starts_with(['.', '[']))
    };
    (0..all.len())
        .filter(|at| !longer(*at))
        .map(|at| all[at])
        .collect()
}

/// Of an expression, or of a block with all its expressions: what it refers to.
#[derive(Debug, Clone, Default)]
struct Expression(Box<[Box<str>]>);

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut references = Vec::new();
        deserializer.deserialize_any(Collect {
            references: &mut references,
            listed: false,
        })?;
        Ok(Self(references.into()))
    }
}

/// Collects references; `listed` inside of a list called `references`.
struct Collect<'a> {
    references: &'a mut Vec<Box<str>>,
    listed: bool,
}

impl<'de> de::DeserializeSeed<'de> for Collect<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Collect<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an expression")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if self.listed {
            self.references.push(text.into());
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list
            .next_element_seed(Collect {
                references: &mut *self.references,
                listed: self.listed,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == "constant_value" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            map.next_value_seed(Collect {
                references: &mut *self.references,
                listed: key == "references",
            })?;
        }
        Ok(())
    }
}

/// Expressions by the attribute they stand behind.
#[derive(Debug, Clone, Default)]
struct Expressions(Box<[(Box<str>, Expression)]>);

impl Expressions {
    fn get(&self, attribute: &str) -> Option<&Expression> {
        let found = self.0.iter().find(|(name, _)| **name == *attribute);
        found.map(|(_, expression)| expression)
    }
}

impl<'de> Deserialize<'de> for Expressions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = BTreeMap::<Box<str>, Expression>::deserialize(deserializer)?;
        Ok(Self(fields.into_iter().collect()))
    }
}

/// The resources of a module, those of types that this crate reads.
fn resources<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Box<str>, Resource>, D::Error> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Item {
        address: Box<str>,
        expressions: Expressions,
        for_each_expression: Expression,
    }
    struct List;
    impl<'de> Visitor<'de> for List {
        type Value = BTreeMap<Box<str>, Resource>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of resources")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut out = BTreeMap::new();
            while let Some(item) = list.next_element::<Item>()? {
                let kind = item.address.strip_prefix("data.").unwrap_or(&item.address);
                if kind.split('.').next().and_then(Kind::of).is_some() {
                    out.entry(item.address).or_insert(Resource {
                        expressions: item
                            .expressions
                            .0
                            .into_iter()
                            .filter_map(|(name, expression)| Some((Name::of(&name)?, expression)))
                            .collect(),
                        for_each_expression: item.for_each_expression,
                    });
                }
            }
            Ok(out)
        }
    }
    deserializer.deserialize_seq(List)
}
