//! What the suites and the demo share: the emulator, a Lambda Runtime API, requests as Lambda hands them over, and samples.

pub mod emulator;
pub mod event;
pub mod function;
pub mod samples;
