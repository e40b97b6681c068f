//! What a step keeps of a batch, and where: the regions of a block of rows, and the blocks of a batch.

use std::ops::Range;

use crate::kernel::elementwise::{Parts, for_each_chunk};
use crate::kernel::panels::panel_width;
use crate::kernel::{Scalar, Threads};
use crate::layer::keeps_pre_activation;
use crate::network::Network;

/// Bytes of weights, and of deltas, up to which a block of rows goes through all layers and back at once. Larger ones
/// would only push each other out of the caches.
const WEIGHTS_TOGETHER: usize = 4 << 20;
const DELTAS_TOGETHER: usize = 4 << 20;

/// Where everything lies in a block of rows. A region that starts at `s` and is `w` wide is elements
/// `s * rows..(s + w) * rows` of a block of `rows` rows.
pub(super) struct Plan {
    pub(super) maximum_batch: usize,
    /// a(0).
    pub(super) input: Region,
    /// The forward pass's values with samples as columns: layers take turns.
    pub(super) turned: [Region; 2],
    pub(super) layers: Vec<LayerPlan>,
    /// Row-major z(L), a(L), delta(L).
    pub(super) output: [Region; 3],
    /// delta(L) in panels; empty where the row-major one is that.
    pub(super) delta_panels: Region,
    /// Numbers in a row of the batch, all regions together.
    pub(super) row: usize,
    /// Whether each delta has a region; otherwise neighbours take turns with two, and the error goes back layer by layer.
    pub(super) deltas_together: bool,
    /// The first layer with parameters.
    pub(super) first: usize,
    /// Parts of the gradients, one task each: rows of a weight, or a bias.
    pub(super) parts: Parts,
    /// The layer, the number of its tensor, and the rows that each part is.
    pub(super) part_places: Vec<(usize, usize, Range<usize>)>,
}

/// A layer's regions and tasks.
pub(super) struct LayerPlan {
    /// z; empty where sigma' comes from a.
    pub(super) pre_activation: Region,
    pub(super) activation: Region,
    pub(super) delta: Region,
    /// Its parts of the gradients.
    pub(super) parts: Range<usize>,
}

/// Columns of a block.
#[derive(Clone, Copy, Default)]
pub(super) struct Region {
    pub(super) start: usize,
    pub(super) width: usize,
}

impl Region {
    pub(super) fn of(self, rows: usize) -> Range<usize> {
        match self.width {
            0 => 0..0,
            width => self.start * rows..(self.start + width) * rows,
        }
    }
}

impl Plan {
    pub(super) fn new<T: Scalar>(network: &Network, maximum_batch: usize) -> Self {
        let depth = network.depth();
        let mut row = 0;
        let mut reserve = |width: usize| {
            row += width;
            Region { start: row - width, width }
        };
        let input = reserve(network.width(0));
        let widest = (0..=depth).map(|l| network.width(l)).max().unwrap_or(0);
        let turned = [(); 2].map(|()| reserve(widest));
        let (n_out, panel) = (network.output_width(), panel_width::<T>());
        let output = [(); 3].map(|()| reserve(n_out));
        let delta_panels = reserve(if n_out > panel { n_out } else { 0 });
        let hidden = || (1..depth).map(|l| network.width(l));
        let deltas = hidden().sum::<usize>() * maximum_batch * size_of::<T>();
        let weights = network.parameter_count() * size_of::<T>();
        let deltas_together = weights <= WEIGHTS_TOGETHER && deltas <= DELTAS_TOGETHER;
        let widest = hidden().max().unwrap_or(0);
        let in_turn = [(); 2].map(|()| reserve(if deltas_together { 0 } else { widest }));
        let rows_in_part = if network.step_flops() * (maximum_batch as u64) < 20_000_000 { 8 } else { 16 };
        let (mut ranges, mut part_places) = (Vec::new(), Vec::new());
        let layers = (1..=depth).map(|l| {
            let width = network.width(l);
            let is_last = l == depth;
            let keeps = !is_last && keeps_pre_activation(&network.layers()[l - 1]);
            let pre_activation = reserve(if keeps { width } else { 0 });
            let activation = if is_last { output[1] } else { reserve(width) };
            let delta = match (is_last, deltas_together) {
                (true, _) if n_out > panel => delta_panels,
                (true, _) => output[2],
                (false, true) => reserve(width),
                (false, false) => Region { width, ..in_turn[l % 2] },
            };
            let first_part = ranges.len();
            for (number, tensor) in network.tensors().iter().filter(|tensor| tensor.layer == l).enumerate() {
                let (rows, length) =
                    if tensor.is_vector { (tensor.columns, 1) } else { (tensor.rows, tensor.columns) };
                let step = if tensor.is_vector { rows } else { rows_in_part };
                for start in (0..rows).step_by(step) {
                    let rows = start..rows.min(start + step);
                    ranges.push(tensor.offset() + rows.start * length..tensor.offset() + rows.end * length);
                    part_places.push((l, number, rows));
                }
            }
            LayerPlan { pre_activation, activation, delta, parts: first_part..ranges.len() }
        });
        let layers = layers.collect();
        let first = first_with_parameters(network);
        let parts = Parts::new(ranges);
        Plan {
            maximum_batch,
            input,
            turned,
            layers,
            output,
            delta_panels,
            row,
            deltas_together,
            first,
            parts,
            part_places,
        }
    }

    /// a(l), in panels.
    pub(super) fn activation(&self, l: usize) -> Region {
        if l == 0 { self.input } else { self.layers[l - 1].activation }
    }
}

/// Some rows of the batch and their values.
pub(super) struct Block<'a, T> {
    pub(super) values: &'a mut [T],
    pub(super) rows: usize,
    /// The batch's sample that row 0 is.
    pub(super) first: usize,
}

impl<T> Block<'_, T> {
    /// Regions to change, which do not overlap.
    pub(super) fn regions<const N: usize>(&mut self, regions: [Region; N]) -> [&mut [T]; N] {
        let rows = self.rows;
        self.values.get_disjoint_mut(regions.map(|region| region.of(rows))).expect("regions do not overlap")
    }
}

/// How the rows of a batch are cut into blocks: as many for each thread as are needed for a block's
/// activations to stay in a core's cache. Results do not depend on it.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    pub(super) batch: usize,
    pub(super) rows_in_block: usize,
}

impl Cut {
    pub(super) fn new(batch: usize, threads: usize) -> Self {
        let blocks = threads * batch.div_ceil(threads * 128);
        Cut { batch, rows_in_block: batch.div_ceil(blocks).next_multiple_of(8) }
    }

    /// Calls `body` with each block and the places of its samples' losses, on all threads.
    pub(super) fn for_each<T: Scalar>(
        self,
        threads: &Threads,
        plan: &Plan,
        blocks: &mut [T],
        losses: &mut [f64],
        body: impl Fn(&mut Block<'_, T>, &mut [f64]) + Sync,
    ) {
        let buffers = (&mut blocks[..self.batch * plan.row], &mut losses[..self.batch]);
        let lengths = (self.rows_in_block * plan.row, self.rows_in_block);
        for_each_chunk(threads, buffers, lengths, |index, values, losses| {
            let first = index * self.rows_in_block;
            body(&mut Block { values, rows: losses.len(), first }, losses);
        });
    }
}

/// The first layer that has parameters: no error is carried back from it.
fn first_with_parameters(network: &Network) -> usize {
    network.tensors().first().map_or(1, |tensor| tensor.layer)
}
