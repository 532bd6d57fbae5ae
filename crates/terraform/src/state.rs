//! The state: raw version 4, as a backend stores it, or `terraform show -json`.

use crate::behind::Behind;
use crate::error::ReadError;
use crate::groups::{self, Source, View};
use crate::parallel;
use crate::plan::{Values, shown};
use crate::resource::{Instance, Kind};
use crate::tree::Tree;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Deserialize)]
struct Document<'a> {
    version: Option<u64>,
    format_version: Option<String>,
    serial: Option<u64>,
    lineage: Option<String>,
    terraform_version: Option<String>,
    #[serde(borrow, default)]
    resources: Vec<Resource<'a>>,
    #[serde(borrow, default)]
    values: Option<Values<'a>>,
    #[serde(default)]
    outputs: BTreeMap<String, Output>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    value: Value,
    #[serde(default)]
    sensitive: bool,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, default)]
    module: Option<Cow<'a, str>>,
    #[serde(borrow)]
    mode: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    instances: Vec<Recorded<'a>>,
}

#[derive(Deserialize)]
struct Recorded<'a> {
    #[serde(default)]
    index_key: Option<Value>,
    #[serde(default)]
    deposed: Option<String>,
    #[serde(borrow, default)]
    attributes: Option<&'a RawValue>,
    #[serde(default)]
    sensitive_attributes: Vec<Value>,
}

/// A state, as far as security groups go.
#[derive(Debug, Clone)]
pub struct State {
    /// The count of its writes; absent in `show -json`.
    pub serial: Option<u64>,
    /// Which history it belongs to; absent in `show -json`.
    pub lineage: Option<String>,
    /// The Terraform that wrote it.
    pub terraform_version: Option<String>,
    outputs: BTreeMap<String, String>,
    instances: Vec<Instance>,
}

impl State {
    /// Reads a state of either form.
    ///
    /// # Errors
    /// [`ReadError`] when the text is no state, or of an unknown version.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        let json = |source| ReadError::Json {
            what: "state",
            source,
        };
        let document: Document<'_> = serde_json::from_str(text).map_err(json)?;
        let instances = match (document.version, document.format_version) {
            (Some(4), _) => {
                let mut instances = Vec::new();
                for part in parallel::in_parts(&document.resources, recorded) {
                    instances.extend(part.map_err(json)?);
                }
                instances
            }
            (Some(other), _) => {
                return Err(ReadError::Version {
                    what: "state",
                    found: other.to_string(),
                    known: "4",
                });
            }
            (None, Some(version)) if version.split('.').next() == Some("1") => {
                let root = document.values.and_then(|values| values.root_module);
                root.map_or(Ok(Vec::new()), |root| shown(&root)).map_err(json)?
            }
            (None, Some(found)) => {
                return Err(ReadError::Version {
                    what: "state",
                    found,
                    known: "1.x",
                });
            }
            (None, None) => {
                return Err(ReadError::Shape {
                    what: "state",
                    why: "it has neither version nor format_version".to_owned(),
                });
            }
        };
        let outputs = document
            .outputs
            .into_iter()
            .filter(|(_, output)| !output.sensitive)
            .filter_map(|(name, output)| Some((name, output.value.as_str()?.to_owned())))
            .collect();
        Ok(Self {
            serial: document.serial,
            lineage: document.lineage,
            terraform_version: document.terraform_version,
            outputs,
            instances,
        })
    }

    /// The groups, rules and members recorded.
    ///
    /// # Errors
    /// [`ReadError::Rule`] for a rule that makes no sense.
    pub fn view(&self) -> Result<View, ReadError> {
        groups::build(&Source {
            instances: &self.instances,
            behind: Behind::default(),
            removed: &BTreeMap::new(),
            untouched: &BTreeSet::new(),
        })
    }

    /// An output that is text and not sensitive.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).map(String::as_str)
    }
}

fn recorded(resources: &[Resource<'_>]) -> Result<Vec<Instance>, serde_json::Error> {
    let mut out = Vec::new();
    for resource in resources {
        let Some(kind) = Kind::of(&resource.kind) else {
            continue;
        };
        let module = resource
            .module
            .as_deref()
            .map(|module| format!("{module}."))
            .unwrap_or_default();
        let data = if resource.mode == "data" { "data." } else { "" };
        for instance in resource
            .instances
            .iter()
            .filter(|instance| instance.deposed.is_none())
        {
            let key = instance
                .index_key
                .as_ref()
                .map(|key| format!("[{key}]"))
                .unwrap_or_default();
            let address = format!("{module}{data}{}.{}{key}", resource.kind, resource.name);
            out.push(Instance::new(
                address,
                kind,
                instance.attributes.map_or(Ok(Arc::default()), |raw| {
                    serde_json::from_str(raw.get()).map(Arc::new)
                })?,
                sensitive_tree(&instance.sensitive_attributes),
            ));
        }
    }
    Ok(out)
}

/// The paths of `sensitive_attributes` as the tree that `show -json` would print, to the depth that matters: the
/// attribute itself.
fn sensitive_tree(paths: &[Value]) -> Tree {
    Tree::flags(
        paths
            .iter()
            .filter_map(|path| path.get(0)?.get("value")?.as_str()),
    )
}
