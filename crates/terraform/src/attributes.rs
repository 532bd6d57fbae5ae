//! One object's attributes as three parallel trees: value, unknown, sensitive.
//!
//! The shapes are those of Terraform's JSON output format ("JSON Output Format", `change.after`, `after_unknown`,
//! `after_sensitive`): unknown keys of an object are left out of `after` and are `true` in `after_unknown`; inside a list
//! an unknown element is null in `after`, so that positions agree.

use crate::sensitive::MASKED;
use crate::tree::{Name, Tree};

/// One attribute's value, or that it is null or known only after apply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Attribute<T> {
    /// Known, and set.
    Set(T),
    /// Known, and null or absent.
    Null,
    /// Known only after apply.
    Unknown,
    /// Of another type than the provider's schema has.
    Odd,
}

impl<T> Attribute<T> {
    pub(crate) fn set(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            _ => None,
        }
    }

    fn map<U>(self, f: impl FnOnce(T) -> Option<U>) -> Attribute<U> {
        match self {
            Self::Set(value) => f(value).map_or(Attribute::Odd, Attribute::Set),
            Self::Null => Attribute::Null,
            Self::Unknown => Attribute::Unknown,
            Self::Odd => Attribute::Odd,
        }
    }
}

/// What the provider's schema has under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    Text,
    Texts,
    Number,
    Flag,
    Tags,
}

/// What stands under a name that this crate reads.
pub(crate) fn attribute_kind(name: &str) -> Schema {
    match name {
        "cidr_blocks"
        | "ipv6_cidr_blocks"
        | "prefix_list_ids"
        | "security_groups"
        | "ipv6_addresses"
        | "security_group_ids"
        | "vpc_security_group_ids" => Schema::Texts,
        "from_port" | "to_port" => Schema::Number,
        "self" | "internal" => Schema::Flag,
        "tags" | "tags_all" => Schema::Tags,
        _ => Schema::Text,
    }
}

static NOTHING: Tree = Tree::Null;

/// A view into the three trees at one object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Object<'a> {
    pub(crate) value: &'a Tree,
    pub(crate) unknown: &'a Tree,
    pub(crate) sensitive: &'a Tree,
}

impl<'a> Object<'a> {
    fn at(self, name: Option<Name>) -> Self {
        let field = |tree: &'a Tree| name.and_then(|name| tree.field(name)).unwrap_or(&NOTHING);
        let marked = |tree: &'a Tree| match tree {
            Tree::Bool(true) => tree,
            other => field(other),
        };
        Self {
            value: field(self.value),
            unknown: marked(self.unknown),
            sensitive: marked(self.sensitive),
        }
    }

    fn index(self, index: usize) -> Self {
        let part = |tree: &'a Tree| {
            if tree.is_true() {
                tree
            } else {
                tree.at(index).unwrap_or(&NOTHING)
            }
        };
        Self {
            value: self.value.at(index).unwrap_or(&NOTHING),
            unknown: part(self.unknown),
            sensitive: part(self.sensitive),
        }
    }

    fn itself(self) -> Attribute<&'a Tree> {
        if self.unknown.is_true() {
            Attribute::Unknown
        } else if self.value.is_null() {
            Attribute::Null
        } else if self.is_masked() {
            Attribute::Odd
        } else {
            Attribute::Set(self.value)
        }
    }

    /// Whether the value was taken out because it is sensitive: it may be anything.
    fn is_masked(self) -> bool {
        self.value.as_str() == Some(MASKED)
    }

    // Keys are literals: where these three are inlined, the compiler finds the names.

    #[inline]
    pub(crate) fn text(self, key: &str) -> Attribute<&'a str> {
        self.at(Name::known(key)).itself().map(Tree::as_str)
    }

    #[inline]
    pub(crate) fn integer(self, key: &str) -> Attribute<i64> {
        self.at(Name::known(key)).itself().map(whole)
    }

    #[inline]
    pub(crate) fn flag(self, key: &str) -> Attribute<bool> {
        self.at(Name::known(key)).itself().map(Tree::as_bool)
    }

    /// A list or set of strings; each element may be unknown by itself.
    pub(crate) fn texts(self, key: &str) -> Attribute<Vec<Attribute<&'a str>>> {
        let list = self.at(Name::known(key));
        list.itself().map(|value| {
            let items = value.as_array()?;
            Some(
                (0..items.len())
                    .map(|index| list.index(index).itself().map(Tree::as_str))
                    .collect(),
            )
        })
    }

    /// A list or set of objects; an element that is unknown as a whole is `None`.
    ///
    /// The placeholder of a `dynamic` block over an unknown collection stands in `after_unknown` only, so the longer of the
    /// two lists counts.
    pub(crate) fn objects(self, key: &str) -> Attribute<Vec<Object<'a>>> {
        let list = self.at(Name::known(key));
        if list.unknown.is_true() {
            return Attribute::Unknown;
        }
        let placeholders = list.unknown.as_array().map_or(0, <[Tree]>::len);
        match list.value {
            Tree::Null if placeholders == 0 => Attribute::Null,
            Tree::Null => Attribute::Set((0..placeholders).map(|index| list.index(index)).collect()),
            Tree::List(items) => Attribute::Set(
                (0..items.len().max(placeholders))
                    .map(|index| list.index(index))
                    .collect(),
            ),
            _ => Attribute::Odd,
        }
    }

    /// Whether the attribute is marked sensitive, itself or any part of it.
    pub(crate) fn is_sensitive(self, key: &str) -> bool {
        self.at(Name::known(key)).sensitive.holds_true()
    }
}

/// A whole number, also where a writer chose `22.0`.
fn whole(value: &Tree) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the fraction is zero and the range is checked"
    )]
    match value {
        Tree::Whole(number) => Some(*number),
        Tree::Number(f) if f.fract() == 0.0 && f.abs() < 1e15 => Some(*f as i64),
        _ => None,
    }
}
