//! Weights in the layout that the error carried back needs, copied anew for each step.

use std::ops::Range;

use crate::kernel::buffer::{ALIGNMENT, Buffer, zeros};
use crate::kernel::elementwise::Parts;
use crate::kernel::panels::{copy_panel, panel_width};
use crate::kernel::{Scalar, Threads};
use crate::layer::LayerWeights;
use crate::network::Network;
use crate::parameters::{Parameters, TensorLayout};

/// W in panels, of layers that carry an error back: of all, or, for large networks, of one at a time.
pub(crate) struct PackedWeights<T> {
    buffer: Buffer<T>,
    /// Of each layer.
    matrices: Vec<PackedMatrix>,
    /// All panels of all matrices; none where matrices take turns.
    together: Option<(Parts, Vec<Panel>)>,
}

/// A matrix's place in the buffer; empty where it is not packed.
#[derive(Default)]
struct PackedMatrix {
    range: Range<usize>,
    /// The place of each panel.
    parts: Parts,
    panels: Vec<Panel>,
}

/// These columns of a layer's W.
#[derive(Clone)]
struct Panel {
    layer: usize,
    columns: Range<usize>,
}

impl PackedMatrix {
    fn new<T>(weight: &TensorLayout, start: usize) -> Self {
        let (mut end, mut ranges, mut panels) = (start, Vec::new(), Vec::new());
        for first in (0..weight.columns).step_by(panel_width::<T>()) {
            let columns = first..weight.columns.min(first + panel_width::<T>());
            ranges.push(end..end + weight.rows * columns.len());
            end += weight.rows * columns.len();
            panels.push(Panel { layer: weight.layer, columns });
        }
        PackedMatrix { range: start..end, parts: Parts::new(ranges), panels }
    }
}

impl<T: Scalar> PackedWeights<T> {
    /// Reserves the buffer. `carries_back` tells which layers carry an error back to the layer before. All have their
    /// weights at the same time if those have at most `limit` bytes.
    pub(crate) fn new(network: &Network, carries_back: impl Fn(usize) -> bool, limit: usize) -> Self {
        // W of one panel is its own copy.
        let is_packed = |tensor: &TensorLayout| {
            !tensor.is_vector && carries_back(tensor.layer) && tensor.columns > panel_width::<T>()
        };
        let align = |length: usize| length.next_multiple_of(ALIGNMENT / size_of::<T>());
        let of = |layer: usize, start: usize| {
            let weight = network.tensors().iter().find(|tensor| tensor.layer == layer && is_packed(tensor));
            weight.map_or_else(PackedMatrix::default, |weight| PackedMatrix::new::<T>(weight, start))
        };
        let mut end = 0;
        let mut matrices: Vec<_> = (1..=network.depth())
            .map(|layer| {
                let matrix = of(layer, end);
                end = end.max(align(matrix.range.end));
                matrix
            })
            .collect();
        let together = if end * size_of::<T>() <= limit {
            let all =
                || matrices.iter().flat_map(|matrix| (0..matrix.panels.len()).map(move |i| (matrix, i)));
            let ranges = all().map(|(matrix, i)| matrix.parts.get(i)).collect();
            Some((Parts::new(ranges), all().map(|(matrix, i)| matrix.panels[i].clone()).collect()))
        } else {
            matrices = (1..=network.depth()).map(|layer| of(layer, 0)).collect();
            end = matrices.iter().map(|matrix| align(matrix.range.end)).max().unwrap_or(0);
            None
        };
        PackedWeights { buffer: zeros(end), matrices, together }
    }

    /// Whether all layers have their weights at the same time.
    pub(crate) fn are_together(&self) -> bool {
        self.together.is_some()
    }

    /// Copies the weights of all layers, if they are together.
    pub(crate) fn pack_all(&mut self, threads: &Threads, parameters: &Parameters<T>) {
        if let Some((parts, panels)) = &self.together {
            copy(threads, &mut self.buffer, parts, panels, parameters);
        }
    }

    /// Copies W of one layer, if layers take turns.
    pub(crate) fn pack(&mut self, threads: &Threads, parameters: &Parameters<T>, layer: usize) {
        if !self.are_together() {
            let PackedMatrix { parts, panels, .. } = &self.matrices[layer - 1];
            copy(threads, &mut self.buffer, parts, panels, parameters);
        }
    }

    /// What layer `l` reads: W as it lies, and in panels.
    pub(crate) fn layer<'a>(&'a self, l: usize, parameters: &'a Parameters<T>) -> LayerWeights<'a, T> {
        let weights = LayerWeights::of(parameters, l);
        match &self.matrices[l - 1].range {
            packed if packed.is_empty() => weights,
            packed => LayerWeights { panels: &self.buffer[packed.clone()], ..weights },
        }
    }

    /// The bytes of the buffer.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.buffer[..])
    }
}

fn copy<T: Scalar>(
    threads: &Threads,
    buffer: &mut [T],
    parts: &Parts,
    panels: &[Panel],
    parameters: &Parameters<T>,
) {
    let buffers = [buffer, &mut [], &mut [], &mut []];
    parts.for_each(threads, 0..parts.count(), buffers, |index, [panel, ..]| {
        let Panel { layer, columns } = panels[index].clone();
        copy_panel(parameters.weight(layer), columns, panel);
    });
}
