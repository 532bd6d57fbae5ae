//! Resources as `terraform show -json` writes them: `values` of a state, and of a plan's `prior_state`.

use crate::fields::{Text, once};
use crate::resource::{Instance, Kind};
use crate::tree::Tree;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::sync::Arc;

#[derive(Deserialize)]
pub(crate) struct Values {
    #[serde(default)]
    root_module: Option<Module>,
}

#[derive(Deserialize)]
struct Module {
    /// Those that matter here.
    #[serde(default, deserialize_with = "instances")]
    resources: Vec<Instance>,
    #[serde(default)]
    child_modules: Vec<Module>,
}

impl Values {
    /// The objects in it that matter here.
    pub(crate) fn instances(self) -> Vec<Instance> {
        let mut out = Vec::new();
        let mut modules: Vec<Module> = self.root_module.into_iter().collect();
        while let Some(module) = modules.pop() {
            out.extend(module.resources);
            modules.extend(module.child_modules);
        }
        out
    }
}

fn instances<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Instance>, D::Error> {
    struct List;
    impl<'de> Visitor<'de> for List {
        type Value = Vec<Instance>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of resources")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut out = Vec::new();
            while let Some(Shown(instance)) = list.next_element()? {
                out.extend(instance);
            }
            Ok(out)
        }
    }
    deserializer.deserialize_seq(List)
}

/// A resource, if it is of a type that this crate reads.
struct Shown(Option<Instance>);

#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    Address,
    Type,
    Values,
    SensitiveValues,
    #[serde(other)]
    Other,
}

impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Shown;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a resource")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shown, A::Error> {
                let mut address = None;
                let mut kind: Option<Option<Kind>> = None;
                let (mut values, mut sensitive) = (None, None);
                while let Some(field) = map.next_key()? {
                    // Terraform writes the type before the values.
                    let wanted = kind.is_none_or(|kind| kind.is_some());
                    match field {
                        Field::Address => once(&mut address, "address", map.next_value::<Text<'de>>()?)?,
                        Field::Type => {
                            once(&mut kind, "type", Kind::of(&map.next_value::<Text<'de>>()?.0))?;
                        }
                        Field::Values if wanted => once(&mut values, "values", map.next_value()?)?,
                        Field::SensitiveValues if wanted => {
                            once(&mut sensitive, "sensitive_values", map.next_value()?)?;
                        }
                        Field::Values | Field::SensitiveValues | Field::Other => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                let address = address.ok_or_else(|| Error::missing_field("address"))?;
                let kind = kind.ok_or_else(|| Error::missing_field("type"))?;
                Ok(Shown(kind.map(|kind| {
                    let marks = sensitive.filter(Tree::holds_true).unwrap_or_default();
                    let values = values.map(Arc::new).unwrap_or_default();
                    Instance::new(address.0.into_owned(), kind, values, marks)
                })))
            }
        }
        deserializer.deserialize_map(Read)
    }
}
