//! Functions of lists, sets and maps: they work as long as what they look at is known, though items may not be.

use super::{ARGUMENTS, Answer, Stop, an_index, cannot_tell, items_of, number_of};
use crate::code::expression::{plain, still_unknown};
use crate::code::value::{Fault, Value, unified};
use std::collections::BTreeMap;
use std::rc::Rc;

/// `None` for a function that is not one of these.
pub(crate) fn call(name: &str, arguments: &[Value]) -> Option<Answer> {
    let answer = match (name, arguments) {
        ("length", [value]) => length(value),
        ("concat", lists) => concat(lists),
        ("flatten", [list]) => {
            let mut out = Vec::new();
            flatten(list, &mut out).map(|()| Value::list(out))
        }
        ("merge", maps) => merge(maps),
        ("tolist", [value]) => items_of(value)
            .and_then(|items| one_type(unified(items)))
            .map(Value::list),
        ("toset", [value]) => match value {
            Value::Set(_) => Ok(value.clone()),
            Value::List(items) => one_type(items.items.clone()).map(Value::set),
            other => items_of(other).map(Value::set),
        },
        ("tomap", [value]) => fields_of(value).and_then(|fields| {
            let (keys, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
            let values = one_type(unified(values))?;
            Ok(Value::map(keys.into_iter().zip(values).collect()))
        }),
        ("keys", [map]) => {
            fields_of(map).map(|fields| Value::list(fields.into_keys().map(Value::Text).collect()))
        }
        ("values", [map]) => fields_of(map).map(|fields| Value::list(fields.into_values().collect())),
        ("lookup", [map, key]) => lookup(map, key, None),
        ("lookup", [map, key, default]) => lookup(map, key, Some(default)),
        ("contains", [list, value]) => contains(list, value),
        ("element", [list, index]) => element(list, index),
        ("index", [list, value]) => index(list, value),
        ("one", [list]) => items_of(list).and_then(|items| match items.as_slice() {
            [] => Ok(Value::Null),
            [one] => Ok(one.clone()),
            _ => Err(Fault("one of several").into()),
        }),
        ("reverse", [list]) => items_of(list).map(|mut items| {
            items.reverse();
            Value::list(items)
        }),
        ("slice", [list, from, to]) => slice(list, from, to),
        ("chunklist", [list, size]) => chunks(list, size),
        ("zipmap", [keys, values]) => zip(keys, values),
        ("distinct", [list]) => distinct(list),
        ("compact", [list]) => compact(list),
        ("coalesce", values) => coalesce(values),
        ("coalescelist", lists) => coalesce_list(lists),
        ("setunion", [_, ..]) => set_union(arguments),
        ("setintersection", [first, rest @ ..]) => sets(first, rest, true),
        ("setsubtract", [first, second]) => sets(first, std::slice::from_ref(second), false),
        ("setproduct", [_, _, ..]) => product(arguments),
        ("tostring", [value]) => value.to_text().map_err(Stop::from),
        ("tonumber", [value]) => value.to_number().map_err(Stop::from),
        ("tobool", [value]) => value.to_bool().map_err(Stop::from),
        ("anytrue" | "alltrue", [list]) => all_or_any(list, name == "anytrue"),
        (
            "length" | "flatten" | "tolist" | "toset" | "tomap" | "keys" | "values" | "lookup" | "contains"
            | "element" | "index" | "one" | "reverse" | "slice" | "chunklist" | "zipmap" | "distinct"
            | "compact" | "setunion" | "setintersection" | "setsubtract" | "setproduct" | "tostring"
            | "tonumber" | "tobool" | "anytrue" | "alltrue",
            _,
        ) => Err(ARGUMENTS.into()),
        _ => return None,
    };
    Some(answer)
}

fn hidden(value: &Value) -> Stop {
    Stop::Unknown(still_unknown(&[value]))
}

fn fields_of(value: &Value) -> Result<BTreeMap<Rc<str>, Value>, Stop> {
    match value {
        Value::Map(fields) => Ok(fields.fields.clone()),
        Value::Unknown(_) | Value::Instance(_) | Value::Module(_) => Err(hidden(value)),
        _ => Err(Fault("a map is asked for").into()),
    }
}

/// Of items of one type, all are; of others Terraform makes one, which is not followed beyond texts and numbers.
fn one_type(items: Vec<Value>) -> Result<Vec<Value>, Stop> {
    let collections = items
        .iter()
        .any(|item| matches!(item, Value::List(_) | Value::Set(_) | Value::Map(_)));
    if !collections || items.len() < 2 || items.windows(2).all(|pair| same_shape(&pair[0], &pair[1])) {
        return Ok(items);
    }
    Err(cannot_tell("a collection of items of several types"))
}

fn same_shape(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Text(_), Value::Text(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => true,
        (Value::List(a), Value::List(b)) | (Value::Set(a), Value::Set(b)) => {
            let mut all = a.items.iter().chain(&b.items);
            let Some(first) = all.next() else { return true };
            all.all(|item| same_shape(first, item))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.fields.keys().eq(b.fields.keys())
                && a.fields
                    .values()
                    .zip(b.fields.values())
                    .all(|(a, b)| same_shape(a, b))
        }
        _ => false,
    }
}

fn length(value: &Value) -> Answer {
    match value {
        Value::List(items) => Ok(number_of(items.items.len())),
        Value::Set(items) if Value::is_ordered(items) => Ok(number_of(items.items.len())),
        Value::Set(_) => match value.unknown_within() {
            Some(unknown) => Err(Stop::Unknown(Value::Unknown(plain(unknown)))),
            None => items_of(value).map(|items| number_of(items.len())),
        },
        Value::Map(fields) => Ok(number_of(fields.fields.len())),
        // Terraform counts grapheme clusters; of ASCII letters each is one.
        Value::Text(text) if text.is_ascii() && !text.contains('\r') => Ok(number_of(text.len())),
        Value::Text(_) => Err(cannot_tell("the length of a text beyond ASCII")),
        Value::Unknown(_) | Value::Instance(_) | Value::Module(_) => Err(hidden(value)),
        _ => Err(Fault("length of something that has none").into()),
    }
}

fn concat(lists: &[Value]) -> Answer {
    let mut out = Vec::new();
    for list in lists {
        // Not every version of Terraform takes a set here.
        if matches!(list, Value::Set(_)) {
            return Err(cannot_tell("concat of a set"));
        }
        out.extend(items_of(list)?);
    }
    Ok(Value::list(out))
}

fn flatten(value: &Value, out: &mut Vec<Value>) -> Result<(), Stop> {
    for item in items_of(value)? {
        match &item {
            Value::List(_) | Value::Set(_) => flatten(&item, out)?,
            // What is not known may be a list; an id is none.
            Value::Unknown(unknown) if unknown.id.is_none() => return Err(hidden(&item)),
            _ => out.push(item),
        }
        if out.len() > crate::code::value::HEAVIEST {
            return Err(cannot_tell("a collection too large to be looked at"));
        }
    }
    Ok(())
}

fn merge(maps: &[Value]) -> Answer {
    let mut out = BTreeMap::new();
    for map in maps {
        if !matches!(map, Value::Null) {
            out.extend(fields_of(map)?);
        }
    }
    Ok(Value::map(out))
}

fn lookup(map: &Value, key: &Value, default: Option<&Value>) -> Answer {
    let key = match key.to_text()? {
        Value::Text(key) => key,
        Value::Null => return Err(Fault("lookup of null").into()),
        other => return Err(hidden(&other)),
    };
    match (fields_of(map)?.get(&key), default) {
        (Some(found), _) => Ok(found.clone()),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(Fault("lookup of a key that is not there").into()),
    }
}

fn contains(list: &Value, value: &Value) -> Answer {
    let items = match list {
        Value::List(items) | Value::Set(items) => &items.items,
        other => return items_of(other).map(|_| Value::Null),
    };
    let mut unsure = false;
    for item in items {
        match item.equals(value) {
            Some(true) => return Ok(Value::Bool(true)),
            Some(false) => {}
            None => unsure = true,
        }
    }
    if unsure {
        return Err(Stop::Unknown(still_unknown(&[list, value])));
    }
    Ok(Value::Bool(false))
}

fn element(list: &Value, index: &Value) -> Answer {
    let items = items_of(list)?;
    let index = an_index(index)?;
    if items.is_empty() {
        return Err(Fault("element of an empty list").into());
    }
    // Since Terraform 1.10 a negative index counts from the end; before it was an error.
    if index < 0 {
        return Err(cannot_tell("element with a negative index"));
    }
    let at = i128::try_from(items.len())
        .ok()
        .and_then(|length| usize::try_from(index % length).ok());
    at.and_then(|at| items.get(at).cloned()).ok_or(ARGUMENTS.into())
}

fn index(list: &Value, value: &Value) -> Answer {
    for (at, item) in items_of(list)?.iter().enumerate() {
        match item.equals(value) {
            Some(true) => return Ok(number_of(at)),
            Some(false) => {}
            None => return Err(Stop::Unknown(still_unknown(&[item, value]))),
        }
    }
    Err(Fault("index of a value that is not there").into())
}

fn slice(list: &Value, from: &Value, to: &Value) -> Answer {
    let items = items_of(list)?;
    let place = |value: &Value| -> Result<usize, Stop> {
        usize::try_from(an_index(value)?).map_err(|_| Fault("slice beyond the list").into())
    };
    let (from, to) = (place(from)?, place(to)?);
    let part = items.get(from..to).ok_or(Fault("slice beyond the list"))?;
    Ok(Value::list(part.to_vec()))
}

fn chunks(list: &Value, size: &Value) -> Answer {
    let items = items_of(list)?;
    let size = usize::try_from(an_index(size)?).map_err(|_| Fault("chunks of negative size"))?;
    if size == 0 {
        return Ok(Value::list(if items.is_empty() {
            items
        } else {
            vec![Value::list(items)]
        }));
    }
    let chunks = items.chunks(size).map(|chunk| Value::list(chunk.to_vec()));
    Ok(Value::list(chunks.collect()))
}

fn zip(keys: &Value, values: &Value) -> Answer {
    let (keys, values) = (items_of(keys)?, items_of(values)?);
    if keys.len() != values.len() {
        return Err(Fault("zipmap of lists of unlike length").into());
    }
    let mut out = BTreeMap::new();
    for (key, value) in keys.iter().zip(values) {
        match key.to_text()? {
            Value::Text(key) => out.insert(key, value),
            Value::Null => return Err(Fault("a key is null").into()),
            other => return Err(hidden(&other)),
        };
    }
    Ok(Value::map(out))
}

fn distinct(list: &Value) -> Answer {
    let items = one_type(unified(items_of(list)?))?;
    if let Some(unknown) = list.unknown_within() {
        return Err(Stop::Unknown(Value::Unknown(plain(unknown))));
    }
    let mut out: Vec<Value> = Vec::new();
    if items.len() > MOST_COMPARED {
        return Err(cannot_tell("a collection too large to be looked at"));
    }
    for item in items {
        let mut seen = false;
        for other in &out {
            match other.is_same(&item) {
                Some(same) => seen |= same,
                None => return Err(hidden(&item)),
            }
        }
        if !seen {
            out.push(item);
        }
    }
    Ok(Value::list(out))
}

/// Where each item is compared with each.
const MOST_COMPARED: usize = 2_000;

fn compact(list: &Value) -> Answer {
    let mut out = Vec::new();
    for item in items_of(list)? {
        match item.to_text()? {
            Value::Null => {}
            Value::Text(text) if text.is_empty() => {}
            Value::Unknown(unknown) if unknown.id.is_none() => return Err(hidden(&item)),
            text => out.push(text),
        }
    }
    Ok(Value::list(out))
}

fn coalesce(values: &[Value]) -> Answer {
    let text = values.iter().any(|value| matches!(value, Value::Text(_)));
    for value in values {
        match value {
            Value::Null => {}
            Value::Text(text) if text.is_empty() => {}
            Value::Unknown(unknown) if unknown.id.is_none() => return Err(hidden(value)),
            Value::Number(_) | Value::Bool(_) if text => return value.to_text().map_err(Stop::from),
            other => return Ok(other.clone()),
        }
    }
    Err(Fault("coalesce of nothing").into())
}

fn coalesce_list(lists: &[Value]) -> Answer {
    for list in lists {
        match list {
            Value::Null => {}
            Value::List(items) | Value::Set(items) if items.items.is_empty() => {}
            Value::List(_) | Value::Set(_) => return Ok(list.clone()),
            other => {
                items_of(other)?;
            }
        }
    }
    Err(Fault("coalescelist of nothing").into())
}

fn set_items(value: &Value) -> Result<Vec<Value>, Stop> {
    match value {
        Value::List(items) | Value::Set(items) => Ok(items.items.clone()),
        other => items_of(other),
    }
}

fn set_union(arguments: &[Value]) -> Answer {
    let mut all = Vec::new();
    for argument in arguments {
        all.extend(set_items(argument)?);
    }
    one_type(all).map(Value::set)
}

fn sets(first: &Value, others: &[Value], keep: bool) -> Answer {
    let mut out = unified(set_items(first)?);
    for other in others {
        let other = unified(set_items(other)?);
        if out.len().saturating_mul(other.len()) > MOST_COMPARED * MOST_COMPARED {
            return Err(cannot_tell("a collection too large to be looked at"));
        }
        let texts = |items: &[Value]| items.iter().any(|item| matches!(item, Value::Text(_)));
        if texts(&out) != texts(&other) && !out.is_empty() && !other.is_empty() {
            return Err(cannot_tell("sets of unlike types"));
        }
        let mut left = Vec::new();
        for item in out {
            let mut found = false;
            for candidate in &other {
                match item.is_same(candidate) {
                    Some(same) => found |= same,
                    None => return Err(Stop::Unknown(still_unknown(&[&item, candidate]))),
                }
            }
            if found == keep {
                left.push(item);
            }
        }
        out = left;
    }
    Ok(Value::set(out))
}

fn product(arguments: &[Value]) -> Answer {
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    let mut from_sets = true;
    for argument in arguments {
        if let Some(unknown) = argument.unknown_within() {
            return Err(Stop::Unknown(Value::Unknown(plain(unknown))));
        }
        from_sets &= matches!(argument, Value::Set(_));
        let items = items_of(argument)?;
        if rows.len().saturating_mul(items.len()) > crate::code::value::HEAVIEST / arguments.len() {
            return Err(cannot_tell("a collection too large to be looked at"));
        }
        let longer = |row: &Vec<Value>, item: &Value| {
            let mut row = row.clone();
            row.push(item.clone());
            row
        };
        rows = rows
            .iter()
            .flat_map(|row| items.iter().map(|item| longer(row, item)))
            .collect();
    }
    let rows: Vec<Value> = rows.into_iter().map(Value::list).collect();
    // Of sets Terraform makes a set, of lists a list.
    Ok(if from_sets {
        Value::set(rows)
    } else {
        Value::list(rows)
    })
}

fn all_or_any(list: &Value, any: bool) -> Answer {
    let mut unsure = None;
    for item in items_of(list)? {
        match item.to_bool()? {
            Value::Bool(flag) if flag == any => return Ok(Value::Bool(any)),
            Value::Bool(_) => {}
            Value::Null if any => {}
            Value::Null => return Ok(Value::Bool(false)),
            other => unsure = Some(other),
        }
    }
    unsure.map_or(Ok(Value::Bool(!any)), |value| Err(hidden(&value)))
}
