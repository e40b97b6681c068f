//! Element-by-element loops compiled for the best instruction set of the machine they run on,
//! and shared among threads by ranges that depend on the length alone.

use std::ops::Range;

use super::{Scalar, Threads};

/// Runs a loop in the widest vectors that this machine has.
///
/// The closure is compiled once for each instruction set; its arithmetic stays the same, element by element.
#[inline]
pub(crate) fn vectorized<R>(body: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(body)
}

/// Runs `$body` in the widest vectors that this machine has, as [`vectorized`] does, however long it is: the compiler
/// leaves a long closure a function of its own, which then lacks the wide instructions.
///
/// `vectorized_loop! { for T: values: &'a mut [T] = values, slope: T = slope; body }`, where at least one of the values that
/// the body uses is borrowed.
macro_rules! vectorized_loop {
    (for $number:ident: $($name:ident: $type:ty = $value:expr),+; $body:expr) => {{
        struct Loop<'a, $number> {
            $($name: $type),+
        }

        impl<$number: $crate::kernel::Scalar> pulp::NullaryFnOnce for Loop<'_, $number> {
            type Output = ();

            #[inline(always)]
            fn call(self) {
                let Self { $($name),+ } = self;
                $body
            }
        }

        pulp::Arch::new().dispatch(Loop { $($name: $value),+ })
    }};
}

pub(crate) use vectorized_loop;

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
            unsafe { std::slice::from_raw_parts_mut(pointer.0.add(offset), count) }
        });
        body(range, slices);
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

/// Whether every element is finite.
pub(crate) fn all_finite<T: Scalar>(values: &[T]) -> bool {
    // x * 0 is 0 for finite x and NaN otherwise; sums in lanes vectorize, an early return does not.
    vectorized(|| {
        let mut lanes = [T::zero(); 32];
        let chunks = values.chunks_exact(32);
        for &value in chunks.remainder() {
            lanes[0] += value * T::zero();
        }
        for chunk in chunks {
            for i in 0..32 {
                lanes[i] += chunk[i] * T::zero();
            }
        }
        lanes.iter().all(|lane| *lane == T::zero())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_element_anywhere_is_found() {
        for length in [0, 1, 31, 32, 33, 1000] {
            let values = vec![f32::MAX; length];
            assert!(all_finite(&values));
            for index in 0..length {
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let mut values = values.clone();
                    values[index] = bad;
                    assert!(!all_finite(&values), "{bad} at {index} of {length}");
                }
            }
        }
    }

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
