//! What a step does, phase by phase, and where its tensors lie: a schedule, compiled.
//!
//! A phase is work that all threads share, with a barrier behind it. Consecutive forward operations are one phase, in
//! which each block of rows goes through all these layers; states that the schedule drops before the phase ends are
//! never written.

use std::ops::{Range, RangeInclusive};

use super::compiler::Compiler;
use super::layout::{Layout, Tensor};
use crate::kernel::Scalar;
use crate::kernel::arena::{Cut, Place, Places};
use crate::kernel::parts::Parts;
use crate::memory::{Purpose, Schedule};
use crate::network::Network;
use crate::parameters::TensorLayout;

/// Bytes of weights, and of deltas, up to which a block of rows goes through all layers and back in one phase. Larger ones
/// would only push each other out of the caches.
const WEIGHTS_TOGETHER: usize = 4 << 20;
const DELTAS_TOGETHER: usize = 4 << 20;

/// A compiled schedule for batches of up to `rows` rows.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) rows: usize,
    /// Rows of a block, at most.
    pub(crate) most_rows: usize,
    /// Numbers of scratch memory that a thread needs.
    pub(crate) scratch: usize,
    pub(crate) phases: Vec<Phase>,
    /// Numbers in the arena.
    pub(crate) length: usize,
    at_peak: Vec<(Tensor, usize)>,
}

/// Work between two barriers.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// These operations, one after the other, for each block of rows.
    Rows { places: Places, operations: Vec<RowOperation> },
    /// dW(l) and db(l) of some layers, from all rows.
    Gradients { layers: RangeInclusive<usize>, operands: Vec<Operands>, target: Target },
    /// W(l) and b(l) take the gradients that lie at this offset.
    Update { layer: usize, gradient: usize },
    /// A tensor moves to a smaller offset.
    Move { from: Range<usize>, to: usize },
}

impl Phase {
    /// Whether losses are computed in this phase.
    pub(crate) fn has_loss(&self, network: &Network) -> bool {
        let Phase::Rows { operations, .. } = self else { return false };
        matches!(operations[..], [RowOperation::Forward { to, .. }, ..] if to == network.depth())
    }
}

/// Where delta(l) and a(l-1) lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operands {
    pub(crate) delta: Place,
    pub(crate) input: Place,
}

/// Where gradients go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    /// Into the update at once, part by part; or to those that are kept, where the step keeps them.
    Parameters,
    /// To this offset in the arena, for [`Phase::Update`].
    Arena(usize),
}

/// Work on a block of rows. Tensors are named by their index among the phase's places.
#[derive(Clone, Debug)]
pub(crate) enum RowOperation {
    /// Step 1 for the layers after `from` up to `to`, and step 2 if that is the last. `from` 0 are the inputs, else
    /// its state is `source`. `stored[i]` is where the state of layer `from + i` goes, if anywhere; for inputs, a(0);
    /// for the last layer, its delta.
    Forward { from: usize, to: usize, source: Option<usize>, stored: Vec<Option<usize>> },
    /// Step 3: delta(l-1) from delta(l), and a(l-1) in place of the state of layer l-1; or, if there is no `error`,
    /// delta(l-1) in place of the state.
    Propagate { layer: usize, delta: usize, state: usize, error: Option<usize> },
}

/// How a program is made.
#[derive(Clone, Copy)]
pub(crate) struct Conditions {
    pub(crate) rows: usize,
    /// Threads that the work is cut for.
    pub(crate) threads: usize,
    /// Whether all gradients are kept until the step's end, so that none has to wait in the arena.
    pub(crate) keeps_gradients: bool,
}

impl Program {
    pub(super) fn new(
        network: &Network,
        rows: usize,
        threads: usize,
        phases: Vec<Phase>,
        layout: &Layout,
    ) -> Self {
        Program {
            rows,
            most_rows: most_rows(network, rows, threads),
            scratch: Program::scratch(network, rows, threads),
            phases,
            length: layout.length(),
            at_peak: layout.at_peak(),
        }
    }

