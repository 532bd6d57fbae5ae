//! Type constraints of variables: `list(object({ port = number, from = optional(string, "…") }))`.

use crate::code::expression::Place;
use crate::code::scope::Evaluator;
use crate::code::value::{Evaluated, Fault, Value};
use hcl_edit::expr::{Expression, FuncCall, ObjectKey};
use hcl_edit::structure::Body;
use std::collections::BTreeMap;

/// Whether a variable takes its value from the environment as a text: it is of a simple type, or of none ("Input
/// Variables", complex-typed values).
pub(crate) fn takes_text(variable: &Body) -> bool {
    match variable.get_attribute("type").map(|attribute| &attribute.value) {
        None => true,
        Some(Expression::Variable(name)) => matches!(name.as_str(), "string" | "number" | "bool"),
        Some(Expression::String(text)) => matches!(text.value().as_str(), "string" | "number" | "bool"),
        Some(_) => false,
    }
}

/// The value as a variable of this type has it ("Type Constraints", Terraform language documentation).
pub(crate) fn convert<'a>(
    evaluator: &Evaluator<'a>,
    place: Place<'_, 'a>,
    value: &Value,
    wanted: &'a Expression,
) -> Evaluated {
    let Some(_guard) = evaluator.enter() else {
        return Ok(Value::unknown("a type too large to be followed"));
    };
    if matches!(value, Value::Unknown(_) | Value::Null) {
        return Ok(value.clone());
    }
    match wanted {
        Expression::Variable(name) => match name.as_str() {
            "string" => value.to_text(),
            "number" => value.to_number(),
            "bool" => value.to_bool(),
            "any" => Ok(value.clone()),
            // In old code: `type = list`.
            "list" | "map" | "set" => Ok(value.clone()),
            _ => Ok(Value::unknown("a type that is not known here")),
        },
        // In old code, and in JSON: `type = "string"`.
        Expression::String(text) => match text.value().as_str() {
            "string" => value.to_text(),
            "number" => value.to_number(),
            "bool" => value.to_bool(),
            "any" | "list" | "map" => Ok(value.clone()),
            _ => Ok(Value::unknown("a type that is not known here")),
        },
        Expression::Parenthesis(inner) => convert(evaluator, place, value, inner.inner()),
        Expression::FuncCall(call) => {
            let inner = call.args.get(0).ok_or(Fault("a type without its inner one"))?;
            let each = |item: &Value| convert(evaluator, place, item, inner);
            match (call.name.name.as_str(), value) {
                ("list", Value::List(items)) => Ok(Value::list(
                    items.items.iter().map(each).collect::<Result<_, _>>()?,
                )),
                ("list", Value::Set(items)) if Value::is_ordered(items) => Ok(Value::list(
                    items.items.iter().map(each).collect::<Result<_, _>>()?,
                )),
                ("list", Value::Set(_)) => Ok(Value::unknown("a set in an order that is not known")),
                ("set", Value::List(items) | Value::Set(items)) => Ok(Value::set(
                    items.items.iter().map(each).collect::<Result<_, _>>()?,
                )),
                ("map", Value::Map(fields)) => {
                    let field = |(key, value): (&std::rc::Rc<str>, &Value)| Ok((key.clone(), each(value)?));
                    Ok(Value::map(
                        fields.fields.iter().map(field).collect::<Result<_, Fault>>()?,
                    ))
                }
                ("object", Value::Map(_)) => object(evaluator, place, value, inner),
                ("tuple", Value::List(items)) => match inner {
                    Expression::Array(types) if types.len() == items.items.len() => {
                        let items = items.items.iter().zip(types);
                        let items = items.map(|(item, wanted)| convert(evaluator, place, item, wanted));
                        Ok(Value::list(items.collect::<Result<_, _>>()?))
                    }
                    _ => Err(Fault("a tuple of another length")),
                },
                ("list" | "set" | "map" | "object" | "tuple", Value::Instance(_) | Value::Module(_)) => {
                    Ok(Value::unknown("the attributes of a resource or a module"))
                }
                ("list" | "set" | "map" | "object" | "tuple", _) => Err(Fault("a value of another type")),
                _ => Ok(Value::unknown("a type that is not known here")),
            }
        }
        _ => Ok(Value::unknown("a type that is not known here")),
    }
}

/// An object has the attributes of its type and no others; those it lacks must be optional.
fn object<'a>(
    evaluator: &Evaluator<'a>,
    place: Place<'_, 'a>,
    value: &Value,
    wanted: &'a Expression,
) -> Evaluated {
    let (Value::Map(fields), Expression::Object(wanted)) = (value, wanted) else {
        return Err(Fault("a value of another type"));
    };
    let mut out = BTreeMap::new();
    for (key, wanted) in wanted {
        let key = match key {
            ObjectKey::Ident(name) => name.as_str(),
            ObjectKey::Expression(Expression::Variable(name)) => name.as_str(),
            ObjectKey::Expression(Expression::String(text)) => text.value().as_str(),
            ObjectKey::Expression(_) => return Ok(Value::unknown("a type that is not known here")),
        };
        let (wanted, optional) = match wanted.expr() {
            Expression::FuncCall(call) if call.name.name.as_str() == "optional" => match call.args.get(0) {
                Some(inner) => (inner, Some(&**call)),
                None => return Err(Fault("optional without a type")),
            },
            other => (other, None),
        };
        let value = match (fields.fields.get(key), optional) {
            (None, None) => return Err(Fault("an object without one of its attributes")),
            (None | Some(Value::Null), Some(call)) => default_of(evaluator, place, call, wanted)?,
            (Some(value), _) => convert(evaluator, place, value, wanted)?,
        };
        out.insert(key.into(), value);
    }
    Ok(Value::map(out))
}

fn default_of<'a>(
    evaluator: &Evaluator<'a>,
    place: Place<'_, 'a>,
    call: &'a FuncCall,
    wanted: &'a Expression,
) -> Evaluated {
    match call.args.get(1) {
        Some(default) => {
            let value = evaluator.evaluate(place, default)?;
            convert(evaluator, place, &value, wanted)
        }
        None => Ok(Value::Null),
    }
}
