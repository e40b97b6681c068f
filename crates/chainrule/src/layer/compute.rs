//! What a kind of layer computes: steps 1, 3 and 4, for some rows of a batch.

use crate::kernel::gemm::Accumulate;
use crate::kernel::panels::{Blocks, Panels, Piece};
use crate::kernel::{Scalar, Threads};
use crate::mode::Mode;
use crate::parameters::{ParametersView, TensorLayout};

/// What a layer sees of the step it takes part in, for some rows of the batch.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a, T> {
    pub(crate) tensors: LayerTensors<'a, T>,
    /// The layer's number, from 1.
    pub(crate) layer: usize,
    pub(crate) mode: Mode,
    /// The batch's sample that the first row is.
    pub(crate) first_sample: usize,
    /// Who may help where one sample is all there is to do; else the samples are divided already.
    pub(crate) threads: Option<&'a Threads>,
}

/// A layer's tensors of parameters, by the order in which its kind asked for them.
#[derive(Clone, Copy)]
pub(crate) struct LayerTensors<'a, T> {
    parameters: ParametersView<'a, T>,
    layer: usize,
}

impl<'a, T: Scalar> LayerTensors<'a, T> {
    /// Those of layer `layer`.
    pub(crate) fn of(parameters: ParametersView<'a, T>, layer: usize) -> Self {
        LayerTensors { parameters, layer }
    }

    fn get(&self, number: usize) -> Option<(&'a TensorLayout, &'a [T])> {
        let tensor = self.parameters.layer_tensors(self.layer).get(number)?;
        Some((tensor, self.parameters.numbers(tensor)))
    }

    /// Tensor `number`, which is a matrix.
    pub(crate) fn matrix(&self, number: usize) -> Panels<'a, T> {
        let (tensor, numbers) = self.get(number).expect("the layer has asked for this tensor");
        Panels::new(numbers, tensor.rows, tensor.columns)
    }

    /// The numbers of tensor `number`, which is a vector; none where there is no such tensor.
    pub(super) fn vector(&self, number: usize) -> Option<&'a [T]> {
        self.get(number).map(|(_, numbers)| numbers)
    }
}

/// What a gradient is of, and what it may depend on beside delta and the input.
#[derive(Clone, Copy)]
pub(crate) struct GradientContext<'a, T> {
    /// The tensor among the layer's: 0 the weight, 1 the bias.
    pub(crate) tensor: usize,
    /// The layer's tensors; none where they are changing already, which is so for kinds that do not ask for them.
    pub(crate) tensors: Option<LayerTensors<'a, T>>,
}

/// What comes back to a layer: both are [rows, width], in panels.
#[derive(Clone, Copy)]
pub(crate) struct Signal<'a, T> {
    /// delta(l).
    pub(crate) delta: Panels<'a, T>,
    /// a(l-1), for kinds whose backward pass reads it; none for the others.
    pub(crate) input: Option<Panels<'a, T>>,
}

/// What a kind of layer computes. All buffers are in panels, made by the caller: those of the forward pass have
/// samples as columns, [width, rows]; the others neurons, [rows, width].
///
/// What becomes of a sample does not depend on the others, nor does an element's sum on how rows are cut up.
pub(crate) trait Compute<T: Scalar> {
    /// Step 1, first half: z^T from the input's transpose.
    fn pre_activation(&self, context: Context<'_, T>, input: Panels<'_, T>, pre_activation: &mut [T]);

    /// Step 1, second half: turns z into a = sigma(z), in place, in any layout. The last layer goes without: its
    /// activation needs whole rows.
    fn activate(&self, _values: &mut [T]) {}

    /// Step 3, second half: turns dLoss/da of this layer into its delta = dLoss/da * sigma'(z), and the layer's state
    /// into its a, in place, in any layout.
    fn error_to_delta(&self, _state: &mut [T], _error: &mut [T]) {}

    /// Step 3, first half: dLoss/da of the layer before, from this layer's delta.
    fn propagate(&self, context: Context<'_, T>, signal: Signal<'_, T>, input_error: &mut [T]);

    /// Step 4: a piece of the gradient of a tensor of the layer (a vector is taken whole), summed over the batch, or added
    /// to what earlier rows of it gave. delta and the layer's input are in blocks.
    fn gradient(
        &self,
        _context: GradientContext<'_, T>,
        _piece: &Piece,
        _delta: Blocks<'_, T>,
        _input: Blocks<'_, T>,
        _accumulate: Accumulate,
        _gradient: &mut [T],
    ) {
    }
}
