//! Steps 1 to 3 for some rows of a batch: forward, output error, backward.

use std::ops::RangeInclusive;

use super::Samples;
use super::plan::{Block, LayerPlan, Plan, Region};
use crate::forward::{Mode, activate_output};
use crate::kernel::Scalar;
use crate::kernel::panels::{Panels, from_rows};
use crate::kernel::transpose::{transpose, transpose_to_rows};
use crate::layer::{Context, LayerWeights, Stored};
use crate::loss::{Loss, Output, Targets};
use crate::matrix::MatrixView;
use crate::network::Network;
use crate::parameters::Parameters;

/// One step's constants.
pub(super) struct Pass<'a, T> {
    pub(super) network: &'a Network,
    pub(super) loss: &'a Loss,
    pub(super) plan: &'a Plan,
    pub(super) parameters: &'a Parameters<T>,
    pub(super) mode: Mode,
    pub(super) total_weight: f64,
}

impl<T: Scalar> Pass<'_, T> {
    fn context(&self, l: usize, first_sample: usize) -> Context<'_, T> {
        let weights = LayerWeights::of(self.parameters, l);
        Context { weights, layer: l, mode: self.mode, first_sample }
    }

    /// Steps 1 and 2 for some rows.
    pub(super) fn forward(&self, block: &mut Block<'_, T>, batch: Samples<'_, T>, losses: &mut [f64]) {
        let (plan, depth, rows, first) = (self.plan, self.network.depth(), block.rows, block.first);
        let samples = first..first + rows;
        let turned = |l: usize| Region { width: self.network.width(l), ..plan.turned[l % 2] };
        let [input, next] = block.regions([plan.input, turned(0)]);
        batch.inputs.write_panels(samples.clone(), input);
        transpose(Panels::new(input, rows, self.network.width(0)), next);
        for l in 1..=depth {
            let layer = self.network.layers()[l - 1].compute();
            let [previous, values] = block.regions([turned(l - 1), turned(l)]);
            let previous = Panels::new(previous, self.network.width(l - 1), rows);
            layer.pre_activation(self.context(l, first), previous, values);
            if l < depth {
                let LayerPlan { pre_activation, activation, .. } = plan.layers[l - 1];
                let [values, z, a] = block.regions([turned(l), pre_activation, activation]);
                if !z.is_empty() {
                    transpose(Panels::new(values, self.network.width(l), rows), z);
                }
                layer.activate(values);
                transpose(Panels::new(values, self.network.width(l), rows), a);
            }
        }
        let width = self.network.output_width();
        let [z, a, _] = plan.output;
        let [values, z, a] = block.regions([turned(depth), z, a]);
        transpose_to_rows(Panels::new(values, width, rows), z);
        a.copy_from_slice(z);
        activate_output(self.network.output_activation(), width, a);
        let sample_weights = batch.sample_weights.map(|weights| &weights[samples.clone()]);
        self.output_error(block, batch.targets.slice(samples), sample_weights, losses);
    }

    /// Step 2 for some rows.
    fn output_error(
        &self,
        block: &mut Block<'_, T>,
        targets: Targets<'_, T>,
        sample_weights: Option<&[T]>,
        losses: &mut [f64],
    ) {
        let (activation, width) = (self.network.output_activation(), self.network.output_width());
        let [z, a, delta] = self.plan.output;
        let [z, a, delta, panels] = block.regions([z, a, delta, self.plan.delta_panels]);
        let output = Output { activation, width, z, a };
        self.loss.output_error_rows(output, targets, sample_weights, self.total_weight, delta, losses);
        if !panels.is_empty() {
            from_rows(MatrixView::new(losses.len(), width, delta).expect("rows of the output"), panels);
        }
    }

    /// Step 3 for some rows: delta(l-1) from delta(l) for these layers l, from the last to the first.
    pub(super) fn backward(&self, block: &mut Block<'_, T>, layers: RangeInclusive<usize>) {
        let (plan, rows, first) = (self.plan, block.rows, block.first);
        for l in layers.rev().take_while(|&l| l > plan.first) {
            let before = &plan.layers[l - 2];
            let regions = [plan.layers[l - 1].delta, before.pre_activation, before.activation, before.delta];
            let [delta, z, a, error] = block.regions(regions);
            let delta = Panels::new(delta, rows, self.network.width(l));
            self.network.layers()[l - 1].compute().propagate(self.context(l, first), delta, error);
            let stored = Stored { pre_activation: z, activation: a };
            let layer = self.network.layers()[l - 2].compute();
            layer.error_to_delta(stored, error);
        }
    }
}
