//! What can be asked about a step: functions of a [`Step`](crate::Step) that give the contract's types.
//!
//! Samples, neurons, rows and columns count from 0 in arguments and in [`Cell`]s, and from 1 in everything
//! that people read. Layers count from 1, as in the trace.

mod check;
mod edge;
mod explain;
mod input;
mod layer;
mod loss;
mod matrix;
mod multiply;
pub(crate) mod neuron;
mod outer;
pub(crate) mod reader;
mod rule;
mod written;

use chainrule::trace::{Computation, ValueId};
use serde::{Deserialize, Serialize, Serializer};

pub use check::{
    CellCheck, CheckReport, CheckedCell, CurvePoint, TensorCheck, Verdict, check_all, check_cell,
};
pub(crate) use check::{check_all_until, check_cell_until, check_gradients_until};
pub use edge::{EdgeReport, Path, Paths, edge};
pub use explain::explain;
pub use input::{InputReport, input};
pub use layer::{Gain, LayerBytes, LayerFlops, LayerReport, layer};
pub use loss::{LossReport, SampleLoss, loss};
pub use matrix::{MatrixReport, matrix};
pub use multiply::{Product, multiply};
pub use neuron::{Curve, NeuronReport, State, neuron};
pub use outer::{OuterReport, outer};
pub use rule::{OutputRule, RuleName, Smoothing, output_rule};
pub use written::{Piece, Written};

use crate::Num;

/// An element of a value of the trace. Vectors have row 0; `loss` is [0, 0].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Which value of the trace.
    #[cfg_attr(test, ts(type = "string"))]
    pub name: ValueId,
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
    pub operation: Option<Computation>,
    /// What the sum starts from, unless it is 0.
    pub start: Option<Factor>,
    /// In the order of the engine's sum.
    pub terms: Vec<Term>,
    /// What the sum is divided by, if anything.
    pub divisor: Option<Num>,
    /// The function that is applied to the factors, where the operation is one.
    pub function: Option<String>,
    /// The same as a formula with its numbers, where that says more than the terms and is short enough to be read.
    pub written: Option<Written>,
    /// The operation, in words about this number.
    pub sentence: String,
}

fn operation_or_given<S: Serializer>(
    operation: &Option<Computation>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match operation {
        Some(operation) => operation.serialize(serializer),
        None => serializer.serialize_str("given"),
    }
}
