//! Resources as `terraform show -json` writes them ("JSON Output Format", values representation): in a state, and in a
//! plan's `planned_values` and `prior_state`.

use crate::fields::{Each, Text};
use crate::resource::{Instance, Kind};
use crate::sensitive::may_hold_marks;
use crate::tree::Tree;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A value that is not looked at yet, or none.
pub(crate) type Raw<'a> = Option<&'a RawValue>;

/// `values`, with all objects or with those only that may hold something sensitive.
#[derive(Deserialize)]
pub(crate) struct Values<'a, const MARKED_ONLY: bool> {
    #[serde(borrow, default)]
    pub(crate) outputs: BTreeMap<Cow<'a, str>, Output<'a>>,
    #[serde(borrow, default)]
    root_module: Option<Module<'a, MARKED_ONLY>>,
}

#[derive(Deserialize)]
pub(crate) struct Output<'a> {
    #[serde(default)]
    pub(crate) sensitive: bool,
    #[serde(borrow, default)]
    pub(crate) value: Raw<'a>,
}

#[derive(Deserialize)]
struct Module<'a, const MARKED_ONLY: bool> {
    #[serde(borrow, default, deserialize_with = "objects::<_, MARKED_ONLY>")]
    resources: Vec<Object<'a>>,
    #[serde(borrow, default)]
    child_modules: Vec<Module<'a, MARKED_ONLY>>,
}

fn objects<'de, D: Deserializer<'de>, const MARKED_ONLY: bool>(
    deserializer: D,
) -> Result<Vec<Object<'de>>, D::Error> {
    let mut out = Vec::new();
    if !MARKED_ONLY {
        Each(&mut |object: Object<'de>| out.push(object)).deserialize(deserializer)?;
        return Ok(out);
    }
    // Nearly none is marked, and then it is only passed over.
    let mut marked: Vec<&RawValue> = Vec::new();
    Each(&mut |raw: &'de RawValue| {
        if may_hold_marks(raw.get()) {
            marked.push(raw);
        }
    })
    .deserialize(deserializer)?;
    for raw in marked {
        out.push(serde_json::from_str(raw.get()).map_err(Error::custom)?);
    }
    Ok(out)
}

/// A resource's object.
#[derive(Deserialize)]
pub(crate) struct Object<'a> {
    #[serde(borrow, default)]
    pub(crate) address: Option<Text<'a>>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    deposed_key: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) values: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) sensitive_values: Raw<'a>,
}

impl<'a, const MARKED_ONLY: bool> Values<'a, MARKED_ONLY> {
    /// The objects of all modules.
    pub(crate) fn objects(&self) -> Vec<&Object<'a>> {
        let mut out = Vec::new();
        let mut modules: Vec<&Module<'a, MARKED_ONLY>> = self.root_module.iter().collect();
        while let Some(module) = modules.pop() {
            out.extend(&module.resources);
            modules.extend(&module.child_modules);
        }
        out
    }
}

impl Object<'_> {
    /// What this crate reads of it; `None` when it is of a type that it does not read.
    pub(crate) fn instance(&self) -> Result<Option<Instance>, serde_json::Error> {
        let Some(Text(kind)) = &self.kind else {
            return Err(Error::missing_field("type"));
        };
        let Some(kind) = Kind::of(kind) else {
            return Ok(None);
        };
        let Some(Text(address)) = &self.address else {
            return Err(Error::missing_field("address"));
        };
        let values = Arc::new(tree(self.values)?);
        let marks = marks(self.sensitive_values)?;
        let mut instance = Instance::new(address.clone().into_owned(), kind, values, marks);
        instance.deposed = self.deposed_key.is_some();
        Ok(Some(instance))
    }
}

fn tree(raw: Raw<'_>) -> Result<Tree, serde_json::Error> {
    raw.map_or(Ok(Tree::Null), |raw| serde_json::from_str(raw.get()))
}

/// What is marked of the attributes that this crate reads. Nearly always nothing is marked, and then nothing is read.
pub(crate) fn marks(raw: Raw<'_>) -> Result<Tree, serde_json::Error> {
    tree(raw.filter(|raw| may_mark(raw)))
}

/// Whether there is a mark among these, which mirror a value's form.
pub(crate) fn may_mark(marks: &RawValue) -> bool {
    marks.get().contains("true")
}

/// What this crate reads of the objects.
pub(crate) fn instances(objects: &[&Object<'_>]) -> Result<Vec<Instance>, serde_json::Error> {
    objects
        .iter()
        .filter_map(|object| object.instance().transpose())
        .collect()
}
