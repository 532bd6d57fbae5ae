//! Terraform's functions, as far as they are known here; a call of any other is not known.
//!
//! After "Functions" (Terraform language documentation). What each gives was compared with the real `terraform console`:
//! `fixtures/functions.txt` holds the answers.

mod collections;
mod json;
mod network;
mod texts;

#[cfg(test)]
pub(crate) use json::write as write_json;

use crate::code::expression::plain;
use crate::code::number::Number;
use crate::code::value::{Evaluated, Fault, Items, Value};
use std::rc::Rc;

const ARGUMENTS: Fault = Fault("a function with other arguments than it takes");

/// Calls a function of the language.
pub(crate) fn call(name: &str, arguments: &[Value]) -> Evaluated {
    if let Some(result) = collections::call(name, arguments) {
        return result.or_else(recover);
    }
    // All others look into their arguments.
    let unknown = arguments.iter().find_map(Value::unknown_within);
    if !is_known(name) {
        return Ok(Value::unknown(format!("{name}()")));
    }
    if let Some(unknown) = unknown {
        return Ok(Value::Unknown(plain(unknown)));
    }
    if arguments.iter().any(holds_a_handle) {
        return Ok(Value::unknown("the attributes of a resource or a module"));
    }
    let result = texts::call(name, arguments)
        .or_else(|| network::call(name, arguments))
        .or_else(|| json::call(name, arguments))
        .or_else(|| numbers(name, arguments));
    match result {
        Some(result) => result.or_else(recover),
        None => Ok(Value::unknown(format!("{name}()"))),
    }
}

/// A stop that is no error of the author's becomes a value that is not known.
fn recover(stop: Stop) -> Evaluated {
    match stop {
        Stop::Fault(fault) => Err(fault),
        Stop::Unknown(value) => Ok(value),
    }
}

