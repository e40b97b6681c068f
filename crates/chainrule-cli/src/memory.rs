//! Whether this machine can hold what a command needs, asked before the attempt would end the program.

/// Whether the system would give this many bytes.
pub(crate) fn can_hold(bytes: u128) -> bool {
    usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok())
}
