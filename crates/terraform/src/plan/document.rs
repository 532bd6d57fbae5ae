//! The plan's document, passed over once. Each resource change is handed on as soon as it is found.

use crate::configuration::PlanConfiguration;
use crate::fields::{Each, once};
use crate::shown::Values;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// What a plan says beside its resource changes.
#[derive(Default)]
pub(super) struct Document {
    pub(super) format_version: Option<String>,
    pub(super) terraform_version: Option<String>,
    pub(super) has_changes: bool,
    pub(super) prior_state: Option<Prior>,
    pub(super) configuration: Option<PlanConfiguration>,
    pub(super) deferred: usize,
    pub(super) outputs_change: bool,
    pub(super) errored: bool,
    /// `Some(false)` where the plan says so; older writers say nothing.
    pub(super) complete: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Prior {
    #[serde(default)]
    pub(super) values: Option<Values>,
}

#[derive(Deserialize)]
struct OutputChange {
    #[serde(default)]
    actions: Vec<String>,
}

impl Document {
    /// Reads the document. Its resource changes are read as `C`, and `each` gets one after the other.
    pub(super) fn read<'a, C: Deserialize<'a>>(
        text: &'a str,
        each: &mut dyn FnMut(C),
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
    FormatVersion,
    TerraformVersion,
    ResourceChanges,
    PriorState,
    Configuration,
    DeferredChanges,
    OutputChanges,
    Errored,
    Complete,
    #[serde(other)]
    Other,
}

struct Fields<'f, C>(&'f mut dyn FnMut(C));

impl<'de, C: Deserialize<'de>> Visitor<'de> for Fields<'_, C> {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plan")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let (mut format_version, mut terraform_version) = (None, None);
        let (mut has_changes, mut prior_state, mut configuration) = (None, None, None);
        let (mut deferred, mut outputs, mut errored, mut complete) = (None, None, None, None);
        while let Some(field) = map.next_key()? {
            match field {
                Field::FormatVersion => once(&mut format_version, "format_version", map.next_value()?)?,
                Field::TerraformVersion => {
                    once(&mut terraform_version, "terraform_version", map.next_value()?)?;
                }
                Field::ResourceChanges => {
                    let found = map.next_value_seed(Each(&mut *self.0))?;
                    once(&mut has_changes, "resource_changes", found)?;
                }
                Field::PriorState => once(&mut prior_state, "prior_state", map.next_value()?)?,
                Field::Configuration => once(&mut configuration, "configuration", map.next_value()?)?,
                Field::DeferredChanges => {
                    let changes = map.next_value::<Option<Vec<IgnoredAny>>>()?;
                    once(
                        &mut deferred,
                        "deferred_changes",
                        changes.map_or(0, |all| all.len()),
                    )?;
                }
                Field::OutputChanges => {
                    let changes = map.next_value::<Option<BTreeMap<String, OutputChange>>>()?;
                    once(&mut outputs, "output_changes", changes)?;
                }
                Field::Errored => once(&mut errored, "errored", map.next_value::<Option<bool>>()?)?,
                Field::Complete => once(&mut complete, "complete", map.next_value()?)?,
                Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let changes = |output: &OutputChange| output.actions.iter().any(|action| action != "no-op");
        Ok(Document {
            format_version: format_version.flatten(),
            terraform_version: terraform_version.flatten(),
            has_changes: has_changes.unwrap_or_default(),
            prior_state: prior_state.flatten(),
            configuration: configuration.flatten(),
            deferred: deferred.unwrap_or_default(),
            outputs_change: outputs.flatten().is_some_and(|all| all.values().any(changes)),
            errored: errored.flatten().unwrap_or_default(),
            complete: complete.flatten(),
        })
    }
}
