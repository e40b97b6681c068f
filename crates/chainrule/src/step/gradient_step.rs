//! Step 4, and step 5 where gradients are not kept, from the values of all rows.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::cut::{GradientPart, GradientParts};
use super::program::{Destination, Operands};
use crate::kernel::arena::Cut;
use crate::kernel::gemm::Accumulate;
use crate::kernel::panels::Blocks;
use crate::kernel::parts::Scratch;
use crate::kernel::vectorized::all_finite;
use crate::kernel::{Scalar, Threads};
use crate::network::Network;
use crate::optimizer::Optimizer;
use crate::parameters::{Gradients, Parameters};

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

impl GradientStep<'_> {
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
        let note = |index: usize| bad.fetch_max(self.parts.places[index].layer, Relaxed);
        let rows = 0..self.cut.rows;
        match (learning, destination) {
            (Learning::Keep { gradients, .. }, _) => {
                let buffers = [&mut gradients.as_mut_slice()[all], &mut [], &mut [], &mut []];
                let arena = &*arena;
                parts.for_each(threads, which, buffers, |index, [gradient, ..]| {
                    self.part(index, self.operands_of(index, arena), accumulate, gradient);
                    if !all_finite(gradient) {
                        note(index);
                    }
                });
            }
            (Learning::Apply { .. }, Destination::Arena(offset)) => {
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
                    self.part(index, (delta, input), Accumulate::Replace, gradient);
                    if !all_finite(gradient) {
                        note(index);
                    }
                });
            }
            (Learning::Apply { parameters, optimizer }, Destination::Parameters) => {
                let (next, state) = optimizer.next_step();
                let [m, v, u] = state.map(|state| state.get_mut(all.clone()).unwrap_or_default());
                let buffers = [&mut parameters.as_mut_slice()[all], m, v, u];
                let arena = &*arena;
                parts.for_each_with(threads, which, buffers, scratch, |index, [w, m, v, u], scratch| {
                    let gradient = &mut scratch[..w.len()];
                    self.part(index, self.operands_of(index, arena), Accumulate::Replace, gradient);
                    if all_finite(gradient) {
                        next.update(self.parts.places[index].tensor, w, gradient, [m, v, u]);
                    } else {
                        note(index);
                    }
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

    /// One part of the gradients, over all rows.
    fn part<T: Scalar>(
        &self,
        index: usize,
        (delta, input): (Blocks<'_, T>, Blocks<'_, T>),
        accumulate: Accumulate,
        gradient: &mut [T],
    ) {
        let GradientPart { layer, number, ref piece, .. } = self.parts.places[index];
        let layer = self.network.layers()[layer - 1].compute();
        layer.gradient(number, piece, delta, input, accumulate, gradient);
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
