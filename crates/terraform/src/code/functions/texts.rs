//! Functions of texts.

use super::{ARGUMENTS, Answer, Stop, a_number, a_text, an_index, cannot_tell, items_of, texts_of};
use crate::code::value::{Fault, LONGEST, Value};

pub(crate) const NAMES: [&str; 21] = [
    "join",
    "split",
    "format",
    "formatlist",
    "lower",
    "upper",
    "title",
    "replace",
    "trim",
    "trimspace",
    "trimprefix",
    "trimsuffix",
    "startswith",
    "endswith",
    "strcontains",
    "strrev",
    "substr",
    "chomp",
    "indent",
    "sort",
    "nonsensitive",
];

pub(crate) fn call(name: &str, arguments: &[Value]) -> Option<Answer> {
    let answer = match (name, arguments) {
        ("join", [separator, lists @ ..]) if !lists.is_empty() => join(separator, lists),
        ("split", [separator, text]) => split(separator, text),
        ("format", [pattern, values @ ..]) => a_text(pattern).and_then(|pattern| format(&pattern, values)),
        ("formatlist", [pattern, values @ ..]) => format_list(pattern, values),
        ("lower", [text]) => a_text(text).map(|text| Value::text(text.to_lowercase())),
        ("upper", [text]) => a_text(text).map(|text| Value::text(text.to_uppercase())),
        ("title", [text]) => a_text(text).and_then(|text| title(&text)),
        ("replace", [text, from, to]) => replace(text, from, to),
        ("trimspace", [text]) => a_text(text).map(|text| Value::text(text.trim())),
        ("trim", [text, characters]) => both(text, characters, |text, characters| {
            Value::text(text.trim_matches(|c| characters.contains(c)))
        }),
        ("trimprefix", [text, prefix]) => both(text, prefix, |text, prefix| {
            Value::text(text.strip_prefix(prefix).unwrap_or(text))
        }),
        ("trimsuffix", [text, suffix]) => both(text, suffix, |text, suffix| {
            Value::text(text.strip_suffix(suffix).unwrap_or(text))
        }),
        ("startswith", [text, prefix]) => {
            both(text, prefix, |text, prefix| Value::Bool(text.starts_with(prefix)))
        }
        ("endswith", [text, suffix]) => {
            both(text, suffix, |text, suffix| Value::Bool(text.ends_with(suffix)))
        }
        ("strcontains", [text, part]) => both(text, part, |text, part| Value::Bool(text.contains(part))),
        ("strrev", [text]) => ascii(text).map(|text| Value::text(text.chars().rev().collect::<String>())),
        ("substr", [text, offset, length]) => substr(text, offset, length),
        ("chomp", [text]) => a_text(text).map(|text| Value::text(text.trim_end_matches(['\n', '\r']))),
        ("indent", [spaces, text]) => indent(spaces, text),
        ("sort", [list]) => texts_of(list).map(|mut texts| {
            texts.sort();
            Value::list(texts.into_iter().map(Value::Text).collect())
        }),
        ("nonsensitive", [value]) => Ok(value.clone()),
        (name, _) if NAMES.contains(&name) => Err(ARGUMENTS.into()),
        _ => return None,
    };
    Some(answer)
}

fn both(a: &Value, b: &Value, f: impl Fn(&str, &str) -> Value) -> Answer {
    Ok(f(&a_text(a)?, &a_text(b)?))
}

/// Where Terraform counts grapheme clusters; of ASCII letters each is one.
fn ascii(text: &Value) -> Result<std::rc::Rc<str>, Stop> {
    let text = a_text(text)?;
    if text.is_ascii() && !text.contains('\r') {
        Ok(text)
    } else {
        Err(cannot_tell("the characters of a text beyond ASCII"))
    }
}

fn join(separator: &Value, lists: &[Value]) -> Answer {
    let separator = a_text(separator)?;
    let mut all = Vec::new();
    for list in lists {
        all.extend(texts_of(list)?);
    }
    let length: usize = all.iter().map(|text| text.len() + separator.len()).sum();
    if length > LONGEST {
        return Err(cannot_tell("a text too long to be looked at"));
    }
    Ok(Value::text(all.join(&*separator)))
}

fn split(separator: &Value, text: &Value) -> Answer {
    let (separator, text) = (a_text(separator)?, a_text(text)?);
    if separator.is_empty() {
        let letters = ascii(&Value::Text(text))?;
        return Ok(Value::list(
            letters.chars().map(|c| Value::text(c.to_string())).collect(),
        ));
    }
    Ok(Value::list(text.split(&*separator).map(Value::text).collect()))
}

fn replace(text: &Value, from: &Value, to: &Value) -> Answer {
    let (text, from, to) = (a_text(text)?, a_text(from)?, a_text(to)?);
    if from.len() > 1 && from.starts_with('/') && from.ends_with('/') {
        return Err(cannot_tell("a regular expression"));
    }
    if (text.len() + 1).saturating_mul(to.len() + 1) > LONGEST * 16 {
        return Err(cannot_tell("a text too long to be looked at"));
    }
    Ok(Value::text(text.replace(&*from, &to)))
}

