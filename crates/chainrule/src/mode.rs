//! Whether a pass is one of training, in which dropout drops.

/// Whether dropout drops.
///
/// ```
/// use chainrule::*;
/// let network = Network::builder(50).dropout(0.5).dense(1, Activation::Identity).build()?;
/// let (parameters, inputs) = (network.initialize::<f32>(1), Matrix::from_rows(&[[1.0f32; 50]]));
/// let dropped = |mode| forward(&network, &parameters, inputs.view(), mode).map(|cache| cache.activation(1).clone());
/// let step = |step| dropped(Mode::Training { seed: 7, step });
/// assert_eq!(step(0)?, step(0)?);
/// assert_ne!(step(0)?, step(1)?);
/// assert_eq!(dropped(Mode::Inference)?, inputs);
/// # Ok::<(), chainrule::Error>(())
/// ```
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
