//! What terraform would be let loose on: the facts a gate asks for before any credential is there.
//!
//! Only modules that the root calls count, since terraform reads no others. Nothing here needs evaluation: terraform
//! itself wants these to be literal.

use crate::code::Configuration;
use crate::code::module::{Call, Module, Other, Resource, is_local, labels, literal, source_of};
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Body, Structure};
use std::collections::{BTreeMap, BTreeSet};

/// One fact, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub kind: FactKind,
    /// The block's address as the code has it: `data.external.x`, `module.web`, `provider.aws`; with the folder of its
    /// module in front where that is not the root.
    pub address: String,
    /// The file, as it was named to [`Configuration::read`].
    pub path: String,
    /// The line the block starts at, from 1.
    pub line: usize,
}

/// What a gate asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FactKind {
    /// A provider is used, by this source: `registry.terraform.io/hashicorp/aws` as `hashicorp/aws`. `None` when the source is
    /// no literal text.
    Provider(Option<String>),
    /// A module is called.
    Module(ModuleSource),
    /// A data source of this type is read, at plan time.
    DataSource(String),
    /// A provisioner of this type runs, at apply time.
    Provisioner(String),
    /// The state is kept by this backend; `cloud` for a `cloud` block.
    Backend(String),
    /// An attribute that holds a secret is written as a literal text.
    Secret(String),
}

/// Where a module comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModuleSource {
    /// From a folder that was read.
    Local,
    /// From a folder of this name that was not read: it is missing, or stands outside of the repository.
    Unread(String),
    /// From elsewhere, with the version written beside it.
    Remote {
        /// The source as written.
        source: String,
        /// The `version` as written.
        version: Option<String>,
    },
    /// The source is missing, or no literal text.
    NotLiteral,
}

/// Attributes of providers and backends that hold secrets, in the providers' documentations.
const SECRETS: [&str; 9] = [
    "access_key",
    "secret_key",
    "token",
    "password",
    "client_secret",
    "api_key",
    "api_token",
    "private_key",
    "secret_id",
];

impl Configuration {
    /// The facts of the root and of all local modules that it calls, by folder, then in file order.
    ///
    /// ```
    /// use portcullis_terraform::{Configuration, FactKind};
    /// let code = Configuration::read([("main.tf", "data \"external\" \"x\" {\n  program = [\"sh\"]\n}\n")])?;
    /// let facts = code.facts();
    /// assert_eq!(facts[0].kind, FactKind::DataSource("external".to_owned()));
    /// assert_eq!((facts[0].address.as_str(), facts[0].line), ("data.external.x", 1));
    /// # Ok::<(), portcullis_terraform::ConfigError>(())
    /// ```
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        for folder in self.folders() {
            if let Some(module) = self.modules.get(folder) {
                let mut collector = Collector {
                    folder,
                    providers: providers(module),
                    used: BTreeMap::new(),
                    facts: &mut facts,
                };
                collector.module(module, self);
            }
        }
        facts
    }

    /// The folders that terraform reads: `""` for the root, and those of the local modules that it calls, directly or by each other,
    /// relative to it, read or not.
    #[must_use]
    pub fn folders(&self) -> BTreeSet<&str> {
        let mut found = BTreeSet::from([""]);
        let mut open = vec![""];
        while let Some(folder) = open.pop() {
            let calls = self.modules.get(folder).map(Module::all_calls);
            let folders = calls.into_iter().flatten();
            for next in folders.filter_map(|(_, call)| call.folder.as_deref()) {
                if found.insert(next) {
                    open.push(next);
                }
            }
        }
        found
    }
}

/// Where a block stands.
type At<'a> = (&'a str, usize);

struct Collector<'c> {
    folder: &'c str,
    /// The sources of the module's own `required_providers` by local name.
    providers: BTreeMap<&'c str, (Option<String>, At<'c>)>,
    /// Local names of providers that blocks use, where the first of them stands.
    used: BTreeMap<&'c str, At<'c>>,
    facts: &'c mut Vec<Fact>,
}

