//! Plans which states of a chain to keep and which to recompute, so that a pass forward and back stays
//! inside a limit of bytes at the least cost. It knows nothing of networks: a chain is three lists of numbers.
//!
//! State l is the one stored tensor of layer l, w_l bytes; delta(l) has w_l bytes too; the input is the
//! caller's, w_0 = 0.
//!
//! - F_l: state l-1 -> state l, at cost f_l. F_L turns its result into delta(L) and runs exactly once.
//! - B_l: (delta(l), state l-1) -> delta(l-1), which replaces state l-1; e_l more bytes are live meanwhile.
//! - drop l: frees state l.
//!
//! [`Chain::run`] is the definition of what a schedule takes. [`Planner`] holds the least cost as a function
//! of the limit, byte-exact, and the schedules that reach it. [`optimum`] certifies a plan of a short chain
//! by exhaustive search.

mod chain;
mod content;
mod curve;
mod exhaustive;
mod general;
mod grids;
mod peak;
mod persistent;
mod planner;
mod planners;
mod ranges;
mod schedule;
#[cfg(test)]
mod tests;

pub use chain::{Chain, ChainError};
pub use curve::Breakpoint;
pub use exhaustive::{CERTIFIABLE, optimum};
pub(crate) use peak::Peak;
pub use planner::{Method, Planner};
pub use planners::Planners;
pub use schedule::{Cost, Fault, Operation, Schedule, ScheduleError};
