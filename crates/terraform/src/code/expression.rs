//! What an expression comes to.
//!
//! After "Expressions" (Terraform language documentation). Whatever is not known stays so, with the name of what decides
//! it; what Terraform would refuse is a [`Fault`], and only where that is certain.

use crate::code::functions;
use crate::code::number::Number;
use crate::code::scope::{Evaluator, Scope};
use crate::code::value::{Evaluated, Fault, Unknown, Value};
use hcl_edit::expr::{
    BinaryOperator, Expression, ForExpr, FuncCall, Object, ObjectKey, TraversalOperator, UnaryOperator,
};
use hcl_edit::template::{Directive, Element, ForDirective, Strip};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A name that stands for a value inside of an expression: of a `for`, of `each` and `count`, of a `dynamic` block.
#[derive(Clone, Copy)]
pub(crate) struct Bound<'e> {
    pub(crate) name: &'e str,
    pub(crate) value: &'e Value,
    pub(crate) outer: Option<&'e Self>,
}

/// Where an expression stands: its module, and the names bound around it.
#[derive(Clone, Copy)]
pub(crate) struct Place<'e, 'a> {
    pub(crate) scope: &'e Rc<Scope<'a>>,
    pub(crate) bound: Option<&'e Bound<'e>>,
}

impl<'e> Place<'e, '_> {
    fn lookup(&self, name: &str) -> Option<&'e Value> {
        let mut at = self.bound;
        while let Some(bound) = at {
            if bound.name == name {
                return Some(bound.value);
            }
            at = bound.outer;
        }
        None
    }
}

impl<'a> Evaluator<'a> {
    /// What the expression comes to; an error is as good as not known.
    pub(crate) fn value(&self, place: Place<'_, 'a>, expression: &'a Expression) -> Value {
        match self.evaluate(place, expression) {
            Ok(value) => value,
            Err(Fault(why)) => Value::unknown(format!("an expression that terraform refuses ({why})")),
        }
    }

    pub(crate) fn evaluate(&self, place: Place<'_, 'a>, expression: &'a Expression) -> Evaluated {
        let Some(_guard) = self.enter() else {
            return Ok(Value::unknown("an expression too large to be followed"));
        };
        match expression {
            Expression::Null(_) => Ok(Value::Null),
            Expression::Bool(flag) => Ok(Value::Bool(*flag.value())),
            Expression::Number(number) => {
                let parsed = Number::parse(&number.value().to_string());
                Ok(parsed.map_or_else(|| Value::unknown("an odd number"), Value::Number))
            }
            Expression::String(text) => Ok(Value::text(text.value().as_str())),
            Expression::StringTemplate(template) => {
                let elements: Vec<&'a Element> = template.iter().collect();
                self.template(place, &elements)
            }
            Expression::HeredocTemplate(heredoc) => {
                if heredoc.indent().is_some_and(|indent| indent > 0) {
                    return Ok(Value::unknown("a heredoc with indentation"));
                }
                let elements: Vec<&'a Element> = heredoc.template.iter().collect();
                match self.template(place, &elements)? {
                    // The last line feed stands before the delimiter.
                    Value::Text(text) if !text.ends_with('\n') => Ok(Value::text(format!("{text}\n"))),
                    other => Ok(other),
                }
            }
            Expression::Parenthesis(inner) => self.evaluate(place, inner.inner()),
            Expression::Array(items) => {
                let items = items.iter().map(|item| self.evaluate(place, item));
                Ok(Value::list(items.collect::<Result<_, _>>()?))
            }
            Expression::Object(object) => self.object(place, object),
            Expression::Variable(name) => Ok(match place.lookup(name.as_str()) {
                Some(value) => value.clone(),
                None => Value::unknown(name.as_str()),
            }),
            Expression::Conditional(conditional) => self.conditional(
                place,
                &conditional.cond_expr,
                &conditional.true_expr,
                &conditional.false_expr,
            ),
            Expression::FuncCall(call) => self.call(place, call),
            Expression::Traversal(traversal) => {
                let operators: Vec<&'a TraversalOperator> = traversal
                    .operators
                    .iter()
                    .map(hcl_edit::Decorated::value)
                    .collect();
                self.traversal(place, &traversal.expr, &operators)
            }
            Expression::UnaryOp(operation) => {
                let value = self.evaluate(place, &operation.expr)?;
                match operation.operator.value() {
                    UnaryOperator::Neg => number(&value)?.map(|n| Ok(Value::Number(n.negated()))),
                    UnaryOperator::Not => flag(&value)?.map(|flag| Ok(Value::Bool(!flag))),
                }
                .unwrap_or(Ok(still_unknown(&[&value])))
            }
            Expression::BinaryOp(operation) => self.binary(
                place,
                &operation.lhs_expr,
                *operation.operator.value(),
                &operation.rhs_expr,
            ),
            Expression::ForExpr(expression) => self.for_expression(place, expression),
        }
    }

