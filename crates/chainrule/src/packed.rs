//! The weights of a network in the layouts that products read, copied anew for each step.

use std::ops::Range;

use aligned_vec::{AVec, ConstAlign};

use crate::kernel::elementwise::Parts;
use crate::kernel::packing::{copy_panel, transpose_panel};
use crate::kernel::panels::{Panels, panel_width};
use crate::kernel::{Scalar, Threads};
use crate::layer::LayerWeights;
use crate::network::Network;
use crate::parameters::{ALIGNMENT, Parameters};

/// W^T of every layer in panels and, for layers that carry an error back, W in panels.
pub(crate) struct PackedWeights<T> {
    buffer: AVec<T, ConstAlign<ALIGNMENT>>,
    /// One panel each.
    parts: Parts,
    panels: Vec<Panel>,
    layers: Vec<PackedLayer>,
}

/// What a part of the buffer is.
#[derive(Clone)]
struct Panel {
    layer: usize,
    transposed: bool,
    columns: Range<usize>,
}

/// Where a layer's matrices lie.
#[derive(Clone, Default)]
struct PackedLayer {
    transposed: Range<usize>,
    /// Empty where W is one panel, and so its own copy, and where nothing is carried back.
    weight: Range<usize>,
    carries_back: bool,
}

impl<T: Scalar> PackedWeights<T> {
    /// Reserves the buffer. `carries_back` tells which layers carry an error back to the layer before.
    pub(crate) fn new(network: &Network, carries_back: impl Fn(usize) -> bool) -> Self {
        let (mut length, mut ranges, mut panels) = (0, Vec::new(), Vec::new());
        let mut layers = vec![PackedLayer::default(); network.depth()];
        for tensor in network.tensors().iter().filter(|tensor| !tensor.is_vector) {
            let (layer, n_out, n_in) = (tensor.layer, tensor.rows, tensor.columns);
            let mut reserve = |transposed: bool, rows: usize, columns: usize| {
                let begin = length;
                for start in (0..columns).step_by(panel_width::<T>()) {
                    let columns = start..columns.min(start + panel_width::<T>());
                    ranges.push(length..length + rows * columns.len());
                    length += rows * columns.len();
                    panels.push(Panel { layer, transposed, columns });
                }
                let range = begin..length;
                length = length.next_multiple_of(ALIGNMENT / size_of::<T>());
                range
            };
            let packed = &mut layers[layer - 1];
            packed.carries_back = carries_back(layer);
            packed.transposed = reserve(true, n_in, n_out);
            if packed.carries_back && n_in > panel_width::<T>() {
                packed.weight = reserve(false, n_out, n_in);
            }
        }
        let buffer = AVec::__from_elem(ALIGNMENT, T::zero(), length);
        PackedWeights { buffer, parts: Parts::new(ranges), panels, layers }
    }

    /// Copies the weights.
    pub(crate) fn pack(&mut self, threads: &Threads, parameters: &Parameters<T>) {
        let PackedWeights { buffer, parts, panels, .. } = self;
        let buffers = [&mut buffer[..], &mut [], &mut [], &mut []];
        parts.for_each(threads, 0..parts.count(), buffers, |index, [panel, ..]| {
            let Panel { layer, transposed, columns } = panels[index].clone();
            let weight = parameters.weight(layer);
            if transposed {
                transpose_panel(weight, columns, panel)
            } else {
                copy_panel(weight, columns, panel)
            }
        });
    }

    /// What layer `l` reads.
    pub(crate) fn layer<'a>(&'a self, l: usize, parameters: &'a Parameters<T>) -> LayerWeights<'a, T> {
        let PackedLayer { transposed, weight, carries_back } = &self.layers[l - 1];
        if transposed.is_empty() {
            return LayerWeights::none();
        }
        let own = parameters.weight(l);
        let (n_out, n_in) = (own.rows(), own.columns());
        LayerWeights {
            transposed: Panels::new(&self.buffer[transposed.clone()], n_in, n_out),
            weight: match (carries_back, weight.is_empty()) {
                (false, _) => Panels::new(&[], 0, 0),
                (true, true) => Panels::new(own.as_slice(), n_out, n_in),
                (true, false) => Panels::new(&self.buffer[weight.clone()], n_out, n_in),
            },
            bias: parameters.bias(l),
        }
    }

    /// The bytes of the buffer.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.buffer[..])
    }
}
