//! Dropout (Srivastava et al. 2014), inverted: while training each input is zeroed with probability
//! `rate` and the others are divided by 1 - rate; otherwise the layer passes its input on.
//!
//! The mask is never stored. It is a function of (seed, step, layer, sample), drawn again where it is needed.

use serde::{Deserialize, Serialize};

use super::{Compute, Context, Formulas, Kind, Loops, LoopsContext, Signal};
use crate::error::{Result, require};
use crate::kernel::Scalar;
use crate::kernel::panels::Panels;
use crate::matrix::Matrix;
use crate::mode::Mode;
use crate::random::{Purpose, Stream};

/// A layer that zeroes inputs at random while training.
///
/// ```
/// use chainrule::layer::Dropout;
/// use chainrule::*;
/// let network = Network::builder(100).layer(Dropout { rate: 0.25 }.into()).dense(1, Activation::Identity).build()?;
/// let (parameters, ones) = (network.zeros::<f64>(), Matrix::from_rows(&[[1.0; 100]]));
/// let kept = |mode| -> Result<usize> {
///     let cache = forward(&network, &parameters, ones.view(), mode)?;
///     // What is kept is larger, so that the mean stays.
///     Ok(cache.activation(1).row(0).iter().filter(|a| (**a - 1.0 / 0.75).abs() < 1e-15).count())
/// };
/// assert!((60..90).contains(&kept(Mode::Training { seed: 1, step: 0 })?));
/// assert_eq!(kept(Mode::Inference)?, 0, "all are 1");
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// The probability that an input is zeroed; at least 0 and less than 1.
    pub rate: f64,
}

impl Dropout {
    /// One element of the mask: 0, or 1 / (1 - rate); 1 outside training.
    fn mask(&self, mode: Mode, layer: usize, sample: usize, column: usize) -> f64 {
        let Mode::Training { seed, step } = mode else { return 1.0 };
        let stream = Stream::new(seed, Purpose::Dropout, layer, step, sample);
        let word = stream.block(column as u32 / 4)[column % 4];
        if f64::from(word) < (self.rate * 2f64.powi(32)).round() { 0.0 } else { 1.0 / (1.0 - self.rate) }
    }

    /// Multiplies the values of each row by its mask; row 0 is the context's first sample. `place(i, k)` tells where column
    /// k of row i lies, and how far from it the next three are, if k is a multiple of four.
    fn apply_mask<T: Scalar>(
        &self,
        context: Context<'_, T>,
        (rows, width): (usize, usize),
        place: impl Fn(usize, usize) -> (usize, usize),
        values: &mut [T],
    ) {
        let Context { mode, layer, first_sample, .. } = context;
        let Mode::Training { seed, step } = mode else { return };
        let keep = T::from_f64(1.0 / (1.0 - self.rate));
        // A word below the threshold drops; 2^32 rate, rounded.
        let threshold = (self.rate * 2f64.powi(32)).round() as u64;
        for row in 0..rows {
            let stream = Stream::new(seed, Purpose::Dropout, layer, step, first_sample + row);
            for column in (0..width).step_by(4) {
                let (first, distance) = place(row, column);
                let words = stream.block(column as u32 / 4);
                for (i, word) in words.into_iter().enumerate().take(width - column) {
                    let factor = if u64::from(word) < threshold { T::zero() } else { keep };
                    values[first + i * distance] *= factor;
                }
            }
        }
    }
}

impl Kind for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn detail(&self) -> String {
        format!("rate {}", self.rate)
    }

    fn check(&self) -> Result<()> {
        require((0.0..1.0).contains(&self.rate), "rate", self.rate, "must be at least 0 and less than 1")
    }

    fn is_for_training_only(&self) -> bool {
        true
    }

    fn mixes_inputs(&self) -> bool {
        false
    }

    fn forward_flops(&self, _input_width: usize) -> u64 {
        0
    }

    fn formulas(&self) -> Formulas {
        Formulas {
            forward: "a(l) = mask * a(l-1), each element of the mask 0 or 1 / (1 - rate)",
            backward: "dLoss/da(l-1) = mask * dLoss/da(l)",
            gradients: Vec::new(),
        }
    }
}

impl<T: Scalar> Compute<T> for Dropout {
    /// z = mask * input.
    fn pre_activation(&self, context: Context<'_, T>, input: Panels<'_, T>, pre_activation: &mut [T]) {
        pre_activation.copy_from_slice(input.data());
        let place = |sample: usize, neuron: usize| {
            let (first, distance) = input.column(sample);
            (first + neuron * distance, distance)
        };
        self.apply_mask(context, (input.columns(), input.rows()), place, pre_activation);
    }

    /// dLoss/dinput = mask * delta.
    fn propagate(&self, context: Context<'_, T>, signal: Signal<'_, T>, input_error: &mut [T]) {
        let delta = signal.delta;
        input_error.copy_from_slice(delta.data());
        let place = |sample: usize, neuron: usize| {
            let (first, distance) = delta.column(neuron);
            (first + sample * distance, 1)
        };
        self.apply_mask(context, (delta.rows(), delta.columns()), place, input_error);
    }
}

impl Dropout {
    /// Each number times its element of the mask.
    fn masked(&self, context: &LoopsContext<'_>, values: &Matrix<f64>) -> Matrix<f64> {
        let mut masked = values.clone();
        for i in 0..values.rows() {
            for k in 0..values.columns() {
                masked[(i, k)] *= self.mask(context.mode, context.layer, i, k);
            }
        }
        masked
    }
}

impl Loops for Dropout {
    fn pre_activation(&self, context: &LoopsContext<'_>, input: &Matrix<f64>) -> Matrix<f64> {
        self.masked(context, input)
    }

    fn input_error(&self, context: &LoopsContext<'_>, _: &Matrix<f64>, delta: &Matrix<f64>) -> Matrix<f64> {
        self.masked(context, delta)
    }
}
