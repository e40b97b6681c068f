//! How the work of a step is cut: rows of a batch into blocks, gradients into parts, and the memory that a thread needs for
//! either.

use std::ops::{Range, RangeInclusive};

use crate::kernel::arena::Cut;
use crate::kernel::parts::Parts;
use crate::network::Network;
use crate::parameters::TensorLayout;

/// Steps on less work than this are faster on one thread.
const SERIAL_FLOPS: u64 = 400_000;

/// Whether a step on so many rows is done by the calling thread alone.
pub(super) fn is_small(network: &Network, rows: usize) -> bool {
    network.step_flops().saturating_mul(rows as u64) < SERIAL_FLOPS
}

/// Rows of a block, at most, for batches of up to `rows` rows.
pub(super) fn most_rows(network: &Network, rows: usize, threads: usize) -> usize {
    Cut::most_rows(rows, if is_small(network, rows) { 1 } else { threads })
}

/// Numbers of scratch memory that a thread needs, for a block of rows or a part of a gradient.
pub(crate) fn scratch_numbers(network: &Network, rows: usize, threads: usize) -> usize {
    let numbers = 2 * network.widest() + 3 * network.output_width();
    let block = most_rows(network, rows, threads) * numbers;
    let rows_in_part = rows_in_part(network, rows);
    let part = |tensor: &TensorLayout| part_shape(tensor, rows_in_part).iter().product();
    block.max(network.tensors().iter().map(part).max().unwrap_or(0))
}

/// Rows of a weight in a part of its gradient; fewer where there is little work, so that there are enough parts.
fn rows_in_part(network: &Network, rows: usize) -> usize {
    if network.step_flops().saturating_mul(rows as u64) < 20_000_000 { 8 } else { 16 }
}

/// Rows of a part of a tensor's gradient, and the length of a row: a few rows of a weight, or a vector as a column.
fn part_shape(tensor: &TensorLayout, rows_in_part: usize) -> [usize; 2] {
    if tensor.is_vector { [tensor.columns, 1] } else { [rows_in_part.min(tensor.rows), tensor.columns] }
}

/// Some rows of a tensor's gradient.
#[derive(Clone, Debug)]
pub(super) struct GradientPart {
    pub(super) layer: usize,
    /// The tensor among the layer's.
    pub(super) number: usize,
    /// The same among all of the network's.
    pub(super) tensor: usize,
    pub(super) rows: Range<usize>,
}

/// The gradients of the network, cut into parts, one task each: some rows of a weight, or a vector.
#[derive(Clone, Debug)]
pub(super) struct GradientParts {
    pub(super) parts: Parts,
    pub(super) places: Vec<GradientPart>,
    /// The parts of layer l are `first[l - 1]..first[l]`.
    first: Vec<usize>,
}

impl GradientParts {
    pub(super) fn new(network: &Network, rows: usize) -> Self {
        let rows_in_part = rows_in_part(network, rows);
        let (mut ranges, mut places, mut first) = (Vec::new(), Vec::new(), vec![0]);
        let mut tensors_before = 0;
        for l in 1..=network.depth() {
            for (number, tensor) in network.layer_tensors(l).iter().enumerate() {
                let [step, length] = part_shape(tensor, rows_in_part);
                let rows = tensor.count() / length;
                for start in (0..rows).step_by(step) {
                    let rows = start..rows.min(start + step);
                    ranges.push(tensor.offset() + rows.start * length..tensor.offset() + rows.end * length);
                    let tensor = tensors_before + number;
                    places.push(GradientPart { layer: l, number, tensor, rows });
                }
            }
            tensors_before += network.layer_tensors(l).len();
            first.push(places.len());
        }
        GradientParts { parts: Parts::new(ranges), places, first }
    }

    /// The parts of these layers.
    pub(super) fn of(&self, layers: &RangeInclusive<usize>) -> Range<usize> {
        self.first[layers.start() - 1]..self.first[*layers.end()]
    }
}