/// Why a function gives no value.
pub(crate) enum Stop {
    /// Terraform refuses it.
    Fault(Fault),
    /// It can't be told.
    Unknown(Value),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

type Answer = Result<Value, Stop>;

fn cannot_tell(why: &str) -> Stop {
    Stop::Unknown(Value::unknown(why))
}

fn is_known(name: &str) -> bool {
    texts::NAMES.contains(&name)
        || network::NAMES.contains(&name)
        || json::NAMES.contains(&name)
        || NUMBERS.contains(&name)
}

fn holds_a_handle(value: &Value) -> bool {
    match value {
        Value::Instance(_) | Value::Module(_) => true,
        Value::List(items) | Value::Set(items) => items.items.iter().any(holds_a_handle),
        Value::Map(fields) => fields.fields.values().any(holds_a_handle),
        _ => false,
    }
}

const NUMBERS: [&str; 9] = [
    "min", "max", "abs", "ceil", "floor", "signum", "sum", "parseint", "range",
];

fn numbers(name: &str, arguments: &[Value]) -> Option<Answer> {
    let answer = match (name, arguments) {
        ("min" | "max", [_, ..]) => extreme(name == "max", arguments),
        ("sum", [list]) => items_of(list).and_then(|items| {
            if items.is_empty() {
                return Err(Fault("a sum of nothing").into());
            }
            let mut sum = Number::ZERO;
            for item in &items {
                sum = sum
                    .add(a_number(item)?)
                    .ok_or_else(|| cannot_tell("a number too large"))?;
            }
            Ok(Value::Number(sum))
        }),
        ("abs", [n]) => a_number(n).map(|n| Value::Number(if n.is_negative() { n.negated() } else { n })),
        ("ceil", [n]) => a_number(n).map(|n| Value::Number(n.ceil())),
        ("floor", [n]) => a_number(n).map(|n| Value::Number(n.floor())),
        ("signum", [n]) => a_number(n).map(|n| {
            let sign = if n.is_negative() {
                -1
            } else {
                i128::from(n != Number::ZERO)
            };
            Value::Number(Number::whole(sign))
        }),
        ("parseint", [text, base]) => parse_int(text, base),
        ("range", _) => range(arguments),
        (name, _) if NUMBERS.contains(&name) => Err(ARGUMENTS.into()),
        _ => return None,
    };
    Some(answer)
}

fn extreme(largest: bool, arguments: &[Value]) -> Answer {
    let mut best: Option<Number> = None;
    for argument in arguments {
        let number = a_number(argument)?;
        let better = match best {
            None => true,
            Some(best) if largest => number.compare(best).is_gt(),
            Some(best) => number.compare(best).is_lt(),
        };
        if better {
            best = Some(number);
        }
    }
    best.map(Value::Number).ok_or(ARGUMENTS.into())
}

fn parse_int(text: &Value, base: &Value) -> Answer {
    let (text, base) = (a_text(text)?, a_number(base)?);
    let base = base.as_whole().and_then(|base| u32::try_from(base).ok());
    match base {
        // Above 36 Terraform tells upper from lower case.
        Some(base @ 2..=36) => i128::from_str_radix(&text, base)
            .map(|number| Value::Number(Number::whole(number)))
            .map_err(|_| cannot_tell("an odd number")),
        _ => Err(cannot_tell("an odd base")),
    }
}

/// The most numbers that Terraform's `range` gives ("range Function", Terraform language documentation).
const LONGEST_RANGE: usize = 1024;

fn range(arguments: &[Value]) -> Answer {
    let numbers = arguments.iter().map(a_number).collect::<Result<Vec<_>, _>>()?;
    let one = Number::whole(1);
    let (start, limit, step) = match numbers.as_slice() {
        [limit] => (
            Number::ZERO,
            *limit,
            if limit.is_negative() { one.negated() } else { one },
        ),
        [start, limit] => {
            let down = limit.compare(*start).is_lt();
            (*start, *limit, if down { one.negated() } else { one })
        }
        [start, limit, step] => (*start, *limit, *step),
        _ => return Err(ARGUMENTS.into()),
    };
    let down = limit.compare(start).is_lt();
    if step == Number::ZERO || (step.is_negative() != down && start != limit) {
        return Err(Fault("range with a step that does not lead to its limit").into());
    }
    let mut items = Vec::new();
    let mut at = start;
    loop {
        let order = at.compare(limit);
        if if down { order.is_le() } else { order.is_ge() } {
            return Ok(Value::list(items));
        }
        if items.len() >= LONGEST_RANGE {
            return Err(Fault("range of more than 1024 numbers").into());
        }
        items.push(Value::Number(at));
        at = at.add(step).ok_or_else(|| cannot_tell("a number too large"))?;
    }
}

fn a_text(value: &Value) -> Result<Rc<str>, Stop> {
    match value.to_text()? {
        Value::Text(text) => Ok(text),
        Value::Null => Err(Fault("null where a text is asked for").into()),
        other => Err(Stop::Unknown(other)),
    }
}

fn a_number(value: &Value) -> Result<Number, Stop> {
    match value.to_number()? {
        Value::Number(number) => Ok(number),
        Value::Null => Err(Fault("null where a number is asked for").into()),
        other => Err(Stop::Unknown(other)),
    }
}

fn an_index(value: &Value) -> Result<i128, Stop> {
    a_number(value)?
        .as_whole()
        .ok_or(Fault("a fraction where a whole number is asked for").into())
}

fn ordered(items: &Items) -> Result<Vec<Value>, Stop> {
    if Value::is_ordered(items) {
        Ok(items.items.clone())
    } else {
        Err(cannot_tell("a set in an order that is not known"))
    }
}

/// The items of a list, or of a set in its order.
fn items_of(value: &Value) -> Result<Vec<Value>, Stop> {
    match value {
        Value::List(items) => Ok(items.items.clone()),
        Value::Set(items) => ordered(items),
        Value::Unknown(unknown) => Err(Stop::Unknown(Value::Unknown(plain(unknown)))),
        Value::Instance(_) | Value::Module(_) => Err(cannot_tell("the attributes of a resource or a module")),
        _ => Err(Fault("a list is asked for").into()),
    }
}

fn texts_of(value: &Value) -> Result<Vec<Rc<str>>, Stop> {
    items_of(value)?.iter().map(a_text).collect()
}

fn number_of(count: usize) -> Value {
    Number::count(count).map_or_else(|| Value::unknown("a number too large"), Value::Number)
}