    /// The plain step, in as much memory as makes it fast: a(0) is kept for the first layer's gradient; where all is
    /// small, so are all deltas, and the gradients of all layers are one phase.
    pub(crate) fn fast<T: Scalar>(network: &Network, rows: usize, threads: usize) -> Self {
        let hidden = (1..network.depth()).map(|l| network.width(l)).sum::<usize>();
        let deltas = hidden * rows * size_of::<T>();
        let weights = network.parameter_count() * size_of::<T>();
        if weights <= WEIGHTS_TOGETHER && deltas <= DELTAS_TOGETHER {
            return Program::together::<T>(network, rows, threads);
        }
        let first = first_with_parameters(network);
        let conditions = Conditions { rows, threads, keeps_gradients: false };
        let mut compiler = Compiler::<T>::new(network, conditions, usize::MAX);
        compiler.keeps_input = true;
        compiler.compile(&Schedule::plain(network.depth() + 1 - first)).expect("there is room for everything")
    }

    /// All rows forward and back in one phase, all gradients in another.
    fn together<T: Scalar>(network: &Network, rows: usize, threads: usize) -> Self {
        let (depth, first) = (network.depth(), first_with_parameters(network));
        let mut layout = Layout::new::<T>(usize::MAX);
        // a(first-1), and the states and deltas of the layers from there.
        let mut places = Vec::new();
        let mut reserve = |tensor: Tensor, l: usize| {
            places.push(layout.place(tensor, rows, network.width(l)).expect("there is room for everything"));
            places.len() - 1
        };
        let input = reserve(Tensor::State(first - 1), first - 1);
        let states: Vec<usize> = (first..depth).map(|l| reserve(Tensor::State(l), l)).collect();
        let deltas: Vec<usize> = (first..=depth).map(|l| reserve(Tensor::Delta(l), l)).collect();
        let mut stored = vec![None; depth + 1];
        stored[first - 1] = Some(input);
        (first..depth).for_each(|l| stored[l] = Some(states[l - first]));
        stored[depth] = deltas.last().copied();
        let mut operations = vec![RowOperation::Forward { from: 0, to: depth, source: None, stored }];
        operations.extend((first + 1..=depth).rev().map(|layer| RowOperation::Propagate {
            layer,
            delta: deltas[layer - first],
            state: states[layer - 1 - first],
            error: Some(deltas[layer - 1 - first]),
        }));
        let operands = (first..=depth).map(|l| Operands {
            delta: places[deltas[l - first]],
            input: places[if l == first { input } else { states[l - 1 - first] }],
        });
        let operands = operands.collect();
        let phases = vec![
            Phase::Rows { places: Places::new(places, rows), operations },
            Phase::Gradients { layers: first..=depth, operands, target: Target::Parameters },
        ];
        Program::new(network, rows, threads, phases, &layout)
    }

    /// A schedule of the layers from the first that has parameters on, in `capacity` numbers. None if they are too few.
    pub(crate) fn of_schedule<T: Scalar>(
        network: &Network,
        conditions: Conditions,
        schedule: &Schedule,
        capacity: usize,
    ) -> Option<Self> {
        Compiler::<T>::new(network, conditions, capacity).compile(schedule)
    }

    /// What lies in the arena when most does, and how many numbers each tensor takes; their sum is the arena's length.
    pub(crate) fn at_peak(&self) -> Vec<(Purpose, String, usize)> {
        let named = |(tensor, length): &(Tensor, usize)| match tensor {
            Tensor::State(0) => (Purpose::States, "a copy of the inputs".to_owned(), *length),
            Tensor::State(l) => (Purpose::States, format!("state of layer {l}"), *length),
            Tensor::Delta(l) => (Purpose::Deltas, format!("delta of layer {l}"), *length),
            Tensor::Gradient => (Purpose::Deltas, "gradients of a layer".to_owned(), *length),
        };
        let mut tensors: Vec<_> = self.at_peak.iter().map(named).collect();
        let gaps = self.length - tensors.iter().map(|(_, _, length)| length).sum::<usize>();
        if gaps > 0 {
            tensors.push((Purpose::States, "gaps between them".to_owned(), gaps));
        }
        tensors
    }

