//! Signs bodies as the providers do: returns the headers that come with a body. For tests, samples
//! and tools.
//!
//! Signing and verifying share only the MAC and the Python form, and test vectors hold both of them.

pub use crate::providers::{
    endgrate::sign::{endgrate, endgrate_python_form},
    pinwheel::sign::{pinwheel_delivery_id, pinwheel_v1, pinwheel_v2},
};
