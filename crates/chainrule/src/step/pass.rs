//! Steps 1 to 3 for some rows of a batch: forward, output error, backward.

use std::ops::Range;

use super::program::RowOperation;
use crate::forward::activate_output;
use crate::inputs::is_input;
use crate::kernel::Scalar;
use crate::kernel::arena::Block;
use crate::kernel::panels::{Panels, from_rows, panel_width};
use crate::kernel::rows::Rows;
use crate::kernel::transpose::{transpose, transpose_changing, transpose_to_rows};
use crate::kernel::vectorized::all_finite;
use crate::loss::{Loss, Output};
use crate::mode::Mode;
use crate::network::Network;
use crate::parameters::{Parameters, ParametersView};
use crate::samples::Samples;
use crate::walk::{Next, Shown, Walk};

/// One step's constants.
pub(super) struct Pass<'a, T> {
    pub(super) network: &'a Network,
    pub(super) loss: &'a Loss,
    pub(super) parameters: ParametersView<'a, T>,
    pub(super) mode: Mode,
    pub(super) batch: Samples<'a, T>,
    pub(super) total_weight: f64,
    /// The batch's sample that row 0 is.
    pub(super) first_sample: usize,
}

/// A thread's memory for a block of rows.
struct Workspace<'a, T> {
    /// A layer's values and its input's, with samples as columns.
    turned: [&'a mut [T]; 2],
    /// z(L), a(L), delta(L), row by row.
    output: [&'a mut [T]; 3],
}

impl<'a, T: Scalar> Workspace<'a, T> {
    fn new(scratch: &'a mut [T], rows: usize, output_width: usize) -> Self {
        let output = rows * output_width;
        let (z, rest) = scratch.split_at_mut(output);
        let (a, rest) = rest.split_at_mut(output);
        let (delta, rest) = rest.split_at_mut(output);
        let (one, other) = rest.split_at_mut(rest.len() / 2);
        Workspace { turned: [one, other], output: [z, a, delta] }
    }
}

impl<T: Scalar> Pass<'_, T> {
    /// Operations, one after the other. `losses` are those of the block's samples.
    pub(super) fn run_all(
        &self,
        operations: &[RowOperation],
        block: &mut Block<'_, T>,
        scratch: &mut [T],
        losses: &mut [f64],
    ) {
        operations.iter().for_each(|operation| self.run(operation, block, scratch, losses));
    }

    fn run(&self, operation: &RowOperation, block: &mut Block<'_, T>, scratch: &mut [T], losses: &mut [f64]) {
        match operation {
            RowOperation::Forward { from, to, source, stored } => {
                self.forward((*from, *to), *source, stored, block, scratch, losses);
            }
            RowOperation::Propagate { layer, delta, state, error } => {
                self.propagate(*layer, (*delta, *state, *error), block, scratch);
            }
        }
    }

    fn walk(&self, rows: &Range<usize>) -> Walk<'_, T> {
        let Pass { network, parameters, mode, first_sample, .. } = *self;
        Walk {
            network,
            parameters,
            mode,
            rows: rows.len(),
            first_sample: first_sample + rows.start,
            threads: None,
        }
    }

    fn keeps_pre_activation(&self, l: usize) -> bool {
        self.network.layers()[l - 1].keeps_pre_activation()
    }

    /// Step 1 for the layers after `from` up to `to`, and step 2 if that is the last.
    fn forward(
        &self,
        (from, to): (usize, usize),
        source: Option<usize>,
        stored: &[Option<usize>],
        block: &mut Block<'_, T>,
        scratch: &mut [T],
        losses: &mut [f64],
    ) {
        let (network, rows) = (self.network, block.rows());
        let Workspace { turned: [values, next], output } =
            Workspace::new(scratch, rows.len(), network.output_width());
        let walk = self.walk(&rows);
        let numbers = rows.len() * network.width(from);
        match source {
            Some(source) => {
                let [state] = block.tensors([source]);
                transpose(Panels::new(state, rows.len(), network.width(from)), &mut values[..numbers]);
                if self.keeps_pre_activation(from) {
                    walk.activate(from, &mut values[..numbers]);
                }
            }
            None => {
                let samples = walk.first_sample..walk.first_sample + rows.len();
                let input = match stored[0] {
                    Some(place) => &mut *block.tensors([place])[0],
                    None => &mut next[..numbers],
                };
                self.batch.inputs.write_panels(samples, input);
                if to > from {
                    transpose(Panels::new(input, rows.len(), network.width(0)), &mut values[..numbers]);
                }
            }
        }
        let last = walk.forward(from + 1..=to, [values, next], |l, shown, values| {
            if shown == Shown::Activation || l == network.depth() {
                return if l == to { Next::End } else { Next::On };
            }
            let Some(place) = stored[l - from] else { return Next::On };
            // Tile by tile z becomes a, and the state is turned over, which is either of them. Nobody needs a of the last
            // state, where that is z.
            let shape = (network.width(l), rows.len());
            let [state] = block.tensors([place]);
            let activate = |tile: &mut [T]| walk.activate(l, tile);
            match self.keeps_pre_activation(l) {
                true if l == to => transpose(Panels::new(values, shape.0, shape.1), state),
                true => transpose_changing(values, shape, state, |_| (), activate),
                false => transpose_changing(values, shape, state, activate, |_| ()),
            }
            if l == to { Next::End } else { Next::Activated }
        });
        if to == network.depth() && to > from {
            let place = stored[to - from].expect("the output error has a place");
            let z = &last[..rows.len() * network.output_width()];
            self.output_error(z, output, place, block, losses);
        }
    }

    /// Step 2: the losses and delta(L), from z(L)^T.
    fn output_error(
        &self,
        values: &[T],
        [z, a, delta]: [&mut [T]; 3],
        place: usize,
        block: &mut Block<'_, T>,
        losses: &mut [f64],
    ) {
        let (activation, width) = (self.network.output_activation(), self.network.output_width());
        let rows = block.rows();
        let samples = self.first_sample + rows.start..self.first_sample + rows.end;
        let [panels] = block.tensors([place]);
        transpose_to_rows(Panels::new(values, width, rows.len()), z);
        a.copy_from_slice(z);
        activate_output(activation, width, a);
        let targets = self.batch.targets.slice(samples.clone());
        let sample_weights = self.batch.sample_weights.map(|weights| &weights[samples]);
        let output = Output { activation, width, z, a };
        let mut error = |delta: &mut [T]| {
            self.loss.output_error_rows(output, targets, sample_weights, self.total_weight, delta, losses);
        };
        if width <= panel_width::<T>() {
            // Rows of one panel are a matrix in panels.
            error(panels);
        } else {
            error(delta);
            from_rows(Rows::new(delta, rows.len(), width), panels);
        }
    }

    /// Step 3: delta(l-1) from delta(l), beside the state of layer l-1 or over it.
    fn propagate(
        &self,
        l: usize,
        (delta, state, error): (usize, usize, Option<usize>),
        block: &mut Block<'_, T>,
        scratch: &mut [T],
    ) {
        let walk = self.walk(&block.rows());
        let carry_back = |delta: &[T], state: &mut [T], error: &mut [T], scratch: &mut [T]| {
            let input = walk.backward_reads_input(l).then(|| {
                let input = &mut scratch[..state.len()];
                input.copy_from_slice(state);
                if self.keeps_pre_activation(l - 1) {
                    walk.activate(l - 1, input);
                }
                &*input
            });
            walk.carry_back(l, delta, input, error);
            walk.through_activation(l - 1, state, error);
        };
        match error {
            Some(error) => {
                let [delta, state, error] = block.tensors([delta, state, error]);
                carry_back(delta, state, error, scratch);
            }
            None => {
                let [delta, state] = block.tensors([delta, state]);
                let (error, scratch) = scratch.split_at_mut(state.len());
                carry_back(delta, state, error, scratch);
                state.copy_from_slice(error);
            }
        }
    }

    /// The first value of `rows` rows that is not finite, and its layer: an input, one of all parameters, z or a. Everything is
    /// computed anew, `most_rows` rows at a time, in scratch memory.
    pub(super) fn first_not_finite(
        &self,
        rows: usize,
        most_rows: usize,
        all: &Parameters<T>,
        scratch: &mut [T],
    ) -> Option<(&'static str, usize)> {
        const IN_ORDER: [&str; 3] = ["input", "z", "a"];
        let blocks = (0..rows).step_by(most_rows).map(|start| start..rows.min(start + most_rows));
        let first = blocks.filter_map(|rows| self.first_not_finite_in(rows, scratch)).min();
        match (first, all.first_not_finite()) {
            (Some((l, order)), parameters) if l == 0 || parameters.is_none() => Some((IN_ORDER[order], l)),
            (_, parameters) => parameters.map(|tensor| ("parameter", tensor.layer)),
        }
    }

    /// The same in one block: the layer, and the place in that order.
    fn first_not_finite_in(&self, rows: Range<usize>, scratch: &mut [T]) -> Option<(usize, usize)> {
        let (network, count) = (self.network, rows.len());
        let output_width = network.output_width();
        let Workspace { turned: [values, next], output: [z, ..] } =
            Workspace::new(scratch, count, output_width);
        let n_0 = network.input_width();
        let input = &mut next[..count * n_0];
        let samples = self.first_sample + rows.start..self.first_sample + rows.end;
        self.batch.inputs.write_panels(samples, input);
        let may_be_missing = network.inputs_that_may_be_missing();
        let inputs = Panels::new(input, count, n_0);
        let is_taken = |row: usize| {
            inputs.row(row).zip(&may_be_missing).all(|(value, missing)| is_input(value, *missing))
        };
        if !all_finite(input) && !(0..count).all(is_taken) {
            return Some((0, 0));
        }
        transpose(Panels::new(input, count, n_0), &mut values[..count * n_0]);
        let mut found = None;
        let last = self.walk(&rows).forward(1..=network.depth(), [values, next], |l, shown, values| {
            if all_finite(values) {
                return Next::On;
            }
            found = Some((l, if shown == Shown::PreActivation { 1 } else { 2 }));
            Next::End
        });
        if found.is_none() {
            transpose_to_rows(Panels::new(&last[..count * output_width], output_width, count), z);
            activate_output(network.output_activation(), output_width, z);
            found = (!all_finite(z)).then_some((network.depth(), 2));
        }
        found
    }
}

/// Samples that go through the program together.
#[derive(Clone, Copy)]
pub(super) struct MicroBatch<'a, T> {
    pub(super) batch: Samples<'a, T>,
    /// The first of them.
    pub(super) first: usize,
    pub(super) rows: usize,
    /// Whether the batch ends with them.
    pub(super) is_last: bool,
    /// The whole batch's.
    pub(super) total_weight: f64,
    pub(super) mode: Mode,
}

impl<'a, T: Scalar> MicroBatch<'a, T> {
    pub(super) fn pass(
        self,
        network: &'a Network,
        loss: &'a Loss,
        parameters: ParametersView<'a, T>,
    ) -> Pass<'a, T> {
        let MicroBatch { batch, first, total_weight, mode, .. } = self;
        Pass { network, loss, parameters, mode, batch, total_weight, first_sample: first }
    }
}
