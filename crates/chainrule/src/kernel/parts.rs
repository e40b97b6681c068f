//! Buffers shared among threads in parts that do not overlap.

use std::marker::PhantomData;
use std::ops::Range;

use super::buffer::{ALIGNMENT, Buffer, zeros};
use super::{Scalar, Threads};

/// Elements that one task of [`for_each_part`] covers.
const PART: usize = 1 << 15;

/// Buffers of one length that are changed together: one to write and up to three of state.
pub(crate) type Together<'a, T> = [&'a mut [T]; 4];

/// Calls `body(range, buffers restricted to range)` for parts of `length` elements, on all threads.
///
/// Each buffer is `length` long or empty; an empty one stays empty.
pub(crate) fn for_each_part<T: Scalar>(
    threads: &Threads,
    length: usize,
    buffers: Together<'_, T>,
    body: impl Fn(Range<usize>, Together<'_, T>) + Sync,
) {
    assert!(buffers.iter().all(|buffer| buffer.is_empty() || buffer.len() == length));
    let pointers = buffers.map(|buffer| (SharedPointer(buffer.as_mut_ptr()), !buffer.is_empty()));
    threads.run(length.div_ceil(PART), &|part| {
        let range = part * PART..((part + 1) * PART).min(length);
        let slices = pointers.each_ref().map(|(pointer, present)| {
            let (offset, count) = if *present { (range.start, range.len()) } else { (0, 0) };
            // SAFETY: parts do not overlap, and each buffer is borrowed mutably by this call.
            unsafe { std::slice::from_raw_parts_mut(pointer.get().add(offset), count) }
        });
        body(range, slices);
    });
}

/// Ranges of a buffer that do not overlap, in the order of the tasks that may change them at the same time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts(Vec<Range<usize>>);

impl Parts {
    /// Checks the ranges.
    pub(crate) fn new(ranges: Vec<Range<usize>>) -> Self {
        assert!(ranges.iter().all(|range| range.start <= range.end));
        let mut in_order: Vec<_> = ranges.iter().collect();
        in_order.sort_by_key(|range| range.start);
        assert!(in_order.windows(2).all(|pair| pair[0].end <= pair[1].start));
        Parts(ranges)
    }

    /// Range number `index`.
    pub(crate) fn get(&self, index: usize) -> Range<usize> {
        self.0[index].clone()
    }

    /// Calls `body(i, buffers restricted to range i)` for the ranges `which`, on all threads. Each buffer covers their
    /// [`Parts::span`], or is empty and stays so.
    pub(crate) fn for_each<T: Scalar>(
        &self,
        threads: &Threads,
        which: Range<usize>,
        buffers: Together<'_, T>,
        body: impl Fn(usize, Together<'_, T>) + Sync,
    ) {
        self.for_each_with(threads, which, buffers, &mut Scratch::default(), |index, buffers, _| {
            body(index, buffers)
        });
    }

    /// The same with scratch memory for `body`.
    pub(crate) fn for_each_with<T: Scalar>(
        &self,
        threads: &Threads,
        which: Range<usize>,
        buffers: Together<'_, T>,
        scratch: &mut Scratch<T>,
        body: impl Fn(usize, Together<'_, T>, &mut [T]) + Sync,
    ) {
        let scratch = scratch.share(threads.count());
        let (count, task) = PartTasks { parts: self, which, buffers }.tasks(&scratch, body);
        threads.run_on(count, &task);
    }

    /// From the least start of these ranges to the largest end.
    pub(crate) fn span(&self, which: Range<usize>) -> Range<usize> {
        let spanned =
            |span: Range<usize>, range: &Range<usize>| span.start.min(range.start)..span.end.max(range.end);
        self.0[which].iter().cloned().reduce(|span, range| spanned(span, &range)).unwrap_or(0..0)
    }
}

/// Some parts, with the buffers that they are parts of: each covers their [`Parts::span`], or is empty.
pub(crate) struct PartTasks<'a, T> {
    pub(crate) parts: &'a Parts,
    pub(crate) which: Range<usize>,
    pub(crate) buffers: Together<'a, T>,
}

impl<'a, T: Scalar> PartTasks<'a, T> {
    /// How many parts there are, and what is to be done for each of them: a task of the thread and its number.
    pub(super) fn tasks(
        self,
        scratch: &'a SharedScratch<'_, T>,
        body: impl Fn(usize, Together<'_, T>, &mut [T]) + Sync + 'a,
    ) -> (usize, impl Fn(usize, usize) + Sync + 'a) {
        let PartTasks { parts, which, buffers } = self;
        let (all, count) = (parts.span(which.clone()), which.len());
        assert!(buffers.iter().all(|buffer| buffer.is_empty() || buffer.len() == all.len()));
        let pointers = buffers.map(|buffer| (SharedPointer(buffer.as_mut_ptr()), !buffer.is_empty()));
        let task = move |thread: usize, task: usize| {
            let index = which.start + task;
            let range = parts.get(index);
            let slices = pointers.each_ref().map(|(pointer, present)| {
                let (offset, count) = if *present { (range.start - all.start, range.len()) } else { (0, 0) };
                // SAFETY: ranges do not overlap, and each buffer is borrowed mutably as long as the tasks are.
                unsafe { std::slice::from_raw_parts_mut(pointer.get().add(offset), count) }
            });
            // SAFETY: this thread runs one task at a time.
            body(index, slices, unsafe { scratch.of(thread) });
        };
        (count, task)
    }
}

/// Memory of `length` numbers for each thread.
pub(crate) struct Scratch<T> {
    buffer: Buffer<T>,
    length: usize,
}

impl<T: Scalar> Default for Scratch<T> {
    fn default() -> Self {
        Scratch::new(0)
    }
}

impl<T: Scalar> Scratch<T> {
    /// Nothing is reserved before the number of threads is known.
    pub(crate) fn new(length: usize) -> Self {
        Scratch { buffer: zeros(0), length: length.next_multiple_of(ALIGNMENT / size_of::<T>()) }
    }

    /// Makes sure that there is memory for so many threads.
    pub(crate) fn reserve(&mut self, threads: usize) {
        if self.buffer.len() < threads * self.length {
            self.buffer = zeros(threads * self.length);
        }
    }

    /// The threads' parts; all that is reserved for one that is alone.
    pub(super) fn share(&mut self, threads: usize) -> SharedScratch<'_, T> {
        self.reserve(threads);
        let length = if threads == 1 { self.buffer.len() } else { self.length };
        let start = SharedPointer(self.buffer.as_mut_ptr());
        SharedScratch { start, length, borrowed: PhantomData }
    }

    /// The part of the thread that calls, when no other works.
    pub(crate) fn own(&mut self) -> &mut [T] {
        self.reserve(1);
        let length = self.length;
        &mut self.buffer[..length]
    }

    /// The bytes that are reserved.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.buffer[..])
    }
}

/// [`Scratch`], shared among threads.
pub(super) struct SharedScratch<'a, T> {
    start: SharedPointer<T>,
    length: usize,
    borrowed: PhantomData<&'a [T]>,
}

