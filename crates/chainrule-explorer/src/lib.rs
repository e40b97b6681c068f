//! A local page on which a person steps through one training step and sees every value of it.
//!
//! `chainrule-explorer-core` answers what the page asks, and this crate is its face on a machine: [`Explorer`] is the
//! server of the page and of the answers, [`page_with`] gives the page as one file that needs no server, and
//! [`of_predictor`] makes of a trained model with rows of data what either opens. The page itself is in `web`.

#![forbid(unsafe_code)]

mod connection_slots;
mod export;
mod guard;
mod of_predictor;
mod page;
mod request;
mod routes;
mod server;
mod server_limits;
mod timed;

pub use export::page_with;
pub use of_predictor::of_predictor;
pub use server::{DEFAULT_PORT, Explorer, StartError, Stopper};
pub use server_limits::ServerLimits;
