//! What a person takes away of a step: its trace as a file, and a script that checks its numbers elsewhere.

mod pytorch;
mod trace_file;

pub use pytorch::pytorch_script;
pub use trace_file::{Difference, TraceFile, Verified};
