//! Adam (Kingma and Ba 2015), AdamW (Loshchilov and Hutter 2019), and AMSGrad (Reddi, Kale, Kumar 2018).

use serde::{Deserialize, Serialize};

use super::{Update, UpdateContext, check_fraction, check_positive};
use crate::error::Result;
use crate::kernel::Scalar;
use crate::portable::power;

/// g' = g + weight_decay w; m = beta1 m + (1 - beta1) g'; v = beta2 v + (1 - beta2) g'^2;
/// w -= learning_rate / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + epsilon).
///
/// ```
/// use chainrule::optimizer::{Adam, update};
/// use chainrule::*;
/// let network = Network::builder(1).dense_without_bias(1, Activation::Identity).build()?;
/// let mut parameters = network.initialize_with::<f64>(Initialization::Constant(1.0), 0);
/// let gradients = network.initialize_with::<f64>(Initialization::Constant(0.5), 0);
/// let rule = Rule::Adam(Adam { learning_rate: 0.1, ..Adam::default() });
/// let mut optimizer = Optimizer::new(rule, &parameters)?;
/// update(&mut optimizer, &mut parameters, &gradients)?;
/// // The first step is the learning rate, whatever the size of the gradient.
/// assert!((parameters.weight(1).element(0, 0) - (0.9)).abs() < 1e-6);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// Default 0.001.
    pub learning_rate: f64,
    /// In 0..1, default 0.9.
    pub beta1: f64,
    /// In 0..1, default 0.999.
    pub beta2: f64,
    /// Greater than 0, default 1e-8.
    pub epsilon: f64,
    /// L2, default 0.
    pub weight_decay: f64,
}

/// Adam whose weight decay shrinks the weights directly: w -= learning_rate weight_decay w, then
/// Adam's step on the plain gradient.
///
/// ```
/// use chainrule::optimizer::{AdamW, update};
/// use chainrule::*;
/// let network = Network::builder(1).dense_without_bias(1, Activation::Identity).build()?;
/// let mut parameters = network.initialize_with::<f64>(Initialization::Constant(1.0), 0);
/// let gradients = network.initialize_with::<f64>(Initialization::Constant(0.5), 0);
/// let rule = Rule::AdamW(AdamW { learning_rate: 0.1, weight_decay: 0.2, ..AdamW::default() });
/// let mut optimizer = Optimizer::new(rule, &parameters)?;
/// update(&mut optimizer, &mut parameters, &gradients)?;
/// // The decay, and the step of Adam.
/// assert!((parameters.weight(1).element(0, 0) - (1.0 - 0.1 * 0.2 - 0.1)).abs() < 1e-6);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    /// Default 0.001.
    pub learning_rate: f64,
    /// In 0..1, default 0.9.
    pub beta1: f64,
    /// In 0..1, default 0.999.
    pub beta2: f64,
    /// Greater than 0, default 1e-8.
    pub epsilon: f64,
    /// Default 0.01.
    pub weight_decay: f64,
}

