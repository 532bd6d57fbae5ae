//! GitLab's CI variables as types, managed Terraform state, jobs, pipelines and merge-request notes; the `client` feature sends them.
