//! Tells which instruction set computes, and refuses a name that stands for none.

use crate::error::{Error, Result};
use crate::kernel::{InstructionSet, instructions};

/// Which instruction set computes, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions {
    /// The set.
    pub set: InstructionSet,
    /// Whether the environment variable `CHAINRULE_INSTRUCTIONS` names it; else it is the best that the processor has.
    pub is_named: bool,
}

/// Which instruction set computes: the one that the environment variable `CHAINRULE_INSTRUCTIONS` names (`avx512`,
/// `avx2` or `plain`), or else the best that the processor has. It is read once. All sets give the same bits.
///
/// ```
/// let instructions = chainrule::instructions()?;
/// println!("computes with {}", instructions.set.name());
/// # Ok::<(), chainrule::Error>(())
/// ```
///
/// # Errors
/// When the variable holds another name than those of [`InstructionSet::available`]. What computes does not fail
/// then: it takes the best set. A program that lets people set the variable calls this at its start.
pub fn instructions() -> Result<Instructions> {
    let instructions::Choice { set, name } = instructions::choice();
    match name {
        Some(name) if name != set.name() => Err(Error::InstructionSet {
            name: name.clone(),
            available: InstructionSet::available().map(InstructionSet::name).collect::<Vec<_>>().join(", "),
        }),
        name => Ok(Instructions { set: *set, is_named: name.is_some() }),
    }
}