impl<T> SharedScratch<'_, T> {
    /// The part of thread number `thread`.
    ///
    /// # Safety
    /// The memory was reserved for that many threads, and nobody else uses this part.
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn of(&self, thread: usize) -> &mut [T] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.get().add(thread * self.length), self.length) }
    }
}

/// Cuts two buffers into chunks of `lengths` elements (the last may be shorter) and calls `body(i, chunk i of each)`
/// for as many chunks as the first has, on all threads.
pub(crate) fn for_each_chunk<A: Send, B: Send>(
    threads: &Threads,
    buffers: (&mut [A], &mut [B]),
    lengths: (usize, usize),
    body: impl Fn(usize, &mut [A], &mut [B]) + Sync,
) {
    let scratch = &mut Scratch::<f32>::default();
    for_each_chunk_with(threads, buffers, lengths, scratch, |index, first, second, _| {
        body(index, first, second)
    });
}

/// The same with scratch memory for `body`.
pub(crate) fn for_each_chunk_with<A: Send, B: Send, T: Scalar>(
    threads: &Threads,
    (first, second): (&mut [A], &mut [B]),
    lengths: (usize, usize),
    scratch: &mut Scratch<T>,
    body: impl Fn(usize, &mut [A], &mut [B], &mut [T]) + Sync,
) {
    let count = first.len().div_ceil(lengths.0.max(1));
    let (a_length, b_length) = (first.len(), second.len());
    let (a, b) = (SharedPointer(first.as_mut_ptr()), SharedPointer(second.as_mut_ptr()));
    // One task is done by the caller.
    let scratch = scratch.share(if count <= 1 { 1 } else { threads.count() });
    threads.run_on(count, &|thread, i| {
        let part = |length: usize, all: usize| ((i * length).min(all), ((i + 1) * length).min(all));
        let ((a0, a1), (b0, b1)) = (part(lengths.0, a_length), part(lengths.1, b_length));
        // SAFETY: chunks do not overlap, and both buffers are borrowed mutably by this call.
        let a = unsafe { std::slice::from_raw_parts_mut(a.get().add(a0), a1 - a0) };
        // SAFETY: as above.
        let b = unsafe { std::slice::from_raw_parts_mut(b.get().add(b0), b1 - b0) };
        // SAFETY: this thread runs one task at a time.
        body(i, a, b, unsafe { scratch.of(thread) });
    });
}

/// A pointer that threads share; each writes its own elements.
#[derive(Clone, Copy)]
pub(super) struct SharedPointer<T>(pub(super) *mut T);

// SAFETY: those who make one promise that threads write disjoint elements.
unsafe impl<T: Send> Send for SharedPointer<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SharedPointer<T> {}

impl<T> SharedPointer<T> {
    /// The pointer; a method, so that closures capture the wrapper.
    pub(super) fn get(&self) -> *mut T {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_everything_once() {
        let length = 3 * PART + 17;
        let (mut a, mut b) = (vec![0f64; length], vec![1f64; length]);
        let threads = Threads::new(3);
        for_each_part(&threads, length, [&mut a, &mut [], &mut b, &mut []], |range, [a, none, b, _]| {
            assert!(none.is_empty());
            for (offset, index) in range.enumerate() {
                a[offset] += index as f64;
                b[offset] += a[offset];
            }
        });
        assert!((0..length).all(|i| a[i] == i as f64 && b[i] == 1.0 + i as f64));
    }
}
