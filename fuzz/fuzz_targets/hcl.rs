//! A `.tf` file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_terraform::Configuration;

fuzz_target!(|text: &str| {
    let _ = Configuration::read([("main.tf", text)]);
});
