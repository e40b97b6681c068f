//! Layer normalization (Ba, Kiros, Hinton 2016): each sample's inputs with mean 0 and variance 1, then times learned factors,
//! plus learned numbers.
//!
//! It looks at one sample at a time. Batch normalization, which takes mean and variance over the samples of a batch, is not
//! here: it ties the samples together, and then a sample's output depends on the batch it came in.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Compute, Context, Formulas, GradientContext, Kind, Loops, LoopsContext, Signal};
use crate::error::{Result, require};
use crate::initialization::Start;
use crate::kernel::Scalar;
use crate::kernel::gemm::{Accumulate, column_sums};
use crate::kernel::panels::{Blocks, Panels, Piece, panel_width};
use crate::kernel::vectorized::vectorized_loop;
use crate::matrix::Matrix;
use crate::parameters::TensorRequest;

/// Layer normalization over all inputs of a sample, PyTorch's `LayerNorm`.
///
/// ```
/// use chainrule::layer::LayerNorm;
/// use chainrule::*;
/// let network = Network::builder(3).layer(LayerNorm::default().into()).dense(1, Activation::Identity).build()?;
/// let inputs = Matrix::from_rows(&[[1.0, 2.0, 3.0]]);
/// let cache = forward(&network, &network.initialize::<f64>(1), inputs.view(), Mode::Inference)?;
/// // The variance is 2/3.
/// let expected = 1.0 / (2.0f64 / 3.0 + 1e-5).sqrt();
/// assert!((cache.activation(1)[(0, 2)] - expected).abs() < 1e-15);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LayerNorm {
    /// Added to the variance, so that nothing is divided by 0; greater than 0, default 1e-5.
    pub epsilon: f64,
}

impl Default for LayerNorm {
    fn default() -> Self {
        LayerNorm { epsilon: 1e-5 }
    }
}

impl Kind for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn detail(&self) -> String {
        format!("epsilon {}", self.epsilon)
    }

    fn check(&self, _input_width: usize) -> Result<()> {
        let holds = self.epsilon > 0.0 && self.epsilon.is_finite();
        require(holds, "epsilon", self.epsilon, "must be greater than 0 and finite")
    }

    fn tensors(&self, input_width: usize) -> Vec<TensorRequest> {
        vec![
            TensorRequest::vector("weight", input_width, Start::Constant(1.0)),
            TensorRequest::vector("bias", input_width, Start::Constant(0.0)),
        ]
    }

    fn backward_reads_input(&self) -> bool {
        true
    }

    /// Two sums, the division and what is learned.
    fn forward_flops(&self, input_width: usize) -> u64 {
        8 * input_width as u64
    }

    fn formulas(&self) -> Formulas {
        Formulas {
            forward: "a(l) = x w(l) + b(l), x = (a(l-1) - mean) / sqrt(variance + epsilon), over each sample's inputs",
            backward: "dLoss/da(l-1) = (u - mean(u) - x mean(u x)) / sqrt(variance + epsilon), u = dLoss/da(l) w(l)",
            gradients: vec![
                "dw(l) = the column sums of dLoss/da(l) x",
                "db(l) = the column sums of dLoss/da(l)",
            ],
        }
    }
}

/// Numbers of the widest panel.
const PANEL: usize = panel_width::<f32>();

/// Rows whose sums run side by side where neurons are columns: each sum is a chain, and so many hide its latency.
const GROUP: usize = 8;

/// 1 / sqrt(variance + epsilon), where `squares` is the sum of squared distances to the mean.
#[inline(always)]
fn inverse_deviation<T: Scalar>(squares: T, count: T, epsilon: T) -> T {
    T::one() / (squares / count + epsilon).sqrt()
}

/// Calls `body(row in the group, column, place in the data)` for some rows of a matrix [rows, columns] in panels, column by
/// column.
#[inline(always)]
fn for_each_number<T>(
    (rows, columns): (usize, usize),
    group: Range<usize>,
    mut body: impl FnMut(usize, usize, usize),
) {
    for start in (0..columns).step_by(panel_width::<T>()) {
        let width = panel_width::<T>().min(columns - start);
        for column in 0..width {
            for (r, row) in group.clone().enumerate() {
                body(r, start + column, rows * start + row * width + column);
            }
        }
    }
}

