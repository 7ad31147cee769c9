//! Checks the writer of Python forms against the reference.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| webhook_fuzz::python_form::check(input));
