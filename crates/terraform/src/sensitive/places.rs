//! Where the marked values stand in a document's text.

use super::{MASKED, Sensitive, Spans};
use crate::error::ReadError;
use crate::plan::Document;
use crate::shown::{Output, Raw, Values, may_mark};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

type Members<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// The marked places of one text.
pub(crate) struct Places<'a> {
    text: &'a str,
    pub(super) spans: Spans,
    pub(crate) sensitive: Sensitive,
}

/// A resource change, or drift.
#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, default)]
    address: Cow<'a, str>,
    #[serde(borrow, default)]
    change: Option<Change<'a>>,
}

#[derive(Deserialize)]
struct Change<'a> {
    #[serde(borrow, default)]
    before: Raw<'a>,
    #[serde(borrow, default)]
    after: Raw<'a>,
    #[serde(borrow, default)]
    before_sensitive: Raw<'a>,
    #[serde(borrow, default)]
    after_sensitive: Raw<'a>,
}

/// `configuration`, as far as its modules' variables go.
#[derive(Deserialize)]
struct Code<'a> {
    #[serde(borrow, default)]
    root_module: Option<CodeModule<'a>>,
}

#[derive(Deserialize)]
struct CodeModule<'a> {
    #[serde(borrow, default)]
    variables: BTreeMap<Cow<'a, str>, Declared<'a>>,
    #[serde(borrow, default)]
    module_calls: BTreeMap<Cow<'a, str>, Call<'a>>,
}

#[derive(Deserialize)]
struct Declared<'a> {
    #[serde(default)]
    sensitive: bool,
    #[serde(borrow, default)]
    default: Raw<'a>,
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow, default)]
    module: Option<CodeModule<'a>>,
}

/// A state: raw, or as `show -json` writes it.
#[derive(Deserialize)]
struct State<'a> {
    #[serde(borrow, default)]
    outputs: BTreeMap<Cow<'a, str>, Output<'a>>,
    #[serde(borrow, default)]
    resources: Vec<Recorded<'a>>,
    #[serde(borrow, default)]
    values: Option<Values<'a, true>>,
}

#[derive(Deserialize)]
struct Recorded<'a> {
    #[serde(borrow, default)]
    instances: Vec<Instance<'a>>,
}

#[derive(Deserialize)]
struct Instance<'a> {
    #[serde(borrow, default)]
    attributes: Raw<'a>,
    #[serde(default)]
    sensitive_attributes: Vec<Vec<Step>>,
}

/// A step of a path: `{"type": "get_attr", "value": "description"}`, or `index` with a value of type and value.
#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    value: Value,
}

