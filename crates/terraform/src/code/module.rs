//! One folder of code: its blocks by what they are.

use crate::code::source::Source;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body, Structure};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A resource block in the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceBlock {
    /// The file, as it was named to [`Configuration::read`](crate::Configuration::read).
    pub path: String,
    /// The line the block starts at, from 1.
    pub line: usize,
    /// `type.name`, with `data.` in front for a data source.
    pub address: String,
    /// Whether it holds ingress rules: a block, an attribute, or a `dynamic` block.
    pub inline_ingress: bool,
    /// Whether it holds egress rules.
    pub inline_egress: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Module {
    pub(crate) resources: Vec<Resource>,
    /// The places of resources by address; of several with one address the first.
    by_address: BTreeMap<String, usize>,
    pub(crate) variables: BTreeMap<String, Body>,
    pub(crate) locals: BTreeMap<String, Expression>,
    pub(crate) outputs: BTreeMap<String, Body>,
    pub(crate) calls: BTreeMap<String, Call>,
    /// Calls of a name that stands twice: terraform refuses that, or chooses by the kind of the file.
    twice: Vec<(String, Call)>,
    /// All other blocks: `terraform`, `provider`, `check`, and what later versions bring.
    pub(crate) others: Vec<Other>,
}

#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) block: ResourceBlock,
    pub(crate) keyword: Box<str>,
    pub(crate) kind: Box<str>,
    pub(crate) body: Body,
    /// Whether another block has the same address: terraform refuses that, or chooses by the kind of the file.
    pub(crate) twice: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) path: Arc<str>,
    pub(crate) line: usize,
    pub(crate) body: Body,
    /// The folder of a local module, relative to the configuration's folder.
    pub(crate) folder: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Other {
    pub(crate) path: Arc<str>,
    pub(crate) line: usize,
    pub(crate) block: Block,
}

impl Module {
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &ResourceBlock> {
        self.resources.iter().map(|resource| &resource.block)
    }

    /// Its calls of modules, of a name that stands twice each.
    pub(crate) fn all_calls(&self) -> impl Iterator<Item = (&String, &Call)> {
        let twice = self.twice.iter().map(|(name, call)| (name, call));
        self.calls.iter().chain(twice)
    }

    pub(crate) fn calls_twice(&self, name: &str) -> bool {
        self.twice.iter().any(|(other, _)| other == name)
    }

    pub(crate) fn find(&self, address: &str) -> Option<&ResourceBlock> {
        Some(&self.resources.get(self.place(address)?)?.block)
    }

    pub(crate) fn place(&self, address: &str) -> Option<usize> {
        self.by_address.get(address).copied()
    }

    /// Takes in the blocks of a file.
    pub(crate) fn add(&mut self, folder: &str, file: Source) {
        for (line, block) in file.blocks {
            self.add_block(folder, &file.path, line, block);
        }
    }

    /// Takes in the blocks of an override file: they replace parts of those that are there.
    pub(crate) fn replace(&mut self, folder: &str, file: Source) {
        for (line, block) in file.blocks {
            let labels: Vec<&str> = labels(&block);
            let target = match (block.ident.as_str(), labels.as_slice()) {
                (keyword @ ("resource" | "data"), [kind, name]) => self
                    .by_address
                    .get(&address(keyword, kind, name))
                    .and_then(|at| self.resources.get_mut(*at))
                    .map(|resource| &mut resource.body),
                ("variable", [name]) => self.variables.get_mut(*name),
                ("output", [name]) => self.outputs.get_mut(*name),
                ("module", [name]) => self.calls.get_mut(*name).map(|call| &mut call.body),
                _ => None,
            };
            match target {
                Some(body) => merge(body, block.body),
                None => self.add_block(folder, &file.path, line, block),
            }
        }
        for resource in &mut self.resources {
            resource.block.inline_ingress = holds(&resource.body, "ingress");
            resource.block.inline_egress = holds(&resource.body, "egress");
        }
        for call in self.calls.values_mut() {
            call.folder = source_of(&call.body).and_then(|source| local_folder(folder, source));
        }
    }

