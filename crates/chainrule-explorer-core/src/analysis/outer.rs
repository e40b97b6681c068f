//! A weight gradient as a board: one sample's delta down the side times its input along the top.

use chainrule::trace::Quantity;
use serde::Serialize;

use super::reader::Reader;
use crate::{Num, Refusal, Step};

/// An outer product, or the sum of those of all samples; of at most 4,096 cells.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct OuterReport {
    /// The dense layer, from 1.
    pub layer: usize,
    /// From 0; none for the whole batch.
    pub sample: Option<usize>,
    /// delta(l) of the sample.
    pub side: Option<Vec<Num>>,
    /// a(l-1) of the sample.
    pub top: Option<Vec<Num>>,
    /// That of W(l).
    pub shape: [usize; 2],
    /// Row by row.
    pub values: Vec<Num>,
}

/// Cells of a board at most.
const CELLS: usize = 4096;

/// dW(layer) of one sample, or of the batch.
///
/// # Errors
/// When there is no such layer or sample, or it has more than 4,096 cells.
pub fn outer(step: &Step, layer: usize, sample: Option<usize>) -> Result<OuterReport, Refusal> {
    let reader = Reader::new(step);
    let dense = reader.layer(layer)?;
    let shape = [dense.width, dense.inputs];
    if dense.width.saturating_mul(dense.inputs) > CELLS {
        return Err(Refusal::TooMuch(format!(
            "dW({layer}) has {} x {} cells, and the board shows 4096 at most; look at its heat map, or at \
             single cells",
            dense.width, dense.inputs
        )));
    }
    let numbers = |values: &[f64]| values.iter().map(|&value| Num(value)).collect::<Vec<Num>>();
    let Some(sample) = sample else {
        let values = numbers(&reader.value(Quantity::WEIGHT_GRADIENT.of(layer))?.values);
        return Ok(OuterReport { layer, sample: None, side: None, top: None, shape, values });
    };
    reader.check_sample(sample)?;
    let side = reader.row(Quantity::Delta.of(layer), sample);
    let top = reader.row(Quantity::Activation.of(layer - 1), sample);
    let values = side.iter().flat_map(|delta| top.iter().map(move |a| Num(delta * a))).collect();
    let (side, top) = (Some(numbers(side)), Some(numbers(top)));
    Ok(OuterReport { layer, sample: Some(sample), side, top, shape, values })
}
