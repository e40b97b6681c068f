//! What the explorer's page asks, and its answers: a training step's trace, its edits, explanations and checks.
//!
//! The engine's trace is the one source of numbers: [`Step`] is a trace with everything it started from, and
//! what the page asks about it is computed here, never in the page. `web/src/lib/contract.ts` of the crate
//! `chainrule-explorer`, what the two say to each other, is made from the types here.
//!
//! A [`Document`] is what a person edits. Each [`Edit`] gives another one, and the [`Store`] keeps them all
//! as revisions, to which one can always go back. [`Answers`] takes a request's words and gives its answer.
//! Nothing here reads a file, opens a connection or looks at a clock that it was not given: the server and the
//! WebAssembly module are two faces of it.

#![forbid(unsafe_code)]

pub mod analysis;
mod answers;
#[cfg(test)]
mod contract;
mod deadline;
mod document;
mod edit;
mod examples;
pub mod film;
mod ledger;
pub mod limits;
mod memory;
mod num;
mod question;
pub mod quiz;
mod refusal;
mod sentences;
mod shared_document;
mod size;
mod step;
mod store;
pub mod take_away;
mod view;
mod words;

pub use answers::{Answer, Answers, Format, Unsent};
pub use deadline::{Clock, system_clock};
pub use document::{Document, Image, Pool, SUITED, parameters_in, without_training_layers};
pub use edit::{Edit, LayerShape, apply};
pub use examples::{DEFAULT, EXAMPLES, Example, document as example};
pub use limits::KEPT_BYTES;
pub use num::Num;
pub use question::{
    AboutRevision, Address, AskedAnimation, AskedFilm, AskedFrame, AtEdge, AtInput, AtLayer, AtNeuron,
    AtOuter, AtSabotage, Named, NewDocument, OfRevision, Pair, Question,
};
pub use refusal::{Refusal, error_in_json};
pub use sentences::Sentences;
pub use shared_document::SharedDocument;
pub use step::Step;
pub use store::{Made, Store};
pub use view::{Held, View};
