//! The weights of a network in the layouts that products read, copied anew for each step.

use std::ops::Range;

use crate::kernel::buffer::{ALIGNMENT, Buffer, zeros};
use crate::kernel::elementwise::Parts;
use crate::kernel::packing::{copy_panel, transpose_panel};
use crate::kernel::panels::{Panels, panel_width};
use crate::kernel::{Scalar, Threads};
use crate::layer::LayerWeights;
use crate::network::Network;
use crate::parameters::{Parameters, TensorLayout};

/// W^T of layers in panels and, for layers that carry an error back, W in panels: of all layers, or, for large
/// networks, of one matrix at a time.
pub(crate) struct PackedWeights<T> {
    buffer: Buffer<T>,
    /// W^T and W of each layer, in turn.
    matrices: Vec<PackedMatrix>,
    /// All panels of all matrices; none where matrices take turns.
    together: Option<(Parts, Vec<Panel>)>,
}

/// A matrix's place in the buffer; empty where it is not packed.
#[derive(Default)]
struct PackedMatrix {
    rows: usize,
    columns: usize,
    range: Range<usize>,
    /// The place of each panel.
    parts: Parts,
    panels: Vec<Panel>,
}

/// One panel: these columns of W^T or of W.
#[derive(Clone)]
struct Panel {
    layer: usize,
    transposed: bool,
    columns: Range<usize>,
}

impl PackedMatrix {
    fn new<T>(tensor: &TensorLayout, transposed: bool, start: usize) -> Self {
        let (rows, columns) =
            if transposed { (tensor.columns, tensor.rows) } else { (tensor.rows, tensor.columns) };
        let (mut end, mut ranges, mut panels) = (start, Vec::new(), Vec::new());
        for first in (0..columns).step_by(panel_width::<T>()) {
            let columns = first..columns.min(first + panel_width::<T>());
            ranges.push(end..end + rows * columns.len());
            end += rows * columns.len();
            panels.push(Panel { layer: tensor.layer, transposed, columns });
        }
        PackedMatrix { rows, columns, range: start..end, parts: Parts::new(ranges), panels }
    }
}

impl<T: Scalar> PackedWeights<T> {
    /// Reserves the buffer. `carries_back` tells which layers carry an error back to the layer before. All layers have their
    /// weights at the same time if those have at most `limit` bytes.
    pub(crate) fn new(network: &Network, carries_back: impl Fn(usize) -> bool, limit: usize) -> Self {
        // W of one panel is its own copy.
        let is_packed = |tensor: &TensorLayout, transposed: bool| {
            !tensor.is_vector
                && (transposed || carries_back(tensor.layer) && tensor.columns > panel_width::<T>())
        };
        let align = |length: usize| length.next_multiple_of(ALIGNMENT / size_of::<T>());
        let of = |layer: usize, transposed: bool, start: usize| {
            let mut tensors = network.tensors().iter();
            let tensor = tensors.find(|tensor| tensor.layer == layer && is_packed(tensor, transposed));
            tensor.map_or_else(PackedMatrix::default, |tensor| {
                PackedMatrix::new::<T>(tensor, transposed, start)
            })
        };
        let places = || (1..=network.depth()).flat_map(|layer| [(layer, true), (layer, false)]);
        let mut end = 0;
        let mut matrices: Vec<_> = places()
            .map(|(layer, transposed)| {
                let matrix = of(layer, transposed, end);
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
            matrices = places().map(|(layer, transposed)| of(layer, transposed, 0)).collect();
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

    /// Copies W^T or W of one layer, if layers take turns.
    pub(crate) fn pack(
        &mut self,
        threads: &Threads,
        parameters: &Parameters<T>,
        layer: usize,
        transposed: bool,
    ) {
        if !self.are_together() {
            let PackedMatrix { parts, panels, .. } = &self.matrices[index(layer, transposed)];
            copy(threads, &mut self.buffer, parts, panels, parameters);
        }
    }

    /// What layer `l` reads.
    pub(crate) fn layer<'a>(&'a self, l: usize, parameters: &'a Parameters<T>) -> LayerWeights<'a, T> {
        let PackedMatrix { rows: n_in, columns: n_out, range, .. } = &self.matrices[index(l, true)];
        if range.is_empty() {
            return LayerWeights::none();
        }
        let weight = match &self.matrices[index(l, false)].range {
            packed if packed.is_empty() => parameters.weight(l).as_slice(),
            packed => &self.buffer[packed.clone()],
        };
        LayerWeights {
            transposed: Panels::new(&self.buffer[range.clone()], *n_in, *n_out),
            weight: Panels::new(weight, *n_out, *n_in),
            bias: parameters.bias(l),
        }
    }

    /// The bytes of the buffer.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.buffer[..])
    }
}

/// The number of a matrix.
fn index(layer: usize, transposed: bool) -> usize {
    2 * (layer - 1) + usize::from(!transposed)
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
        let Panel { layer, transposed, columns } = panels[index].clone();
        let weight = parameters.weight(layer);
        if transposed { transpose_panel(weight, columns, panel) } else { copy_panel(weight, columns, panel) }
    });
}
