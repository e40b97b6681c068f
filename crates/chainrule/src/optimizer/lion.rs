//! Lion (Chen et al. 2023, "Symbolic discovery of optimization algorithms"): the sign of a moving average.

use serde::{Deserialize, Serialize};

use super::{Update, UpdateContext, check_fraction};
use crate::error::Result;
use crate::kernel::Scalar;

/// c = beta1 m + (1 - beta1) g; w -= learning_rate (sign(c) + weight_decay w); m = beta2 m + (1 - beta2) g.
///
/// Every parameter moves by the learning rate, whatever the size of its gradient; by nothing where c is 0.
///
/// ```
/// use chainrule::optimizer::{Lion, update};
/// use chainrule::*;
/// let network = Network::builder(1).dense_without_bias(1, Activation::Identity).build()?;
/// let mut parameters = network.initialize_with::<f64>(Initialization::Constant(1.0), 0);
/// let gradients = network.initialize_with::<f64>(Initialization::Constant(0.5), 0);
/// let rule = Rule::Lion(Lion { learning_rate: 0.1, weight_decay: 0.5, ..Lion::default() });
/// let mut optimizer = Optimizer::new(rule, &parameters)?;
/// update(&mut optimizer, &mut parameters, &gradients)?;
/// // The sign of the gradient, and the decay.
/// assert!((parameters.weight(1).element(0, 0) - (1.0 - 0.1 * (1.0 + 0.5))).abs() < 1e-6);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lion {
    /// Default 0.0001.
    pub learning_rate: f64,
    /// In 0..1, default 0.9.
    pub beta1: f64,
    /// In 0..1, default 0.99.
    pub beta2: f64,
    /// Decoupled, as in AdamW; default 0.
    pub weight_decay: f64,
}

impl Default for Lion {
    fn default() -> Self {
        Lion { learning_rate: 1e-4, beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }
    }
}

impl Update for Lion {
    fn check(&self) -> Result<()> {
        check_fraction("beta1", self.beta1)?;
        check_fraction("beta2", self.beta2)
    }

    fn state_buffers(&self) -> usize {
        1
    }

    fn largest_change(&self, bound: f64) -> f64 {
        if bound > 0.0 { 1.0 } else { 0.0 }
    }

    #[inline(always)]
    fn update<T: Scalar>(&self, _at: UpdateContext<'_>, w: &mut [T], g: &[T], [m, ..]: [&mut [T]; 3]) {
        let number = T::from_f64;
        let (beta1, rest1) = (number(self.beta1), number(1.0 - self.beta1));
        let (beta2, rest2) = (number(self.beta2), number(1.0 - self.beta2));
        let (rate, decay) = (number(self.learning_rate), number(self.weight_decay));
        for ((w, &g), m) in w.iter_mut().zip(g).zip(m) {
            let c = beta1 * *m + rest1 * g;
            let sign = if c > T::zero() {
                T::one()
            } else if c < T::zero() {
                -T::one()
            } else {
                c
            };
            *w -= rate * (sign + decay * *w);
            *m = (beta2 * *m + rest2 * g).normal_or_zero();
        }
    }
}
