//! Step 4, and step 5 where gradients are not kept, from the values of all rows.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::cut::{GradientPart, GradientParts};
use super::pass::MicroBatch;
use super::program::{Destination, Operands, RowOperation};
use crate::kernel::arena::{Cut, Places, Work};
use crate::kernel::gemm::Accumulate;
use crate::kernel::panels::Blocks;
use crate::kernel::parts::{PartTasks, Scratch, Together};
use crate::kernel::vectorized::all_finite;
use crate::kernel::{Scalar, Threads};
use crate::layer::{GradientContext, LayerTensors};
use crate::loss::Loss;
use crate::network::Network;
use crate::optimizer::{NextStep, Optimizer};
use crate::parameters::{Gradients, Parameters, ParametersView};

/// The gradients of some layers.
pub(super) struct GradientStep<'a> {
    pub(super) network: &'a Network,
    pub(super) parts: &'a GradientParts,
    pub(super) cut: Cut,
    pub(super) layers: RangeInclusive<usize>,
    /// Of these layers, in their order.
    pub(super) operands: &'a [Operands],
}

/// What becomes of gradients.
pub(super) enum Learning<'a, T> {
    /// They are kept, and the parameters stay as they are.
    Keep { parameters: &'a Parameters<T>, gradients: &'a mut Gradients<T> },
    /// Each part of them is applied as it comes, and is gone.
    Apply { parameters: &'a mut Parameters<T>, optimizer: &'a mut Optimizer<T> },
}

impl<T> Learning<'_, T> {
    pub(super) fn parameters(&self) -> &Parameters<T> {
        match self {
            Learning::Keep { parameters, .. } => parameters,
            Learning::Apply { parameters, .. } => parameters,
        }
    }
}

/// What is done for the rows beside the gradients of a layer behind.
pub(super) struct Beside<'a, T> {
    pub(super) places: &'a Places,
    pub(super) operations: &'a [RowOperation],
    pub(super) part: MicroBatch<'a, T>,
    pub(super) loss: &'a Loss,
    /// The losses of the samples, which stay as they are.
    pub(super) losses: &'a mut [f64],
}

