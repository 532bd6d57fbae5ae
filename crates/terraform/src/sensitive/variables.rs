//! Variables that the code declares sensitive, before there is a plan.

use super::Sensitive;
use crate::code::{Configuration, source};
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Attribute, Block, Body, Structure};
use hcl_edit::template::Element;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Whether [`sensitive_variables`] looks into a file of this name: code, or values (`.tfvars`, `.tfvars.json`) by whatever
/// name, since `-var-file` may name it.
#[must_use]
pub fn may_hold_variables(name: &str) -> bool {
    Configuration::is_code(name) || holds_values(name)
}

fn holds_values(name: &str) -> bool {
    name.ends_with(".tfvars") || name.ends_with(".tfvars.json")
}

/// The names of the root module's variables that are sensitive, and what is literally known of their values: their
/// defaults (those of local modules, too), and values in `.tfvars` and `.tfvars.json` files. The files are named by their
/// paths relative to the configuration's folder. What is no HCL or JSON is left out.
#[must_use]
pub fn sensitive_variables<P: AsRef<str>, T: AsRef<str>>(files: &[(P, T)]) -> (BTreeSet<String>, Sensitive) {
    let mut declared = Vec::new();
    for (path, text) in files {
        let (folder, name) = path.as_ref().rsplit_once('/').unwrap_or(("", path.as_ref()));
        if Configuration::is_code(name) {
            let variables = if name.ends_with(".json") {
                in_json(text.as_ref())
            } else {
                in_hcl(text.as_ref())
            };
            declared.extend(variables.into_iter().map(|variable| (folder, variable)));
        }
    }
    // An override file may say of a variable of another file that it is sensitive.
    let marked: BTreeSet<(&str, &str)> = declared
        .iter()
        .filter(|(_, variable)| variable.sensitive)
        .map(|(folder, variable)| (*folder, variable.name.as_str()))
        .collect();
    let mut sensitive = Sensitive::default();
    for (folder, variable) in &declared {
        if marked.contains(&(folder, variable.name.as_str())) {
            variable.default.iter().for_each(|text| sensitive.add(text));
        }
    }
    let of_root = marked.iter().filter(|(folder, _)| folder.is_empty());
    let names: BTreeSet<String> = of_root.map(|(_, name)| (*name).to_owned()).collect();
    for (path, text) in files.iter().filter(|(path, _)| holds_values(path.as_ref())) {
        for (name, texts) in values(path.as_ref(), text.as_ref()) {
            if names.contains(&name) {
                texts.iter().for_each(|text| sensitive.add(text));
            }
        }
    }
    (names, sensitive)
}

/// A `variable` block.
struct Variable {
    name: String,
    sensitive: bool,
    /// All texts of its default.
    default: Vec<String>,
}

fn in_hcl(text: &str) -> Vec<Variable> {
    let Ok(body) = text.parse::<Body>() else {
        return Vec::new();
    };
    let variable = |block: &Block| {
        let ([name], "variable") = (block.labels.as_slice(), block.ident.as_str()) else {
            return None;
        };
        let attribute = |name: &str| block.body.get_attribute(name).map(|attribute| &attribute.value);
        let mut default = Vec::new();
        literals(attribute("default"), &mut default);
        Some(Variable {
            name: name.as_str().to_owned(),
            // Terraform takes the text for the flag, too.
            sensitive: attribute("sensitive")
                .is_some_and(|flag| flag.as_bool() == Some(true) || flag.as_str() == Some("true")),
            default,
        })
    };
    body.iter()
        .filter_map(Structure::as_block)
        .filter_map(variable)
        .collect()
}

/// The texts of each value in a file of values.
fn values(path: &str, text: &str) -> Vec<(String, Vec<String>)> {
    if path.ends_with(".json") {
        let json = source::json_with_all(text);
        return source::fields(&json)
            .map(|(name, value)| (name.clone(), texts_of(value)))
            .collect();
    }
    let Ok(body) = text.parse::<Body>() else {
        return Vec::new();
    };
    let texts = |attribute: &Attribute| {
        let mut texts = Vec::new();
        literals(Some(&attribute.value), &mut texts);
        (attribute.key.as_str().to_owned(), texts)
    };
    body.iter()
        .filter_map(Structure::as_attribute)
        .map(texts)
        .collect()
}

/// A default is no template in JSON: its text counts as it is ("JSON Configuration Syntax", Terraform language documentation,
/// `variable` blocks).
fn in_json(text: &str) -> Vec<Variable> {
    let json = source::json_with_all(text);
    let variables = source::fields(&json).filter(|(key, _)| *key == "variable");
    variables
        .flat_map(|(_, variables)| source::fields(variables))
        .map(|(name, body)| {
            let of = |wanted: &'static str| {
                let fields = source::fields(body).filter(move |(key, _)| *key == wanted);
                fields.flat_map(|(_, value)| source::each(value))
            };
            let is_true = |flag: &Json| flag.as_bool() == Some(true) || flag.as_str() == Some("true");
            Variable {
                name: name.clone(),
                sensitive: of("sensitive").any(is_true),
                default: of("default").flat_map(texts_of).collect(),
            }
        })
        .collect()
}

/// All texts in it, keys among them.
fn texts_of(json: &Json) -> Vec<String> {
    match json {
        Json::String(text) => vec![text.clone()],
        Json::Array(items) => items.iter().flat_map(texts_of).collect(),
        Json::Object(fields) => {
            let texts = |(key, value): (&String, &Json)| [vec![key.clone()], texts_of(value)].concat();
            fields.iter().flat_map(texts).collect()
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => Vec::new(),
    }
}

fn literals(expression: Option<&Expression>, texts: &mut Vec<String>) {
    match expression {
        Some(Expression::String(text)) => texts.push(text.value().clone()),
        Some(Expression::StringTemplate(template)) => parts(template.iter(), texts),
        Some(Expression::HeredocTemplate(text)) => parts(text.template.iter(), texts),
        Some(Expression::Array(items)) => items.iter().for_each(|item| literals(Some(item), texts)),
        Some(Expression::Object(members)) => {
            for (key, value) in members {
                if let ObjectKey::Expression(Expression::String(key)) = key {
                    texts.push(key.value().clone());
                }
                literals(Some(value.expr()), texts);
            }
        }
        _ => {}
    }
}

/// What is written out in a template.
fn parts<'a>(template: impl Iterator<Item = &'a Element>, texts: &mut Vec<String>) {
    let literals = template.filter_map(Element::as_literal);
    texts.extend(literals.map(|literal| literal.value().clone()));
}
