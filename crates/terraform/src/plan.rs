//! The plan JSON: `terraform show -json PLANFILE`.
//!
//! After "JSON Output Format" (Terraform documentation): unknown properties are ignored, any minor of `format_version` 1 is
//! accepted, another major is refused. `errored` and `complete` are absent in plans of older Terraform; absent
//! means an older writer, not false.

use crate::address::Address;
use crate::behind::Behind;
use crate::code::Configuration;
use crate::configuration::PlanConfiguration;
use crate::error::{Problem, ReadError};
use crate::groups::{self, Inline, Source, View};
use crate::parallel;
use crate::resource::{Action, Instance, Kind};
use crate::tree::Tree;
use portcullis_secgroup::Direction;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

/// A plan whose resource changes are read as `C`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "C: Deserialize<'de>"))]
struct Document<'a, C> {
    format_version: Option<String>,
    terraform_version: Option<String>,
    resource_changes: Option<Vec<C>>,
    #[serde(borrow)]
    prior_state: Option<Prior<'a>>,
    #[serde(borrow)]
    configuration: Option<&'a RawValue>,
    deferred_changes: Option<Vec<IgnoredAny>>,
    output_changes: Option<BTreeMap<String, OutputChange>>,
    errored: Option<bool>,
    complete: Option<bool>,
}

#[derive(Deserialize)]
struct OutputChange {
    #[serde(default)]
    actions: Vec<String>,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    address: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    previous_address: Option<Cow<'a, str>>,
    #[serde(default)]
    deposed: Option<Box<str>>,
    #[serde(borrow)]
    change: Change<'a>,
}

/// A change's actions, or the words that are not understood.
enum Actions {
    Known(Action),
    Unknown(Box<str>),
}

impl<'de> Deserialize<'de> for Actions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        Ok(Action::of(&words).map_or_else(|| Self::Unknown(words.join("+").into()), Self::Known))
    }
}

#[derive(Deserialize)]
struct Change<'a> {
    actions: Actions,
    #[serde(borrow, default)]
    before: Option<&'a RawValue>,
    #[serde(borrow, default)]
    after: Option<&'a RawValue>,
    #[serde(borrow, default)]
    after_unknown: Option<&'a RawValue>,
    #[serde(borrow, default)]
    before_sensitive: Option<&'a RawValue>,
    #[serde(borrow, default)]
    after_sensitive: Option<&'a RawValue>,
    #[serde(default)]
    importing: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Prior<'a> {
    #[serde(borrow, default)]
    values: Option<Values<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Values<'a> {
    #[serde(borrow, default)]
    pub(crate) root_module: Option<Module<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Module<'a> {
    #[serde(borrow, default)]
    resources: Vec<Shown<'a>>,
    #[serde(borrow, default)]
    child_modules: Vec<Module<'a>>,
}

#[derive(Deserialize)]
struct Shown<'a> {
    #[serde(borrow)]
    address: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    values: Option<&'a RawValue>,
    #[serde(borrow, default)]
    sensitive_values: Option<&'a RawValue>,
}

/// The same error as it is found when all is read at once: then it names the place in the file.
fn in_place(text: &str, error: serde_json::Error) -> serde_json::Error {
    serde_json::from_str::<Document<'_, Head<'_>>>(text)
        .err()
        .unwrap_or(error)
}

/// How many resources a plan creates, updates, and so on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ActionCounts {
    /// New objects, replacements not among them.
    pub create: usize,
    /// Objects changed in place.
    pub update: usize,
    /// Objects that go, replacements not among them.
    pub delete: usize,
    /// Objects that go and are made anew.
    pub replace: usize,
    /// Objects taken under Terraform's control.
    pub import: usize,
    /// Objects that leave the state and stay live.
    pub forget: usize,
    /// Objects that only get another address.
    pub moved: usize,
}

impl ActionCounts {
    fn add(&mut self, other: Self) {
        let Self {
            create,
            update,
            delete,
            replace,
            import,
            forget,
            moved,
        } = other;
        self.create += create;
        self.update += update;
        self.delete += delete;
        self.replace += replace;
        self.import += import;
        self.forget += forget;
        self.moved += moved;
    }
}

