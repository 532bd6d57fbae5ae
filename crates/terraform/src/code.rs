//! The code: `.tf` text, read for where resources stand, what they say as far as it is literally known, and what terraform
//! would be let loose on.

mod declared;
mod expression;
mod facts;
mod functions;
mod lists;
mod module;
mod number;
mod scope;
pub(crate) mod source;
mod types;
mod value;

#[cfg(test)]
mod tests;

pub use declared::Declared;
pub use facts::{Fact, FactKind, ModuleSource};
pub(crate) use lists::WrittenList;
pub use module::ResourceBlock;

use crate::address::Address;
use hcl_edit::structure::Body;
use module::Module;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The code of a configuration folder and the local modules it calls.
///
/// Reading keeps what stands there; [`Configuration::facts`] tells what a gate asks before terraform runs, and
/// [`Configuration::declared`] the security groups that the code declares.
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    /// By folder, `""` for the root; shared, since a plan keeps the code it was made from.
    modules: Arc<BTreeMap<String, Module>>,
    /// Values for the root's variables, the later the stronger.
    values: Vec<VariableFile>,
}

#[derive(Debug, Clone)]
struct VariableFile {
    /// In which order Terraform loads them.
    rank: (u8, String),
    body: Body,
}

/// A file that cannot be read as code.
#[derive(Debug, thiserror::Error)]
#[error("{path}:{line}: not readable as {language}: {message}")]
pub struct ConfigError {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// `HCL`, or `JSON` for a `.tf.json`.
    pub language: &'static str,
    /// What the parser expected.
    pub message: String,
}

impl Configuration {
    /// Reads the files of a configuration (`.tf`, `.tf.json`, their `.tofu` kin, `.tfvars`, `.tfvars.json`), named by their
    /// paths relative to the configuration's folder, with `/`; those of a module beside it start with `../`.
    ///
    /// # Errors
    /// [`ConfigError`] for the first file that is no HCL or JSON, with its line.
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
        configuration.add(files)?;
        Ok(configuration)
    }

    /// Adds files: of modules that stand beside the configuration's folder.
    ///
    /// # Errors
    /// As [`Configuration::read`].
    pub fn add<P, T>(&mut self, files: impl IntoIterator<Item = (P, T)>) -> Result<(), ConfigError>
    where
        P: AsRef<str>,
        T: AsRef<str>,
    {
        let mut overrides = Vec::new();
        let modules = Arc::make_mut(&mut self.modules);
        for (path, text) in files {
            let (path, text) = (path.as_ref(), text.as_ref());
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            if let Some(rank) = variables_rank(name) {
                // Terraform loads these from the root's folder only.
                if folder.is_empty() {
                    self.values.push(VariableFile {
                        rank: (rank, name.to_owned()),
                        body: source::values(path, text)?,
                    });
                }
                continue;
            }
            let file = source::read(path, text)?;
            if is_override(name) {
                overrides.push((folder.to_owned(), name.to_owned(), file));
            } else {
                modules.entry(folder.to_owned()).or_default().add(folder, file);
            }
        }
        overrides.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        for (folder, _, file) in overrides {
            modules.entry(folder.clone()).or_default().replace(&folder, file);
        }
        self.values.sort_by(|a, b| a.rank.cmp(&b.rank));
        Ok(())
    }

    /// Whether a file of this name, without its folder, belongs to a configuration. Hidden files do not.
    #[must_use]
    pub fn reads(name: &str) -> bool {
        Self::is_code(name) || (!name.starts_with('.') && variables_rank(name).is_some())
    }

    /// Whether a file of this name, without its folder, holds code: `.tf`, `.tf.json`, `.tofu` or `.tofu.json`. Hidden files do
    /// not.
    #[must_use]
    pub fn is_code(name: &str) -> bool {
        let endings = [".tf", ".tf.json", ".tofu", ".tofu.json"];
        !name.starts_with('.') && endings.iter().any(|ending| name.ends_with(ending))
    }

    /// Adds a file of values for the root's variables, as `-var-file` does: the later the stronger.
    ///
    /// # Errors
    /// As [`Configuration::read`].
    pub fn add_values(&mut self, path: &str, text: &str) -> Result<(), ConfigError> {
        let number = self.values.len();
        self.values.push(VariableFile {
            rank: (u8::MAX, format!("{number:09}")),
            body: source::values(path, text)?,
        });
        Ok(())
    }

    /// The names of the root's variables.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let root = self.modules.get("");
        root.into_iter()
            .flat_map(|module| module.variables.keys())
            .map(String::as_str)
    }

    /// Adds the value of a root's variable from the environment, as `TF_VAR_name` gives it: weaker than any file.
    ///
    /// # Errors
    /// As [`Configuration::read`], where the variable's type asks for an expression.
    pub fn add_environment(&mut self, name: &str, text: &str) -> Result<(), ConfigError> {
        let root = self.modules.get("");
        let Some(variable) = root.and_then(|module| module.variables.get(name)) else {
            return Ok(());
        };
        let body = source::environment(name, text, types::takes_text(variable))?;
        self.values.push(VariableFile {
            rank: (0, name.to_owned()),
            body,
        });
        self.values.sort_by(|a, b| a.rank.cmp(&b.rank));
        Ok(())
    }

    /// The folders of local modules that are called and were not read, relative to the configuration's folder.
    #[must_use]
    pub fn missing(&self) -> BTreeSet<String> {
        let called = self.modules.values().flat_map(Module::all_calls);
        called
            .filter_map(|(_, call)| call.folder.as_ref())
            .filter(|folder| !self.modules.contains_key(*folder))
            .cloned()
            .collect()
    }

    /// The block behind an address; `None` when its module is not local, or it is not in the code.
    #[must_use]
    pub fn find(&self, address: &Address) -> Option<&ResourceBlock> {
        let mut folder = "";
        for (name, _) in &address.modules {
            folder = self.modules.get(folder)?.calls.get(name)?.folder.as_deref()?;
        }
        self.modules.get(folder)?.find(&address.resource())
    }

    /// All resource and data blocks, by folder, in file order.
    pub fn resources(&self) -> impl Iterator<Item = &ResourceBlock> {
        self.modules.values().flat_map(Module::blocks)
    }
}

/// In which order Terraform loads files of values ("Input Variables", variable definition precedence).
fn variables_rank(name: &str) -> Option<u8> {
    match name {
        "terraform.tfvars" => Some(1),
        "terraform.tfvars.json" => Some(2),
        name if name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json") => Some(3),
        _ => None,
    }
}

/// Files that replace parts of others ("Override Files", Terraform language documentation).
fn is_override(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    stem == "override" || stem.ends_with("_override")
}
