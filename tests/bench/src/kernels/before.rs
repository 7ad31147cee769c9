//! Speeds of an accepted delivery on the re-serialising paths, text for the queue included, before
//! verification built that text once in memory. Today's speed is compared with them.
//!
//! Each figure is the speed divided by the speed of the bare MAC of the same bytes, so it can be
//! compared on another machine, if that also has SHA extensions. `webhook-bench kernels` measured
//! it with `webhook-verify` as of commit f24aa3e, on a 2-core x86-64 machine with SHA extensions.
//! The kernels then called `Verified::signed()` after verification, because only that built the
//! text. Each figure is the highest median of six runs, because other load on the machine lowers
//! it; medians that were too wide to quote are left out.

use super::SIZES;

/// Kernels, with a figure for each of [`SIZES`].
const OF_MAC: [(&str, [f64; SIZES.len()]); 2] = [
    ("member", [0.278, 0.237, 0.242, 0.233, 0.234]),
    ("respelled", [0.207, 0.181, 0.185, 0.182, 0.184]),
];

/// Returns the kernel's figure for bodies of this size.
pub fn of_mac(kernel: &str, size: &str) -> Option<f64> {
    let (_, figures) = OF_MAC.iter().find(|(name, _)| *name == kernel)?;
    let index = SIZES.iter().position(|(label, _)| *label == size)?;
    Some(figures[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_re_serialising_kernels_have_a_figure() {
        let bits = |kernel, size| of_mac(kernel, size).map(f64::to_bits);
        assert_eq!(bits("member", "1 KiB"), Some(0.278_f64.to_bits()));
        assert_eq!(bits("respelled", "6 MB"), Some(0.184_f64.to_bits()));
        assert_eq!(bits("raw-sha256", "1 KiB"), None);
        assert_eq!(bits("member", "2 KiB"), None);
    }
}
