//! What stands behind an attribute whose value a plan does not tell.

use crate::code::{Configuration, WrittenList};
use crate::configuration::{PlanConfiguration, References};
use crate::resource::Instance;
use hcl_edit::structure::Body;

/// The expressions that a plan was made from: what it tells of them itself, and the code where it is at hand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Behind<'a> {
    pub(crate) configuration: Option<&'a PlanConfiguration>,
    pub(crate) code: Option<&'a Configuration>,
}

impl Behind<'_> {
    /// The list that the code writes out for an attribute, itself or in its only nested block. `None` where there is no such list, or
    /// the plan refers to other things: then it was made from other code.
    pub(crate) fn list(&self, instance: &Instance, path: &[&str]) -> Option<WrittenList> {
        let (configuration, code) = (self.configuration?, self.code?);
        let list = code.written(&instance.parsed()?, path)?;
        let references = configuration.references(&instance.address, path.first()?);
        let same = if path.len() == 1 {
            is_all(&list, &references)
        } else {
            is_part(&list, &references)
        };
        same.then_some(list)
    }

    /// Whether an expression may choose a text of its own, where the code is at hand: then its references are not all it may mean.
    pub(crate) fn may_choose_a_text(&self, instance: &Instance, attribute: &str) -> bool {
        self.code.is_some_and(|code| {
            let address = instance.parsed();
            address.is_some_and(|address| code.may_choose_a_text(&address, attribute))
        })
    }

    /// As [`Self::list`], of the one nested block of a kind that `fits`.
    pub(crate) fn list_in_block(
        &self,
        instance: &Instance,
        kind: &str,
        name: &str,
        fits: impl Fn(&Body) -> bool,
    ) -> Option<WrittenList> {
        let (configuration, code) = (self.configuration?, self.code?);
        let list = code.written_in_block(&instance.parsed()?, kind, name, fits)?;
        is_part(&list, &configuration.references(&instance.address, kind)).then_some(list)
    }
}

/// Whether the plan refers to what stands in the list, and to nothing else.
fn is_all(list: &WrittenList, references: &References) -> bool {
    is_part(list, references)
        && (list.others
            || (!references.incomplete
                && !references.same_key
                && references
                    .resources
                    .iter()
                    .all(|resource| list.ids.contains(resource))))
}

/// Whether the plan refers to what stands in the list. To what else it refers does not matter: the blocks of a kind are one
/// expression there, with all their attributes.
fn is_part(list: &WrittenList, references: &References) -> bool {
    list.ids
        .iter()
        .all(|id| references.resources.binary_search(id).is_ok())
}
