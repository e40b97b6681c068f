//! The only place with `unsafe`, SIMD and threads.
//!
//! Everything above it is written as formulas over matrices. Results have the same bits on any number of
//! threads: every element of a product is one chain of multiply-adds in a fixed order (see `gemm`), and
//! whoever divides work only chooses which chains run where.

pub(crate) mod arena;
pub(crate) mod buffer;
pub(crate) mod caches;
pub(crate) mod dispatch;
mod freed;
pub(crate) mod functions;
pub(crate) mod gemm;
pub(crate) mod instructions;
mod lanes;
pub(crate) mod panels;
pub(crate) mod parts;
mod peak;
pub(crate) mod philox;
pub(crate) mod rows;
mod scalar;
mod threads;
pub(crate) mod transpose;
pub(crate) mod vectorized;
pub(crate) mod words;

pub use freed::return_freed_memory;
pub use instructions::InstructionSet;
pub use peak::{fma_peak, sustained_fma_peak};
pub use scalar::Scalar;
pub use threads::Threads;
