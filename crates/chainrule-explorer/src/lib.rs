//! A local page on which a person steps through one training step and sees every value of it.
//!
//! The engine's trace is the one source of numbers: [`Step`] is a trace with everything it started from, and
//! what the page asks about it is computed here, never in the page. `web/src/lib/contract.ts`, what the two say
//! to each other, is made from the types here.
//!
//! A [`Document`] is what a person edits. Each [`Edit`] gives another one, and the [`Store`] keeps them all
//! as revisions, to which one can always go back. [`Explorer`] is the server.

#![forbid(unsafe_code)]

pub mod analysis;
mod connection_slots;
#[cfg(test)]
mod contract;
mod deadline;
mod document;
mod edit;
mod examples;
mod guard;
mod ledger;
pub mod limits;
mod memory;
mod num;
mod of_predictor;
mod page;
mod refusal;
mod request;
mod routes;
mod sentences;
mod server;
mod shared_document;
mod size;
mod step;
mod store;
mod timed;
mod view;

pub use document::{Document, Image, Pool, SUITED};
pub use edit::{Edit, LayerShape, apply};
pub use examples::{DEFAULT, EXAMPLES, Example, document as example};
pub use limits::{KEPT_BYTES, ServerLimits};
pub use num::Num;
pub use of_predictor::of_predictor;
pub use refusal::Refusal;
pub use sentences::Sentences;
pub use server::{DEFAULT_PORT, Explorer, StartError, Stopper};
pub use shared_document::SharedDocument;
pub use step::Step;
pub use store::{Made, Store};
pub use view::{Held, View};
