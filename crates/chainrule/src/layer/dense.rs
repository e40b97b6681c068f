//! The dense layer: z = a W^T + b, a = sigma(z).

use serde::{Deserialize, Serialize};

use super::{Compute, Context, Formulas, GradientContext, Kind, Loops, LoopsContext, Signal};
use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::initialization::Start;
use crate::kernel::Scalar;
use crate::kernel::gemm::{Accumulate, column_product, column_sums, product, transposed_product};
use crate::kernel::panels::{Blocks, Panels, Piece};
use crate::matrix::Matrix;
use crate::parameters::TensorRequest;

/// A fully connected layer with its activation.
///
/// ```
/// use chainrule::layer::Dense;
/// use chainrule::*;
/// let dense = Dense { width: 2, activation: Activation::Relu, bias: false };
/// assert_eq!(Layer::from(dense.clone()).formulas().forward, "z(l) = a(l-1) W(l)^T");
/// let network = Network::builder(3).layer(dense.into()).dense(1, Activation::Identity).build()?;
/// assert_eq!(network.parameter_count(), 2 * 3 + 2 + 1);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// n_l, the number of outputs.
    pub width: usize,
    /// sigma.
    pub activation: Activation,
    /// Whether there is a b(l).
    #[serde(default = "yes")]
    pub bias: bool,
}

fn yes() -> bool {
    true
}

impl Kind for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn detail(&self) -> String {
        let bias = if self.bias { "" } else { ", no bias" };
        format!("{}{bias}", self.activation.name().replace('_', " "))
    }

    fn check(&self, _input_width: usize) -> Result<()> {
        if self.width == 0 {
            return Err(Error::Data("its width is 0; a layer has at least 1 neuron".to_owned()));
        }
        self.activation.check()
    }

    fn output_width(&self, _input_width: usize) -> usize {
        self.width
    }

    fn tensors(&self, input_width: usize) -> Vec<TensorRequest> {
        let mut tensors = vec![TensorRequest::matrix("weight", self.width, input_width, Start::Weight)];
        if self.bias {
            tensors.push(TensorRequest::vector("bias", self.width, Start::Bias));
        }
        tensors
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
    }

    fn can_be_last(&self) -> bool {
        true
    }

    fn forward_flops(&self, input_width: usize) -> u64 {
        2 * input_width as u64 * self.width as u64
    }

    fn formulas(&self) -> Formulas {
        let (weight, bias) = ("dW(l) = delta(l)^T a(l-1)", "db(l) = the column sums of delta(l)");
        Formulas {
            forward: if self.bias { "z(l) = a(l-1) W(l)^T + b(l)" } else { "z(l) = a(l-1) W(l)^T" },
            backward: "dLoss/da(l-1) = delta(l) W(l)",
            gradients: if self.bias { vec![weight, bias] } else { vec![weight] },
        }
    }

    fn operations(&self) -> (&'static str, &'static str) {
        ("affine", "carry_back")
    }
}

impl<T: Scalar> Compute<T> for Dense {
    /// z^T = b + W a^T.
    fn pre_activation(&self, context: Context<'_, T>, input: Panels<'_, T>, pre_activation: &mut [T]) {
        let (w, b) = (context.tensors.matrix(0), context.tensors.vector(1));
        match context.threads {
            Some(threads) if input.columns() == 1 => {
                column_product(threads, w, input.data(), b, pre_activation)
            }
            _ => product(w, input, b, pre_activation),
        }
    }

    /// a = sigma(z).
    fn activate(&self, values: &mut [T]) {
        if let Some(sigma) = self.activation.elementwise() {
            sigma.apply_in_place(values);
        }
    }

    /// delta = dLoss/da * sigma'(z).
    fn error_to_delta(&self, state: &mut [T], error: &mut [T]) {
        if let Some(sigma) = self.activation.elementwise() {
            sigma.turn_error_into_delta(state, error);
        }
    }

    /// dLoss/da(l-1) = delta(l) W(l).
    fn propagate(&self, context: Context<'_, T>, signal: Signal<'_, T>, input_error: &mut [T]) {
        product(signal.delta, context.tensors.matrix(0), None, input_error);
    }

    /// dW = delta^T a(l-1), db = the column sums of delta.
    fn gradient(
        &self,
        context: GradientContext<'_, T>,
        piece: &Piece,
        delta: Blocks<'_, T>,
        input: Blocks<'_, T>,
        accumulate: Accumulate,
        gradient: &mut [T],
    ) {
        match context.tensor {
            0 => transposed_product(delta, input, piece, accumulate, gradient),
            _ => column_sums(delta, accumulate, gradient),
        }
    }
}

impl Loops for Dense {
    fn pre_activation(&self, context: &LoopsContext<'_>, input: &Matrix<f64>) -> Matrix<f64> {
        let weight = &context.tensors[0];
        let mut z = Matrix::zeros(input.rows(), self.width);
        for i in 0..input.rows() {
            for j in 0..self.width {
                let mut sum = context.tensors.get(1).map_or(0.0, |bias| bias[(0, j)]);
                for k in 0..input.columns() {
                    sum += input[(i, k)] * weight[(j, k)];
                }
                z[(i, j)] = sum;
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
        let weight = &context.tensors[0];
        let mut error = Matrix::zeros(input.rows(), input.columns());
        for i in 0..input.rows() {
            for k in 0..input.columns() {
                error[(i, k)] = (0..self.width).map(|j| delta[(i, j)] * weight[(j, k)]).sum();
            }
        }
        error
    }

    fn gradients(
        &self,
        context: &LoopsContext<'_>,
        input: &Matrix<f64>,
        delta: &Matrix<f64>,
    ) -> Vec<Matrix<f64>> {
        let mut weight = Matrix::zeros(self.width, input.columns());
        let mut bias = Matrix::zeros(1, self.width);
        for j in 0..self.width {
            for i in 0..input.rows() {
                for k in 0..input.columns() {
                    weight[(j, k)] += delta[(i, j)] * input[(i, k)];
                }
                bias[(0, j)] += delta[(i, j)];
            }
        }
        [weight, bias].into_iter().take(context.tensors.len()).collect()
    }
}
