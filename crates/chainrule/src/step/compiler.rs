//! Compiles a schedule: turns its operations into phases, and gives tensors their places.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use super::arena_layout::{ArenaLayout, ArenaTensor};
use super::program::{Destination, Operands, Phase, Program, RowOperation};
use super::room::BackwardRoom;
use crate::checkpoint::{Operation, Schedule};
use crate::kernel::Scalar;
use crate::kernel::arena::{Place, Places};
use crate::network::Network;

/// How a program is made.
#[derive(Clone, Copy)]
pub(crate) struct Conditions {
    pub(crate) rows: usize,
    /// Threads that the work is cut for.
    pub(crate) threads: usize,
    /// Whether all gradients are kept until the step's end, so that none has to wait in the arena.
    pub(crate) keeps_gradients: bool,
}

/// A schedule of the layers from the first that has parameters on, in `capacity` numbers. None if they are too few.
pub(crate) fn compiled<T: Scalar>(
    network: &Network,
    conditions: Conditions,
    schedule: &Schedule,
    capacity: usize,
) -> Option<Program> {
    Compiler::<T>::new(network, conditions, capacity).compile(schedule)
}

/// Turns operations into phases, and gives tensors their places.
pub(super) struct Compiler<'a, T> {
    network: &'a Network,
    conditions: Conditions,
    first: usize,
    layout: ArenaLayout,
    phases: Vec<Phase>,
    /// Whether a(first-1) stays from the forward pass on; else it is taken from the batch again for its gradient.
    pub(super) keeps_input: bool,
    /// Whether the gradients of a layer are computed beside the next propagation, for which delta(l) and a(l-1) stay longer.
    pub(super) overlaps: bool,
    /// The layer whose gradients wait for that, and what stays for them.
    waiting: Option<(usize, [ArenaTensor; 2])>,
    number: PhantomData<T>,
}

impl<'a, T: Scalar> Compiler<'a, T> {
    pub(super) fn new(network: &'a Network, conditions: Conditions, capacity: usize) -> Self {
        Compiler {
            network,
            conditions,
            first: network.first_with_parameters(),
            layout: ArenaLayout::new::<T>(capacity),
            phases: Vec::new(),
            keeps_input: false,
            overlaps: false,
            waiting: None,
            number: PhantomData,
        }
    }

    /// The program. Operations count layers from `first` on: 1 is the first layer with parameters.
    pub(super) fn compile(mut self, schedule: &Schedule) -> Option<Program> {
        let (shift, mut rest) = (self.first - 1, &schedule.operations[..]);
        while let Some(operation) = rest.first() {
            let taken = match *operation {
                Operation::Forward(l) => self.forward(l + shift, rest)?,
                Operation::Backward(l) => {
                    self.backward(l + shift)?;
                    1
                }
                Operation::Drop(l) => {
                    self.layout.free(ArenaTensor::State(l + shift));
                    1
                }
            };
            rest = &rest[taken..];
        }
        let Compiler { network, conditions: Conditions { rows, threads, .. }, layout, phases, .. } = self;
        Some(Program::new::<T>(network, rows, threads, phases, &layout))
    }

