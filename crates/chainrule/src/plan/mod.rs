//! What a training step holds, byte by byte, known before anything is allocated; and the step that stays inside a limit.
//!
//! [`StepModel`] is a step as the planner sees it: a chain of layers, and what is held all the time. [`MemoryPlan`] is a
//! schedule of that chain (see [`checkpoint`](crate::checkpoint)) with every byte that it holds, from which
//! [`MemoryPlan::training_step`] makes the step.

mod choice;
mod ledger;
mod limit;
mod measure;
mod memory_plan;
mod model;

pub use ledger::{Ledger, LedgerEntry, Purpose};
pub use limit::{Certificate, MemoryLimit, MicroBatches};
pub use measure::measure_forward_costs;
pub use memory_plan::MemoryPlan;
pub use model::{StepModel, StepShape};
