//! Resources as `terraform show -json` writes them ("JSON Output Format", values representation): in a state, and in a
//! plan's `planned_values` and `prior_state`.

use crate::fields::Text;
use crate::resource::{Instance, Kind};
use crate::tree::Tree;
use serde::Deserialize;
use serde::de::Error;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A value that is not looked at yet, or none.
pub(crate) type Raw<'a> = Option<&'a RawValue>;

/// `values`.
#[derive(Deserialize)]
pub(crate) struct Values<'a> {
    #[serde(borrow, default)]
    pub(crate) outputs: BTreeMap<Cow<'a, str>, Output<'a>>,
    #[serde(borrow, default)]
    root_module: Option<Module<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Output<'a> {
    #[serde(default)]
    pub(crate) sensitive: bool,
    #[serde(borrow, default)]
    pub(crate) value: Raw<'a>,
}

#[derive(Deserialize)]
struct Module<'a> {
    #[serde(borrow, default)]
    resources: Vec<Object<'a>>,
    #[serde(borrow, default)]
    child_modules: Vec<Module<'a>>,
}

/// A resource's object.
#[derive(Deserialize)]
pub(crate) struct Object<'a> {
    #[serde(borrow, default)]
    pub(crate) address: Option<Text<'a>>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) values: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) sensitive_values: Raw<'a>,
}

impl<'a> Values<'a> {
    /// The objects of all modules.
    pub(crate) fn objects(&self) -> Vec<&Object<'a>> {
        let mut out = Vec::new();
        let mut modules: Vec<&Module<'a>> = self.root_module.iter().collect();
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
        Ok(Some(Instance::new(
            address.clone().into_owned(),
            kind,
            values,
            marks,
        )))
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
