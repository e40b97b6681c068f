//! The sizes of this processor's caches, and the blocks of a product that fit into them.

use std::sync::OnceLock;

use super::panels::panel_width;

/// Bytes of a core's caches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Caches {
    /// The first-level cache for data.
    pub(crate) first: usize,
    /// The second-level cache.
    pub(crate) second: usize,
}

/// What is taken where the processor does not tell, or tells nonsense.
const USUAL: Caches = Caches { first: 32 << 10, second: 512 << 10 };

/// Steps of the summation that a block of the broadcast operand has at most.
const DEEP_STEPS: usize = 512;

/// How a product is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Blocking {
    /// Steps of the summation of which the vector operand's panel fills half of the first-level cache: a multiple of a
    /// panel's columns.
    pub(crate) steps: usize,
    /// Steps and rows of the broadcast operand that fill half of the second-level cache: multiples of a panel's columns.
    pub(crate) deep_steps: usize,
    pub(crate) rows: usize,
}

/// For a broadcast operand of so many rows and steps.
#[inline]
pub(crate) fn blocking<T>(rows: usize, steps: usize) -> Blocking {
    blocking_for::<T>(caches(), rows, steps)
}

#[inline]
fn blocking_for<T>(caches: &Caches, rows: usize, steps: usize) -> Blocking {
    let panel = panel_width::<T>();
    // A panel is 128 bytes wide.
    let in_first = caches.first / 256 / panel * panel;
    let deep_steps = steps.clamp(1, DEEP_STEPS).next_multiple_of(panel);
    let (half, row) = (caches.second / 2, deep_steps * size_of::<T>());
    // The division takes longer than a small product.
    let rows = if rows * row <= half { rows.max(1) } else { (half / row / panel * panel).max(panel) };
    Blocking { steps: in_first.max(panel), deep_steps, rows }
}

/// The caches, read once.
#[inline]
pub(crate) fn caches() -> &'static Caches {
    static CACHES: OnceLock<Caches> = OnceLock::new();
    CACHES.get_or_init(|| {
        let found = read();
        let or = |found: usize, smallest: usize, largest: usize, usual: usize| {
            if (smallest..=largest).contains(&found) { found } else { usual }
        };
        Caches {
            first: or(found.first, 8 << 10, 256 << 10, USUAL.first),
            second: or(found.second, 128 << 10, 8 << 20, USUAL.second),
        }
    })
}

/// As the instruction `cpuid` tells: leaf 4 on Intel's processors and leaf 0x8000001D on AMD's have a description for each
/// cache, in the same form (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2A; AMD64 Architecture
/// Programmer's Manual, volume 3).
#[cfg(target_arch = "x86_64")]
fn read() -> Caches {
    use std::arch::x86_64::__cpuid_count;
    let mut caches = Caches { first: 0, second: 0 };
    for leaf in [4, 0x8000_001d_u32] {
        if __cpuid_count(leaf & 0x8000_0000, 0).eax < leaf {
            continue;
        }
        for index in 0..16 {
            let found = __cpuid_count(leaf, index);
            let (kind, level) = (found.eax & 31, found.eax >> 5 & 7);
            if kind == 0 {
                break;
            }
            let fields = [found.ebx >> 22, found.ebx >> 12 & 1023, found.ebx & 4095, found.ecx];
            let bytes =
                fields.into_iter().fold(1usize, |bytes, field| bytes.saturating_mul(field as usize + 1));
            match (level, kind) {
                (1, 1) => caches.first = bytes,
                (2, 1 | 3) => caches.second = bytes,
                _ => {}
            }
        }
    }
    caches
}

#[cfg(not(target_arch = "x86_64"))]
fn read() -> Caches {
    USUAL
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks_fit<T>() {
        let panel = panel_width::<T>();
        for (first, second) in [(8, 128), (32, 512), (32, 1024), (48, 2048), (64, 1024), (256, 8192)] {
            let caches = Caches { first: first << 10, second: second << 10 };
            for rows in [1, 10, 31, 256, 4096] {
                for steps in [1, 8, 31, 32, 33, 512, 784, 5000] {
                    let blocks = blocking_for::<T>(&caches, rows, steps);
                    let what = format!("{caches:?} {rows} x {steps}: {blocks:?}");
                    // Steps are whole panels, and half of the first cache's lines hold them.
                    assert!(blocks.steps > 0 && blocks.steps.is_multiple_of(panel), "{what}");
                    assert!(blocks.steps * 128 <= caches.first / 2, "{what}");
                    assert!(blocks.deep_steps > 0 && blocks.deep_steps.is_multiple_of(panel), "{what}");
                    // All rows, or whole panels of them that half of the second cache holds.
                    let bytes = blocks.rows * blocks.deep_steps * size_of::<T>();
                    assert!(bytes <= caches.second / 2, "{what}");
                    assert!(blocks.rows == rows || blocks.rows.is_multiple_of(panel), "{what}");
                }
            }
        }
    }

    #[test]
    fn blocks_are_whole_panels_that_fit() {
        blocks_fit::<f32>();
        blocks_fit::<f64>();
    }

    #[test]
    fn the_caches_of_this_processor_are_plausible() {
        let caches = caches();
        assert!((8 << 10..=256 << 10).contains(&caches.first), "{caches:?}");
        assert!(
            (128 << 10..=8 << 20).contains(&caches.second) && caches.second >= caches.first,
            "{caches:?}"
        );
    }
}
