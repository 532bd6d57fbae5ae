//! Variables that the code declares sensitive, before there is a plan.

use super::Sensitive;
use crate::code::{Configuration, source};
use hcl_edit::expr::{Expression, ObjectKey};
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
/// paths relative to the configuration's folder. What is no HCL or JSON is left out: terraform complains about it.
#[must_use]
pub fn sensitive_variables<P: AsRef<str>, T: AsRef<str>>(files: &[(P, T)]) -> (BTreeSet<String>, Sensitive) {
    let mut names = BTreeSet::new();
    let mut sensitive = Sensitive::default();
    let is_code = |path: &str| path.rsplit('/').next().is_some_and(Configuration::is_code);
    for (path, text) in files {
        let (path, text) = (path.as_ref(), text.as_ref());
        let Some(code) = is_code(path).then(|| source::read(path, text).ok()).flatten() else {
            continue;
        };
        for (_, block) in &code.blocks {
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
    for (path, text) in files.iter().filter(|(path, _)| holds_values(path.as_ref())) {
        let Ok(body) = source::values(path.as_ref(), text.as_ref()) else {
            continue;
        };
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
