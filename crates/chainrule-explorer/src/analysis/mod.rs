//! What can be asked about a step: functions of a [`Step`](crate::Step) that give the contract's types.
//!
//! Samples, neurons, rows and columns count from 0 in arguments and in [`Cell`]s, and from 1 in everything
//! that people read. Layers are the dense ones, from 1, as in the trace.

mod check;
mod edge;
mod explain;
mod input;
mod layer;
mod loss;
mod matrix;
mod multiply;
mod neuron;
mod outer;
mod reader;
mod rule;

use chainrule::trace::Operation;
use serde::{Deserialize, Serialize, Serializer};

pub use check::{
    CellCheck, CheckReport, CheckedCell, CurvePoint, TensorCheck, Verdict, check_all, check_cell,
};
pub(crate) use check::{check_all_until, check_cell_until};
pub use edge::{EdgeReport, Path, Paths, edge};
pub use explain::explain;
pub use input::{InputReport, input};
pub use layer::{Gain, LayerBytes, LayerFlops, LayerReport, layer};
pub use loss::{LossReport, SampleLoss, loss};
pub use matrix::{MatrixReport, matrix};
pub use multiply::{Product, multiply};
pub use neuron::{Curve, NeuronReport, State, neuron};
pub use outer::{OuterReport, outer};
pub(crate) use rule::readable;
pub use rule::{OutputRule, RuleName, output_rule};

use crate::Num;

/// An element of a value of the trace. Vectors have row 0; `loss` is [0, 0].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The value's name in the trace.
    pub name: String,
    /// From 0.
    pub row: usize,
    /// From 0.
    pub column: usize,
}

/// A number in a formula.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Factor {
    /// Where it comes from; none for constants, and for numbers that the trace does not hold.
    pub cell: Option<Cell>,
    /// The number that the label names.
    pub value: Num,
    /// How to read it: `W(2)[1, 3]`, `a(1)[3] of sample 2`, `minus the learning rate`. Indices from 1.
    pub label: String,
}

/// One term of a sum.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Term {
    /// One or two numbers.
    pub factors: Vec<Factor>,
    /// The product of two factors; with one, or where the explanation names a function, what becomes of them.
    pub product: Num,
    /// The sum up to here, rounded as the engine rounds.
    pub partial: Num,
}

/// How one number of the trace comes about.
///
/// Without a divisor the last partial sum is the value, bit for bit. With the number of samples as divisor
/// the value is the last partial sum times the rounded 1 / B, except for the loss, which is divided. Two
/// kinds of delta(L) are not computed by the terms that explain them, and agree to rounding: dLoss/da times
/// sigma', where the engine divides by B last, and softmax's matrix. Softmax's own exponential is the first
/// term.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Explanation {
    /// Which number.
    pub cell: Cell,
    /// Its value.
    pub value: Num,
    /// The operation of its event; none for what is given.
    #[serde(serialize_with = "operation_or_given")]
    #[cfg_attr(test, ts(as = "crate::contract::OperationOrGiven"))]
    pub operation: Option<Operation>,
    /// What the sum starts from, unless it is 0.
    pub start: Option<Factor>,
    /// In the order of the engine's sum.
    pub terms: Vec<Term>,
    /// What the sum is divided by, if anything.
    pub divisor: Option<Num>,
    /// The function that is applied to the factors, where the operation is one.
    pub function: Option<String>,
    /// The operation, in words about this number.
    pub sentence: String,
}

fn operation_or_given<S: Serializer>(
    operation: &Option<Operation>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match operation {
        Some(operation) => operation.serialize(serializer),
        None => serializer.serialize_str("given"),
    }
}

/// What kind of quantity a value is: the page has a colour for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// a(l), inputs included.
    Activation,
    /// What the output should be.
    Target,
    /// W(l)
    Weight,
    /// b(l)
    Bias,
    /// z(l)
    PreActivation,
    /// The batch's loss.
    Loss,
    /// dLoss/da(l)
    Error,
    /// sigma'(z(l))
    Slope,
    /// delta(l) = dLoss/dz(l)
    Delta,
    /// dLoss/dW(l)
    WeightGradient,
    /// dLoss/db(l)
    BiasGradient,
    /// W(l) after the update.
    UpdatedWeight,
    /// b(l) after the update.
    UpdatedBias,
}

/// The kind of the value of that name, and its layer (0 for inputs, target and loss); none for a name that
/// no trace has.
pub fn kind_of(name: &str) -> Option<(Kind, usize)> {
    match name {
        "target" => return Some((Kind::Target, 0)),
        "loss" => return Some((Kind::Loss, 0)),
        _ => {}
    }
    let (kind, layer) = name.split_once('.')?;
    let kind = match kind {
        "a" => Kind::Activation,
        "weight" => Kind::Weight,
        "bias" => Kind::Bias,
        "z" => Kind::PreActivation,
        "error" => Kind::Error,
        "slope" => Kind::Slope,
        "delta" => Kind::Delta,
        "weight_gradient" => Kind::WeightGradient,
        "bias_gradient" => Kind::BiasGradient,
        "updated_weight" => Kind::UpdatedWeight,
        "updated_bias" => Kind::UpdatedBias,
        _ => return None,
    };
    Some((kind, layer.parse().ok()?))
}
