//! The plan JSON: `terraform show -json PLANFILE`.
//!
//! After "JSON Output Format" (Terraform documentation): unknown properties are ignored, any minor of `format_version` 1 is
//! accepted, another major is refused. `errored` and `complete` are absent in plans of older Terraform; absent
//! means an older writer, not false.

mod change;
mod document;

use crate::address::Address;
use crate::behind::Behind;
use crate::code::Configuration;
use crate::configuration::PlanConfiguration;
use crate::error::{Problem, ReadError};
use crate::groups::{self, Inline, Source, View};
use crate::parallel;
use crate::resource::{Action, Instance, Kind, nothing};
use crate::sensitive::{Places, Sensitive};
use crate::shown::{self, Values};
use crate::tree::Tree;
use change::{Actions, Change};
pub(crate) use document::Document;
use portcullis_secgroup::Direction;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// The same error as it is found when all is read at once: then it names the place in the file.
fn in_place(text: &str, error: serde_json::Error) -> serde_json::Error {
    Document::read(text, &mut |_: Change<'_>| {})
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
    refresh_only: bool,
    before: Vec<Instance>,
    after: Vec<Instance>,
    removed: Vec<Instance>,
    untouched: BTreeSet<String>,
    configuration: Option<PlanConfiguration>,
    code: Option<Configuration>,
    problems: Vec<Problem>,
    sensitive: Sensitive,
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`ReadError`] when the text is no plan JSON, or of an unknown major version.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        ReadError::unless_object("plan", text)?;
        let json = |source| ReadError::Json { what: "plan", source };
        // One core passes over the document, and the others read the configuration and the changes that it finds.
        let ((read, parts), ahead) = parallel::both(
            text,
            || {
                parallel::in_batches(
                    |each| {
                        let document = Document::read(text, each)?;
                        let mut places = Places::new(text);
                        places.document(&document)?;
                        Ok((document, places.sensitive))
                    },
                    |changes: Vec<&RawValue>| Part::read(text, &changes),
                )
            },
            || PlanConfiguration::ahead(text),
        );
        let (document, sensitive) = read.map_err(|error| json(in_place(text, error)))?;
        let configuration = document.configuration.map(|raw| match ahead {
            Some((place, read)) if std::ptr::eq(place.as_ptr(), raw.get().as_ptr()) => read,
            _ => serde_json::from_str(raw.get()),
        });
        let configuration = configuration
            .transpose()
            .map_err(|error| json(in_place(text, error)))?;
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
        if !document.has_changes && document.prior_state.is_none() && document.configuration.is_none() {
            return Err(ReadError::Shape {
                what: "plan",
                why: "it has neither resource_changes, prior_state nor configuration".to_owned(),
            });
        }
        let mut partial = Vec::new();
        if document.errored {
            partial.push("terraform could not finish the plan (errored)".to_owned());
        }
        if document.complete == Some(false) && !document.errored {
            partial
                .push("the plan leaves something out (complete is false: -target, or deferred)".to_owned());
        }
        let deferred = document.deferred_changes.len();
        if deferred > 0 {
            partial.push(format!("{deferred} changes are deferred to a later plan"));
        }
        let mut plan = Self {
            terraform_version: document.terraform_version,
            counts: ActionCounts::default(),
            rules_rewritten: 0,
            outputs_change: document
                .output_changes
                .values()
                .any(|change| change.actions.iter().any(|action| action != "no-op")),
            partial,
            refresh_only: !document.has_changes,
            before: Vec::new(),
            after: Vec::new(),
            removed: Vec::new(),
            untouched: BTreeSet::new(),
            configuration,
            code: None,
            problems: Vec::new(),
            sensitive,
        };
        let mut touched: HashSet<Cow<'_, str>> = HashSet::new();
        let mut gone: Vec<Instance> = Vec::new();
        let parts: Vec<Part<'_>> = parts
            .into_iter()
            .collect::<Result<_, _>>()
            .map_err(|error| json(in_place(text, error)))?;
        for mut part in parts {
            gone.append(&mut part.deposed);
            let addresses = plan.add(part);
            // Only a prior state is told apart by them.
            if document.prior_state.is_some() {
                touched.extend(addresses);
            }
        }
        let deposed: BTreeSet<(&str, Option<&str>)> = gone
            .iter()
            .map(|instance| (instance.address.as_str(), instance.id()))
            .collect();
        if let Some(prior) = &document.prior_state {
            plan.before.clear();
            let objects = prior.values.as_ref().map(Values::objects).unwrap_or_default();
            for part in parallel::in_parts(&objects, shown::instances) {
                for instance in part.map_err(json)? {
                    let gone = || deposed.contains(&(instance.address.as_str(), instance.id()));
                    if !touched.contains(instance.address.as_str()) && !gone() {
                        if !instance.values.is_object() {
                            plan.problems.push(not_shown(&instance.address, "prior_state"));
                        }
                        plan.untouched.insert(instance.address.clone());
                        plan.after.push(instance.clone());
                    }
                    plan.before.push(instance);
                }
            }
        }
        // Terraform leaves out the key where there is nothing to list, too (`jsonplan`, `omitempty`): that is nothing to miss
        // where neither the code nor the state has anything that matters.
        let is_managed = |instance: &Instance| !instance.is_data();
        let is_bare = || {
            plan.configuration
                .as_ref()
                .is_some_and(|all| !all.may_have_resources())
        };
        if !document.has_changes && (!is_bare() || plan.before.iter().any(is_managed)) {
            let why = "the plan refreshes the state only (no resource_changes)";
            plan.partial.push(why.to_owned());
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
        let mut view = groups::build(&Source {
            instances: &self.before,
            behind: Behind::default(),
            removed: &BTreeMap::new(),
            gone: &[],
            untouched: &BTreeSet::new(),
        })?;
        if let Some(code) = &self.code {
            for group in &mut view.groups {
                // How the rules were written, no more: whose they were the plan shows by itself.
                if let Some(written) = written_inside(group, code) {
                    [group.inline_ingress, group.inline_egress] = written;
                }
            }
        }
        Ok(view)
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
            gone: &self.removed,
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

    /// Whether it changes the state only, as `-refresh-only` does: then it says nothing of what the code asks for.
    #[must_use]
    pub fn is_refresh_only(&self) -> bool {
        self.refresh_only
    }

    /// What is marked sensitive in it: the same that [`Sensitive::of_plan`] finds in the text.
    #[must_use]
    pub fn sensitive(&self) -> &Sensitive {
        &self.sensitive
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
        self.sensitive.extend(part.sensitive);
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
    sensitive: Sensitive,
    /// The addresses of the changes.
    touched: Vec<Cow<'a, str>>,
    /// Deposed objects that go: the current object at the address is another one.
    deposed: Vec<Instance>,
}

impl<'a> Part<'a> {
    fn read(text: &'a str, changes: &[&'a RawValue]) -> Result<Self, serde_json::Error> {
        let mut part = Self::default();
        let mut places = Places::new(text);
        for raw in changes {
            let change: Change<'a> = serde_json::from_str(raw.get())?;
            if change.sides.may_be_marked() {
                places.change(raw)?;
            }
            part.add_change(change)?;
        }
        part.sensitive = places.sensitive;
        Ok(part)
    }

    fn add_change(&mut self, change: Change<'a>) -> Result<(), serde_json::Error> {
        if !change.deposed {
            self.touched.push(change.address.clone());
        }
        self.touched.extend(change.previous_address.clone());
        let action = match &change.sides.actions {
            Actions::Known(action) => *action,
            Actions::Unknown(words) => {
                self.problems.push(Problem {
                    address: change.address.into_owned(),
                    what: format!("action {words} is not known to this version"),
                });
                return Ok(());
            }
        };
        self.count(&change, action);
        let Some(kind) = change.kind else {
            return Ok(());
        };
        let (address, sides) = (change.address, change.sides);
        let (before, after) = shared(sides.before, sides.after);
        let instance = |values: &Arc<Tree>, unknown, sensitive, action| {
            let mut out = Instance::new(address.clone().into_owned(), kind, Arc::clone(values), sensitive);
            out.action = action;
            out.deposed = change.deposed;
            out.unknown = unknown;
            out.before = Arc::clone(&before);
            out
        };
        let marks = shown::marks(sides.before_sensitive)?;
        let as_before = |action| instance(&before, Tree::Null, marks.clone(), action);
        if (kind.is_group() || kind.is_rule())
            && !matches!(action, Action::Keep | Action::Forget)
            && !change.deposed
        {
            self.rules_rewritten += rewritten(kind, &before, &after);
        }
        if change.deposed {
            self.deposed.push(as_before(Action::Keep));
        }
        let shown = match action {
            Action::Delete => kind != Kind::DefaultGroup || before.is_object(),
            Action::Forget => before.is_object(),
            _ => after.is_object(),
        };
        if !shown {
            let side = if matches!(action, Action::Delete | Action::Forget) {
                "before"
            } else {
                "after"
            };
            self.problems.push(not_shown(&address, side));
        }
        // Of a plan with a prior state, that one counts.
        if !before.is_null() {
            self.before.push(as_before(Action::Keep));
        }
        let goes = match action {
            Action::Update => kind.is_rule() || kind == Kind::PrefixListEntry,
            Action::Replace | Action::Delete => {
                kind.is_rule() || matches!(kind, Kind::PrefixListEntry | Kind::Group)
            }
            _ => false,
        };
        if goes && !before.is_null() {
            self.removed.push(as_before(Action::Delete));
        }
        match action {
            // Terraform can't delete a default group: its rules stay.
            Action::Delete if kind == Kind::DefaultGroup => self.after.push(as_before(Action::Forget)),
            Action::Delete => {}
            Action::Forget => self.after.push(as_before(Action::Forget)),
            _ => {
                if action == Action::CreateAndForget {
                    self.after.push(as_before(Action::Forget));
                }
                let marks = shown::marks(sides.after_sensitive)?;
                self.after
                    .push(instance(&after, sides.after_unknown, marks, action));
            }
        }
        Ok(())
    }

    fn count(&mut self, change: &Change<'_>, action: Action) {
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
        counts.import += usize::from(change.sides.importing);
        counts.moved += usize::from(action == Action::Keep && change.previous_address.is_some());
    }
}

/// Both sides of a change. What is the same on both is held once, and nothing but once for all.
fn shared(before: Tree, after: Tree) -> (Arc<Tree>, Arc<Tree>) {
    let share = |tree| match tree {
        Tree::Null => nothing(),
        tree => Arc::new(tree),
    };
    if before == after {
        let both = share(before);
        return (Arc::clone(&both), both);
    }
    (share(before), share(after))
}

/// The problem of an object that stays, or is made, and of which there is nothing to see.
fn not_shown(address: &str, side: &str) -> Problem {
    Problem {
        address: address.to_owned(),
        what: format!("its values are not there ({side} is no object)"),
    }
}

/// How many rules a change of this object writes or takes away.
fn rewritten(kind: Kind, before: &Tree, after: &Tree) -> usize {
    if kind.is_rule() {
        return 1;
    }
    let of = |attribute| {
        let (before, after) = (blocks(before, attribute), blocks(after, attribute));
        if before == after {
            return 0;
        }
        if before.is_empty() || after.is_empty() {
            return before.len().max(after.len());
        }
        // Compared as text, which can be sorted: a group may have very many rules.
        let texts = |blocks: &[Tree]| -> BTreeSet<String> {
            blocks.iter().map(|block| format!("{block:?}")).collect()
        };
        let (before, after) = (texts(before), texts(after));
        before
            .difference(&after)
            .count()
            .max(after.difference(&before).count())
    };
    of("ingress") + of("egress")
}

fn blocks<'t>(values: &'t Tree, attribute: &str) -> &'t [Tree] {
    values.get(attribute).and_then(Tree::as_array).unwrap_or_default()
}

/// Whether the code writes rules of each direction inside the group.
fn written_inside(group: &groups::TerraformGroup, code: &Configuration) -> Option<[Inline; 2]> {
    let block = code.find(&Address::parse(group.address.as_deref()?)?)?;
    let told = |inside: bool| if inside { Inline::Declared } else { Inline::Absent };
    Some([told(block.inline_ingress), told(block.inline_egress)])
}

fn tell_inline(group: &mut groups::TerraformGroup, code: &Configuration) {
    let Some([ingress, egress]) = written_inside(group, code) else {
        return;
    };
    for (state, direction, told) in [
        (&mut group.inline_ingress, Direction::Ingress, ingress),
        (&mut group.inline_egress, Direction::Egress, egress),
    ] {
        if *state == Inline::CannotTell {
            *state = told;
            if told == Inline::Declared {
                let echoes = group
                    .rules
                    .iter_mut()
                    .filter(|owned| owned.rule.direction == direction);
                for owned in echoes.filter(|owned| owned.origin == groups::Origin::Echo) {
                    owned.origin = groups::Origin::Inline;
                }
            } else {
                group.rules.retain(|owned| {
                    owned.rule.direction != direction || owned.origin != groups::Origin::Inline
                });
            }
        }
    }
}