impl<'c> Collector<'c> {
    fn add(&mut self, kind: FactKind, address: &str, (path, line): At<'_>) {
        let folder = if self.folder.is_empty() {
            String::new()
        } else {
            format!("{}: ", self.folder)
        };
        self.facts.push(Fact {
            kind,
            address: format!("{folder}{address}"),
            path: path.to_owned(),
            line,
        });
    }

    fn module(&mut self, module: &'c Module, code: &Configuration) {
        for resource in &module.resources {
            self.resource(resource);
        }
        for other in &module.others {
            self.other(other);
        }
        for (name, call) in module.all_calls() {
            let kind = FactKind::Module(origin(call, code));
            self.add(kind, &format!("module.{name}"), (&call.path, call.line));
        }
        for (name, (source, at)) in std::mem::take(&mut self.providers) {
            self.used.remove(name);
            self.add(FactKind::Provider(source), &format!("provider.{name}"), at);
        }
        for (name, at) in std::mem::take(&mut self.used) {
            // A provider that is not named is one of HashiCorp's ("Provider Requirements"); one is built in.
            if name != "terraform" {
                let source = Some(format!("hashicorp/{name}"));
                self.add(FactKind::Provider(source), &format!("provider.{name}"), at);
            }
        }
    }

    fn resource(&mut self, resource: &'c Resource) {
        let at = (resource.block.path.as_str(), resource.block.line);
        self.uses(&resource.kind, &resource.body, at);
        let address = &resource.block.address;
        if &*resource.keyword == "data" {
            self.add(FactKind::DataSource(resource.kind.to_string()), address, at);
        }
        for kind in nested(&resource.body, "provisioner") {
            self.add(FactKind::Provisioner(kind), address, at);
        }
    }

    fn other(&mut self, other: &'c Other) {
        let at = (&*other.path, other.line);
        let (block, labels) = (&other.block, labels(&other.block));
        match (block.ident.as_str(), labels.as_slice()) {
            ("provider", [name]) => {
                self.used.entry(name).or_insert(at);
                self.secrets(&block.body, &format!("provider.{name}"), at);
            }
            ("terraform", _) => {
                for kind in nested(&block.body, "backend") {
                    self.add(FactKind::Backend(kind), "terraform", at);
                }
                if block.body.has_blocks("cloud") || block.body.has_attribute("cloud") {
                    self.add(FactKind::Backend("cloud".to_owned()), "terraform", at);
                }
                for inner in block.body.get_blocks("backend") {
                    self.secrets(&inner.body, "terraform", at);
                }
            }
            // A check may hold a data source of its own, which is read at plan time.
            ("check", [name]) => {
                for inner in block.body.get_blocks("data") {
                    if let [kind, data] = crate::code::module::labels(inner).as_slice() {
                        self.uses(kind, &inner.body, at);
                        let address = format!("check.{name}: data.{kind}.{data}");
                        self.add(FactKind::DataSource((*kind).to_owned()), &address, at);
                    }
                }
                if let Some(attribute) = block.body.get_attribute("data") {
                    for kind in keys(&attribute.value) {
                        self.add(FactKind::DataSource(kind), &format!("check.{name}"), at);
                    }
                }
            }
            ("action", [kind, _]) => self.uses(kind, &block.body, at),
            _ => {}
        }
    }

    /// The provider that a block of this type uses.
    fn uses(&mut self, kind: &'c str, body: &'c Body, at: At<'c>) {
        let named = body
            .get_attribute("provider")
            .and_then(|attribute| match &attribute.value {
                Expression::Variable(name) => Some(name.as_str()),
                Expression::Traversal(traversal) => match &traversal.expr {
                    Expression::Variable(name) => Some(name.as_str()),
                    _ => None,
                },
                Expression::String(text) => text.value().split('.').next(),
                _ => None,
            });
        let name = named.unwrap_or_else(|| kind.split('_').next().unwrap_or(kind));
        self.used.entry(name).or_insert(at);
    }

    fn secrets(&mut self, body: &Body, address: &str, at: At<'_>) {
        for name in SECRETS {
            if literal(body, name).is_some_and(|text| !text.is_empty()) {
                self.add(FactKind::Secret(name.to_owned()), address, at);
            }
        }
    }
}

