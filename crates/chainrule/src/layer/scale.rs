//! Scale: one learned factor for each input, a(l) = a(l-1) * w, elementwise.
//!
//! In front of a network it learns how much each input counts, as for the columns of a table.

use serde::{Deserialize, Serialize};

use super::{Compute, Context, Formulas, GradientContext, Kind, Loops, LoopsContext, Signal};
use crate::initialization::Start;
use crate::kernel::Scalar;
use crate::kernel::gemm::Accumulate;
use crate::kernel::panels::{Blocks, Panels, Piece, panel_width};
use crate::kernel::vectorized::vectorized_loop;
use crate::matrix::Matrix;
use crate::parameters::TensorRequest;

/// A layer that multiplies each input by a factor of its own, which starts from 1.
///
/// ```
/// use chainrule::layer::Scale;
/// use chainrule::*;
/// let network = Network::builder(3).layer(Scale {}.into()).dense(2, Activation::Softmax).build()?;
/// let mut parameters = network.initialize::<f64>(1);
/// parameters.set(1, &Matrix::from_rows(&[[1.0, 2.0, -0.5]]), &[])?;
/// let inputs = Matrix::from_rows(&[[0.5, 1.5, 4.0]]);
/// let cache = forward(&network, &parameters, inputs.view(), Mode::Inference)?;
/// assert_eq!(cache.activation(1).row(0), [0.5, 3.0, -2.0]);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {}

impl Kind for Scale {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn tensors(&self, input_width: usize) -> Vec<TensorRequest> {
        vec![TensorRequest::vector("weight", input_width, Start::Constant(1.0))]
    }

    fn mixes_inputs(&self) -> bool {
        false
    }

    fn forward_flops(&self, input_width: usize) -> u64 {
        input_width as u64
    }

    fn formulas(&self) -> Formulas {
        Formulas {
            forward: "a(l) = a(l-1) * w(l), elementwise",
            backward: "dLoss/da(l-1) = dLoss/da(l) * w(l), elementwise",
            gradients: vec!["dw(l) = the column sums of dLoss/da(l) * a(l-1)"],
        }
    }
}

impl<T: Scalar> Compute<T> for Scale {
    /// z^T: row j of the input's transpose times w_j.
    fn pre_activation(&self, context: Context<'_, T>, input: Panels<'_, T>, pre_activation: &mut [T]) {
        let (weight, columns) = (context.tensors.vector(0).unwrap_or_default(), input.columns());
        vectorized_loop! {
            for T: from: &'a [T] = input.data(), to: &'a mut [T] = pre_activation, weight: &'a [T] = weight,
                columns: usize = columns;
            for start in (0..columns).step_by(panel_width::<T>()) {
                let width = panel_width::<T>().min(columns - start);
                let part = weight.len() * start..weight.len() * (start + width);
                let rows = from[part.clone()].chunks_exact(width).zip(to[part].chunks_exact_mut(width));
                for ((from, to), &w) in rows.zip(weight) {
                    for (to, &x) in to.iter_mut().zip(from) {
                        *to = x * w;
                    }
                }
            }
        }
    }

    /// dLoss/da(l-1): column j of delta times w_j.
    fn propagate(&self, context: Context<'_, T>, signal: Signal<'_, T>, input_error: &mut [T]) {
        let (weight, rows) = (context.tensors.vector(0).unwrap_or_default(), signal.delta.rows());
        vectorized_loop! {
            for T: from: &'a [T] = signal.delta.data(), to: &'a mut [T] = input_error, weight: &'a [T] = weight,
                rows: usize = rows;
            for (panel, weight) in weight.chunks(panel_width::<T>()).enumerate() {
                let start = panel * panel_width::<T>();
                let part = rows * start..rows * (start + weight.len());
                let (from, to) = (&from[part.clone()], &mut to[part]);
                for (from, to) in from.chunks_exact(weight.len()).zip(to.chunks_exact_mut(weight.len())) {
                    for ((to, &x), &w) in to.iter_mut().zip(from).zip(weight) {
                        *to = x * w;
                    }
                }
            }
        }
    }

    /// dw_j: the sum over samples of delta_j a_j, one chain of fused multiply-adds in the order of the samples.
    fn gradient(
        &self,
        _context: GradientContext<'_, T>,
        _piece: &Piece,
        delta: Blocks<'_, T>,
        input: Blocks<'_, T>,
        accumulate: Accumulate,
        gradient: &mut [T],
    ) {
        if accumulate == Accumulate::Replace {
            gradient.fill(T::zero());
        }
        for block in 0..delta.count() {
            let (delta, input) = (delta.get(block), input.get(block));
            vectorized_loop! {
                for T: delta: &'a [T] = delta.data(), input: &'a [T] = input.data(),
                    gradient: &'a mut [T] = &mut *gradient, rows: usize = delta.rows();
                for (panel, sums) in gradient.chunks_mut(panel_width::<T>()).enumerate() {
                    let (start, width) = (panel * panel_width::<T>(), sums.len());
                    let part = rows * start..rows * (start + width);
                    let (delta, input) = (&delta[part.clone()], &input[part]);
                    for (delta, input) in delta.chunks_exact(width).zip(input.chunks_exact(width)) {
                        for ((sum, &d), &x) in sums.iter_mut().zip(delta).zip(input) {
                            *sum = d.mul_add(x, *sum);
                        }
                    }
                }
            }
        }
    }
}

impl Loops for Scale {
    fn pre_activation(&self, context: &LoopsContext<'_>, input: &Matrix<f64>) -> Matrix<f64> {
        let mut z = input.clone();
        for i in 0..input.rows() {
            for j in 0..input.columns() {
                z[(i, j)] *= context.tensors[0][(0, j)];
            }
        }
        z
    }

    fn input_error(
        &self,
        context: &LoopsContext<'_>,
        _input: &Matrix<f64>,
        delta: &Matrix<f64>,
    ) -> Matrix<f64> {
        Loops::pre_activation(self, context, delta)
    }

    fn gradients(
        &self,
        _context: &LoopsContext<'_>,
        input: &Matrix<f64>,
        delta: &Matrix<f64>,
    ) -> Vec<Matrix<f64>> {
        let mut gradient = Matrix::zeros(1, input.columns());
        for i in 0..input.rows() {
            for j in 0..input.columns() {
                gradient[(0, j)] += delta[(i, j)] * input[(i, j)];
            }
        }
        vec![gradient]
    }
}
