//! Attribute values, kept small: of a resource object only what this crate reads is held, and names are not copied.
//!
//! Plans are large, and most of a resource is not our matter. A tree of `serde_json::Value` takes several times the text
//! it was read from; this one takes less than the text.

use compact_str::CompactString;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use smallvec::SmallVec;
use std::fmt;

/// Every attribute this crate reads, in Terraform's order. What is not named here is skipped while reading, except inside of
/// tags.
const NAMES: [&str; 49] = [
    "arn",
    "cidr",
    "cidr_blocks",
    "cidr_ipv4",
    "cidr_ipv6",
    "default_security_group_id",
    "description",
    "dns_name",
    "egress",
    "entries",
    "entry",
    "from_port",
    "id",
    "ingress",
    "instance",
    "internal",
    "ip_protocol",
    "ipv6_addresses",
    "ipv6_cidr_blocks",
    "load_balancer_type",
    "name",
    "name_prefix",
    "network_configuration",
    "network_interface",
    "network_interface_id",
    "network_interfaces",
    "owner_id",
    "prefix_list_id",
    "prefix_list_ids",
    "primary_network_interface_id",
    "protocol",
    "public_dns",
    "public_ip",
    "referenced_security_group_id",
    "region",
    "security_group_id",
    "security_group_ids",
    "security_group_rule_id",
    "security_groups",
    "self",
    "source_security_group_id",
    "tags",
    "tags_all",
    "to_port",
    "type",
    "vpc_config",
    "vpc_endpoint_type",
    "vpc_id",
    "vpc_security_group_ids",
];

/// How [`slot`] mixes, and the place of each name at its slot: nearly every field of a document is looked up, so each
/// slot holds one name at most. The number is found by trying.
const SLOTS: (u32, [u8; SLOT_COUNT]) = {
    // Odd, and without a pattern.
    let mut factor: u32 = 0x9e37_79b1;
    loop {
        let (mut slots, mut at) = ([NO_NAME; SLOT_COUNT], 0);
        while at < NAMES.len() {
            let slot = slot(NAMES[at].as_bytes(), factor);
            if slots[slot] != NO_NAME {
                break;
            }
            #[expect(clippy::cast_possible_truncation, reason = "there are fewer names")]
            let place = at as u8;
            slots[slot] = place;
            at += 1;
        }
        if at == NAMES.len() {
            break (factor, slots);
        }
        factor = factor.wrapping_add(2);
    }
};

const SLOT_COUNT: usize = 256;

/// Beyond all places.
const NO_NAME: u8 = u8::MAX;

/// Where a name is looked for: by its length, its first and last letter and the one in the middle.
#[expect(
    clippy::cast_possible_truncation,
    reason = "only what is long is cut, and then compared"
)]
const fn slot(name: &[u8], factor: u32) -> usize {
    let [.., last] = name else { return 0 };
    let key = u32::from_le_bytes([name.len() as u8, name[0], name[name.len() / 2], *last]);
    (key.wrapping_mul(factor) >> 24) as usize
}

/// A JSON value. Fields of an object that are null are as good as absent, and left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Tree {
    #[default]
    Null,
    Bool(bool),
    Whole(i64),
    Number(f64),
    Text(CompactString),
    List(Box<[Tree]>),
    Object(Box<[(Name, Tree)]>),
    /// An object whose fields are all `true`: nearly all that is said of what is unknown or sensitive.
    Flags(Names),
    /// An object with names of the author's choice.
    Tags(Box<[(CompactString, Tree)]>),
}

const _: () = assert!(
    size_of::<Tree>() == 24,
    "a text that is short lies in the value itself"
);

