//! The edges of a stage binary: arguments, job environment, artifact folder, redaction, progress, exit codes, error chain.
