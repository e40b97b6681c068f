//! The dense layer: z = a W^T + b, a = sigma(z).

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Compute, Context, Describe};
use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::kernel::gemm::{Accumulate, backward_product, column_sums, forward_product, transposed_product};
use crate::kernel::panels::{Blocks, Panels};
use crate::parameters::TensorRequest;

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
    /// z^T = b + W a^T.
    fn pre_activation(
        &self,
        Context { weights, .. }: Context<'_, T>,
        input: Panels<'_, T>,
        pre_activation: &mut [T],
    ) {
        let weight = weights.weight.expect("a dense layer has a weight");
        forward_product(weight.into(), input, weights.bias, pre_activation);
    }

    /// a = sigma(z).
    fn activate(&self, values: &mut [T]) {
        self.activation.apply_in_place(values);
    }

    /// delta = dLoss/da * sigma'(z).
    fn error_to_delta(&self, state: &mut [T], error: &mut [T]) {
        self.activation.turn_error_into_delta(state, error);
    }

    /// dLoss/da(l-1) = delta(l) W(l).
    fn propagate(
        &self,
        Context { weights, .. }: Context<'_, T>,
        delta: Panels<'_, T>,
        input_error: &mut [T],
    ) {
        let weight = weights.weight.expect("a dense layer has a weight");
        backward_product(delta, weight.into(), input_error);
    }

    /// dW = delta^T a(l-1), db = the column sums of delta.
    fn gradient(
        &self,
        tensor: usize,
        part: Range<usize>,
        delta: Blocks<'_, T>,
        input: Blocks<'_, T>,
        accumulate: Accumulate,
        gradient: &mut [T],
    ) {
        match tensor {
            0 => transposed_product(delta, input, part, accumulate, gradient),
            _ => column_sums(delta, accumulate, gradient),
        }
    }
}