/// Mean and 1 / sqrt(variance + epsilon) of each row of a group. The sums are chains in the order of the columns, as where
/// samples are columns.
#[inline(always)]
fn moments<T: Scalar>(
    data: &[T],
    shape: (usize, usize),
    group: Range<usize>,
    epsilon: T,
) -> ([T; GROUP], [T; GROUP]) {
    let count = T::from_f64(shape.1 as f64);
    let mut means = [T::zero(); GROUP];
    for_each_number::<T>(shape, group.clone(), |r, _, place| means[r] += data[place]);
    let means = means.map(|sum| sum / count);
    let mut squares = [T::zero(); GROUP];
    for_each_number::<T>(shape, group, |r, _, place| {
        let distance = data[place] - means[r];
        squares[r] = distance.mul_add(distance, squares[r]);
    });
    (means, squares.map(|squares| inverse_deviation(squares, count, epsilon)))
}

/// The groups of `rows` rows.
fn groups(rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows).step_by(GROUP).map(move |first| first..rows.min(first + GROUP))
}

impl<T: Scalar> Compute<T> for LayerNorm {
    fn pre_activation(&self, context: Context<'_, T>, input: Panels<'_, T>, pre_activation: &mut [T]) {
        let weight = context.tensors.vector(0).unwrap_or_default();
        let bias = context.tensors.vector(1).unwrap_or_default();
        vectorized_loop! {
            for T: from: &'a [T] = input.data(), to: &'a mut [T] = pre_activation, weight: &'a [T] = weight,
                bias: &'a [T] = bias, samples: usize = input.columns(), epsilon: T = T::from_f64(self.epsilon);
            for start in (0..samples).step_by(panel_width::<T>()) {
                let width = panel_width::<T>().min(samples - start);
                let part = weight.len() * start..weight.len() * (start + width);
                let (from, to) = (&from[part.clone()], &mut to[part]);
                let count = T::from_f64(weight.len() as f64);
                let mut means = [T::zero(); PANEL];
                for row in from.chunks_exact(width) {
                    for (sum, &x) in means.iter_mut().zip(row) {
                        *sum += x;
                    }
                }
                let means = means.map(|sum| sum / count);
                let mut squares = [T::zero(); PANEL];
                for row in from.chunks_exact(width) {
                    for ((sum, &x), &mean) in squares.iter_mut().zip(row).zip(&means) {
                        *sum = (x - mean).mul_add(x - mean, *sum);
                    }
                }
                let inverse = squares.map(|squares| inverse_deviation(squares, count, epsilon));
                let rows = from.chunks_exact(width).zip(to.chunks_exact_mut(width));
                for ((from, to), (&w, &b)) in rows.zip(weight.iter().zip(bias)) {
                    for ((to, &x), (&mean, &inverse)) in to.iter_mut().zip(from).zip(means.iter().zip(&inverse)) {
                        *to = ((x - mean) * inverse).mul_add(w, b);
                    }
                }
            }
        }
    }

    fn propagate(&self, context: Context<'_, T>, signal: Signal<'_, T>, input_error: &mut [T]) {
        let input = signal.input.expect("this kind has asked for its input");
        vectorized_loop! {
            for T: delta: &'a [T] = signal.delta.data(), input: Panels<'a, T> = input, to: &'a mut [T] = input_error,
                weight: &'a [T] = context.tensors.vector(0).unwrap_or_default(), epsilon: T = T::from_f64(self.epsilon);
            for group in groups(input.rows()) {
                let (shape, input) = ((input.rows(), weight.len()), input.data());
                let count = T::from_f64(weight.len() as f64);
                let (means, inverse) = moments(input, shape, group.clone(), epsilon);
                let (mut errors, mut products) = ([T::zero(); GROUP], [T::zero(); GROUP]);
                for_each_number::<T>(shape, group.clone(), |r, column, place| {
                    let (u, x) = (delta[place] * weight[column], (input[place] - means[r]) * inverse[r]);
                    errors[r] += u;
                    products[r] = u.mul_add(x, products[r]);
                });
                let [errors, products] = [errors, products].map(|sums| sums.map(|sum| sum / count));
                for_each_number::<T>(shape, group, |r, column, place| {
                    let (u, x) = (delta[place] * weight[column], (input[place] - means[r]) * inverse[r]);
                    to[place] = (u - errors[r] - x * products[r]) * inverse[r];
                });
            }
        }
    }

