//! The plan's `configuration`: which expression stands behind an attribute, and what it refers to.

use crate::address::{Split, Step, steps};
use crate::fields::{Text, once};
use crate::resource::Kind;
use crate::table::Table;
use crate::tree::{MaybeName, Name, Names};
use memchr::{memchr, memmem};
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use std::borrow::Cow;
use std::fmt;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PlanConfiguration {
    root_module: Option<Module>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Module {
    /// The resources that matter here, by address without instance key.
    #[serde(deserialize_with = "resources")]
    resources: Table<Resource>,
    module_calls: Table<ModuleCall>,
    outputs: Table<Output>,
}

#[derive(Debug, Clone, Default)]
struct Resource {
    /// Which attributes and blocks it writes, of those that this crate asks for.
    written: Names,
    /// What they refer to, where they refer to something.
    expressions: Box<[(Name, Expression)]>,
    for_each_expression: Expression,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ModuleCall {
    expressions: Table<Expression>,
    for_each_expression: Expression,
    module: Module,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Output {
    expression: Expression,
}

impl Module {
    fn has_resources(&self) -> bool {
        let mut addresses = self.resources.entries().map(|(address, _)| address);
        addresses.any(|address| !address.starts_with("data."))
            || self
                .module_calls
                .entries()
                .any(|(_, call)| call.module.has_resources())
    }
}

impl Resource {
    /// What an attribute refers to. `None` where it is not written.
    fn expression(&self, attribute: &str) -> Option<&[Box<str>]> {
        let name = Name::known(attribute).filter(|name| self.written.contains(*name))?;
        let found = self.expressions.iter().find(|(other, _)| *other == name);
        Some(found.map_or(&[], |(_, expression)| &expression.0))
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
    /// Reads the one that a plan's text seems to have, before anybody has passed over the text, and tells where it stands.
    /// Something else may look like it: so it counts only for who finds the plan's configuration at that place.
    pub(crate) fn ahead(text: &str) -> Option<(&str, serde_json::Result<Self>)> {
        // As Terraform writes it: without white space, and these are its first keys ("JSON Output Format").
        let starts = [
            r#""configuration":{"provider_config":"#,
            r#""configuration":{"root_module":"#,
        ];
        let at = starts
            .iter()
            .find_map(|start| memmem::rfind(text.as_bytes(), start.as_bytes()))?;
        let place = &text[at + r#""configuration":"#.len()..];
        let read = serde_json::Deserializer::from_str(place).into_iter().next()?;
        Some((place, read))
    }

    /// Which attributes and blocks the configuration writes. `None` when the resource is not in the configuration.
    pub(crate) fn written(&self, address: &str) -> Option<Names> {
        let split = Split::of(address)?;
        let mut module = self.root_module.as_ref()?;
        for step in split.modules() {
            module = &module.module_calls.get(step.name)?.module;
        }
        Some(module.resources.get(split.resource)?.written)
    }

    /// Whether it may have resources of the types that matter here, data sources aside.
    pub(crate) fn may_have_resources(&self) -> bool {
        self.root_module.as_ref().is_none_or(Module::has_resources)
    }

    /// What the expression behind this attribute refers to.
    pub(crate) fn references(&self, address: &str, attribute: &str) -> References {
        let mut out = References::default();
        let Some((resource, scopes)) = self.find(address) else {
            out.incomplete = true;
            return out;
        };
        match resource.expression(attribute) {
            Some(expression) => follow(&scopes, &resource.for_each_expression.0, expression, &mut out, 0),
            None => out.incomplete = true,
        }
        for list in [&mut out.resources, &mut out.deciders] {
            list.sort();
            list.dedup();
        }
        out
    }

    fn find<'a>(&'a self, address: &'a str) -> Option<(&'a Resource, Vec<Scope<'a>>)> {
        let split = Split::of(address)?;
        let mut scope = Scope {
            module: self.root_module.as_ref()?,
            call: None,
            prefix: Cow::Borrowed(""),
        };
        let mut scopes = Vec::with_capacity(4);
        for step in split.modules() {
            let call = scope.module.module_calls.get(step.name)?;
            scopes.push(scope);
            scope = Scope {
                module: &call.module,
                call: Some(call),
                prefix: Cow::Borrowed(step.prefix),
            };
        }
        let resource = scope.module.resources.get(split.resource)?;
        scopes.push(scope);
        Some((resource, scopes))
    }
}

/// A module, seen from inside.
#[derive(Clone)]
struct Scope<'a> {
    module: &'a Module,
    call: Option<&'a ModuleCall>,
    prefix: Cow<'a, str>,
}

/// Collects what `expression` refers to, seen from the innermost of `scopes`. The depth bounds references in a circle,
/// which Terraform refuses but a damaged file may hold.
fn follow(
    scopes: &[Scope<'_>],
    for_each: &[Box<str>],
    expression: &[Box<str>],
    out: &mut References,
    depth: usize,
) {
    let Some(scope) = scopes.last().filter(|_| depth < 32) else {
        out.incomplete = true;
        return;
    };
    for reference in expression {
        let Some(parts) = steps(reference).collect::<Option<Vec<Step<'_>>>>() else {
            out.incomplete = true;
            continue;
        };
        let names: Vec<&str> = parts.iter().map(|step| step.name).collect();
        let key = parts.get(1).and_then(|step| step.key);
        match names.as_slice() {
            ["each", "value", ..] => {
                out.same_key = true;
                // The collection may itself be made of resources.
                follow(scopes, &[], for_each, out, depth + 1);
            }
            ["each" | "count", ..] => out.same_key = true,
            ["var", name, ..] => match scope
                .call
                .and_then(|call| call.expressions.get(name).map(|e| (call, e)))
            {
                Some((call, expression)) => {
                    follow(
                        &scopes[..scopes.len() - 1],
                        &call.for_each_expression.0,
                        &expression.0,
                        out,
                        depth + 1,
                    );
                }
                // A variable that nobody sets has its default; those of the root are known.
                None => out.incomplete = true,
            },
            ["module", name, output, ..] => {
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
                out.resources.push(match key {
                    Some(key) => format!("{}{kind}.{name}[{key}]", scope.prefix),
                    None => format!("{}{kind}.{name}", scope.prefix),
                });
            }
        }
    }
}

fn follow_output(
    scopes: &[Scope<'_>],
    name: &str,
    key: Option<&str>,
    output: &str,
    out: &mut References,
    depth: usize,
) {
    let found = scopes.last().and_then(|scope| {
        let call = scope.module.module_calls.get(name)?;
        Some((scope, call, call.module.outputs.get(output)?))
    });
    let Some((scope, call, output)) = found else {
        let prefix = scopes.last().map_or("", |scope| &scope.prefix);
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
        prefix: Cow::Owned(prefix),
    });
    follow(&inner, &[], &output.expression.0, out, depth + 1);
}

/// Of an expression, or of a block with all its expressions: what it refers to, sorted, without references that another
/// one makes more precise. Terraform lists `aws_vpc.main.id` and `aws_vpc.main` both.
#[derive(Debug, Clone, Default)]
struct Expression(Box<[Box<str>]>);

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all: Vec<Cow<'de, str>> = Vec::new();
        deserializer.deserialize_any(Collect {
            references: &mut all,
            listed: false,
        })?;
        all.sort_unstable();
        // In this order what makes a reference more precise stands behind it, though not always next to it.
        let longer = |at: usize| {
            let short = &*all[at];
            all[at + 1..]
                .iter()
                .take_while(|other| other.starts_with(short))
                .any(|other| other[short.len()..].starts_with(['.', '[']))
        };
        let specific = (0..all.len()).filter(|at| !longer(*at));
        Ok(Self(specific.map(|at| Box::from(&*all[at])).collect()))
    }
}

/// Collects references; `listed` inside of a list called `references`.
struct Collect<'a, 'de> {
    references: &'a mut Vec<Cow<'de, str>>,
    listed: bool,
}

impl<'de> de::DeserializeSeed<'de> for Collect<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Collect<'_, 'de> {
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

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        if self.listed {
            self.references.push(Cow::Borrowed(text));
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if self.listed {
            self.references.push(Cow::Owned(text.to_owned()));
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
        while let Some(key) = map.next_key()? {
            match key {
                InExpression::Constant => {
                    map.next_value::<IgnoredAny>()?;
                }
                InExpression::References | InExpression::Other => map.next_value_seed(Collect {
                    references: &mut *self.references,
                    listed: matches!(key, InExpression::References),
                })?,
            }
        }
        Ok(())
    }
}

/// What stands under a key of an expression.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum InExpression {
    #[serde(rename = "constant_value")]
    Constant,
    References,
    #[serde(other)]
    Other,
}

/// The expressions of a resource, as far as this crate asks for them.
#[derive(Default)]
struct Asked {
    written: Names,
    expressions: Vec<(Name, Expression)>,
}

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Asked;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("expressions by attribute")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Asked, A::Error> {
                let mut out = Asked::default();
                while let Some(MaybeName(name)) = map.next_key()? {
                    let Some(name) = name else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    let expression: Expression = map.next_value()?;
                    if out.written.contains(name) {
                        out.expressions.retain(|(other, _)| *other != name);
                    }
                    out.written.insert(name);
                    if !expression.0.is_empty() {
                        out.expressions.push((name, expression));
                    }
                }
                Ok(out)
            }
        }
        deserializer.deserialize_map(Read)
    }
}

