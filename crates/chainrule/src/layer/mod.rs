//! The kinds of layers, one file each.
//!
//! A new kind is a new file, with a struct that implements `Kind` (what it is), `Compute` (what it computes) and `Loops`
//! (the same once more, as plain loops for the reference), and one line in the list below.

mod columns;
mod compute;
mod dense;
mod dropout;
mod kind;
mod layer_norm;
mod learned_activation;
mod loops;
mod scale;

use serde::{Deserialize, Serialize};

pub use columns::{AsIs, ColumnPiece, Columns, Periodic, PiecewiseLinear, Table};
pub use dense::Dense;
pub use dropout::Dropout;
pub use kind::Formulas;
pub use layer_norm::LayerNorm;
pub use learned_activation::LearnedActivation;
pub use scale::Scale;

use crate::activation::Activation;
use crate::kernel::Scalar;

pub(crate) use compute::{Compute, Context, GradientContext, LayerTensors, Signal};
pub(crate) use kind::Kind;
pub(crate) use loops::{Loops, LoopsContext};

macro_rules! layer_kinds {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// One layer of a network.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Layer {
            $($(#[$doc])* $kind($kind),)*
        }

        $(impl From<$kind> for Layer {
            fn from(layer: $kind) -> Self {
                Layer::$kind(layer)
            }
        })*

        impl Layer {
            pub(crate) fn kind(&self) -> &dyn Kind {
                match self { $(Layer::$kind(layer) => layer,)* }
            }

            pub(crate) fn compute<T: Scalar>(&self) -> &dyn Compute<T> {
                match self { $(Layer::$kind(layer) => layer,)* }
            }

            pub(crate) fn loops(&self) -> &dyn Loops {
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
    /// One learned factor for each input.
    Scale,
    /// Each sample's inputs with mean 0 and variance 1, times learned factors, plus learned numbers.
    LayerNorm,
    /// Between the input and an activation of it, by one learned number for each input.
    LearnedActivation,
    /// Inputs as they are, embedded by learned functions, or looked up in tables, side by side.
    Columns,
}

impl Layer {
    /// The kind's name in model files.
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }

    /// Its hyperparameters in a few words, such as `relu, no bias` or `rate 0.5`; empty where there are none.
    pub fn detail(&self) -> String {
        self.kind().detail()
    }

    /// What it computes, in symbols.
    ///
    /// ```
    /// use chainrule::layer::{Dropout, Layer};
    /// let formulas = Layer::from(Dropout { rate: 0.5 }).formulas();
    /// assert_eq!(formulas.backward, "dLoss/da(l-1) = mask * dLoss/da(l)");
    /// assert!(formulas.gradients.is_empty());
    /// ```
    pub fn formulas(&self) -> Formulas {
        self.kind().formulas()
    }

    /// sigma, which turns z into a; none where a kind has no such function, and its a is its z.
    pub fn activation(&self) -> Option<Activation> {
        self.kind().activation()
    }

    /// Whether it passes its input on as it is, unless a pass is one of training.
    pub fn is_for_training_only(&self) -> bool {
        self.kind().is_for_training_only()
    }

    /// Whether an output depends on other inputs than the one in its own place, as in every layer with a matrix.
    pub fn mixes_inputs(&self) -> bool {
        self.kind().mixes_inputs()
    }

    /// The width of the output for inputs of width `input_width`.
    pub fn output_width(&self, input_width: usize) -> usize {
        self.kind().output_width(input_width)
    }

    /// FLOPs of the forward pass for one sample.
    pub fn forward_flops(&self, input_width: usize) -> u64 {
        self.kind().forward_flops(input_width)
    }

    /// Whether the state, the one tensor that is kept of a hidden layer for the backward pass, is its z: where sigma'
    /// cannot be had from a. Elsewhere it is a. Either has the output's width: the error comes back over it, and what is left
    /// of it is a(l), the next layer's input. A unit with a wider z, such as a gated one, is two layers: one up to z, and one
    /// that reads it as its input.
    pub(crate) fn keeps_pre_activation(&self) -> bool {
        self.activation().is_some_and(|sigma| !sigma.derivative_from_activation())
    }
}
