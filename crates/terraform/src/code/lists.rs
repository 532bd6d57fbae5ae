//! What can be read off the code without working anything out: lists, and texts that an expression may choose.
//!
//! A plan tells of a list with one element that is not known yet nothing but what it refers to. The code tells the rest, where
//! it writes the list out: `[aws_security_group.web.id, "sg-0a1b"]`, or hands it to a module so.

use crate::address::Address;
use crate::code::Configuration;
use crate::code::module::{Module, labels};
use crate::code::scope::quoted;
use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::structure::Body;
use hcl_edit::template::Element;
use hcl_edit::visit::{Visit, visit_expr};
use hcl_edit::{Decorated, Spanned};
use std::collections::BTreeSet;

/// What a list holds that the code writes out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct WrittenList {
    /// The resource instances whose `id` stands in it, by their full addresses.
    pub(crate) ids: BTreeSet<String>,
    /// Literal texts.
    pub(crate) texts: BTreeSet<String>,
    /// Whether something else stands in it, too: an element that has to be worked out.
    pub(crate) others: bool,
}

/// A module on the way to a resource.
#[derive(Clone)]
struct Scope<'a> {
    module: &'a Module,
    /// The arguments it is called with.
    arguments: Option<&'a Body>,
    /// What stands before the addresses of its resources: `module.web["a"].`
    prefix: String,
}

impl Configuration {
    /// The list that the code writes for an attribute of a resource: its own (`[name]`), or of its only nested block of a kind
    /// (`[block, name]`). `None` where it is no list that is written out.
    pub(crate) fn written(&self, address: &Address, path: &[&str]) -> Option<WrittenList> {
        let (body, scopes) = self.body(address)?;
        let (body, name) = match path {
            [name] => (body, name),
            [block, name] => match blocks(body, block)?.as_slice() {
                [one] => (*one, name),
                _ => return None,
            },
            _ => return None,
        };
        list(&body.get_attribute(name)?.value, &scopes)
    }

    /// The same of a nested block among several of its kind: of the only one that `fits` and whose list is not all literal. Such
    /// lists are known, so that no one asks for them.
    pub(crate) fn written_in_block(
        &self,
        address: &Address,
        kind: &str,
        name: &str,
        fits: impl Fn(&Body) -> bool,
    ) -> Option<WrittenList> {
        let (body, scopes) = self.body(address)?;
        let mut candidates = blocks(body, kind)?
            .into_iter()
            .filter(|block| fits(block))
            .filter_map(|block| block.get_attribute(name))
            .map(|attribute| list(&attribute.value, &scopes))
            .filter(|list| {
                list.as_ref()
                    .is_none_or(|list| list.others || !list.ids.is_empty())
            });
        let first = candidates.next()?;
        if candidates.next().is_some() {
            return None;
        }
        first
    }

    /// Whether the expression behind an attribute holds a text of its own, which it may choose instead of what it refers to:
    /// `condition ? aws_security_group.web.id : "sg-0a1b"`.
    pub(crate) fn may_choose_a_text(&self, address: &Address, name: &str) -> bool {
        let Some((body, scopes)) = self.body(address) else {
            return false;
        };
        let Some(attribute) = body.get_attribute(name) else {
            return false;
        };
        let mut texts = Texts {
            scopes: &scopes,
            found: false,
        };
        texts.visit_expr(&attribute.value);
        texts.found
    }

    fn body(&self, address: &Address) -> Option<(&Body, Vec<Scope<'_>>)> {
        let mut scope = Scope {
            module: self.modules.get("")?,
            arguments: None,
            prefix: String::new(),
        };
        let mut scopes = vec![scope.clone()];
        for (name, key) in &address.modules {
            let call = scope.module.calls.get(name)?;
            if scope.module.calls_twice(name) {
                return None;
            }
            let key = key.as_ref().map(|key| format!("[{key}]")).unwrap_or_default();
            scope = Scope {
                module: self.modules.get(call.folder.as_deref()?)?,
                arguments: Some(&call.body),
                prefix: format!("{}module.{name}{key}.", scope.prefix),
            };
            scopes.push(scope.clone());
        }
        let resource = scope
            .module
            .resources
            .get(scope.module.place(&address.resource())?)?;
        (!resource.twice).then_some((&resource.body, scopes))
    }
}

/// The nested blocks of a kind. `None` where there may be others: from a `dynamic` block, or written as an attribute.
fn blocks<'a>(body: &'a Body, kind: &str) -> Option<Vec<&'a Body>> {
    let dynamic = body.get_blocks("dynamic").any(|block| labels(block) == [kind]);
    if dynamic || body.has_attribute(kind) || body.has_attribute("dynamic") {
        return None;
    }
    let found = body.blocks().filter(|block| block.ident.as_str() == kind);
    Some(found.map(|block| &block.body).collect())
}