    fn object(&self, place: Place<'_, 'a>, object: &'a Object) -> Evaluated {
        let mut fields = BTreeMap::new();
        let mut hidden = None;
        for (key, value) in object {
            let key = match key {
                ObjectKey::Ident(name) => Value::text(name.as_str()),
                // A bare name is a key, not a reference, also where the parser takes it for one.
                ObjectKey::Expression(Expression::Variable(name)) => Value::text(name.as_str()),
                ObjectKey::Expression(expression) => self.evaluate(place, expression)?,
            };
            let value = self.evaluate(place, value.expr())?;
            match key.to_text()? {
                Value::Text(key) => {
                    fields.insert(key, value);
                }
                Value::Null => return Err(Fault("a key is null")),
                other => hidden = Some(other),
            }
        }
        Ok(hidden.unwrap_or_else(|| Value::map(fields)))
    }

    fn conditional(
        &self,
        place: Place<'_, 'a>,
        condition: &'a Expression,
        yes: &'a Expression,
        no: &'a Expression,
    ) -> Evaluated {
        let condition = self.evaluate(place, condition)?;
        let Some(chosen) = flag(&condition)? else {
            return Ok(still_unknown(&[&condition]));
        };
        let (taken, other) = if chosen { (yes, no) } else { (no, yes) };
        let value = self.evaluate(place, taken)?;
        // Both sides get one type: of a number and a text, a text. Beside what is not known it stays a number, which says the
        // same wherever a rule asks for it.
        if matches!(value, Value::Number(_) | Value::Bool(_))
            && let Ok(Value::Text(_)) = self.evaluate(place, other)
        {
            return value.to_text();
        }
        Ok(value)
    }

    fn binary(
        &self,
        place: Place<'_, 'a>,
        left: &'a Expression,
        operator: BinaryOperator,
        right: &'a Expression,
    ) -> Evaluated {
        let (left, right) = (self.evaluate(place, left)?, self.evaluate(place, right)?);
        let unknown = || still_unknown(&[&left, &right]);
        let said = |flag: Option<bool>| Ok(flag.map_or_else(unknown, Value::Bool));
        match operator {
            BinaryOperator::Eq => return said(left.equals(&right)),
            BinaryOperator::NotEq => return said(left.equals(&right).map(|same| !same)),
            BinaryOperator::And | BinaryOperator::Or => {
                let (a, b) = (flag(&left)?, flag(&right)?);
                let decides = operator == BinaryOperator::Or;
                return said(match (a, b) {
                    (Some(a), _) if a == decides => Some(decides),
                    (_, Some(b)) if b == decides => Some(decides),
                    (Some(_), Some(_)) => Some(!decides),
                    _ => None,
                });
            }
            _ => {}
        }
        let (Some(a), Some(b)) = (number(&left)?, number(&right)?) else {
            return Ok(unknown());
        };
        let ordering = Some(a.compare(b));
        let result = match operator {
            BinaryOperator::Plus => a.add(b),
            BinaryOperator::Minus => a.add(b.negated()),
            BinaryOperator::Mul => a.mul(b),
            BinaryOperator::Div | BinaryOperator::Mod if b == Number::ZERO => {
                return Err(Fault("a division by zero"));
            }
            BinaryOperator::Div => a.div(b),
            BinaryOperator::Mod => a.rem(b),
            BinaryOperator::Less => return said(ordering.map(std::cmp::Ordering::is_lt)),
            BinaryOperator::LessEq => return said(ordering.map(std::cmp::Ordering::is_le)),
            BinaryOperator::Greater => return said(ordering.map(std::cmp::Ordering::is_gt)),
            BinaryOperator::GreaterEq => return said(ordering.map(std::cmp::Ordering::is_ge)),
            BinaryOperator::Eq | BinaryOperator::NotEq | BinaryOperator::And | BinaryOperator::Or => None,
        };
        Ok(result.map_or_else(|| Value::unknown("a number too large"), Value::Number))
    }