    /// A run of forward operations from layer `l` on: how many operations it takes from `rest`.
    fn forward(&mut self, l: usize, rest: &[Operation]) -> Option<usize> {
        let shift = self.first - 1;
        let from = if l == self.first { 0 } else { l - 1 };
        // States that were there before and are dropped on the way stay until the run's end if there is room;
        // otherwise the run ends where the first of them goes.
        let runs = [false, true].map(|ends_at_drop| Run::new(rest, ends_at_drop));
        for run in &runs {
            let to = run.to + shift;
            let depth = self.network.depth();
            // The loss turns the last layer's state into its delta.
            let tensor = |l: usize| if l == depth { ArenaTensor::Delta(l) } else { ArenaTensor::State(l) };
            let mut stored: Vec<_> = run.kept.iter().map(|l| (l + shift, tensor(l + shift))).collect();
            if from == 0 && self.keeps_input {
                stored.push((shift, ArenaTensor::State(shift)));
            }
            let lengths: usize = stored
                .iter()
                .map(|(l, _)| self.layout.length_of(self.conditions.rows, self.network.width(*l)))
                .sum();
            if lengths > self.layout.room() {
                continue;
            }
            for (l, tensor) in &stored {
                self.reserve(*tensor, *l)?;
            }
            // Only when all are there: reserving may have moved those before.
            let mut places = Vec::new();
            let mut index_of = |tensor: ArenaTensor, l: usize, layout: &ArenaLayout| {
                places.push(Place { offset: layout.offset(tensor), columns: self.network.width(l) });
                places.len() - 1
            };
            let source = (from > 0).then(|| index_of(ArenaTensor::State(from), from, &self.layout));
            let mut slots = vec![None; to - from + 1];
            for (l, tensor) in stored {
                slots[l - from] = Some(index_of(tensor, l, &self.layout));
            }
            let operations = vec![RowOperation::Forward { from, to, source, stored: slots }];
            self.phases.push(Phase::Rows { places: Places::new(places, self.conditions.rows), operations });
            for l in &run.dropped {
                self.layout.free(ArenaTensor::State(l + shift));
            }
            return Some(run.operations);
        }
        None
    }

    /// Steps 3 and 4 of layer `l`, and its update.
    fn backward(&mut self, l: usize) -> Option<()> {
        let (network, rows) = (self.network, self.conditions.rows);
        let has_parameters = !network.layer_tensors(l).is_empty();
        if l == self.first {
            let input = ArenaTensor::State(l - 1);
            if !self.keeps_input {
                self.reserve(input, l - 1)?;
                let place = self.place(input, l - 1);
                let mut stored = vec![None; l];
                stored[l - 1] = Some(0);
                let operations = vec![RowOperation::Forward { from: 0, to: l - 1, source: None, stored }];
                self.phases.push(Phase::Rows { places: Places::new(vec![place], rows), operations });
            }
            let waiting = BackwardRoom::waiting::<T>(network, l, self.conditions.keeps_gradients);
            match self.waiting.take() {
                // Both in one phase.
                Some((next, tensors)) if next == l + 1 && waiting == 0 => {
                    let (layers, operands) = (l..=next, vec![self.operands(l), self.operands(next)]);
                    let destination = Destination::Parameters;
                    self.phases.push(Phase::Gradients { layers, operands, destination });
                    tensors.into_iter().for_each(|tensor| self.layout.free(tensor));
                }
                Some((layer, tensors)) => {
                    self.gradients(layer, Destination::Parameters);
                    tensors.into_iter().for_each(|tensor| self.layout.free(tensor));
                    self.gradients_together(l, waiting)?;
                }
                None => self.gradients_together(l, waiting)?,
            }
            self.layout.free(input);
            self.layout.free(ArenaTensor::Delta(l));
            return Some(());
        }
        let (state, delta, error) =
            (ArenaTensor::State(l - 1), ArenaTensor::Delta(l), ArenaTensor::Delta(l - 1));
        let room = BackwardRoom::of::<T>(network, l, rows, self.conditions.keeps_gradients);
        if room.beside <= self.layout.room() {
            self.reserve(error, l - 1)?;
            let places = vec![self.place(delta, l), self.place(state, l - 1), self.place(error, l - 1)];
            self.propagate(l, places, Some(2));
            if has_parameters && self.overlaps {
                self.waiting = Some((l, [state, delta]));
                return Some(());
            }
            if has_parameters {
                self.gradients(l, Destination::Parameters);
            }
            self.layout.free(state);
        } else {
            // dW(l) needs a(l-1), so it comes first; W(l) must carry the error back before it changes.
            let waiting = room.over?;
            let destination = if waiting > 0 {
                self.reserve_numbers(ArenaTensor::Gradient, waiting)?;
                Destination::Arena(self.layout.offset(ArenaTensor::Gradient))
            } else {
                Destination::Parameters
            };
            if has_parameters {
                self.gradients(l, destination);
            }
            let places = vec![self.place(delta, l), self.place(state, l - 1)];
            self.propagate(l, places, None);
            if let Destination::Arena(gradient) = destination {
                self.phases.push(Phase::Update { layer: l, gradient });
                self.layout.free(ArenaTensor::Gradient);
            }
            self.layout.rename(state, error);
        }
        self.layout.free(delta);
        Some(())
    }