impl Tree {
    /// A field of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.field(Name::known(name)?)
    }

    /// A field of an object, by a name that was looked up before.
    pub(crate) fn field(&self, name: Name) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.iter().find(|(key, _)| *key == name).map(|(_, tree)| tree),
            Self::Flags(names) => names.contains(name).then_some(&Self::Bool(true)),
            _ => None,
        }
    }

    /// A field of tags.
    pub(crate) fn tag(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Tags(fields) => fields
                .iter()
                .find(|(key, _)| **key == *name)
                .map(|(_, tree)| tree),
            _ => None,
        }
    }

    /// An element of a list.
    pub(crate) fn at(&self, index: usize) -> Option<&Self> {
        self.as_array()?.get(index)
    }

    pub(crate) fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    pub(crate) const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) const fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_) | Self::Flags(_) | Self::Tags(_))
    }

    /// An object of these attributes, each `true`: what a tree of unknown or sensitive attributes looks like.
    pub(crate) fn flags<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self::Flags(names.filter_map(Name::of).collect())
    }

    /// Whether it is `true`, or `true` stands somewhere in it.
    pub(crate) fn holds_true(&self) -> bool {
        match self {
            Self::Bool(flag) => *flag,
            Self::List(items) => items.iter().any(Self::holds_true),
            Self::Object(fields) => fields.iter().any(|(_, tree)| tree.holds_true()),
            Self::Flags(names) => !names.is_empty(),
            Self::Tags(fields) => fields.iter().any(|(_, tree)| tree.holds_true()),
            Self::Null | Self::Whole(_) | Self::Number(_) | Self::Text(_) => false,
        }
    }
}

/// The name of an attribute: its place in [`NAMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(u8);

impl Name {
    /// `None` when this crate does not read it.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let place = SLOTS.1[slot(text.as_bytes(), SLOTS.0)];
        (NAMES.get(usize::from(place)) == Some(&text)).then_some(Self(place))
    }

    /// A name that this crate's code asks for.
    pub(crate) fn known(text: &str) -> Option<Self> {
        let name = Self::of(text);
        debug_assert!(name.is_some(), "skipped while reading: add the name to NAMES");
        name
    }

    fn holds_tags(self) -> bool {
        matches!(NAMES[usize::from(self.0)], "tags" | "tags_all")
    }
}

/// Some of the names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Names(u64);

const _: () = assert!(NAMES.len() <= 64, "one bit for each");

impl Names {
    pub(crate) fn insert(&mut self, name: Name) {
        self.0 |= 1 << name.0;
    }

    fn remove(&mut self, name: Name) {
        self.0 &= !(1 << name.0);
    }

