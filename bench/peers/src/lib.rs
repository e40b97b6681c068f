//! What the timed programs share: the workload they read and the lines they answer.

pub mod protocol;
pub mod workload;
