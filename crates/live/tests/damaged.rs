//! Damaged recordings of EC2: read or refused, never a panic; and what is read is written and reads back.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

use std::path::Path;

#[path = "../../../fuzz/mutate.rs"]
mod mutate;

#[test]
fn damaged_answers_never_panic() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/rule-styles/1-create/aws");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), text)
        })
        .collect();
    files.sort();
    let whole: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let ours = portcullis_live::write(&portcullis_live::read_any(&whole).unwrap());
    let mut numbers = mutate::Numbers(0x11fe);
    for round in 0..600 {
        let which = numbers.below(whole.len());
        let text = if round % 2 == 0 {
            mutate::damaged(whole[which].1, &mut numbers)
        } else {
            mutate::altered(whole[which].1, &mut numbers)
        };
        let mut answers = whole.clone();
        answers[which].1 = &text;
        written_back(&answers);
        let live = if round % 2 == 0 {
            mutate::damaged(&ours, &mut numbers)
        } else {
            mutate::altered(&ours, &mut numbers)
        };
        written_back(&[("live.json", &live)]);
    }
}

fn written_back(files: &[(&str, &str)]) {
    if let Ok(inventory) = portcullis_live::read_any(files) {
        let written = portcullis_live::write(&inventory);
        let again = portcullis_live::read(&written).unwrap();
        assert_eq!(portcullis_live::write(&again), written);
    }
}
