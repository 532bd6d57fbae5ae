//! A `.tf` file: read, evaluated, and asked for what a gate wants to know.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_terraform::Configuration;

fuzz_target!(|text: &str| {
    for name in ["main.tf", "main.tf.json"] {
        if let Ok(code) = Configuration::read([(name, text)]) {
            let _ = (code.facts(), code.declared());
        }
    }
});