/// Adam that divides by the largest v so far: u = max(u, v), and
/// w -= learning_rate / (1 - beta1^t) m / (sqrt(u / (1 - beta2^t)) + epsilon). A parameter's steps are then never lengthened
/// again; PyTorch's `Adam` with `amsgrad=True`.
///
/// ```
/// use chainrule::optimizer::{AmsGrad, update};
/// use chainrule::*;
/// let network = Network::builder(1).dense_without_bias(1, Activation::Identity).build()?;
/// let mut parameters = network.initialize_with::<f64>(Initialization::Constant(1.0), 0);
/// let gradients = network.initialize_with::<f64>(Initialization::Constant(0.5), 0);
/// let rule = Rule::AmsGrad(AmsGrad { learning_rate: 0.1, ..AmsGrad::default() });
/// let mut optimizer = Optimizer::new(rule, &parameters)?;
/// update(&mut optimizer, &mut parameters, &gradients)?;
/// // As Adam while gradients do not shrink.
/// assert!((parameters.weight(1).element(0, 0) - (0.9)).abs() < 1e-6);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AmsGrad {
    /// Default 0.001.
    pub learning_rate: f64,
    /// In 0..1, default 0.9.
    pub beta1: f64,
    /// In 0..1, default 0.999.
    pub beta2: f64,
    /// Greater than 0, default 1e-8.
    pub epsilon: f64,
    /// L2, default 0.
    pub weight_decay: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Adam { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

impl Default for AmsGrad {
    fn default() -> Self {
        AmsGrad { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

impl Default for AdamW {
    fn default() -> Self {
        AdamW { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 1e-2 }
    }
}

impl Update for Adam {
    fn check(&self) -> Result<()> {
        check_fraction("beta1", self.beta1)?;
        check_fraction("beta2", self.beta2)?;
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
        // A gradient after many that were 0 (Kingma and Ba 2015, section 2.1).
        let alone = (1.0 - self.beta1) / (1.0 - self.beta2).sqrt();
        (bound / self.epsilon).min(alone.max(1.0))
    }

    #[inline(always)]
    fn update<T: Scalar>(&self, at: UpdateContext<'_>, w: &mut [T], g: &[T], [m, v, _]: [&mut [T]; 3]) {
        moments_step(self, 0.0, at, w, g, m, v);
    }
}

/// What a variant of Adam with `$buffers` buffers has as Adam has it.
macro_rules! as_in_adam {
    ($buffers:literal) => {
        fn check(&self) -> Result<()> {
            self.moments().check()
        }

        fn epsilon_mut(&mut self) -> Option<&mut f64> {
            Some(&mut self.epsilon)
        }

        fn state_buffers(&self) -> usize {
            $buffers
        }

        fn squares_buffer(&self) -> Option<usize> {
            self.moments().squares_buffer()
        }

        fn largest_change(&self, bound: f64) -> f64 {
            self.moments().largest_change(bound)
        }
    };
}

impl AdamW {
    /// Adam's part, without L2.
    #[inline(always)]
    fn moments(&self) -> Adam {
        let AdamW { learning_rate, beta1, beta2, epsilon, .. } = *self;
        Adam { learning_rate, beta1, beta2, epsilon, weight_decay: 0.0 }
    }
}

impl Update for AdamW {
    as_in_adam!(2);

    #[inline(always)]
    fn update<T: Scalar>(&self, at: UpdateContext<'_>, w: &mut [T], g: &[T], [m, v, _]: [&mut [T]; 3]) {
        moments_step(&self.moments(), self.learning_rate * self.weight_decay, at, w, g, m, v);
    }
}

impl AmsGrad {
    /// Adam's part.
    #[inline(always)]
    fn moments(&self) -> Adam {
        let AmsGrad { learning_rate, beta1, beta2, epsilon, weight_decay } = *self;
        Adam { learning_rate, beta1, beta2, epsilon, weight_decay }
    }
}

impl Update for AmsGrad {
    as_in_adam!(3);

    #[inline(always)]
    fn update<T: Scalar>(&self, at: UpdateContext<'_>, w: &mut [T], g: &[T], [m, v, u]: [&mut [T]; 3]) {
        let Constants { rate, inverse_root, beta1, rest1, beta2, rest2, decay, epsilon } =
            Constants::<T>::of(&self.moments(), at);
        for ((((w, &g), m), v), u) in w.iter_mut().zip(g).zip(m).zip(v).zip(u) {
            let g = g + decay * *w;
            *m = (beta1 * *m + rest1 * g).normal_or_zero();
            *v = (beta2 * *v + rest2 * g * g).normal_or_zero();
            *u = if *v > *u { *v } else { *u };
            *w -= rate * *m / (u.sqrt() * inverse_root + epsilon);
        }
    }
}

/// What is the same for all parameters in a step.
struct Constants<T> {
    rate: T,
    inverse_root: T,
    beta1: T,
    rest1: T,
    beta2: T,
    rest2: T,
    decay: T,
    epsilon: T,
}

impl<T: Scalar> Constants<T> {
    #[inline(always)]
    fn of(rule: &Adam, at: UpdateContext<'_>) -> Self {
        let number = T::from_f64;
        let correction = |beta: f64| 1.0 - power(beta, at.step);
        Constants {
            rate: number(rule.learning_rate / correction(rule.beta1)),
            inverse_root: number(1.0 / correction(rule.beta2).sqrt()),
            beta1: number(rule.beta1),
            rest1: number(1.0 - rule.beta1),
            beta2: number(rule.beta2),
            rest2: number(1.0 - rule.beta2),
            decay: number(rule.weight_decay),
            epsilon: number(rule.epsilon),
        }
    }
}

/// One step; `shrink` is what decoupled weight decay takes off.
#[inline(always)]
fn moments_step<T: Scalar>(
    rule: &Adam,
    shrink: f64,
    at: UpdateContext<'_>,
    w: &mut [T],
    g: &[T],
    m: &mut [T],
    v: &mut [T],
) {
    let Constants { rate, inverse_root, beta1, rest1, beta2, rest2, decay, epsilon } =
        Constants::<T>::of(rule, at);
    let kept = T::from_f64(1.0 - shrink);
    for (((w, &g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
        let g = g + decay * *w;
        *m = (beta1 * *m + rest1 * g).normal_or_zero();
        *v = (beta2 * *v + rest2 * g * g).normal_or_zero();
        *w = kept * *w - rate * *m / (v.sqrt() * inverse_root + epsilon);
    }
}