    fn call(&self, place: Place<'_, 'a>, call: &'a FuncCall) -> Evaluated {
        let name = call.name.name.as_str();
        if call.name.is_namespaced()
            && call
                .name
                .namespace
                .first()
                .is_some_and(|space| space.as_str() != "core")
        {
            return Ok(Value::unknown("a provider's function"));
        }
        match name {
            "try" => {
                for argument in &call.args {
                    match self.evaluate(place, argument) {
                        Err(_) => {}
                        value => return value,
                    }
                }
                return Err(Fault("no expression of try succeeds"));
            }
            "can" => {
                let Some(argument) = call.args.get(0) else {
                    return Err(Fault("can without an expression"));
                };
                return Ok(match self.evaluate(place, argument) {
                    Err(_) => Value::Bool(false),
                    Ok(value) => match value.unknown_within() {
                        Some(unknown) => Value::Unknown(plain(unknown)),
                        None => Value::Bool(true),
                    },
                });
            }
            _ => {}
        }
        let mut arguments = call
            .args
            .iter()
            .map(|argument| self.evaluate(place, argument))
            .collect::<Result<Vec<_>, _>>()?;
        if call.args.expand_final() {
            match arguments.pop() {
                Some(Value::List(items)) => arguments.extend(items.items.iter().cloned()),
                Some(Value::Set(items)) if Value::is_ordered(&items) => {
                    arguments.extend(items.items.iter().cloned());
                }
                Some(Value::Unknown(unknown)) => return Ok(Value::Unknown(plain(&unknown))),
                Some(Value::Set(_)) => return Ok(Value::unknown("a set in an order that is not known")),
                _ => return Err(Fault("`...` behind something that is no list")),
            }
        }
        self.spend(&arguments);
        let result = functions::call(name, &arguments)?;
        self.spend(std::slice::from_ref(&result));
        Ok(result)
    }

    fn for_expression(&self, place: Place<'_, 'a>, expression: &'a ForExpr) -> Evaluated {
        let intro = &expression.intro;
        let collection = self.evaluate(place, &intro.collection_expr)?;
        let (pairs, ordered) = match self.pairs(&collection) {
            Ok(found) => found?,
            Err(unknown) => return Ok(unknown),
        };
        let key_name = intro.key_var.as_ref().map(|name| name.as_str());
        let mut items = Vec::new();
        let mut fields: BTreeMap<Rc<str>, Value> = BTreeMap::new();
        let mut groups: BTreeMap<Rc<str>, Vec<Value>> = BTreeMap::new();
        let mut spent = 0;
        for (key, value) in &pairs {
            let outer = place.bound;
            let with_key = key_name.map(|name| Bound {
                name,
                value: key,
                outer,
            });
            let with_value = Bound {
                name: intro.value_var.as_str(),
                value,
                outer: with_key.as_ref().or(outer),
            };
            let inner = Place {
                scope: place.scope,
                bound: Some(&with_value),
            };
            if let Some(condition) = &expression.cond {
                let condition = self.evaluate(inner, &condition.expr)?;
                match flag(&condition)? {
                    Some(true) => {}
                    Some(false) => continue,
                    None => return Ok(still_unknown(&[&condition])),
                }
            }
            let value = self.evaluate(inner, &expression.value_expr)?;
            spent += 1;
            if spent > crate::code::value::HEAVIEST {
                return Ok(Value::unknown("a collection too large to be looked at"));
            }
            let Some(key) = &expression.key_expr else {
                items.push(value);
                continue;
            };
            let key = self.evaluate(inner, key)?.to_text()?;
            let Value::Text(key) = key else {
                return Ok(still_unknown(&[&key]));
            };
            if expression.grouping {
                groups.entry(key).or_default().push(value);
            } else if fields.insert(key, value).is_some() {
                return Err(Fault("a for expression gives a key twice"));
            }
        }
        Ok(match (&expression.key_expr, expression.grouping) {
            (None, _) if ordered => Value::list(items),
            // What comes out of a set without a known order has none either.
            (None, _) => Value::set(items),
            (Some(_), false) => Value::map(fields),
            (Some(_), true) if ordered => Value::map(
                groups
                    .into_iter()
                    .map(|(key, items)| (key, Value::list(items)))
                    .collect(),
            ),
            (Some(_), true) => Value::map(
                groups
                    .into_iter()
                    .map(|(key, items)| (key, Value::set(items)))
                    .collect(),
            ),
        })
    }

