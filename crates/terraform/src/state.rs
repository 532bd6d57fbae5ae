//! The state: raw version 4, as a backend stores it, or `terraform show -json`.

use crate::behind::Behind;
use crate::error::ReadError;
use crate::groups::{self, Source, View};
use crate::parallel;
use crate::resource::{Instance, Kind};
use crate::shown::{self, Values};
use crate::tree::Tree;
use document::{Document, Recorded, Resource};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

mod document;

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
        // One core passes over the document, and the others read the resources that it finds.
        let (document, recorded) = parallel::in_batches(
            |each| {
                Document::read(text, &mut |resource: Resource<'_, &RawValue>| {
                    if let Some(kind) = Kind::of(&resource.kind) {
                        each((kind, resource));
                    }
                })
            },
            |resources| recorded(&resources),
        );
        let in_place = |error| {
            let again = Document::read(text, &mut |_: Resource<'_, Vec<Recorded>>| {});
            json(again.err().unwrap_or(error))
        };
        let document = document.map_err(json)?;
        if document.is_plan {
            return Err(ReadError::Shape {
                what: "state",
                why: "it is a plan".to_owned(),
            });
        }
        let instances = match (document.version, document.format_version) {
            (Some(4), _) => {
                let mut instances = Vec::new();
                for part in recorded {
                    instances.extend(part.map_err(in_place)?);
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
                let objects = document.values.as_ref().map(Values::objects).unwrap_or_default();
                let parts = parallel::in_parts(&objects, shown::instances);
                parts
                    .into_iter()
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(json)?
                    .concat()
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
        if let Some(odd) = instances.iter().find(|instance| !instance.values.is_object()) {
            return Err(ReadError::Shape {
                what: "state",
                why: format!(
                    "{} has no attributes in a form that this version reads (Terraform before 0.12 wrote another)",
                    odd.address
                ),
            });
        }
        Ok(Self {
            serial: document.serial,
            lineage: document.lineage,
            terraform_version: document.terraform_version,
            outputs: document.outputs,
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
            gone: &[],
            untouched: &BTreeSet::new(),
        })
    }

    /// An output that is text and not sensitive.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).map(String::as_str)
    }
}

/// The objects of resources, with those types.
fn recorded(resources: &[(Kind, Resource<'_, &RawValue>)]) -> Result<Vec<Instance>, serde_json::Error> {
    let mut out = Vec::with_capacity(resources.len());
    for (kind, resource) in resources {
        let Some(raw) = resource.instances else { continue };
        let instances: Vec<Recorded> = serde_json::from_str(raw.get())?;
        // An object that is deposed is live until it is deleted.
        for instance in instances {
            let mut object = Instance::new(
                resource.address(instance.index_key.as_ref()),
                *kind,
                Arc::new(instance.attributes),
                sensitive_tree(&instance.sensitive_attributes),
            );
            object.deposed = instance.deposed.is_some();
            out.push(object);
        }
    }
    Ok(out)
}

/// The paths of `sensitive_attributes` as the tree that `show -json` would print, to the depth that matters: the
/// attribute itself.
fn sensitive_tree(paths: &[Value]) -> Tree {
    if paths.is_empty() {
        return Tree::Null;
    }
    Tree::flags(
        paths
            .iter()
            .filter_map(|path| path.get(0)?.get("value")?.as_str()),
    )
}
