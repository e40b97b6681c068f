//! Buffers that start at a cache line, the large ones in large pages where the system has them.

use aligned_vec::{AVec, ConstAlign};

use super::Scalar;

/// Bytes that a buffer, and each tensor in it, is aligned to: a cache line, and the widest vector.
pub(crate) const ALIGNMENT: usize = 64;

/// `length` numbers, rounded up to what makes the next tensor start aligned.
pub(crate) fn aligned_length<T>(length: usize) -> usize {
    length.next_multiple_of(ALIGNMENT / size_of::<T>())
}

/// A buffer whose size never changes.
pub(crate) type Buffer<T> = AVec<T, ConstAlign<ALIGNMENT>>;

/// Bytes from which a buffer may hold a whole large page, and asks for it.
#[cfg(target_os = "linux")]
const LARGE: usize = 2 << 20;

/// `length` zeros.
pub(crate) fn zeros<T: Scalar>(length: usize) -> Buffer<T> {
    let mut buffer = Buffer::with_capacity(ALIGNMENT, length);
    // Before the memory is touched, and so given its pages.
    #[cfg(target_os = "linux")]
    ask_for_large_pages(buffer.as_mut_ptr(), buffer.capacity() * size_of::<T>());
    buffer.resize(length, T::zero());
    buffer
}

/// A matrix whose rows lie in thousands of small pages keeps the processor looking for their places, and the places are
/// as chance has it, so that many of them may share few lines of a cache. The request can only be declined, with no harm.
#[cfg(target_os = "linux")]
fn ask_for_large_pages<T>(start: *mut T, bytes: usize) {
    const PAGE: usize = 4096;
    if bytes < LARGE {
        return;
    }
    // From the start of the first page on: a large page is given only where all of it is asked for, and what the allocator
    // keeps before the buffer begins a page.
    let before = start.addr() % PAGE;
    // SAFETY: pages that the allocation touches, the first and the last perhaps beside others; the advice does not change what
    // they hold.
    unsafe {
        let first = start.cast::<u8>().wrapping_sub(before);
        libc::madvise(first.cast(), before + bytes, libc::MADV_HUGEPAGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_zero_and_aligned() {
        for length in [0, 1, 1000, 3 << 20] {
            let buffer = zeros::<f32>(length);
            assert!(buffer.len() == length && buffer.iter().all(|x| *x == 0.0));
            assert_eq!(buffer.as_ptr().addr() % ALIGNMENT, 0);
        }
    }
}
