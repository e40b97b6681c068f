//! The only place with `unsafe`, SIMD dispatch, threads and the GEMM dependency.
//!
//! Everything above it is written as formulas over matrices. Work is divided by shape, never by the
//! number of threads, so that results have the same bits on any number of threads.

pub(crate) mod dense;
pub(crate) mod elementwise;
pub(crate) mod functions;
mod gemm;
mod scalar;
mod threads;
mod tiles;

pub use scalar::Scalar;
pub use threads::Threads;
