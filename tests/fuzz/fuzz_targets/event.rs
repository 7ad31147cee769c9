//! Checks any text as a Lambda event, up to the answer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| webhook_fuzz::event::check(input));
