//! Variables that the code declares sensitive, before there is a plan.

use super::Sensitive;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Body, Structure};
use std::collections::BTreeSet;

/// The names of the root module's variables that are sensitive, and what is literally known of their values: their
/// defaults (those of local modules, too), and values in `.tfvars` files. The files are named by their paths relative to
/// the configuration's folder. What is no HCL is left out: terraform complains about it.
#[must_use]
pub fn sensitive_variables<P: AsRef<str>, T: AsRef<str>>(files: &[(P, T)]) -> (BTreeSet<String>, Sensitive) {
    let mut names = BTreeSet::new();
    let mut sensitive = Sensitive::default();
    let bodies: Vec<(&str, Body)> = files
        .iter()
        .filter_map(|(path, text)| Some((path.as_ref(), text.as_ref().parse().ok()?)))
        .collect();
    for (path, body) in bodies.iter().filter(|(path, _)| path.ends_with(".tf")) {
        for block in body.iter().filter_map(Structure::as_block) {
            let ([name], "variable") = (block.labels.as_slice(), block.ident.as_str()) else {
                continue;
            };
            let attribute = |name: &str| block.body.get_attribute(name).map(|attribute| &attribute.value);
            if attribute("sensitive").and_then(Expression::as_bool) != Some(true) {
                continue;
            }
            if !path.contains('/') {
                names.insert(name.as_str().to_owned());
            }
            literals(attribute("default"), &mut sensitive);
        }
    }
    for (_, body) in bodies.iter().filter(|(path, _)| path.ends_with(".tfvars")) {
        for name in &names {
            let value = body
                .get_attribute(name.as_str())
                .map(|attribute| &attribute.value);
            literals(value, &mut sensitive);
        }
    }
    (names, sensitive)
}

fn literals(expression: Option<&Expression>, sensitive: &mut Sensitive) {
    match expression {
        Some(Expression::String(text)) => sensitive.add(text.value()),
        Some(Expression::HeredocTemplate(text)) => {
            for element in &text.template {
                if let Some(literal) = element.as_literal() {
                    sensitive.add(literal.value());
                }
            }
        }
        Some(Expression::Array(items)) => items.iter().for_each(|item| literals(Some(item), sensitive)),
        Some(Expression::Object(members)) => {
            for (key, value) in members {
                if let ObjectKey::Expression(Expression::String(key)) = key {
                    sensitive.add(key.value());
                }
                literals(Some(value.expr()), sensitive);
            }
        }
        _ => {}
    }
}