    /// The pairs of key and value that a `for` or a `dynamic` block goes through, and whether their order is known.
    #[expect(
        clippy::type_complexity,
        reason = "the outer error is the value to go on with"
    )]
    pub(crate) fn pairs(
        &self,
        collection: &Value,
    ) -> Result<Result<(Vec<(Value, Value)>, bool), Fault>, Value> {
        Ok(Ok(match collection {
            Value::List(items) => {
                let pairs = items.items.iter().enumerate().map(|(at, item)| {
                    let key = Number::count(at).map_or(Value::Null, Value::Number);
                    (key, item.clone())
                });
                (pairs.collect(), true)
            }
            Value::Set(items) => {
                let pairs = items.items.iter().map(|item| (item.clone(), item.clone()));
                (pairs.collect(), Value::is_ordered(items))
            }
            Value::Map(fields) => {
                let pairs = fields.fields.iter();
                let pairs = pairs.map(|(key, value)| (Value::Text(Rc::clone(key)), value.clone()));
                (pairs.collect(), true)
            }
            Value::Unknown(unknown) => return Err(Value::Unknown(plain(unknown))),
            Value::Instance(instance) => return Err(Value::unknown(Rc::clone(&instance.address))),
            Value::Module(_) => return Err(Value::unknown("the outputs of a module")),
            _ => return Ok(Err(Fault("something that is no collection is gone through"))),
        }))
    }

    fn traversal(
        &self,
        place: Place<'_, 'a>,
        root: &'a Expression,
        operators: &[&'a TraversalOperator],
    ) -> Evaluated {
        if let Expression::Variable(name) = root
            && place.lookup(name.as_str()).is_none()
        {
            let (value, used) = self.reference(place, name.as_str(), operators)?;
            return self.apply(place, value, operators.get(used..).unwrap_or_default());
        }
        let value = self.evaluate(place, root)?;
        self.apply(place, value, operators)
    }

    /// Follows attributes, indices and splats.
    fn apply(&self, place: Place<'_, 'a>, value: Value, operators: &[&'a TraversalOperator]) -> Evaluated {
        let mut value = value;
        for (at, operator) in operators.iter().enumerate() {
            value = match operator {
                TraversalOperator::GetAttr(name) => self.attribute(&value, name.as_str())?,
                TraversalOperator::Index(index) => {
                    let index = self.evaluate(place, index)?;
                    self.index(&value, &index)?
                }
                TraversalOperator::LegacyIndex(index) => {
                    let index = Value::Number(Number::whole(i128::from(*index.value())));
                    self.index(&value, &index)?
                }
                TraversalOperator::FullSplat(_) | TraversalOperator::AttrSplat(_) => {
                    let rest = &operators[at + 1..];
                    // `[*]` takes all that follows to each item; `.*` takes attributes only.
                    let taken = if matches!(operator, TraversalOperator::FullSplat(_)) {
                        rest.len()
                    } else {
                        rest.iter()
                            .take_while(|next| matches!(next, TraversalOperator::GetAttr(_)))
                            .count()
                    };
                    let each = |item: &Value| self.apply(place, item.clone(), &rest[..taken]);
                    let splat = match &value {
                        Value::Null => Value::list(Vec::new()),
                        Value::Unknown(_) => return Ok(still_unknown(&[&value])),
                        Value::List(items) => {
                            Value::list(items.items.iter().map(each).collect::<Result<_, _>>()?)
                        }
                        Value::Set(items) if Value::is_ordered(items) => {
                            Value::list(items.items.iter().map(each).collect::<Result<_, _>>()?)
                        }
                        Value::Set(items) => {
                            Value::set(items.items.iter().map(each).collect::<Result<_, _>>()?)
                        }
                        other => Value::list(vec![each(other)?]),
                    };
                    return self.apply(place, splat, &rest[taken..]);
                }
            };
        }
        Ok(value)
    }

    /// `value.name`.
    fn attribute(&self, value: &Value, name: &str) -> Evaluated {
        match value {
            Value::Map(fields) => fields
                .fields
                .get(name)
                .cloned()
                .ok_or(Fault("there is no such attribute")),
            Value::Instance(instance) => Ok(self.instance_attribute(instance, name)),
            Value::Module(scope) => Ok(self.output(*scope, name)),
            Value::Unknown(unknown) => Ok(Value::unknown(format!("{}.{name}", unknown.why))),
            _ => Err(Fault("an attribute of something that has none")),
        }
    }

    /// `value[index]`.
    fn index(&self, value: &Value, index: &Value) -> Evaluated {
        match (value, index) {
            (Value::Unknown(_), _) => Ok(still_unknown(&[value])),
            (_, Value::Unknown(_)) => Ok(still_unknown(&[index])),
            (Value::Map(_) | Value::Instance(_) | Value::Module(_), key) => match key.to_text()? {
                Value::Text(key) => self.attribute(value, &key),
                _ => Err(Fault("an index is null")),
            },
            (Value::List(items), index) => match index.to_number()? {
                Value::Number(number) => number
                    .as_index()
                    .and_then(|at| items.items.get(at).cloned())
                    .ok_or(Fault("an index beyond the list")),
                other => Ok(still_unknown(&[&other])),
            },
            _ => Err(Fault("an index into something that has none")),
        }
    }

    fn template(&self, place: Place<'_, 'a>, elements: &[&'a Element]) -> Evaluated {
        // An interpolation alone keeps its type.
        if let [Element::Interpolation(alone)] = elements {
            return self.evaluate(place, &alone.expr);
        }
        let mut out = String::new();
        let mut hidden = None;
        for (at, element) in elements.iter().enumerate() {
            match element {
                Element::Literal(text) => {
                    let mut text = text.value().as_str();
                    if at
                        .checked_sub(1)
                        .and_then(|before| elements.get(before))
                        .is_some_and(|e| strips_after(e))
                    {
                        text = text.trim_start();
                    }
                    if elements.get(at + 1).is_some_and(|e| strips_before(e)) {
                        text = text.trim_end();
                    }
                    out.push_str(text);
                }
                Element::Interpolation(part) => match self.evaluate(place, &part.expr)?.to_text()? {
                    Value::Text(text) => out.push_str(&text),
                    Value::Null => return Err(Fault("null in a template")),
                    other => hidden = hidden.or(Some(other)),
                },
                Element::Directive(directive) => match self.directive(place, directive)? {
                    Value::Text(text) => out.push_str(&text),
                    other => hidden = hidden.or(Some(other)),
                },
            }
            if out.len() > crate::code::value::LONGEST {
                return Ok(Value::unknown("a text too long to be looked at"));
            }
        }
        Ok(hidden.map_or_else(|| Value::text(out), |hidden| still_unknown(&[&hidden])))
    }

    fn directive(&self, place: Place<'_, 'a>, directive: &'a Directive) -> Evaluated {
        // White space is stripped across the parts of a directive; that much is not followed.
        match directive {
            Directive::If(part) => {
                let marks = [part.if_expr.strip, part.endif_expr.strip];
                let else_mark = part.else_expr.as_ref().map_or(Strip::None, |part| part.strip);
                if marks.iter().chain([&else_mark]).any(|mark| *mark != Strip::None) {
                    return Ok(Value::unknown("a template that strips white space"));
                }
                let condition = self.evaluate(place, &part.if_expr.cond_expr)?;
                match flag(&condition)? {
                    None => Ok(still_unknown(&[&condition])),
                    Some(true) => self.texts(place, part.if_expr.template.iter().collect()),
                    Some(false) => part.else_expr.as_ref().map_or_else(
                        || Ok(Value::text("")),
                        |part| self.texts(place, part.template.iter().collect()),
                    ),
                }
            }
            Directive::For(part) => self.for_directive(place, part),
        }
    }

    fn for_directive(&self, place: Place<'_, 'a>, part: &'a ForDirective) -> Evaluated {
        let head = &part.for_expr;
        if head.strip != Strip::None || part.endfor_expr.strip != Strip::None {
            return Ok(Value::unknown("a template that strips white space"));
        }
        let collection = self.evaluate(place, &head.collection_expr)?;
        let (pairs, ordered) = match self.pairs(&collection) {
            Ok(found) => found?,
            Err(unknown) => return Ok(unknown),
        };
        if !ordered {
            return Ok(Value::unknown("a set in an order that is not known"));
        }
        let mut out = String::new();
        for (key, value) in &pairs {
            let with_key = head.key_var.as_ref().map(|name| Bound {
                name: name.as_str(),
                value: key,
                outer: place.bound,
            });
            let bound = Bound {
                name: head.value_var.as_str(),
                value,
                outer: with_key.as_ref().or(place.bound),
            };
            let inner = Place {
                scope: place.scope,
                bound: Some(&bound),
            };
            match self.texts(inner, head.template.iter().collect())? {
                Value::Text(text) => out.push_str(&text),
                other => return Ok(still_unknown(&[&other])),
            }
            if out.len() > crate::code::value::LONGEST {
                return Ok(Value::unknown("a text too long to be looked at"));
            }
        }
        Ok(Value::text(out))
    }

    /// The inside of a directive: always a text.
    #[expect(clippy::needless_pass_by_value, reason = "made for the call")]
    fn texts(&self, place: Place<'_, 'a>, elements: Vec<&'a Element>) -> Evaluated {
        self.template(place, &elements)?.to_text()
    }
}

fn strips_after(element: &Element) -> bool {
    matches!(element, Element::Interpolation(part) if matches!(part.strip, Strip::End | Strip::Both))
}

fn strips_before(element: &Element) -> bool {
    matches!(element, Element::Interpolation(part) if matches!(part.strip, Strip::Start | Strip::Both))
}

/// The first of these that is not known, as something new of which only that is known.
pub(crate) fn still_unknown(values: &[&Value]) -> Value {
    let found = values.iter().find_map(|value| match value {
        Value::Instance(instance) => Some(Unknown {
            why: Rc::clone(&instance.address),
            id: None,
        }),
        other => other.unknown_within().map(plain),
    });
    found.map_or_else(|| Value::unknown("types that are not kept here"), Value::Unknown)
}

/// Not known for the same reason, and no longer a certain id.
pub(crate) fn plain(unknown: &Unknown) -> Unknown {
    Unknown {
        why: Rc::clone(&unknown.why),
        id: None,
    }
}

/// A truth value; `None` when it is not known.
pub(crate) fn flag(value: &Value) -> Result<Option<bool>, Fault> {
    match value.to_bool()? {
        Value::Bool(flag) => Ok(Some(flag)),
        Value::Null => Err(Fault("null where true or false is asked for")),
        _ => Ok(None),
    }
}

pub(crate) fn number(value: &Value) -> Result<Option<Number>, Fault> {
    match value.to_number()? {
        Value::Number(number) => Ok(Some(number)),
        Value::Null => Err(Fault("null where a number is asked for")),
        _ => Ok(None),
    }
}
