//! RMSprop (Tieleman and Hinton 2012), with the centred form (Graves 2013) and momentum.

use serde::{Deserialize, Serialize};

use super::{Update, UpdateContext, check_fraction, check_positive};
use crate::error::Result;
use crate::kernel::Scalar;

/// g' = g + weight_decay w; v = alpha v + (1 - alpha) g'^2; if centred u = alpha u + (1 - alpha) g' and
/// r = sqrt(v - u^2) + epsilon, else r = sqrt(v) + epsilon; m = momentum m + g' / r;
/// w -= learning_rate m. Without momentum m is g' / r.
///
/// ```
/// use chainrule::optimizer::{RmsProp, update};
/// use chainrule::*;
/// let network = Network::builder(1).dense_without_bias(1, Activation::Identity).build()?;
/// let mut parameters = network.initialize_with::<f64>(Initialization::Constant(1.0), 0);
/// let gradients = network.initialize_with::<f64>(Initialization::Constant(0.5), 0);
/// let rule = Rule::RmsProp(RmsProp { learning_rate: 0.1, alpha: 0.75, ..RmsProp::default() });
/// let mut optimizer = Optimizer::new(rule, &parameters)?;
/// update(&mut optimizer, &mut parameters, &gradients)?;
/// // v is a quarter of the squared gradient.
/// assert!((parameters.weight(1).element(0, 0) - (1.0 - 0.1 * 0.5 / (0.25f64 * 0.25).sqrt())).abs() < 1e-6);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RmsProp {
    /// Default 0.01.
    pub learning_rate: f64,
    /// In 0..1, default 0.99.
    pub alpha: f64,
    /// Greater than 0, default 1e-8.
    pub epsilon: f64,
    /// In 0..1, default 0.
    pub momentum: f64,
    /// Default false.
    pub centered: bool,
    /// L2, default 0.
    pub weight_decay: f64,
}

impl Default for RmsProp {
    fn default() -> Self {
        RmsProp {
            learning_rate: 1e-2,
            alpha: 0.99,
            epsilon: 1e-8,
            momentum: 0.0,
            centered: false,
            weight_decay: 0.0,
        }
    }
}

impl Update for RmsProp {
    fn check(&self) -> Result<()> {
        check_fraction("alpha", self.alpha)?;
        check_fraction("momentum", self.momentum)?;
        check_positive("epsilon", self.epsilon)
    }

    fn epsilon_mut(&mut self) -> Option<&mut f64> {
        Some(&mut self.epsilon)
    }

    fn state_buffers(&self) -> usize {
        1 + usize::from(self.momentum > 0.0) + usize::from(self.centered)
    }

    fn squares_buffer(&self) -> Option<usize> {
        Some(0)
    }

    fn largest_change(&self, bound: f64) -> f64 {
        // A gradient after many that were 0.
        let alone = 1.0 / (1.0 - self.alpha).sqrt();
        (bound / self.epsilon).min(alone) / (1.0 - self.momentum)
    }

    #[inline(always)]
    fn update<T: Scalar>(
        &self,
        _at: UpdateContext<'_>,
        w: &mut [T],
        g: &[T],
        [v, second, third]: [&mut [T]; 3],
    ) {
        let (u, m) = if self.centered { (second, third) } else { (third, second) };
        let number = T::from_f64;
        let (rate, decay, epsilon) =
            (number(self.learning_rate), number(self.weight_decay), number(self.epsilon));
        let (alpha, rest) = (number(self.alpha), number(1.0 - self.alpha));
        let momentum = number(self.momentum);
        for i in 0..w.len() {
            let g = g[i] + decay * w[i];
            v[i] = (alpha * v[i] + rest * g * g).normal_or_zero();
            let mut variance = v[i];
            if self.centered {
                u[i] = (alpha * u[i] + rest * g).normal_or_zero();
                // Rounding can take it below zero.
                variance = (variance - u[i] * u[i]).max(T::zero());
            }
            let mut change = g / (variance.sqrt() + epsilon);
            if self.momentum > 0.0 {
                m[i] = (momentum * m[i] + change).normal_or_zero();
                change = m[i];
            }
            w[i] -= rate * change;
        }
    }
}
