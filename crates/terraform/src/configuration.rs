//! The plan's `configuration`: which expression stands behind an attribute, and what it refers to.

use crate::address::{Address, steps};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PlanConfiguration {
    root_module: Module,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Module {
    resources: Vec<Resource>,
    module_calls: BTreeMap<String, ModuleCall>,
    outputs: BTreeMap<String, Output>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Resource {
    address: String,
    expressions: BTreeMap<String, Value>,
    for_each_expression: Value,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ModuleCall {
    expressions: BTreeMap<String, Value>,
    for_each_expression: Value,
    module: Module,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Output {
    expression: Value,
}

/// What an expression may refer to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct References {
    /// Resources, as addresses that may lack an instance key.
    pub(crate) resources: Vec<String>,
    /// Whether the expression picks the instance by the referring resource's own key.
    pub(crate) same_key: bool,
    /// Whether something was met that can't be followed: a local, a data source, a function's inner doings.
    pub(crate) incomplete: bool,
}

impl PlanConfiguration {
    /// Whether the configuration writes this attribute. `None` when the resource is not in the configuration.
    pub(crate) fn writes(&self, address: &Address, attribute: &str) -> Option<bool> {
        self.find(address)
            .map(|(resource, _)| resource.expressions.contains_key(attribute))
    }

    /// What the expression behind this attribute refers to.
    pub(crate) fn references(&self, address: &Address, attribute: &str) -> References {
        let mut out = References::default();
        let Some((resource, scopes)) = self.find(address) else {
            out.incomplete = true;
            return out;
        };
        match resource.expressions.get(attribute) {
            Some(expression) => follow(&scopes, &resource.for_each_expression, expression, &mut out, 0),
            None => out.incomplete = true,
        }
        out.resources.sort();
        out.resources.dedup();
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
        let resource = scopes
            .last()?
            .module
            .resources
            .iter()
            .find(|resource| resource.address == wanted)?;
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
fn follow(scopes: &[Scope<'_>], for_each: &Value, expression: &Value, out: &mut References, depth: usize) {
    let Some(scope) = scopes.last().filter(|_| depth < 32) else {
        out.incomplete = true;
        return;
    };
    for reference in most_specific(expression) {
        let Some(parts) = steps(&reference) else {
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
                follow(scopes, &Value::Null, for_each, out, depth + 1);
            }
            ["each" | "count", ..] => out.same_key = true,
            ["var", name, ..] => match scope
                .call
                .and_then(|call| call.expressions.get(*name).map(|e| (call, e)))
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
                None => out.incomplete = true,
            },
            ["module", name, output, ..] => {
                let key = parts.get(1).and_then(|(_, key)| key.as_ref());
                follow_output(scopes, name, key, output, out, depth);
            }
            [
                "local" | "data" | "module" | "var" | "self" | "path" | "terraform",
                ..,
            ]
            | [_]
            | [] => {
                out.incomplete = true;
            }
            [kind, name, ..] => {
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
    follow(&inner, &Value::Null, &output.expression, out, depth + 1);
}

/// The references of an expression without those that another one makes more precise: Terraform lists
/// `aws_vpc.main.id` and `aws_vpc.main` both. Nested blocks are searched, too.
fn most_specific(expression: &Value) -> Vec<String> {
    let mut all = Vec::new();
    collect(expression, &mut all);
    let longer = |short: &str| {
        all.iter().any(|other| {
            other.len() > short.len()
                && other.starts_with(short)
                && other[short.len()..].starts_with(['.', '['])
        })
    };
    all.iter()
        .filter(|reference| !longer(reference))
        .cloned()
        .collect()
}

fn collect(expression: &Value, out: &mut Vec<String>) {
    match expression {
        Value::Object(fields) => {
            if let Some(Value::Array(references)) = fields.get("references") {
                out.extend(references.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            for (key, value) in fields {
                if key != "references" && key != "constant_value" {
                    collect(value, out);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, out)),
        _ => {}
    }
}
