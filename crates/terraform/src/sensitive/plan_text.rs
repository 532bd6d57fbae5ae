//! What `terraform plan` printed, masked.
//!
//! Terraform masks marked attributes itself, mostly. Here the attribute is masked whole in any case, by the form of the
//! text: a resource's part begins with `  # ADDRESS …` and ends with `    }`; the names of its attributes and blocks
//! begin in the ninth column. Changes of outputs stand at the end; their names begin in the fifth column.

use super::telling::Finder;
use super::{MASKED, Sensitive};
use std::collections::BTreeSet;

/// Where names begin.
const IN_RESOURCE: usize = 8;
const IN_OUTPUTS: usize = 4;

pub(super) fn mask(sensitive: &Sensitive, text: &str) -> String {
    if sensitive.is_empty() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut part = Part::default();
    for line in text.split_inclusive('\n') {
        part.line(sensitive, line, &mut out);
    }
    Finder::new(sensitive.values()).mask_text(&out)
}

/// Where in the text we are.
#[derive(Default)]
struct Part<'a> {
    column: usize,
    /// The names to mask here.
    names: BTreeSet<&'a str>,
    /// Inside a value of several lines that is masked.
    hiding: bool,
}

impl<'a> Part<'a> {
    fn line(&mut self, sensitive: &'a Sensitive, line: &str, out: &mut String) {
        let ends = line.trim_end() == "    }" && self.column == IN_RESOURCE;
        if let Some(header) = line.strip_prefix("  # ") {
            let named = sensitive
                .attributes
                .iter()
                .filter(|(address, _)| header.contains(address.as_str()));
            *self = Self {
                column: IN_RESOURCE,
                names: named
                    .flat_map(|(_, names)| names.iter().map(String::as_str))
                    .collect(),
                hiding: false,
            };
        } else if line.starts_with("Changes to Outputs:") {
            *self = Self {
                column: IN_OUTPUTS,
                names: sensitive.outputs.iter().map(String::as_str).collect(),
                hiding: false,
            };
        } else if ends {
            self.names.clear();
            self.hiding = false;
        }
        if self.hiding {
            if !self.closes(line) {
                return;
            }
            self.hiding = false;
            // The bracket of a block stays; that of a value is part of it.
            if !line.trim_start().starts_with('}') || !line.trim_end().ends_with('}') {
                return;
            }
            out.push_str(line);
            return;
        }
        match self.masked(line) {
            None => out.push_str(line),
            Some((head, opens)) => {
                out.push_str(head);
                // What a block holds stands on lines of its own.
                out.push_str(if head.ends_with('{') {
                    "\n            # "
                } else {
                    ""
                });
                out.push_str(MASKED);
                out.push('\n');
                self.hiding = opens;
            }
        }
    }

    /// A line that names something to mask: what stays of it, and whether more lines belong to it.
    fn masked<'l>(&self, line: &'l str) -> Option<(&'l str, bool)> {
        if self.names.is_empty() {
            return None;
        }
        let rest = line.get(self.column..)?;
        let before = line.get(..self.column)?;
        if !before
            .chars()
            .all(|c| matches!(c, ' ' | '+' | '-' | '~' | '/' | '<' | '='))
        {
            return None;
        }
        let length = rest.find(|c: char| c.is_whitespace())?;
        let name = rest.get(..length)?.trim_matches('"');
        if !self.names.contains(name) {
            return None;
        }
        let tail = rest.get(length..)?;
        let spaces = tail.len() - tail.trim_start().len();
        let sign = tail.trim_start();
        let written = if sign.starts_with("= ") {
            2
        } else {
            usize::from(sign.starts_with('{'))
        };
        if written == 0 {
            return None;
        }
        let head = line.get(..self.column + length + spaces + written)?;
        let value = sign.get(written..).unwrap_or_default().trim_end();
        let block = written == 1;
        let opens = block || value.ends_with(['[', '{', '(']) || value.contains("<<");
        // An empty block closes where it opens.
        Some((head, opens && !(block && value.ends_with('}'))))
    }

    /// Whether a value of several lines ends with this one.
    fn closes(&self, line: &str) -> bool {
        line.get(self.column..)
            .is_some_and(|rest| rest.starts_with([']', '}', ')']) || rest.starts_with("EOT"))
            && line
                .get(..self.column)
                .is_some_and(|before| before.trim().is_empty())
    }
}
