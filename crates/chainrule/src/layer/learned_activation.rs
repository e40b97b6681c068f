//! An activation that is learned: a(l) = x + w (sigma(x) - x), elementwise, x = a(l-1), with one w for each input.
//!
//! w = 0 passes the input on, w = 1 is sigma, and others lie between and beyond. The layer stands behind a dense one with the
//! identity, whose z it reads (Holzmueller, Grinsztajn and Steinwart 2024, "Better by default", call it parametric activation).

use serde::{Deserialize, Serialize};

use super::{Compute, Context, Formulas, GradientContext, Kind, Loops, LoopsContext, Signal};
use crate::activation::{Activation, Elementwise};
use crate::error::{Error, Result};
use crate::initialization::Start;
use crate::kernel::Scalar;
use crate::kernel::gemm::Accumulate;
use crate::kernel::panels::{Blocks, Panels, Piece, panel_width};
use crate::kernel::vectorized::vectorized_loop;
use crate::matrix::Matrix;
use crate::parameters::TensorRequest;

/// A layer that learns how much of an activation each input goes through; it begins with all of it, w = 1.
///
/// ```
/// use chainrule::layer::LearnedActivation;
/// use chainrule::*;
/// let layer = LearnedActivation { activation: Activation::Relu };
/// let network = Network::builder(3).layer(layer.into()).dense(1, Activation::Identity).build()?;
/// let mut parameters = network.initialize::<f64>(1);
/// parameters.set(1, &Matrix::from_rows(&[[1.0, 0.5, 0.0]]), &[])?;
/// let inputs = Matrix::from_rows(&[[-2.0, -2.0, -2.0]]);
/// let cache = forward(&network, &parameters, inputs.view(), Mode::Inference)?;
/// assert_eq!(cache.activation(1).row(0), [0.0, -1.0, -2.0]);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnedActivation {
    /// sigma; any but softmax.
    pub activation: Activation,
}

impl LearnedActivation {
    fn sigma(&self) -> Elementwise {
        self.activation.elementwise().expect("softmax was refused")
    }
}

impl Kind for LearnedActivation {
    fn name(&self) -> &'static str {
        "learned_activation"
    }

    fn detail(&self) -> String {
        self.activation.name().replace('_', " ")
    }

    fn check(&self, _input_width: usize) -> Result<()> {
        if self.activation.elementwise().is_none() {
            return Err(Error::Data(
                "softmax is a function of a whole row; any other activation can be learned".to_owned(),
            ));
        }
        self.activation.check()
    }

    fn tensors(&self, input_width: usize) -> Vec<TensorRequest> {
        vec![TensorRequest::vector("weight", input_width, Start::Constant(1.0))]
    }

    fn mixes_inputs(&self) -> bool {
        false
    }

    fn backward_reads_input(&self) -> bool {
        true
    }

    /// The difference, and the product with its sum; sigma itself is not counted, as in a dense layer.
    fn forward_flops(&self, input_width: usize) -> u64 {
        3 * input_width as u64
    }

    fn formulas(&self) -> Formulas {
        Formulas {
            forward: "a(l) = x + w(l) (sigma(x) - x), elementwise, x = a(l-1)",
            backward: "dLoss/da(l-1) = dLoss/da(l) (1 + w(l) (sigma'(x) - 1)), elementwise",
            gradients: vec!["dw(l) = the column sums of dLoss/da(l) (sigma(x) - x)"],
        }
    }
}

/// Numbers that are worked on at a time, in a thread's own memory.
const AT_A_TIME: usize = 512;

impl<T: Scalar> Compute<T> for LearnedActivation {
    /// Row j of the input's transpose, and w_j.
    fn pre_activation(&self, context: Context<'_, T>, input: Panels<'_, T>, pre_activation: &mut [T]) {
        let (weight, columns) = (context.tensors.vector(0).unwrap_or_default(), input.columns());
        pre_activation.copy_from_slice(input.data());
        self.sigma().apply_in_place(pre_activation);
        vectorized_loop! {
            for T: from: &'a [T] = input.data(), to: &'a mut [T] = pre_activation, weight: &'a [T] = weight,
                columns: usize = columns;
            for start in (0..columns).step_by(panel_width::<T>()) {
                let width = panel_width::<T>().min(columns - start);
                let part = weight.len() * start..weight.len() * (start + width);
                let rows = from[part.clone()].chunks_exact(width).zip(to[part].chunks_exact_mut(width));
                for ((from, to), &w) in rows.zip(weight) {
                    for (to, &x) in to.iter_mut().zip(from) {
                        *to = (*to - x).mul_add(w, x);
                    }
                }
            }
        }
    }

