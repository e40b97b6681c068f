//! What the estimator promises, seen from outside; one executable, so that the tests link once.

mod delivered;
mod from_memory;
mod misuse;
mod models;
mod place;
mod properties;
mod real_mlp;
mod runs;
