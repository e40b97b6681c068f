//! A local page on which a person steps through one training step and sees every value of it.
//!
//! The engine's trace is the one source of numbers: [`Step`] is a trace with everything it started from, and what the page
//! asks about it is computed here, never in the page. `web/src/lib/contract.ts` lists what the two say to each other.

pub mod analysis;
mod num;
mod refusal;
mod step;

pub use num::Num;
pub use refusal::Refusal;
pub use step::Step;
