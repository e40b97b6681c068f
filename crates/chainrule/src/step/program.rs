//! What a step does, phase by phase, and where its tensors lie: a schedule, compiled.
//!
//! A phase is work that all threads share, with a barrier behind it. Consecutive forward operations are one phase, in
//! which each block of rows goes through all these layers; states that the schedule drops before the phase ends are
//! never written.

use std::ops::{Range, RangeInclusive};

use super::arena_layout::{ArenaLayout, ArenaTensor};
use super::cut::{most_rows, scratch_numbers};
use crate::kernel::Scalar;
use crate::kernel::arena::{Place, Places};
use crate::network::Network;

/// A compiled schedule for batches of up to `rows` rows.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(super) rows: usize,
    /// Rows of a block, at most.
    pub(super) most_rows: usize,
    /// Numbers of scratch memory that a thread needs.
    pub(super) scratch: usize,
    pub(super) phases: Vec<Phase>,
    /// Numbers in the arena.
    pub(crate) length: usize,
    /// What lies in the arena when most does, and how many numbers each tensor takes.
    pub(crate) at_peak: Vec<(ArenaTensor, usize)>,
}

impl Program {
    pub(super) fn new<T: Scalar>(
        network: &Network,
        rows: usize,
        threads: usize,
        phases: Vec<Phase>,
        layout: &ArenaLayout,
    ) -> Self {
        Program {
            rows,
            most_rows: most_rows(network, rows, threads),
            scratch: scratch_numbers::<T>(network, rows, threads),
            phases,
            length: layout.length(),
            at_peak: layout.at_peak(),
        }
    }
}

/// Work between two barriers.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// These operations, one after the other, for each block of rows.
    Rows { places: Places, operations: Vec<RowOperation> },
    /// Operations that carry the error back, and, beside them, the gradients of a layer behind, which do not depend on them:
    /// so there is one barrier for a layer.
    RowsAndGradients { places: Places, operations: Vec<RowOperation>, layer: usize, operands: Operands },
    /// dW(l) and db(l) of some layers, from all rows.
    Gradients { layers: RangeInclusive<usize>, operands: Vec<Operands>, destination: Destination },
    /// W(l) and b(l) take the gradients that lie at this offset.
    Update { layer: usize, gradient: usize },
    /// A tensor moves to a smaller offset.
    Move { from: Range<usize>, to: usize },
}

impl Phase {
    /// Whether losses are computed in this phase.
    pub(super) fn has_loss(&self, network: &Network) -> bool {
        let Phase::Rows { operations, .. } = self else { return false };
        matches!(operations[..], [RowOperation::Forward { to, .. }, ..] if to == network.depth())
    }
}

/// Where delta(l) and a(l-1) lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operands {
    pub(super) delta: Place,
    pub(super) input: Place,
}

/// Where gradients go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Destination {
    /// Into the update at once, part by part; or to those that are kept, where the step keeps them.
    Parameters,
    /// To this offset in the arena, for [`Phase::Update`].
    Arena(usize),
}

/// Work on a block of rows. Tensors are named by their index among the phase's places.
#[derive(Clone, Debug)]
pub(super) enum RowOperation {
    /// Step 1 for the layers after `from` up to `to`, and step 2 if that is the last. `from` 0 are the inputs, else
    /// its state is `source`. `stored[i]` is where the state of layer `from + i` goes, if anywhere; for inputs, a(0);
    /// for the last layer, its delta.
    Forward { from: usize, to: usize, source: Option<usize>, stored: Vec<Option<usize>> },
    /// Step 3: delta(l-1) from delta(l), and a(l-1) in place of the state of layer l-1; or, if there is no `error`,
    /// delta(l-1) in place of the state.
    Propagate { layer: usize, delta: usize, state: usize, error: Option<usize> },
}
