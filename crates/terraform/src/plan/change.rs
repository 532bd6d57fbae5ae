//! One resource change, read in one pass: of types that are not this crate's matter no value is held.

use crate::fields::{Text, once};
use crate::resource::{Action, Kind};
use crate::shown::{Raw, may_mark};
use crate::tree::Tree;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A change of one resource instance.
pub(super) struct Change<'a> {
    pub(super) address: Cow<'a, str>,
    /// `None` for a type that this crate does not read.
    pub(super) kind: Option<Kind>,
    pub(super) previous_address: Option<Cow<'a, str>>,
    pub(super) deposed: bool,
    pub(super) sides: Sides<'a>,
}

/// What a change does, with the object's values on both sides of it.
pub(super) struct Sides<'a> {
    pub(super) actions: Actions,
    pub(super) before: Tree,
    pub(super) after: Tree,
    pub(super) after_unknown: Tree,
    pub(super) before_sensitive: Raw<'a>,
    pub(super) after_sensitive: Raw<'a>,
    pub(super) importing: bool,
}

impl Sides<'_> {
    /// Whether something in it may be marked sensitive.
    pub(super) fn may_be_marked(&self) -> bool {
        [self.before_sensitive, self.after_sensitive]
            .into_iter()
            .flatten()
            .any(may_mark)
    }
}

/// A change's actions, or the words that are not understood.
pub(super) enum Actions {
    Known(Action),
    Unknown(Box<str>),
}

impl<'de> Deserialize<'de> for Actions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<Text<'de>>::deserialize(deserializer)?;
        let words: Vec<&str> = words.iter().map(|word| &*word.0).collect();
        Ok(Action::of(&words).map_or_else(|| Self::Unknown(words.join("+").into()), Self::Known))
    }
}

#[derive(Clone, Copy, serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    Address,
    Type,
    PreviousAddress,
    Deposed,
    Change,
    #[serde(other)]
    Other,
}

impl<'de> Deserialize<'de> for Change<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Change<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a resource change")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut address = None;
                let mut kind: Option<Option<Kind>> = None;
                let mut previous_address = None;
                let mut deposed = None;
                let mut sides = None;
                while let Some(field) = map.next_key()? {
                    match field {
                        Field::Address => once(&mut address, "address", map.next_value::<Text<'de>>()?)?,
                        Field::Type => {
                            once(&mut kind, "type", Kind::of(&map.next_value::<Text<'de>>()?.0))?;
                        }
                        Field::PreviousAddress => {
                            let text = map.next_value::<Option<Text<'de>>>()?;
                            once(&mut previous_address, "previous_address", text)?;
                        }
                        Field::Deposed => {
                            let key = map.next_value::<Option<Text<'de>>>()?;
                            once(&mut deposed, "deposed", key.is_some())?;
                        }
                        Field::Change => {
                            // Terraform writes the type before the change.
                            let wanted = kind.is_none_or(|kind| kind.is_some());
                            once(&mut sides, "change", map.next_value_seed(ReadSides { wanted })?)?;
                        }
                        Field::Other => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Change {
                    address: address.ok_or_else(|| Error::missing_field("address"))?.0,
                    kind: kind.ok_or_else(|| Error::missing_field("type"))?,
                    previous_address: previous_address.flatten().map(|text| text.0),
                    deposed: deposed.unwrap_or_default(),
                    sides: sides.ok_or_else(|| Error::missing_field("change"))?,
                })
            }
        }
        deserializer.deserialize_map(Read)
    }
}

#[derive(Clone, Copy, serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Side {
    Actions,
    Before,
    After,
    AfterUnknown,
    BeforeSensitive,
    AfterSensitive,
    Importing,
    #[serde(other)]
    Other,
}

/// Reads a change; its values only where they are wanted.
struct ReadSides {
    wanted: bool,
}

impl<'de> DeserializeSeed<'de> for ReadSides {
    type Value = Sides<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ReadSides {
    type Value = Sides<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a change")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut actions = None;
        let mut importing = None;
        let (mut before, mut after, mut after_unknown) = (None, None, None);
        let (mut before_sensitive, mut after_sensitive) = (None, None);
        while let Some(side) = map.next_key()? {
            let (place, name) = match side {
                Side::Before => (&mut before, "before"),
                Side::After => (&mut after, "after"),
                Side::AfterUnknown => (&mut after_unknown, "after_unknown"),
                other => {
                    match other {
                        Side::BeforeSensitive => {
                            once(&mut before_sensitive, "before_sensitive", map.next_value()?)
                        }
                        Side::AfterSensitive => {
                            once(&mut after_sensitive, "after_sensitive", map.next_value()?)
                        }
                        Side::Actions => once(&mut actions, "actions", map.next_value()?),
                        Side::Importing => once(
                            &mut importing,
                            "importing",
                            map.next_value::<Option<IgnoredAny>>()?,
                        ),
                        _ => map.next_value::<IgnoredAny>().map(|_| ()),
                    }?;
                    continue;
                }
            };
            let tree = if self.wanted {
                map.next_value()?
            } else {
                map.next_value::<IgnoredAny>()?;
                Tree::Null
            };
            once(place, name, tree)?;
        }
        Ok(Sides {
            actions: actions.ok_or_else(|| Error::missing_field("actions"))?,
            before: before.unwrap_or_default(),
            after: after.unwrap_or_default(),
            after_unknown: after_unknown.unwrap_or_default(),
            before_sensitive: before_sensitive.flatten(),
            after_sensitive: after_sensitive.flatten(),
            importing: importing.flatten().is_some(),
        })
    }
}
