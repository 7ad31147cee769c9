//! Checks that `explain` never panics, and never disagrees with the verifier, for any delivery.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| webhook_fuzz::explain::check(input));