fn list(expression: &Expression, scopes: &[Scope<'_>]) -> Option<WrittenList> {
    match expression {
        Expression::Parenthesis(inner) => list(inner.inner(), scopes),
        Expression::Array(items) => {
            let mut out = WrittenList::default();
            for item in items {
                add(item, scopes, &mut out);
            }
            Some(out)
        }
        Expression::Traversal(traversal) => {
            let (argument, caller) = argument(traversal, scopes)?;
            list(argument, caller)
        }
        _ => None,
    }
}

fn add(item: &Expression, scopes: &[Scope<'_>], out: &mut WrittenList) {
    match item {
        Expression::Parenthesis(inner) => add(inner.inner(), scopes, out),
        Expression::String(text) => {
            out.texts.insert(text.value().as_str().to_owned());
        }
        // `"${aws_security_group.web.id}"`
        Expression::StringTemplate(template) => {
            let mut elements = template.iter();
            match (elements.next(), elements.next()) {
                (Some(Element::Interpolation(one)), None) => add(&one.expr, scopes, out),
                _ => out.others = true,
            }
        }
        Expression::Traversal(traversal) => match (id_of(traversal), argument(traversal, scopes)) {
            (Some(resource), _) => {
                let prefix = scopes.last().map_or("", |scope| scope.prefix.as_str());
                out.ids.insert(format!("{prefix}{resource}"));
            }
            (None, Some((argument, caller))) => add(argument, caller, out),
            (None, None) => out.others = true,
        },
        _ => out.others = true,
    }
}

/// `aws_security_group.web.id`, also with a literal key; the address of the instance.
fn id_of(traversal: &Traversal) -> Option<String> {
    let Expression::Variable(kind) = &traversal.expr else {
        return None;
    };
    let not_a_type = [
        "var",
        "local",
        "module",
        "data",
        "each",
        "count",
        "self",
        "path",
        "terraform",
        "ephemeral",
    ];
    if not_a_type.contains(&kind.as_str()) {
        return None;
    }
    let (name, key, attribute) = match traversal.operators.as_slice() {
        [name, attribute] => (name, None, attribute),
        [name, key, attribute] => (name, Some(key), attribute),
        _ => return None,
    };
    let key = match key.map(Decorated::value) {
        None => String::new(),
        Some(TraversalOperator::LegacyIndex(index)) => format!("[{}]", index.value()),
        Some(TraversalOperator::Index(Expression::Number(number))) => {
            format!("[{}]", number.value().as_u64()?)
        }
        Some(TraversalOperator::Index(Expression::String(text))) => {
            format!("[{}]", quoted(text.value().as_str()))
        }
        Some(_) => return None,
    };
    match (name.value(), attribute.value()) {
        (TraversalOperator::GetAttr(name), TraversalOperator::GetAttr(attribute))
            if attribute.as_str() == "id" =>
        {
            Some(format!("{}.{}{key}", kind.as_str(), name.as_str()))
        }
        _ => None,
    }
}

/// `var.name`, where a call of the module says what it is: that expression, and where it stands.
fn argument<'a, 's>(
    traversal: &Traversal,
    scopes: &'s [Scope<'a>],
) -> Option<(&'a Expression, &'s [Scope<'a>])> {
    let (scope, caller) = scopes.split_last()?;
    match (&traversal.expr, traversal.operators.as_slice()) {
        (Expression::Variable(var), [name]) if var.as_str() == "var" => {
            let TraversalOperator::GetAttr(name) = name.value() else {
                return None;
            };
            Some((&scope.arguments?.get_attribute(name.as_str())?.value, caller))
        }
        _ => None,
    }
}

/// Looks for a text that is not empty. Keys of instances are none.
struct Texts<'s, 'a> {
    scopes: &'s [Scope<'a>],
    found: bool,
}

impl Visit for Texts<'_, '_> {
    fn visit_expr(&mut self, expression: &Expression) {
        match expression {
            Expression::String(text) => self.found |= !text.value().is_empty(),
            other => visit_expr(self, other),
        }
    }

    fn visit_literal(&mut self, text: &Spanned<String>) {
        self.found |= !text.value().is_empty();
    }

    fn visit_traversal(&mut self, traversal: &Traversal) {
        match argument(traversal, self.scopes) {
            Some((argument, scopes)) => {
                let mut texts = Texts { scopes, found: false };
                texts.visit_expr(argument);
                self.found |= texts.found;
            }
            None => self.visit_expr(&traversal.expr),
        }
    }
}