/// The labels of nested blocks of a kind; in JSON they are keys.
fn nested(body: &Body, keyword: &str) -> Vec<String> {
    let mut out = Vec::new();
    for structure in body {
        match structure {
            Structure::Block(block) if block.ident.as_str() == keyword => {
                out.push((*labels(block).first().unwrap_or(&"")).to_owned());
            }
            Structure::Attribute(attribute) if attribute.key.as_str() == keyword => {
                out.extend(keys(&attribute.value));
            }
            Structure::Block(_) | Structure::Attribute(_) => {}
        }
    }
    out
}

/// The keys of an object, or of the objects in a list.
fn keys(expression: &Expression) -> Vec<String> {
    match expression {
        Expression::Array(items) => items.iter().flat_map(keys).collect(),
        Expression::Object(object) => object.iter().filter_map(|(key, _)| key_text(key)).collect(),
        _ => Vec::new(),
    }
}

fn key_text(key: &ObjectKey) -> Option<String> {
    match key {
        ObjectKey::Ident(name) => Some(name.as_str().to_owned()),
        ObjectKey::Expression(Expression::Variable(name)) => Some(name.as_str().to_owned()),
        ObjectKey::Expression(Expression::String(text)) => Some(text.value().clone()),
        ObjectKey::Expression(_) => None,
    }
}

fn origin(call: &Call, code: &Configuration) -> ModuleSource {
    match (source_of(&call.body), &call.folder) {
        (_, Some(folder)) if code.modules.contains_key(folder) => ModuleSource::Local,
        (_, Some(folder)) => ModuleSource::Unread(folder.clone()),
        (Some(source), None) if !is_local(source) => ModuleSource::Remote {
            source: source.to_owned(),
            version: literal(&call.body, "version").map(str::to_owned),
        },
        _ => ModuleSource::NotLiteral,
    }
}

/// What a module's `required_providers` say, by local name.
fn providers(module: &Module) -> BTreeMap<&str, (Option<String>, At<'_>)> {
    let mut out = BTreeMap::new();
    let blocks = module
        .others
        .iter()
        .filter(|other| other.block.ident.as_str() == "terraform");
    for other in blocks {
        let at = (&*other.path, other.line);
        for inner in other.block.body.get_blocks("required_providers") {
            for attribute in inner.body.attributes() {
                let name = attribute.key.as_str();
                out.insert(name, (source_in(name, &attribute.value), at));
            }
        }
        // In JSON it is an object, or a list of them.
        if let Some(attribute) = other.block.body.get_attribute("required_providers") {
            let objects: Vec<&Expression> = match &attribute.value {
                Expression::Array(items) => items.iter().collect(),
                one => vec![one],
            };
            for (key, value) in objects
                .into_iter()
                .filter_map(Expression::as_object)
                .flat_map(|o| o.iter())
            {
                if let ObjectKey::Expression(Expression::String(name)) = key {
                    out.insert(name.value().as_str(), (source_in(name.value(), value.expr()), at));
                }
            }
        }
    }
    out
}

/// The source of a provider in `required_providers`; without one it is HashiCorp's.
fn source_in(name: &str, expression: &Expression) -> Option<String> {
    let Expression::Object(object) = expression else {
        return Some(format!("hashicorp/{name}"));
    };
    let source = object
        .iter()
        .find(|(key, _)| key_text(key).as_deref() == Some("source"));
    match source.map(|(_, value)| value.expr()) {
        None => Some(format!("hashicorp/{name}")),
        Some(Expression::String(text)) => Some(short(text.value())),
        Some(_) => None,
    }
}

/// A provider's source without what is understood: the public registries' host, and HashiCorp's namespace.
fn short(source: &str) -> String {
    let source = source.to_ascii_lowercase();
    let source = ["registry.terraform.io/", "registry.opentofu.org/"]
        .iter()
        .find_map(|host| source.strip_prefix(host))
        .unwrap_or(&source);
    if source.contains('/') {
        source.to_owned()
    } else {
        format!("hashicorp/{source}")
    }
}
