//! Checks what goes on the queue for any authentic body.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| webhook_fuzz::envelope::check(input));