impl GradientStep<'_> {
    /// The same as [`GradientStep::run`] for one layer, with its gradients to the parameters; and beside it the error is
    /// carried back through layers before it.
    pub(super) fn run_beside<T: Scalar>(
        &self,
        threads: &Threads,
        arena: &mut [T],
        accumulate: Accumulate,
        learning: &mut Learning<'_, T>,
        scratch: &mut Scratch<T>,
        beside: Beside<'_, T>,
    ) -> Option<(&'static str, usize)> {
        let (parts, which) = (&self.parts.parts, self.parts.of(&self.layers));
        let all = parts.span(which.clone());
        let Beside { places, operations, part, loss, losses } = beside;
        let bad = AtomicUsize::new(0);
        let Operands { delta, input } = self.operands[0];
        let read = [delta, input];
        let work = Work { threads, cut: self.cut, arena, scratch, row_numbers: losses };
        match learning {
            Learning::Keep { parameters, gradients } => {
                let read_only = parameters.view();
                let pass = part.pass(self.network, loss, read_only);
                let buffers = [&mut gradients.as_mut_slice()[all], &mut [], &mut [], &mut []];
                places.for_each_block_and_part(
                    work,
                    |block, scratch, losses| pass.run_all(operations, block, scratch, losses),
                    (read, PartTasks { parts, which, buffers }),
                    |index, [gradient, ..], [delta, input], _| {
                        self.kept_part(index, Some(read_only), (delta, input), accumulate, gradient, &bad);
                    },
                );
            }
            Learning::Apply { parameters, optimizer } => {
                let (next, state) = optimizer.next_step();
                let [m, v, u] = state.map(|state| state.get_mut(all.clone()).unwrap_or_default());
                // The layers before this one carry the error back while it changes.
                let (before, w) = parameters.split(all);
                let pass = part.pass(self.network, loss, before);
                places.for_each_block_and_part(
                    work,
                    |block, scratch, losses| pass.run_all(operations, block, scratch, losses),
                    (read, PartTasks { parts, which, buffers: [w, m, v, u] }),
                    |index, buffers, [delta, input], scratch| {
                        self.applied_part(index, (delta, input), next, buffers, scratch, &bad);
                    },
                );
            }
        }
        match bad.into_inner() {
            0 => None,
            bad => Some(self.first_not_finite(arena, bad)),
        }
    }

    /// Computes the gradients, and keeps or applies them. If one is not finite, it is not applied, others may have been,
    /// and this gives what went wrong first, a delta or a gradient, and its layer.
    pub(super) fn run<T: Scalar>(
        &self,
        threads: &Threads,
        arena: &mut [T],
        destination: Destination,
        accumulate: Accumulate,
        learning: &mut Learning<'_, T>,
        scratch: &mut Scratch<T>,
    ) -> Option<(&'static str, usize)> {
        let (parts, which) = (&self.parts.parts, self.parts.of(&self.layers));
        let all = parts.span(which.clone());
        // The last layer with a gradient that is not finite; 0 if all are.
        let bad = AtomicUsize::new(0);
        let rows = 0..self.cut.rows;
        match (learning, destination) {
            (Learning::Keep { parameters, gradients }, _) => {
                let read_only = Some(parameters.view());
                let buffers = [&mut gradients.as_mut_slice()[all], &mut [], &mut [], &mut []];
                let arena = &*arena;
                parts.for_each(threads, which, buffers, |index, [gradient, ..]| {
                    let operands = self.operands_of(index, arena);
                    self.kept_part(index, read_only, operands, accumulate, gradient, &bad);
                });
            }
            (Learning::Apply { parameters, .. }, Destination::Arena(offset)) => {
                let read_only = Some(parameters.view());
                // Gradients of one layer, which lie apart from what they are computed from.
                let Operands { delta, input } = self.operands[0];
                let ranges = [delta.of(&rows), input.of(&rows), offset..offset + all.len()];
                let [delta_values, input_values, gradients] =
                    arena.get_disjoint_mut(ranges).expect("tensors do not overlap");
                let cut = (self.cut.rows, self.cut.rows_in_block);
                let delta = Blocks::new(delta_values, cut, delta.columns);
                let input = Blocks::new(input_values, cut, input.columns);
                let buffers = [gradients, &mut [], &mut [], &mut []];
                parts.for_each(threads, which, buffers, |index, [gradient, ..]| {
                    self.kept_part(index, read_only, (delta, input), Accumulate::Replace, gradient, &bad);
                });
            }
            (Learning::Apply { parameters, optimizer }, Destination::Parameters) => {
                let (next, state) = optimizer.next_step();
                let [m, v, u] = state.map(|state| state.get_mut(all.clone()).unwrap_or_default());
                let buffers = [&mut parameters.as_mut_slice()[all], m, v, u];
                let arena = &*arena;
                parts.for_each_with(threads, which, buffers, scratch, |index, buffers, scratch| {
                    self.applied_part(index, self.operands_of(index, arena), next, buffers, scratch, &bad);
                });
            }
        }
        match bad.into_inner() {
            0 => None,
            bad => Some(self.first_not_finite(arena, bad)),
        }
    }

    /// delta(l) and a(l-1) for the layer of a part.
    fn operands_of<'a, T: Scalar>(&self, index: usize, arena: &'a [T]) -> (Blocks<'a, T>, Blocks<'a, T>) {
        let Operands { delta, input } = self.operands[self.parts.places[index].layer - self.layers.start()];
        (delta.blocks(arena, self.cut), input.blocks(arena, self.cut))
    }

    /// One part of the gradients, which is kept. `bad` becomes the layer, if it is the last, where one is not finite.
    fn kept_part<T: Scalar>(
        &self,
        index: usize,
        parameters: Option<ParametersView<'_, T>>,
        operands: (Blocks<'_, T>, Blocks<'_, T>),
        accumulate: Accumulate,
        gradient: &mut [T],
        bad: &AtomicUsize,
    ) {
        self.part(index, parameters, operands, accumulate, gradient);
        if !all_finite(gradient) {
            bad.fetch_max(self.parts.places[index].layer, Relaxed);
        }
    }

    /// One part of the gradients, which is computed in scratch memory and applied at once, unless one is not finite.
    fn applied_part<T: Scalar>(
        &self,
        index: usize,
        operands: (Blocks<'_, T>, Blocks<'_, T>),
        next: NextStep<'_>,
        [w, m, v, u]: Together<'_, T>,
        scratch: &mut [T],
        bad: &AtomicUsize,
    ) {
        let gradient = &mut scratch[..w.len()];
        self.part(index, None, operands, Accumulate::Replace, gradient);
        match all_finite(gradient) {
            true => next.update(self.parts.places[index].tensor, w, gradient, [m, v, u]),
            false => _ = bad.fetch_max(self.parts.places[index].layer, Relaxed),
        }
    }

    /// One part of the gradients, over all rows. The parameters are there where they do not change meanwhile.
    fn part<T: Scalar>(
        &self,
        index: usize,
        parameters: Option<ParametersView<'_, T>>,
        (delta, input): (Blocks<'_, T>, Blocks<'_, T>),
        accumulate: Accumulate,
        gradient: &mut [T],
    ) {
        let GradientPart { layer, number, ref piece, .. } = self.parts.places[index];
        let tensors = parameters.map(|parameters| LayerTensors::of(parameters, layer));
        let layer = self.network.layers()[layer - 1].compute();
        layer.gradient(
            GradientContext { tensor: number, tensors },
            piece,
            delta,
            input,
            accumulate,
            gradient,
        );
    }

    /// Layer `bad` is the last whose gradient is not finite: because of a delta, or by itself.
    fn first_not_finite<T: Scalar>(&self, arena: &[T], bad: usize) -> (&'static str, usize) {
        let is_finite = |l: usize| {
            let Operands { delta, .. } = self.operands[l - self.layers.start()];
            all_finite(&arena[delta.of(&(0..self.cut.rows))])
        };
        let delta = self.layers.clone().rev().take_while(|&l| l >= bad).find(|&l| !is_finite(l));
        delta.map_or(("gradient", bad), |l| ("delta", l))
    }
}

/// Step 5 for one layer: its gradients lie in `gradients`.
pub(super) fn update_layer<T: Scalar>(
    threads: &Threads,
    parts: &GradientParts,
    layer: usize,
    gradients: &[T],
    parameters: &mut Parameters<T>,
    optimizer: &mut Optimizer<T>,
) {
    let which = parts.of(&(layer..=layer));
    let all = parts.parts.span(which.clone());
    let (next, state) = optimizer.next_step();
    let [m, v, u] = state.map(|state| state.get_mut(all.clone()).unwrap_or_default());
    let buffers = [&mut parameters.as_mut_slice()[all.clone()], m, v, u];
    parts.parts.for_each(threads, which, buffers, |index, [w, m, v, u]| {
        let part = parts.parts.get(index);
        next.update(
            parts.places[index].tensor,
            w,
            &gradients[part.start - all.start..part.end - all.start],
            [m, v, u],
        );
    });
}
