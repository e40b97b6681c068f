//! Adagrad (Duchi, Hazan, Singer 2011).

use serde::{Deserialize, Serialize};

use super::{Update, UpdateContext, check_not_negative, check_positive};
use crate::error::Result;
use crate::kernel::Scalar;

/// g' = g + weight_decay w; v = v + g'^2, from initial_accumulator;
/// w -= learning_rate / (1 + (t - 1) learning_rate_decay) g' / (sqrt(v) + epsilon).
///
/// ```
/// use chainrule::optimizer::{Adagrad, update};
/// use chainrule::*;
/// let network = Network::builder(1).dense_without_bias(1, Activation::Identity).build()?;
/// let mut parameters = network.initialize_with::<f64>(Initialization::Constant(1.0), 0);
/// let gradients = network.initialize_with::<f64>(Initialization::Constant(0.5), 0);
/// let rule = Rule::Adagrad(Adagrad { learning_rate: 0.1, ..Adagrad::default() });
/// let mut optimizer = Optimizer::new(rule, &parameters)?;
/// update(&mut optimizer, &mut parameters, &gradients)?;
/// // The sum of squares is that of one gradient.
/// assert!((parameters.weight(1).element(0, 0) - (0.9)).abs() < 1e-6);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adagrad {
    /// Default 0.01.
    pub learning_rate: f64,
    /// At least 0, default 0.
    pub learning_rate_decay: f64,
    /// Greater than 0, default 1e-10.
    pub epsilon: f64,
    /// At least 0, default 0.
    pub initial_accumulator: f64,
    /// L2, default 0.
    pub weight_decay: f64,
}

impl Default for Adagrad {
    fn default() -> Self {
        Adagrad {
            learning_rate: 1e-2,
            learning_rate_decay: 0.0,
            epsilon: 1e-10,
            initial_accumulator: 0.0,
            weight_decay: 0.0,
        }
    }
}

impl Update for Adagrad {
    fn check(&self) -> Result<()> {
        check_not_negative("learning_rate_decay", self.learning_rate_decay)?;
        check_not_negative("initial_accumulator", self.initial_accumulator)?;
        check_positive("epsilon", self.epsilon)
    }

    fn epsilon_mut(&mut self) -> Option<&mut f64> {
        Some(&mut self.epsilon)
    }

    fn state_buffers(&self) -> usize {
        1
    }

    fn initial_state(&self) -> f64 {
        self.initial_accumulator
    }

    fn squares_buffer(&self) -> Option<usize> {
        Some(0)
    }

    fn largest_change(&self, bound: f64) -> f64 {
        (bound / self.epsilon).min(1.0)
    }

    #[inline(always)]
    fn update<T: Scalar>(&self, at: UpdateContext<'_>, w: &mut [T], g: &[T], [v, ..]: [&mut [T]; 3]) {
        let rate = self.learning_rate / (1.0 + (at.step - 1) as f64 * self.learning_rate_decay);
        let (rate, decay) = (T::from_f64(rate), T::from_f64(self.weight_decay));
        let epsilon = T::from_f64(self.epsilon);
        for ((w, &g), v) in w.iter_mut().zip(g).zip(v) {
            let g = g + decay * *w;
            *v += g * g;
            *w -= rate * g / (v.sqrt() + epsilon);
        }
    }
}