    fn propagate(&self, context: Context<'_, T>, signal: Signal<'_, T>, input_error: &mut [T]) {
        let input = signal.input.expect("this kind has asked for its input");
        let weight = context.tensors.vector(0).unwrap_or_default();
        let (sigma, from_activation) = (self.sigma(), self.activation.derivative_from_activation());
        let mut values = [T::zero(); AT_A_TIME];
        for (panel, weight) in weight.chunks(panel_width::<T>()).enumerate() {
            let start = panel * panel_width::<T>();
            let part = input.rows() * start..input.rows() * (start + weight.len());
            let length = AT_A_TIME / weight.len() * weight.len();
            let (delta, input) = (&signal.delta.data()[part.clone()], &input.data()[part.clone()]);
            let chunks =
                delta.chunks(length).zip(input.chunks(length)).zip(input_error[part].chunks_mut(length));
            for ((delta, input), to) in chunks {
                let values = &mut values[..input.len()];
                values.copy_from_slice(input);
                to.fill(T::one());
                if from_activation {
                    sigma.apply_in_place(values);
                }
                // Now `to` is sigma'.
                sigma.turn_error_into_delta(values, to);
                vectorized_loop! {
                    for T: delta: &'a [T] = delta, to: &'a mut [T] = to, weight: &'a [T] = weight;
                    for (delta, to) in delta.chunks_exact(weight.len()).zip(to.chunks_exact_mut(weight.len())) {
                        for ((to, &d), &w) in to.iter_mut().zip(delta).zip(weight) {
                            *to = d * (*to - T::one()).mul_add(w, T::one());
                        }
                    }
                }
            }
        }
    }

    /// dw_j: one chain of fused multiply-adds in the order of the samples.
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
        let sigma = self.sigma();
        let mut values = [T::zero(); AT_A_TIME];
        for block in 0..delta.count() {
            let (delta, input) = (delta.get(block), input.get(block));
            for (panel, sums) in gradient.chunks_mut(panel_width::<T>()).enumerate() {
                let (start, width) = (panel * panel_width::<T>(), sums.len());
                let part = delta.rows() * start..delta.rows() * (start + width);
                let length = AT_A_TIME / width * width;
                let (delta, input) = (&delta.data()[part.clone()], &input.data()[part]);
                for (delta, input) in delta.chunks(length).zip(input.chunks(length)) {
                    let values = &mut values[..input.len()];
                    values.copy_from_slice(input);
                    sigma.apply_in_place(values);
                    vectorized_loop! {
                        for T: delta: &'a [T] = delta, input: &'a [T] = input, values: &'a [T] = values,
                            sums: &'a mut [T] = &mut *sums;
                        {
                            let width = sums.len();
                            let rows = delta.chunks_exact(width).zip(input.chunks_exact(width));
                            for ((delta, input), values) in rows.zip(values.chunks_exact(width)) {
                                let numbers = sums.iter_mut().zip(delta).zip(input.iter().zip(values));
                                for ((sum, &d), (&x, &a)) in numbers {
                                    *sum = d.mul_add(a - x, *sum);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

impl Loops for LearnedActivation {
    fn pre_activation(&self, context: &LoopsContext<'_>, input: &Matrix<f64>) -> Matrix<f64> {
        let mut z = input.clone();
        for i in 0..input.rows() {
            for j in 0..input.columns() {
                let (x, w) = (input[(i, j)], context.tensors[0][(0, j)]);
                z[(i, j)] = (1.0 - w) * x + w * self.sigma().value(x);
            }
        }
        z
    }

    fn input_error(
        &self,
        context: &LoopsContext<'_>,
        input: &Matrix<f64>,
        delta: &Matrix<f64>,
    ) -> Matrix<f64> {
        let mut error = delta.clone();
        for i in 0..input.rows() {
            for j in 0..input.columns() {
                let (x, w) = (input[(i, j)], context.tensors[0][(0, j)]);
                error[(i, j)] *= 1.0 - w + w * self.sigma().derivative(x, self.sigma().value(x));
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
        let mut gradient = Matrix::zeros(1, input.columns());
        for i in 0..input.rows() {
            for j in 0..input.columns() {
                let x = input[(i, j)];
                gradient[(0, j)] += delta[(i, j)] * (self.sigma().value(x) - x);
            }
        }
        vec![gradient]
    }
}
