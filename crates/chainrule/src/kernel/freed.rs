//! Freed memory goes back to the system.

/// Gives the system what was freed. Allocators keep freed memory for the next request, a heap for each thread; a program
/// that stays open after large work would hold it for as long as it runs.
///
/// Takes about a millisecond; does nothing where the system's allocator is not glibc's.
///
/// ```
/// drop(vec![1.0; 1 << 20]);
/// chainrule::return_freed_memory();
/// ```
pub fn return_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: takes no pointer, and may be called by any thread at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}
