//! The golden runs for WebAssembly: `run.mjs` calls these functions in Node.js.

#[path = "../../suite/common.rs"]
mod common;
#[path = "../../suite/golden/runs.rs"]
mod runs;

use std::cell::Cell;

thread_local! {
    static DIGESTS: Cell<[u64; 3]> = const { Cell::new([0; 3]) };
}

/// How many runs there are.
#[unsafe(no_mangle)]
pub extern "C" fn count() -> usize {
    runs::runs().len()
}

/// Trains run number `index` in single precision.
#[unsafe(no_mangle)]
pub extern "C" fn train_single(index: usize) {
    DIGESTS.set(runs::runs()[index].train::<f32>(&mut |_| ()).digests());
}

/// Trains run number `index` in double precision.
#[unsafe(no_mangle)]
pub extern "C" fn train_double(index: usize) {
    DIGESTS.set(runs::runs()[index].train::<f64>(&mut |_| ()).digests());
}

/// Of the run that was trained last: a digest of its losses (0), parameters (1) or predictions (2).
#[unsafe(no_mangle)]
pub extern "C" fn digest(which: usize) -> u64 {
    DIGESTS.get()[which]
}
