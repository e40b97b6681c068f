//! One input: what reads it, and how the loss changes with it.

use chainrule::trace::Quantity;
use serde::Serialize;

use super::explain::carried_back;
use super::reader::{Reader, chain};
use super::{Explanation, Factor, Term};
use crate::{Refusal, Step};

/// An input of one sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct InputReport {
    /// a(0)\[column\]
    pub value: Factor,
    /// For each neuron of layer 1 the input's term of its z, with the partial sum there.
    pub terms: Vec<Term>,
    /// dLoss/da(0)\[column\]; a cell that the trace does not have.
    pub sensitivity: Explanation,
}

/// Input `column` of one sample.
///
/// # Errors
/// When there is no such input or sample.
pub fn input(step: &Step, column: usize, sample: usize) -> Result<InputReport, Refusal> {
    let reader = Reader::new(step);
    let dense = reader.layer(1)?;
    reader.check("input", column, dense.inputs)?;
    reader.check_sample(sample)?;
    let inputs = reader.row(Quantity::Activation.of(0), sample);
    let term = |j: usize| {
        let bias = if dense.bias { reader.number(Quantity::BIAS.of(1), 0, j) } else { 0.0 };
        let before = reader.row(Quantity::WEIGHT.of(1), j).iter().zip(inputs).take(column);
        let sum = before.fold(bias, |sum, (w, x)| w.mul_add(*x, sum));
        chain(
            sum,
            [[
                reader.factor(Quantity::WEIGHT.of(1), j, column),
                reader.factor(Quantity::Activation.of(0), sample, column),
            ]],
        )
    };
    Ok(InputReport {
        value: reader.factor(Quantity::Activation.of(0), sample, column),
        terms: (0..dense.width).flat_map(term).collect(),
        sensitivity: carried_back(&reader, 0, sample, column),
    })
}
