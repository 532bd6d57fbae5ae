//! The state's document, passed over once. Each resource is handed on as soon as it is found.

use crate::fields::{Each, Text, once};
use crate::shown::Values;
use crate::tree::Tree;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Unexpected, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;

/// What a state says beside its resources.
pub(super) struct Document<'a> {
    pub(super) version: Option<u64>,
    pub(super) format_version: Option<String>,
    pub(super) serial: Option<u64>,
    pub(super) lineage: Option<String>,
    pub(super) terraform_version: Option<String>,
    /// What `show -json` writes.
    pub(super) values: Option<Values<'a, false>>,
    /// Those that are text and not sensitive.
    pub(super) outputs: BTreeMap<String, String>,
    /// Whether it has what no state has: it is a plan.
    pub(super) is_plan: bool,
}

/// A resource with its objects, which are read as `I`.
#[derive(Deserialize)]
pub(super) struct Resource<'a, I> {
    #[serde(borrow, default)]
    module: Option<Text<'a>>,
    #[serde(borrow)]
    mode: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    pub(super) instances: Option<I>,
}

impl<I> Resource<'_, I> {
    /// The address of its object with this key.
    pub(super) fn address(&self, key: Option<&Value>) -> String {
        let module = self.module.as_ref().map_or("", |text| &*text.0);
        // The dots and a short key besides.
        let mut out = String::with_capacity(module.len() + self.kind.len() + self.name.len() + 12);
        if !module.is_empty() {
            out.push_str(module);
            out.push('.');
        }
        if self.mode == "data" {
            out.push_str("data.");
        }
        out.push_str(&self.kind);
        out.push('.');
        out.push_str(&self.name);
        if let Some(key) = key {
            let _ = write!(out, "[{key}]");
        }
        out
    }
}

/// One object of a resource.
#[derive(Deserialize)]
pub(super) struct Recorded {
    #[serde(default)]
    pub(super) index_key: Option<Value>,
    #[serde(default)]
    pub(super) deposed: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) attributes: Tree,
    #[serde(default)]
    pub(super) sensitive_attributes: Vec<Value>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    value: Value,
    #[serde(default)]
    sensitive: bool,
}

impl<'a> Document<'a> {
    /// Reads the document. The objects of its resources are read as `I`, and `each` gets one resource after the other.
    pub(super) fn read<I: Deserialize<'a>>(
        text: &'a str,
        each: &mut dyn FnMut(Resource<'a, I>),
    ) -> Result<Self, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(text);
        let document = json.deserialize_map(Fields(each))?;
        json.end()?;
        Ok(document)
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    Version,
    FormatVersion,
    Serial,
    Lineage,
    TerraformVersion,
    Resources,
    Values,
    Outputs,
    ResourceChanges,
    PlannedValues,
    PriorState,
    Configuration,
    #[serde(other)]
    Other,
}

struct Fields<'f, 'a, I>(&'f mut dyn FnMut(Resource<'a, I>));

impl<'de, I: Deserialize<'de>> Visitor<'de> for Fields<'_, 'de, I> {
    type Value = Document<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a state")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut version, mut format_version, mut terraform_version) = (None, None, None);
        let (mut serial, mut lineage) = (None, None);
        let (mut resources, mut values, mut outputs) = (None, None, None);
        let mut is_plan = false;
        while let Some(field) = map.next_key()? {
            match field {
                Field::Version => once(&mut version, "version", map.next_value()?)?,
                Field::FormatVersion => once(&mut format_version, "format_version", map.next_value()?)?,
                Field::Serial => once(&mut serial, "serial", map.next_value()?)?,
                Field::Lineage => once(&mut lineage, "lineage", map.next_value()?)?,
                Field::TerraformVersion => {
                    once(&mut terraform_version, "terraform_version", map.next_value()?)?;
                }
                Field::Resources => {
                    if !map.next_value_seed(Each(&mut *self.0))? {
                        return Err(A::Error::invalid_type(Unexpected::Unit, &"a list of resources"));
                    }
                    once(&mut resources, "resources", ())?;
                }
                Field::Values => once(&mut values, "values", map.next_value()?)?,
                Field::Outputs => {
                    let all = map.next_value::<BTreeMap<String, Output>>()?;
                    once(&mut outputs, "outputs", all)?;
                }
                Field::ResourceChanges | Field::PlannedValues | Field::PriorState | Field::Configuration => {
                    map.next_value::<IgnoredAny>()?;
                    is_plan = true;
                }
                Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let told = |(name, output): (String, Output)| match output.value {
            Value::String(text) if !output.sensitive => Some((name, text)),
            _ => None,
        };
        Ok(Document {
            version: version.flatten(),
            format_version: format_version.flatten(),
            serial: serial.flatten(),
            lineage: lineage.flatten(),
            terraform_version: terraform_version.flatten(),
            values: values.flatten(),
            outputs: outputs.unwrap_or_default().into_iter().filter_map(told).collect(),
            is_plan,
        })
    }
}
