//! What happens during a run, as whoever watches it is told.

use std::ops::ControlFlow;

use chainrule::{Epoch, Trainer};
use chainrule_data::Note;

/// What happens during a run.
#[non_exhaustive]
pub enum Event<'a> {
    /// A step was taken.
    Step {
        /// The epoch, from 1.
        epoch: usize,
        /// Rows of this epoch used so far.
        samples: usize,
        /// The training loss of the epoch so far.
        loss: f64,
    },
    /// An epoch is over.
    Epoch {
        /// What it brought; the metrics are in the target's own units.
        report: &'a Epoch,
        /// The run.
        run: &'a Trainer<f32>,
    },
    /// Something that the user should know at once, such as a checkpoint that cannot be written. It is among the
    /// [`notes`](crate::Fitted::notes) of what is fitted, too.
    Noticed(&'a Note),
}

/// Whoever watches a run: told of every step and every epoch, it lets the run go on or breaks it off.
pub type Observer<'o> = dyn FnMut(&Event<'_>) -> ControlFlow<()> + 'o;

/// The observer that lets everything go on.
pub fn unobserved(_: &Event<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
