//! A policy file held against security-group rules, as a report with three verdicts.
