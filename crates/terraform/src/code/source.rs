//! From a file's text to its blocks, each with its line.

use crate::code::ConfigError;
use hcl_edit::Ident;
use hcl_edit::Span as _;
use hcl_edit::expr::{Array, Expression, Object, ObjectKey, ObjectValue};
use hcl_edit::structure::{Attribute, Block, Body, Structure};
use hcl_edit::template::{Element, StringTemplate};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use std::fmt;
use std::sync::Arc;

/// A file larger than this, in bytes, is refused: no hand wrote it, and a hook must not stand still.
const LARGEST: usize = 16 << 20;

/// One file, taken apart.
pub(crate) struct Source {
    pub(crate) path: Arc<str>,
    /// Its blocks in order, with their lines.
    pub(crate) blocks: Vec<(usize, Block)>,
}

pub(crate) fn read(path: &str, text: &str) -> Result<Source, ConfigError> {
    // Editors on Windows put a mark before the text; Terraform passes over it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let path_of: Arc<str> = path.into();
    if path.ends_with(".json") {
        let json = json(path, text)?;
        return Ok(Source {
            path: path_of,
            blocks: json_blocks(&json).into_iter().map(|block| (1, block)).collect(),
        });
    }
    let body = hcl(path, text)?;
    let lines: Vec<usize> = text
        .bytes()
        .enumerate()
        .filter_map(|(at, byte)| (byte == b'\n').then_some(at))
        .collect();
    let line_of = |block: &Block| {
        let start = block.span().map_or(0, |span| span.start);
        lines.partition_point(|end| *end < start) + 1
    };
    let blocks = body.into_iter().filter_map(|structure| match structure {
        Structure::Block(block) => Some((line_of(&block), block)),
        Structure::Attribute(_) => None,
    });
    Ok(Source {
        path: path_of,
        blocks: blocks.collect(),
    })
}

/// A file of values for variables.
pub(crate) fn values(path: &str, text: &str) -> Result<Body, ConfigError> {
    if path.ends_with(".json") {
        return Ok(json_body(&json(path, text)?, false));
    }
    hcl(path, text)
}

/// The value of one variable, as `TF_VAR_name` gives it: a text, or an expression.
pub(crate) fn environment(name: &str, text: &str, is_text: bool) -> Result<Body, ConfigError> {
    let path = format!("TF_VAR_{name}");
    if !is_text {
        return hcl(&path, &format!("{name} = {text}\n"));
    }
    let mut body = Body::new();
    if let Ok(name) = Ident::try_new(name) {
        body.push(Attribute::new(name, Expression::from(text)));
    }
    Ok(body)
}

fn hcl(path: &str, text: &str) -> Result<Body, ConfigError> {
    let refused = |line, message: &str| ConfigError {
        path: path.to_owned(),
        line,
        language: "HCL",
        message: message.to_owned(),
    };
    if text.len() > LARGEST {
        return Err(refused(1, "the file is larger than 16 MiB"));
    }
    text.parse()
        .map_err(|error: hcl_edit::parser::Error| refused(error.location().line(), error.message()))
}

fn json(path: &str, text: &str) -> Result<Json, ConfigError> {
    let refused = |line, message: String| ConfigError {
        path: path.to_owned(),
        line,
        language: "JSON",
        message,
    };
    if text.len() > LARGEST {
        return Err(refused(1, "the file is larger than 16 MiB".to_owned()));
    }
    if text.trim().is_empty() {
        return Ok(Json::Null);
    }
    read_json(text, Twice::Refused).map_err(|error| refused(error.line(), error.to_string()))
}

/// JSON of which nothing may be missed: what stands under one key twice is joined to a list. Null, where it is no JSON.
pub(crate) fn json_with_all(text: &str) -> Json {
    read_json(text, Twice::Joined).unwrap_or_default()
}

fn read_json(text: &str, twice: Twice) -> serde_json::Result<Json> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let json = twice.deserialize(&mut reader)?;
    reader.end()?;
    Ok(json)
}

/// What becomes of a key that stands twice. Terraform would read both.
#[derive(Clone, Copy)]
enum Twice {
    /// It is an error, so that none may hide behind the other.
    Refused,
    /// Its values are one list.
    Joined,
}

