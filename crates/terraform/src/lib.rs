//! Terraform's documents (plan JSON, state, show JSON, `.tf` text) and the security groups, rules and members inside them.
