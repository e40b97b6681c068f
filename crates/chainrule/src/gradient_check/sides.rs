//! The forward passes of the two sides of a parameter: from its layer on, and no further than they change anything.

use super::Kink;
use crate::forward::{Cache, activate_output, in_panels};
use crate::kernel::panels::Panels;
use crate::kernel::transpose::{transpose, transpose_to_rows};
use crate::matrix::Matrix;
use crate::mode::Mode;
use crate::network::Network;
use crate::parameters::{Parameters, TensorLayout};
use crate::walk::Walk;

/// What a layer costs beside its multiplications, in the unit of those: a layer of few neurons is mostly calls.
const LAYER_COST: u64 = 2_000;

/// Runs pairs of forward passes which differ from one that was run in a single parameter.
///
/// What lies before the parameter's layer is the same, and is not computed again. Where both sides reach a layer with a of
/// the very bits that it had before, as behind neurons that are off, all from there on is what it was, too.
pub(super) struct Sides<'a> {
    network: &'a Network,
    mode: Mode,
    batch: usize,
    /// a(0)..a(L-1) before the parameter moved, samples as columns.
    activations: Vec<Vec<f64>>,
    /// Of both sides: a layer's values, and room for the next one's.
    values: [Vec<f64>; 2],
    next: [Vec<f64>; 2],
    /// Multiplications and more, since this was made: a measure of time that does not depend on the machine.
    pub(super) work: u64,
}

/// What two passes end with.
pub(super) struct Ends {
    /// The first z, from the inputs on, that passes a kink between the sides.
    pub(super) kink: Option<Kink>,
    /// z(L) and a(L) of each side. None where they are what they were before, or were not asked for.
    pub(super) outputs: Option<[(Matrix<f64>, Matrix<f64>); 2]>,
}

impl<'a> Sides<'a> {
    /// For parameters of which this is the forward pass.
    pub(super) fn new(network: &'a Network, cache: &Cache<f64>) -> Self {
        let batch = cache.batch_size();
        let turned = |l: usize| {
            let rows = cache.activation(l);
            let mut columns = vec![0.0; rows.as_slice().len()];
            transpose(Panels::new(&in_panels(rows.view()), batch, rows.columns()), &mut columns);
            columns
        };
        let widest = network.widest();
        let room = || [(); 2].map(|()| vec![0.0; batch * widest]);
        Sides {
            network,
            mode: cache.mode,
            batch,
            activations: (0..network.depth()).map(turned).collect(),
            values: room(),
            next: room(),
            work: 0,
        }
    }

    /// Both passes, with these numbers for an element of a tensor, which is left as it was. `whole` ones go on behind a kink.
    pub(super) fn run(
        &mut self,
        parameters: &mut Parameters<f64>,
        (tensor, element): (&TensorLayout, usize),
        numbers: [f64; 2],
        whole: bool,
    ) -> Ends {
        let (network, batch, first, depth) = (self.network, self.batch, tensor.layer, self.network.depth());
        let mut kink = None;
        for l in first..=depth {
            let (n_in, width) = (network.width(l - 1), network.width(l));
            let (row, column) = (element / tensor.columns, element % tensor.columns);
            let before = parameters.tensor(tensor).element(row, column);
            for side in 0..2 {
                let input = if l == first { &self.activations[l - 1] } else { &self.values[side] };
                if l == first {
                    parameters.set_element(tensor, row, column, numbers[side]);
                }
                let walk = walk_of(network, self.mode, batch, parameters);
                walk.pre_activation(l, &input[..n_in * batch], &mut self.next[side][..width * batch]);
            }
            parameters.set_element(tensor, row, column, before);
            std::mem::swap(&mut self.values, &mut self.next);
            let flops = network.layers()[l - 1].forward_flops(n_in).max(width as u64);
            self.work += 2 * (flops.saturating_mul(batch as u64) + LAYER_COST);
            kink = kink.or_else(|| self.kink_at(l));
            if kink.is_some() && !whole {
                return Ends { kink, outputs: None };
            }
            if l == depth {
                break;
            }
            let [up, down] = &mut self.values;
            let (up, down) = (&mut up[..width * batch], &mut down[..width * batch]);
            let walk = walk_of(network, self.mode, batch, parameters);
            walk.activate(l, up);
            walk.activate(l, down);
            let before = &self.activations[l];
            if same_bits(up, before) && same_bits(down, before) {
                return Ends { kink, outputs: None };
            }
        }
        let output = |values: &Vec<f64>| {
            let z = self.in_rows(values, depth);
            let mut a = z.clone();
            activate_output(network.output_activation(), network.output_width(), a.as_mut_slice());
            (z, a)
        };
        let outputs = Some(self.values.each_ref().map(output));
        Ends { kink, outputs }
    }

    fn in_rows(&self, values: &[f64], l: usize) -> Matrix<f64> {
        let width = self.network.width(l);
        let mut rows = Matrix::zeros(self.batch, width);
        transpose_to_rows(Panels::new(&values[..width * self.batch], width, self.batch), rows.as_mut_slice());
        rows
    }

    /// The first z(l), row by row, that passes a kink between the sides.
    fn kink_at(&self, l: usize) -> Option<Kink> {
        let kinks = self.network.layers()[l - 1].activation().map_or(&[][..], |sigma| sigma.kinks());
        if kinks.is_empty() {
            return None;
        }
        let passes = |a: f64, b: f64| a != b && kinks.iter().any(|&k| (a - k) * (b - k) <= 0.0);
        let count = self.batch * self.network.width(l);
        let [up, down] = self.values.each_ref().map(|values| &values[..count]);
        if !up.iter().zip(down).any(|(&a, &b)| passes(a, b)) {
            return None;
        }
        let [up, down] = [up, down].map(|values| self.in_rows(values, l));
        let mut pairs = up.as_slice().iter().zip(down.as_slice());
        let place = pairs.position(|(&a, &b)| passes(a, b))?;
        let width = self.network.width(l);
        Some(Kink::Neuron { layer: l, neuron: place % width, sample: place / width })
    }
}

/// A walk of all rows of the batch through the network.
fn walk_of<'a>(
    network: &'a Network,
    mode: Mode,
    rows: usize,
    parameters: &'a Parameters<f64>,
) -> Walk<'a, f64> {
    Walk { network, parameters: parameters.view(), mode, rows, first_sample: 0, threads: None }
}

fn same_bits(one: &[f64], other: &[f64]) -> bool {
    one.iter().zip(other).all(|(one, other)| one.to_bits() == other.to_bits())
}
