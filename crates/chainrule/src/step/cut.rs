//! How the work of a step is cut: rows of a batch into blocks, gradients into parts, and the memory that a thread needs for
//! either.

use std::ops::{Range, RangeInclusive};

use super::pace::is_small;
use crate::kernel::Scalar;
use crate::kernel::arena::Cut;
use crate::kernel::caches::caches;
use crate::kernel::panels::{Piece, panel_width};
use crate::kernel::parts::Parts;
use crate::network::Network;
use crate::parameters::TensorLayout;

/// Rows of a weight in a part of its gradient, at most.
const MOST_ROWS_IN_PART: usize = 128;

/// FLOPs of a step on so many rows.
pub(super) fn flops(network: &Network, rows: usize) -> u64 {
    network.step_flops().saturating_mul(rows as u64)
}

/// Rows of a block, at most, for batches of up to `rows` rows.
pub(super) fn most_rows(network: &Network, rows: usize, threads: usize) -> usize {
    Cut::most_rows(rows, if is_small(flops(network, rows)) { 1 } else { threads })
}

/// Numbers of scratch memory that a thread needs, for a block of rows or a part of a gradient.
pub(crate) fn scratch_numbers<T: Scalar>(network: &Network, rows: usize, threads: usize) -> usize {
    let numbers = 2 * network.widest() + 3 * network.output_width();
    let block = most_rows(network, rows, threads) * numbers;
    let rows_in_part = rows_in_part::<T>(rows);
    // Panels of the narrower type are the wider ones.
    let part =
        |tensor: &TensorLayout| tensor.pieces::<T>(rows_in_part).next().map_or(0, |(_, range)| range.len());
    block.max(network.tensors().iter().map(part).max().unwrap_or(0))
}

/// Rows of a weight in a part of its gradient, for batches of up to `rows` rows: so many that their deltas of all samples
/// fill half of a core's second-level cache, and no more than leave enough parts for all threads.
fn rows_in_part<T>(rows: usize) -> usize {
    let panel = panel_width::<T>();
    let in_cache = caches().second / 2 / (rows * size_of::<T>());
    (in_cache / panel * panel).clamp(panel, MOST_ROWS_IN_PART)
}

/// A piece of a tensor's gradient.
#[derive(Clone, Debug)]
pub(super) struct GradientPart {
    pub(super) layer: usize,
    /// The tensor among the layer's.
    pub(super) number: usize,
    /// The same among all of the network's.
    pub(super) tensor: usize,
    pub(super) piece: Piece,
}

/// The gradients of the network, cut into parts, one task each: a piece of a weight, or a vector.
#[derive(Clone, Debug)]
pub(super) struct GradientParts {
    pub(super) parts: Parts,
    pub(super) places: Vec<GradientPart>,
    /// The parts of layer l are `first[l - 1]..first[l]`.
    first: Vec<usize>,
}

impl GradientParts {
    pub(super) fn new<T: Scalar>(network: &Network, rows: usize) -> Self {
        let rows_in_part = rows_in_part::<T>(rows);
        let (mut ranges, mut places, mut first) = (Vec::new(), Vec::new(), vec![0]);
        let mut tensors_before = 0;
        for l in 1..=network.depth() {
            for (number, tensor) in network.layer_tensors(l).iter().enumerate() {
                for (piece, range) in tensor.pieces::<T>(rows_in_part) {
                    ranges.push(tensor.offset() + range.start..tensor.offset() + range.end);
                    let tensor = tensors_before + number;
                    places.push(GradientPart { layer: l, number, tensor, piece });
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
