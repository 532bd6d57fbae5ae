//! `jsonencode` and `jsondecode`.

use super::{ARGUMENTS, Answer, Stop, a_text, cannot_tell};
use crate::code::number::Number;
use crate::code::value::{Fault, LONGEST, Value};
use std::fmt::Write as _;

pub(crate) const NAMES: [&str; 2] = ["jsonencode", "jsondecode"];

pub(crate) fn call(name: &str, arguments: &[Value]) -> Option<Answer> {
    let answer = match (name, arguments) {
        ("jsonencode", [value]) => {
            let mut out = String::new();
            write(value, &mut out).map(|()| Value::text(out))
        }
        ("jsondecode", [text]) => a_text(text).and_then(|text| match serde_json::from_str(&text) {
            Ok(json) => from_json(&json).ok_or_else(|| cannot_tell("an odd number in JSON")),
            Err(_) => Err(Fault("jsondecode of something that is no JSON").into()),
        }),
        (name, _) if NAMES.contains(&name) => Err(ARGUMENTS.into()),
        _ => return None,
    };
    Some(answer)
}

/// As Go writes JSON: without spaces, `<`, `>` and `&` as escapes.
pub(crate) fn write(value: &Value, out: &mut String) -> Result<(), Stop> {
    if out.len() > LONGEST {
        return Err(cannot_tell("a text too long to be looked at"));
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => {
            let text = number.text();
            out.push_str(&text.ok_or_else(|| cannot_tell("a fraction that terraform rounds"))?);
        }
        Value::Text(text) => quoted(text, out),
        Value::List(items) | Value::Set(items) => {
            if matches!(value, Value::Set(_)) && !Value::is_ordered(items) {
                return Err(cannot_tell("a set in an order that is not known"));
            }
            out.push('[');
            for (at, item) in items.items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Map(fields) => {
            out.push('{');
            for (at, (key, value)) in fields.fields.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                quoted(key, out);
                out.push(':');
                write(value, out)?;
            }
            out.push('}');
        }
        Value::Instance(_) | Value::Module(_) | Value::Unknown(_) => {
            return Err(cannot_tell("the attributes of a resource or a module"));
        }
    }
    Ok(())
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// `None` for a number that can't be held exactly.
pub(crate) fn from_json(json: &serde_json::Value) -> Option<Value> {
    Some(match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(*flag),
        serde_json::Value::Number(number) => Value::Number(Number::parse(&number.to_string())?),
        serde_json::Value::String(text) => Value::text(text.as_str()),
        serde_json::Value::Array(items) => Value::list(items.iter().map(from_json).collect::<Option<_>>()?),
        serde_json::Value::Object(fields) => {
            let field = |(key, value): (&String, _)| Some((key.as_str().into(), from_json(value)?));
            Value::map(fields.iter().map(field).collect::<Option<_>>()?)
        }
    })
}
