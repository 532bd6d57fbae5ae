//! The policy as written: YAML, checked for form only.

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::fmt;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyDocument {
    pub(crate) version: Spanned<u64>,
    #[serde(default)]
    pub(crate) networks: BTreeMap<String, Spanned<Vec<String>>>,
    #[serde(default)]
    pub(crate) rules: Vec<RuleDocument>,
    #[serde(default)]
    pub(crate) waivers: Vec<WaiverDocument>,
    #[serde(default)]
    pub(crate) partial_plans: Option<Spanned<PartialPlans>>,
    pub(crate) configuration: Option<Spanned<ConfigurationDocument>>,
}

/// What code may hold before terraform is let loose on it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigurationDocument {
    pub(crate) providers: Option<Spanned<Vec<String>>>,
    pub(crate) modules: Option<Spanned<Vec<String>>>,
    pub(crate) forbid_data: Option<Spanned<Vec<String>>>,
    pub(crate) provisioners: Option<Spanned<Vec<String>>>,
    pub(crate) backends: Option<Spanned<Vec<String>>>,
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
    #[serde(default)]
    pub(crate) title: String,
    pub(crate) severity: SeverityWord,
    #[serde(default)]
    pub(crate) frameworks: Vec<String>,
    pub(crate) groups: Option<GroupsDocument>,
    #[serde(default)]
    pub(crate) per: Per,
    pub(crate) deny: Option<ExposureDocument>,
    pub(crate) allow_only: Option<ExposureDocument>,
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
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

/// `deny`, `allow_only`, and what a waiver lets stand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExposureDocument {
    pub(crate) direction: Option<DirectionWord>,
    pub(crate) protocol: Option<Spanned<Words>>,
    pub(crate) ports: Option<Spanned<Words>>,
    pub(crate) traffic: Option<Spanned<Vec<TrafficDocument>>>,
    pub(crate) peers: Option<Spanned<Words>>,
    pub(crate) except: Option<Spanned<Words>>,
    pub(crate) extent: Option<Spanned<Words>>,
}

/// One kind of traffic among several: each protocol with its own ports.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrafficDocument {
    pub(crate) protocol: Spanned<Words>,
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
    pub(crate) description: Option<Spanned<bool>>,
    pub(crate) exists: Option<Spanned<bool>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaiverDocument {
    pub(crate) rule: Spanned<String>,
    pub(crate) resource: Spanned<String>,
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
