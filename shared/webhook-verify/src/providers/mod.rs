//! One folder for each provider, with the same files in each: the provider, its signing side, its
//! tests.

pub(crate) mod endgrate;
pub(crate) mod pinwheel;

pub use endgrate::Endgrate;
pub use pinwheel::Pinwheel;
