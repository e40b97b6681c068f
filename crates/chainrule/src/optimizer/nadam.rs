//! NAdam (Dozat 2016): Adam with Nesterov's momentum, whose coefficient grows from step to step as in PyTorch's.

use serde::{Deserialize, Serialize};

use super::{Update, UpdateContext, check_fraction, check_not_negative, check_positive};
use crate::error::Result;
use crate::kernel::Scalar;
use crate::portable::power;

/// mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2), M_t = mu_1 ... mu_t; g' = g + weight_decay w;
/// m = beta1 m + (1 - beta1) g'; v = beta2 v + (1 - beta2) g'^2;
/// w -= learning_rate (mu_(t+1) m / (1 - M_(t+1)) + (1 - mu_t) g' / (1 - M_t)) / (sqrt(v / (1 - beta2^t)) + epsilon).
///
/// ```
/// use chainrule::optimizer::{NAdam, update};
/// use chainrule::*;
/// let network = Network::builder(1).dense_without_bias(1, Activation::Identity).build()?;
/// let mut parameters = network.initialize_with::<f64>(Initialization::Constant(1.0), 0);
/// let gradients = network.initialize_with::<f64>(Initialization::Constant(0.5), 0);
/// let rule = Rule::NAdam(NAdam { learning_rate: 0.1, ..NAdam::default() });
/// let mut optimizer = Optimizer::new(rule, &parameters)?;
/// update(&mut optimizer, &mut parameters, &gradients)?;
/// // The gradient, and the average as the next step's momentum will take it.
/// let momentum = |t: f64| 0.9 * (1.0 - 0.5 * 0.96f64.powf(0.004 * t));
/// let (one, two) = (momentum(1.0), momentum(2.0));
/// let direction = 0.5 + two * (0.1 * 0.5) / (1.0 - one * two);
/// assert!((parameters.weight(1).element(0, 0) - (1.0 - 0.1 * direction / 0.5)).abs() < 1e-6);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NAdam {
    /// Default 0.002.
    pub learning_rate: f64,
    /// In 0..1, default 0.9.
    pub beta1: f64,
    /// In 0..1, default 0.999.
    pub beta2: f64,
    /// Greater than 0, default 1e-8.
    pub epsilon: f64,
    /// At least 0, default 0.004.
    pub momentum_decay: f64,
    /// L2, default 0.
    pub weight_decay: f64,
}

impl Default for NAdam {
    fn default() -> Self {
        NAdam {
            learning_rate: 2e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            momentum_decay: 4e-3,
            weight_decay: 0.0,
        }
    }
}

impl NAdam {
    /// mu_t.
    fn momentum(&self, step: u64) -> f64 {
        self.beta1 * (1.0 - 0.5 * libm::pow(0.96, step as f64 * self.momentum_decay))
    }
}

impl Update for NAdam {
    fn check(&self) -> Result<()> {
        check_fraction("beta1", self.beta1)?;
        check_fraction("beta2", self.beta2)?;
        check_not_negative("momentum_decay", self.momentum_decay)?;
        check_positive("epsilon", self.epsilon)
    }

    fn epsilon_mut(&mut self) -> Option<&mut f64> {
        Some(&mut self.epsilon)
    }

    fn state_buffers(&self) -> usize {
        2
    }

    fn squares_buffer(&self) -> Option<usize> {
        Some(1)
    }

    fn largest_change(&self, bound: f64) -> f64 {
        // A gradient after many that were 0, of which both terms take their part.
        let alone = 2.0 * (1.0 - self.beta1) / (1.0 - self.beta2).sqrt();
        (bound / self.epsilon).min(alone.max(1.0))
    }

    /// M_t.
    fn carried(&self, step: u64, before: f64) -> f64 {
        before * self.momentum(step)
    }

    #[inline(always)]
    fn update<T: Scalar>(&self, at: UpdateContext<'_>, w: &mut [T], g: &[T], [m, v, _]: [&mut [T]; 3]) {
        let number = T::from_f64;
        let (now, next) = (self.momentum(at.step), self.momentum(at.step + 1));
        let product = at.carried * now;
        let of_average = number(self.learning_rate * next / (1.0 - product * next));
        let of_gradient = number(self.learning_rate * (1.0 - now) / (1.0 - product));
        let inverse_root = number(1.0 / (1.0 - power(self.beta2, at.step)).sqrt());
        let (beta1, rest1) = (number(self.beta1), number(1.0 - self.beta1));
        let (beta2, rest2) = (number(self.beta2), number(1.0 - self.beta2));
        let (decay, epsilon) = (number(self.weight_decay), number(self.epsilon));
        for (((w, &g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
            let g = g + decay * *w;
            *m = (beta1 * *m + rest1 * g).normal_or_zero();
            *v = (beta2 * *v + rest2 * g * g).normal_or_zero();
            *w -= (of_average * *m + of_gradient * g) / (v.sqrt() * inverse_root + epsilon);
        }
    }
}
