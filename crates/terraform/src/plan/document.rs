//! The plan's document, passed over once. Each resource change is handed on as soon as it is found.

use crate::fields::{Each, once};
use crate::shown::{Raw, Values};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// What a plan says beside its resource changes.
pub(crate) struct Document<'a> {
    pub(super) format_version: Option<String>,
    pub(super) terraform_version: Option<String>,
    pub(crate) variables: BTreeMap<Cow<'a, str>, Variable<'a>>,
    pub(crate) planned_values: Option<Values<'a, true>>,
    pub(super) has_changes: bool,
    pub(crate) resource_drift: Vec<&'a RawValue>,
    pub(crate) deferred_changes: Vec<Deferred<'a>>,
    pub(crate) action_invocations: Vec<Invocation<'a>>,
    pub(crate) output_changes: BTreeMap<Cow<'a, str>, OutputChange<'a>>,
    pub(crate) prior_state: Option<Prior<'a>>,
    pub(crate) configuration: Raw<'a>,
    pub(super) errored: bool,
    /// `Some(false)` where the plan says so; older writers say nothing.
    pub(super) complete: Option<bool>,
}

#[derive(Deserialize)]
pub(crate) struct Prior<'a> {
    #[serde(borrow, default)]
    pub(crate) values: Option<Values<'a, false>>,
}

#[derive(Deserialize)]
pub(crate) struct Variable<'a> {
    #[serde(borrow, default)]
    pub(crate) value: Raw<'a>,
}

#[derive(Deserialize)]
pub(crate) struct Deferred<'a> {
    #[serde(borrow, default)]
    pub(crate) resource_change: Raw<'a>,
}

#[derive(Deserialize)]
pub(crate) struct Invocation<'a> {
    #[serde(borrow, default)]
    pub(crate) config_values: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) config_sensitive: Raw<'a>,
}

#[derive(Deserialize)]
pub(crate) struct OutputChange<'a> {
    #[serde(borrow, default)]
    pub(super) actions: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) before: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) after: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) before_sensitive: Raw<'a>,
    #[serde(borrow, default)]
    pub(crate) after_sensitive: Raw<'a>,
}

impl<'a> Document<'a> {
    /// Reads the document. Its resource changes are read as `C`, and `each` gets one after the other.
    pub(crate) fn read<C: Deserialize<'a>>(
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
    Variables,
    PlannedValues,
    ResourceChanges,
    ResourceDrift,
    DeferredChanges,
    ActionInvocations,
    OutputChanges,
    PriorState,
    Configuration,
    Errored,
    Complete,
    #[serde(other)]
    Other,
}

struct Fields<'f, C>(&'f mut dyn FnMut(C));

impl<'de, C: Deserialize<'de>> Visitor<'de> for Fields<'_, C> {
    type Value = Document<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plan")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut format_version, mut terraform_version) = (None, None);
        let (mut variables, mut planned_values, mut changes, mut drift) = (None, None, None, None);
        let (mut deferred, mut invocations, mut outputs) = (None, None, None);
        let (mut prior_state, mut configuration) = (None, None);
        let (mut errored, mut complete) = (None, None);
        while let Some(field) = map.next_key()? {
            match field {
                Field::FormatVersion => once(&mut format_version, "format_version", map.next_value()?),
                Field::TerraformVersion => {
                    once(&mut terraform_version, "terraform_version", map.next_value()?)
                }
                Field::Variables => once(&mut variables, "variables", map.next_value::<Option<_>>()?),
                Field::PlannedValues => once(&mut planned_values, "planned_values", map.next_value()?),
                Field::ResourceChanges => {
                    let found = map.next_value_seed(Each(&mut *self.0))?;
                    once(&mut changes, "resource_changes", found)
                }
                Field::ResourceDrift => once(&mut drift, "resource_drift", map.next_value::<Option<_>>()?),
                Field::DeferredChanges => {
                    once(&mut deferred, "deferred_changes", map.next_value::<Option<_>>()?)
                }
                Field::ActionInvocations => once(
                    &mut invocations,
                    "action_invocations",
                    map.next_value::<Option<_>>()?,
                ),
                Field::OutputChanges => once(&mut outputs, "output_changes", map.next_value::<Option<_>>()?),
                Field::PriorState => once(&mut prior_state, "prior_state", map.next_value()?),
                Field::Configuration => once(&mut configuration, "configuration", map.next_value()?),
                Field::Errored => once(&mut errored, "errored", map.next_value::<Option<bool>>()?),
                Field::Complete => once(&mut complete, "complete", map.next_value()?),
                Field::Other => map.next_value::<IgnoredAny>().map(|_| ()),
            }?;
        }
        Ok(Document {
            format_version: format_version.flatten(),
            terraform_version: terraform_version.flatten(),
            variables: variables.flatten().unwrap_or_default(),
            planned_values: planned_values.flatten(),
            has_changes: changes.unwrap_or_default(),
            resource_drift: drift.flatten().unwrap_or_default(),
            deferred_changes: deferred.flatten().unwrap_or_default(),
            action_invocations: invocations.flatten().unwrap_or_default(),
            output_changes: outputs.flatten().unwrap_or_default(),
            prior_state: prior_state.flatten(),
            configuration: configuration.flatten(),
            errored: errored.flatten().unwrap_or_default(),
            complete: complete.flatten(),
        })
    }
}
