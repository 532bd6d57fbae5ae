//! What is marked sensitive in Terraform's documents, and the same documents without it.
//!
//! Terraform writes sensitive values in clear into its JSON, with marks beside them ("JSON Output Format",
//! `before_sensitive`, `after_sensitive`, `sensitive_values`). The marks follow the expression, not the value: a rule
//! whose description is marked stands a second time, unmarked, in its group's computed attributes, and there Terraform
//! prints it in clear. So masking is done twice: at each marked place, whatever stands there, and wherever else a value
//! from a marked place comes up, when it is telling enough ([`Sensitive::values`]).

mod marks;
mod parts;
mod places;
mod plan_text;
mod telling;
mod variables;

pub(crate) use marks::may_be_there as may_hold_marks;
pub(crate) use parts::parts;
pub(crate) use places::Places;

pub use parts::SensitiveParts;
pub use variables::{may_hold_variables, sensitive_variables};

use crate::error::ReadError;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What stands in a sensitive value's place; the words that Terraform itself uses.
pub const MASKED: &str = "(sensitive value)";

/// The sensitive values of a document.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sensitive {
    values: BTreeSet<String>,
    marked: usize,
    /// By resource address, the attributes that hold something marked.
    attributes: BTreeMap<String, BTreeSet<String>>,
    outputs: BTreeSet<String>,
}

impl Sensitive {
    /// Those of a plan's JSON. A text without any mark is not read further: whether it is a plan, [`crate::Plan::read`]
    /// tells.
    ///
    /// # Errors
    /// [`ReadError`] when the text is no plan JSON and may hold marks.
    pub fn of_plan(text: &str) -> Result<Self, ReadError> {
        ReadError::unless_object("plan", text)?;
        if !marks::may_be_there(text) {
            return Ok(Self::default());
        }
        Ok(Places::of_plan(text)?.sensitive)
    }

    /// Those of a state, raw or as `show -json` writes it.
    ///
    /// # Errors
    /// [`ReadError`] when the text is no state.
    pub fn of_state(text: &str) -> Result<Self, ReadError> {
        Ok(Places::of_state(text)?.sensitive)
    }

    /// A value that is sensitive by what is known from elsewhere, such as a variable's.
    pub fn add(&mut self, value: &str) {
        self.marked += 1;
        self.insert(value);
    }

    /// The values that can be found and masked in any text without taking ordinary words with them. Left out are values
    /// of fewer than six characters, numbers, plain words of up to eleven small letters, networks so wide that they say
    /// nothing (`0.0.0.0/0`, `10.0.0.0/8`), and ids of AWS objects: those are masked where they are marked, and nowhere
    /// else.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(String::as_str)
    }

    /// How many places are marked and hold something.
    #[must_use]
    pub fn marked(&self) -> usize {
        self.marked
    }

    /// Whether nothing is marked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.marked == 0
    }

    /// Both together.
    pub fn extend(&mut self, other: Self) {
        self.marked += other.marked;
        self.values.extend(other.values);
        self.outputs.extend(other.outputs);
        for (address, attributes) in other.attributes {
            self.attributes.entry(address).or_default().extend(attributes);
        }
    }

    /// What `terraform plan` printed, without what is sensitive: attributes that hold something marked are masked whole,
    /// and the telling values wherever they come up.
    #[must_use]
    pub fn mask_plan_text(&self, text: &str) -> String {
        plan_text::mask(self, text)
    }

    fn insert(&mut self, value: &str) {
        for text in std::iter::once(value).chain(value.lines()) {
            let text = text.trim();
            if telling::is_telling(text) {
                self.values.insert(text.to_owned());
            }
        }
    }
}

impl std::fmt::Debug for Sensitive {
    /// Counts only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sensitive({} marked)", self.marked)
    }
}

/// A plan's JSON without its sensitive values, and what they were.
///
/// It is the same text but for the masked places, byte for byte; marks stay. The same plan gives the same text, and a
/// masked plan masks to itself. [`crate::Plan::read`] reads it, and takes a masked part of a rule for one that is not
/// understood, never for harmless.
///
/// # Errors
/// [`ReadError`] when the text is no plan JSON.
///
/// ```
/// let plan = r#"{"format_version": "1.2", "resource_changes": [{"address": "aws_db_instance.main", "change": {
///   "actions": ["create"], "before": null, "after": {"password": "hunter2", "port": 5432},
///   "after_sensitive": {"password": true}}}]}"#;
/// let (masked, sensitive) = portcullis_terraform::mask_plan(plan)?;
/// assert_eq!(masked, plan.replace("hunter2", "(sensitive value)"));
/// assert_eq!(sensitive.values().collect::<Vec<_>>(), ["hunter2"]);
/// # Ok::<(), portcullis_terraform::ReadError>(())
/// ```
pub fn mask_plan(text: &str) -> Result<(String, Sensitive), ReadError> {
    Ok(Places::of_plan(text)?.masked(text))
}

/// Whether two masked plans are of one plan. They are when they are equal byte for byte; besides,
///
/// - Terraform writes what an expression refers to in no fixed order (hashicorp/hcl, `hcldec.Variables` walks a map),
///   so `references` are compared as sets;
/// - `[masked]` in `sealed` stands for anything, since a job masks the secrets of its own environment.
#[must_use]
pub fn same_plan(sealed: &str, shown: &str, mask: &str) -> bool {
    if sealed == shown {
        return true;
    }
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text);
    match (read(sealed), read(shown)) {
        (Ok(sealed), Ok(shown)) => same(&sealed, &shown, mask, ""),
        _ => false,
    }
}

fn same(sealed: &serde_json::Value, shown: &serde_json::Value, mask: &str, key: &str) -> bool {
    use serde_json::Value;
    match (sealed, shown) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| same(value, other, mask, key)))
        }
        (Value::Array(a), Value::Array(b)) if key == "references" => {
            let sorted = |list: &[Value]| {
                let mut texts: Vec<String> = list.iter().map(ToString::to_string).collect();
                texts.sort();
                texts
            };
            sorted(a) == sorted(b)
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, mask, ""))
        }
        (Value::String(a), Value::String(b)) => a == b || fits(a, b, mask),
        _ => sealed == shown,
    }
}

/// Whether the text can be the pattern, with anything in the masks' places.
fn fits(pattern: &str, text: &str, mask: &str) -> bool {
    let mut parts: Vec<&str> = pattern.split(mask).collect();
    let last = parts.pop().unwrap_or_default();
    let mut rest = text;
    for (at, part) in parts.iter().enumerate() {
        let found = if at == 0 {
            rest.starts_with(part).then_some(0)
        } else {
            rest.find(part)
        };
        let Some(start) = found else { return false };
        rest = rest.get(start + part.len()..).unwrap_or_default();
    }
    if parts.is_empty() {
        rest == last
    } else {
        rest.ends_with(last)
    }
}

/// Parts of a text, and that each is masked.
type Spans = Vec<Range<usize>>;

impl Places<'_> {
    fn masked(mut self, text: &str) -> (String, Sensitive) {
        self.spans
            .sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        let finder = telling::Finder::new(self.sensitive.values());
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for span in &self.spans {
            if span.start < done {
                continue;
            }
            finder.mask_strings(text.get(done..span.start).unwrap_or_default(), &mut out);
            out.push('"');
            out.push_str(MASKED);
            out.push('"');
            done = span.end;
        }
        finder.mask_strings(text.get(done..).unwrap_or_default(), &mut out);
        (out, self.sensitive)
    }
}

#[cfg(test)]
mod tests;
