//! The policy as written: YAML, checked for form only.
//!
//! A key that is written has a value. YAML reads a key whose lines are all commented out as null, which must not pass for absent:
//! no `ports` is every port.

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::fmt;

/// Readers of keys that may be absent, and not empty: what is said of one that is.
macro_rules! written {
    ($($key:ident: $instead:literal,)*) => {
        mod written {
            use serde::de::{Deserialize, Deserializer, Error};
            $(
                pub(super) fn $key<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
                where
                    D: Deserializer<'de>,
                    T: Deserialize<'de>,
                {
                    let value = Option::<T>::deserialize(deserializer)?;
                    let empty = concat!("`", stringify!($key), "` is empty: ", $instead);
                    value.map(Some).ok_or_else(|| D::Error::custom(empty))
                }
            )*
        }
    };
}

written! {
    networks: "leave it out, or name some",
    rules: "leave it out, or write some",
    waivers: "leave it out, or write some",
    partial_plans: "leave it out for `undetermined`, or say which",
    configuration: "leave it out for its defaults, or say what differs",
    providers: "leave it out for its default, or name some",
    modules: "leave it out for its default, or name some",
    forbid_data: "leave it out for its default, or name some",
    provisioners: "leave it out for its default, or name some",
    backends: "leave it out for its default, or name some",
    pinned_modules: "leave it out for its default, or say true or false",
    title: "leave it out, or write one",
    frameworks: "leave it out, or name some",
    groups: "leave it out for all groups, or say which",
    per: "leave it out for `group`, or say which",
    deny: "name what is forbidden",
    allow_only: "name what is allowed",
    require: "write `description: true` or `exists: true`",
    name: "leave it out for every name, or write one",
    tags: "leave it out for any tags, or name some",
    direction: "leave it out for both, or say which",
    protocol: "leave it out for every protocol, or name some",
    ports: "leave it out for every port, or name some",
    traffic: "leave it out for all traffic, or name some",
    peers: "leave it out for everybody, or name some",
    except: "leave it out for no exception, or name some",
    extent: "leave it out for `any`, or say which",
    description: "write `true`",
    exists: "write `true`",
    exposure: "say which exposure it lets stand",
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyDocument {
    pub(crate) version: Spanned<u64>,
    #[serde(default, deserialize_with = "written::networks")]
    pub(crate) networks: Option<BTreeMap<String, Spanned<Vec<String>>>>,
    #[serde(default, deserialize_with = "written::rules")]
    pub(crate) rules: Option<Vec<RuleDocument>>,
    #[serde(default, deserialize_with = "written::waivers")]
    pub(crate) waivers: Option<Vec<WaiverDocument>>,
    #[serde(default, deserialize_with = "written::partial_plans")]
    pub(crate) partial_plans: Option<Spanned<PartialPlans>>,
    #[serde(default, deserialize_with = "written::configuration")]
    pub(crate) configuration: Option<Spanned<ConfigurationDocument>>,
}

/// What code may hold before terraform is let loose on it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigurationDocument {
    #[serde(default, deserialize_with = "written::providers")]
    pub(crate) providers: Option<Spanned<Vec<String>>>,
    #[serde(default, deserialize_with = "written::modules")]
    pub(crate) modules: Option<Spanned<Vec<String>>>,
    #[serde(default, deserialize_with = "written::forbid_data")]
    pub(crate) forbid_data: Option<Spanned<Vec<String>>>,
    #[serde(default, deserialize_with = "written::provisioners")]
    pub(crate) provisioners: Option<Spanned<Vec<String>>>,
    #[serde(default, deserialize_with = "written::backends")]
    pub(crate) backends: Option<Spanned<Vec<String>>>,
    #[serde(default, deserialize_with = "written::pinned_modules")]
    pub(crate) pinned_modules: Option<bool>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PartialPlans {
    /// "Nothing found" in a partial plan is undetermined.
    #[default]
    Undetermined,
    /// "Nothing found" in a partial plan is a pass.
    Accept,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleDocument {
    pub(crate) id: Spanned<String>,
    #[serde(default, deserialize_with = "written::title")]
    pub(crate) title: Option<String>,
    pub(crate) severity: SeverityWord,
    #[serde(default, deserialize_with = "written::frameworks")]
    pub(crate) frameworks: Option<Vec<String>>,
    #[serde(default, deserialize_with = "written::groups")]
    pub(crate) groups: Option<GroupsDocument>,
    #[serde(default, deserialize_with = "written::per")]
    pub(crate) per: Option<Per>,
    #[serde(default, deserialize_with = "written::deny")]
    pub(crate) deny: Option<ExposureDocument>,
    #[serde(default, deserialize_with = "written::allow_only")]
    pub(crate) allow_only: Option<ExposureDocument>,
    #[serde(default, deserialize_with = "written::require")]
    pub(crate) require: Option<RequireDocument>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Per {
    /// Each group is judged by itself.
    #[default]
    Group,
    /// Each member is judged with all its groups joined.
    Member,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SeverityWord {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupsDocument {
    #[serde(default, deserialize_with = "written::name")]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "written::tags")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

/// `deny`, `allow_only`, and what a waiver lets stand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExposureDocument {
    #[serde(default, deserialize_with = "written::direction")]
    pub(crate) direction: Option<DirectionWord>,
    #[serde(default, deserialize_with = "written::protocol")]
    pub(crate) protocol: Option<Spanned<Words>>,
    #[serde(default, deserialize_with = "written::ports")]
    pub(crate) ports: Option<Spanned<Words>>,
    #[serde(default, deserialize_with = "written::traffic")]
    pub(crate) traffic: Option<Spanned<Vec<TrafficDocument>>>,
    #[serde(default, deserialize_with = "written::peers")]
    pub(crate) peers: Option<Spanned<Words>>,
    #[serde(default, deserialize_with = "written::except")]
    pub(crate) except: Option<Spanned<Words>>,
    #[serde(default, deserialize_with = "written::extent")]
    pub(crate) extent: Option<Spanned<Words>>,
}

/// One kind of traffic among several: each protocol with its own ports.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrafficDocument {
    pub(crate) protocol: Spanned<Words>,
    #[serde(default, deserialize_with = "written::ports")]
    pub(crate) ports: Option<Spanned<Words>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DirectionWord {
    Ingress,
    Egress,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequireDocument {
    #[serde(default, deserialize_with = "written::description")]
    pub(crate) description: Option<Spanned<bool>>,
    #[serde(default, deserialize_with = "written::exists")]
    pub(crate) exists: Option<Spanned<bool>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaiverDocument {
    pub(crate) rule: Spanned<String>,
    pub(crate) resource: Spanned<String>,
    #[serde(default, deserialize_with = "written::exposure")]
    pub(crate) exposure: Option<ExposureDocument>,
    pub(crate) reason: Spanned<String>,
    pub(crate) owner: Spanned<String>,
    pub(crate) expires: Spanned<String>,
}

/// One scalar, or a list of them; numbers are kept as text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words(pub(crate) Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Words;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word, a number, or a list of them")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Words, E> {
                Ok(Words(vec![text.to_owned()]))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Words, E> {
                Ok(Words(vec![number.to_string()]))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Words, E> {
                Ok(Words(vec![number.to_string()]))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Words, E> {
                Ok(Words(vec![number.to_string()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Words, A::Error> {
                let mut words = Vec::new();
                while let Some(Word(word)) = list.next_element()? {
                    words.push(word);
                }
                Ok(Words(words))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// One scalar of a list.
struct Word(String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Word;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a number in the list")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Word, E> {
                Ok(Word(text.to_owned()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }
        }
        deserializer.deserialize_any(Read)
    }
}
