//! The kinds of layers, one file each.
//!
//! A new kind is a new file that implements `Describe` and `Compute`, and one line in the list below.

mod dense;
mod dropout;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use dense::Dense;
pub use dropout::Dropout;

use crate::activation::Activation;
use crate::error::Result;
use crate::kernel::Scalar;
use crate::kernel::gemm::Accumulate;
use crate::kernel::panels::{Blocks, Panels};
use crate::matrix::MatrixView;
use crate::mode::Mode;
use crate::parameters::{Parameters, TensorRequest};

macro_rules! layer_kinds {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// One layer of a network.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Layer {
            $($(#[$doc])* $kind($kind),)*
        }

        impl Layer {
            pub(crate) fn describe(&self) -> &dyn Describe {
                match self { $(Layer::$kind(layer) => layer,)* }
            }

            pub(crate) fn compute<T: Scalar>(&self) -> &dyn Compute<T> {
                match self { $(Layer::$kind(layer) => layer,)* }
            }
        }
    };
}

layer_kinds! {
    /// z = a W^T + b, a = sigma(z).
    Dense,
    /// Zeroes each input with a probability while training.
    Dropout,
}

impl Layer {
    /// The kind's name in model files.
    pub fn name(&self) -> &'static str {
        self.describe().name()
    }

    /// The width of the output for inputs of width `input_width`.
    pub fn output_width(&self, input_width: usize) -> usize {
        self.describe().output_width(input_width)
    }

    /// FLOPs of the forward pass for one sample.
    pub fn forward_flops(&self, input_width: usize) -> u64 {
        self.describe().forward_flops(input_width)
    }
}

/// What a kind of layer is: its shapes and its costs.
pub(crate) trait Describe {
    /// The kind's name in model files.
    fn name(&self) -> &'static str;

    /// Checks the layer's own hyperparameters.
    fn check(&self) -> Result<()>;

    /// The width of the output.
    fn output_width(&self, input_width: usize) -> usize;

    /// The tensors of parameters: the weight first, then a bias.
    fn parameters(&self, input_width: usize) -> Vec<TensorRequest>;

    /// sigma: what turns the layer's z into its a. Identity where a kind has no z of its own.
    fn activation(&self) -> Activation;

    /// FLOPs of the forward pass for one sample.
    fn forward_flops(&self, input_width: usize) -> u64;
}

/// What a layer sees of the step it takes part in, for some rows of the batch.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a, T> {
    pub(crate) weights: LayerWeights<'a, T>,
    /// The layer's number, from 1.
    pub(crate) layer: usize,
    pub(crate) mode: Mode,
    /// The batch's sample that the first row is.
    pub(crate) first_sample: usize,
}

/// A layer's parameters. Empty where a layer has none.
#[derive(Clone, Copy)]
pub(crate) struct LayerWeights<'a, T> {
    /// W, [n_out, n_in].
    pub(crate) weight: Option<MatrixView<'a, T>>,
    pub(crate) bias: Option<&'a [T]>,
}

impl<'a, T: Scalar> LayerWeights<'a, T> {
    /// Those of layer `l`.
    pub(crate) fn of(parameters: &'a Parameters<T>, l: usize) -> Self {
        LayerWeights { weight: parameters.weight_of(l), bias: parameters.bias(l) }
    }
}

/// What a kind of layer computes. All buffers are in panels, made by the caller: those of the forward pass have
/// samples as columns, [width, rows]; the others neurons, [rows, width].
pub(crate) trait Compute<T: Scalar> {
    /// Step 1, first half: z^T from the input's transpose.
    fn pre_activation(&self, context: Context<'_, T>, input: Panels<'_, T>, pre_activation: &mut [T]);

    /// Step 1, second half: turns z into a = sigma(z), in place, in any layout. The last layer goes without: its
    /// activation needs whole rows.
    fn activate(&self, values: &mut [T]);

    /// Step 3, second half: turns dLoss/da of this layer into its delta = dLoss/da * sigma'(z), and the layer's state
    /// into its a, in place, in any layout.
    fn error_to_delta(&self, state: &mut [T], error: &mut [T]);

    /// Step 3, first half: dLoss/da of the layer before, from this layer's delta.
    fn propagate(&self, context: Context<'_, T>, delta: Panels<'_, T>, input_error: &mut [T]);

    /// Step 4: rows `part` of the gradient of tensor number `tensor` of the layer (0 the weight, 1 the bias, which
    /// is taken whole), row by row, summed over the batch, or added to what earlier rows of it gave. delta and the
    /// layer's input are in blocks.
    fn gradient(
        &self,
        tensor: usize,
        part: Range<usize>,
        delta: Blocks<'_, T>,
        input: Blocks<'_, T>,
        accumulate: Accumulate,
        gradient: &mut [T],
    );
}

/// Whether a hidden layer's state, the one tensor that is kept of it for the backward pass, is its z: where sigma'
/// cannot be had from a. Elsewhere it is a.
pub(crate) fn state_is_pre_activation(layer: &Layer) -> bool {
    !layer.describe().activation().derivative_from_activation()
}
