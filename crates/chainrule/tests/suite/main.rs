//! The engine's tests, one file a question, in one program: what they share is compiled once.

mod api;
mod columns;
mod common;
mod finite_differences;
mod golden;
mod gradients;
mod layer_kinds;
mod mazur;
mod memory;
mod metrics;
mod mistakes;
mod model_file;
mod non_finite;
mod properties;
mod pytorch;
mod reference;
mod resume;
mod source;
mod threads;
mod trace;
mod trainer;
mod wasm;