    pub(crate) fn contains(self, name: Name) -> bool {
        self.0 & 1 << name.0 != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Name> for Names {
    fn from_iter<I: IntoIterator<Item = Name>>(names: I) -> Self {
        let mut out = Self::default();
        names.into_iter().for_each(|name| out.insert(name));
        out
    }
}

impl Iterator for Names {
    type Item = Name;

    /// The first of them, which is then none of them any more.
    fn next(&mut self) -> Option<Name> {
        let first = u8::try_from(self.0.trailing_zeros()).ok().map(Name)?;
        if self.is_empty() {
            return None;
        }
        self.remove(first);
        Some(first)
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Grow { tags: false }.deserialize(deserializer)
    }
}

/// Reads a tree; inside of tags every name is kept.
#[derive(Clone, Copy)]
struct Grow {
    tags: bool,
}

impl<'de> DeserializeSeed<'de> for Grow {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Grow {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Whole(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Tree, E> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a number this large is no port, however it is rounded"
        )]
        Ok(i64::try_from(number).map_or(Tree::Number(number as f64), Tree::Whole))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Tree, E> {
        Ok(Tree::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut items = SmallVec::<[Tree; 4]>::new();
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Tree::List(exactly(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        if self.tags {
            let mut fields: Vec<(CompactString, Tree)> = Vec::new();
            while let Some(key) = map.next_key::<CompactString>()? {
                fields.push((key, map.next_value_seed(self)?));
            }
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            let twice = fields.windows(2).find(|pair| pair[0].0 == pair[1].0);
            if let Some([(key, _), _]) = twice {
                return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
            }
            return Ok(Tree::Tags(fields.into()));
        }
        let mut fields = SmallVec::<[(Name, Tree); USUAL]>::new();
        let mut flags = Names::default();
        let mut seen = Names::default();
        while let Some(MaybeName(key)) = map.next_key()? {
            let Some(key) = key else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            // Of two values one reader takes the first and another the last: what one gate lets pass, the next may not see.
            if seen.contains(key) {
                return Err(A::Error::duplicate_field(NAMES[usize::from(key.0)]));
            }
            seen.insert(key);
            let inside = Self {
                tags: key.holds_tags(),
            };
            match map.next_value_seed(inside)? {
                Tree::Null => {}
                Tree::Bool(true) => flags.insert(key),
                value => fields.push((key, value)),
            }
        }
        if fields.is_empty() {
            return Ok(Tree::Flags(flags));
        }
        fields.extend(flags.map(|name| (name, Tree::Bool(true))));
        if !fields.is_sorted_by_key(|(name, _)| *name) {
            fields.sort_unstable_by_key(|(name, _)| *name);
        }
        Ok(Tree::Object(exactly(fields)))
    }
}

/// As long as it is, and no longer.
fn exactly<A: smallvec::Array>(items: SmallVec<A>) -> Box<[A::Item]> {
    if items.spilled() {
        items.into_vec().into()
    } else {
        items.into_iter().collect()
    }
}

/// More fields than this are seldom held of an object.
const USUAL: usize = 16;

/// A field's name, if this crate reads it.
pub(crate) struct MaybeName(pub(crate) Option<Name>);

impl<'de> Deserialize<'de> for MaybeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = MaybeName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<MaybeName, E> {
                Ok(MaybeName(Name::of(text)))
            }
        }
        deserializer.deserialize_str(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_found_at_its_place() {
        assert!(NAMES.is_sorted(), "as Terraform writes them");
        for (at, name) in NAMES.iter().enumerate() {
            assert_eq!(Name::of(name).map(|name| usize::from(name.0)), Some(at), "{name}");
        }
        for text in [
            "",
            "x",
            "cidr_blockz",
            "a_name_longer_than_all_the_others_there_are",
        ] {
            assert_eq!(Name::of(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_read_is_not_held() {
        let text = r#"{"arn": {"deep": [1]}, "name": "web", "vpc_id": null, "from_port": 22, "to_port": 22.0,
            "tags": {"Name": "web", "of my own": null}, "self": true,
            "cidr_blocks": [null, "10.0.0.0/8"]}"#;
        let tree: Tree = serde_json::from_str(text).unwrap();
        assert_eq!(tree.get("name").and_then(Tree::as_str), Some("web"));
        assert_eq!(tree.get("vpc_id"), None);
        assert_eq!(tree.get("from_port"), Some(&Tree::Whole(22)));
        assert_eq!(tree.get("to_port"), Some(&Tree::Number(22.0)));
        assert_eq!(tree.get("self").and_then(Tree::as_bool), Some(true));
        let tags = tree.get("tags").unwrap();
        assert_eq!(tags.tag("Name").and_then(Tree::as_str), Some("web"));
        assert_eq!(tags.tag("of my own"), Some(&Tree::Null));
        assert_eq!(
            tree.get("cidr_blocks").and_then(|list| list.at(0)),
            Some(&Tree::Null)
        );
        assert!(!format!("{tree:?}").contains("deep"));
    }

    #[test]
    fn what_is_said_twice_is_refused() {
        for text in [
            r#"{"cidr_blocks": ["0.0.0.0/0"], "cidr_blocks": ["10.0.0.0/8"]}"#,
            r#"{"ingress": [{"from_port": 22, "from_port": null}]}"#,
            r#"{"self": true, "self": false}"#,
            r#"{"tags": {"team": "a", "exposure": "public", "team": "b"}}"#,
        ] {
            let error = serde_json::from_str::<Tree>(text).unwrap_err().to_string();
            assert!(error.contains("duplicate field"), "{text}: {error}");
        }
        // What is not read may be said as often as it likes.
        assert!(serde_json::from_str::<Tree>(r#"{"arn_of": 1, "arn_of": 2}"#).is_ok());
    }
}
