//! Clipping: bounds on the gradients before the update.

use serde::{Deserialize, Serialize};

use super::check_positive;
use crate::error::Result;
use crate::kernel::{Scalar, Threads, parts::for_each_part};
use crate::parameters::Gradients;

/// How gradients are bounded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Clipping {
    /// Each element is cut off at ± this.
    Value(f64),
    /// All gradients are scaled by bound / (norm + 1e-6) if that is less than 1, where norm is the
    /// square root of the sum of squares of all gradients (Pascanu et al. 2013; PyTorch's `clip_grad_norm_`).
    GlobalNorm(f64),
}

impl Clipping {
    /// Checks the bound.
    ///
    /// # Errors
    /// Unless it is greater than 0 and finite.
    pub fn check(&self) -> Result<()> {
        match *self {
            Clipping::Value(bound) => check_positive("clip_value", bound),
            Clipping::GlobalNorm(bound) => check_positive("clip_norm", bound),
        }
    }
}

/// Bounds the gradients in place.
///
/// ```
/// use chainrule::*;
/// let network = Network::builder(2).dense_without_bias(2, Activation::Identity).build()?;
/// let mut gradients = network.initialize_with::<f64>(Initialization::Constant(3.0), 0);
/// assert_eq!(gradients.norm(), 6.0);
/// clip(&mut gradients, Clipping::GlobalNorm(1.0));
/// assert!((gradients.norm() - 1.0).abs() < 1e-6);
/// clip(&mut gradients, Clipping::Value(0.25));
/// assert!(gradients.weight(1).iter().all(|g| g == 0.25));
/// # Ok::<(), chainrule::Error>(())
/// ```
#[inline(never)]
pub fn clip<T: Scalar>(gradients: &mut Gradients<T>, clipping: Clipping) {
    clip_on(&Threads::single(), gradients, clipping);
}

pub(crate) fn clip_on<T: Scalar>(threads: &Threads, gradients: &mut Gradients<T>, clipping: Clipping) {
    let (low, high, scale) = match clipping {
        Clipping::Value(bound) => (T::from_f64(-bound), T::from_f64(bound), T::one()),
        Clipping::GlobalNorm(bound) => {
            let scale = bound / (gradients.norm() + 1e-6);
            if scale >= 1.0 {
                return;
            }
            (T::neg_infinity(), T::infinity(), T::from_f64(scale))
        }
    };
    let g = gradients.as_mut_slice();
    for_each_part(threads, g.len(), [g, &mut [], &mut [], &mut []], |_, [g, ..]| {
        for value in g {
            let scaled = *value * scale;
            // Comparisons, since `max` and `min` would turn NaN into a bound.
            *value = if scaled < low {
                low
            } else if scaled > high {
                high
            } else {
                scaled
            };
        }
    });
}
