//! The size of a deployment: a zip archive with one file, `bootstrap`.

use std::{fs, io::Write, path::Path};

use anyhow::{Context, Result};
use flate2::{Compression, write::DeflateEncoder};

/// Local header, central directory and end of an archive with one file, without extra fields.
const CONTAINER_BYTES: u64 = 30 + 46 + 22 + 2 * "bootstrap".len() as u64;

/// Sizes of a bootstrap in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    /// The binary itself.
    pub binary: u64,
    /// The archive, with zip tools' default compression (level 6).
    pub zip: u64,
}

/// Returns the sizes of the bootstrap at this path.
///
/// # Errors
/// It cannot be read.
pub fn sizes(bootstrap: &Path) -> Result<Sizes> {
    let bytes = fs::read(bootstrap).with_context(|| format!("{}", bootstrap.display()))?;
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::new(6));
    deflated.write_all(&bytes)?;
    let deflated = deflated.finish()?;
    Ok(Sizes { binary: bytes.len() as u64, zip: deflated.len() as u64 + CONTAINER_BYTES })
}
