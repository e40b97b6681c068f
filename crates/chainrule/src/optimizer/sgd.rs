//! Stochastic gradient descent, with momentum, Nesterov's variant and L2.

use serde::{Deserialize, Serialize};

use super::{Update, UpdateContext, check_fraction};
use crate::error::{Error, Result};
use crate::kernel::Scalar;

/// g' = g + weight_decay w; m = momentum m + (1 - dampening) g' (m = g' in the first step);
/// w -= learning_rate m, or learning_rate (g' + momentum m) with Nesterov. Without momentum m is g'.
///
/// ```
/// use chainrule::optimizer::{Sgd, update};
/// use chainrule::*;
/// let network = Network::builder(1).dense_without_bias(1, Activation::Identity).build()?;
/// let mut parameters = network.initialize_with::<f64>(Initialization::Constant(1.0), 0);
/// let gradients = network.initialize_with::<f64>(Initialization::Constant(0.5), 0);
/// let rule = Rule::Sgd(Sgd { learning_rate: 0.1, momentum: 0.9, ..Sgd::default() });
/// let mut optimizer = Optimizer::new(rule, &parameters)?;
/// for _ in 0..2 {
///     update(&mut optimizer, &mut parameters, &gradients)?;
/// }
/// // Two steps: the gradient, then what is left of it with the next.
/// assert!((parameters.weight(1).element(0, 0) - (1.0 - 0.1 * 0.5 - 0.1 * (0.9 * 0.5 + 0.5))).abs() < 1e-6);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// Default 0.001.
    pub learning_rate: f64,
    /// In 0..1, default 0.
    pub momentum: f64,
    /// In 0..1, default 0.
    pub dampening: f64,
    /// Needs momentum and no dampening; default false.
    pub nesterov: bool,
    /// L2, default 0.
    pub weight_decay: f64,
}

impl Default for Sgd {
    fn default() -> Self {
        Sgd { learning_rate: 1e-3, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 }
    }
}

impl Update for Sgd {
    fn check(&self) -> Result<()> {
        check_fraction("momentum", self.momentum)?;
        check_fraction("dampening", self.dampening)?;
        if self.nesterov && (self.momentum == 0.0 || self.dampening != 0.0) {
            let allowed = "Nesterov needs a momentum greater than 0 and no dampening";
            return Err(Error::Hyperparameter { name: "nesterov", value: "true".to_owned(), allowed });
        }
        Ok(())
    }

    fn state_buffers(&self) -> usize {
        usize::from(self.momentum > 0.0)
    }

    fn largest_change(&self, bound: f64) -> f64 {
        bound / (1.0 - self.momentum)
    }

    #[inline(always)]
    fn update<T: Scalar>(&self, at: UpdateContext<'_>, w: &mut [T], g: &[T], [m, ..]: [&mut [T]; 3]) {
        let (rate, decay) = (T::from_f64(self.learning_rate), T::from_f64(self.weight_decay));
        let momentum = T::from_f64(self.momentum);
        if self.momentum == 0.0 {
            for (w, &g) in w.iter_mut().zip(g) {
                *w -= rate * (g + decay * *w);
            }
            return;
        }
        let (keep, take) = match at.step {
            1 => (T::zero(), T::one()),
            _ => (momentum, T::from_f64(1.0 - self.dampening)),
        };
        for ((w, &g), m) in w.iter_mut().zip(g).zip(m) {
            let g = g + decay * *w;
            *m = (keep * *m + take * g).normal_or_zero();
            *w -= rate * if self.nesterov { g + momentum * *m } else { *m };
        }
    }
}
