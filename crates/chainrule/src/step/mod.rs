//! The fused training step: the five steps in buffers made beforehand, on all threads.
//!
//! `program` says what a step does, phase by phase, and where its tensors lie; `compiler` makes a program of a schedule, `fast`
//! that of the plain step. `training_step` runs one: `pass` does steps 1 to 3 for a block of rows, `gradient_step` steps 4
//! and 5. `room` is the one rule of what a backward operation holds, `cut` how work is cut.

mod arena_layout;
mod compiler;
mod cut;
mod fast;
mod gradient_step;
mod pace;
mod pass;
mod program;
mod room;
mod training_step;

pub(crate) use arena_layout::ArenaTensor;
pub(crate) use compiler::{Conditions, compiled};
pub(crate) use cut::scratch_numbers;
pub(crate) use fast::fast_program;
pub(crate) use program::Program;
pub(crate) use room::BackwardRoom;
pub(crate) use training_step::{Reserve, check_size};
pub use training_step::{StepGradients, TrainingStep};