/// The resources of a module, those of types that this crate reads.
fn resources<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Table<Resource>, D::Error> {
    struct List;
    impl<'de> Visitor<'de> for List {
        type Value = Table<Resource>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of resources")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut out = Vec::new();
            while let Some(Listed { address, resource }) = list.next_element()? {
                if is_ours(&address) {
                    out.push((address.into(), resource));
                }
            }
            Ok(out.into_iter().collect())
        }
    }
    deserializer.deserialize_seq(List)
}

/// Whether the address is of a type that this crate reads.
fn is_ours(address: &str) -> bool {
    let kind = address.strip_prefix("data.").unwrap_or(address);
    let end = memchr(b'.', kind.as_bytes()).unwrap_or(kind.len());
    Kind::of(&kind[..end]).is_some()
}

/// A resource as it stands in a module's list.
struct Listed<'a> {
    address: Cow<'a, str>,
    resource: Resource,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum InListed {
    Address,
    Expressions,
    ForEachExpression,
    #[serde(other)]
    Other,
}

impl<'de> Deserialize<'de> for Listed<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Listed<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a resource")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut address, mut asked, mut for_each) = (None, None, None);
                while let Some(field) = map.next_key()? {
                    // Terraform writes the address first.
                    let wanted = address.as_ref().is_none_or(|Text(address)| is_ours(address));
                    match field {
                        InListed::Address => once(&mut address, "address", map.next_value()?)?,
                        InListed::Expressions if wanted => {
                            once(&mut asked, "expressions", map.next_value::<Asked>()?)?;
                        }
                        InListed::ForEachExpression if wanted => {
                            once(&mut for_each, "for_each_expression", map.next_value()?)?;
                        }
                        InListed::Expressions | InListed::ForEachExpression | InListed::Other => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                let asked = asked.unwrap_or_default();
                Ok(Listed {
                    address: address.map(|text| text.0).unwrap_or_default(),
                    resource: Resource {
                        written: asked.written,
                        expressions: asked.expressions.into(),
                        for_each_expression: for_each.unwrap_or_default(),
                    },
                })
            }
        }
        deserializer.deserialize_map(Read)
    }
}
