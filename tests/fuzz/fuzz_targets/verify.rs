//! Checks each provider's verdict on any delivery, and on signed ones with a flipped bit.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| webhook_fuzz::verify::check(input));
