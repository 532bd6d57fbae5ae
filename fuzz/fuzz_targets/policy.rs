//! A policy.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_compliance::Policy;

fuzz_target!(|text: &str| {
    let _ = Policy::read(text);
});
