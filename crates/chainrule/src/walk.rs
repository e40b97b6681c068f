//! The walk through the layers, for some rows of a batch: z(l), a(l), and the error on its way back. Everything that runs a
//! network runs it by these few lines.

use std::ops::RangeInclusive;

use crate::kernel::panels::Panels;
use crate::kernel::{Scalar, Threads};
use crate::layer::{Context, LayerTensors, Signal};
use crate::mode::Mode;
use crate::network::Network;
use crate::parameters::ParametersView;

/// A network with its parameters, at work on some rows.
#[derive(Clone, Copy)]
pub(crate) struct Walk<'a, T> {
    pub(crate) network: &'a Network,
    pub(crate) parameters: ParametersView<'a, T>,
    pub(crate) mode: Mode,
    /// How many rows.
    pub(crate) rows: usize,
    /// The batch's sample that the first row is.
    pub(crate) first_sample: usize,
    /// As [`Context`] has them.
    pub(crate) threads: Option<&'a Threads>,
}

/// What becomes of a walk when it has shown something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Next {
    /// It goes on.
    On,
    /// It goes on; who was shown z has turned it into a.
    Activated,
    /// It ends.
    End,
}

/// What a walk shows of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shown {
    /// z(l).
    PreActivation,
    /// a(l); not of the last layer, whose activation needs whole rows.
    Activation,
}

impl<T: Scalar> Walk<'_, T> {
    fn context(&self, l: usize) -> Context<'_, T> {
        let tensors = LayerTensors::of(self.parameters, l);
        Context { tensors, layer: l, mode: self.mode, first_sample: self.first_sample, threads: self.threads }
    }

    /// z(l)^T from a(l-1)^T.
    pub(crate) fn pre_activation(&self, l: usize, input: &[T], z: &mut [T]) {
        let input = Panels::new(input, self.network.width(l - 1), self.rows);
        self.network.layers()[l - 1].compute().pre_activation(self.context(l), input, z);
    }

    /// a(l) from z(l), in place, in any layout.
    pub(crate) fn activate(&self, l: usize, values: &mut [T]) {
        self.network.layers()[l - 1].compute().activate(values);
    }

    /// Step 1 for these layers, one after the other: `values` starts with the first one's input, samples as columns, and
    /// `next` has as much room. `show` sees each z and a as it comes, and says how it goes on. Gives the buffer that has what
    /// came last.
    #[inline]
    pub(crate) fn forward<'b>(
        &self,
        layers: RangeInclusive<usize>,
        [mut values, mut next]: [&'b mut [T]; 2],
        mut show: impl FnMut(usize, Shown, &mut [T]) -> Next,
    ) -> &'b mut [T] {
        for l in layers {
            let [n_in, width] = [l - 1, l].map(|l| self.rows * self.network.width(l));
            self.pre_activation(l, &values[..n_in], &mut next[..width]);
            std::mem::swap(&mut values, &mut next);
            let is_activated = match show(l, Shown::PreActivation, &mut values[..width]) {
                Next::On => false,
                Next::Activated => true,
                Next::End => break,
            };
            if l < self.network.depth() {
                if !is_activated {
                    self.activate(l, &mut values[..width]);
                }
                if show(l, Shown::Activation, &mut values[..width]) == Next::End {
                    break;
                }
            }
        }
        values
    }

    /// Whether the error that layer `l` carries back depends on a(l-1).
    pub(crate) fn backward_reads_input(&self, l: usize) -> bool {
        self.network.layers()[l - 1].kind().backward_reads_input()
    }

    /// Step 3, first half: dLoss/da(l-1) from delta(l), and from a(l-1) where it depends on that.
    pub(crate) fn carry_back(&self, l: usize, delta: &[T], input: Option<&[T]>, error: &mut [T]) {
        let panels = |values, l| Panels::new(values, self.rows, self.network.width(l));
        let signal = Signal { delta: panels(delta, l), input: input.map(|input| panels(input, l - 1)) };
        self.network.layers()[l - 1].compute().propagate(self.context(l), signal, error);
    }

    /// Step 3, second half: dLoss/da(l) * sigma'(z(l)) = delta(l), and the layer's state into its a, both in place.
    pub(crate) fn through_activation(&self, l: usize, state: &mut [T], error: &mut [T]) {
        self.network.layers()[l - 1].compute().error_to_delta(state, error);
    }
}
