//! Dropout (Srivastava et al. 2014), inverted: while training each input is zeroed with probability
//! `rate` and the others are divided by 1 - rate; otherwise the layer passes its input on.
//!
//! The mask is never stored. It is a function of (seed, step, layer, sample), drawn again where it is needed.

use serde::{Deserialize, Serialize};

use super::{Compute, Context, Formulas, Kind, Loops, LoopsContext, Signal};
use crate::error::{Result, require};
use crate::kernel::Scalar;
use crate::kernel::panels::{Panels, panel_width};
use crate::kernel::vectorized::vectorized_loop;
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

    /// to = mask * from, where `mask` does it for masks that drop something.
    fn apply<T: Scalar>(&self, context: Context<'_, T>, from: Panels<'_, T>, to: &mut [T], mask: MaskOf<T>) {
        let Context { mode: Mode::Training { seed, step }, layer, first_sample, .. } = context else {
            return to.copy_from_slice(from.data());
        };
        let keep = T::from_f64(1.0 / (1.0 - self.rate));
        // 2^32 rate, rounded: so many words drop.
        match ((self.rate * 2f64.powi(32)).round() as u64).checked_sub(1) {
            Some(last) => {
                let first = Stream::new(seed, Purpose::Dropout, layer, step, first_sample);
                mask(from, first, (last as u32, keep), to);
            }
            None => to.iter_mut().zip(from.data()).for_each(|(to, from)| *to = *from * keep),
        }
    }
}

/// to = mask * from: the matrix from, the stream of its first sample, the last word that drops and the factor of what is kept,
/// and to.
type MaskOf<T> = fn(Panels<'_, T>, Stream, (u32, T), &mut [T]);

/// Samples, or neurons, whose words are drawn at a time.
const AT_A_TIME: usize = 32;

/// Rows of numbers, each times its element of the mask, by the rows of words that were drawn for them.
fn masked<T: Scalar>(from: &[T], to: &mut [T], width: usize, words: &[[u32; 32]], rule: (u32, T)) {
    vectorized_loop! {
        for T: from: &'a [T] = from, to: &'a mut [T] = to, width: usize = width, words: &'a [[u32; 32]] = words,
            rule: (u32, T) = rule;
        for ((from, to), words) in from.chunks_exact(width).zip(to.chunks_exact_mut(width)).zip(words) {
            for ((to, from), word) in to.iter_mut().zip(from).zip(words) {
                *to = *from * if *word <= rule.0 { T::zero() } else { rule.1 };
            }
        }
    }
}

/// to = mask * from, for a matrix [neurons, samples] in panels, whose first sample has the stream `first`.
fn mask_columns<T: Scalar>(from: Panels<'_, T>, first: Stream, rule: (u32, T), to: &mut [T]) {
    for start in (0..from.columns()).step_by(panel_width::<T>()) {
        let width = panel_width::<T>().min(from.columns() - start);
        let panel = from.rows() * start..from.rows() * (start + width);
        let (stream, length) = (first.of_sample_after(start), AT_A_TIME * width);
        // Four neurons have a block of words for each sample.
        let mut words = [[[0; 32]; 4]; AT_A_TIME / 4];
        let some = from.data()[panel.clone()].chunks(length).zip(to[panel].chunks_mut(length));
        for (index, (from, to)) in some.enumerate() {
            let words = &mut words[..(from.len() / width).div_ceil(4)];
            stream.blocks_of_samples((index * AT_A_TIME / 4) as u32, width, words);
            masked(from, to, width, words.as_flattened(), rule);
        }
    }
}

/// to = mask * from, for a matrix [samples, neurons] in panels, whose first sample has the stream `first`.
fn mask_rows<T: Scalar>(from: Panels<'_, T>, first: Stream, rule: (u32, T), to: &mut [T]) {
    for start in (0..from.columns()).step_by(panel_width::<T>()) {
        let width = panel_width::<T>().min(from.columns() - start);
        let panel = from.rows() * start..from.rows() * (start + width);
        let length = AT_A_TIME * width;
        let some = from.data()[panel.clone()].chunks(length).zip(to[panel].chunks_mut(length));
        let mut words = [[0; 32]; AT_A_TIME];
        for (index, (from, to)) in some.enumerate() {
            let words = &mut words[..from.len() / width];
            first.of_sample_after(index * AT_A_TIME).rows(start as u32 / 4, words);
            masked(from, to, width, words, rule);
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

    fn check(&self, _input_width: usize) -> Result<()> {
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
        self.apply(context, input, pre_activation, mask_columns);
    }

    /// dLoss/dinput = mask * delta.
    fn propagate(&self, context: Context<'_, T>, signal: Signal<'_, T>, input_error: &mut [T]) {
        self.apply(context, signal.delta, input_error, mask_rows);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::panels::{from_rows, place};
    use crate::kernel::rows::Rows;
    use crate::layer::LayerTensors;
    use crate::{Activation, Network};

    fn masks_are_those_of_single_elements<T: Scalar>() {
        let network = Network::builder(1).dense(1, Activation::Identity).build().unwrap();
        let parameters = network.zeros::<T>();
        // The least rate that drops a word, one that drops none, and some in between.
        for rate in [0.0, 1e-12, 2f64.powi(-32), 0.1, 0.5, 0.875, 1.0 - 1e-12] {
            for (rows, columns) in [(1, 1), (3, 5), (8, 4), (9, 31), (16, 32), (33, 33), (40, 64), (70, 100)]
            {
                let dropout: &dyn Compute<T> = &Dropout { rate };
                let mode = Mode::Training { seed: 0x0123_4567_89ab, step: 4 };
                let context = Context {
                    tensors: LayerTensors::of(parameters.view(), 1),
                    layer: 2,
                    mode,
                    first_sample: 3,
                    threads: None,
                };
                let value = |i: usize, j: usize| T::from_f64((i * columns + j) as f64 - 7.5);
                let numbers: Vec<T> = (0..rows * columns).map(|n| value(n / columns, n % columns)).collect();
                let mut panels = vec![T::zero(); numbers.len()];
                from_rows(Rows::new(&numbers, rows, columns), &mut panels);
                let panels = Panels::new(&panels, rows, columns);
                let (mut forward, mut backward) =
                    (vec![T::nan(); numbers.len()], vec![T::nan(); numbers.len()]);
                dropout.pre_activation(context, panels, &mut forward);
                dropout.propagate(context, Signal { delta: panels, input: None }, &mut backward);
                for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
                    let expected = |sample: usize, column: usize| {
                        value(i, j) * T::from_f64(Dropout { rate }.mask(mode, 2, 3 + sample, column))
                    };
                    let at = place::<T>((rows, columns), i, j);
                    let shape = (rate, rows, columns, i, j);
                    assert_eq!(
                        forward[at].as_f64().to_bits(),
                        expected(j, i).as_f64().to_bits(),
                        "{shape:?}"
                    );
                    assert_eq!(
                        backward[at].as_f64().to_bits(),
                        expected(i, j).as_f64().to_bits(),
                        "{shape:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn masks_in_vectors_are_those_of_single_elements() {
        masks_are_those_of_single_elements::<f32>();
        masks_are_those_of_single_elements::<f64>();
    }
}