fn title(text: &str) -> Answer {
    if !text.is_ascii() {
        return Err(cannot_tell("the words of a text beyond ASCII"));
    }
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        out.push(if inside { c } else { c.to_ascii_uppercase() });
        // Go's strings.Title: letters, digits and underscore go on with a word.
        inside = c.is_ascii_alphanumeric() || c == '_';
    }
    Ok(Value::text(out))
}

fn substr(text: &Value, offset: &Value, length: &Value) -> Answer {
    let text = ascii(text)?;
    let (offset, length) = (an_index(offset)?, an_index(length)?);
    let size = i128::try_from(text.len()).unwrap_or(i128::MAX);
    let start = if offset < 0 { size + offset } else { offset };
    if start < 0 {
        return Err(cannot_tell("substr before the beginning"));
    }
    let end = if length < 0 {
        size
    } else {
        size.min(start.saturating_add(length))
    };
    let place = |at: i128| usize::try_from(at).unwrap_or(usize::MAX);
    Ok(Value::text(
        text.get(place(start)..place(end)).unwrap_or_default(),
    ))
}

fn indent(spaces: &Value, text: &Value) -> Answer {
    let spaces = usize::try_from(an_index(spaces)?).map_err(|_| Fault("a negative indentation"))?;
    let text = a_text(text)?;
    let lines = text.matches('\n').count();
    if lines.saturating_mul(spaces) > LONGEST {
        return Err(cannot_tell("a text too long to be looked at"));
    }
    Ok(Value::text(
        text.replace('\n', &format!("\n{}", " ".repeat(spaces))),
    ))
}

/// `format`, for the verbs that are common: `%s %d %v %t %q %%`, with a width.
fn format(pattern: &str, values: &[Value]) -> Answer {
    let mut out = String::new();
    let mut values = values.iter();
    let mut rest = pattern;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let end = rest
            .find(|c: char| c.is_ascii_alphabetic())
            .ok_or(Fault("format with half a verb"))?;
        let (flags, after) = rest.split_at(end);
        let (verb, after) = after.split_at(1);
        rest = after;
        let left = flags.strip_prefix('-');
        let width = left.unwrap_or(flags);
        let zeros = width.starts_with('0') && verb == "d";
        let width: usize = match width {
            "" => 0,
            digits => digits
                .parse()
                .ok()
                .filter(|width| *width <= 1_000)
                .ok_or_else(|| cannot_tell("a format that is not known here"))?,
        };
        let value = values.next().ok_or(Fault("format with too few values"))?;
        let text = match (verb, value) {
            ("d", value) => {
                let number = a_number(value)?.as_whole();
                number
                    .ok_or_else(|| cannot_tell("a fraction in a format"))?
                    .to_string()
            }
            ("s" | "v", Value::Text(_) | Value::Number(_) | Value::Bool(_)) => a_text(value)?.to_string(),
            ("t", value) => match value.to_bool()? {
                Value::Bool(flag) => flag.to_string(),
                _ => return Err(Fault("format of a truth value that is none").into()),
            },
            ("q", Value::Text(text))
                if text
                    .bytes()
                    .all(|b| (b' '..127).contains(&b) && b != b'\\' && b != b'"') =>
            {
                format!("\"{text}\"")
            }
            _ => return Err(cannot_tell("a format that is not known here")),
        };
        let missing = width.saturating_sub(text.chars().count());
        match (left, zeros) {
            (Some(_), _) => {
                out.push_str(&text);
                out.push_str(&" ".repeat(missing));
            }
            (None, true) => {
                let digits = text.strip_prefix('-');
                out.push_str(if digits.is_some() { "-" } else { "" });
                out.push_str(&"0".repeat(missing));
                out.push_str(digits.unwrap_or(&text));
            }
            (None, false) => {
                out.push_str(&" ".repeat(missing));
                out.push_str(&text);
            }
        }
        if out.len() > LONGEST {
            return Err(cannot_tell("a text too long to be looked at"));
        }
    }
    if values.next().is_some() {
        return Err(Fault("format with too many values").into());
    }
    out.push_str(rest);
    Ok(Value::text(out))
}

fn format_list(pattern: &Value, values: &[Value]) -> Answer {
    let pattern = a_text(pattern)?;
    let lists = values
        .iter()
        .map(|value| match value {
            Value::List(_) | Value::Set(_) => items_of(value).map(Some),
            _ => Ok(None),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut lengths = lists.iter().flatten().map(Vec::len);
    let length = lengths.next().unwrap_or(1);
    if lengths.any(|other| other != length) {
        return Err(Fault("formatlist of lists of unlike length").into());
    }
    let mut out = Vec::new();
    for at in 0..length {
        let row = values.iter().zip(&lists).map(|(value, list)| match list {
            Some(list) => list.get(at).cloned().unwrap_or(Value::Null),
            None => value.clone(),
        });
        out.push(format(&pattern, &row.collect::<Vec<_>>())?);
    }
    Ok(Value::list(out))
}