    fn propagate(&mut self, layer: usize, places: Vec<Place>, error: Option<usize>) {
        let operations = vec![RowOperation::Propagate { layer, delta: 0, state: 1, error }];
        let places = Places::new(places, self.conditions.rows);
        match self.waiting.take() {
            Some((layer, tensors)) => {
                let operands = self.operands(layer);
                self.phases.push(Phase::RowsAndGradients { places, operations, layer, operands });
                tensors.into_iter().for_each(|tensor| self.layout.free(tensor));
            }
            None => self.phases.push(Phase::Rows { places, operations }),
        }
    }

    /// The gradients of layer `l` and its update, for which so many numbers of gradients wait until all are there.
    fn gradients_together(&mut self, l: usize, waiting: usize) -> Option<()> {
        if waiting == 0 {
            self.gradients(l, Destination::Parameters);
            return Some(());
        }
        self.reserve_numbers(ArenaTensor::Gradient, waiting)?;
        let gradient = self.layout.offset(ArenaTensor::Gradient);
        self.gradients(l, Destination::Arena(gradient));
        self.phases.push(Phase::Update { layer: l, gradient });
        self.layout.free(ArenaTensor::Gradient);
        Some(())
    }

    fn gradients(&mut self, l: usize, destination: Destination) {
        let operands = vec![self.operands(l)];
        self.phases.push(Phase::Gradients { layers: l..=l, operands, destination });
    }

    fn operands(&self, l: usize) -> Operands {
        Operands {
            delta: self.place(ArenaTensor::Delta(l), l),
            input: self.place(ArenaTensor::State(l - 1), l - 1),
        }
    }

    /// Makes room for a tensor of layer `l`.
    fn reserve(&mut self, tensor: ArenaTensor, l: usize) -> Option<()> {
        let length = self.layout.length_of(self.conditions.rows, self.network.width(l));
        self.reserve_numbers(tensor, length)
    }

    fn reserve_numbers(&mut self, tensor: ArenaTensor, length: usize) -> Option<()> {
        let moves = self.layout.reserve(tensor, length)?;
        self.phases.extend(moves.into_iter().map(|(from, to)| Phase::Move { from, to }));
        Some(())
    }

    fn place(&self, tensor: ArenaTensor, l: usize) -> Place {
        Place { offset: self.layout.offset(tensor), columns: self.network.width(l) }
    }
}

/// Consecutive forward operations, and the drops among them.
struct Run {
    /// The last layer.
    to: usize,
    /// Layers whose states are there at the end, in order.
    kept: Vec<usize>,
    /// Layers whose states were there before and are dropped.
    dropped: BTreeSet<usize>,
    /// How many operations it has.
    operations: usize,
}

impl Run {
    /// The longest run at the start of `operations`, or the longest that ends before a state from before it is dropped.
    fn new(operations: &[Operation], ends_at_drop: bool) -> Self {
        let mut run = Run { to: 0, kept: Vec::new(), dropped: BTreeSet::new(), operations: 0 };
        for operation in operations {
            match *operation {
                // A state from before that was dropped on the way is still there, and cannot be made anew in this run.
                Operation::Forward(l) if run.dropped.contains(&l) => break,
                Operation::Forward(l) if run.operations == 0 || l == run.to + 1 => {
                    run.to = l;
                    run.kept.push(l);
                }
                Operation::Drop(l) => match run.kept.binary_search(&l) {
                    Ok(place) => _ = run.kept.remove(place),
                    Err(_) if !ends_at_drop => _ = run.dropped.insert(l),
                    Err(_) => break,
                },
                _ => break,
            }
            run.operations += 1;
        }
        run
    }
}
