//! What a kind of layer says of itself: all that others need to know of it.

use crate::activation::Activation;
use crate::error::Result;
use crate::parameters::TensorRequest;

/// What a layer computes, in symbols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formulas {
    /// Step 1: z(l), or a(l) where there is no sigma.
    pub forward: &'static str,
    /// Step 3: dLoss/da(l-1).
    pub backward: &'static str,
    /// Step 4: one for each tensor of parameters.
    pub gradients: Vec<&'static str>,
}

/// What a kind of layer is.
pub(crate) trait Kind {
    /// The kind's name in model files.
    fn name(&self) -> &'static str;

    /// Its hyperparameters in a few words.
    fn detail(&self) -> String {
        String::new()
    }

    /// Checks the layer's own hyperparameters, and whether it can have inputs of this width.
    fn check(&self, _input_width: usize) -> Result<()> {
        Ok(())
    }

    /// The width of the output, and of its z, a and delta.
    fn output_width(&self, input_width: usize) -> usize {
        input_width
    }

    /// The tensors of parameters with what they start from. Others call the first the layer's weight and the second its
    /// bias, and the rest by their numbers.
    fn tensors(&self, _input_width: usize) -> Vec<TensorRequest> {
        Vec::new()
    }

    /// sigma, which turns the layer's z into its a; none where a kind's a is its z.
    fn activation(&self) -> Option<Activation> {
        None
    }

    /// Whether it passes its input on as it is, unless a pass is one of training.
    fn is_for_training_only(&self) -> bool {
        false
    }

    /// Whether an output depends on other inputs than the one in its own place.
    fn mixes_inputs(&self) -> bool {
        true
    }

    /// Whether a network can end with it, so that a loss makes its delta.
    fn can_be_last(&self) -> bool {
        false
    }

    /// Whether the error that it carries back depends on its input.
    fn backward_reads_input(&self) -> bool {
        false
    }

    /// Whether the gradients depend on its parameters, which then change only when all of them are there.
    fn gradients_read_parameters(&self) -> bool {
        false
    }

    /// Whether it must be the first layer.
    fn must_be_first(&self) -> bool {
        false
    }

    /// Whether the input of this number, from 0, may be missing: NaN.
    fn accepts_missing(&self, _input: usize) -> bool {
        false
    }

    /// How many of its tensors, from the first, the error that it carries back depends on.
    fn backward_tensors(&self) -> usize {
        1
    }

    /// FLOPs of the forward pass for one sample.
    fn forward_flops(&self, input_width: usize) -> u64;

    /// What it computes.
    fn formulas(&self) -> Formulas;

    /// What a trace calls the forward pass up to z and, second, what carries the error back.
    fn operations(&self) -> (&'static str, &'static str) {
        (self.name(), self.name())
    }
}
