//! The program of the plain step, in as much memory as makes it fast.

use super::arena_layout::{ArenaLayout, ArenaTensor};
use super::compiler::{Compiler, Conditions};
use super::program::{Destination, Operands, Phase, Program, RowOperation};
use super::room::BackwardRoom;
use crate::checkpoint::Schedule;
use crate::kernel::Scalar;
use crate::kernel::arena::Places;
use crate::network::Network;

/// Bytes of weights, and of deltas, up to which a block of rows goes through all layers and back in one phase. Larger ones
/// would only push each other out of the caches.
const WEIGHTS_TOGETHER: usize = 4 << 20;
const DELTAS_TOGETHER: usize = 4 << 20;

/// The schedule that drops nothing: a(0) is kept for the first layer's gradient; where all is small, so are all deltas, and
/// the gradients of all layers are one phase.
pub(crate) fn fast_program<T: Scalar>(network: &Network, rows: usize, threads: usize) -> Program {
    let hidden = (1..network.depth()).map(|l| network.width(l)).sum::<usize>();
    let deltas = hidden * rows * size_of::<T>();
    let weights = network.parameter_count() * size_of::<T>();
    if weights <= WEIGHTS_TOGETHER && deltas <= DELTAS_TOGETHER {
        return together::<T>(network, rows, threads);
    }
    let first = network.first_with_parameters();
    let conditions = Conditions { rows, threads, keeps_gradients: false };
    let mut compiler = Compiler::<T>::new(network, conditions, usize::MAX);
    compiler.keeps_input = true;
    compiler.overlaps = true;
    compiler.compile(&Schedule::plain(network.depth() + 1 - first)).expect("there is room for everything")
}

/// All rows forward and back in one phase, all gradients in another.
fn together<T: Scalar>(network: &Network, rows: usize, threads: usize) -> Program {
    let (depth, first) = (network.depth(), network.first_with_parameters());
    let mut layout = ArenaLayout::new::<T>(usize::MAX);
    // a(first-1), and the states and deltas of the layers from there.
    let mut places = Vec::new();
    let mut reserve = |tensor: ArenaTensor, l: usize| {
        places.push(layout.place(tensor, rows, network.width(l)).expect("there is room for everything"));
        places.len() - 1
    };
    let input = reserve(ArenaTensor::State(first - 1), first - 1);
    let states: Vec<usize> = (first..depth).map(|l| reserve(ArenaTensor::State(l), l)).collect();
    let deltas: Vec<usize> = (first..=depth).map(|l| reserve(ArenaTensor::Delta(l), l)).collect();
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
    let mut operands: Vec<Operands> = operands.collect();
    let mut phases = vec![Phase::Rows { places: Places::new(places, rows), operations }];
    let gradients = |layers, operands, destination| Phase::Gradients { layers, operands, destination };
    let waiting = BackwardRoom::waiting::<T>(network, first, false);
    if waiting > 0 {
        let gradient = layout.reserve(ArenaTensor::Gradient, waiting).expect("there is room for everything");
        debug_assert!(gradient.is_empty(), "nothing has to move");
        let gradient = layout.offset(ArenaTensor::Gradient);
        let of_first = vec![operands.remove(0)];
        if depth > first {
            phases.push(gradients(first + 1..=depth, operands, Destination::Parameters));
        }
        phases.push(gradients(first..=first, of_first, Destination::Arena(gradient)));
        phases.push(Phase::Update { layer: first, gradient });
    } else {
        phases.push(gradients(first..=depth, operands, Destination::Parameters));
    }
    Program::new::<T>(network, rows, threads, phases, &layout)
}