impl<'a> Places<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            spans: Spans::new(),
            sensitive: Sensitive::default(),
        }
    }

    pub(super) fn of_plan(text: &'a str) -> Result<Self, ReadError> {
        ReadError::unless_object("plan", text)?;
        let json = |source| ReadError::Json { what: "plan", source };
        let mut places = Self::new(text);
        let mut changes: Vec<&'a RawValue> = Vec::new();
        let document = Document::read(text, &mut |change| changes.push(change)).map_err(json)?;
        places.document(&document).map_err(json)?;
        for change in changes {
            places.change(change).map_err(json)?;
        }
        Ok(places)
    }

    pub(super) fn of_state(text: &'a str) -> Result<Self, ReadError> {
        let mut places = Self::new(text);
        places.read_state().map_err(|source| ReadError::Json {
            what: "state",
            source,
        })?;
        Ok(places)
    }

    /// Those of a plan, without its resource changes.
    pub(crate) fn document(&mut self, document: &Document<'a>) -> Result<(), serde_json::Error> {
        if let Some(root) = code(document.configuration)? {
            let is_sensitive = |name: &str| root.variables.get(name).is_some_and(|known| known.sensitive);
            for (_, variable) in document.variables.iter().filter(|(name, _)| is_sensitive(name)) {
                self.mark(variable.value)?;
            }
            self.defaults(&root)?;
        }
        if let Some(values) = &document.planned_values {
            self.shown(values)?;
        }
        if let Some(values) = document
            .prior_state
            .as_ref()
            .and_then(|prior| prior.values.as_ref())
        {
            self.shown(values)?;
        }
        let deferred = document.deferred_changes.iter();
        let changes = deferred.filter_map(|deferred| deferred.resource_change);
        for change in changes.chain(document.resource_drift.iter().copied()) {
            self.change(change)?;
        }
        for action in &document.action_invocations {
            self.resource("", action.config_values, action.config_sensitive)?;
        }
        for (name, change) in &document.output_changes {
            for (value, marks) in [
                (change.before, change.before_sensitive),
                (change.after, change.after_sensitive),
            ] {
                if let Some(marks) = told(marks)? {
                    self.sensitive.outputs.insert(name.clone().into_owned());
                    self.under(value, &marks)?;
                }
            }
        }
        Ok(())
    }

    /// Those of a resource change.
    pub(crate) fn change(&mut self, change: &'a RawValue) -> Result<(), serde_json::Error> {
        let resource: Resource<'a> = serde_json::from_str(change.get())?;
        let Some(change) = resource.change else {
            return Ok(());
        };
        for (value, marks) in [
            (change.before, change.before_sensitive),
            (change.after, change.after_sensitive),
        ] {
            self.resource(&resource.address, value, marks)?;
        }
        Ok(())
    }

    fn read_state(&mut self) -> Result<(), serde_json::Error> {
        let state: State<'a> = serde_json::from_str(self.text)?;
        self.outputs(&state.outputs)?;
        if let Some(shown) = &state.values {
            self.shown(shown)?;
        }
        for instance in state.resources.iter().flat_map(|resource| &resource.instances) {
            for path in &instance.sensitive_attributes {
                self.at(instance.attributes, path)?;
            }
        }
        Ok(())
    }

    fn defaults(&mut self, module: &CodeModule<'a>) -> Result<(), serde_json::Error> {
        for declared in module.variables.values().filter(|declared| declared.sensitive) {
            self.mark(declared.default)?;
        }
        for called in module
            .module_calls
            .values()
            .filter_map(|call| call.module.as_ref())
        {
            self.defaults(called)?;
        }
        Ok(())
    }

    fn shown<const MARKED_ONLY: bool>(
        &mut self,
        values: &Values<'a, MARKED_ONLY>,
    ) -> Result<(), serde_json::Error> {
        self.outputs(&values.outputs)?;
        for object in values.objects() {
            let address = object.address.as_ref().map_or("", |text| &*text.0);
            self.resource(address, object.values, object.sensitive_values)?;
        }
        Ok(())
    }

    fn outputs(&mut self, outputs: &BTreeMap<Cow<'a, str>, Output<'a>>) -> Result<(), serde_json::Error> {
        for (name, output) in outputs.iter().filter(|(_, output)| output.sensitive) {
            self.sensitive.outputs.insert(name.clone().into_owned());
            self.mark(output.value)?;
        }
        Ok(())
    }

    /// An object of a resource. Marked as a whole it keeps its attributes' names: they are the provider's, no secret.
    fn resource(&mut self, address: &str, value: Raw<'a>, marks: Raw<'a>) -> Result<(), serde_json::Error> {
        let (Some(marks), Some(value)) = (told(marks)?, value) else {
            return Ok(());
        };
        let members: Members<'a> = match serde_json::from_str(value.get()) {
            Ok(members) => members,
            Err(_) => return self.under(Some(value), &marks),
        };
        for (name, value) in members {
            let marks = match &marks {
                Value::Object(marks) => marks.get(name.as_ref()),
                whole => Some(whole),
            };
            let Some(marks) = marks.filter(|marks| holds_true(marks)) else {
                continue;
            };
            let attributes = self.sensitive.attributes.entry(address.to_owned()).or_default();
            attributes.insert(name.into_owned());
            self.under(Some(value), marks)?;
        }
        Ok(())
    }

    /// What stands under the marks, which mirror the value's form; `true` marks all below it.
    fn under(&mut self, value: Raw<'a>, marks: &Value) -> Result<(), serde_json::Error> {
        let Some(value) = value else { return Ok(()) };
        match marks {
            Value::Bool(true) => self.mark(Some(value)),
            Value::Object(marks) if value.get().starts_with('{') => {
                let members: Members<'a> = serde_json::from_str(value.get())?;
                for (name, marks) in marks {
                    self.under(members.get(name.as_str()).copied(), marks)?;
                }
                Ok(())
            }
            Value::Array(marks) if value.get().starts_with('[') => {
                let items: Vec<&'a RawValue> = serde_json::from_str(value.get())?;
                // A set is written in another order than its marks may be, so one mark hides all of it.
                if items.len() != marks.len() && marks.iter().any(holds_true) {
                    return self.mark(Some(value));
                }
                for (value, marks) in items.into_iter().zip(marks) {
                    self.under(Some(value), marks)?;
                }
                Ok(())
            }
            // Marks of another form than the value: hidden rather than shown.
            Value::Object(_) | Value::Array(_) if holds_true(marks) => self.mark(Some(value)),
            _ => Ok(()),
        }
    }

    /// What stands at the end of a path. Where the path leads into a set, the set as a whole.
    fn at(&mut self, value: Raw<'a>, path: &[Step]) -> Result<(), serde_json::Error> {
        let Some(value) = value else { return Ok(()) };
        let Some((step, rest)) = path.split_first() else {
            return self.mark(Some(value));
        };
        // An index says its own type beside its value.
        let key = step.value.get("value").unwrap_or(&step.value);
        let below = match (key, value.get().as_bytes().first()) {
            (Value::String(name), Some(b'{')) => {
                let members: Members<'a> = serde_json::from_str(value.get())?;
                members.get(name.as_str()).copied()
            }
            (Value::Number(number), Some(b'[')) => {
                let items: Vec<&'a RawValue> = serde_json::from_str(value.get())?;
                let index = number.as_u64().and_then(|index| usize::try_from(index).ok());
                index.and_then(|index| items.get(index).copied())
            }
            _ => return self.mark(Some(value)),
        };
        self.at(below, rest)
    }

    fn mark(&mut self, value: Raw<'a>) -> Result<(), serde_json::Error> {
        let Some(value) = value.filter(|value| value.get() != "null") else {
            return Ok(());
        };
        // A part of the text itself, so the addresses tell where it stands.
        let start = (value.get().as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        self.spans.push(start..start.saturating_add(value.get().len()));
        self.sensitive.marked += 1;
        let leaves: Value = serde_json::from_str(value.get())?;
        self.leaves(&leaves);
        Ok(())
    }

    fn leaves(&mut self, value: &Value) {
        match value {
            Value::String(text) if text != MASKED => self.sensitive.insert(text),
            Value::Array(items) => items.iter().for_each(|item| self.leaves(item)),
            Value::Object(members) => {
                for (name, value) in members {
                    self.sensitive.insert(name);
                    self.leaves(value);
                }
            }
            _ => {}
        }
    }
}

/// The root module of a plan's `configuration`. Where nothing is declared sensitive, nothing is read.
fn code(raw: Raw<'_>) -> Result<Option<CodeModule<'_>>, serde_json::Error> {
    match raw.filter(|raw| super::marks::may_be_there(raw.get())) {
        Some(raw) => Ok(serde_json::from_str::<Code<'_>>(raw.get())?.root_module),
        None => Ok(None),
    }
}

/// The marks, when there is one among them. Nearly always there is none, and then nothing is read.
fn told(marks: Raw<'_>) -> Result<Option<Value>, serde_json::Error> {
    match marks.filter(|marks| may_mark(marks)) {
        Some(marks) => Ok(Some(serde_json::from_str(marks.get())?)),
        None => Ok(None),
    }
}

fn holds_true(marks: &Value) -> bool {
    match marks {
        Value::Bool(mark) => *mark,
        Value::Array(items) => items.iter().any(holds_true),
        Value::Object(members) => members.values().any(holds_true),
        _ => false,
    }
}