/// A plan, as far as security groups go.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The Terraform that wrote it, when it says so.
    pub terraform_version: Option<String>,
    counts: ActionCounts,
    rules_rewritten: usize,
    outputs_change: bool,
    partial: Vec<String>,
    before: Vec<Instance>,
    after: Vec<Instance>,
    removed: Vec<Instance>,
    untouched: BTreeSet<String>,
    configuration: Option<PlanConfiguration>,
    code: Option<Configuration>,
    problems: Vec<Problem>,
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`ReadError`] when the text is no plan JSON, or of an unknown major version.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        ReadError::unless_object("plan", text)?;
        let json = |source| ReadError::Json { what: "plan", source };
        // Change by change, so that only one is held at a time.
        let document: Document<'_, &RawValue> =
            serde_json::from_str(text).map_err(|error| json(in_place(text, error)))?;
        let Some(version) = document.format_version else {
            return Err(ReadError::Shape {
                what: "plan",
                why: "it has no format_version".to_owned(),
            });
        };
        if version.split('.').next() != Some("1") {
            return Err(ReadError::Version {
                what: "plan",
                found: version,
                known: "1.x",
            });
        }
        if document.resource_changes.is_none()
            && document.prior_state.is_none()
            && document.configuration.is_none()
        {
            return Err(ReadError::Shape {
                what: "plan",
                why: "it has neither resource_changes, prior_state nor configuration".to_owned(),
            });
        }
        let mut partial = Vec::new();
        if document.errored == Some(true) {
            partial.push("terraform could not finish the plan (errored)".to_owned());
        }
        if document.complete == Some(false) && document.errored != Some(true) {
            partial
                .push("the plan leaves something out (complete is false: -target, or deferred)".to_owned());
        }
        let deferred = document.deferred_changes.map_or(0, |changes| changes.len());
        if deferred > 0 {
            partial.push(format!("{deferred} changes are deferred to a later plan"));
        }
        if document.resource_changes.is_none() {
            partial.push("the plan refreshes the state only (no resource_changes)".to_owned());
        }
        let configuration = document
            .configuration
            .map(|raw| serde_json::from_str(raw.get()))
            .transpose()
            .map_err(json)?;
        let outputs_change = document
            .output_changes
            .unwrap_or_default()
            .values()
            .any(|change| change.actions.iter().any(|action| action != "no-op"));
        let mut plan = Self {
            terraform_version: document.terraform_version,
            counts: ActionCounts::default(),
            rules_rewritten: 0,
            outputs_change,
            partial,
            before: Vec::new(),
            after: Vec::new(),
            removed: Vec::new(),
            untouched: BTreeSet::new(),
            configuration,
            code: None,
            problems: Vec::new(),
        };
        let has_prior = document.prior_state.is_some();
        let changes = document.resource_changes.unwrap_or_default();
        let mut touched: BTreeSet<Cow<'_, str>> = BTreeSet::new();
        for part in parallel::in_parts(&changes, |part| Part::read(part, has_prior)) {
            let part = part.map_err(|error| json(in_place(text, error)))?;
            touched.extend(plan.add(part));
        }
        if let Some(root) = document
            .prior_state
            .and_then(|prior| prior.values)
            .and_then(|values| values.root_module)
        {
            for instance in shown(&root).map_err(json)? {
                if !touched.contains(instance.address.as_str()) {
                    plan.untouched.insert(instance.address.clone());
                    plan.after.push(instance.clone());
                }
                plan.before.push(instance);
            }
        }
        Ok(plan)
    }

    /// The same plan, read with the code it was made from: only the code tells a group with a `dynamic` block from one
    /// without inline rules.
    #[must_use]
    pub fn with_code(mut self, code: Configuration) -> Self {
        self.code = Some(code);
        self
    }

    /// What is there before the change: the refreshed prior state.
    ///
    /// # Errors
    /// [`ReadError::Rule`] for a rule that makes no sense.
    pub fn before(&self) -> Result<View, ReadError> {
        groups::build(&Source {
            instances: &self.before,
            behind: Behind::default(),
            removed: &BTreeMap::new(),
            untouched: &BTreeSet::new(),
        })
    }

    /// What is there after the change: planned objects, what the plan leaves alone, what Terraform only forgets, and rules made
    /// by hand as far as the refreshed state shows them.
    ///
    /// # Errors
    /// [`ReadError::Rule`] for a rule that makes no sense.
    pub fn after(&self) -> Result<View, ReadError> {
        let removed = groups::resource_keys(&self.removed)?;
        let mut view = groups::build(&Source {
            instances: &self.after,
            behind: Behind {
                configuration: self.configuration.as_ref(),
                code: self.code.as_ref(),
            },
            removed: &removed,
            untouched: &self.untouched,
        })?;
        if let Some(code) = &self.code {
            for group in &mut view.groups {
                tell_inline(group, code);
            }
        }
        view.problems.extend(self.problems.iter().cloned());
        view.problems.sort();
        view.problems.dedup();
        Ok(view)
    }

    /// Why the plan does not show everything; empty when it does.
    #[must_use]
    pub fn partial(&self) -> &[String] {
        &self.partial
    }

    /// How many resources of any type are created, updated, and so on.
    #[must_use]
    pub fn counts(&self) -> ActionCounts {
        self.counts
    }

    /// How many security-group rules, in rule resources or groups, the plan writes anew.
    #[must_use]
    pub fn rules_rewritten(&self) -> usize {
        self.rules_rewritten
    }

    /// Whether there is nothing to do: no resource and no output changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts == ActionCounts::default() && !self.outputs_change
    }

    /// Adds what stands in a part of the changes; gives the addresses they speak of.
    fn add<'a>(&mut self, part: Part<'a>) -> Vec<Cow<'a, str>> {
        self.counts.add(part.counts);
        self.rules_rewritten += part.rules_rewritten;
        self.before.extend(part.before);
        self.after.extend(part.after);
        self.removed.extend(part.removed);
        self.problems.extend(part.problems);
        part.touched
    }
}

