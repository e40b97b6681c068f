//! Step 4, and step 5 where gradients are not kept, from the values of all rows.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::plan::{Cut, Plan, Region};
use crate::error::{Error, Result};
use crate::kernel::elementwise::{Scratch, all_finite};
use crate::kernel::panels::Blocks;
use crate::kernel::{Scalar, Threads};
use crate::network::Network;
use crate::optimizer::Optimizer;
use crate::parameters::{Gradients, Parameters};

/// Step 4, and 5 where gradients are not kept, from the values of all blocks.
pub(super) struct GradientStep<'a, T> {
    pub(super) network: &'a Network,
    pub(super) plan: &'a Plan,
    pub(super) blocks: &'a [T],
    pub(super) cut: Cut,
}

impl<T: Scalar> GradientStep<'_, T> {
    /// The gradients of some layers, kept or applied: whether all are finite.
    ///
    /// # Errors
    /// When one is not finite and others were applied.
    pub(super) fn run(
        &self,
        threads: &Threads,
        layers: RangeInclusive<usize>,
        kept: Option<&mut Gradients<T>>,
        scratch: &mut Scratch<T>,
        parameters: &mut Parameters<T>,
        optimizer: &mut Optimizer<T>,
    ) -> Result<bool> {
        let plan = self.plan;
        let which = plan.layers[layers.start() - 1].parts.start..plan.layers[layers.end() - 1].parts.end;
        // The last layer with a gradient that is not finite; 0 if all are.
        let bad = AtomicUsize::new(0);
        let note = |index: usize| bad.fetch_max(plan.part_places[index].0, Relaxed);
        if let Some(gradients) = kept {
            let buffers = [gradients.as_mut_slice(), &mut [], &mut [], &mut []];
            plan.parts.for_each(threads, which, buffers, |index, [gradient, ..]| {
                self.part(index, gradient);
                if !all_finite(gradient) {
                    note(index);
                }
            });
            return Ok(bad.into_inner() == 0);
        }
        let number = optimizer.steps() + 1;
        let (next, [m, v, u]) = optimizer.next_step();
        let buffers = [parameters.as_mut_slice(), m, v, u];
        plan.parts.for_each_with(threads, which, buffers, scratch, |index, [w, m, v, u], gradient| {
            let gradient = &mut gradient[..w.len()];
            self.part(index, gradient);
            if all_finite(gradient) {
                next.update(w, gradient, [m, v, u]);
            } else {
                note(index);
            }
        });
        let bad = bad.into_inner();
        if bad == 0 {
            return Ok(true);
        }
        let delta = layers.rev().take_while(|&l| l >= bad).find(|&l| !self.delta_is_finite(l));
        let (quantity, layer) = delta.map_or(("gradient", bad), |l| ("delta", l));
        Err(Error::NonFinite { quantity, layer, step: number, epoch: None })
    }

    /// delta(l).
    fn delta(&self, l: usize) -> Blocks<'_, T> {
        self.region(self.plan.layers[l - 1].delta, self.network.width(l))
    }

    /// A region of all blocks.
    fn region(&self, region: Region, width: usize) -> Blocks<'_, T> {
        let (row, cut) = (self.plan.row, self.cut);
        Blocks::new(&self.blocks[..cut.batch * row], row, cut.rows_in_block, region.start, width)
    }

    /// One part of the gradients, over all rows of the batch.
    fn part(&self, index: usize, gradient: &mut [T]) {
        let (l, tensor, part) = self.plan.part_places[index].clone();
        let layer = self.network.layers()[l - 1].compute();
        let input = self.region(self.plan.activation(l - 1), self.network.width(l - 1));
        layer.gradient(tensor, part, self.delta(l), input, gradient);
    }

    fn delta_is_finite(&self, l: usize) -> bool {
        let delta = self.delta(l);
        (0..delta.count()).all(|block| all_finite(delta.get(block).data()))
    }
}
