//! The live view: what is read is written and reads back equal.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for name in [
        "live.json",
        "describe-security-group-rules.json",
        "describe-network-interfaces.json",
    ] {
        if let Ok(inventory) = portcullis_live::read_any(&[(name, text)]) {
            let written = portcullis_live::write(&inventory);
            let again = portcullis_live::read(&written).expect("what we write, we read");
            assert_eq!(portcullis_live::write(&again), written);
        }
    }
});
