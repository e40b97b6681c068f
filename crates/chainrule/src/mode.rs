//! Whether a pass is one of training, in which dropout drops.

/// Whether dropout drops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// Nothing is random.
    Inference,
    /// Dropout masks are drawn from (seed, step, layer, sample).
    Training {
        /// The run's seed.
        seed: u64,
        /// The step's number: how many steps came before it.
        step: u64,
    },
}
