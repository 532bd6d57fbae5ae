//! Plans that change nothing.

use crate::ReadError;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// Whether there is nothing to apply: no resource, no output and no state would change. A plan that failed says nothing
/// of that, and is not taken for one.
///
/// Terraform says so itself since 1.8 (`applyable`; source: "JSON output format", plan representation). For older plans and
/// OpenTofu's it is read off the changes; what a refresh found counts as a change there.
///
/// # Errors
/// [`ReadError`] when the text is no plan.
///
/// ```
/// let plan = r#"{"format_version": "1.2", "applyable": false, "resource_changes": []}"#;
/// assert!(portcullis_terraform::changes_nothing(plan)?);
/// # Ok::<(), portcullis_terraform::ReadError>(())
/// ```
pub fn changes_nothing(text: &str) -> Result<bool, ReadError> {
    ReadError::unless_object("plan", text)?;
    let head: Head = serde_json::from_str(text).map_err(|source| ReadError::Json { what: "plan", source })?;
    if head.format_version.is_none() {
        return Err(ReadError::Shape {
            what: "plan",
            why: "format_version is missing".to_owned(),
        });
    }
    let idle = match head.applyable {
        Some(applyable) => !applyable,
        None => {
            head.resource_changes.iter().all(ResourceChange::is_idle)
                && head.output_changes.values().all(Change::is_idle)
                && head.resource_drift.is_empty()
        }
    };
    Ok(idle && !head.errored)
}

#[derive(Deserialize)]
struct Head {
    format_version: Option<String>,
    applyable: Option<bool>,
    #[serde(default)]
    errored: bool,
    #[serde(default)]
    resource_changes: Vec<ResourceChange>,
    #[serde(default)]
    output_changes: BTreeMap<String, Change>,
    #[serde(default)]
    resource_drift: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct ResourceChange {
    change: Change,
    previous_address: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Change {
    actions: Vec<String>,
    importing: Option<IgnoredAny>,
}

impl ResourceChange {
    fn is_idle(&self) -> bool {
        self.previous_address.is_none() && self.change.is_idle()
    }
}

impl Change {
    fn is_idle(&self) -> bool {
        self.importing.is_none() && self.actions.iter().all(|action| action == "no-op")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings() {
        for (plan, nothing) in [
            (include_str!("../../../fixtures/estate/1-setup/plan.json"), false),
            (
                include_str!("../../../fixtures/estate/3-nothing-to-do/plan.json"),
                true,
            ),
            (
                include_str!("../../../fixtures/estate/5-drift-refresh-only/plan.json"),
                false,
            ),
            (
                include_str!("../../../fixtures/estate/9-errored/plan.json"),
                false,
            ),
        ] {
            assert_eq!(changes_nothing(plan).unwrap(), nothing);
        }
    }

    #[test]
    fn without_terraforms_word_the_changes_decide() {
        let plan = |rest: &str| changes_nothing(&format!(r#"{{"format_version": "1.2", {rest}}}"#)).unwrap();
        let change = |rest: &str| plan(&format!(r#""resource_changes": [{{"address": "a.b", {rest}}}]"#));
        assert!(plan(r#""resource_changes": []"#));
        assert!(change(r#""change": {"actions": ["no-op"]}"#));
        assert!(!change(r#""change": {"actions": ["update"]}"#));
        assert!(!change(
            r#""change": {"actions": ["no-op"]}, "previous_address": "a.c""#
        ));
        assert!(!change(
            r#""change": {"actions": ["no-op"], "importing": {"id": "x"}}"#
        ));
        assert!(!plan(r#""output_changes": {"x": {"actions": ["create"]}}"#));
        assert!(!plan(r#""resource_drift": [{}]"#));
        assert!(!plan(r#""errored": true"#));
    }

    #[test]
    fn what_is_no_plan_is_an_error() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"format_version": "1.2", "resource_changes": 3}"#,
        ] {
            assert!(changes_nothing(text).is_err(), "{text}");
        }
    }
}