    /// Numbers of scratch memory that a thread needs.
    pub(crate) fn scratch(network: &Network, rows: usize, threads: usize) -> usize {
        let widest = (0..=network.depth()).map(|l| network.width(l)).max().unwrap_or(0);
        let numbers = 2 * widest + 3 * network.output_width();
        let block = most_rows(network, rows, threads) * numbers;
        let rows_in_part = rows_in_part(network, rows);
        let part = |tensor: &TensorLayout| part_shape(tensor, rows_in_part).iter().product();
        block.max(network.tensors().iter().map(part).max().unwrap_or(0))
    }
}

/// The gradients of the network, cut into parts, one task each: some rows of a weight, or a bias.
#[derive(Clone, Debug)]
pub(crate) struct GradientParts {
    pub(crate) parts: Parts,
    /// The layer, the number of its tensor, and the rows that each part is.
    pub(crate) places: Vec<(usize, usize, Range<usize>)>,
    /// The parts of layer l are `first[l - 1]..first[l]`.
    first: Vec<usize>,
}

impl GradientParts {
    pub(crate) fn new(network: &Network, rows: usize) -> Self {
        let rows_in_part = rows_in_part(network, rows);
        let (mut ranges, mut places, mut first) = (Vec::new(), Vec::new(), vec![0]);
        for l in 1..=network.depth() {
            for (number, tensor) in network.layer_tensors(l).iter().enumerate() {
                let [step, length] = part_shape(tensor, rows_in_part);
                let rows = tensor.count() / length;
                for start in (0..rows).step_by(step) {
                    let rows = start..rows.min(start + step);
                    ranges.push(tensor.offset() + rows.start * length..tensor.offset() + rows.end * length);
                    places.push((l, number, rows));
                }
            }
            first.push(places.len());
        }
        GradientParts { parts: Parts::new(ranges), places, first }
    }

    /// The parts of these layers.
    pub(crate) fn of(&self, layers: &RangeInclusive<usize>) -> Range<usize> {
        self.first[layers.start() - 1]..self.first[*layers.end()]
    }
}

/// Steps on less work than this are faster on one thread.
const SERIAL_FLOPS: u64 = 400_000;

/// Whether a step on so many rows is done by the calling thread alone.
pub(crate) fn is_small(network: &Network, rows: usize) -> bool {
    network.step_flops().saturating_mul(rows as u64) < SERIAL_FLOPS
}

/// Rows of a block, at most, for batches of up to `rows` rows.
fn most_rows(network: &Network, rows: usize, threads: usize) -> usize {
    Cut::most_rows(rows, if is_small(network, rows) { 1 } else { threads })
}

/// Rows of a weight in a part of its gradient; fewer where there is little work, so that there are enough parts.
fn rows_in_part(network: &Network, rows: usize) -> usize {
    if network.step_flops().saturating_mul(rows as u64) < 20_000_000 { 8 } else { 16 }
}

/// Rows of a part of a tensor's gradient, and the length of a row: a few rows of a weight, or a bias as a column.
fn part_shape(tensor: &TensorLayout, rows_in_part: usize) -> [usize; 2] {
    if tensor.is_vector { [tensor.columns, 1] } else { [rows_in_part.min(tensor.rows), tensor.columns] }
}

/// The first layer that has parameters.
pub(crate) fn first_with_parameters(network: &Network) -> usize {
    network.tensors().first().map_or(1, |tensor| tensor.layer)
}
