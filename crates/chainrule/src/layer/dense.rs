//! The dense layer: z = a W^T + b, a = sigma(z).

use serde::{Deserialize, Serialize};

use super::{Compute, Context, Describe, Stored};
use crate::activation::{Activation, softmax_jacobian, softmax_rows};
use crate::error::{Error, Result};
use crate::kernel::{Scalar, Threads, dense};
use crate::matrix::MatrixView;
use crate::parameters::{Gradients, TensorRequest};

/// A fully connected layer with its activation.
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

impl Describe for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn check(&self) -> Result<()> {
        if self.width == 0 {
            return Err(Error::Data("its width is 0; a layer has at least 1 neuron".to_owned()));
        }
        self.activation.check()
    }

    fn output_width(&self, _input_width: usize) -> usize {
        self.width
    }

    fn parameters(&self, input_width: usize) -> Vec<TensorRequest> {
        let (rows, columns) = (self.width, input_width);
        let mut tensors = vec![TensorRequest { name: "weight", rows, columns, is_vector: false }];
        if self.bias {
            tensors.push(TensorRequest { name: "bias", rows: 1, columns: rows, is_vector: true });
        }
        tensors
    }

    fn activation(&self) -> Activation {
        self.activation
    }

    fn forward_flops(&self, input_width: usize) -> u64 {
        2 * input_width as u64 * self.width as u64
    }
}

impl<T: Scalar> Compute<T> for Dense {
    /// z = a W^T + b, a = sigma(z).
    fn forward(
        &self,
        Context { threads, parameters, layer, .. }: Context<'_, T>,
        input: MatrixView<'_, T>,
        pre_activation: Option<&mut [T]>,
        activation: &mut [T],
    ) {
        let (weight, bias) = (parameters.weight(layer), parameters.bias(layer));
        dense::forward(threads, input, weight, bias, self.activation, pre_activation, activation);
        if self.activation == Activation::Softmax {
            softmax_rows(activation, self.width);
        }
    }

    /// delta = dLoss/da * sigma'(z); for softmax the product with its Jacobian.
    fn error_to_delta(&self, _: Context<'_, T>, stored: Stored<'_, T>, error: &mut [T]) {
        if self.activation == Activation::Softmax {
            let rows = stored.activation.chunks_exact(self.width);
            for (a, error) in rows.zip(error.chunks_exact_mut(self.width)) {
                softmax_jacobian(a, error);
            }
        }
        self.activation.multiply_by_derivative(stored.pre_activation, stored.activation, error);
    }

    /// dLoss/da(l-1) = delta(l) W(l).
    fn propagate(
        &self,
        Context { threads, parameters, layer, .. }: Context<'_, T>,
        delta: MatrixView<'_, T>,
        input_error: &mut [T],
    ) {
        dense::propagate(threads, delta, parameters.weight(layer), input_error);
    }

    /// dW = delta^T a(l-1), db = the column sums of delta.
    fn gradients(
        &self,
        threads: &Threads,
        layer: usize,
        delta: MatrixView<'_, T>,
        input: MatrixView<'_, T>,
        gradients: &mut Gradients<T>,
    ) {
        let (weight, bias) = gradients.weight_and_bias_mut(layer);
        dense::gradients(threads, delta, input, weight, bias);
    }
}
