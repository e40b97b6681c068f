//! The only place with `unsafe`, SIMD and threads.
//!
//! Everything above it is written as formulas over matrices. Results have the same bits on any number of
//! threads: every element of a product is one chain of multiply-adds in a fixed order (see `gemm`), and
//! whoever divides work only chooses which chains run where.

pub(crate) mod arena;
pub(crate) mod buffer;
mod freed;
pub(crate) mod functions;
pub(crate) mod gemm;
mod instructions;
mod lanes;
pub(crate) mod panels;
pub(crate) mod parts;
mod peak;
mod scalar;
mod threads;
pub(crate) mod transpose;
pub(crate) mod vectorized;

pub use freed::return_freed_memory;
pub use peak::fma_peak;
pub use scalar::Scalar;
pub use threads::Threads;
