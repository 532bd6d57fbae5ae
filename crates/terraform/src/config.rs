//! The code: `.tf` text, read for where resources stand and whether a group holds rules inside.

use crate::address::Address;
use hcl_edit::structure::{Block, Body, Structure};
use hcl_edit::{Span, expr::Expression};
use std::collections::BTreeMap;

/// A resource block in the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceBlock {
    /// The file, as it was named to [`Configuration::read`].
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

/// The code of a configuration folder and the local modules in it.
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    /// By folder, `""` for the root.
    modules: BTreeMap<String, ModuleCode>,
}

#[derive(Debug, Clone, Default)]
struct ModuleCode {
    resources: Vec<ResourceBlock>,
    /// The folders of local modules by the name of the call.
    calls: BTreeMap<String, String>,
}

/// A file that is no HCL.
#[derive(Debug, thiserror::Error)]
#[error("{path}:{line}: not readable as HCL: {message}")]
pub struct ConfigError {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What the parser expected.
    pub message: String,
}

impl Configuration {
    /// Reads `.tf` files, named by their paths relative to the configuration's folder, with `/`.
    ///
    /// # Errors
    /// [`ConfigError`] for the first file that is no HCL, with its line.
    ///
    /// ```
    /// use portcullis_terraform::{Address, Configuration};
    /// let code = "\nresource \"aws_security_group\" \"web\" {\n  dynamic \"ingress\" {}\n}\n";
    /// let code = Configuration::read([("main.tf", code)])?;
    /// let block = code.find(&Address::parse("aws_security_group.web").unwrap()).unwrap();
    /// assert_eq!((block.line, block.inline_ingress, block.inline_egress), (2, true, false));
    /// # Ok::<(), portcullis_terraform::ConfigError>(())
    /// ```
    pub fn read<P, T>(files: impl IntoIterator<Item = (P, T)>) -> Result<Self, ConfigError>
    where
        P: AsRef<str>,
        T: AsRef<str>,
    {
        let mut configuration = Self::default();
        for (path, text) in files {
            let (path, text) = (path.as_ref(), text.as_ref());
            let body: Body = text
                .parse()
                .map_err(|error: hcl_edit::parser::Error| ConfigError {
                    path: path.to_owned(),
                    line: error.location().line(),
                    message: error.message().to_owned(),
                })?;
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let module = configuration.modules.entry(folder.to_owned()).or_default();
            for block in body.iter().filter_map(Structure::as_block) {
                add_block(module, block, path, folder, text);
            }
        }
        Ok(configuration)
    }

    /// The block behind an address; `None` when its module is not local, or it is not in the code.
    #[must_use]
    pub fn find(&self, address: &Address) -> Option<&ResourceBlock> {
        let mut folder = "";
        for (name, _) in &address.modules {
            folder = self.modules.get(folder)?.calls.get(name)?;
        }
        let wanted = address.resource();
        self.modules
            .get(folder)?
            .resources
            .iter()
            .find(|block| block.address == wanted)
    }

    /// All resource and data blocks, by folder, in file order.
    pub fn resources(&self) -> impl Iterator<Item = &ResourceBlock> {
        self.modules.values().flat_map(|module| &module.resources)
    }
}

fn add_block(module: &mut ModuleCode, block: &Block, path: &str, folder: &str, text: &str) {
    let labels: Vec<&str> = block
        .labels
        .iter()
        .map(hcl_edit::structure::BlockLabel::as_str)
        .collect();
    match (block.ident.as_str(), labels.as_slice()) {
        (keyword @ ("resource" | "data"), [kind, name]) => {
            let data = if keyword == "data" { "data." } else { "" };
            module.resources.push(ResourceBlock {
                path: path.to_owned(),
                line: line_of(block, text),
                address: format!("{data}{kind}.{name}"),
                inline_ingress: holds(block, "ingress"),
                inline_egress: holds(block, "egress"),
            });
        }
        ("module", [name]) => {
            let source = block
                .body
                .get_attribute("source")
                .and_then(|attribute| match &attribute.value {
                    Expression::String(text) => Some(text.value().to_owned()),
                    _ => None,
                });
            if let Some(folder) = source.and_then(|source| local_folder(folder, &source)) {
                module.calls.insert((*name).to_owned(), folder);
            }
        }
        _ => {}
    }
}

/// The folder of a local module source (`./x`, `../x`), relative to the configuration's folder.
fn local_folder(from: &str, source: &str) -> Option<String> {
    if !source.starts_with("./") && !source.starts_with("../") {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    for part in source.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn holds(block: &Block, name: &str) -> bool {
    block.body.iter().any(|structure| match structure {
        Structure::Attribute(attribute) => attribute.key.as_str() == name,
        Structure::Block(inner) => {
            inner.ident.as_str() == name
                || (inner.ident.as_str() == "dynamic"
                    && inner.labels.first().is_some_and(|label| label.as_str() == name))
        }
    })
}

fn line_of(block: &Block, text: &str) -> usize {
    let start = block.span().map_or(0, |span| span.start).min(text.len());
    text.as_bytes()[..start]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}