impl<'de> DeserializeSeed<'de> for Twice {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Twice {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Json, E> {
        Ok(flag.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut fields = serde_json::Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(self)?;
            match (fields.get_mut(&key), self) {
                (Some(before), Self::Joined) => join(before, value),
                // Remarks may stand more than once.
                (Some(_), Self::Refused) if key != "//" => {
                    return Err(A::Error::custom(format_args!("`{key}` stands twice")));
                }
                _ => {
                    fields.insert(key, value);
                }
            }
        }
        Ok(fields.into())
    }
}

/// Makes a list of both; where one is a list, of its items.
fn join(before: &mut Json, value: Json) {
    let mut items = match before.take() {
        Json::Array(items) => items,
        one => vec![one],
    };
    match value {
        Json::Array(more) => items.extend(more),
        one => items.push(one),
    }
    *before = Json::Array(items);
}

/// The blocks of a `.tf.json` ("JSON Configuration Syntax", Terraform language documentation). What stands inside of them
/// is kept as attributes, nested blocks too.
fn json_blocks(json: &Json) -> Vec<Block> {
    let mut out = Vec::new();
    for (keyword, value) in fields(json) {
        let labels = match keyword.as_str() {
            "resource" | "data" | "ephemeral" | "action" => 2,
            "variable" | "output" | "module" | "provider" | "check" => 1,
            _ => 0,
        };
        labelled(keyword, &[], labels, value, &mut out);
    }
    out
}

fn labelled(keyword: &str, labels: &[String], missing: usize, json: &Json, out: &mut Vec<Block>) {
    if missing == 0 {
        for body in each(json) {
            if let Ok(keyword) = Ident::try_new(keyword) {
                let mut block = Block::builder(keyword).labels(labels.to_vec()).build();
                block.body = json_body(body, true);
                out.push(block);
            }
        }
        return;
    }
    for (label, value) in fields(json) {
        let mut labels = labels.to_vec();
        labels.push(label.clone());
        labelled(keyword, &labels, missing - 1, value, out);
    }
}

/// An object, or a list of objects, as its fields.
pub(crate) fn fields(json: &Json) -> impl Iterator<Item = (&String, &Json)> {
    each(json)
        .filter_map(Json::as_object)
        .flatten()
        .filter(|(key, _)| *key != "//")
}

/// The items of a list; of anything else itself.
pub(crate) fn each(json: &Json) -> impl Iterator<Item = &Json> {
    match json {
        Json::Array(items) => items.iter(),
        other => std::slice::from_ref(other).iter(),
    }
}

fn json_body(json: &Json, templates: bool) -> Body {
    let mut body = Body::new();
    for (key, value) in fields(json) {
        if let Ok(key) = Ident::try_new(key.as_str())
            && !body.has_attribute(&key)
        {
            body.push(Attribute::new(key, json_expression(value, templates)));
        }
    }
    body
}

/// A text in `.tf.json` is a template; one in `.tfvars.json` is not.
fn json_expression(json: &Json, templates: bool) -> Expression {
    match json {
        Json::Null => Expression::null(),
        Json::Bool(flag) => Expression::from(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Expression::from(whole),
            // No port and no count is so large, or a fraction.
            _ => Expression::from(number.to_string()),
        },
        Json::String(text) if templates => template(text),
        Json::String(text) => Expression::from(text.as_str()),
        Json::Array(items) => {
            let items = items.iter().map(|item| json_expression(item, templates));
            Expression::Array(items.collect::<Array>())
        }
        Json::Object(fields) => {
            let mut object = Object::new();
            for (key, value) in fields {
                let key = ObjectKey::Expression(Expression::from(key.as_str()));
                object.insert(key, ObjectValue::new(json_expression(value, templates)));
            }
            Expression::Object(object)
        }
    }
}

fn template(text: &str) -> Expression {
    if !text.contains("${") && !text.contains("%{") {
        return Expression::from(text);
    }
    match hcl_edit::parser::parse_template(text) {
        Ok(template) => {
            let elements: Vec<Element> = template.into_iter().collect();
            Expression::from(elements.into_iter().collect::<StringTemplate>())
        }
        // Something that can't be told, by a name that nothing has.
        Err(_) => Expression::Variable(Ident::new("a_template_that_is_none").into()),
    }
}
