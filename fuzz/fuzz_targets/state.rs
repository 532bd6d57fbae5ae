//! A state of either form, read and viewed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_terraform::State;

fuzz_target!(|text: &str| {
    if let Ok(state) = State::read(text) {
        let _ = state.view();
    }
});
