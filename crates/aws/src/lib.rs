//! EC2 to inventory: the only crate that names an AWS package.
