//! The workspace's packages, as cargo sees them.

use cargo_metadata::{Metadata, MetadataCommand, Package};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// What `cargo metadata --no-deps` says.
pub(crate) static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata describes the workspace")
});

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the workspace's folder is there")
}

/// Our packages, sorted by name.
pub(crate) fn packages() -> Vec<&'static Package> {
    let mut packages: Vec<&Package> = METADATA.packages.iter().collect();
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(
        packages.len() > 20,
        "the workspace has lost its packages: {}",
        packages.len()
    );
    packages
}

/// Where a package lies, from the workspace's folder: `crates/slack`.
pub(crate) fn folder(package: &Package) -> String {
    let folder = package
        .manifest_path
        .parent()
        .expect("a manifest lies in a folder");
    let folder = folder.as_std_path().canonicalize().expect("the folder is there");
    folder
        .strip_prefix(root())
        .expect("our packages lie in the workspace")
        .to_string_lossy()
        .replace('\\', "/")
}

/// The package's own Cargo.toml.
pub(crate) fn manifest(package: &Package) -> String {
    std::fs::read_to_string(&package.manifest_path).expect("a package has a manifest")
}
