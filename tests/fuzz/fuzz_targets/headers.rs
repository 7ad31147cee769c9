//! Checks how each provider reads any headers.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| webhook_fuzz::headers::check(input));
