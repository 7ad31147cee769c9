//! Any delivery and any headers: `explain` never panics, and never disagrees with the verifier.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| webhook_fuzz::explain::check(input));