/// What one part of a plan's changes comes to.
#[derive(Default)]
struct Part<'a> {
    counts: ActionCounts,
    rules_rewritten: usize,
    before: Vec<Instance>,
    after: Vec<Instance>,
    removed: Vec<Instance>,
    problems: Vec<Problem>,
    /// The addresses of the changes, where a prior state is told apart by them.
    touched: Vec<Cow<'a, str>>,
}

impl<'a> Part<'a> {
    fn read(changes: &[&'a RawValue], has_prior: bool) -> Result<Self, serde_json::Error> {
        let mut part = Self::default();
        for change in changes {
            let head: Head<'a> = serde_json::from_str(change.get())?;
            if has_prior {
                part.touched.push(head.address.clone());
                part.touched.extend(head.previous_address.clone());
            }
            part.add_change(&head, has_prior)?;
        }
        Ok(part)
    }

    fn add_change(&mut self, head: &Head<'_>, has_prior: bool) -> Result<(), serde_json::Error> {
        let action = match &head.change.actions {
            Actions::Known(action) => *action,
            Actions::Unknown(words) => {
                self.problems.push(Problem {
                    address: head.address.clone().into_owned(),
                    what: format!("action {words} is not known to this version"),
                });
                return Ok(());
            }
        };
        self.count(head, action);
        let Some(kind) = Kind::of(&head.kind) else {
            return Ok(());
        };
        let before = shared(head.change.before)?;
        let instance = |values: Arc<Tree>, unknown: Tree, sensitive: Tree, action: Action| Instance {
            action,
            unknown,
            before: Arc::clone(&before),
            ..Instance::new(head.address.clone().into_owned(), kind, values, sensitive)
        };
        let as_before = |action| -> Result<Instance, serde_json::Error> {
            Ok(instance(
                Arc::clone(&before),
                Tree::Null,
                sensitive(head.change.before_sensitive)?,
                action,
            ))
        };
        let same = match (head.change.before, head.change.after) {
            (Some(before), Some(after)) => before.get() == after.get(),
            _ => false,
        };
        let after = if same {
            Arc::clone(&before)
        } else {
            shared(head.change.after)?
        };
        if (kind.is_group() || kind.is_rule())
            && !matches!(action, Action::Keep | Action::Forget)
            && head.deposed.is_none()
        {
            self.rules_rewritten += rewritten(kind, &before, &after);
        }
        if !has_prior && !before.is_null() {
            self.before.push(as_before(Action::Keep)?);
        }
        if kind.is_rule()
            && matches!(action, Action::Update | Action::Replace | Action::Delete)
            && !before.is_null()
        {
            self.removed.push(as_before(Action::Delete)?);
        }
        match action {
            // Terraform can't delete a default group: its rules stay.
            Action::Delete if kind == Kind::DefaultGroup => self.after.push(as_before(Action::Forget)?),
            Action::Delete => {}
            Action::Forget => self.after.push(as_before(Action::Forget)?),
            _ => {
                if action == Action::CreateAndForget {
                    self.after.push(as_before(Action::Forget)?);
                }
                self.after.push(instance(
                    after,
                    value(head.change.after_unknown)?,
                    sensitive(head.change.after_sensitive)?,
                    action,
                ));
            }
        }
        Ok(())
    }

    fn count(&mut self, head: &Head<'_>, action: Action) {
        let counts = &mut self.counts;
        match action {
            Action::Create => counts.create += 1,
            Action::Update => counts.update += 1,
            Action::Delete => counts.delete += 1,
            Action::Replace => counts.replace += 1,
            Action::Forget => counts.forget += 1,
            Action::CreateAndForget => {
                counts.create += 1;
                counts.forget += 1;
            }
            Action::Keep => {}
        }
        counts.import += usize::from(head.change.importing.is_some());
        counts.moved += usize::from(action == Action::Keep && head.previous_address.is_some());
    }
}

/// How many rules a change of this object writes or takes away.
fn rewritten(kind: Kind, before: &Tree, after: &Tree) -> usize {
    if kind.is_rule() {
        return 1;
    }
    ["ingress", "egress"]
        .iter()
        .map(|attribute| {
            let (before, after) = (before.get(attribute), after.get(attribute));
            if before == after {
                return 0;
            }
            // Compared as text, which can be sorted: a group may have very many rules.
            let rules = |values: Option<&Tree>| -> Vec<String> {
                let blocks = values.and_then(Tree::as_array).unwrap_or_default();
                blocks.iter().map(|block| format!("{block:?}")).collect()
            };
            let (before, after) = (rules(before), rules(after));
            let missing = |some: &[String], others: &[String]| {
                let others: BTreeSet<&String> = others.iter().collect();
                some.iter().filter(|rule| !others.contains(rule)).count()
            };
            missing(&before, &after).max(missing(&after, &before))
        })
        .sum()
}

fn tell_inline(group: &mut groups::TerraformGroup, code: &Configuration) {
    let Some(address) = group.address.as_deref().and_then(Address::parse) else {
        return;
    };
    let Some(block) = code.find(&address) else { return };
    let told = |inside: bool| if inside { Inline::Declared } else { Inline::Absent };
    for (state, direction, inside) in [
        (
            &mut group.inline_ingress,
            Direction::Ingress,
            block.inline_ingress,
        ),
        (&mut group.inline_egress, Direction::Egress, block.inline_egress),
    ] {
        if *state == Inline::CannotTell {
            *state = told(inside);
            if inside {
                let echoes = group
                    .rules
                    .iter_mut()
                    .filter(|owned| owned.rule.direction == direction);
                for owned in echoes.filter(|owned| owned.origin == groups::Origin::Echo) {
                    owned.origin = groups::Origin::Inline;
                }
            }
        }
    }
}

fn value(raw: Option<&RawValue>) -> Result<Tree, serde_json::Error> {
    raw.map_or(Ok(Tree::Null), |raw| serde_json::from_str(raw.get()))
}

fn shared(raw: Option<&RawValue>) -> Result<Arc<Tree>, serde_json::Error> {
    static NOTHING: LazyLock<Arc<Tree>> = LazyLock::new(Arc::default);
    match value(raw)? {
        Tree::Null => Ok(Arc::clone(&NOTHING)),
        tree => Ok(Arc::new(tree)),
    }
}

/// What is marked sensitive. Nearly always nothing is, and then nothing is held.
fn sensitive(raw: Option<&RawValue>) -> Result<Tree, serde_json::Error> {
    value(raw.filter(|raw| raw.get().contains("true")))
}

/// The objects of a `show -json` module tree that matter here.
pub(crate) fn shown(root: &Module<'_>) -> Result<Vec<Instance>, serde_json::Error> {
    let mut out = Vec::new();
    let mut modules = vec![root];
    while let Some(module) = modules.pop() {
        for resource in &module.resources {
            let Some(kind) = Kind::of(&resource.kind) else {
                continue;
            };
            out.push(Instance::new(
                resource.address.clone().into_owned(),
                kind,
                Arc::new(value(resource.values)?),
                sensitive(resource.sensitive_values)?,
            ));
        }
        modules.extend(&module.child_modules);
    }
    Ok(out)
}