    fn add_block(&mut self, folder: &str, path: &Arc<str>, line: usize, block: Block) {
        let labels: Vec<&str> = labels(&block);
        match (block.ident.as_str(), labels.as_slice()) {
            (keyword @ ("resource" | "data" | "ephemeral"), [kind, name]) => {
                let address = address(keyword, kind, name);
                let at = self.resources.len();
                let first = *self.by_address.entry(address.clone()).or_insert(at);
                let twice = first != at;
                if let Some(first) = self.resources.get_mut(first) {
                    first.twice = true;
                }
                self.resources.push(Resource {
                    block: ResourceBlock {
                        path: path.to_string(),
                        line,
                        address,
                        inline_ingress: holds(&block.body, "ingress"),
                        inline_egress: holds(&block.body, "egress"),
                    },
                    keyword: keyword.into(),
                    kind: (*kind).into(),
                    twice,
                    body: block.body,
                });
            }
            ("module", [name]) => {
                let source = source_of(&block.body);
                let call = Call {
                    path: Arc::clone(path),
                    line,
                    folder: source.and_then(|source| local_folder(folder, source)),
                    body: Body::new(),
                };
                let name = (*name).to_owned();
                let call = Call {
                    body: block.body,
                    ..call
                };
                if let Some(first) = self.calls.insert(name.clone(), call) {
                    self.twice.push((name, first));
                }
            }
            ("variable", [name]) => {
                self.variables.insert((*name).to_owned(), block.body);
            }
            ("output", [name]) => {
                self.outputs.insert((*name).to_owned(), block.body);
            }
            ("locals", []) => {
                for attribute in block.body.into_attributes() {
                    self.locals
                        .insert(attribute.key.as_str().to_owned(), attribute.value);
                }
            }
            _ => self.others.push(Other {
                path: Arc::clone(path),
                line,
                block,
            }),
        }
    }
}

pub(crate) fn labels(block: &Block) -> Vec<&str> {
    block
        .labels
        .iter()
        .map(hcl_edit::structure::BlockLabel::as_str)
        .collect()
}

fn address(keyword: &str, kind: &str, name: &str) -> String {
    if keyword == "resource" {
        format!("{kind}.{name}")
    } else {
        format!("{keyword}.{kind}.{name}")
    }
}

/// An attribute that is a plain text.
pub(crate) fn literal<'a>(body: &'a Body, name: &str) -> Option<&'a str> {
    match &body.get_attribute(name)?.value {
        Expression::String(text) => Some(text.value().as_str()),
        _ => None,
    }
}

pub(crate) fn source_of(body: &Body) -> Option<&str> {
    literal(body, "source")
}

/// "Merging Behavior" of override files: attributes one by one, nested blocks by their type.
fn merge(base: &mut Body, over: Body) {
    let kind_of = |block: &Block| match (block.ident.as_str(), block.labels.first()) {
        ("dynamic", Some(label)) => label.as_str().to_owned(),
        (ident, _) => ident.to_owned(),
    };
    let replaced: Vec<String> = over.iter().filter_map(Structure::as_block).map(kind_of).collect();
    let kept = std::mem::take(base)
        .into_iter()
        .filter(|structure| match structure {
            Structure::Attribute(attribute) => !over.has_attribute(attribute.key.as_str()),
            Structure::Block(block) => !replaced.contains(&kind_of(block)),
        });
    let mut merged: Body = kept.collect();
    for structure in over {
        merged.push(structure);
    }
    *base = merged;
}

/// The folder of a local module source (`./x`, `../x`), relative to the configuration's folder: with `../` in front where
/// it lies outside.
pub(crate) fn local_folder(from: &str, source: &str) -> Option<String> {
    if !is_local(source) {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    for part in source.split('/') {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", None | Some(&"..")) => parts.push(".."),
            ("..", Some(_)) => {
                parts.pop();
            }
            (name, _) => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

pub(crate) fn is_local(source: &str) -> bool {
    matches!(source, "." | "..") || source.starts_with("./") || source.starts_with("../")
}

fn holds(body: &Body, name: &str) -> bool {
    body.iter().any(|structure| match structure {
        Structure::Attribute(attribute) => attribute.key.as_str() == name,
        Structure::Block(inner) => {
            inner.ident.as_str() == name
                || (inner.ident.as_str() == "dynamic"
                    && inner.labels.first().is_some_and(|label| label.as_str() == name))
        }
    })
}