    /// dw_j is one chain of fused multiply-adds in the order of the samples.
    fn gradient(
        &self,
        context: GradientContext<'_, T>,
        _piece: &Piece,
        delta: Blocks<'_, T>,
        input: Blocks<'_, T>,
        accumulate: Accumulate,
        gradient: &mut [T],
    ) {
        if context.tensor == 1 {
            return column_sums(delta, accumulate, gradient);
        }
        if accumulate == Accumulate::Replace {
            gradient.fill(T::zero());
        }
        for block in 0..delta.count() {
            vectorized_loop! {
                for T: delta: Panels<'a, T> = delta.get(block), input: Panels<'a, T> = input.get(block),
                    gradient: &'a mut [T] = &mut *gradient, epsilon: T = T::from_f64(self.epsilon);
                for group in groups(input.rows()) {
                    let (shape, input, delta) = ((input.rows(), gradient.len()), input.data(), delta.data());
                    let (means, inverse) = moments(input, shape, group.clone(), epsilon);
                    for_each_number::<T>(shape, group, |r, column, place| {
                        let x = (input[place] - means[r]) * inverse[r];
                        gradient[column] = delta[place].mul_add(x, gradient[column]);
                    });
                }
            }
        }
    }
}

impl LayerNorm {
    /// One sample's x, and sqrt(variance + epsilon).
    fn normalized(&self, inputs: &[f64]) -> (Vec<f64>, f64) {
        let n = inputs.len() as f64;
        let mean = inputs.iter().sum::<f64>() / n;
        let variance = inputs.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / n;
        let deviation = (variance + self.epsilon).sqrt();
        (inputs.iter().map(|a| (a - mean) / deviation).collect(), deviation)
    }
}

impl Loops for LayerNorm {
    fn pre_activation(&self, context: &LoopsContext<'_>, input: &Matrix<f64>) -> Matrix<f64> {
        let mut z = Matrix::zeros(input.rows(), input.columns());
        for i in 0..input.rows() {
            let (x, _) = self.normalized(input.row(i));
            for j in 0..input.columns() {
                z[(i, j)] = x[j] * context.tensors[0][(0, j)] + context.tensors[1][(0, j)];
            }
        }
        z
    }

    /// The whole matrix of derivatives: dx_k/da_j = ([j = k] - 1/n - x_j x_k / n) / deviation.
    fn input_error(
        &self,
        context: &LoopsContext<'_>,
        input: &Matrix<f64>,
        delta: &Matrix<f64>,
    ) -> Matrix<f64> {
        let n = input.columns();
        let mut error = Matrix::zeros(input.rows(), n);
        for i in 0..input.rows() {
            let (x, deviation) = self.normalized(input.row(i));
            for j in 0..n {
                for k in 0..n {
                    let same = f64::from(u8::from(j == k));
                    let derivative = (same - 1.0 / n as f64 - x[j] * x[k] / n as f64) / deviation;
                    error[(i, j)] += delta[(i, k)] * context.tensors[0][(0, k)] * derivative;
                }
            }
        }
        error
    }

    fn gradients(
        &self,
        _context: &LoopsContext<'_>,
        input: &Matrix<f64>,
        delta: &Matrix<f64>,
    ) -> Vec<Matrix<f64>> {
        let (mut weight, mut bias) = (Matrix::zeros(1, input.columns()), Matrix::zeros(1, input.columns()));
        for i in 0..input.rows() {
            let (x, _) = self.normalized(input.row(i));
            for j in 0..input.columns() {
                weight[(0, j)] += delta[(i, j)] * x[j];
                bias[(0, j)] += delta[(i, j)];
            }
        }
        vec![weight, bias]
    }
}
