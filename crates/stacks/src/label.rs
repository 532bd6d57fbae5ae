//! Names of jobs: text from outside, in the form and length that GitLab takes, no two alike.

use crate::Stack;
use portcullis_report::text::{clean, cut};
use std::collections::BTreeSet;

/// Characters of a job's name, the part before the label included. GitLab takes 255; older ones take 128 in `needs`, and
/// then create no pipeline without saying why. (GitLab, issues 273015 and 420669.)
pub(crate) const LONGEST_NAME: usize = 120;

/// A label for each chain, in the chains' order: its stack's name, or its first stack's and how many more there are. A label that
/// another chain has already, or that had to be cut, ends with its first stack's number.
pub(crate) fn labels(chains: &[&[&Stack]], room: usize) -> Vec<String> {
    let mut used = BTreeSet::new();
    chains
        .iter()
        .enumerate()
        .map(|(index, chain)| {
            let plain = plain(chain);
            let fits = !plain.is_empty() && plain.chars().count() <= room;
            let label = if fits && !used.contains(&plain) {
                plain
            } else {
                numbered(&plain, index + 1, room, &used)
            };
            used.insert(label.clone());
            label
        })
        .collect()
}

/// GitLab expands variables in some names, and a job whose name starts with a dot is hidden; the prefix sees to the dot.
fn plain(chain: &[&Stack]) -> String {
    let Some(first) = chain.first() else {
        return String::new();
    };
    let name = clean(&first.name).replace('$', "_");
    let name = name.trim();
    match chain.len() {
        1 => name.to_owned(),
        all => format!("{name} and {} more", all - 1),
    }
}

fn numbered(plain: &str, number: usize, room: usize, used: &BTreeSet<String>) -> String {
    // A name may itself end like a number of ours, so one try may not do.
    let mut mark = format!(" (no. {number})");
    loop {
        let label = format!("{}{mark}", cut(plain, room.saturating_sub(mark.chars().count())));
        if !used.contains(&label) {
            return label;
        }
        mark.push('\'');
    }
}
